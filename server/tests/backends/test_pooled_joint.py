"""Writes of one thread that are committed together."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from server_support.pooled import INSERT, PATIENCE, Running, opened, values

from rekall.errors import DatabaseBusyError, DatabaseError, IntegrityError
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


def test_a_thread_that_may_not_wait_does_not_begin_it(path: Path) -> None:
    """As with every write."""
    with opened(path) as backend, backend.within(PATIENCE), pytest.raises(CallGivenUp):
        backend.together(lambda: None)
