"""Database back ends with one deliberate fault each, in their batches and guards."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from rekall.errors import DatabaseError, GuardFailed, NotSupportedError, QueryError
from rekall.infra import Result, Statement
from rekall.infra.interfaces import Params
from support.database_faults import Faults
from support.right_databases import Right

FAULTS = Faults()
T = TypeVar("T")


class Batched(Right):
    """Runs a batch in another way."""

    def run_all(self, connection: sqlite3.Connection, statements: Iterable[Statement]) -> int:
        return super().run_all(connection, self.made(connection, statements))

    def made(self, connection: sqlite3.Connection, statements: Iterable[Statement]) -> Iterable[Statement]:
        return statements


@FAULTS.caught_by("test_a_batch_is_applied_in_order", "what execute_batch returned is 5 instead of 6")
class CountsStatements(Right):
    def run_all(self, connection: sqlite3.Connection, statements: Iterable[Statement]) -> int:
        self.number = 0

        def counted() -> Iterable[Statement]:
            for statement in statements:
                self.number += 1
                yield statement

        super().run_all(connection, counted())
        return self.number


@FAULTS.caught_by("test_an_empty_batch_does_nothing", "found: QueryError: an empty batch")
class RefusesAnEmptyBatch(Batched):
    def made(self, connection: sqlite3.Connection, statements: Iterable[Statement]) -> Iterable[Statement]:
        number = -1
        for number, statement in enumerate(statements):  # noqa: B007  # counted for what follows the loop
            yield statement
        if number < 0:
            raise QueryError("an empty batch")


@FAULTS.caught_by("test_a_batch_is_all_or_nothing", "what the table holds after a batch that failed is ['changed']")
class CommitsEachStatement(Batched):
    def made(self, connection: sqlite3.Connection, statements: Iterable[Statement]) -> Iterable[Statement]:
        for statement in statements:
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
            yield statement


@FAULTS.caught_by("test_a_batch_is_all_or_nothing", "what the table holds after a batch that failed is ['changed']")
class CommitsBeforeCreating(Right):
    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        if sql.startswith("CREATE"):
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
        return super().run(connection, sql, params)


@FAULTS.caught_by("test_errors_of_the_statements_pass", "_MadeUpError became QueryError: line 3")
class TranslatesWhateverIsRaised(Right):
    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        try:
            return super().execute_batch(statements)
        except DatabaseError:
            raise
        except Exception as error:
            raise QueryError(str(error)) from error


@FAULTS.caught_by(
    "test_errors_of_the_statements_pass", "what the table holds after a _MadeUpInterrupt of the statements"
)
class KeepsWhatAnInterruptCutOff(Right):
    def atomically(self, body: Callable[[sqlite3.Connection], T]) -> T:
        with self.lock, self.translated():
            connection = self.required()
            connection.execute("BEGIN IMMEDIATE")
            try:
                return body(connection)
            except Exception:
                connection.execute("ROLLBACK")
                raise
            finally:
                if connection.in_transaction:
                    connection.execute("COMMIT")


@FAULTS.caught_by("test_statements_are_read_once", "how often and how far it was read is (2, 200) instead of (1, 100)")
class ReadsStatementsTwice(Right):
    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        self.number = sum(1 for _ in statements)
        return super().execute_batch(statements)


@FAULTS.caught_by("test_statements_are_read_once", "found: TypeError: object of type 'Streamed' has no len()")
class AsksForTheNumberOfStatements(Right):
    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        self.number = len(statements)  # type: ignore[arg-type]  # the fault
        return super().execute_batch(statements)


@FAULTS.caught_by("test_a_batch_is_streamed", " MB held for 16 MB of statements")
class HoldsABatchInMemory(Right):
    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        return super().execute_batch(list(statements))


@FAULTS.caught_by("test_a_large_batch_is_applied_or_refused", "found: NotSupportedError: a batch of more than 10000")
class RefusesLargeBatchesWithoutSayingSo(Right):
    def check(self, index: int, statement: Statement, changed: int) -> None:
        super().check(index, statement, changed)
        if index >= 10_000:
            raise NotSupportedError("a batch of more than 10000 statements")


@FAULTS.caught_by(
    "test_a_large_batch_is_applied_or_refused",
    "what the table holds after a batch that was refused",
    states=("backup", "persistent", "limited_batches"),
)
class RefusesALargeBatchInTheMiddle(RefusesLargeBatchesWithoutSayingSo):
    def undo(self, connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")


# guards


@FAULTS.caught_by("test_a_failing_guard_undoes_the_batch", "a guard of 1 on 0 rows raised nothing and gave")
class IgnoresGuards(Right):
    def check(self, index: int, statement: Statement, changed: int) -> None:
        pass


@FAULTS.caught_by("test_a_failing_guard_undoes_the_batch", "a guard of 0 on 2 rows raised nothing and gave")
class IgnoresGuardsOfNoRow(Right):
    def check(self, index: int, statement: Statement, changed: int) -> None:
        if statement.expect:
            super().check(index, statement, changed)


@FAULTS.caught_by("test_a_failing_guard_undoes_the_batch", "what the table holds after a guard that failed")
class KeepsWhatAGuardRefused(Right):
    def atomically(self, body: Callable[[sqlite3.Connection], T]) -> T:
        refused: list[GuardFailed] = []

        def kept(connection: sqlite3.Connection) -> T | None:
            try:
                return body(connection)
            except GuardFailed as error:
                refused.append(error)
                return None

        result = super().atomically(kept)
        if refused:
            raise refused[0]
        return result  # type: ignore[return-value]  # None only with an error


@FAULTS.caught_by("test_a_failing_guard_undoes_the_batch", "rows raised QueryError: ")
class TakesAGuardForTheDrivers(Right):
    """Catches `sqlite3.Error`, from which `GuardFailed` derives."""

    def run_all(self, connection: sqlite3.Connection, statements: Iterable[Statement]) -> int:
        try:
            return super().run_all(connection, statements)
        except GuardFailed as error:
            raise QueryError(str(error)) from error


@FAULTS.caught_by(
    "test_a_failing_guard_tells_which", "its index, changed and expected is (1, 2, 1) instead of (0, 2, 1)"
)
class CountsGuardsFromOne(Right):
    def check(self, index: int, statement: Statement, changed: int) -> None:
        super().check(index + 1, statement, changed)


@FAULTS.caught_by("test_guards_that_hold_pass", "changed 2 rows instead of 2")
class TakesAGuardForYesOrNo(Right):
    def check(self, index: int, statement: Statement, changed: int) -> None:
        if statement.expect is not None and changed not in (0, 1):
            raise GuardFailed(index, changed, statement.expect)
        super().check(index, statement, changed)


@FAULTS.caught_by("test_a_statement_that_ends_the_transaction", "cannot rollback - no transaction is active")
class UndoesWhatIsUndone(Right):
    def undo(self, connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
