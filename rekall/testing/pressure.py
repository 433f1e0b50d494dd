"""Eight threads at once, and what is left open afterwards."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path

from rekall.testing.contract import broken

THREADS = 8
"""How many threads use a back end at once."""
PATIENCE = 60.0
"""Seconds after which threads that have not ended count as locked for ever."""


def in_threads(work: Callable[[int], None]) -> None:
    """Run it in eight threads at once, each with its number, and raise here what the first of them raised.

    Raises:
        Broken: some have not ended after a minute.
    """
    errors: list[Exception] = []

    def guarded(thread: int) -> None:
        try:
            work(thread)
        except Exception as error:  # noqa: BLE001  # raised below, in the thread that asked
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,), daemon=True) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    if errors:
        raise errors[0]
    locked = sum(thread.is_alive() for thread in threads)
    if locked:
        broken(f"{locked} of {THREADS} threads had not ended after {PATIENCE:.0f} seconds")


def kept_open() -> tuple[int, int]:
    """The files and connections that this process has open, as far as the system tells, and the threads it runs."""
    gc.collect()
    table = next((table for table in (Path("/proc/self/fd"), Path("/dev/fd")) if table.is_dir()), None)
    return sum(1 for _ in table.iterdir()) if table else 0, threading.active_count()
