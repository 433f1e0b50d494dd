"""The bound of calls that may not wait, such as those of an event loop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rekall.infra.interfaces import CallGivenUp


class Bound(threading.local):
    """Until when the calls of this thread have to end.

    Attributes:
        until: by the monotonic clock; None: they are not bounded.
        work_until: by the time that the processor has given to this thread.
    """

    until: float | None = None
    work_until: float = math.inf

    @contextmanager
    def within(self, seconds: float, work: float = math.inf) -> Iterator[None]:
        """Bound what this thread calls in the block; an outer bound that ends earlier stays."""
        outer = self.until, self.work_until
        until = time.monotonic() + seconds
        self.until = until if self.until is None else min(self.until, until)
        if work < math.inf:
            self.work_until = min(self.work_until, time.thread_time() + work)
        try:
            yield
        finally:
            self.until, self.work_until = outer

    def refuse(self) -> None:
        """Go on if this thread may wait.

        Raises:
            CallGivenUp: it may not.
        """
        if self.until is not None:
            raise CallGivenUp
