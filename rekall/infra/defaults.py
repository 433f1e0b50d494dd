"""The back ends of Rekall Home: one SQLite file, and a cache in this process."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from rekall.deprecation import deprecated, warn_deprecated
from rekall.errors import (
    ClosedError,
    ConfigError,
    CorruptError,
    InvalidValueError,
)
from rekall.infra.interfaces import (
    CacheBackend,
    DatabaseBackend,
    Params,
    Result,
    Row,
    Statement,
)
from rekall.infra.reading import refuse_writes
from rekall.infra.sqlite_errors import (
    BUSY,
    CANTOPEN,
    DRIVER_ERRORS,
    READONLY,
    error_code,
    translate,
    translated,
)
from rekall.infra.sqlite_reads import read_all, read_one
from rekall.infra.sqlite_writes import run_batch, run_write

T = TypeVar("T")

SMALLEST_DATABASE = 512
"""Bytes of the smallest page, and so of the smallest file, that SQLite writes."""
BUSY_TIMEOUT = 2.5
"""Seconds that one attempt waits for another process's lock; three attempts stay under the retry deadline of 10 s."""


class DefaultDatabaseBackend(DatabaseBackend):
    """One SQLite file behind one connection and one lock.

    A current file is never written by opening it: write-ahead logging is switched on by the first write. A file on
    read-only media is read. A transaction that someone left open through the raw connection is committed by the next
    write, as it was in 0.3.

    Args:
        db_path: the database file, made (mode 0600) with its directory when missing; None keeps all in memory.
        busy_timeout: seconds that one attempt waits for a lock which another process holds.

    Raises:
        ConfigError: `busy_timeout` is not a number of seconds from 0 to 10.
    """

    options: ClassVar[Mapping[str, type] | None] = {"busy_timeout": float}

    def __init__(self, db_path: Path | None = None, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        if not 0 <= busy_timeout <= 10:
            raise ConfigError(f"busy_timeout is {busy_timeout}: give seconds from 0 to 10")
        self.path = Path(db_path) if db_path is not None else None
        self._busy_timeout = busy_timeout
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._write_ready = False

    @property
    def connection(self) -> sqlite3.Connection | None:
        """The raw connection, or None before `connect` and after `close`."""
        return self._connection

    def connect(self) -> None:
        with self._lock, translated(self.path):
            if self._connection is None:
                self._connection = self._open()

    def close(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
            self._write_ready = False
            if connection is not None:
                with translated(self.path):
                    connection.close()

    def is_connected(self) -> bool:
        return self._connection is not None

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        refuse_writes(query)
        with self._lock:
            return read_one(self._require(), query, params or (), self.path)

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        refuse_writes(query)
        with self._lock:
            return read_all(self._require(), query, params or (), self.path)

    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        return self._atomically(lambda connection: run_write(connection, query, params or (), self.path))

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        return self._atomically(lambda connection: run_batch(connection, statements, self.path))

    def backup(self, target: Path) -> None:
        with self._lock, translated(target):
            source = self._require()
            copy = sqlite3.connect(target)
            try:
                source.backup(copy)
            finally:
                copy.close()

    def _require(self) -> sqlite3.Connection:
        if self._connection is None:
            raise ClosedError("the database is closed: call connect (or Database.init) first")
        return self._connection

    def _atomically(self, body: Callable[[sqlite3.Connection], T]) -> T:
        """What `body` returns, run under the write lock of the file: committed at the end, undone on any error.

        What the body raises passes as it is: it may come from whoever makes up the statements of a batch.
        """
        with self._lock:
            connection = self._require()
            try:
                if connection.in_transaction:
                    # left open by whoever writes through `Database.conn`: 0.3 committed it with the next write
                    connection.commit()
                if not self._write_ready:
                    if self.path is not None:
                        switch_log_on(connection, self._busy_timeout)
                    self._write_ready = True
                connection.execute("BEGIN IMMEDIATE")
            except DRIVER_ERRORS as error:
                raise translate(error, self.path) from error
            try:
                result = body(connection)
                try:
                    connection.execute("COMMIT")
                except DRIVER_ERRORS as error:
                    raise translate(error, self.path) from error
            except BaseException:
                # a full disk may have ended the transaction already
                if connection.in_transaction:
                    with translated(self.path):
                        connection.execute("ROLLBACK")
                raise
            return result

    def _open(self) -> sqlite3.Connection:
        if self.path is None:
            return _configured(sqlite3.connect(":memory:", timeout=self._busy_timeout, check_same_thread=False))
        return open_file(self.path, self._busy_timeout)


def open_file(path: Path, busy_timeout: float, *, create: bool = True) -> sqlite3.Connection:
    """A connection to a database file, for any thread, with foreign keys on; opening a current file never writes it.

    Args:
        path: the file.
        busy_timeout: seconds that a statement waits for a lock.
        create: make the file (mode 0600) with its directory when it is missing.

    Raises:
        CorruptError: the file is too short for a database.
        sqlite3.Error, OSError: for `rekall.infra.sqlite_errors.translated`.
    """
    if not path.exists():
        if create:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
    elif 0 < path.stat().st_size < SMALLEST_DATABASE:
        # SQLite would take it for an empty database and write over it
        raise CorruptError(f"{path} is not a SQLite database: name another file, or restore a backup")
    uri = path.absolute().as_uri()
    try:
        return _configured(_connect(f"{uri}?mode=rw", busy_timeout))
    except sqlite3.OperationalError as error:
        # a write-ahead file cannot make its -shm on read-only media; without a log the file alone is the database
        if error_code(error) not in (CANTOPEN, READONLY) or not path.exists() or _has_log(path):
            raise
        return _configured(_connect(f"{uri}?immutable=1", busy_timeout))


def switch_log_on(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Switch on write-ahead logging, which the busy handler does not cover while another process does the same.

    Args:
        connection: to a file.
        busy_timeout: seconds to wait for others.

    Raises:
        sqlite3.Error: it cannot be written, or is locked.
    """
    deadline = time.monotonic() + busy_timeout
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error_code(error) != BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            break  # a file system without shared memory keeps its journal: slower, not wrong


def _connect(uri: str, busy_timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=busy_timeout, check_same_thread=False)


def _configured(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        # the first real read: tells a damaged or foreign file now, with its name, not in the middle of a command
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _has_log(path: Path) -> bool:
    logs = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
    return any(log.exists() and log.stat().st_size > 0 for log in logs)


class DefaultCacheBackend(CacheBackend):
    """A bounded cache in this process: least recently used entries leave first, expired ones are never returned.

    Args:
        max_size: entries kept at most, 1 or more.
        default_ttl: seconds for a `set` without `ttl`, deprecated; such a value otherwise never expires.
        clock: seconds that never go back; for tests.

    Raises:
        ConfigError: `max_size` is below 1.
    """

    options: ClassVar[Mapping[str, type] | None] = {"max_size": int}

    def __init__(
        self,
        max_size: int = 1000,
        default_ttl: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_size < 1:
            raise ConfigError(f"max_size is {max_size}: give 1 or more")
        if default_ttl is not None:
            warn_deprecated("DefaultCacheBackend(default_ttl=)")
        self._max_size = max_size
        self._default_ttl = default_ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Kept] = OrderedDict()

    def get(self, key: str, default: Any = None) -> Any:
        with self._lock:
            kept = self._live(key)
            if kept is None:
                return default
            self._entries.move_to_end(key)
        return json.loads(kept.value) if kept.is_json else kept.value

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        lifetime = self._default_ttl if ttl is None else ttl
        kept = _keep(value, None if lifetime is None else self._clock() + lifetime)
        with self._lock:
            self._entries.pop(key, None)
            if lifetime is not None and lifetime <= 0:
                return
            self._entries[key] = kept
            while len(self._entries) > self._max_size:
                self._entries.popitem(last=False)

    def delete(self, key: str) -> bool:
        with self._lock:
            found = self._live(key) is not None
            self._entries.pop(key, None)
            return found

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def exists(self, key: str) -> bool:
        with self._lock:
            return self._live(key) is not None

    def _live(self, key: str) -> _Kept | None:
        kept = self._entries.get(key)
        if kept is not None and kept.expires is not None and self._clock() >= kept.expires:
            del self._entries[key]
            return None
        return kept


class _Kept(NamedTuple):
    """A value of the cache: text that stands for a container, or the value itself."""

    value: Any
    is_json: bool
    expires: float | None


def _keep(value: Any, expires: float | None) -> _Kept:
    if isinstance(value, bytes):
        return _Kept(bytes(value), False, expires)
    if value is None or type(value) in (bool, int, str):
        return _Kept(value, False, expires)
    # all else is kept as text: nobody changes it from outside, and no other back end will meet a surprise
    try:
        return _Kept(json.dumps(value, allow_nan=False), True, expires)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValueError(
            f"a {type(value).__name__} cannot be cached ({error}): give bytes, or what JSON can hold"
        ) from error


@deprecated("register_defaults")
def register_defaults() -> None:
    """Do nothing: the back ends of this module are there without being registered. Deprecated."""
