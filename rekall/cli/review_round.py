"""One round of reviews: what is to be reviewed, and what was rated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from rekall.cli.output import counted

if TYPE_CHECKING:
    from rekall.db import Database
    from rekall.models import Entry

RATINGS = {1: "forgotten", 2: "hardly", 3: "with effort", 4: "well", 5: "at once"}
"""How well something was remembered. A rating is the quality of the formulas; under 3 is a failure."""
_KNOWN = 3


@dataclass(frozen=True)
class ToReview:
    """An entry to review; `days_overdue` is None for one that was never reviewed."""

    entry: Entry
    days_overdue: int | None = None

    def next_interval(self, rating: int) -> int:
        """Days until its next review after a rating."""
        from rekall.models import calculate_next_interval

        return calculate_next_interval(self.entry.review_interval, rating)


@dataclass(frozen=True)
class Rated:
    """An entry with its rating; no next review for one that another process has deleted."""

    entry: Entry
    rating: int
    next_review: date | None


class Round:
    """Entries to go over; each rating is stored as it is given.

    Args:
        base: open.
    """

    def __init__(self, base: Database, entries: Sequence[ToReview]) -> None:
        self.entries = entries
        self.rated: list[Rated] = []
        self.skipped: list[ToReview] = []
        self._base = base

    def rate(self, one: ToReview, rating: int) -> Rated:
        """Store a rating."""
        rated = Rated(one.entry, rating, self._base.reviews.update_review_schedule(one.entry.id, rating))
        self.rated.append(rated)
        return rated

    def skip(self, one: ToReview) -> None:
        """Leave an entry as it is."""
        self.skipped.append(one)

    def summary(self) -> str:
        """What was done, on one line."""
        known = sum(rated.rating >= _KNOWN for rated in self.rated)
        text = f"Rated {len(self.rated)} of {counted(len(self.entries), 'entry')}"
        if self.rated:
            text += f": {known} known, {len(self.rated) - known} to see again tomorrow"
        left = len(self.entries) - len(self.rated)
        return f"{text}. {left} left." if left else f"{text}."
