"""The base that a server works on, twice over one back end: one that counts accesses, and one that only reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rekall.infra import ServiceContainer, Statement
from rekall.mcp.base import ConfiguredBase, Database, SessionOptions


class Bases:
    """Opens the configured base, and again when another file is in its place.

    Args:
        container: resolves the back ends.
        count_later: takes the statements that count accesses.
        on_wait: told how many seconds a call waited for a connection, by back ends that have a pool.
    """

    def __init__(
        self,
        container: ServiceContainer,
        count_later: Callable[[Sequence[Statement]], None],
        on_wait: Callable[[float], None],
    ) -> None:
        self._lock = threading.RLock()
        self._on_wait = on_wait
        self._counting = ConfiguredBase(container, SessionOptions(count_later=count_later, keep_searches=True))
        self._reading = ConfiguredBase(container, SessionOptions(counting=False, keep_searches=True))

    def open(self, *, counting: bool = True) -> Database:
        """The base, open; may wait.

        Args:
            counting: accesses are counted.

        Raises:
            RekallError: it cannot be opened.
        """
        base = self._counting if counting else self._reading
        if base.is_replaced():  # both share one back end, which is on the former file
            with self._lock:
                if base.is_replaced():
                    self.close()
        database = base.open()
        backend = _inner(database)
        if hasattr(backend, "on_wait"):
            backend.on_wait = self._on_wait
        return database

    @contextmanager
    def bounded(self, seconds: float, *, counting: bool = True) -> Iterator[Callable[[], Database] | None]:
        """Gives what opens the base for calls that wait for nobody and take no longer than so many seconds.

        Inside, the back end raises `CallGivenUp` where it would. None: such calls are not possible now.
        """
        database = (self._counting if counting else self._reading).at_once()
        within = None if database is None else getattr(_inner(database), "within", None)
        if database is None or within is None:
            yield None
            return
        with within(seconds):
            yield lambda: database

    def write(self, statements: Sequence[Statement]) -> None:
        """Apply a batch by itself, beside all that the tools do.

        Raises:
            RekallError: it could not be applied.
        """
        self.open().store.session.backend.execute_batch(statements)

    def close(self) -> None:
        """Give the base back; a second call does nothing."""
        with self._lock:
            self._counting.close()
            self._reading.close()


def _inner(database: Database) -> Any:
    """The back end itself, inside what the container put around it."""
    backend = database.store.session.backend
    return getattr(backend, "wrapped", backend)
