"""What the tests of the pooled back end share: bases with one table, threads, and what can be seen from outside."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rekall.infra.interfaces import Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend

PATIENCE = 60.0
"""Seconds after which something that must happen counts as not happening."""
INSERT = "INSERT INTO t (value) VALUES (?)"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
"""A query that does not end by itself."""


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[PooledDatabaseBackend]:
    """A back end on a base with the table t, closed at the end."""
    backend = PooledDatabaseBackend(path, **options)
    backend.connect()
    try:
        backend.execute_batch([Statement("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, value)")])
        yield backend
    finally:
        backend.close()


def values(backend: PooledDatabaseBackend) -> list[Any]:
    """What the table holds, in the order of its ids."""
    return [row["value"] for row in backend.fetch_all("SELECT value FROM t ORDER BY id")]


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for what must come.

    Raises:
        AssertionError: it did not.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"this did not come: {what}"
        time.sleep(0.002)


class Running:
    """A call in a thread of its own; its result, or what it raised, is there once it has ended."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call, arguments), daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether it returned or raised."""
        return not self._thread.is_alive()

    def error(self) -> BaseException | None:
        """What it raised, None for nothing."""
        self._thread.join(PATIENCE)
        assert self.has_ended, "a call did not end"
        return self._error

    def result(self) -> Any:
        """What it returned; what it raised is raised."""
        error = self.error()
        if error is not None:
            raise error
        return self._result

    def _run(self, call: Callable[..., Any], arguments: Sequence[Any]) -> None:
        try:
            self._result = call(*arguments)
        except BaseException as error:  # noqa: BLE001  # given to whoever asks
            self._error = error


class Held:
    """A batch whose statements are being made until `release`: nobody else can write meanwhile.

    Args:
        backend: that it is written to.
        value: what it inserts.
    """

    def __init__(self, backend: PooledDatabaseBackend, value: Any = "held") -> None:
        self._go_on = threading.Event()
        begun = threading.Event()

        def statements() -> Iterator[Statement]:
            yield Statement(INSERT, (value,))
            begun.set()
            assert self._go_on.wait(PATIENCE)

        self.batch = Running(lambda: backend.execute_batch(statements()))
        assert begun.wait(PATIENCE)

    def release(self) -> None:
        """Let the batch end."""
        self._go_on.set()


def queued(backend: PooledDatabaseBackend, calls: Sequence[Callable[[], Any]]) -> list[Running]:
    """Calls that write, each in a thread, waiting in this order while something holds the turn."""
    running = []
    for call in calls:
        running.append(Running(call))
        until(lambda: backend.waiting_writes == len(running), "a write that waits")
    return running


def commits(path: Path) -> int:
    """How many transactions the write-ahead log of a base holds."""
    log = path.with_name(path.name + "-wal").read_bytes()
    page_size, salts = struct.unpack(">I", log[8:12])[0], log[16:24]
    found = 0
    for start in range(32, len(log) - 24, 24 + page_size):
        _, size_after_commit = struct.unpack(">II", log[start : start + 8])
        if log[start + 8 : start + 16] != salts:
            break
        found += size_after_commit != 0
    return found


def open_files(path: Path) -> int:
    """How often this process has a file open; on Linux."""
    links = Path("/proc/self/fd").iterdir()
    found = 0
    for link in links:
        try:
            found += link.readlink() == path
        except FileNotFoundError:
            continue  # closed meanwhile
    return found
