"""Keeps the write-ahead log short, which readers that overlap without a gap would let grow for ever."""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path

from rekall.infra.sqlite_errors import DRIVER_ERRORS

logger = logging.getLogger(__name__)

LONGEST_LOG = 32_000_000
"""Bytes of the log beyond which it is emptied; SQLite itself begins it anew at some 4 MB whenever nobody reads."""
_EVERY, _LATER = 0.5, 5.0
"""Seconds between two looks at its length, and after one at which a reader needed it for too long."""
_PATIENCE = 500
"""Milliseconds that writers wait, when it is emptied, for the readers that still need it."""
_PUT_OFF = 10_000
"""Changed rows up to which writing the log into the database can be put off: those of some 400 entries."""


class WriteAheadLog:
    """The log of one connection. Used by the thread that writes, outside of a transaction.

    Args:
        connection: to a file that has one.
        path: the database file.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        # beside the file itself, where the path is a link to it
        self._log = Path(f"{path.resolve()}-wal")
        self._next = 0.0
        self._is_put_off = False
        self._changes = 0
        self._pages: int = connection.execute("PRAGMA wal_autocheckpoint").fetchone()[0]

    def put_off(self) -> bool:
        """Let the next commit leave the log as it is: writing it into the database takes as long as the disk does.

        Returns:
            Whether that can be put off; False: it has been for long enough.

        Raises:
            sqlite3.Error: SQLite's own setting cannot be changed.
        """
        if self._connection.total_changes - self._changes > _PUT_OFF:
            return False
        if not self._is_put_off:
            self._connection.execute("PRAGMA wal_autocheckpoint = 0").fetchone()
            self._is_put_off = True
        return True

    def take_up(self) -> None:
        """Let the next commits write the log into the database when it is long; do it now if it was put off for long.

        Raises:
            sqlite3.Error: SQLite's own setting cannot be put back.
        """
        if self._is_put_off:
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {self._pages}").fetchone()
            self._is_put_off = False
        if self._connection.total_changes - self._changes > _PUT_OFF and self._written_out():
            self._changes = self._connection.total_changes

    def shorten(self) -> None:
        """Empty the log if it has grown too long, and nobody needs it for longer than a moment; else another time."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        try:
            if self._log.stat().st_size <= LONGEST_LOG:
                return
        except OSError:
            return  # there is none now
        try:
            self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
            try:
                is_busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                self._connection.execute("PRAGMA busy_timeout = 0")
        except DRIVER_ERRORS as error:
            _warn(error)
            is_busy = True
        self._next = time.monotonic() + (_LATER if is_busy else _EVERY)

    def _written_out(self) -> bool:
        """Write the log into the database as far as no reader needs it; whether that was all of it."""
        try:
            busy, pages, written = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except DRIVER_ERRORS as error:
            _warn(error)
            return False
        return not busy and written == pages


def _warn(error: Exception) -> None:
    """Tell the operator; what was written is in the log, and stays there."""
    logger.warning("the write-ahead log could not be emptied: %s: %s", type(error).__name__, error)
