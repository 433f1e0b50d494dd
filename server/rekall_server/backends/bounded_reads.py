"""Reads of a thread that may not wait, such as an event loop's: on a connection kept for them, ended in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from rekall.errors import DatabaseBusyError, RekallError
from rekall.infra.interfaces import CallGivenUp, Params
from rekall_server.backends.read_pool import GRACE, LONGEST_CLOSE
from rekall_server.backends.reader import QueryEnded, Read, Reader


class BoundedReads:
    """One connection for the reads of whoever may not wait; it is opened by the first of them.

    Args:
        make: opens it; it waits for no lock.
    """

    def __init__(self, make: Callable[[], Reader]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        self._closed = False

    def read(self, read: Read, query: str, params: Params, until: float, work: float) -> Any:
        """As `Reader.read`, and it waits for nothing.

        Raises:
            CallGivenUp: its time is over, or it would have to wait.
            DatabaseError: what the driver's error means.
        """
        if time.monotonic() >= until or not self._lock.acquire(blocking=False):
            raise CallGivenUp
        try:
            reader = self._reader or self._opened()
            return reader.read(read, query, params, until, work)
        except (QueryEnded, DatabaseBusyError) as error:
            raise CallGivenUp from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection; a read that still runs after a moment is ended."""
        self._closed = True
        if not self._lock.acquire(timeout=GRACE):
            reader = self._reader
            if reader is not None:
                reader.end()
            if not self._lock.acquire(timeout=LONGEST_CLOSE):
                return
        try:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        finally:
            self._lock.release()

    def _opened(self) -> Reader:
        if self._closed:
            raise CallGivenUp
        try:
            self._reader = self._make()
        except RekallError as error:
            raise CallGivenUp from error  # a call that may wait will tell, or get over it
        return self._reader
