"""Reads on several connections: at the same time, lent in turn, ended when they take too long."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from server_support.pooled import ENDLESS, INSERT, PATIENCE, Running, open_files, opened, until, values
from support import raw

from rekall.errors import (
    ClosedError,
    DatabaseBusyError,
    DatabaseError,
    OutcomeUnknownError,
    QueryError,
    RekallError,
    TransientError,
)
from rekall.infra.instrument import Retry, instrument
from rekall.infra.interfaces import Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by /proc")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def _lent(backend: PooledDatabaseBackend) -> Running:
    """A query that keeps one connection until it is ended."""
    running = Running(backend.fetch_one, ENDLESS)
    until(lambda: backend.running_reads == 1, "a query that runs")
    return running


def test_a_read_does_not_wait_for_another(path: Path) -> None:
    """While one query runs on its connection, others are answered."""
    with opened(path, pool_size=2, query_timeout=2.0) as backend:
        running = _lent(backend)
        backend.execute(INSERT, ("a",))
        for _ in range(50):
            assert values(backend) == ["a"]
        assert not running.has_ended
        assert isinstance(running.error(), DatabaseError)


def test_a_read_waits_for_a_connection_and_gets_it(path: Path) -> None:
    """As soon as one is given back; how long it waited is told."""
    waits: list[float] = []
    with opened(path, pool_size=1, query_timeout=0.5, wait_timeout=PATIENCE) as backend:
        backend.on_wait = waits.append
        assert values(backend) == []
        assert waits == []
        running = _lent(backend)
        assert values(backend) == []
        assert isinstance(running.error(), DatabaseError)
    assert len(waits) == 1
    assert 0 < waits[0] < PATIENCE


def test_a_wait_that_takes_too_long_is_given_up(path: Path) -> None:
    """With an error that says what to do, and that nothing was done; the wait is told too."""
    waits: list[float] = []
    with opened(path, pool_size=1, query_timeout=PATIENCE, wait_timeout=0.2) as backend:
        backend.on_wait = waits.append
        running = _lent(backend)
        with pytest.raises(DatabaseBusyError) as caught:
            backend.fetch_all("SELECT 1")
        assert str(caught.value) == (
            f"no connection to {path} became free within 0.2 s: nothing was read, "
            "try again, or raise pool_size or wait_timeout"
        )
        assert len(waits) == 1
        assert 0.19 <= waits[0] < PATIENCE
        assert not running.has_ended
    assert isinstance(running.error(), ClosedError)


def test_who_gave_up_takes_no_connection_from_others(path: Path) -> None:
    """When one is given back later, it is there for whoever asks then."""
    with opened(path, pool_size=1, query_timeout=1.0, wait_timeout=0.1) as backend:
        running = _lent(backend)
        for _ in range(3):
            with pytest.raises(DatabaseBusyError):
                values(backend)
        assert isinstance(running.error(), DatabaseError)
        assert [values(backend) for _ in range(3)] == [[]] * 3
        assert backend.running_reads == 0


def test_who_waits_is_served_in_turn(path: Path) -> None:
    """Twenty threads share one connection and each gets it, however often the others ask."""
    with opened(path, pool_size=1, wait_timeout=PATIENCE) as backend:
        running = [Running(lambda: [values(backend) for _ in range(200)]) for _ in range(20)]
        assert [len(one.result()) for one in running] == [200] * 20


@linux
def test_connections_are_opened_as_they_are_needed(path: Path) -> None:
    """One after another needs one; those that are there are used first, and there are never more than allowed."""
    with opened(path, pool_size=3) as backend:
        writer = 1
        for _ in range(20):
            values(backend)
        assert open_files(path) == 1 + writer
        together = threading.Barrier(12)

        def read() -> None:
            together.wait(PATIENCE)
            for _ in range(50):
                values(backend)

        for running in [Running(read) for _ in range(12)]:
            running.result()
        assert 1 + writer <= open_files(path) <= 3 + writer
    assert open_files(path) == 0
    assert [file.name for file in path.parent.iterdir()] == ["a.db"]


def test_a_query_that_takes_too_long_is_ended(path: Path) -> None:
    """In time, with an error that is not tried again; its connection is used on."""
    pauses: list[float] = []
    with opened(path, pool_size=1, query_timeout=0.3) as backend:
        retried = instrument(backend, "pooled", retry=Retry(sleep=pauses.append))
        started = time.monotonic()
        with pytest.raises(DatabaseError) as caught:
            retried.fetch_all(ENDLESS)
        took = time.monotonic() - started
        assert str(caught.value) == (
            "a query took longer than 0.3 s and was ended: ask for less, or raise query_timeout"
        )
        assert not isinstance(caught.value, (TransientError, OutcomeUnknownError, QueryError))
        assert pauses == []
        assert 0.3 <= took < PATIENCE
        assert backend.fetch_one("SELECT 1 AS n") == {"n": 1}


def test_a_wrong_query_is_no_query_that_took_too_long(path: Path) -> None:
    """Also on a connection on which one was ended before."""
    with opened(path, pool_size=1, query_timeout=0.1) as backend:
        for _ in range(2):
            with pytest.raises(DatabaseError, match="was ended"):
                backend.fetch_one(ENDLESS)
            with pytest.raises(QueryError, match="no such column"):
                backend.fetch_one("SELECT wrong")


def test_a_pooled_connection_cannot_write(path: Path) -> None:
    """Even where a write would pass for a read."""
    with opened(path) as backend:
        assert backend.fetch_one("PRAGMA query_only") == {"query_only": 1}
        assert backend.fetch_one("PRAGMA foreign_keys") == {"foreign_keys": 1}


def test_a_row_that_cannot_be_read_keeps_no_old_state(path: Path) -> None:
    """While its error is still at hand, the next read on the connection sees what was written meanwhile."""
    with opened(path, pool_size=1) as backend:
        backend.execute("INSERT INTO t (value) VALUES ('a'), (CAST(x'ff' AS TEXT)), ('b')")
        with pytest.raises(RekallError, match="UTF-8") as caught:
            backend.fetch_all("SELECT value FROM t")
        raw.write(path, "DELETE FROM t")
        assert values(backend) == []
        del caught


def test_the_statements_of_a_batch_see_what_it_has_done(path: Path) -> None:
    """As with the default back end; nobody else sees it before the end."""
    seen: list[tuple[int, int]] = []
    with opened(path) as backend:

        def statements() -> Iterator[Statement]:
            for number in range(3):
                yield Statement(INSERT, (number,))
                seen.append((len(values(backend)), len(Running(values, backend).result())))

        assert backend.execute_batch(statements()) == 3
        assert seen == [(1, 0), (2, 0), (3, 0)]
        assert values(backend) == [0, 1, 2]


@pytest.mark.skipif(os.name != "posix", reason="sends itself a signal")
def test_ctrl_c_ends_a_query_that_takes_long(path: Path) -> None:
    """It is no error of the query, and its connection is used on."""
    with opened(path, pool_size=1, query_timeout=PATIENCE) as backend:

        def interrupt() -> None:
            until(lambda: backend.running_reads == 1, "a query that runs")
            time.sleep(0.1)  # so that it is likely to be inside SQLite; the test holds either way
            os.kill(os.getpid(), signal.SIGINT)

        interrupting = Running(interrupt)
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            backend.fetch_one(ENDLESS)
        assert time.monotonic() - started < PATIENCE / 3
        interrupting.result()
        assert backend.running_reads == 0
        assert values(backend) == []


def test_close_ends_a_query_that_does_not_end(path: Path) -> None:
    """Also those that wait for its connection; after that nothing is open and nobody runs."""
    backend = PooledDatabaseBackend(path, pool_size=1, query_timeout=PATIENCE, wait_timeout=PATIENCE)
    backend.connect()
    before = threading.active_count()
    running = _lent(backend)
    waits: list[float] = []
    backend.on_wait = waits.append
    others = [Running(values, backend) for _ in range(3)]
    started = time.monotonic()
    backend.close()
    assert time.monotonic() - started < 10
    for one in (running, *others):
        assert isinstance(one.error(), ClosedError)
    until(lambda: threading.active_count() == before, "the end of all threads")
    with pytest.raises(ClosedError):
        backend.check()
    backend.close()


def test_a_read_that_ends_soon_ends_as_usual_when_the_base_is_closed(path: Path) -> None:
    """It is given a moment."""
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT count(*) AS n FROM n"
    outcomes = set()
    for _ in range(20):
        backend = PooledDatabaseBackend(path, pool_size=1)
        backend.connect()
        running = Running(backend.fetch_one, query)
        time.sleep(0.001)
        backend.close()
        error = running.error()
        outcomes.add(type(error))
        assert error is None or isinstance(error, ClosedError)
    assert type(None) in outcomes
