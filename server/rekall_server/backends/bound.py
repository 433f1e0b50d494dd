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
        work: seconds of the processor that one of them may take.
    """

    until: float | None = None
    work: float = math.inf

    @contextmanager
    def within(self, seconds: float, work: float = math.inf) -> Iterator[None]:
        """Bound what this thread calls in the block; an outer bound that ends earlier stays."""
        outer = self.until, self.work
        until = time.monotonic() + seconds
        self.until = until if self.until is None else min(self.until, until)
        self.work = min(self.work, work)
        try:
            yield
        finally:
            self.until, self.work = outer

    def refuse(self) -> None:
        """Go on if this thread may wait.

        Raises:
            CallGivenUp: it may not.
        """
        if self.until is not None:
            raise CallGivenUp
