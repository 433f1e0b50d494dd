"""A connection that only reads, and ends a query that takes too long."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from rekall.errors import RekallError
from rekall.infra.interfaces import Params

Read: TypeAlias = Callable[[sqlite3.Connection, str, Params, Path | None], Any]
"""`read_one` or `read_all` of `rekall.infra.sqlite_reads`."""


class QueryEnded(Exception):  # noqa: N818  # what happened; whoever bounded the query says which error that is
    """A query was ended: its time was over, or the connection is to be closed."""


def was_interrupted(error: BaseException) -> bool:
    """Whether SQLite was told to stop: by a look at the clock, or, if that did not, by Ctrl-C that met such a look."""
    return isinstance(error.__cause__, sqlite3.OperationalError) and str(error.__cause__) == "interrupted"


class Reader:
    """One connection for reading. Used by one thread at a time.

    Args:
        connection: is this object's from now on.
        path: the file, for messages.
        steps: of SQLite's virtual machine between two looks at the clock. A look needs Python's global lock, for which
            it may have to wait: so rarely as the time-out allows.
    """

    __slots__ = ("_began", "_connection", "_is_over", "_path", "_until", "_work", "_worked_from")

    def __init__(self, connection: sqlite3.Connection, path: Path, steps: int) -> None:
        self._connection = connection
        self._path = path
        self._until = self._work = math.inf
        self._began = 0.0
        self._worked_from: float | None = None
        self._is_over = False
        connection.execute("PRAGMA query_only = ON")
        connection.set_progress_handler(self._look, steps)

    def read(self, read: Read, query: str, params: Params, until: float, work: float = math.inf) -> Any:
        """What `read` gives for a query.

        Args:
            read: reads the rows.
            query: reads and does not write.
            params: of the query.
            until: the time of the monotonic clock at which the query is ended.
            work: seconds of the processor after which it is, counted from when it has taken as long by the clock.

        Raises:
            QueryEnded: it was.
            DatabaseError: what the driver's error means.
        """
        self._until, self._work, self._worked_from = until, work, None
        self._began = time.monotonic()
        try:
            return read(self._connection, query, params, self._path)
        except RekallError as error:
            if self._is_over:
                self._is_over = False
                raise QueryEnded from error
            if was_interrupted(error):
                raise KeyboardInterrupt from None
            raise

    def end(self) -> None:
        """End the query that runs; for any thread."""
        self._until = -math.inf

    def close(self) -> None:
        """Close the connection; nobody may be reading."""
        self._connection.set_progress_handler(None, 0)
        self._connection.close()

    def _look(self) -> bool:
        now = time.monotonic()
        self._is_over = now > self._until or (now - self._began > self._work and self._has_worked())
        return self._is_over

    def _has_worked(self) -> bool:
        """Whether the query has taken its time of the processor; asking takes long, so a short query is not asked."""
        now = time.thread_time()
        if self._worked_from is None:
            self._worked_from = now
        return now - self._worked_from > self._work
