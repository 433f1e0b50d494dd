"""Writes on a connection of `sqlite3` tell what they changed, and a batch of them keeps its guards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from rekall.errors import GuardFailed, QueryError
from rekall.infra import Result, Statement
from rekall.infra.sqlite_writes import run_batch, run_write

FILE = Path("a.db")


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """In memory, with a table of three rows and a trigger that writes two more into another one."""
    opened = sqlite3.connect(":memory:", isolation_level=None)
    opened.executescript(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, value); CREATE TABLE log (id);"
        "CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.id), (new.id); END;"
        "INSERT INTO t (value) VALUES (1), (2), (3);"
    )
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("UPDATE t SET value = 0 WHERE id > 1", 2),
        ("WITH few(id) AS (VALUES (1), (3)) UPDATE t SET value = 0 FROM few WHERE t.id = few.id", 2),
        ("WITH few(id) AS (VALUES (9)) UPDATE t SET value = 0 FROM few WHERE t.id = few.id", 0),
        ("WITH few(id) AS (VALUES (1)) DELETE FROM t WHERE id IN few", 1),
        ("/* a comment */ DELETE FROM t", 3),
        ("CREATE INDEX i ON t(value)", 0),
        ("PRAGMA user_version = 4", 0),
        ("WITH few(id) AS (VALUES (1)) SELECT * FROM few", 0),
    ],
)
def test_a_write_counts_its_own_rows(connection: sqlite3.Connection, sql: str, changed: int) -> None:
    """Not those of a trigger, and not those of the statement before."""
    run_write(connection, "UPDATE t SET value = value", (), FILE)
    assert run_write(connection, sql, (), FILE).rowcount == changed


def test_an_insert_tells_its_row_id(connection: sqlite3.Connection) -> None:
    """The last one."""
    assert run_write(connection, "INSERT INTO t (value) VALUES (?)", ("x",), FILE) == Result(1, 4)


def test_errors_are_those_of_rekall(connection: sqlite3.Connection) -> None:
    """From the driver's, naming what is wrong; transaction control is refused."""
    with pytest.raises(QueryError, match="no such table: missing") as caught:
        run_write(connection, "DELETE FROM missing", (), FILE)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    with pytest.raises(QueryError, match="transaction control is refused"):
        run_write(connection, "COMMIT", (), FILE)


def test_a_batch_adds_up_and_keeps_its_guards(connection: sqlite3.Connection) -> None:
    """Also on a statement that begins with WITH."""
    update = "WITH few(id) AS (VALUES (1), (3)) UPDATE t SET value = 0 FROM few WHERE t.id = few.id"
    assert run_batch(connection, [Statement(update, expect=2), Statement("DELETE FROM t", expect=3)], FILE) == 5
    with pytest.raises(GuardFailed) as caught:
        run_batch(connection, [Statement("DELETE FROM log"), Statement(update, expect=2)], FILE)
    assert (caught.value.index, caught.value.changed, caught.value.expected) == (1, 0, 2)
