"""SQLite for many threads: a pool of connections that read, and writes that are committed in groups."""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sized
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from rekall.errors import ClosedError, ConfigError, DatabaseBusyError, DatabaseError
from rekall.infra.defaults import BUSY_TIMEOUT
from rekall.infra.interfaces import DatabaseBackend, Params, Result, Row, Statement
from rekall.infra.reading import refuse_writes
from rekall.infra.sqlite_errors import translated
from rekall.infra.sqlite_reads import read_all, read_one
from rekall.infra.sqlite_writes import run_batch, run_write
from rekall_server.backends.bound import Bound
from rekall_server.backends.joint import Joint, JointUndone
from rekall_server.backends.open_base import Limits, OpenBase
from rekall_server.backends.reader import QueryEnded, Read
from rekall_server.backends.write import Write

T = TypeVar("T")
QUERY_TIMEOUT = 30.0
WAIT_TIMEOUT = 5.0
LARGEST_JOINING = 256
"""Statements of a batch that may share a transaction with others; a larger one would keep them waiting."""


class PooledDatabaseBackend(DatabaseBackend):
    """One SQLite file for many threads and processes.

    Reads run at the same time on several connections, which are opened as they are needed. Writes go through one
    connection, and those that wait for it are committed together, each undone by itself if it fails.

    A call that waits too long, for a connection, for its turn to write or for another process, raises a
    DatabaseBusyError: nothing was applied, and it may work later. The retry layer tries it again within its 10 seconds.
    A query that takes too long is ended, and that is for good.

    After a fork the child has to `connect`: until then its calls raise ClosedError.

    Args:
        path: the database file, made (mode 0600) with its directory when missing.
        pool_size: connections for reading, 1 or more; as many as there are cores if left out.
        busy_timeout: seconds that one attempt waits for a lock which another process holds.
        query_timeout: seconds after which a read is ended.
        wait_timeout: seconds that a call waits for a connection or for its turn to write.

    Attributes:
        on_wait: told the seconds that a read waited for a connection, whether it got one or not.

    Raises:
        ConfigError: one of the values cannot be used.
    """

    interface_version: ClassVar[int] = 1
    options: ClassVar[Mapping[str, type] | None] = {
        "pool_size": int,
        "busy_timeout": float,
        "query_timeout": float,
        "wait_timeout": float,
    }

    def __init__(
        self,
        path: Path,
        *,
        pool_size: int | None = None,
        busy_timeout: float = BUSY_TIMEOUT,
        query_timeout: float = QUERY_TIMEOUT,
        wait_timeout: float = WAIT_TIMEOUT,
    ) -> None:
        if pool_size is not None and pool_size < 1:
            raise ConfigError(f"pool_size is {pool_size}: give 1 or more")
        if not 0 <= busy_timeout <= 10:
            raise ConfigError(f"busy_timeout is {busy_timeout}: give seconds from 0 to 10")
        for name, seconds in {"query_timeout": query_timeout, "wait_timeout": wait_timeout}.items():
            if not 0 < seconds <= threading.TIMEOUT_MAX:
                raise ConfigError(f"{name} is {seconds}: give seconds above 0")
        self.path = Path(path)
        self.on_wait: Callable[[float], None] | None = None
        self._limits = Limits(pool_size or cores(), busy_timeout, query_timeout, wait_timeout)
        self._lock = threading.Lock()
        self._bound = Bound()
        self._joint = Joint()
        self._base: OpenBase | None = None

    @property
    def pool_size(self) -> int:
        """How many connections for reading there may be."""
        return self._limits.pool_size

    @property
    def running_reads(self) -> int:
        """How many connections for reading are in use at this moment."""
        base = self._base
        return 0 if base is None else base.pool.lent

    @property
    def waiting_writes(self) -> int:
        """How many writes wait for their turn at this moment."""
        base = self._base
        return 0 if base is None else base.turns.waiting

    def connect(self) -> None:
        with self._lock:
            if self._base is not None and self._base.process != os.getpid():
                self._base.close()  # of the process that this one was forked from
                self._base = None
            if self._base is None:
                self._base = OpenBase(self.path, self._limits, self._waited)

    def close(self) -> None:
        with self._lock:
            base, self._base = self._base, None
        if base is not None:
            base.close()

    def is_connected(self) -> bool:
        return self._base is not None and self._base.process == os.getpid()

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        row: Row | None = self._read(read_one, query, params)
        return row

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        rows: list[Row] = self._read(read_all, query, params)
        return rows

    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        base = self._opened()
        written: Result = self._write(
            base, lambda connection: run_write(connection, query, params or (), base.file.path), joins=True
        )
        return written

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        base = self._opened()
        # nothing but a list is sure to run no code of the caller, and to be there a second time
        joins = type(statements) in (list, tuple) and len(cast(Sized, statements)) <= LARGEST_JOINING
        checked = statements if joins else base.transactions.statements(statements)
        changed: int = self._write(base, lambda connection: run_batch(connection, checked, base.file.path), joins=joins)
        return changed

    def together(self, body: Callable[[], T]) -> T:
        """What `body` returns; all that it writes through this back end, in this thread, is committed at its end.

        For many small writes that one thread has at hand: nobody is woken for each of them, and the commit is one. What
        it reads meanwhile has what it has written. Others wait for their turn as long as it takes.

        In a block that is bounded it begins at once or not at all, and its commit does not write the log into the
        database. What `body` asks of this back end is not bounded then.

        Raises:
            CallGivenUp: it would have to wait, in a block that is bounded; nothing was begun.
            DatabaseBusyError: as for any write: nothing was begun.
            JointUndone: nothing was applied, for whatever other reason; what is written one by one will tell it.
            DatabaseError: the file was removed or replaced meanwhile: what was committed may be lost.
        """
        write = Write(lambda _connection: self._joint.run(body), joins=False)
        turns = self._opened().turns
        try:
            result: T = turns.run(write, at_once=self._bound.until is not None)
        except Exception as error:
            if write.is_committed or isinstance(error, DatabaseBusyError):
                raise
            raise JointUndone from error
        return result

    def backup(self, target: Path) -> None:
        self._bound.refuse()
        base = self._opened()
        base.file.check()
        # a connection of its own: a copy takes long, and neither a reader nor a writer has to wait for it
        source = base.file.connection(self._limits.busy_timeout)
        with closing(source), translated(target), closing(sqlite3.connect(target)) as copy:
            source.backup(copy)

    def within(self, seconds: float, *, work: float = math.inf) -> AbstractContextManager[None]:
        """Bound the calls of this thread in a block, for an event loop; other threads are not affected.

        Reads run on a connection kept for them. They wait for nothing, and are ended when the block has taken so
        long: `CallGivenUp`, as for what would have to wait, and for every write but those of `together`. Then a
        thread that may wait has to do it. Of two blocks, one in the other, the one that ends earlier counts.

        Args:
            seconds: from now on, for all calls in the block together.
            work: seconds of the processor that one query may take. On a busy machine a short one takes long by the
                clock, and is no work.
        """
        return self._bound.within(seconds, work)

    def check(self) -> None:
        """Go on if the file is still at its path and can be read.

        Raises:
            DatabaseError: it was removed or replaced, or cannot be read.
        """
        self.fetch_one("SELECT count(*) FROM sqlite_master")

    def _write(self, base: OpenBase, apply: Callable[[sqlite3.Connection], Any], *, joins: bool) -> Any:
        if self._joint.is_open and base.turns.owner == threading.get_ident():
            return self._joint.write(base.transactions.connection, apply)
        self._bound.refuse()
        return base.turns.run(Write(apply, joins=joins))

    def _read(self, read: Read, query: str, params: Params | None) -> Any:
        refuse_writes(query)
        base = self._opened()
        until = self._bound.until
        if base.turns.owner == threading.get_ident():
            # asked by the statements of a batch, which have to see what the batch has done so far
            return read(base.transactions.connection, query, params or (), base.file.path)
        base.file.check()
        if until is not None:
            return base.bounded.read(read, query, params or (), until, self._bound.work)
        reader = base.pool.take()
        try:
            return reader.read(read, query, params or (), time.monotonic() + self._limits.query_timeout)
        except QueryEnded as error:
            if base.pool.is_closed:
                raise self._closed() from error
            raise DatabaseError(
                f"a query took longer than {self._limits.query_timeout:g} s and was ended: "
                "ask for less, or raise query_timeout"
            ) from error
        finally:
            base.pool.give(reader)

    def _opened(self) -> OpenBase:
        base = self._base
        if base is None:
            raise self._closed()
        if base.process != os.getpid():
            raise ClosedError(f"{self.path} was opened before this process was forked: call connect")
        return base

    def _closed(self) -> ClosedError:
        return ClosedError(f"{self.path} is closed: call connect (or Database.init) first")

    def _waited(self, seconds: float) -> None:
        if self.on_wait is not None:
            self.on_wait(seconds)


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
