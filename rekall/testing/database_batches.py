"""Checks of a database back end: a batch is applied whole or not at all, guarded, and streamed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from rekall.errors import BackendError, GuardFailed, IntegrityError, QueryError
from rekall.infra.interfaces import DatabaseBackend, Statement
from rekall.testing.contract import broken, contract, holds, same
from rekall.testing.database_frame import INSERT, DatabaseFrame, Streamed, nothing_kept, refused, tables, values

_STATEMENTS, _SIZE, _PEAK = 4_000, 4_000, 4_000_000
"""Statements of a streamed batch and bytes of each, 16 MB together, of which so many bytes may be held at once."""


class _MadeUpError(Exception):
    """What goes wrong where statements are made up."""


class _MadeUpInterrupt(BaseException):
    """What Ctrl-C is: no Exception."""


class BatchChecks(DatabaseFrame):
    """Applied whole or not at all.

    Attributes:
        large_batch: statements of 1 KB in a batch that a back end with `limited_batches` refuses, and any other takes.
    """

    large_batch: ClassVar[int] = 20_000

    @contract("execute_batch applies all statements in their order and returns the rows that they changed together")
    def test_a_batch_is_applied_in_order(self, database: DatabaseBackend) -> None:
        total = database.execute_batch(
            [
                Statement("INSERT INTO items VALUES (1, 'a'), (2, 'b')"),
                Statement("UPDATE items SET value = value || :more", {"more": "+"}),
                Statement("INSERT INTO items SELECT id + 10, value || '!' FROM items WHERE id = ?", (1,)),
                Statement("CREATE TABLE more (x)"),
                Statement("DELETE FROM items WHERE id = 2"),
            ]
        )
        same(total, 6, "what execute_batch returned")
        same(values(database), ["a+", "a+!"], "what the table holds")

    @contract("an empty batch changes nothing and returns 0")
    def test_an_empty_batch_does_nothing(self, database: DatabaseBackend) -> None:
        same(database.execute_batch([]), 0, "what execute_batch returned for a list")
        same(database.execute_batch(Streamed(lambda: iter(()))), 0, "what execute_batch returned for an iterable")

    @contract("an error in the middle of a batch undoes the whole of it, CREATE TABLE and user_version too")
    def test_a_batch_is_all_or_nothing(self, database: DatabaseBackend) -> None:
        database.execute("INSERT INTO items VALUES (1, 'before')")
        wrong = {
            QueryError: Statement("INSERT INTO missing VALUES (1)"),
            IntegrityError: Statement("INSERT INTO items VALUES (1, 'twice')"),
        }
        for kind, statement in wrong.items():
            batch = [
                Statement("UPDATE items SET value = 'changed'"),
                Statement("CREATE TABLE more (x)"),
                Statement("PRAGMA user_version = 77"),
                statement,
                Statement(INSERT, ("after",)),
            ]
            refused("execute_batch", kind, database.execute_batch, batch)
            nothing_kept(database, "a batch that failed", ["before"])
            same(tables(database), ["items", "parts"], "the list of tables")
            version = database.fetch_one("SELECT user_version FROM pragma_user_version")
            same(version, {"user_version": 0}, "user_version")

    @contract("what the maker of the statements raises leaves execute_batch as the same object, and undoes the batch")
    def test_errors_of_the_statements_pass(self, database: DatabaseBackend) -> None:
        for error in (_MadeUpError("line 3"), BackendError("refused"), _MadeUpInterrupt()):

            def statements(error: BaseException = error) -> Iterator[Statement]:
                yield Statement(INSERT, ("undone",))
                raise error

            try:
                database.execute_batch(Streamed(statements))
            except (Exception, _MadeUpInterrupt) as caught:  # noqa: BLE001  # judged here
                if caught is not error:
                    broken(f"{type(error).__name__} became {type(caught).__name__}: {caught}", caught)
            else:
                broken(f"{type(error).__name__} was swallowed")
            nothing_kept(database, f"a {type(error).__name__} of the statements")

    @contract("the statements are read once, from their beginning to their end, by iterating and by nothing else")
    def test_statements_are_read_once(self, database: DatabaseBackend) -> None:
        statements = Streamed(lambda: (Statement(INSERT, (n,)) for n in range(100)))
        for time in (1, 2):
            same(database.execute_batch(statements), 100, "what execute_batch returned")
            same((statements.started, statements.read), (time, 100 * time), "how often and how far it was read")
        same(values(database), [*range(100)] * 2, "what the table holds")

    @contract("the statements of a batch are streamed: a large import is never held in memory")
    def test_a_batch_is_streamed(self, database: DatabaseBackend) -> None:
        if "limited_batches" in self.capabilities:
            pytest.skip("not checked: a back end with limited_batches holds a batch until it is whole")
        statements = Streamed(lambda: (Statement(INSERT, (f"{n:{_SIZE}}",)) for n in range(_STATEMENTS)))
        database.execute(INSERT, ("warm",))
        traced = tracemalloc.is_tracing()
        if not traced:
            tracemalloc.start()
        try:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            database.execute_batch(statements)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            if not traced:
                tracemalloc.stop()
        same(database.fetch_one("SELECT count(*) AS n FROM items"), {"n": _STATEMENTS + 1}, "the number of rows")
        held = peak - before
        holds(held < _PEAK, f"{held / 1e6:.0f} MB held for {_STATEMENTS * _SIZE / 1e6:.0f} MB of statements")

    @contract("a batch of any size is applied, or with limited_batches refused before anything is written, for good")
    def test_a_large_batch_is_applied_or_refused(self, database: DatabaseBackend) -> None:
        statements = Streamed(lambda: (Statement(INSERT, (f"{n:1000}",)) for n in range(self.large_batch)))
        if "limited_batches" in self.capabilities:
            refused(f"a batch of {self.large_batch} statements", BackendError, database.execute_batch, statements)
            nothing_kept(database, "a batch that was refused")
        else:
            same(database.execute_batch(statements), self.large_batch, "what execute_batch returned")

    @contract(
        "a statement that ends the transaction itself, as a full disk does, raises its own error, and no harm is done"
    )
    def test_a_statement_that_ends_the_transaction(self, database: DatabaseBackend) -> None:
        database.execute("INSERT INTO items VALUES (1, 'before')")
        ending = Statement("INSERT OR ROLLBACK INTO items VALUES (1, 'twice')")
        for _ in range(2):
            batch = [Statement(INSERT, ("undone",)), ending]
            refused("a batch with INSERT OR ROLLBACK", IntegrityError, database.execute_batch, batch)
            nothing_kept(database, "a batch with INSERT OR ROLLBACK", ["before"])

    @pytest.mark.parametrize(
        ("position", "changed", "expected"),
        [(0, 0, 1), (1, 2, 0), (1, 2, 3), (2, 0, 5)],
        ids=["first", "none", "more", "last"],
    )
    @contract("a statement that changes another number of rows than its expect raises GuardFailed and undoes the batch")
    def test_a_failing_guard_undoes_the_batch(
        self, database: DatabaseBackend, position: int, changed: int, expected: int
    ) -> None:
        database.execute_batch([Statement(INSERT, (7,)), Statement(INSERT, (7,))])
        batch = [Statement(INSERT, ("undone",), expect=1) for _ in range(2)]
        guarded = Statement("UPDATE items SET value = 8 WHERE value = ?", (7 if changed else "none",), expect=expected)
        batch.insert(position, guarded)
        refused(f"a guard of {expected} on {changed} rows", GuardFailed, database.execute_batch, batch)
        nothing_kept(database, "a guard that failed", [7, 7])

    @contract("GuardFailed tells the index of the statement in its batch, the rows that it changed, and those expected")
    def test_a_failing_guard_tells_which(self, database: DatabaseBackend) -> None:
        database.execute_batch([Statement(INSERT, (7,)), Statement(INSERT, (7,))])
        for index, changed, expected in ((0, 2, 1), (3, 0, 1), (3, 2, 0)):
            batch = [Statement("UPDATE parts SET name = '' WHERE 0", expect=0)] * index
            sql = "UPDATE items SET value = 7 WHERE value = ?"
            batch.append(Statement(sql, (7 if changed else "none",), expect=expected))
            error: Any = refused("execute_batch", GuardFailed, database.execute_batch, batch)
            told = (error.index, error.changed, error.expected)
            same(told, (index, changed, expected), "its index, changed and expected")

    @contract("guards that hold let the batch through, also one that expects 0 rows")
    def test_guards_that_hold_pass(self, database: DatabaseBackend) -> None:
        batch = [
            Statement("INSERT INTO items VALUES (1, 'a')", expect=1),
            Statement("UPDATE items SET value = 'b' WHERE id = 9", expect=0),
            Statement("INSERT INTO items VALUES (2, 'c'), (3, 'd')", expect=2),
        ]
        same(database.execute_batch(batch), 3, "what execute_batch returned")
        same(values(database), ["a", "c", "d"], "what the table holds")
