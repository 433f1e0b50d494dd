"""The reference of the store: the statements that it sends, run in raw sqlite3.

The statements are learnt from the store itself, by a back end that records; nobody writes them down a second time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rekall.infra import DefaultDatabaseBackend
from rekall.infra.interfaces import Params, Row, Statement
from rekall.store import Store


@dataclass(frozen=True)
class Call:
    """What one operation of the store sends: its queries, then its batch."""

    queries: list[tuple[str, Params]] = field(default_factory=list)
    batch: list[Statement] = field(default_factory=list)


class Recorder(DefaultDatabaseBackend):
    """Answers queries and records them; records writes and does not apply them.

    A write by a second connection would empty the page cache of the connection that is measured on the same file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._call = Call()

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        self._call.queries.append((query, params or ()))
        return super().fetch_all(query, params)

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        self._call.queries.append((query, params or ()))
        return super().fetch_one(query, params)

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        self._call.batch.extend(statements)
        return 0

    def take(self) -> Call:
        """What was recorded since the last time."""
        taken, self._call = self._call, Call()
        return taken


class Recording:
    """Tells what an operation of the store sends on a base.

    Args:
        path: the base; it is only read.
    """

    def __init__(self, path: Path) -> None:
        self._backend = Recorder(path)
        self._backend.connect()
        self._store = Store(self._backend, path)
        self._store.session.prepare()
        self._backend.take()

    def of(self, operation: Callable[[Store], object]) -> Call:
        """The statements of one operation."""
        operation(self._store)
        return self._backend.take()

    def close(self) -> None:
        """Close the base."""
        self._backend.close()


class Raw:
    """A base in raw sqlite3, with the settings that `DefaultDatabaseBackend` uses.

    Args:
        path: the base, a file of its own.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = NORMAL"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()

    def run(self, call: Call) -> None:
        """Run the queries of a call to the end, and its batch in one transaction."""
        execute = self._connection.execute
        for sql, params in call.queries:
            execute(sql, params).fetchall()
        if call.batch:
            execute("BEGIN IMMEDIATE")
            for statement in call.batch:
                execute(statement.sql, statement.params)
            execute("COMMIT")

    def close(self) -> None:
        """Close the base."""
        self._connection.close()
