"""A bounded number of connections for reading: the last one given back is lent first, who waits is served in turn."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from rekall.errors import ClosedError, DatabaseBusyError
from rekall_server.backends.reader import Reader

GRACE = 0.5
"""Seconds that `close` leaves to calls that run."""
LONGEST_CLOSE = 10.0
"""Seconds after which `close` waits no more for a call that does not end: its connection is closed when it does."""


class ReadPool:
    """Lends readers, each to one thread at a time.

    Lending one that is idle takes no lock: `pop` and `append` of a list are atomic. Whoever gives one back looks for
    somebody who waits after it has put it there, whoever waits looks for an idle one after it has said that it waits.

    Args:
        path: the file, for messages.
        make: opens one more reader.
        size: how many there may be.
        wait_timeout: seconds to wait for one at most.
        told: called with the seconds that a call waited, whether it got one or not.
    """

    def __init__(
        self,
        path: Path,
        make: Callable[[], Reader],
        size: int,
        wait_timeout: float,
        told: Callable[[float], None],
    ) -> None:
        self._path = path
        self._make = make
        self._size = size
        self._wait_timeout = wait_timeout
        self._told = told
        self._lock = threading.Lock()
        self._all_back = threading.Condition(self._lock)
        self._idle: list[Reader] = []
        self._readers: list[Reader] = []
        self._opening = 0
        self._waiting: deque[_Waiting] = deque()
        self._closed = False

    def add(self, reader: Reader) -> None:
        """Count in a reader that was opened elsewhere, and is idle."""
        with self._lock:
            self._readers.append(reader)
        self.give(reader)

    def take(self) -> Reader:
        """A reader, to be given back.

        Raises:
            DatabaseBusyError: none became free in time.
            ClosedError: the pool is closed.
            DatabaseError: no further connection can be opened.
        """
        try:
            return self._idle.pop()
        except IndexError:
            return self._opened_or_waited_for()

    def give(self, reader: Reader) -> None:
        """Take a reader back."""
        self._idle.append(reader)
        if self._waiting or self._closed:
            with self._lock:
                self._settle()

    def close(self) -> None:
        """Close all readers; queries that still run after a moment are ended. Who waits gets a ClosedError."""
        with self._lock:
            self._closed = True
            self._settle()
            if not self._all_back.wait_for(self._is_empty, GRACE):
                for reader in self._readers:
                    reader.end()
                self._all_back.wait_for(self._is_empty, LONGEST_CLOSE)

    @property
    def lent(self) -> int:
        """How many readers are lent at this moment."""
        return len(self._readers) - len(self._idle)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def _is_empty(self) -> bool:
        return not self._readers and not self._opening

    def _opened_or_waited_for(self) -> Reader:
        with self._lock:
            if self._closed:
                raise self._closed_error()
            waiting = None
            if len(self._readers) + self._opening < self._size:
                self._opening += 1
            else:
                waiting = _Waiting()
                self._waiting.append(waiting)
                self._settle()
        return self._opened() if waiting is None else self._waited_for(waiting)

    def _opened(self) -> Reader:
        reader = None
        try:
            reader = self._make()
        finally:
            with self._lock:
                self._opening -= 1
                if reader is not None:
                    self._readers.append(reader)
                self._settle()
        return reader

    def _waited_for(self, waiting: _Waiting) -> Reader:
        started = time.monotonic()
        try:
            in_time = waiting.signal.acquire(timeout=self._wait_timeout)
            self._told(time.monotonic() - started)
        except BaseException:  # Ctrl-C
            with self._lock:
                self._withdraw(waiting)
            raise
        with self._lock:
            if not in_time and waiting in self._waiting:
                self._waiting.remove(waiting)
                raise DatabaseBusyError(
                    f"no connection to {self._path} became free within {self._wait_timeout:g} s: nothing was read, "
                    "try again, or raise pool_size or wait_timeout"
                )
        if waiting.reader is not None:
            return waiting.reader
        if waiting.may_open:
            return self._opened()
        raise self._closed_error()

    def _withdraw(self, waiting: _Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        elif waiting.reader is not None:
            self._idle.append(waiting.reader)
        elif waiting.may_open:
            self._opening -= 1
        self._settle()

    def _settle(self) -> None:
        """Serve who waits, and close what nobody may use any more. Whoever calls holds the lock."""
        while self._waiting and (self._closed or self._idle or self._has_room()):
            waiting = self._waiting.popleft()
            if not self._closed:
                try:
                    waiting.reader = self._idle.pop()
                except IndexError:  # lent meanwhile
                    if not self._has_room():
                        self._waiting.appendleft(waiting)
                        break
                    self._opening += 1
                    waiting.may_open = True
            waiting.signal.release()
        while self._closed and self._idle:
            reader = self._idle.pop()
            self._readers.remove(reader)
            reader.close()
        if self._is_empty():
            self._all_back.notify_all()

    def _has_room(self) -> bool:
        return len(self._readers) + self._opening < self._size

    def _closed_error(self) -> ClosedError:
        return ClosedError(f"{self._path} is closed: call connect first")


class _Waiting:
    """A call that waits for a reader.

    Attributes:
        signal: released when there is something to do.
        reader: what it got.
        may_open: it is to open one itself.
    """

    __slots__ = ("may_open", "reader", "signal")

    def __init__(self) -> None:
        self.signal = threading.Lock()
        self.signal.acquire()
        self.reader: Reader | None = None
        self.may_open = False
