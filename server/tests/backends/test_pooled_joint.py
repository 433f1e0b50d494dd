"""Writes of one thread that are committed together."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from server_support.pooled import INSERT, PATIENCE, Held, Running, opened, values

from rekall.errors import DatabaseBusyError, DatabaseError, IntegrityError
from rekall.infra import defaults
from rekall.infra.interfaces import CallGivenUp, Statement
from rekall_server.backends.joint import JointUndone
from rekall_server.backends.pooled_db import PooledDatabaseBackend


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def elsewhere(path: Path) -> list[object]:
    """What another program finds in the table."""
    with closing(sqlite3.connect(path)) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM t ORDER BY rowid")]


def test_all_are_committed_at_the_end(path: Path) -> None:
    """The thread sees what it has written, others see all of it or nothing."""
    with opened(path) as backend:

        def body() -> str:
            backend.execute(INSERT, (1,))
            backend.execute_batch([Statement(INSERT, (2,)), Statement(INSERT, (3,))])
            backend.execute_batch(Statement(INSERT, (number,)) for number in (4, 5))
            assert values(backend) == [1, 2, 3, 4, 5]
            assert Running(values, backend).result() == []
            return "done"

        assert backend.together(body) == "done"
        assert elsewhere(path) == [1, 2, 3, 4, 5]


def test_others_write_before_and_after(path: Path) -> None:
    """A write of another thread waits, and is made."""
    with opened(path) as backend:
        others: list[Running] = []

        def body() -> None:
            backend.execute(INSERT, (1,))
            others.append(Running(backend.execute, INSERT, (3,)))
            backend.execute(INSERT, (2,))

        backend.together(body)
        assert others[0].result().rowcount == 1
        assert values(backend) == [1, 2, 3]


def test_a_write_that_changed_nothing_fails_alone(path: Path) -> None:
    """Its error is told where it was made, and the others are committed."""
    with opened(path) as backend:
        backend.execute("CREATE UNIQUE INDEX one ON t(value)")

        def body() -> None:
            backend.execute(INSERT, (1,))
            with pytest.raises(IntegrityError):
                backend.execute(INSERT, (1,))
            backend.execute(INSERT, (2,))

        backend.together(body)
        assert elsewhere(path) == [1, 2]


def fails_in_the_middle(backend: PooledDatabaseBackend) -> None:
    with pytest.raises(IntegrityError):
        backend.execute_batch([Statement(INSERT, (2,)), Statement(INSERT, (1,))])
    with pytest.raises(DatabaseError, match="undone"):
        backend.execute(INSERT, (3,))


def raises(_backend: PooledDatabaseBackend) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("failing", [fails_in_the_middle, raises])
def test_what_cannot_be_committed_as_it_is_is_undone_as_a_whole(
    failing: Callable[[PooledDatabaseBackend], None], path: Path
) -> None:
    """Nothing of it is there, whoever asked is told so, and the next write is made."""
    with opened(path) as backend:
        backend.execute("CREATE UNIQUE INDEX one ON t(value)")

        def body() -> None:
            backend.execute(INSERT, (1,))
            failing(backend)

        with pytest.raises(JointUndone):
            backend.together(body)
        assert elsewhere(path) == []
        backend.execute(INSERT, (1,))
        assert elsewhere(path) == [1]


def test_a_base_that_another_process_writes_is_busy(path: Path) -> None:
    """As for any write: nothing was begun, and it may be tried again."""
    with opened(path, busy_timeout=0.05) as backend, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusyError):
            backend.together(lambda: backend.execute(INSERT, (1,)))
        other.execute("ROLLBACK")
        assert values(backend) == []


def test_a_file_that_is_gone_when_it_was_committed_is_told(path: Path) -> None:
    """Then it is not made again: what was committed may be lost, and may be not."""
    with opened(path) as backend:

        def body() -> None:
            backend.execute(INSERT, (1,))
            path.rename(path.with_name("moved.db"))

        with pytest.raises(DatabaseError, match="removed"):
            backend.together(body)


def test_a_thread_that_may_not_wait_writes_them_where_nobody_has_to_be_waited_for(path: Path) -> None:
    """All that its body asks for is done, and committed; by itself no write is."""
    with opened(path) as backend, backend.within(PATIENCE):

        def body() -> list[object]:
            backend.execute(INSERT, (1,))
            backend.execute_batch([Statement(INSERT, (2,))])
            return values(backend)

        assert backend.together(body) == [1, 2]
        assert elsewhere(path) == [1, 2]
        with pytest.raises(CallGivenUp):
            backend.execute(INSERT, (3,))


def gives_up(backend: PooledDatabaseBackend) -> None:
    """Nothing is begun by a thread that may not wait."""
    with backend.within(PATIENCE), pytest.raises(CallGivenUp):
        backend.together(lambda: pytest.fail("it was begun"))


def test_it_does_not_wait_for_another_process(path: Path) -> None:
    """That may write for long."""
    with opened(path) as backend, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        gives_up(backend)
        other.execute("ROLLBACK")
        with backend.within(PATIENCE):
            backend.together(lambda: backend.execute(INSERT, (1,)))
        assert elsewhere(path) == [1]


def test_it_does_not_wait_for_another_thread(path: Path) -> None:
    """Nor goes in front of those that wait."""
    with opened(path) as backend:
        held = Held(backend)
        gives_up(backend)
        held.release()
        held.batch.result()
        assert values(backend) == ["held"]


def test_it_does_not_wait_for_itself(path: Path) -> None:
    """In the middle of what is written together nothing else is begun."""
    with opened(path) as backend:
        backend.together(lambda: gives_up(backend))
        assert values(backend) == []


def test_it_does_not_open_the_connection_that_writes(path: Path) -> None:
    """Which may have to wait to switch the log on."""
    with opened(path):
        pass
    backend = PooledDatabaseBackend(path)
    backend.connect()
    with closing(backend):
        gives_up(backend)


def test_it_does_not_commit_to_a_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a commit waits for readers and the disk. SQLite's locks by files stand for a disk without shared memory."""
    connect = defaults._connect
    monkeypatch.setattr(defaults, "_connect", lambda uri, timeout: connect(f"{uri}&vfs=unix-dotfile", timeout))
    with opened(path) as backend:
        assert backend.fetch_one("PRAGMA journal_mode") == {"journal_mode": "delete"}
        gives_up(backend)
        backend.together(lambda: backend.execute(INSERT, (1,)))
        assert values(backend) == [1]


def test_now_and_then_it_leaves_the_log_to_a_thread_that_may_wait(path: Path) -> None:
    """Writing the log into the database waits for the disk, and is put off for so long only."""
    with opened(path) as backend, backend.within(PATIENCE):
        before = path.stat().st_mtime_ns, path.stat().st_size

        def many() -> None:
            backend.execute_batch([Statement(INSERT, ("x" * 1000,))] * 1500)

        def again_and_again() -> None:
            for _ in range(100):
                backend.together(many)

        with pytest.raises(CallGivenUp):
            again_and_again()
        written = len(elsewhere(path))
        assert 1500 < written < 100 * 1500
        assert (path.stat().st_mtime_ns, path.stat().st_size) == before
        Running(backend.execute, INSERT, (1,)).result()
        assert path.stat().st_size > written * 1000
        backend.together(many)
        assert len(elsewhere(path)) == written + 1 + 1500
