"""Reviews: when the next one is, and what is due."""

from __future__ import annotations

from dataclasses import dataclass

from rekall.models.entries import Entry

MIN_EASE_FACTOR = 1.3


def calculate_next_interval(current_interval: int, quality: int) -> int:
    """Days until the next review: 1 after a failure, else max(1, trunc(i * max(1.3, 2.5 + 0.1 * (q - 3)))).

    The idea is that of SM-2 (P. A. Wozniak, 1990), with a factor that comes from this rating alone: SM-2 multiplies by
    the stored ease factor, and fixes the first two intervals at 1 and 6 days.

    Args:
        current_interval: i, days between the last two reviews.
        quality: q, from 0 (forgotten) to 5 (at once); under 3 is a failure.
    """
    if quality < 3:
        return 1
    return max(1, int(current_interval * max(MIN_EASE_FACTOR, 2.5 + 0.1 * (quality - 3))))


def calculate_next_ease(ease_factor: float, quality: int) -> float:
    """The ease factor after a rating: max(1.3, EF + 0.1 - (5 - q) * (0.08 + (5 - q) * 0.02)), as in SM-2.

    Args:
        ease_factor: EF, the one before.
        quality: q, from 0 to 5.
    """
    missed = 5 - quality
    return max(MIN_EASE_FACTOR, ease_factor + 0.1 - missed * (0.08 + missed * 0.02))


@dataclass
class ReviewItem:
    """An entry whose review is due.

    Args:
        entry: what to review.
        days_overdue: whole days since the review was due.
        priority: days overdue + (3 - ease factor); higher comes first.
    """

    entry: Entry
    days_overdue: int
    priority: float
