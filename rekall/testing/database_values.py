"""Checks of a database back end: values, parameters, rows, and what a write tells."""

from __future__ import annotations

from typing import Any

import pytest

from rekall.errors import InvalidValueError
from rekall.infra.interfaces import DatabaseBackend, Params, Statement
from rekall.testing.contract import contract, holds, same, shown
from rekall.testing.database_frame import INSERT, DatabaseFrame, methods, nothing_kept, one, refused, values

VALUES: dict[str, tuple[Any, ...]] = {
    "text": (
        *("", " ", "text", 'it\'s "quoted"', "line\r\nline\n", "NUL \x00 inside", "12", "null", "x'00'"),
        *("é ß 漢字 🙂 \u202e \ufeff", "e\u0301", "\U0010ffff", "long " * 20_000),
    ),
    "integer": (0, 1, -1, 2**31 - 1, -(2**31), 2**31, 2**53 + 1, 2**63 - 1, -(2**63)),
    "real": (0.0, 1.0, 0.1, -2.5, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0**63),
    "blob": (b"", b"\x00", bytes(range(256)), b"text", b"\xff\xfe" * 50_000),
    "null": (None,),
}


_ROWS = 30_000
"""As an index of all entries reads them at once."""


class ValueChecks(DatabaseFrame):
    """What goes in comes out."""

    @pytest.mark.parametrize("kind", list(VALUES))
    @contract(
        "TEXT, 64-bit INTEGER, REAL, BLOB and NULL come back equal and of their very type: str, int, float, bytes, None"
    )
    def test_values_come_back_as_they_went(self, database: DatabaseBackend, kind: str) -> None:
        given = VALUES[kind]
        for value in given:
            database.execute(INSERT, (value,))
        database.execute_batch(
            [Statement("INSERT INTO items (value) VALUES (:value)", {"value": each}) for each in given]
        )
        for number, (found, value) in enumerate(zip(values(database), given * 2, strict=True), 1):
            same(found, value, f"a {kind} value from fetch_all")
            row = database.fetch_one("SELECT value, typeof(value) AS type FROM items WHERE id = ?", (number,))
            same(row, {"value": value, "type": kind}, "the row from fetch_one")
        for value in given:
            same(database.fetch_one("SELECT ? AS v", (value,)), {"v": value}, "a parameter that fetch_one gave back")
            same(database.fetch_all("SELECT :v AS v", {"v": value}), [{"v": value}], "what fetch_all gave back")
            count = database.fetch_one("SELECT count(*) AS n FROM items WHERE value IS ?", (value,))
            same(count, {"n": 2}, f"the number of rows that hold {shown(value)}")

    @contract(
        "the type of a value is its own: what a column is declared as, such as DATE, changes nothing that is read"
    )
    def test_declared_types_change_nothing(self, database: DatabaseBackend) -> None:
        database.execute_batch(
            [
                Statement("CREATE TABLE declared (a DATE, b TIMESTAMP, c BOOLEAN, d JSON)"),
                Statement("INSERT INTO declared VALUES ('2026-01-31', '2026-01-31 12:00:00', 1, '[1]')"),
            ]
        )
        wanted = {"a": "2026-01-31", "b": "2026-01-31 12:00:00", "c": 1, "d": "[1]"}
        same(database.fetch_one("SELECT * FROM declared"), wanted, "the row of fetch_one")
        same(database.fetch_all("SELECT * FROM declared"), [wanted], "the rows of fetch_all")

    @contract("parameters are a sequence for ? or a mapping for :name, and None, () and {} stand for none")
    def test_parameters_are_given_by_position_or_by_name(self, database: DatabaseBackend) -> None:
        nothing: tuple[Params | None, ...] = (None, (), [], {})
        for none in nothing:
            same(database.fetch_one("SELECT 1 AS n", none), {"n": 1}, f"a row read with {none!r}")
            same(database.execute("UPDATE items SET value = 1", none).rowcount, 0, f"rows changed with {none!r}")
        same(database.fetch_one("SELECT 1 AS n"), {"n": 1}, "a row read without parameters")
        same(database.fetch_all("SELECT ? AS a, ? AS b", [1, "b"]), [{"a": 1, "b": "b"}], "a row with a list")
        twice = database.fetch_all("SELECT :a AS a, :b AS b, :a AS c", {"b": 2, "a": 1, "not used": 3})
        same(twice, [{"a": 1, "b": 2, "c": 1}], "a row with named parameters, one of them used twice")
        marks = "SELECT '?' AS a, ':x' AS b, ? AS c"
        same(database.fetch_one(marks, (1,)), {"a": "?", "b": ":x", "c": 1}, "a row of texts that hold ? and :x")
        many = database.fetch_one(
            f"WITH given(n) AS (VALUES {', '.join(['(?)'] * 3001)}) SELECT sum(n) AS n FROM given", [1] * 3001
        )
        same(many, {"n": 3001}, "a row with 3001 parameters, as Rekall counts accesses")

    @contract(
        "a text that is not UTF-8 or a number beyond 64 bits is refused with InvalidValueError, and nothing is kept"
    )
    def test_values_that_cannot_be_stored_are_refused(self, database: DatabaseBackend) -> None:
        for value in ("\ud800", 2**63, -(2**63) - 1):
            for name, call in methods(database).items():
                sql = "SELECT ? AS v" if name.startswith("fetch") else INSERT
                error = refused(name, InvalidValueError, call, sql, (value,))
                holds(error.__cause__ is not None, f"{name} raised {error!r} without a cause")
        nothing_kept(database, "refused values")

    @contract("a row is a dict from column name to value, its columns in the order of the query")
    def test_rows_are_dicts(self, database: DatabaseBackend) -> None:
        database.execute("INSERT INTO items VALUES (7, 'x')")
        wanted = {"value": "x", "id": 7, "a b": 1, "N": None}
        query = 'SELECT value, id, 1 AS "a b", NULL AS N FROM items'
        same(database.fetch_one(query), wanted, "the row of fetch_one")
        same(database.fetch_all(query), [wanted], "the list of fetch_all")

    @contract("without a row fetch_one gives None and fetch_all an empty list")
    def test_no_row_is_told(self, database: DatabaseBackend) -> None:
        same(database.fetch_one("SELECT id FROM items"), None, "what fetch_one gave")
        same(database.fetch_all("SELECT id FROM items"), [], "what fetch_all gave")

    @contract(
        "fetch_one gives the first row, fetch_all every row, in the order of the query, and neither leaves it open"
    )
    def test_rows_come_in_order(self, database: DatabaseBackend) -> None:
        database.execute_batch([Statement("INSERT INTO items VALUES (?, ?)", (n, -n)) for n in range(1000)])
        query = "SELECT id, value FROM items ORDER BY value"
        for _ in range(3):
            same(database.fetch_one(query), {"id": 999, "value": -999}, "the row of fetch_one")
        same([row["id"] for row in database.fetch_all(query)], list(range(999, -1, -1)), "the order of fetch_all")
        long = database.fetch_all(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s LIMIT ?) SELECT n FROM s", (_ROWS,)
        )
        same(len(long), _ROWS, "the number of rows of a long answer")
        database.execute("DROP TABLE parts")  # which SQLite refuses while a query is under way

    @contract(
        "a write tells the rows that it changed itself (0 if none, never -1), and an INSERT the id of its last row"
    )
    def test_a_write_tells_what_it_changed(self, database: DatabaseBackend) -> None:
        first = database.execute("INSERT INTO items VALUES (41, 'x')")
        same((first.rowcount, first.lastrowid), (1, 41), "rowcount and lastrowid of an INSERT with an id")
        second = database.execute(INSERT, ("y",))
        same((second.rowcount, second.lastrowid), (1, 42), "rowcount and lastrowid of an INSERT without one")
        same(database.execute("INSERT INTO items (value) VALUES (1), (2), (3)").rowcount, 3, "rowcount of three rows")
        same(database.execute("UPDATE items SET value = 0").rowcount, 5, "rowcount of an UPDATE")
        same(database.execute("UPDATE items SET value = 0 WHERE id < 0").rowcount, 0, "rowcount of an UPDATE of no row")
        same(database.execute("CREATE INDEX by_value ON items(value)").rowcount, 0, "rowcount of a CREATE INDEX")
        same(database.execute("PRAGMA user_version = 3").rowcount, 0, "rowcount of a PRAGMA")
        ignored = database.execute("INSERT INTO items VALUES (41, 'again') ON CONFLICT(id) DO NOTHING")
        same(ignored.rowcount, 0, "rowcount of an INSERT that a conflict made do nothing")
        upsert = "INSERT INTO items VALUES (41, 'z') ON CONFLICT(id) DO UPDATE SET value = excluded.value"
        same(database.execute(upsert).rowcount, 1, "rowcount of an INSERT that a conflict made update")
        same(database.execute("DELETE FROM items WHERE id > 41").rowcount, 4, "rowcount of a DELETE")

    @contract(
        "rows that a trigger or a cascade changes do not count as changed by the statement, or every guard would fail"
    )
    def test_rows_of_triggers_do_not_count(self, database: DatabaseBackend) -> None:
        trigger = (
            "CREATE TRIGGER cut AFTER INSERT ON items BEGIN"
            " INSERT INTO parts SELECT new.id, 'a' UNION SELECT new.id, 'b'; END"
        )
        database.execute_batch([Statement(trigger)])
        same(database.execute("INSERT INTO items VALUES (1, 'x')").rowcount, 1, "rowcount of an INSERT with a trigger")
        total = database.execute_batch(
            [
                Statement("INSERT INTO items VALUES (2, 'y')", expect=1),
                Statement("DELETE FROM items WHERE id = 1", expect=1),
            ]
        )
        same(total, 2, "what execute_batch returned")
        same(
            one(database.fetch_one("SELECT count(*) AS n FROM parts")), {"n": 2}, "the rows of the trigger and cascade"
        )

    @contract("an UPDATE that begins with WITH tells the rows it changed too, where Python's sqlite3 says -1")
    def test_a_write_that_begins_with_with_counts(self, database: DatabaseBackend) -> None:
        database.execute("INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        update = "WITH seen(id) AS (VALUES (1), (2)) UPDATE items SET value = ? FROM seen WHERE items.id = seen.id"
        same(database.execute(update, ("new",)).rowcount, 2, "rowcount of WITH ... UPDATE by execute")
        total = database.execute_batch([Statement(update, ("newer",), expect=2), Statement(update, ("newest",))])
        same(total, 4, "what execute_batch returned")
        same(values(database), ["newest", "newest", "c"], "what the table holds")
        none = "WITH gone(id) AS (VALUES (9)) DELETE FROM items WHERE id IN gone"
        same(database.execute_batch([Statement(none, expect=0)]), 0, "what execute_batch returned when nothing changed")
