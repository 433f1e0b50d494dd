"""Link rot: what the checker says of real servers, and what a run over the sources stores, stopped runs included."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import raw, sources
from support.counting import CountingBackend
from support.web import Web, serving, trusting

from rekall.db import Database
from rekall.infra import register_backend
from rekall.link_rot import LinkRotChecker, SourceCheck, source_url, verify_sources


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "knowledge.db") as opened:
        yield opened


def here(timeout: float = 10) -> LinkRotChecker:
    """May check this machine."""
    return LinkRotChecker(timeout, allow_private=True, ssl_context=trusting())


def cited(db: Database, source_id: str, url: str, **columns: Any) -> None:
    """A source whose pattern is an address, as a promoted one has."""
    sources.source(db, source_id, **{"domain": "example.com", "url_pattern": url, **columns})


def statuses(db: Database) -> dict[str, tuple[str, bool]]:
    """By source: its status, and whether it was checked a moment ago."""
    rows = raw.rows(db.db_path, "SELECT id, status, last_verified FROM sources")
    recent = (datetime.now() - timedelta(minutes=5)).isoformat()
    return {source_id: (status, (verified or "") > recent) for source_id, status, verified in rows}


# one address


@pytest.mark.parametrize(
    ("path", "accessible", "message"),
    [
        ("/status/200", True, "OK"),
        ("/status/204", True, "OK"),
        ("/to?http://127.0.0.1:1/", True, "OK"),
        ("/status/399", True, "OK"),
        ("/status/403", True, "OK"),
        ("/get-only/405", True, "OK"),
        ("/status/400", False, "HTTP 400"),
        ("/status/401", False, "HTTP 401"),
        ("/status/404", False, "Not Found"),
        ("/status/410", False, "Gone"),
        ("/status/429", False, "HTTP 429"),
        ("/status/500", False, "Server Error"),
        ("/status/503", False, "Server Error"),
        ("/garbage", False, "Connection Error"),
    ],
)
def test_what_an_answer_means(web: Web, path: str, accessible: bool, message: str) -> None:
    """In the words of 0.3."""
    assert here().check_url_accessibility(web.url(path)) == (accessible, message)


def test_what_no_answer_means(web: Web) -> None:
    """In the words of 0.3, and one of ours for an address that is not public."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        assert here().check_url_accessibility(closed) == (False, "Connection Error")
    assert here(0.3).check_url_accessibility(web.url("/slow/30")) == (False, "Timeout")
    assert here().check_url_accessibility("https://no-such-host.invalid/") == (False, "DNS Error")
    for wrong in ("not an address", "ftp://example.com/", "https://", ""):
        assert here().check_url_accessibility(wrong) == (False, "Invalid URL")
    assert LinkRotChecker().check_url_accessibility(web.url("/status/200")) == (False, "Not a Public Address")
    assert web.paths() == ["/slow/30"]


@pytest.mark.fault(52)
@pytest.mark.parametrize(
    ("pattern", "url"),
    [
        (None, "https://example.com/"),
        ("", "https://example.com/"),
        ("*", "https://example.com/"),
        ("/", "https://example.com/"),
        ("/docs/*", "https://example.com/docs/"),
        ("/docs*", "https://example.com/docs/"),
        ("/docs//", "https://example.com/docs/"),
        ("docs/", "https://example.com/docs/"),
        ("/blog/*/comments", "https://example.com/blog/"),
        ("/3/library/asyncio.html", "https://example.com/3/library/asyncio.html"),
        ("/find?q=a", "https://example.com/find?q=a"),
        ("https://other.example/a/b", "https://other.example/a/b"),
        ("HTTP://other.example/a/*", "HTTP://other.example/a/"),
        (" https://other.example/x.html ", "https://other.example/x.html"),
    ],
)
def test_the_address_of_a_source(pattern: str | None, url: str) -> None:
    """https, the domain, the pattern up to its *; a pattern that is a whole address is not glued to the domain."""
    assert source_url(pattern, "example.com") == url


@given(st.text(max_size=30), st.from_regex(r"[a-z]{1,10}\.(com|org)", fullmatch=True))
def test_the_address_is_at_the_domain(pattern: str, domain: str) -> None:
    """Whatever the pattern is, unless it is an address itself, it cannot lead to another host."""
    if not pattern.strip().lower().startswith(("http://", "https://")):
        assert source_url(pattern, domain).startswith(f"https://{domain}/")


@pytest.mark.fault(52)
def test_a_source_by_pattern_and_domain(web: Web) -> None:
    """`check_source` in the order of 0.3: the pattern, then the domain."""
    assert here().check_source(web.url("/status/404"), "example.com") == (False, "Not Found")
    with serving(tls=True) as secure:
        assert here().check_source("/status/410", f"localhost:{secure.port}") == (False, "Gone")
        assert here().check_source("/docs/*", f"localhost:{secure.port}") == (True, "OK")
        assert secure.paths() == ["/status/410/", "/docs/"]


# a run


@pytest.mark.fault(4)
def test_a_run(db: Database, web: Web) -> None:
    """Counts, errors and statuses; an archived source stays archived, a recent check is not repeated."""
    cited(db, "good", web.url("/status/200"), status="inaccessible")
    cited(db, "gone", web.url("/status/410"))
    cited(db, "old", web.url("/status/200"), status="archived", domain="other.example")
    cited(db, "lost", web.url("/status/404"), status="archived")
    cited(db, "fresh", web.url("/status/404"), last_verified=sources.ago(0.5))
    cited(db, "due", web.url("/status/500"), last_verified=sources.ago(1.5))
    progress: list[tuple[int, int, str]] = []
    checks: list[SourceCheck] = []
    found = verify_sources(
        db, 100, lambda *step: progress.append(step), checker=here(), on_check=checks.append, pause=0
    )
    errors = {error["source_id"]: (error["domain"], error["message"]) for error in found.pop("errors")}
    assert found == {"verified": 5, "accessible": 2, "inaccessible": 3, "refused": 0, "postponed": 0}
    assert errors == {
        "gone": ("example.com", "Gone"),
        "lost": ("example.com", "Not Found"),
        "due": ("example.com", "Server Error"),
    }
    assert statuses(db) == {
        "good": ("active", True),
        "gone": ("inaccessible", True),
        "old": ("archived", True),
        "lost": ("archived", True),
        "fresh": ("active", False),
        "due": ("inaccessible", True),
    }
    assert [(done, total) for done, total, _ in progress] == [(n, 5) for n in range(1, 6)]
    assert {domain for _, _, domain in progress} == {"example.com", "other.example"}
    assert {check.source.id: check.url for check in checks}["due"] == web.url("/status/500")


@pytest.mark.fault(41)
def test_one_domain(db: Database, web: Web) -> None:
    """The others are not asked; the limit counts what is left."""
    for number in range(5):
        cited(db, f"other{number}", web.url("/status/404"), domain="other.example")
    cited(db, "mine", web.url("/status/200"), domain="docs.example", last_verified=sources.ago(30))
    found = verify_sources(db, 3, domain="Docs.Example", checker=here(), pause=0)
    assert (found["verified"], found["accessible"]) == (1, 1)
    assert web.paths() == ["/status/200"]
    assert verify_sources(db, domain="nowhere.example", checker=here())["verified"] == 0


def test_the_limit_and_the_days(db: Database, web: Web) -> None:
    """Longest unchecked first; 0 days for all."""
    for days in (1.5, 40, 3):
        cited(db, f"days{days}", web.url(f"/{days}"), last_verified=sources.ago(days))
    assert verify_sources(db, 1, None, 2, checker=here())["verified"] == 1
    assert web.paths() == ["/40"]
    assert verify_sources(db, days_since_check=0, checker=here(), pause=0)["verified"] == 3


@pytest.mark.fault(51)
def test_a_private_address_is_left_alone(db: Database, web: Web) -> None:
    """Nothing is sent, the status stays, and the next run begins with others."""
    cited(db, "inside", web.url("/status/200"), status="inaccessible")
    cited(db, "aside", "http://169.254.169.254/latest/meta-data/", domain="metadata.example")
    found = verify_sources(db)
    assert (found["verified"], found["accessible"], found["inaccessible"], found["refused"]) == (0, 0, 0, 2)
    assert {error["message"] for error in found["errors"]} == {"Not a Public Address"}
    assert statuses(db) == {"inside": ("inaccessible", True), "aside": ("active", True)}
    assert web.asked == []


def test_one_page_of_a_host_at_a_time(db: Database, web: Web) -> None:
    """With a pause between them; sources with one address take one request."""
    for number in range(4):
        cited(db, f"page{number}", web.url(f"/slow/0.0{number}"))
    cited(db, "twin", web.url("/slow/0.00"))
    began = time.monotonic()
    assert verify_sources(db, checker=here(), pause=0.1)["accessible"] == 5
    assert time.monotonic() - began >= 0.3
    assert (web.busiest, len(web.asked)) == (1, 4)
    assert min(later - earlier for earlier, later in zip(web.starts, web.starts[1:], strict=False)) >= 0.1


def test_hosts_side_by_side(db: Database, web: Web) -> None:
    """As many as there are workers, and no more."""
    for host in ("127.0.0.1", "localhost", "127.1", "0x7f.1", "017700000001", "2130706433", "127.0.1", "0x7f000001"):
        cited(db, f"at {host}", web.url("/slow/0.2", host))
    assert verify_sources(db, checker=here(), workers=3)["accessible"] == 8
    assert web.busiest == 3


def test_few_writes(tmp_path: Path, web: Web) -> None:
    """One query for the sources, one batch for twenty checks."""
    backend = CountingBackend(tmp_path / "counted.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as opened:
        opened.set_metadata("session", "is prepared")
        with raw.connection(tmp_path / "counted.db") as rows:
            rows.executemany(
                "INSERT INTO sources(id, domain, url_pattern, created_at) VALUES (?, 'd', ?, '2025-01-01')",
                [(f"s{number}", web.url(f"/{number}")) for number in range(50)],
            )
            rows.commit()
        backend.reset()
        assert verify_sources(opened, checker=here(), pause=0)["accessible"] == 50
    assert backend.calls["execute_batch"] == 3
    assert backend.reads() <= 5
    assert backend.calls["execute"] == 0


def test_nothing_to_check(db: Database) -> None:
    """No thread, no HTTP client, an answer of zeros."""
    before = threading.active_count()
    counts = dict.fromkeys(("verified", "accessible", "inaccessible", "refused", "postponed"), 0)
    assert verify_sources(db) == {**counts, "errors": []}
    assert threading.active_count() == before


def test_what_takes_too_long_is_left_for_the_next_run(db: Database, web: Web) -> None:
    """When the time is up: what is known is stored, what is not keeps its status, and nobody waits for a host."""
    cited(db, "quick", web.url("/status/404"))
    cited(db, "slow", web.url("/slow/20", "localhost"))
    began = time.monotonic()
    found = verify_sources(db, checker=here(), seconds=1)
    assert 1 <= time.monotonic() - began < 5
    assert (found["verified"], found["inaccessible"], found["postponed"]) == (1, 1, 1)
    assert statuses(db) == {"quick": ("inaccessible", True), "slow": ("active", False)}


def test_an_error_of_the_caller_keeps_what_was_checked(db: Database, web: Web) -> None:
    """A progress display that fails costs no result."""
    for number in range(3):
        cited(db, f"s{number}", web.url(f"/{number}"))

    def broken(done: int, total: int, domain: str) -> None:
        if done == 2:
            raise RuntimeError("no display")

    with pytest.raises(RuntimeError, match="no display"):
        verify_sources(db, on_progress=broken, checker=here(), pause=0)
    assert sum(checked for _, checked in statuses(db).values()) == 2


def test_an_interrupt_keeps_what_was_checked(db: Database, web: Web) -> None:
    """Ctrl-C while a slow host is awaited: the program ends at once, the result that it has is stored."""
    cited(db, "quick", web.url("/status/404"))
    cited(db, "slow", web.url("/slow/60", "localhost"))
    code = (
        "import sys; from pathlib import Path; from rekall.db import Database\n"
        "from rekall.link_rot import LinkRotChecker, verify_sources\n"
        "with Database(Path(sys.argv[1])) as db:\n"
        "    try:\n"
        "        verify_sources(db, on_progress=lambda *step: print(*step, flush=True),\n"
        "                       checker=LinkRotChecker(50, allow_private=True))\n"
        "    except KeyboardInterrupt:\n"
        "        print('stopped', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(db.db_path)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "1 2 example.com\n"
        began = time.monotonic()
        program.send_signal(signal.SIGINT)
        assert program.stdout.read() == "stopped\n"
        assert program.wait() == 0
    assert time.monotonic() - began < 10
    assert statuses(db) == {"quick": ("inaccessible", True), "slow": ("active", False)}


def test_importing_loads_no_http_client() -> None:
    """Only a check does."""
    code = (
        "import sys, rekall.link_rot; print([name for name in ('httpx2', 'httpcore2', 'anyio') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
