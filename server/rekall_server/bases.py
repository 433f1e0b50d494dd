"""The base that a server works on, twice over one back end: one that counts accesses, and one that only reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from rekall.errors import DatabaseBusyError, RekallError
from rekall.infra import ServiceContainer
from rekall.infra.debug_log import Logger, logged
from rekall.infra.interfaces import CallGivenUp
from rekall.infra.retry import ATTEMPTS, NOT_APPLIED, Retry, retried
from rekall.mcp.base import Access, ConfiguredBase, Database, SessionOptions
from rekall.mcp.spec import OpenDatabase
from rekall_server.backends.joint import JointUndone

Together = Callable[[Callable[[], None]], Any]
"""Runs a function, so that all that it writes is committed at its end."""

_FRESH = 0.05
"""Seconds for which a schema that was looked at counts: a restore that brings another one is seen so much later."""


class Bases:
    """Opens the configured base, which is there, and again when another file is in its place.

    Args:
        container: resolves the back ends.
        count_later: takes the accesses of an answer, to be given to `count`.
        on_wait: told how many seconds a call waited for a connection, by back ends that have a pool.
        observer: told of each attempt to write together, as of those of other calls of the back end by the container.
    """

    def __init__(
        self,
        container: ServiceContainer,
        count_later: Callable[[Sequence[Access]], None],
        on_wait: Callable[[float], None],
        observer: Logger,
    ) -> None:
        self._lock = threading.RLock()
        self._container = container
        self._on_wait = on_wait
        self._observer = observer
        self._known: dict[bool, Database | None] = {True: None, False: None}
        self._together: Together | None = None
        self._together_once: Together | None = None
        self._close_cache: Callable[[], None] | None = None
        self._bound: Callable[..., AbstractContextManager[None]] | None = None
        self._cache_bound: Callable[..., AbstractContextManager[None]] | None = None
        counting = SessionOptions(count_later=count_later, keep_searches=True, fresh=_FRESH)
        self._counting = ConfiguredBase(container, counting, create=False)
        self._reading = ConfiguredBase(container, counting._replace(counting=False), create=False)

    def open(self, *, counting: bool = True) -> Database:
        """The base, open; may wait.

        Args:
            counting: accesses are counted.

        Raises:
            RekallError: it cannot be opened.
        """
        base = self._counting if counting else self._reading
        database = base.just_seen()
        if database is not None and database is self._known[counting]:
            return database
        if base.is_replaced():  # both share one back end, which is on the former file
            with self._lock:
                if base.is_replaced():
                    self.close()
        database = base.open()
        if database is not self._known[counting]:
            self._look_at(database)
            self._known[counting] = database
        return database

    @contextmanager
    def bounded(self, seconds: float, work: float, *, counting: bool = True) -> Iterator[Callable[[], Database] | None]:
        """Gives what opens the base for calls that wait for nobody and do not take long.

        Inside, the back ends raise `CallGivenUp` where they would. None: such calls are not possible now.

        Args:
            seconds: that all may take together.
            work: seconds of the processor that one query may take; of waiting for a cache, seconds of the clock.
            counting: accesses are counted.
        """
        if self._bound is None:
            yield None
            return
        # without a cache that may have to be waited for there is no second bound
        with self._bound(seconds, work=work), self._cache_bound(work) if self._cache_bound else nullcontext():
            database = None
            with suppress(CallGivenUp, RekallError):  # whoever may wait is told, or gets over it
                database = (self._counting if counting else self._reading).at_once()
            # one that was just opened has another back end than the one that is bounded
            yield None if database is None or database is not self._known[counting] else lambda: database

    def look_again(self) -> None:
        """Let the next call look at the schema: a restore may just have put another one in the base."""
        self._counting.look_again()
        self._reading.look_again()

    def count(self, accesses: Sequence[Access]) -> None:
        """Count accesses in one batch, beside all that the tools do.

        Raises:
            RekallError: they could not be counted.
        """
        self.open().store.session.count_now(accesses)

    def together(self, body: Callable[[OpenDatabase], None]) -> bool:
        """Run what writes to the base, so that all of it is committed at once at the end; again where that is possible.

        Args:
            body: given the base, which stays the same: of one in its place nothing could be undone.

        Returns:
            Whether it was; False: nothing of it was applied, and each write has to be made by itself.

        Raises:
            DatabaseBusyError: others kept it from writing; nothing was applied.
            RekallError: the base cannot be opened, or it was committed, and may be lost.
        """
        database = self.open()
        if self._together is None:
            return False
        # by itself: done with the rest it would be undone with it, and still be taken for done
        database.store.session.prepare()
        try:
            self._together(lambda: body(lambda: database))
        except JointUndone:
            return False
        return True

    def together_at_once(self, body: Callable[[OpenDatabase], None], seconds: float) -> bool:
        """As `together`, by one attempt that waits for nobody.

        Args:
            body: as for `together`; calls of the cache in it are bounded.
            seconds: by the clock, that the cache may be waited for.

        Raises:
            CallGivenUp: it would have to wait; nothing was applied.
            RekallError: it was committed, and may be lost.
        """
        with self.bounded(seconds, seconds) as opened:
            if opened is None or self._together_once is None:
                raise CallGivenUp
            database = opened()
            try:
                database.store.session.prepare()
            except RekallError as error:
                raise CallGivenUp from error  # whoever may wait is told, or gets over it
            try:
                self._together_once(lambda: body(lambda: database))
            except JointUndone:
                return False
            except DatabaseBusyError as error:
                raise CallGivenUp from error
        return True

    def _look_at(self, database: Database) -> None:
        """See what the back ends have beyond their interface."""
        backends = [_inner(database.store.session.backend), _inner(self._container.cache())]
        self._close_cache = getattr(backends[1], "close", None)
        for backend in backends:
            if hasattr(backend, "on_wait"):
                backend.on_wait = self._on_wait
        together = getattr(backends[0], "together", None)
        self._together_once = self._together = None
        if together is not None:
            self._together_once, *later = self._attempts(together)
            self._together = _with_attempts(self._together_once, later)
        self._bound, self._cache_bound = (getattr(backend, "within", None) for backend in backends)

    def _attempts(self, together: Together) -> list[Together]:
        """The same for each attempt that the container lets every write have; of each is told."""
        name = self._container.selected("database").name
        return [
            logged(together, self._observer, time.monotonic, backend=name, operation="together", attempt=number)
            for number in range(1, ATTEMPTS + 1)
        ]

    def close(self) -> None:
        """Give the base back; a second call does nothing."""
        with self._lock:
            self._counting.close()
            self._reading.close()
            if self._close_cache is not None:
                self._close_cache()


def _with_attempts(first: Together, later: Sequence[Together]) -> Together:
    attempts = retried(NOT_APPLIED, later, Retry())
    return lambda body: attempts(first, None, (body,), {})


def _inner(backend: Any) -> Any:
    """The back end itself, inside what the container put around it."""
    return getattr(backend, "wrapped", backend)
