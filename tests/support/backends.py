"""Two back ends as an outsider writes them from docs/backends.md, each under 50 lines; a test counts.

`ConnectionPerCall` opens a SQLite file anew for each call: slow, simple, and threads share nothing. `DictCache` is a
dict that holds bytes, and JSON text for everything else.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from rekall.errors import ClosedError, InvalidValueError
from rekall.infra import CacheBackend, DatabaseBackend, Result, Statement
from rekall.infra.interfaces import Params, Row
from rekall.infra.reading import refuse_writes
from rekall.infra.sqlite_errors import translated
from rekall.infra.sqlite_writes import run_batch, run_write


class ConnectionPerCall(DatabaseBackend):
    interface_version = 1

    def __init__(self, path: Path) -> None:
        self._path, self._open = path, False

    def connect(self) -> None:
        with translated(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        self._open = True

    def close(self) -> None:
        self._open = False

    def is_connected(self) -> bool:
        return self._open

    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        with closing(self._new_connection()) as connection:
            return run_write(connection, query, params or (), self._path)

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        with closing(self._new_connection()) as connection:  # which undoes what is not committed
            with translated(self._path):
                connection.execute("BEGIN IMMEDIATE")
            changed = run_batch(connection, statements, self._path)
            with translated(self._path):
                connection.commit()
            return changed

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        return next(iter(self.fetch_all(query, params)), None)

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        refuse_writes(query)
        with translated(self._path), closing(self._new_connection()) as connection:
            return [dict(row) for row in connection.execute(query, params or ())]

    def backup(self, target: Path) -> None:
        with closing(self._new_connection()) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)

    def _new_connection(self) -> sqlite3.Connection:
        if not self._open:
            raise ClosedError("not connected")
        with translated(self._path):
            return _opened(self._path)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=2.5, isolation_level=None)  # seconds
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


class DictCache(CacheBackend):
    def __init__(self) -> None:
        self._values: dict[str, tuple[str | bytes, float | None]] = {}
        self._lock = threading.Lock()

    def get(self, key: str, default: Any = None) -> Any:
        with self._lock:
            value = self._live(key)
        if value is None:
            return default
        return value if isinstance(value, bytes) else json.loads(value)

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        try:
            text = value if isinstance(value, bytes) else json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidValueError(f"cannot be cached: {error}") from error
        with self._lock:
            self._values[key] = text, None if ttl is None else time.monotonic() + ttl

    def delete(self, key: str) -> bool:
        with self._lock:
            found = self._live(key) is not None
            self._values.pop(key, None)
            return found

    def clear(self) -> None:
        with self._lock:
            self._values.clear()

    def exists(self, key: str) -> bool:
        with self._lock:
            return self._live(key) is not None

    def _live(self, key: str) -> str | bytes | None:
        value, until = self._values.get(key, (None, None))
        return None if until is not None and time.monotonic() >= until else value
