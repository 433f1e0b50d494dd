"""rekall_sources_suggest and rekall_sources_verify."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import raw, sources
from support.mcp_client import Assistant, in_process
from support.web import serving, trusting

from rekall.config import get_config
from rekall.db import Database
from rekall.link_rot import LinkRotChecker
from rekall.mcp.tools.sources import SourcesVerifyArguments, verify

pytestmark = [pytest.mark.fault(3), pytest.mark.fault(4)]


@pytest.fixture
def db() -> Iterator[Database]:
    with Database(get_config().db_path) as opened:
        yield opened


@pytest.fixture
def assistant(db: Database) -> Iterator[Assistant]:
    with in_process(lambda: db) as connected:
        yield connected


def test_sources_of_the_same_subject_are_suggested(db: Database, assistant: Assistant) -> None:
    """Best score first, with all that an assistant needs in order to read on."""
    entry_id = assistant.add("Safari refuses the origin", tags=["cors", "http"])
    sources.source(db, "S1", "developer.mozilla.org", "cors", personal_score=80.4, url_pattern="/docs/*", is_seed=1)
    sources.source(db, "S2", "example.com", "cors", "http", personal_score=90, reliability="A")
    sources.source(db, "S3", "example.org", "css", personal_score=99)
    reply = assistant.call("rekall_sources_suggest", entry_id=entry_id[:24])
    best, second = reply.data["sources"]
    assert best == {
        "id": "S2",
        "domain": "example.com",
        "url": "https://example.com/",
        "score": 90.0,
        "standing": "normal",
        "reliability": "A",
        "themes": ["cors", "http"],
        "matched": ["cors", "http"],
    }
    assert (second["id"], second["standing"], second["matched"]) == ("S1", "seed", ["cors"])
    lines = reply.text.splitlines()
    assert lines[0].startswith(f"Sources for {entry_id[:12]}...")
    assert lines[5:8] == [
        "- [S1...] developer.mozilla.org (score: 80)",
        "  URL: https://developer.mozilla.org/docs/",
        "  Tier: seed | Tags: cors",
    ]
    assert len(assistant.call("rekall_sources_suggest", entry_id=entry_id, limit=1).data["sources"]) == 1


def test_no_source_that_fits_is_one_sentence(assistant: Assistant) -> None:
    """With the tags that were searched for; an unknown entry is an error."""
    reply = assistant.call("rekall_sources_suggest", entry_id=assistant.add("One", tags=["web", "http"]))
    assert "\n" not in reply.text
    assert "http, web" in reply.text
    assert "01NOBODY" in assistant.refusal("rekall_sources_suggest", entry_id="01NOBODY")


def test_a_check_says_what_it_found_and_stores_it(db: Database) -> None:
    """Reached and broken ones apart, asked of a real server on this machine, which is allowed here only."""
    with serving() as web:
        for source_id, path in (("S1", "/status/200"), ("S2", "/status/404")):
            sources.source(db, source_id, "example.com", url_pattern=web.url(path))
        checker = LinkRotChecker(allow_private=True, ssl_context=trusting())
        answer = verify(lambda: db, SourcesVerifyArguments(limit=10), checker=checker)
    assert [answer.structured[name] for name in ("verified", "accessible", "inaccessible", "refused")] == [2, 1, 1, 0]
    assert "Checked: 2\nAccessible: 1 | Broken: 1" in answer.text
    assert "## Broken\n- [S2] example.com" in answer.text
    assert "Status: Not Found" in answer.text
    assert "## Accessible\n- example.com" in answer.text
    assert raw.rows(db.db_path, "SELECT id, status FROM sources ORDER BY id") == [
        ("S1", "active"),
        ("S2", "inaccessible"),
    ]


def test_a_check_that_takes_too_long_says_what_is_left(db: Database) -> None:
    """Also when nothing was known in time, which is not the same as nothing to check."""
    with serving() as web:
        sources.source(db, "S1", "example.com", url_pattern=web.url("/slow/20"))
        checker = LinkRotChecker(allow_private=True, ssl_context=trusting())
        answer = verify(lambda: db, SourcesVerifyArguments(limit=5), checker=checker, seconds=0.2)
    assert (answer.structured["verified"], answer.structured["postponed"]) == (0, 1)
    assert "Not checked in 0.2 seconds: 1." in answer.text


def test_an_assistant_cannot_have_private_addresses_asked(db: Database, assistant: Assistant) -> None:
    """Nothing is sent there: an answer would tell what runs in the user's network."""
    with serving() as web:
        sources.source(db, "S1", "example.com", url_pattern=web.url("/status/200"))
        reply = assistant.call("rekall_sources_verify", limit=5)
        assert web.paths() == []
    assert (reply.data["refused"], reply.data["verified"]) == (1, 0)
    assert reply.data["sources"][0]["outcome"] == "refused"
    assert raw.rows(db.db_path, "SELECT status FROM sources") == [("active",)]


def test_nothing_to_check_is_one_sentence(assistant: Assistant) -> None:
    """No list, and no error."""
    assert "\n" not in assistant.call("rekall_sources_verify").text


@pytest.mark.fault(49)
def test_info_counts_sources_by_tier(db: Database, assistant: Assistant) -> None:
    """Gold, silver and bronze are the reliabilities A, B and C; 0.3 showed 0 always."""
    for number, reliability in enumerate("AABC"):
        sources.source(db, f"S{number}", "example.com", reliability=reliability)
    reply = assistant.call("rekall_info")
    assert (reply.data["sources"], reply.data["sources_by_tier"]) == (4, {"bronze": 1, "silver": 1, "gold": 2})
    assert "## Sources: 4\n\n- Bronze: 1\n- Silver: 1\n- Gold: 2" in reply.text
