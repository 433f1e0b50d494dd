"""One write on its way: what it does, whoever does it, and what came of it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any


class Write:
    """One write, which waits, runs and ends.

    Args:
        apply: does it, in a transaction that somebody else has begun, and returns its result.
        joins: whether it may share a transaction, be run by another thread, and be run again after that transaction was
            undone. What makes up statements as it goes may not: it is the caller's code.

    Attributes:
        thread: the thread that asked.
        since: when, by the monotonic clock.
        signal: released when it has ended, or when its own thread may use the connection.
        has_ended: it was applied or not, and its thread goes on.
        is_committed: it was applied in a transaction of its own, whatever failed then.
    """

    __slots__ = ("apply", "error", "has_ended", "is_committed", "joins", "result", "signal", "since", "thread")

    def __init__(self, apply: Callable[[sqlite3.Connection], Any], *, joins: bool) -> None:
        self.apply = apply
        self.joins = joins
        self.thread = threading.get_ident()
        self.since = time.monotonic()
        self.signal = threading.Lock()
        self.signal.acquire()
        self.has_ended = self.is_committed = False
        self.result: Any = None
        self.error: BaseException | None = None

    def end(self, error: Exception | None = None) -> None:
        """Let its thread go on.

        Args:
            error: of all that were tried together; each gets its own.
        """
        if error is not None:
            self.error = type(error)(str(error))
            self.error.__cause__ = error
        self.has_ended = True
        self.signal.release()

    def outcome(self) -> Any:
        """What it returned; what it raised is raised here."""
        error, self.error = self.error, None
        if error is None:
            return self.result
        try:
            raise error
        finally:
            del error  # it would hold this frame, which holds it
