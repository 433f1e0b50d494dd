"""Database back ends with one deliberate fault each, in what they refuse, how they say it, and what they can run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from rekall.errors import DatabaseBusyError, DatabaseError, IntegrityError, QueryError, RekallError
from rekall.infra import Result, Statement
from rekall.infra.interfaces import Params, Row, refuse_transaction_control
from support.database_faults import Faults
from support.right_databases import Right

FAULTS = Faults()
T = TypeVar("T")

CONTROL = "test_transaction_control_is_refused"


class RunsAsItComes(Right):
    """Runs writes past the check for transaction control."""

    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        cursor = connection.execute(sql, params)
        return Result(max(cursor.rowcount, 0), cursor.lastrowid)


@FAULTS.caught_by(CONTROL, "'Commit' raised nothing and gave ")
class LetsTransactionControlThrough(RunsAsItComes):
    def undo(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def atomically(self, body: Callable[[sqlite3.Connection], T]) -> T:
        with self.lock, self.translated():
            connection = self.required()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = body(connection)
            except BaseException:
                self.undo(connection)
                raise
            if connection.in_transaction:
                connection.execute("COMMIT")
            return result


@FAULTS.caught_by(CONTROL, "execute of '  \\n\\tBEGIN' raised nothing")
class LooksAtTheFirstLettersAlone(LetsTransactionControlThrough):
    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        if sql.upper().startswith(("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE")):
            refuse_transaction_control(sql)
        if sql.strip().upper().startswith("BEGIN"):
            return Result(0)  # "a transaction is open already"
        return super().run(connection, sql, params)


@FAULTS.caught_by(CONTROL, "fetch_all of 'BEGIN' raised nothing and gave []")
class RefusesItInWritesAlone(Right):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        with suppress(QueryError):
            refuse_transaction_control(query)
            return super().fetch_all(query, params)
        return []


@FAULTS.caught_by("test_what_only_looks_like_it_is_not_refused", "found: QueryError: transaction control")
class RefusesTheWordAnywhere(Right):
    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        if "BEGIN" in sql.upper():
            raise QueryError("transaction control")
        return super().run(connection, sql, params)


@FAULTS.caught_by("test_two_statements_are_refused", "two statements raised nothing and gave Result(rowcount=1")
class RunsTheFirstOfTwo(Right):
    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        return super().run(connection, sql.removesuffix("; COMMIT"), params)


@FAULTS.caught_by("test_reads_do_not_write", "\"INSERT INTO items (value) VALUES ('kept?')\" raised nothing and gave ")
class WritesWhatIsRead(Right):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        refuse_transaction_control(query)
        with self.lock, self.translated():
            cursor = self.required().execute(query, params or ())
            names = [column[0] for column in cursor.description or ()]
            return [self.row(names, values) for values in cursor]


@FAULTS.caught_by(
    "test_reads_do_not_write", "VALUES ('kept?')) INSERT INTO items (value) SELECT v FROM new\" raised nothing"
)
class LooksForAFirstWordThatWrites(WritesWhatIsRead):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        if any(word in query.partition("(")[0] for word in ("INSERT", "UPDATE", "DELETE", "DROP", "REPLACE")):
            raise QueryError("that is a write")
        return super().fetch_all(query, params)


# errors


class Translates(Right):
    """Says what the driver's errors mean in its own way."""

    def translated(self) -> AbstractContextManager[None]:
        return self.told()

    @contextmanager
    def told(self) -> Iterator[None]:
        try:
            with super().translated():
                yield
        except DatabaseError as error:
            raise self.meaning(error) from error.__cause__

    def meaning(self, error: DatabaseError) -> Exception:
        return error


@FAULTS.caught_by("test_wrong_queries_are_query_errors", "a syntax error raised OperationalError: ")
class TranslatesNothing(Translates):
    def meaning(self, error: DatabaseError) -> Exception:
        cause = error.__cause__
        return cause if isinstance(cause, sqlite3.Error) else error


@FAULTS.caught_by("test_wrong_queries_are_query_errors", "without __cause__: raise it from the driver's error")
class HidesTheCause(Right):
    @contextmanager
    def _hidden(self) -> Iterator[None]:
        try:
            with super().translated():
                yield
        except RekallError as error:
            raise error from None

    def translated(self) -> AbstractContextManager[None]:
        return self._hidden()


@FAULTS.caught_by("test_wrong_queries_are_query_errors", "which is not the driver's")
class GivesItsOwnCause(Translates):
    def meaning(self, error: DatabaseError) -> Exception:
        own = type(error)("mine") if type(error) is QueryError else error
        own.__cause__ = error.__cause__ and QueryError("mine too")
        return own

    @contextmanager
    def told(self) -> Iterator[None]:
        try:
            with Right.translated(self):
                yield
        except QueryError as error:
            raise QueryError("mine") from error


@FAULTS.caught_by("test_constraints_are_integrity_errors", "PRIMARY KEY in execute raised QueryError: ")
@FAULTS.caught_by("test_rekall_links_entries", "found: QueryError: UNIQUE constraint failed")
class TakesConstraintsForWrongQueries(Translates):
    def meaning(self, error: DatabaseError) -> Exception:
        return QueryError(str(error)) if isinstance(error, IntegrityError) else error


@FAULTS.caught_by("test_permanent_errors_are_not_tried_again", "which is tried again: ")
class TakesEveryErrorForABusyBase(Translates):
    def meaning(self, error: DatabaseError) -> Exception:
        return DatabaseBusyError(str(error)) if isinstance(error, (QueryError, IntegrityError)) else error


@FAULTS.caught_by(
    "test_permanent_errors_are_not_tried_again", "how often the statements of a failed batch were read is 3"
)
class TriesABatchAgain(Right):
    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        for _ in range(2):
            with suppress(DatabaseError):
                return super().execute_batch(statements)
        return super().execute_batch(statements)


@FAULTS.caught_by(
    "test_permanent_errors_are_not_tried_again", "execute read its parameters 6 times when it failed, 2 when it did not"
)
class TriesAWriteAgain(Right):
    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        for _ in range(2):
            with suppress(DatabaseError):
                return super().run(connection, sql, params)
        return super().run(connection, sql, params)


# language


@FAULTS.caught_by("test_foreign_keys_are_on", "an orphan raised nothing and gave Result(rowcount=1")
class LeavesForeignKeysOff(Right):
    def new_connection(self) -> sqlite3.Connection:
        connection = super().new_connection()
        connection.execute("PRAGMA foreign_keys = OFF")
        return connection


class Cannot(Right):
    """Cannot run statements that hold a word, and says so."""

    word = ""

    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        self.refuse(sql)
        return super().run(connection, sql, params)

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        self.refuse(query)
        return super().fetch_all(query, params)

    def refuse(self, sql: str) -> None:
        if self.word in sql:
            raise QueryError(f"no {self.word} here") from NotImplementedError(self.word)


class Skips(Right):
    """Runs no statement that begins with a word, and says nothing."""

    word = ""

    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        return Result(0) if sql.startswith(self.word) else super().run(connection, sql, params)


@FAULTS.caught_by("test_foreign_keys_can_wait_for_the_end_of_a_batch", "FOREIGN KEY constraint failed")
class ChecksForeignKeysAtOnce(Skips):
    word = "PRAGMA defer_foreign_keys"


@FAULTS.caught_by("test_foreign_keys_can_wait_for_the_end_of_a_batch", "without the pragma, raised nothing")
class LetsForeignKeysWaitForEver(Right):
    waits = False

    def run_all(self, connection: sqlite3.Connection, statements: Iterable[Statement]) -> int:
        connection.execute(f"PRAGMA defer_foreign_keys = {self.waits:d}")
        return super().run_all(connection, statements)

    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        self.waits = self.waits or "defer_foreign_keys" in sql
        return super().run(connection, sql, params)


@FAULTS.caught_by("test_full_text_search_works", "found: QueryError: no fts5 here")
class HasNoFullText(Cannot):
    word = "fts5"


@FAULTS.caught_by("test_full_text_search_works", "found: QueryError: no snippet( here")
class HasNoSnippets(Cannot):
    word = "snippet("


@FAULTS.caught_by("test_full_text_search_works", "found: QueryError: no rank MATCH here")
class HasNoWeights(Cannot):
    word = "rank MATCH"


@FAULTS.caught_by("test_full_text_search_works", "found: QueryError: no MATCH value here")
class MatchesNoneOfAList(Cannot):
    word = "MATCH value"


@FAULTS.caught_by("test_full_text_search_works", "what the query cors found is [] instead of [1, 2]")
@FAULTS.caught_by("test_rekall_finds_by_context", "found: what a word of the former context finds is [")
@FAULTS.caught_by("test_rekall_finds_the_base_sound", "the list of derived objects that are missing is [")
class MakesNoTriggers(Skips):
    word = "CREATE TRIGGER"


@FAULTS.caught_by("test_json_functions_work", "found: QueryError: no json_ here")
class HasNoJson(Cannot):
    word = "json_"


@FAULTS.caught_by("test_newer_sql_works", "found: QueryError: no DO UPDATE here")
class HasNoUpsert(Cannot):
    word = "DO UPDATE"


@FAULTS.caught_by("test_newer_sql_works", "found: QueryError: no ON CONFLICT DO here")
@FAULTS.caught_by("test_rekall_moves_a_base", "no ON CONFLICT DO here")
class WantsAColumnForEachConflict(Cannot):
    word = "ON CONFLICT DO"


@FAULTS.caught_by("test_newer_sql_works", "found: QueryError: no ADD COLUMN here")
@FAULTS.caught_by("test_rekall_migrates_an_old_base", "found: QueryError: no ADD COLUMN here")
class AddsNoColumns(Cannot):
    word = "ADD COLUMN"


@FAULTS.caught_by("test_newer_sql_works", "found: QueryError: no MATERIALIZED here")
@FAULTS.caught_by("test_rekall_finds_by_words", "found: QueryError: no MATERIALIZED here")
class MaterializesNothing(Cannot):
    word = "MATERIALIZED"


@FAULTS.caught_by("test_the_schema_can_be_looked_at", "user_version after a batch that set it is {'user_version': 0}")
@FAULTS.caught_by("test_rekall_creates_its_schema", "found: MigrationError: ")
class ForgetsTheSchemaVersion(Skips):
    word = "PRAGMA user_version"


@FAULTS.caught_by("test_the_schema_can_be_looked_at", "found: QueryError: no integrity_check here")
@FAULTS.caught_by("test_rekall_finds_the_base_sound", "found: QueryError: no integrity_check here")
class ChecksNoIntegrity(Cannot):
    word = "integrity_check"


@FAULTS.caught_by("test_rekall_stores_entries", "cannot be read")
class CutsWideRows(Right):
    """Leaves out what comes after the tenth column."""

    def row(self, names: list[str], values: tuple[object, ...]) -> Row:
        return {
            name: value if place < 10 else None for place, (name, value) in enumerate(zip(names, values, strict=True))
        }


@FAULTS.caught_by("test_what_only_looks_like_it_is_not_refused", "found: QueryError: it writes")
class RefusesWordsOfWritesAnywhere(Right):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        if any(word in query.upper() for word in ("INSERT ", "UPDATE", "DELETE", "REPLACE")):
            raise QueryError("it writes") from ValueError(query)
        return super().fetch_all(query, params)


@FAULTS.caught_by("test_what_only_looks_like_it_is_not_refused", "found: QueryError: ")
class AsksForOneRow(Right):
    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        more = " LIMIT 1" if query.startswith("SELECT") else ""
        return next(iter(self.fetch_all(query + more, params)), None)


@FAULTS.caught_by("test_newer_sql_works", "the rows with the new column is [{'item_id': 2, 'name': 'two'}]")
class RemembersColumns(Right):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.columns: dict[str, list[str]] = {}

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        with self.lock, self.translated():
            cursor = self.required().execute(query, params or ())
            names = self.columns.setdefault(query, [column[0] for column in cursor.description or ()])
            return [dict(zip(names, row, strict=False)) for row in cursor]
