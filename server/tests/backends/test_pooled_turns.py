"""Who writes when: in turn, given up in time, and in the thread of whoever makes the statements up."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from server_support.pooled import INSERT, PATIENCE, Held, Running, opened, queued, until, values
from support import raw

from rekall.errors import ClosedError, DatabaseBusyError, QueryError
from rekall.infra.interfaces import Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend

_ENDLESS_INSERT = (
    "INSERT INTO t (value) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n WHERE i > 1"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def test_a_write_that_was_given_up_is_not_applied_later(path: Path) -> None:
    """It waits for its turn as long as it may, and is then taken out of the queue."""
    with opened(path, wait_timeout=0.2) as backend:
        held = Held(backend)
        for write in (
            partial(backend.execute, INSERT, ("given up",)),
            partial(backend.execute_batch, [Statement(INSERT, ("given up",))]),
            partial(backend.execute_batch, iter([Statement(INSERT, ("given up",))])),
        ):
            started = time.monotonic()
            with pytest.raises(DatabaseBusyError) as caught:
                write()
            assert 0.19 < time.monotonic() - started < PATIENCE
            assert str(caught.value) == (
                f"others have been writing to {path} for 0.2 s: nothing was written, try again, or raise wait_timeout"
            )
        held.release()
        held.batch.result()
        backend.execute(INSERT, ("after",))
        assert values(backend) == ["held", "after"]


def test_what_was_given_up_is_never_there_and_the_rest_always_once(path: Path) -> None:
    """With a time to wait that often ends at the very moment of the turn."""
    with opened(path, wait_timeout=0.02) as backend:
        acknowledged: list[int] = []
        given_up: list[int] = []

        def single(thread: int) -> None:
            for number in range(40):
                mine = thread * 1000 + number
                try:
                    if thread % 2:
                        backend.execute(INSERT, (mine,))
                    else:
                        backend.execute_batch(_slowly(mine))
                except DatabaseBusyError:
                    given_up.append(mine)
                else:
                    acknowledged.append(mine)

        for running in [Running(single, thread) for thread in range(20)]:
            running.result()
        assert sorted(values(backend)) == sorted(acknowledged)
        assert given_up
        assert len(acknowledged) + len(given_up) == 20 * 40


def _slowly(value: int) -> Iterator[Statement]:
    yield Statement(INSERT, (value,))
    time.sleep(0.002)


def test_the_statements_are_made_in_the_thread_that_asked(path: Path) -> None:
    """Also after it had to wait: they may read a file or a connection that is this thread's alone."""
    with opened(path, wait_timeout=PATIENCE) as backend:
        threads: list[int] = []

        def call() -> int:
            own = sqlite3.connect(":memory:")  # of this thread: no other may use it

            def statements() -> Iterator[Statement]:
                threads.append(threading.get_ident())
                for (value,) in own.execute("SELECT 'a' UNION ALL SELECT 'b'"):
                    yield Statement(INSERT, (value,))

            try:
                backend.execute_batch(statements())
            finally:
                own.close()
            return threading.get_ident()

        held = Held(backend)
        running = queued(backend, [call, partial(backend.execute, INSERT, (1,)), call])
        held.release()
        running[1].result()
        assert [running[0].result(), running[2].result()] == threads
        assert values(backend) == ["held", "a", "b", 1, "a", "b"]


def test_what_the_statements_raise_passes_from_the_queue_too(path: Path) -> None:
    """As the same object, also when it is no Exception."""
    with opened(path, wait_timeout=PATIENCE) as backend:
        error = KeyboardInterrupt("made up")

        def statements() -> Iterator[Statement]:
            yield Statement(INSERT, ("undone",))
            raise error

        held = Held(backend)
        (running,) = queued(backend, [lambda: backend.execute_batch(statements())])
        held.release()
        assert running.error() is error
        assert values(backend) == ["held"]


def test_a_write_inside_the_statements_of_another_is_refused(path: Path) -> None:
    """It could be neither a part of the batch nor a write of its own; the batch is undone."""
    with opened(path) as backend:

        def statements() -> Iterator[Statement]:
            yield Statement(INSERT, ("outer",))
            backend.execute(INSERT, ("inner",))

        with pytest.raises(QueryError, match="give both as one batch"):
            backend.execute_batch(statements())
        assert values(backend) == []
        backend.execute(INSERT, ("after",))
        assert values(backend) == ["after"]


def test_close_refuses_what_waits_and_undoes_what_does_not_end(path: Path) -> None:
    """Nothing of either is there, and no thread is left."""
    before = threading.active_count()
    with opened(path, wait_timeout=PATIENCE) as backend:
        begun = threading.Event()

        def endless() -> Iterator[Statement]:
            while True:
                yield Statement(INSERT, ("undone",))
                begun.set()
                time.sleep(0.001)

        batch = Running(lambda: backend.execute_batch(endless()))
        assert begun.wait(PATIENCE)
        waiting = queued(
            backend,
            [partial(backend.execute, INSERT, ("refused",)), lambda: backend.execute_batch(_slowly(1))],
        )
        backend.close()
        for one in (batch, *waiting):
            assert isinstance(one.error(), ClosedError)
    until(lambda: threading.active_count() == before, "the end of all threads")
    assert raw.rows(path, "SELECT * FROM t") == []


def test_close_ends_a_statement_that_does_not_end(path: Path) -> None:
    """Within seconds; it is undone."""
    with opened(path) as backend:
        running = Running(backend.execute, _ENDLESS_INSERT)
        until(lambda: _is_locked(path), "a write that runs")
        started = time.monotonic()
        backend.close()
        assert time.monotonic() - started < 10
        assert isinstance(running.error(), ClosedError)
    assert raw.rows(path, "SELECT * FROM t") == []


def _is_locked(path: Path) -> bool:
    with raw.connection(path) as connection:
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


def test_statements_that_close_the_base_undo_their_batch(path: Path) -> None:
    """Nobody waits for himself."""
    backend = PooledDatabaseBackend(path)
    backend.connect()
    backend.execute("CREATE TABLE t (value)")

    def statements() -> Iterator[Statement]:
        yield Statement("INSERT INTO t VALUES ('undone')")
        backend.close()
        yield Statement("INSERT INTO t VALUES ('undone')")

    with pytest.raises(ClosedError):
        backend.execute_batch(statements())
    assert not backend.is_connected()
    assert raw.rows(path, "SELECT * FROM t") == []
    assert [file.name for file in path.parent.iterdir()] == ["a.db"]


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
@pytest.mark.parametrize("streamed", [False, True])
def test_ctrl_c_while_a_write_waits_leaves_nothing_behind(streamed: bool, path: Path) -> None:
    """It is taken out of the queue, and the others go on."""
    with opened(path, wait_timeout=PATIENCE) as backend:
        held = Held(backend)

        def interrupt() -> None:
            until(lambda: backend.waiting_writes == 1, "a write that waits")
            os.kill(os.getpid(), signal.SIGINT)

        interrupting = Running(interrupt)
        statements = _slowly(1) if streamed else [Statement(INSERT, ("given up",))]
        with pytest.raises(KeyboardInterrupt):
            backend.execute_batch(statements)
        interrupting.result()
        assert backend.waiting_writes == 0
        held.release()
        held.batch.result()
        backend.execute(INSERT, ("after",))
        assert values(backend) == ["held", "after"]


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_ctrl_c_ends_a_statement_that_takes_long(path: Path) -> None:
    """It is undone, and the next write is written."""
    with opened(path) as backend:

        def interrupt() -> None:
            until(lambda: _is_locked(path), "a write that runs")
            time.sleep(0.1)  # so that it is likely to be inside SQLite; the test holds either way
            os.kill(os.getpid(), signal.SIGINT)

        interrupting = Running(interrupt)
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            backend.execute_batch([Statement(INSERT, ("undone",)), Statement(_ENDLESS_INSERT)])
        assert time.monotonic() - started < PATIENCE / 3
        interrupting.result()
        backend.execute(INSERT, ("after",))
        assert values(backend) == ["after"]


class _Interrupted(BaseException):
    """What Ctrl-C is, told apart from a real one."""


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_ctrl_c_at_the_moment_of_the_turn_keeps_the_turn_from_nobody(path: Path) -> None:
    """Whenever it comes, the write is there whole or not at all, and the next one is written."""
    is_inside = False

    def interrupt(*_: object) -> None:
        if is_inside:
            raise _Interrupted

    usual = signal.signal(signal.SIGUSR1, interrupt)
    interrupted = 0
    try:
        with opened(path, wait_timeout=PATIENCE) as backend:
            for number in range(60):
                held = Held(backend, "held")

                def release(held: Held = held, number: int = number) -> None:
                    until(lambda: backend.waiting_writes == 1, "a write that waits")
                    held.release()
                    until_then = time.perf_counter() + number * 5e-6
                    while time.perf_counter() < until_then:
                        pass
                    os.kill(os.getpid(), signal.SIGUSR1)

                releasing = Running(release)
                try:
                    is_inside = True
                    backend.execute_batch([Statement(INSERT, (number,))] if number % 2 else _slowly(number))
                    is_inside = False
                except _Interrupted:
                    is_inside = False
                    interrupted += 1
                releasing.result()
                held.batch.result()
                assert Running(backend.execute, INSERT, ("after",)).result().rowcount == 1
            found = values(backend)
    finally:
        signal.signal(signal.SIGUSR1, usual)
    assert interrupted
    assert found.count("after") == found.count("held") == 60
    numbers = [value for value in found if isinstance(value, int)]
    assert len(numbers) == len(set(numbers)) >= 60 - interrupted


def test_a_backup_waits_for_no_write_and_holds_no_half_of_one(path: Path, tmp_path: Path) -> None:
    """It is a copy of the moment before a batch that runs."""
    with opened(path) as backend:
        backend.execute(INSERT, ("before",))
        held = Held(backend)
        backend.backup(tmp_path / "copy.db")
        held.release()
        held.batch.result()
    assert raw.rows(tmp_path / "copy.db", "SELECT value FROM t") == [("before",)]
