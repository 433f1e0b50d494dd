"""Reads on a connection of Python's `sqlite3`, given as rows of the interface; errors are those of `rekall.errors`."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rekall.infra.interfaces import Params, Row
from rekall.infra.sqlite_errors import DRIVER_ERRORS, translate


def read_one(connection: sqlite3.Connection, query: str, params: Params, path: Path | None) -> Row | None:
    """Return the first row, or None.

    Args:
        path: the database file, for messages.

    Raises:
        DatabaseError: what the driver's error means.
    """
    names, row = _read(connection, query, params, path, sqlite3.Cursor.fetchone)
    return None if row is None else dict(zip(names, row, strict=False))


def read_all(connection: sqlite3.Connection, query: str, params: Params, path: Path | None) -> list[Row]:
    """Return all rows.

    Args:
        path: the database file, for messages.

    Raises:
        DatabaseError: what the driver's error means.
    """
    names, rows = _read(connection, query, params, path, sqlite3.Cursor.fetchall)
    return [dict(zip(names, row, strict=False)) for row in rows]


def _read(
    connection: sqlite3.Connection,
    query: str,
    params: Params,
    path: Path | None,
    fetch: Callable[[sqlite3.Cursor], Any],
) -> tuple[list[str], Any]:
    """The names of the columns, and what `fetch` takes from the cursor."""
    try:
        cursor = connection.cursor()
        cursor.row_factory = None
        try:
            result = fetch(cursor.execute(query, params))
            # interned, a name is the very object that a reader of the row looks it up by
            names = [sys.intern(column[0]) for column in cursor.description or ()]
        finally:
            # a query that is not at its end would keep the state that it reads, for all that come after it
            cursor.close()
    except DRIVER_ERRORS as error:
        raise translate(error, path) from error
    return names, result
