"""Writes on a connection of Python's `sqlite3`, counted as guards need it; errors are those of `rekall.errors`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from rekall.errors import GuardFailed
from rekall.infra.interfaces import Params, Result, Statement, refuse_transaction_control
from rekall.infra.sqlite_errors import DRIVER_ERRORS, translate


def run_write(connection: sqlite3.Connection, sql: str, params: Params, path: Path | None) -> Result:
    """Run one statement and tell what it changed itself: rows that a trigger or a cascade changes do not count.

    `sqlite3` has no count for a statement that begins with WITH: its `rowcount` is -1, as for one that changes nothing.

    Args:
        path: the database file, for messages.

    Raises:
        DatabaseError: transaction control, or what the driver's error means.
    """
    refuse_transaction_control(sql)
    try:
        before = connection.total_changes
        cursor = connection.execute(sql, params)
        changed = cursor.rowcount
        if changed < 0:
            # changes() tells of the statement before, unless this one changed something
            any_row = connection.total_changes != before
            (changed,) = connection.execute("SELECT changes()").fetchone() if any_row else (0,)
    except DRIVER_ERRORS as error:
        raise translate(error, path) from error
    return Result(changed, cursor.lastrowid)


def run_batch(connection: sqlite3.Connection, statements: Iterable[Statement], path: Path | None) -> int:
    """Run statements one after the other; whoever calls has begun a transaction, and undoes it on any error.

    What the maker of the statements raises passes as it is.

    Returns:
        The rows that they changed together.

    Raises:
        GuardFailed: a statement changed another number of rows than its `expect`.
        DatabaseError: as `run_write`.
    """
    total = 0
    for index, statement in enumerate(statements):
        changed = run_write(connection, statement.sql, statement.params, path).rowcount
        if statement.expect is not None and changed != statement.expect:
            raise GuardFailed(index, changed, statement.expect)
        total += changed
    return total
