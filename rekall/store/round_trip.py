"""Whether a database back end does what Rekall needs, tried in a way that leaves nothing behind."""

from __future__ import annotations

import secrets

from rekall.errors import DatabaseError, GuardFailed, ReadOnlyError
from rekall.infra.interfaces import DatabaseBackend, Statement, Value

_VALUES: dict[str, Value] = {
    "text": "Grüße, 世界",
    "whole": 2**62 + 1,
    "fraction": 0.1,
    "bytes": b"\x00\xff",
    "empty": None,
}


def read_back(backend: DatabaseBackend) -> None:
    """Send values to a connected back end and get them back.

    Raises:
        BackendError: it cannot be read, or gave something else.
    """
    row = backend.fetch_one(
        "SELECT :text AS text, :whole AS whole, :fraction AS fraction, :bytes AS bytes, :empty AS empty", _VALUES
    )
    if row != _VALUES:
        other = [name for name, value in _VALUES.items() if not isinstance(row, dict) or row.get(name) != value]
        raise DatabaseError(f"it gave back other values than it was sent: {', '.join(other)}")


def is_without_log(backend: DatabaseBackend) -> bool:
    """Whether a connected back end is on a file that is not in the form for write-ahead logging."""
    row = backend.fetch_one("PRAGMA journal_mode")
    return row is not None and row["journal_mode"] not in ("wal", "memory")


def write_and_undo(backend: DatabaseBackend) -> bool:
    """Write a value into a new table and find it there, in a batch that is undone by its last guard.

    Returns:
        Whether it can be written: False for a read-only base.

    Raises:
        BackendError: it cannot be written for another reason, or what was undone is still there.
    """
    table = f"rekall_check_{secrets.token_hex(8)}"
    text = str(_VALUES["text"])
    statements = [
        Statement(f"CREATE TABLE {table} (value TEXT)"),
        Statement(f"INSERT INTO {table} VALUES (?)", (text,), expect=1),
        Statement(f"UPDATE {table} SET value = value WHERE value = ?", (text,), expect=1),
        Statement(f"DELETE FROM {table} WHERE value IS NULL", expect=1),
    ]
    try:
        backend.execute_batch(statements)
    except ReadOnlyError:
        return False
    except GuardFailed as error:
        if error.index != len(statements) - 1:
            raise DatabaseError("it did not find in a batch what was written there before") from error
        if backend.fetch_one("SELECT name FROM sqlite_master WHERE name = ?", (table,)) is None:
            return True
    backend.execute(f"DROP TABLE IF EXISTS {table}")
    raise DatabaseError("it kept a batch whose guard failed, which it must undo")
