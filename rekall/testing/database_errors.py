"""Checks of a database back end: what it refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rekall.errors import IntegrityError, QueryError, RekallError
from rekall.infra.instrument import Retry, instrument
from rekall.infra.interfaces import DatabaseBackend, Statement
from rekall.testing.contract import contract, holds, same
from rekall.testing.database_frame import INSERT, DatabaseFrame, Streamed, methods, nothing_kept, refused, values

METHODS = ("execute", "fetch_one", "fetch_all", "execute_batch")
CONTROL = (
    *("BEGIN", "begin immediate", "Commit", "END", "end transaction", "ROLLBACK", "ROLLBACK TO a", "SAVEPOINT a"),
    *("release a", "  \n\tBEGIN", "; ;COMMIT", "-- comment\nBEGIN", "-- one\n-- two\r\n ; COMMIT"),
    *("/* comment */ ROLLBACK", "/* a * b ** c *//**/SAVEPOINT b", "\ufeffBEGIN", "BEGIN;", "COMMIT/* comment */"),
)
NO_CONTROL = (
    *("SELECT '; BEGIN' AS a", "-- COMMIT\nSELECT 1 AS a", "/* BEGIN */ SELECT 1 AS a", "SELECT 1 AS begin_"),
    "WITH begins AS (SELECT 1 AS a) SELECT a FROM begins",
    *("SELECT replace('a', 'UPDATE', 'DELETE') AS a /* INSERT */", "SELECT 'x INSERT INTO items' AS \"DROP TABLE\""),
    *("SELECT 1 AS a -- why", "SELECT 1 AS a;", "SELECT 1 AS a LIMIT 1"),
)
CONSTRAINTS = {
    "PRIMARY KEY": "INSERT INTO ruled (id, a, b) VALUES (1, 'new', 1)",
    "UNIQUE": "INSERT INTO ruled (id, a, b) VALUES (2, 'a', 1)",
    "NOT NULL": "INSERT INTO ruled (id, a, b) VALUES (2, 'new', NULL)",
    "CHECK": "INSERT INTO ruled (id, a, b) VALUES (2, 'new', -1)",
    "FOREIGN KEY": "INSERT INTO parts (item_id, name) VALUES (99, 'orphan')",
}
WRONG_QUERIES: dict[str, tuple[str, str, Any]] = {
    "a syntax error": ("SELEC 1", "UPDAT items", ()),
    "a missing table": ("SELECT 1 FROM missing", "DELETE FROM missing", ()),
    "a missing column": ("SELECT missing FROM items", "UPDATE items SET missing = 1", ()),
    "a missing function": ("SELECT missing(1)", "UPDATE items SET value = missing(1)", ()),
    "a missing parameter": ("SELECT ?", "UPDATE items SET value = ?", ()),
    "a parameter too many": ("SELECT ?", "UPDATE items SET value = ?", (1, 2)),
    "a parameter that is no value": ("SELECT ?", "UPDATE items SET value = ?", ([],)),
}
"""By what is wrong: the query that reads, the statement that writes, and their parameters."""


class ErrorChecks(DatabaseFrame):
    """What is refused, and how."""

    @pytest.mark.parametrize("method", METHODS)
    @contract("every method refuses BEGIN, COMMIT, END, ROLLBACK, SAVEPOINT and RELEASE with QueryError, however spelt")
    def test_transaction_control_is_refused(self, database: DatabaseBackend, method: str) -> None:
        for sql in CONTROL:
            refused(f"{method} of {sql!r}", QueryError, methods(database)[method], sql, ())
            nothing_kept(database, repr(sql))

    @contract("words of transaction control and of writes in texts, comments, names and triggers are not refused")
    def test_what_only_looks_like_it_is_not_refused(self, database: DatabaseBackend) -> None:
        for sql in NO_CONTROL:
            rows = database.fetch_all(sql)
            same(len(rows), 1, f"the number of rows of {sql!r}")
            same(database.fetch_one(sql), rows[0], f"the row that fetch_one gives for {sql!r}")
        trigger = "CREATE TRIGGER t AFTER INSERT ON items BEGIN UPDATE items SET value = 'seen' WHERE id = new.id; END"
        database.execute(trigger)
        database.execute(INSERT, ("BEGIN; COMMIT",))
        same(values(database), ["seen"], "what the table holds")

    @pytest.mark.parametrize("method", METHODS)
    @contract("a call takes one statement: a second one, which could be a COMMIT, is refused and nothing is kept")
    def test_two_statements_are_refused(self, database: DatabaseBackend, method: str) -> None:
        first = "SELECT 1" if method.startswith("fetch") else "INSERT INTO items (value) VALUES ('kept?')"
        refused("two statements", QueryError, methods(database)[method], f"{first}; COMMIT", ())
        nothing_kept(database, "two statements in one call")

    @pytest.mark.parametrize("method", ["fetch_one", "fetch_all"])
    @contract(
        "fetch_one and fetch_all only read, for reads are tried again: a query that writes is refused, nothing kept"
    )
    def test_reads_do_not_write(self, database: DatabaseBackend, method: str) -> None:
        database.execute(INSERT, ("before",))
        for sql in (
            "INSERT INTO items (value) VALUES ('kept?')",
            "INSERT INTO items (value) VALUES ('kept?') RETURNING id",
            "UPDATE items SET value = 'kept?'",
            "DELETE FROM items",
            "DROP TABLE parts",
            "/* a */ REPLACE INTO items VALUES (1, 'kept?')",
            "WITH new(v) AS (VALUES ('kept?')) INSERT INTO items (value) SELECT v FROM new",
            "WITH new(v) AS (VALUES ('kept?')) UPDATE items SET value = v FROM new RETURNING id",
        ):
            refused(f"{method} of {sql!r}", RekallError, methods(database)[method], sql, ())
            nothing_kept(database, repr(sql), ["before"])

    @pytest.mark.parametrize("method", METHODS)
    @contract("wrong SQL, a missing name and wrong parameters raise QueryError from the driver's own error (__cause__)")
    def test_wrong_queries_are_query_errors(self, database: DatabaseBackend, method: str) -> None:
        for what, (read, write, params) in WRONG_QUERIES.items():
            sql = read if method.startswith("fetch") else write
            error = refused(what, QueryError, methods(database)[method], sql, params)
            _has_a_cause(error, what)
            nothing_kept(database, what)

    @contract(
        "a broken constraint raises IntegrityError from the driver's own error (__cause__), in execute and in a batch"
    )
    def test_constraints_are_integrity_errors(self, database: DatabaseBackend) -> None:
        columns = "id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INTEGER NOT NULL CHECK (b > 0)"
        database.execute_batch(
            [Statement(f"CREATE TABLE ruled ({columns})"), Statement("INSERT INTO ruled VALUES (1, 'a', 1)")]
        )
        for constraint, sql in CONSTRAINTS.items():
            for name in ("execute", "execute_batch"):
                error = refused(f"{constraint} in {name}", IntegrityError, methods(database)[name], sql, ())
                _has_a_cause(error, constraint)
                nothing_kept(database, f"a broken {constraint}")
        same(database.fetch_all("SELECT id FROM ruled"), [{"id": 1}], "the rows of the table")

    @contract("a permanent error is the end of a call: one attempt, no delay, and no retry of the back end's own")
    def test_permanent_errors_are_not_tried_again(self, database: DatabaseBackend) -> None:
        delays: list[float] = []
        wrapped = instrument(database, "conformance", retry=Retry(sleep=delays.append))
        database.execute("INSERT INTO items VALUES (1, 'before')")
        insert = "INSERT INTO items (id, value) VALUES (:id, :v)"
        select = "SELECT :id AS id, json_extract('{}', :v) AS v"
        for statement in (Statement(insert, {"id": 1, "v": "twice"}), Statement("DELETE FROM missing")):
            statements = Streamed([Statement(INSERT, (1,)), statement].__iter__)
            refused("execute_batch", RekallError, wrapped.execute_batch, statements)
            same(statements.started, 1, "how often the statements of a failed batch were read")
        for name in METHODS:
            # each fails when it is run, after its parameters were read
            sql, fault = (
                (select, {"id": 1, "v": "no path"}) if name.startswith("fetch") else (insert, {"id": 1, "v": ""})
            )
            right, wrong = _Counting({"id": 50, "v": "$.a"}), _Counting(fault)
            methods(wrapped)[name](sql, right)
            refused(name, RekallError, methods(wrapped)[name], sql, wrong)
            holds(
                wrong.reads <= right.reads,
                f"{name} read its parameters {wrong.reads} times when it failed, {right.reads} when it did not",
            )
            database.execute("DELETE FROM items WHERE id <> 1")
        same(delays, [], "the list of delays before further attempts")
        nothing_kept(database, "permanent errors", ["before"])


def _has_a_cause(error: Exception, what: str) -> None:
    cause = error.__cause__
    holds(cause is not None, f"{what} raised {error!r} without __cause__: raise it from the driver's error")
    holds(not isinstance(cause, RekallError), f"{what} raised {error!r} from {cause!r}, which is not the driver's")


class _Counting(dict[str, Any]):
    """Parameters that count how often something was read of them."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.reads = 0

    def __getitem__(self, key: str) -> Any:
        self.reads += 1
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[str]:
        self.reads += 1
        return super().__iter__()

    def items(self) -> Any:
        self.reads += 1
        return super().items()

    def values(self) -> Any:
        self.reads += 1
        return super().values()
