"""A database back end that is right, in steps that a deliberate fault can replace."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, TypeVar

from rekall.errors import ClosedError, GuardFailed
from rekall.infra import DatabaseBackend, Result, Statement
from rekall.infra.interfaces import Params, Row
from rekall.infra.reading import refuse_writes
from rekall.infra.sqlite_errors import translated
from rekall.infra.sqlite_writes import run_write

T = TypeVar("T")


class Unstated(DatabaseBackend):
    """One SQLite file, one connection, one lock; the version of its interface is not stated."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock: AbstractContextManager[Any] = threading.RLock()
        self.connection: sqlite3.Connection | None = None

    def connect(self) -> None:
        with self.lock, self.translated():
            if self.connection is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.connection = self.new_connection()

    def new_connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=0.2, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = OFF")  # tests survive no power failure
        return connection

    def close(self) -> None:
        with self.lock:
            if self.connection is not None:
                self.connection.close()
            self.connection = None

    def is_connected(self) -> bool:
        return self.connection is not None

    def required(self) -> sqlite3.Connection:
        if self.connection is None:
            raise ClosedError("not connected")
        return self.connection

    def translated(self) -> AbstractContextManager[None]:
        return translated(self.path)

    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        return self.atomically(lambda connection: self.run(connection, query, params or ()))

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        return self.atomically(lambda connection: self.run_all(connection, statements))

    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        return run_write(connection, sql, self.bound(params), self.path)

    def run_all(self, connection: sqlite3.Connection, statements: Iterable[Statement]) -> int:
        total = 0
        for index, statement in enumerate(statements):
            changed = self.run(connection, statement.sql, statement.params).rowcount
            self.check(index, statement, changed)
            total += changed
        return total

    def check(self, index: int, statement: Statement, changed: int) -> None:
        if statement.expect is not None and changed != statement.expect:
            raise GuardFailed(index, changed, statement.expect)

    def atomically(self, body: Callable[[sqlite3.Connection], T]) -> T:
        with self.lock, self.translated():
            connection = self.required()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = body(connection)
                connection.execute("COMMIT")
            except BaseException:
                self.undo(connection)
                raise
            return result

    def undo(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        refuse_writes(query)
        with self.lock, self.translated():
            cursor = self.required().execute(query, self.bound(params or ()))
            names = [column[0] for column in cursor.description or ()]
            return [self.row(names, values) for values in cursor]

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        return next(iter(self.fetch_all(query, params)), None)

    def bound(self, params: Params) -> Params:
        """The parameters as the driver gets them."""
        return params

    def row(self, names: list[str], values: tuple[Any, ...]) -> Row:
        """A row of the driver as it is given out."""
        return dict(zip(names, values, strict=True))

    def backup(self, target: Path) -> None:
        with self.lock, self.translated(), closing(sqlite3.connect(target)) as copy:
            self.required().backup(copy)


class Right(Unstated):
    """Right in everything."""

    interface_version = 1
