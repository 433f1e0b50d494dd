"""Counting that an entry was looked at: an answer is never wrong for it, a count never lost to another process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rekall.infra.interfaces import Statement
from rekall.models import Entry, calculate_consolidation_score

_COUNT = (
    "UPDATE entries SET access_count = coalesce(access_count, 0) + 1, last_accessed = ?,"
    " consolidation_score = CASE coalesce(access_count, 0) WHEN ? THEN ? ELSE consolidation_score END WHERE id = ?"
)


def count_statements(entries: Iterable[Entry], now: datetime) -> list[Statement]:
    """The batch that counts one access of each entry.

    The score is that of the new count and of the days since the access before (0 if there was none). Another process
    may have counted in between: then its score stands and the count still goes up.
    """
    return [
        Statement(
            _COUNT,
            (
                now.isoformat(),
                entry.access_count,
                calculate_consolidation_score(entry.access_count + 1, _days_since(entry.last_accessed, now)),
                entry.id,
            ),
        )
        for entry in entries
    ]


def _days_since(before: datetime | None, now: datetime) -> int:
    return 0 if before is None else (now - before).days
