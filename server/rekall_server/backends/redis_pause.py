"""After a round of attempts that did not reach Redis, nobody waits for it for a second: all calls fail at once.

A round is what the retry layer makes of one call: attempts that follow each other in one thread. The back end sees
single attempts, so it counts those that fail by thread. Without the pause each thread of a server would stand for three
time-outs at every call, and everybody in the queue behind them.

::

    open ──(a thread's third attempt in turn fails)──> paused ──(a second later)──> one thread tries
     ^                                                   ^                             │
     └───────────────(Redis answers)─────────────────────┼─────────────────────────────┤
                                                         └──────(its round fails)──────┘

No lock: what is replaced is one reference, so that a process forked meanwhile holds none of another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from rekall.infra.retry import ATTEMPTS, BASE_DELAY

PAUSE = 1.0
"""Seconds in which calls fail at once."""
_TOGETHER = BASE_DELAY * 2**ATTEMPTS + 1.0
"""Seconds between two attempts of a round at most: the longest back-off, and what a loaded machine adds."""


class _Pause:
    """One pause: when it ends, and the thread that tries again then.

    Args:
        until: by the clock.
        failure: how the last attempt failed.
        trying: the thread that tries meanwhile.
    """

    def __init__(self, until: float, failure: str, trying: int | None = None) -> None:
        self.until = until
        self.failure = failure
        self._trying = trying
        self._next: dict[str, int] = {}

    def admits(self, now: float) -> bool:
        """Whether this thread may call: the one that tries, which is the first to ask once the pause is over."""
        if now < self.until:
            return self.is_tried_here()
        me = threading.get_ident()
        return self._next.setdefault("thread", me) == me  # atomic: one of them is the first

    def is_tried_here(self) -> bool:
        """Whether this thread is the one that tries."""
        return self._next.get("thread", self._trying) == threading.get_ident()


class _Round(threading.local):
    """The failed attempts in turn of a thread."""

    count = 0
    call: Hashable = None
    last = 0.0


class Pause:
    """Tells whether a call may try to reach Redis, and is told how each attempt went.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._round = _Round()
        self._current: _Pause | None = None

    def refusal(self) -> str | None:
        """Why a call fails at once: how the last attempt failed; None when it may try."""
        current = self._current
        if current is None or current.admits(self._clock()):
            return None
        return current.failure

    def reached(self) -> None:
        """Redis has answered, whatever it said."""
        if self._round.count:
            self._round.count = 0
        if self._current is not None:
            self._current = None

    def failed(self, call: Hashable, failure: str) -> None:
        """An attempt has not reached Redis.

        Args:
            call: what was called, with its key: attempts of one call are one round.
            failure: how, for people.
        """
        now, mine, current = self._clock(), self._round, self._current
        same = mine.count and mine.call == call and now - mine.last <= _TOGETHER
        mine.count, mine.call, mine.last = (mine.count + 1 if same else 1), call, now
        ended = mine.count >= ATTEMPTS
        if ended:
            mine.count = 0
        if current is not None and current.is_tried_here():
            # it goes on with its round; should it not come back, another thread tries a second later
            self._current = _Pause(now + PAUSE, failure, None if ended else threading.get_ident())
        elif ended and current is None:
            self._current = _Pause(now + PAUSE, failure)

    def given_up(self) -> None:
        """An attempt has ended in the middle: if it was that of the thread that tries, another one does."""
        current = self._current
        if current is not None and current.is_tried_here():
            self._current = _Pause(self._clock(), current.failure)
