"""All that is open of one base, from `connect` to `close`: the readers, the writer, and what they share."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, NamedTuple

from rekall.infra.sqlite_errors import translated
from rekall_server.backends.bounded_reads import BoundedReads
from rekall_server.backends.opened_file import opened_file
from rekall_server.backends.read_pool import ReadPool
from rekall_server.backends.reader import Reader
from rekall_server.backends.transactions import Transactions
from rekall_server.backends.write_turns import WriteTurns

_STEPS, _BOUNDED_STEPS = 1_000_000, 10_000
"""Of SQLite's virtual machine between two looks at the clock: some 20 ms, and 0.2 ms on a thread that may not wait."""


class Limits(NamedTuple):
    """How many connections there are, and how long is waited.

    Args:
        pool_size: connections for reading.
        busy_timeout: seconds for a lock that another process holds.
        query_timeout: seconds for one read.
        wait_timeout: seconds for a connection, or for the turn to write.
    """

    pool_size: int
    busy_timeout: float
    query_timeout: float
    wait_timeout: float


class OpenBase:
    """One open base.

    Args:
        path: the database file, made when it is missing.
        limits: of its connections and of waiting.
        told: called with the seconds that a read waited for a connection.

    Attributes:
        file: which file it is.
        process: the process that opened it.
        pool: the readers.
        bounded: the one for threads that may not wait.
        transactions: what writes.
        turns: whose turn it is.

    Raises:
        DatabaseError: it cannot be opened.
    """

    _of_parents: ClassVar[list[OpenBase]] = []
    """Open bases of the process that this one was forked from. SQLite asks that nobody but that process closes them."""

    def __init__(self, path: Path, limits: Limits, told: Callable[[float], None]) -> None:
        self.process = os.getpid()
        self.file, first = opened_file(path, limits.busy_timeout)
        self.pool = ReadPool(
            self.file.path,
            lambda: self._reader(self.file.connection(limits.busy_timeout), _STEPS),
            limits.pool_size,
            limits.wait_timeout,
            told,
        )
        self.bounded = BoundedReads(lambda: self._reader(self.file.connection(0), _BOUNDED_STEPS))
        self.transactions = Transactions(self.file, limits.busy_timeout)
        self.turns = WriteTurns(self.file, self.transactions, limits.wait_timeout)
        self.pool.add(self._reader(first, _STEPS))

    def close(self) -> None:
        """Close all connections, once the calls that run have ended."""
        if self.process != os.getpid():
            OpenBase._of_parents.append(self)
            return
        try:
            self.turns.close()
        finally:
            self.bounded.close()
            self.pool.close()

    def _reader(self, connection: sqlite3.Connection, steps: int) -> Reader:
        try:
            with translated(self.file.path):
                return Reader(connection, self.file.path, steps)
        except BaseException:
            connection.close()
            raise
