"""Three caches that are right; the broken ones are these with one fault each."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from rekall.errors import CacheUnavailableError, InvalidValueError
from rekall.infra import CacheBackend


class RightInProcess(CacheBackend):
    """JSON text and bytes in a dict."""

    interface_version = 1

    def __init__(self) -> None:
        self.kept: dict[str, tuple[Any, float]] = {}
        self.lock = threading.RLock()

    def get(self, key: str, default: Any = None) -> Any:
        with self.lock:
            found = self.kept[self.place(key)] if self.exists(key) else None
        return default if found is None else self.decoded(found[0])

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        kept = self.encoded(value), self.end(ttl)
        with self.lock:
            self.kept[self.place(key)] = kept

    def delete(self, key: str) -> bool:
        with self.lock:
            there = self.exists(key)
            self.kept.pop(self.place(key), None)
            return there

    def clear(self) -> None:
        with self.lock:
            self.kept.clear()

    def exists(self, key: str) -> bool:
        with self.lock:
            _, end = self.kept.get(self.place(key), (None, 0))
            return end > time.monotonic()

    def place(self, key: str) -> str:
        return key

    def end(self, ttl: float | None) -> float:
        return math.inf if ttl is None else time.monotonic() + ttl

    def encoded(self, value: Any) -> Any:
        try:
            return value if isinstance(value, bytes) else json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidValueError(f"a {type(value).__name__} cannot be cached: {error}") from error

    def decoded(self, kept: Any) -> Any:
        return kept if isinstance(kept, bytes) else json.loads(kept)


class RightInFile(RightInProcess):
    """The same in a SQLite file, which several may use, with a connection for each call."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def get(self, key: str, default: Any = None) -> Any:
        rows = self.run("SELECT value FROM kept WHERE key = ? AND end > ?", key, time.time())
        return self.decoded(rows[0][0]) if rows else default

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        end = math.inf if ttl is None else time.time() + ttl
        self.run("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", key, self.encoded(value), end)

    def delete(self, key: str) -> bool:
        there = self.exists(key)
        self.run("DELETE FROM kept WHERE key = ?", key)
        return there

    def clear(self) -> None:
        self.run("DELETE FROM kept")

    def exists(self, key: str) -> bool:
        return bool(self.run("SELECT 1 FROM kept WHERE key = ? AND end > ?", key, time.time()))

    def run(self, sql: str, *values: Any) -> list[Any]:
        try:
            with closing(self.connection()) as connection, connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept (key PRIMARY KEY, value, end) WITHOUT ROWID")
                return connection.execute(sql, values).fetchall()
        except UnicodeEncodeError as error:
            raise InvalidValueError(f"a key is no text of Unicode: {error}") from error
        except sqlite3.Error as error:
            raise CacheUnavailableError(f"{self.file}: {error}") from error

    def connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.file, timeout=10)
        connection.execute("PRAGMA synchronous = OFF")
        return connection


class RightInFolder(RightInProcess):
    """The same with a file for each value, of which several may use the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str, default: Any = None) -> Any:
        found = self.living(key)
        return default if found is None else found[0]

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        end = None if ttl is None else time.time() + ttl
        self.write(self.file(key), json.dumps([end, self.encoded(value)]))

    def delete(self, key: str) -> bool:
        there = self.exists(key)
        try:
            self.file(key).unlink(missing_ok=True)
        except OSError as error:
            raise CacheUnavailableError(f"{self.folder}: {error}") from error
        return there

    def clear(self) -> None:
        try:
            for file in self.own():
                file.unlink(missing_ok=True)
        except OSError as error:
            raise CacheUnavailableError(f"{self.folder}: {error}") from error

    def exists(self, key: str) -> bool:
        return self.living(key) is not None

    def own(self) -> list[Path]:
        return [file for file in self.folder.iterdir() if file.suffix == ".kept"]

    def file(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}.kept"

    def living(self, key: str) -> tuple[Any] | None:
        try:
            end, text = json.loads(self.file(key).read_text("ascii"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CacheUnavailableError(f"{self.folder}: {error}") from error
        except ValueError:  # damaged
            return None
        return (self.decoded(text),) if end is None or end > time.time() else None

    def write(self, file: Path, text: str) -> None:
        beside = file.with_name(f"{os.getpid()}-{threading.get_ident()}.part")
        try:
            beside.write_text(text, encoding="ascii")
            beside.replace(file)
        except OSError as error:
            raise CacheUnavailableError(f"{self.folder}: {error}") from error

    def encoded(self, value: Any) -> Any:
        kept = super().encoded(value)
        return ["bytes", base64.b64encode(kept).decode()] if isinstance(kept, bytes) else ["json", kept]

    def decoded(self, kept: Any) -> Any:
        kind, text = kept
        return base64.b64decode(text) if kind == "bytes" else super().decoded(text)
