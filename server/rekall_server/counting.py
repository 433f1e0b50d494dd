"""Access counts, written after the answers were given: many searches' counts in one batch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from rekall.errors import ReadOnlyError, RekallError
from rekall.mcp.base import Access

_MOST_WAITING = 100_000
"""Accesses that wait at most; more are dropped, and told of: counts are bookkeeping, answers are not kept waiting."""
_AT_ONCE = 2000
"""Accesses of one batch."""
_GATHERED = 0.5
"""Seconds that counts wait for others: written one by one they would cost more than the searches that they are of."""

logger = structlog.get_logger(__name__)


class CountingQueue:
    """Takes counts from any thread, and writes them in one of its own.

    Args:
        write: applies a batch.
    """

    def __init__(self, write: Callable[[Sequence[Access]], None]) -> None:
        self._write = write
        self._waiting: deque[Access] = deque()
        self._dropped = 0
        self._wake = threading.Condition()
        self._is_idle = False
        self._closing = False
        self._read_only = False
        self._thread: threading.Thread | None = None

    def put(self, accesses: Sequence[Access]) -> None:
        """Write a count soon."""
        with self._wake:
            if self._closing or self._read_only:
                return
            if len(self._waiting) >= _MOST_WAITING:
                self._dropped += len(accesses)
                return
            self._waiting.extend(accesses)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="rekall-counting", daemon=True)
                self._thread.start()
            if self._is_idle:
                self._wake.notify()

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits, and end.

        Args:
            timeout: seconds that this may take.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._waiting or self._closing):
                    self._is_idle = True
                    self._wake.wait()
                    self._is_idle = False
                if len(self._waiting) < _AT_ONCE and not self._closing:
                    self._wake.wait(_GATHERED)  # only closing ends it
                batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
                dropped, self._dropped = self._dropped, 0
            if not batch:
                return
            self._count(batch, dropped)

    def _count(self, batch: list[Access], dropped: int) -> None:
        try:
            self._write(batch)
        except ReadOnlyError:
            self._read_only = True
            self._waiting.clear()
            logger.warning("counting.read_only")
        except RekallError as error:
            dropped += len(batch)
            logger.warning("counting.failed", error=type(error).__name__)
        if dropped:
            logger.warning("counting.dropped", accesses=dropped)
