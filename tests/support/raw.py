"""A database file looked at with the driver alone, past everything of Rekall."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A plain connection, closed at the end."""
    with closing(sqlite3.connect(path)) as opened:
        yield opened


def rows(path: Path, query: str, *params: Any) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with connection(path) as opened:
        return opened.execute(query, params).fetchall()


def write(path: Path, *statements: str) -> None:
    """Run statements and commit."""
    with connection(path) as opened:
        for statement in statements:
            opened.execute(statement)
        opened.commit()


def user_version(path: Path) -> int:
    """The schema version that the file states."""
    return int(rows(path, "PRAGMA user_version")[0][0])


def all_rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, shadow tables and derived objects left out, in the order of the rows."""
    with connection(path) as opened:
        tables = [
            name
            for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if not name.startswith(("sqlite_", "rekall_", "entries_fts_"))
        ]
        return {table: opened.execute(f'SELECT * FROM "{table}" ORDER BY rowid').fetchall() for table in tables}


def counts(path: Path) -> dict[str, int]:
    """The number of rows of every table."""
    return {table: len(found) for table, found in all_rows(path).items()}
