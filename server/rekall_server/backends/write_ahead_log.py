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
_EVERY = 0.5
"""Seconds between two looks at its length."""
_PATIENCE = 500
"""Milliseconds that writers wait, when it is emptied, for the readers that still need it."""


class WriteAheadLog:
    """The log of one base. Used by the thread that writes.

    Args:
        path: the database file.
    """

    def __init__(self, path: Path) -> None:
        # beside the file itself, where the path is a link to it
        self._log = Path(f"{path.resolve()}-wal")
        self._next = 0.0

    def shorten(self, connection: sqlite3.Connection) -> None:
        """Empty the log if it has grown too long, and nobody needs it for longer than a moment; else another time.

        Args:
            connection: outside of a transaction.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        try:
            if self._log.stat().st_size <= LONGEST_LOG:
                return
        except OSError:
            return  # there is none: the base has a journal
        try:
            connection.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.execute("PRAGMA busy_timeout = 0")
        except DRIVER_ERRORS as error:  # what was written is in the log, and stays there
            logger.warning("the write-ahead log could not be emptied: %s: %s", type(error).__name__, error)
        self._next = time.monotonic() + _EVERY
