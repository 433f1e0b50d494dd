"""Timing by turns, and the rows of the report."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeAlias

Prepare: TypeAlias = Callable[[int], Callable[[], object]]
"""Makes, for the number of a round, the call to be timed; what it does itself is not timed."""


class Progress(Protocol):
    """Tells whoever waits what is being done."""

    def start(self, what: str, steps: int) -> None:
        """Begin something that takes so many steps."""

    def step(self, count: int = 1) -> None:
        """So many steps are done."""


@dataclass(frozen=True)
class Times:
    """Seconds that one call took, in the order of the rounds."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)

    @property
    def p95(self) -> float:
        """What 95 of 100 took at most."""
        return sorted(self.seconds)[math.ceil(0.95 * len(self.seconds)) - 1]


def by_turns(calls: Mapping[str, Prepare], rounds: int, progress: Progress, *, warm_up: int = 0) -> dict[str, Times]:
    """Time several calls in one run, one after the other in every round, so that a busy machine disturbs all alike.

    Args:
        calls: by name; the one that begins changes with every round.
        rounds: times that each is timed.
        progress: told once per round.
        warm_up: rounds before that are not kept; numbered on from `rounds`.

    Returns:
        The times of each call.
    """
    names = list(calls)
    kept: dict[str, list[float]] = {name: [] for name in names}
    for number in [*range(rounds, rounds + warm_up), *range(rounds)]:
        for place in range(len(names)):
            name = names[(number + place) % len(names)]
            call = calls[name](number)
            started = time.perf_counter()
            call()
            taken = time.perf_counter() - started
            if number < rounds:
                kept[name].append(taken)
        if number < rounds:
            progress.step()
    return {name: Times(taken) for name, taken in kept.items()}


@dataclass(frozen=True)
class Row:
    """One line of the report.

    Args:
        section: `start-up`, `adapter`, `store`, `whole-base`, `exchange`, `search` or `server`.
        what: what was measured.
        figure: the result, in `unit`.
        unit: `ms`, `us` or another.
        reference: what it is compared with.
        base: the reference's own result, in `unit`.
        limit: what must not be exceeded: by the ratio where there is a base, else by the figure.
        details: further numbers for the JSON file.
        at_least: the limit is what must be reached instead.
        ratios: what the ratio was in each round; then their median is the ratio, which a machine whose speed changes
            between two rounds moves less than that of two medians.
    """

    section: str
    what: str
    figure: float
    unit: str
    reference: str = ""
    base: float | None = None
    limit: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    at_least: bool = False
    ratios: Sequence[float] = ()

    @property
    def ratio(self) -> float | None:
        if self.ratios:
            return statistics.median(self.ratios)
        return self.figure / self.base if self.base else None

    @property
    def is_over(self) -> bool | None:
        """Whether the limit is exceeded, or is not reached; None without a limit."""
        if self.limit is None:
            return None
        judged = self.figure if self.ratio is None else self.ratio
        return judged < self.limit if self.at_least else judged > self.limit

    def record(self) -> dict[str, Any]:
        """The row for the JSON file."""
        return {**asdict(self), "ratio": self.ratio, "over": self.is_over}


def details(times: Mapping[str, Times], scale: float) -> dict[str, dict[str, float]]:
    """Median, 95th percentile, mean, least and number of the times of each call, in 1 / `scale` seconds."""
    return {
        name: {
            "median": taken.median * scale,
            "p95": taken.p95 * scale,
            "mean": taken.mean * scale,
            "least": taken.least * scale,
            "rounds": len(taken.seconds),
        }
        for name, taken in times.items()
    }
