"""Calls of a thread that may not wait, as the one of an event loop."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from server_support.pooled import ENDLESS, INSERT, PATIENCE, Held, Running, opened, until, values
from support import raw

from rekall import config
from rekall.errors import CannotOpenError, ClosedError, QueryError
from rekall.infra import ServiceContainer
from rekall.infra.interfaces import CallGivenUp, Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def test_a_short_read_is_answered_as_any_other(path: Path) -> None:
    """With what was written a moment ago, and the errors of any other read."""
    with opened(path) as backend:
        for number in range(3):
            backend.execute(INSERT, (number,))
            with backend.within(PATIENCE):
                assert values(backend) == [*range(number + 1)]
                assert backend.fetch_one("SELECT max(value) AS n FROM t") == {"n": number}
        with backend.within(PATIENCE), pytest.raises(QueryError, match="no such column"):
            backend.fetch_all("SELECT wrong")
        with backend.within(PATIENCE), pytest.raises(QueryError, match="nothing was changed"):
            backend.fetch_all("DELETE FROM t")
        assert values(backend) == [0, 1, 2]


def test_a_long_read_is_given_up_in_time(path: Path) -> None:
    """And the next one is answered."""
    with opened(path) as backend:
        for _ in range(3):
            started = time.monotonic()
            with backend.within(0.05), pytest.raises(CallGivenUp):
                backend.fetch_all(ENDLESS)
            assert 0.05 <= time.monotonic() - started < PATIENCE / 10
            with backend.within(PATIENCE):
                assert values(backend) == []


def test_the_time_is_that_of_all_calls_together(path: Path) -> None:
    """Once it is over, no call of the block is begun."""
    with opened(path) as backend, backend.within(0.02):
        assert values(backend) == []
        time.sleep(0.03)
        with pytest.raises(CallGivenUp):
            backend.fetch_one("SELECT 1")


def test_the_work_of_a_thread_can_be_bounded_too(path: Path) -> None:
    """What a query takes of the processor counts; time in which the thread waited does not."""
    with opened(path) as backend:
        with backend.within(PATIENCE, work=0.05), pytest.raises(CallGivenUp):
            backend.fetch_all(ENDLESS)
        with backend.within(PATIENCE, work=0.05):
            time.sleep(0.1)
            assert values(backend) == []
        with backend.within(PATIENCE, work=0.05), backend.within(PATIENCE, work=PATIENCE), pytest.raises(CallGivenUp):
            backend.fetch_all(ENDLESS)
        with backend.within(PATIENCE):
            assert values(backend) == []


def test_of_two_blocks_the_one_that_ends_earlier_counts(path: Path) -> None:
    """And what the outer one leaves is as before: a thread without a bound waits again."""
    with opened(path) as backend:
        with backend.within(PATIENCE):
            with backend.within(1e-9), pytest.raises(CallGivenUp):
                backend.fetch_one("SELECT 1")
            assert values(backend) == []
            with pytest.raises(CallGivenUp):
                backend.execute(INSERT, ("refused",))
        with backend.within(1e-9), backend.within(PATIENCE), pytest.raises(CallGivenUp):
            backend.fetch_one("SELECT 1")
        with pytest.raises(ZeroDivisionError), backend.within(1e-9):
            assert 1 / 0
        backend.execute(INSERT, ("written",))
        assert values(backend) == ["written"]


@pytest.mark.parametrize(
    "call",
    [
        lambda backend, folder: backend.execute(INSERT, ("refused",)),
        lambda backend, folder: backend.execute_batch([Statement(INSERT, ("refused",))]),
        lambda backend, folder: backend.execute_batch(iter([Statement(INSERT, ("refused",))])),
        lambda backend, folder: backend.backup(folder / "copy.db"),
    ],
    ids=["execute", "batch", "stream", "backup"],
)
def test_what_may_wait_is_given_up_at_once(call: Callable[[Any, Path], object], path: Path, tmp_path: Path) -> None:
    """A write, and a backup: nothing is begun."""
    with opened(path) as backend:
        with backend.within(PATIENCE), pytest.raises(CallGivenUp):
            call(backend, tmp_path)
        assert values(backend) == []
        assert not (tmp_path / "copy.db").exists()


def test_other_threads_are_not_affected(path: Path) -> None:
    """While one is bound, another one waits as ever."""
    with opened(path) as backend, backend.within(1e-9):
        assert Running(backend.execute, INSERT, ("a",)).result().rowcount == 1
        assert Running(values, backend).result() == ["a"]


def test_it_does_not_wait_for_a_pool_that_is_busy(path: Path) -> None:
    """Nor for a writer: it has a connection of its own."""
    with opened(path, pool_size=1, query_timeout=PATIENCE, wait_timeout=PATIENCE) as backend:
        held = Held(backend)
        running = Running(backend.fetch_one, ENDLESS)
        until(lambda: backend.running_reads == 1, "a query that runs")
        with backend.within(PATIENCE):
            assert values(backend) == []
        held.release()
        held.batch.result()
        with backend.within(PATIENCE):
            assert values(backend) == ["held"]
        assert not running.has_ended


def test_of_two_threads_at_the_same_moment_one_gives_up(path: Path) -> None:
    """Instead of waiting for the connection."""
    with opened(path) as backend:

        def long_read() -> None:
            while True:
                started = time.monotonic()
                try:
                    with backend.within(PATIENCE):
                        backend.fetch_one(ENDLESS)
                except CallGivenUp:
                    if time.monotonic() - started > 0.1:  # else it was this one that gave up at once
                        raise

        running = Running(long_read)
        refused = threading.Event()

        def is_refused() -> bool:
            with backend.within(PATIENCE):
                try:
                    values(backend)
                except CallGivenUp:
                    refused.set()
            return refused.is_set()

        until(is_refused, "a read that is given up")
        started = time.monotonic()
        with backend.within(PATIENCE), pytest.raises(CallGivenUp):
            values(backend)
        assert time.monotonic() - started < PATIENCE / 10
        assert not running.has_ended
        backend.close()
        assert time.monotonic() - started < PATIENCE / 3
        assert isinstance(running.error(), (CallGivenUp, ClosedError))


def test_a_lock_of_another_process_is_not_waited_for(path: Path) -> None:
    """In a base without a write-ahead log a writer shuts out readers: a thread that may wait has to read."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
        other.commit()
        backend = PooledDatabaseBackend(path, busy_timeout=PATIENCE / 10)
        backend.connect()
        try:
            with backend.within(PATIENCE):
                assert values(backend) == []
            for is_new in (False, True):
                if is_new:
                    backend.close()
                    backend.connect()
                other.execute("BEGIN EXCLUSIVE")
                started = time.monotonic()
                with backend.within(PATIENCE), pytest.raises(CallGivenUp):
                    values(backend)
                assert time.monotonic() - started < PATIENCE / 20
                other.rollback()
                with backend.within(PATIENCE):
                    assert values(backend) == []
        finally:
            backend.close()


def test_a_file_that_is_gone_is_told(path: Path) -> None:
    """It is no matter of waiting."""
    with opened(path) as backend:
        path.unlink()
        with backend.within(PATIENCE), pytest.raises(CannotOpenError, match="was removed while it was open"):
            values(backend)


def test_a_closed_base_is_told(path: Path) -> None:
    """As outside of a block."""
    with opened(path) as backend:
        backend.close()
        with backend.within(PATIENCE), pytest.raises(ClosedError):
            values(backend)


def test_it_passes_through_all_that_is_around_a_back_end(path: Path) -> None:
    """Neither the retry layer nor what tells of a plug-in makes an error of it."""
    file = config.get_config().paths.config_dir / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('[backends]\ndatabase = "pooled"\n', "utf-8")
    config.reset_config()
    observer = _Outcomes()
    with closing(ServiceContainer(observer=observer)) as container:
        backend: Any = container.database(path)
        backend.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, value)")
        for call in (partial(backend.execute, INSERT, (1,)), partial(backend.fetch_all, ENDLESS)):
            with backend.wrapped.within(0.05), pytest.raises(CallGivenUp):
                call()
        assert backend.fetch_all("SELECT * FROM t") == []
    assert observer.errors == ["CallGivenUp"] * 2


class _Outcomes(list[Any]):
    """Takes the events of back-end calls."""

    @property
    def errors(self) -> list[Any]:
        """The classes of the errors."""
        return [event["error"] for event in self if "error" in event]

    def debug(self, event: str, **fields: Any) -> None:
        self.append(fields)


def test_the_statements_of_a_batch_are_no_matter_of_time(path: Path) -> None:
    """What they read is what the batch has done so far, in a block too."""
    seen: list[int] = []
    with opened(path) as backend:

        def statements() -> Iterator[Statement]:
            yield Statement(INSERT, (1,))
            with backend.within(PATIENCE):
                seen.append(len(values(backend)))

        backend.execute_batch(statements())
        assert seen == [1]
    assert raw.rows(path, "SELECT count(*) FROM t") == [(1,)]
