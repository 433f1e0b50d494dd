"""What the back ends of a process were used for, counted from the events of the debug log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Use:
    """Calls of one back end, or of all.

    Args:
        calls: as the program made them; a retried call is one.
        ms: milliseconds in the back end, those of all attempts and all threads added up.
        retries: attempts after the first.
        waited_ms: milliseconds of waiting for those attempts, when the back end had nothing to do.
        failed: calls whose last attempt failed.
        slowest: the operation whose attempt took longest.
        slowest_ms: its milliseconds.
    """

    calls: int = 0
    ms: float = 0.0
    retries: int = 0
    waited_ms: float = 0.0
    failed: int = 0
    slowest: str = ""
    slowest_ms: float = 0.0

    def add(self, event: Mapping[str, Any]) -> None:
        """Count one attempt."""
        if event["attempt"] == 1:
            self.calls += 1
        else:
            self.retries += 1
            self.waited_ms += event["waited_ms"]
            self.failed -= 1  # that of the attempt before
        self.failed += event["outcome"] == "error"
        self.ms += event["ms"]
        if not self.slowest or event["ms"] > self.slowest_ms:
            self.slowest, self.slowest_ms = event["operation"], event["ms"]


class Summary:
    """Counts events; whoever shares it between threads takes care that one adds at a time."""

    def __init__(self) -> None:
        self.total = Use()
        self.backends: dict[str, Use] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Count one attempt.

        Args:
            event: the fields of a `backend.call`.
        """
        self.total.add(event)
        self.backends.setdefault(event["backend"], Use()).add(event)
