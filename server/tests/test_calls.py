"""Where the work of a call is done, what a call may ask for, and when accesses are counted."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastmcp.exceptions import ToolError
from fastmcp.tools import ToolResult
from server_support.bases import broad_base
from server_support.pooled import Running, until

from rekall.config import get_config, reset_config, set_config
from rekall.errors import DatabaseBusyError, ReadOnlyError
from rekall.infra import ServiceContainer
from rekall.infra.interfaces import CallGivenUp
from rekall.mcp.base import Access
from rekall.mcp.spec import OpenDatabase, ToolSpec
from rekall.mcp.tool import RekallTool
from rekall.mcp.tools import TOOLS
from rekall_server.bases import Bases
from rekall_server.calls import SMALL, Bounds, ServerCalls
from rekall_server.counting import CountingQueue
from rekall_server.masking import told
from rekall_server.metrics import Metrics
from rekall_server.process import Process
from rekall_server.settings import Settings

SPECS: dict[str, ToolSpec[Any]] = {spec.name: spec for spec in TOOLS}
SEARCH, ADD, SIMILAR = SPECS["rekall_search"], SPECS["rekall_add"], SPECS["rekall_similar"]
COUNTED = Access("01A", 0, 1.0, "2026-01-01T00:00:00")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """A server process on a base of 200 entries, not serving."""
    base = broad_base(tmp_path / "base.db", entries=200)
    process = Process(Settings(database=base, token_file=tmp_path / "tokens.toml"))
    process.start()
    process.bases.open().search("timeout")  # the first counted search prepares the base
    for _ in range(100):
        if _accesses(base):
            break
        threading.Event().wait(0.05)
    yield process
    process.close()
    reset_config()


@pytest.fixture
def calls(process: Process) -> ServerCalls:
    """Runs calls on it."""
    return ServerCalls(process.bases, process.metrics, Bounds(text=100, results=20), readers=2, on_the_loop=True)


class Work:
    """Work that notes where it is done, and with what."""

    def __init__(self, *given_up: bool) -> None:
        self.threads: list[int] = []
        self.arguments: dict[str, Any] = {}
        self._given_up = list(given_up)

    def __call__(self, open_database: OpenDatabase, arguments: dict[str, Any]) -> ToolResult:
        self.threads.append(threading.get_ident())
        self.arguments = arguments
        open_database().search("proxy")
        if self._given_up and self._given_up.pop(0):
            raise CallGivenUp
        return ToolResult(content="done")


def done(calls: ServerCalls, spec: ToolSpec[Any], work: Work, **arguments: Any) -> ToolResult:
    """The result of one call, on an event loop in this thread."""

    async def called() -> ToolResult:
        return await calls(spec, arguments, work)

    return anyio.run(called)


def test_a_selective_read_is_done_on_the_loop(calls: ServerCalls) -> None:
    """Nothing is handed to a thread for it."""
    work = Work()
    done(calls, SEARCH, work, query="proxy")
    assert work.threads == [threading.get_ident()]


def test_a_read_that_takes_longer_is_done_again_in_a_thread(calls: ServerCalls) -> None:
    """What was begun on the loop and given up is done as a whole elsewhere."""
    work = Work(True)
    done(calls, SEARCH, work, query="proxy")
    here, elsewhere = work.threads
    assert here == threading.get_ident() != elsewhere


def test_a_small_write_is_done_on_the_loop(process: Process, calls: ServerCalls) -> None:
    """Where nobody has to be waited for; else it is done, or begun again, in a thread."""
    small = Work()
    done(calls, ADD, small, title="t")
    assert small.threads == [threading.get_ident()]
    here = threading.get_ident()
    turns = process.database().wrapped._base.turns  # type: ignore[attr-defined]  # of the back end in its wrapper
    locked = Work()
    with _locked_until(process.config.db_path, lambda: turns.owner not in (None, here)):
        done(calls, ADD, locked, title="t")
    assert here not in locked.threads
    given_up = Work(True)
    done(calls, ADD, given_up, title="t")
    first, second = given_up.threads
    assert first == here != second


@contextmanager
def _locked_until(path: Path, condition: Callable[[], bool]) -> Iterator[None]:
    """Another program has the write lock until something is so."""
    begun = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            begun.set()
            until(condition, "who waits for the lock")
            other.execute("ROLLBACK")

    held = Running(hold)
    assert begun.wait(10)
    yield
    held.result()


@pytest.mark.parametrize(
    ("spec", "arguments"),
    [
        (ADD, {"title": "t", "content": "x" * SMALL}),
        (ADD, {"title": "t", "context": {"situation": "x", "solution": ["y" * SMALL]}}),
        (SPECS["rekall_deprecate"], {"id": "01A"}),
        (SIMILAR, {}),
    ],
)
def test_other_calls_are_done_in_threads(calls: ServerCalls, spec: ToolSpec[Any], arguments: dict[str, Any]) -> None:
    """Large writes take long, and some reads compute."""
    work = Work()
    done(calls, spec, work, **arguments)
    assert threading.get_ident() not in work.threads


def test_a_locked_base_does_not_stop_the_loop(process: Process, calls: ServerCalls) -> None:
    """Searches are answered while another program holds the write lock; their counts follow when it lets go."""
    base = process.config.db_path
    before = _accesses(base)
    with closing(sqlite3.connect(base, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        work = Work()
        done(calls, SEARCH, work, query="proxy")
        assert work.threads == [threading.get_ident()]
        other.execute("ROLLBACK")
    process.counts.close()
    assert _accesses(base) > before


def test_no_more_is_given_than_a_call_may_have(calls: ServerCalls) -> None:
    """All results means as many as one call may have, however a number is written; what is asked within that stays."""
    for asked, given in ((-1, 20), (10**9, 20), ("500", 20), ("-1", 20), (500.0, 20), (0, 0), (7, 7), ("x", "x")):
        work = Work()
        done(calls, SEARCH, work, query="proxy", limit=asked)
        assert work.arguments["limit"] == given


def test_what_a_tool_gives_by_itself_is_bounded_too(process: Process) -> None:
    """A call that names no limit gets no more than one that does."""
    calls = ServerCalls(process.bases, process.metrics, Bounds(text=100, results=3), readers=2, on_the_loop=True)
    work = Work()
    done(calls, SEARCH, work, query="proxy")
    assert work.arguments["limit"] == 3


@pytest.mark.parametrize(
    ("spec", "arguments", "named"),
    [
        (SEARCH, {"query": "x" * 101}, "query has 101 characters: give 100 at most"),
        (SEARCH, {"query": "proxy", "project": "p" * 1000}, "project has 1000 characters"),
        (SPECS["rekall_get_context"], {"entry_ids": ["01A"] * 21}, "entry_ids has 21 items: give 20 at most"),
    ],
)
def test_too_much_is_refused(calls: ServerCalls, spec: ToolSpec[Any], arguments: dict[str, Any], named: str) -> None:
    """One line says what is too long, and how long it may be."""
    work = Work()
    with pytest.raises(ToolError, match=named):
        done(calls, spec, work, **arguments)
    assert work.threads == []


def test_long_texts_may_be_written(calls: ServerCalls) -> None:
    """The bound on texts is for queries: an entry may be long."""
    work = Work()
    done(calls, ADD, work, title="t", content="x" * 100_000)
    assert len(work.arguments["content"]) == 100_000


def test_counts_of_many_searches_are_one_batch() -> None:
    """What comes while a batch is written waits for the next, and nothing is left when the queue is closed."""
    batches: list[int] = []
    first, go_on = threading.Event(), threading.Event()

    def write(accesses: Sequence[Access]) -> None:
        batches.append(len(accesses))
        first.set()
        go_on.wait(10)

    queue = CountingQueue(write)
    queue.put([COUNTED])
    first.wait(10)
    for _ in range(50):
        queue.put([COUNTED, COUNTED])
    go_on.set()
    queue.close()
    assert batches == [1, 100]


@pytest.mark.parametrize(("error", "tries"), [(ReadOnlyError("read-only"), 1), (DatabaseBusyError("busy"), 3)])
def test_counts_that_cannot_be_written(error: Exception, tries: int) -> None:
    """A base that cannot be written is not asked again; one that is busy is."""
    tried: list[int] = []
    written = threading.Semaphore(0)

    def write(accesses: Sequence[Access]) -> None:
        tried.append(len(accesses))
        written.release()
        raise error

    queue = CountingQueue(write)
    for number in range(3):
        queue.put([COUNTED])
        if number < tries:
            assert written.acquire(timeout=10)
    queue.close()
    assert len(tried) == tries


def test_a_base_that_was_just_opened_anew_is_not_bounded(process: Process) -> None:
    """What would bound it is the back end of the one before."""
    bases = process.bases
    with bases.bounded(1, 1) as opened:
        assert opened is not None
    bases._counting.close()
    bases._counting.open()
    with bases.bounded(1, 1) as opened:
        assert opened is None
    with pytest.raises(CallGivenUp):
        bases.together_at_once(lambda _: pytest.fail("it was begun"), 1)
    bases.open()
    with bases.bounded(1, 1) as opened:
        assert opened is not None


def test_a_reading_base_counts_nothing(process: Process) -> None:
    """Searching and reading without counting leaves every access count as it is."""
    before = _accesses(process.config.db_path)
    database = process.bases.open(counting=False)
    hits = database.search("timeout proxy")
    assert hits
    assert database.get(hits[0].entry.id) is not None
    process.counts.close()
    assert _accesses(process.config.db_path) == before


def test_back_ends_without_bounds(tmp_path: Path) -> None:
    """On a back end that cannot bound a call, all calls are done in threads."""
    base = broad_base(tmp_path / "base.db", entries=20)
    config = get_config()
    config.paths.db_path = base
    config.database_backend = "sqlite"
    set_config(config)
    metrics = Metrics()
    with closing(ServiceContainer()) as container:
        bases = Bases(container, lambda _: None, metrics.wait, metrics.observer)
        bases.open()
        work = Work()
        calls = ServerCalls(bases, metrics, Bounds(100, 20), readers=2, on_the_loop=True)
        done(calls, SEARCH, work, query="proxy")
        assert threading.get_ident() not in work.threads
        bases.close()


def _accesses(base: Path) -> int:
    with closing(sqlite3.connect(base)) as connection:
        (total,) = connection.execute("SELECT sum(access_count) FROM entries").fetchone()
    return int(total)


def test_an_older_schema_is_put_in_the_base(process: Process, calls: ServerCalls) -> None:
    """As a restore does, just after the schema was looked at: a search finds it migrated, and says nothing of it."""
    done(calls, SEARCH, Work(), query="proxy")  # the schema was seen
    with closing(sqlite3.connect(process.config.db_path, isolation_level=None)) as other:
        for name, kind in other.execute("SELECT name, type FROM sqlite_master WHERE name LIKE 'rekall_%'").fetchall():
            if kind in ("table", "index", "trigger") and not name.startswith("rekall_context_fts_"):
                other.execute(f"DROP {kind} IF EXISTS {name}")
        other.execute("DROP INDEX idx_entries_centrality")
        other.execute("ALTER TABLE entries DROP COLUMN centrality_score")

    async def called() -> ToolResult:
        return await calls(
            SEARCH,
            {"query": "timeout proxy"},
            RekallTool.of(SEARCH, process.bases.open, local=False, told=told)._work.result,
        )

    result = anyio.run(called)
    assert not result.is_error
    assert result.structured_content is not None
    assert result.structured_content["total_count"] > 0
