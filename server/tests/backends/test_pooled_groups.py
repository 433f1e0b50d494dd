"""Writes of many threads: committed together, each undone by itself, acknowledged when they are there for good."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from server_support.pooled import INSERT, PATIENCE, Held, commits, opened, queued, values
from support import raw

from rekall.errors import DiskFullError, GuardFailed, IntegrityError, QueryError
from rekall.infra.interfaces import Result, Statement
from rekall_server.backends.transactions import LARGEST_GROUP

UNIQUE = "CREATE TABLE u (value UNIQUE)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def test_writes_that_wait_are_committed_together(path: Path) -> None:
    """Far fewer transactions than writes; each writer gets what its own write did."""
    writers = 60
    with opened(path, wait_timeout=PATIENCE) as backend:
        before = commits(path)
        held = Held(backend)
        calls: list[Callable[[], Any]] = []
        for number in range(writers):
            single = partial(backend.execute, INSERT, (number,))
            batch = partial(backend.execute_batch, [Statement(INSERT, (number,)), Statement("UPDATE t SET id = id")])
            calls.append(single if number % 2 == 0 else batch)
        running = queued(backend, calls)
        held.release()
        # the one that was held has id 1
        wanted = [Result(1, number + 2) if number % 2 == 0 else number + 3 for number in range(writers)]
        assert [one.result() for one in running] == wanted
        assert held.batch.result() == 1
        assert values(backend) == ["held", *range(writers)]
        assert 2 <= commits(path) - before <= 1 + writers // 5
        assert raw.rows(path, "SELECT count(*) FROM t") == [(writers + 1,)]


def test_a_group_is_bounded(path: Path) -> None:
    """More than fit into one group are committed in several."""
    with opened(path, wait_timeout=PATIENCE) as backend:
        before = commits(path)
        held = Held(backend)
        running = queued(backend, [partial(backend.execute, INSERT, (n,)) for n in range(LARGEST_GROUP + 10)])
        held.release()
        assert [one.result().rowcount for one in running] == [1] * len(running)
        assert commits(path) - before >= 3


def test_an_error_undoes_its_own_write_alone(path: Path) -> None:
    """First, in the middle or last in a group; each writer gets its own error, the others their results."""
    with opened(path, wait_timeout=PATIENCE) as backend:
        backend.execute(UNIQUE)
        twice = [Statement(INSERT, ("undone",)), Statement("INSERT INTO u VALUES (1), (1)")]
        guarded = [Statement(INSERT, ("undone",)), Statement("UPDATE t SET value = value", expect=77)]
        wrong = [Statement(INSERT, ("undone",)), Statement("wrong")]
        held = Held(backend)
        a, b, c = ([Statement(INSERT, (name,))] for name in "abc")
        running = queued(
            backend, [partial(backend.execute_batch, batch) for batch in (twice, a, guarded, b, wrong, c, twice)]
        )
        held.release()
        errors = [type(one.error()) for one in running]
        nothing = type(None)
        assert errors == [IntegrityError, nothing, GuardFailed, nothing, QueryError, nothing, IntegrityError]
        assert values(backend) == ["held", "a", "b", "c"]
        assert backend.fetch_all("SELECT * FROM u") == []


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_write_that_ends_the_transaction_harms_no_other(place: int, path: Path) -> None:
    """Those that were applied before it in the same group are applied again; nobody gets another one's error."""
    ending = [Statement(INSERT, ("undone",)), Statement("INSERT OR ROLLBACK INTO u VALUES (1)")]
    with opened(path, wait_timeout=PATIENCE) as backend:
        backend.execute(UNIQUE)
        backend.execute("INSERT INTO u VALUES (1)")
        held = Held(backend)
        batches = [[Statement(INSERT, (name,))] for name in "abc"]
        batches.insert(place, ending)
        running = queued(backend, [partial(backend.execute_batch, batch) for batch in batches])
        held.release()
        errors = [one.error() for one in running]
        assert isinstance(errors.pop(place), IntegrityError)
        assert errors == [None] * 3
        assert values(backend) == ["held", "a", "b", "c"]


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_constraint_that_fails_at_the_end_harms_no_other(place: int, path: Path) -> None:
    """A deferred foreign key fails in COMMIT, which is that of all: then each has a transaction of its own."""
    orphan = [Statement("PRAGMA defer_foreign_keys = ON"), Statement("INSERT INTO parts VALUES (77)")]
    with opened(path, wait_timeout=PATIENCE) as backend:
        backend.execute("CREATE TABLE parts (t_id REFERENCES t(id))")
        held = Held(backend)
        batches = [[Statement(INSERT, (name,))] for name in "abc"]
        batches.insert(place, orphan)
        running = queued(backend, [partial(backend.execute_batch, batch) for batch in batches])
        held.release()
        errors = [one.error() for one in running]
        assert isinstance(errors.pop(place), IntegrityError)
        assert errors == [None] * 3
        assert values(backend) == ["held", "a", "b", "c"]
        assert backend.fetch_all("SELECT * FROM parts") == []


def test_a_full_base_in_the_middle_of_a_group(path: Path) -> None:
    """Who needs too much room is told, what fits is there, and it goes on when there is room."""
    with opened(path, wait_timeout=PATIENCE) as backend:
        pages = raw.rows(path, "PRAGMA page_count")[0][0]
        backend.execute(f"PRAGMA max_page_count = {pages + 3}")
        held = Held(backend)
        sizes = [10, 1_000_000, 10, 1_000_000, 10]
        insert = "INSERT INTO t (value) VALUES (zeroblob(?))"
        running = queued(backend, [partial(backend.execute, insert, (size,)) for size in sizes])
        held.release()
        errors = [one.error() for one in running]
        assert [type(error) for error in errors if error] == [DiskFullError] * 2
        assert [size for size, error in zip(sizes, errors, strict=True) if error] == [1_000_000] * 2
        assert [len(value) for value in values(backend)[1:]] == [10, 10, 10]
        backend.execute("PRAGMA max_page_count = 1000000")
        backend.execute(insert, (1_000_000,))
        assert raw.rows(path, "PRAGMA integrity_check") == [("ok",)]
