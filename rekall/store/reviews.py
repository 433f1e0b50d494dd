"""Entries to go over again: due by their schedule, or long unused."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from rekall.errors import DatabaseBusyError, GuardFailed
from rekall.infra.interfaces import Statement, Value
from rekall.models import Entry, ReviewItem, calculate_next_ease, calculate_next_interval
from rekall.store.rows import ENTRY_SELECT, entry_from_row
from rekall.store.session import Session

# the plus keeps SQLite from the index on status, which nearly every entry shares
_ACTIVE = f"SELECT {ENTRY_SELECT} FROM entries WHERE +status = 'active'"
# the values read are the guard: what comes out depends on nothing else in the file
_RATE = (
    "UPDATE entries SET review_interval = :next_interval, ease_factor = :next_ease, next_review = :next_review"
    " WHERE id = :id AND review_interval IS :interval AND ease_factor IS :ease"
)
_ATTEMPTS = 50
"""Times that a rating is computed anew because another process rated the same entry in between."""
_LONGEST = 365_000
"""Days; a longer span is as good as this one, and would leave the calendar of Python."""


class Reviews:
    """Entries to go over again: due by their schedule, or long unused."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_due_entries(self, limit: int = 10, project: str | None = None) -> list[ReviewItem]:
        """Active entries whose review is due, the most urgent first.

        An entry that was never rated has no next review and is not among them: see `never_reviewed`.

        Args:
            limit: take the entries due for the longest time; a negative number takes all.
            project: of this project alone.

        Returns:
            Sorted by priority: days overdue + (3 - ease factor).
        """
        today = date.today()
        # before tomorrow, not until today: an import of 0.3 wrote times into this column
        tomorrow = (today + timedelta(days=1)).isoformat()
        items = []
        for entry in self._active("AND next_review < ?", [tomorrow], "next_review", project, limit):
            overdue = 0 if entry.next_review is None else (today - entry.next_review).days
            items.append(ReviewItem(entry, overdue, overdue + (3.0 - entry.ease_factor)))
        return sorted(items, key=lambda item: -item.priority)

    def get_stale_entries(self, days: int = 30, limit: int = 20) -> list[Entry]:
        """Active entries that nobody looked at for more than `days` days: never first, then the longest unused."""
        since = datetime.now() - timedelta(days=max(-_LONGEST, min(days, _LONGEST)))
        condition = "AND (last_accessed IS NULL OR last_accessed < ?)"
        return self._active(condition, [since.isoformat()], "last_accessed", None, limit)

    def never_reviewed(self, limit: int = 10, project: str | None = None) -> list[Entry]:
        """Active entries that have no next review, the oldest first: nobody has rated them yet.

        Args:
            limit: so many at most; a negative number takes all.
            project: of this project alone.
        """
        # the plus: in the order of the index on created_at, which ends at the limit
        return self._active("AND +next_review IS NULL", [], "created_at", project, limit)

    def update_review_schedule(self, entry_id: str, quality: int) -> date | None:
        """Set interval, ease factor and date of the next review after a rating.

        The formulas are those of `calculate_next_interval` and `calculate_next_ease`. Of several processes that rate
        one entry at the same time, each builds upon the rating before.

        Args:
            entry_id: a full id.
            quality: from 0 (forgotten) to 5 (at once); under 3 is a failure.

        Returns:
            The date of the next review; None for an unknown id, which is no error.

        Raises:
            DatabaseBusyError: others kept rating this entry; nothing was changed.
        """
        for _ in range(_ATTEMPTS):
            row = self._session.fetch_one("SELECT review_interval, ease_factor FROM entries WHERE id = ?", (entry_id,))
            if row is None:
                return None
            interval, ease = row["review_interval"], row["ease_factor"]
            today = date.today()
            next_interval = min(calculate_next_interval(interval or 1, quality), _LONGEST)
            next_review = today + timedelta(days=next_interval)
            values: dict[str, Value] = {
                "id": entry_id,
                "interval": interval,
                "ease": ease,
                "next_interval": next_interval,
                "next_ease": calculate_next_ease(ease or 2.5, quality),
                "next_review": next_review.isoformat(),
            }
            try:
                self._session.write([Statement(_RATE, values, expect=1)])
            except GuardFailed:
                continue
            return next_review
        raise DatabaseBusyError(f"entry {entry_id} was rated by others {_ATTEMPTS} times meanwhile: rate it again")

    def _active(self, condition: str, params: list[Value], order: str, project: str | None, limit: int) -> list[Entry]:
        if project:
            condition += " AND project = ?"
            params = [*params, project]
        rows = self._session.fetch_all(
            f"{_ACTIVE} {condition} ORDER BY {order}, entries.rowid LIMIT ?", [*params, limit]
        )
        return [entry_from_row(row) for row in rows]
