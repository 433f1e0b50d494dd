"""A custom database back end that counts the calls made to it, and does everything else as the default one does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rekall.infra import DatabaseBackend, DefaultDatabaseBackend, Statement
from rekall.infra.interfaces import Params, Row


class CountingBackend(DatabaseBackend):
    """Forwards to a SQLite file of its own; it has no raw connection to hand out.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._inner = DefaultDatabaseBackend(path)
        self.calls: Counter[str] = Counter()
        self.queries: list[str] = []

    def connect(self) -> None:
        self._inner.connect()

    def close(self) -> None:
        self._inner.close()

    def is_connected(self) -> bool:
        return self._inner.is_connected()

    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Any:
        self.calls["execute"] += 1
        return self._inner.execute(query, params)

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        self.calls["fetch_one"] += 1
        self.queries.append(query)
        return self._inner.fetch_one(query, params)

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        self.calls["fetch_all"] += 1
        self.queries.append(query)
        return self._inner.fetch_all(query, params)

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        self.calls["execute_batch"] += 1
        return self._inner.execute_batch(statements)

    def backup(self, target: Path) -> None:
        self._inner.backup(target)

    def reads(self) -> int:
        """Queries since the last `reset`."""
        return self.calls["fetch_one"] + self.calls["fetch_all"]

    def reset(self) -> None:
        """Count from here on."""
        self.calls.clear()
        self.queries.clear()
