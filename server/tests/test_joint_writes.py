"""Small writes of many callers are done together, and each is answered as if it were alone."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastmcp.exceptions import ToolError
from fastmcp.tools import ToolResult

from rekall.config import reset_config
from rekall.errors import DatabaseBusyError, DatabaseError
from rekall.infra.interfaces import CallGivenUp
from rekall.mcp.base import Database
from rekall.mcp.failures import answered_as
from rekall.mcp.spec import OpenDatabase
from rekall.mcp.tool import RekallTool
from rekall.mcp.tools import TOOLS
from rekall.models import Entry
from rekall_server.calls import Bounds, ServerCalls
from rekall_server.joint_writes import MOST, TURN, Body, JointWrites
from rekall_server.masking import told
from rekall_server.process import Process, prepare
from rekall_server.settings import Settings

SPECS = {spec.name: spec for spec in TOOLS}
TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE ?"
GOOD = {"type": "bug", "title": "written", "context": "found while testing"}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    settings = Settings(database=tmp_path / "base.db", token_file=tmp_path / "tokens.toml")
    prepare(settings)
    process = Process(settings)
    process.start()
    yield process
    process.close()
    reset_config()


def called(process: Process, name: str, *arguments: dict[str, Any]) -> list[ToolResult | Exception]:
    """What comes of calls of a tool that are made at once."""
    calls = ServerCalls(process.bases, process.metrics, Bounds(10_000, 200), readers=2, on_the_loop=True)
    tool = RekallTool.of(SPECS[name], process.bases.open, local=False, calls=calls)
    outcomes: list[ToolResult | Exception] = [ValueError("not called")] * len(arguments)

    async def call(place: int) -> None:
        try:
            outcomes[place] = await tool.run(arguments[place])
        except ToolError as error:
            outcomes[place] = error

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for place in range(len(arguments)):
                group.start_soon(call, place)

    anyio.run(all_of_them)
    return outcomes


def stored(process: Process) -> list[str]:
    with closing(sqlite3.connect(process.config.db_path)) as connection:
        return [title for (title,) in connection.execute("SELECT title FROM entries ORDER BY title")]


def test_every_call_is_answered_for_what_it_wrote(process: Process) -> None:
    """Each answer names its own entry, which is stored once."""
    titles = [f"entry {number:03}" for number in range(150)]
    outcomes = called(process, "rekall_add", *({**GOOD, "title": title} for title in titles))
    data = [outcome.structured_content for outcome in outcomes if isinstance(outcome, ToolResult)]
    assert [found["title"] for found in data if found] == titles
    assert stored(process) == titles
    assert len({found["id"] for found in data if found}) == len(titles)


def test_what_was_wrongly_asked_is_refused_alone(process: Process) -> None:
    """The calls beside it are done."""
    outcomes = called(process, "rekall_add", GOOD, {"type": "none", "title": "wrong"}, {**GOOD, "title": ""}, GOOD)
    assert [type(outcome) for outcome in outcomes] == [ToolResult, ToolError, ToolError, ToolResult]
    assert stored(process) == ["written", "written"]


def test_a_write_that_breaks_off_leaves_the_others(process: Process) -> None:
    """All are undone with it, and done again one by one: nothing is lost, nothing is there twice."""
    with closing(sqlite3.connect(process.config.db_path)) as connection:
        connection.execute(
            "CREATE TRIGGER refuse AFTER INSERT ON entries WHEN new.title = 'refused'"
            " BEGIN SELECT raise(ABORT, 'refused'); END"
        )
        connection.commit()
    refused = {**GOOD, "title": "refused", "tags": ["stored", "before"]}
    outcomes = called(process, "rekall_add", *[{**GOOD, "title": f"{number}"} for number in range(3)], refused, GOOD)
    assert [type(outcome) for outcome in outcomes] == [*[ToolResult] * 3, ToolError, ToolResult]
    assert stored(process) == ["0", "1", "2", "written"]


def test_what_an_older_base_lacks_is_made_before(process: Process) -> None:
    """It stays, whatever becomes of the calls that come first."""
    with Database(process.config.db_path) as other:
        other.store.session.prepare()
    with closing(sqlite3.connect(process.config.db_path)) as connection:
        for name in [name for (name,) in connection.execute(TRIGGERS, ("%rekall_stamps%",))]:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DROP TABLE rekall_stamps")
        connection.execute("CREATE TRIGGER refuse AFTER INSERT ON entries BEGIN SELECT raise(ABORT, 'refused'); END")
        connection.commit()
    outcomes = called(process, "rekall_add", *[{**GOOD, "tags": ["stored", "before"]}] * 2)
    assert [type(outcome) for outcome in outcomes] == [ToolError] * 2
    with closing(sqlite3.connect(process.config.db_path)) as connection:
        assert connection.execute("SELECT count(*) FROM rekall_stamps").fetchone() == (1,)


def nothing() -> Database:
    """What opens no base: the calls here want none."""
    raise AssertionError


def never_at_once(_body: Body, _seconds: float) -> bool:
    """As where another process writes."""
    raise CallGivenUp


def outcomes_of(
    together: Callable[[Body], bool],
    number: int = 3,
    *,
    at_once: Callable[[Body, float], bool] = never_at_once,
    seconds: float = 0,
) -> tuple[list[Any], list[int]]:
    """What comes of calls that are done with a given way to commit, and the threads that did them."""
    threads: list[int] = []
    outcomes: list[Any] = []

    def write(_open_database: OpenDatabase) -> ToolResult:
        threads.append(threading.get_ident())
        threading.Event().wait(seconds)
        return ToolResult(content="done")

    async def run() -> None:
        joint = JointWrites(together, at_once)

        async def one() -> None:
            try:
                outcomes.append(await joint.do(write))
            except (ToolError, ZeroDivisionError) as error:
                outcomes.append(error)

        async with anyio.create_task_group() as group:
            for _ in range(number):
                group.start_soon(one)

    anyio.run(run)
    return outcomes, threads


def test_what_may_be_lost_is_an_error_for_those_that_were_begun() -> None:
    """Others are done: nothing of them was written."""
    failed: list[bool] = []

    def lost_once(body: Body, _seconds: float) -> bool:
        body(nothing)
        if not failed:
            failed.append(True)
            raise DatabaseError("the file was removed")
        return True

    outcomes, threads = outcomes_of(never, at_once=lost_once, seconds=TURN)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ToolError", "ToolResult", "ToolResult"]
    assert set(threads) == {threading.get_ident()}


def test_what_was_undone_before_the_first_is_done_in_a_thread() -> None:
    """And not tried again and again."""
    tries: list[int] = []

    def undone(_body: Body, _seconds: float) -> bool:
        tries.append(1)
        return False

    def together(body: Body) -> bool:
        body(nothing)
        return True

    outcomes, threads = outcomes_of(together, at_once=undone)
    assert [type(outcome) for outcome in outcomes] == [ToolResult] * 3
    assert threading.get_ident() not in threads
    assert len(tries) == 1


def test_those_for_which_there_is_no_time_on_the_loop_are_done_after_others_had_their_turn(process: Process) -> None:
    """Each once, in their order, in several transactions."""
    groups: list[int] = []

    def slow(body: Body, _seconds: float) -> bool:
        before = len(threads)
        body(process.bases.open)
        groups.append(len(threads) - before)
        return True

    threads: list[int] = []
    order: list[int] = []
    turns: list[int] = []

    async def run() -> None:
        joint = JointWrites(never, slow)

        async def one(number: int) -> None:
            def write(_open_database: OpenDatabase) -> ToolResult:
                threads.append(threading.get_ident())
                order.append(number)
                threading.Event().wait(TURN / 3)
                return ToolResult(content="done")

            assert await joint.do(write) is not None

        async def other() -> None:
            while len(order) < 10:
                turns.append(len(order))
                await anyio.sleep(0)

        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(one, number)
            group.start_soon(other)

    anyio.run(run)
    assert order == list(range(10))
    assert set(threads) == {threading.get_ident()}
    assert len(groups) > 1
    assert sum(groups) == 10
    assert set(turns) - {0}


def never(_body: Body) -> bool:
    """Where all is done at once."""
    raise AssertionError


def test_what_was_undone_is_no_outcome() -> None:
    """Whoever asked does it by itself, outside of the common transaction."""

    def undone(body: Callable[[OpenDatabase], None]) -> bool:
        body(nothing)
        return False

    outcomes, threads = outcomes_of(undone)
    assert outcomes == [None] * 3
    assert len(threads) == 3
    assert threading.get_ident() not in threads


def test_what_may_be_lost_is_an_error_for_all() -> None:
    """And is not done again: it may be there."""

    def lost(body: Callable[[OpenDatabase], None]) -> bool:
        body(nothing)
        raise DatabaseError("the file was removed: /secret/path")

    outcomes, threads = outcomes_of(lost)
    assert [type(outcome) for outcome in outcomes] == [ToolError] * 3
    assert all("/secret" not in str(outcome) for outcome in outcomes)
    assert len(threads) == 3


def test_an_error_that_nobody_expects_is_an_error_for_all() -> None:
    """Nobody waits for ever."""

    def fails(_body: Callable[[OpenDatabase], None]) -> bool:
        raise ZeroDivisionError

    outcomes, threads = outcomes_of(fails)
    assert [type(outcome) for outcome in outcomes] == [ZeroDivisionError] * 3
    assert threads == []


def test_others_that_keep_the_base_are_waited_for_once() -> None:
    """Whoever came meanwhile is told with those who have waited: not one after the other, each for as long."""
    tries: list[int] = []

    def busy(_body: Callable[[OpenDatabase], None]) -> bool:
        tries.append(1)
        threading.Event().wait(0.1)
        raise DatabaseBusyError("another process writes")

    outcomes, threads = outcomes_of(busy, MOST + 10)
    assert [type(outcome) for outcome in outcomes] == [ToolError] * (MOST + 10)
    assert len(tries) == 1
    assert threads == []


def test_a_locked_base_is_told_to_all(process: Process) -> None:
    """Another program has the write lock: nobody's attempts are waited for by the others, and nothing is stored."""
    with closing(sqlite3.connect(process.config.db_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = called(process, "rekall_add", *[GOOD] * MOST)
        other.execute("ROLLBACK")
    assert [type(outcome) for outcome in outcomes] == [ToolError] * MOST
    assert all("unavailable" in str(outcome) for outcome in outcomes)
    assert stored(process) == []


def test_a_base_that_is_replaced_in_the_middle_is_not_written(process: Process) -> None:
    """All are told that it failed, and so nothing of it is in the file that came in place of the other."""
    path = process.config.db_path
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(path.with_name("restored.db"))) as target:
        source.backup(target)
    calls = ServerCalls(process.bases, process.metrics, Bounds(10_000, 200), readers=2, on_the_loop=True)
    outcomes: list[object] = []

    def work(open_database: OpenDatabase, arguments: dict[str, Any]) -> ToolResult:
        if arguments["title"] == "2":
            for end in ("-wal", "-shm"):
                path.with_name(f"{path.name}{end}").replace(path.with_name(f"former.db{end}"))
            path.with_name("restored.db").replace(path)
        with answered_as(ToolError, "rekall_add", told):
            open_database().add(Entry(id=f"01TEST{arguments['title']:0>20}", type="bug", title=arguments["title"]))
        return ToolResult(content="stored")

    async def call(title: str) -> None:
        try:
            outcomes.append(await calls(SPECS["rekall_add"], {"title": title}, work))
        except ToolError as error:
            outcomes.append(error)

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for title in "123":
                group.start_soon(call, title)

    anyio.run(all_of_them)
    assert [type(outcome) for outcome in outcomes] == [ToolError] * 3
    assert stored(process) == []
