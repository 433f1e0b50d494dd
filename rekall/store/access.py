"""Counting that an entry was looked at: an answer is never wrong for it, a count never lost to another process."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime

from rekall.infra.interfaces import Statement, Value
from rekall.models import Entry, calculate_consolidation_score

_MOST = 1000
"""Entries counted by one statement: three parameters each, and SQLite takes 32,766."""


def count_statements(entries: Sequence[Entry], now: datetime) -> list[Statement]:
    """The batch that counts one access of each entry.

    The score is that of the new count and of the days since the access before (0 if there was none). Another process
    may have counted in between: then its score stands and the count still goes up.
    """
    moment = now.isoformat()
    statements = []
    for start in range(0, len(entries), _MOST):
        counted = entries[start : start + _MOST]
        params: list[Value] = []
        for entry in counted:
            count, before = entry.access_count, entry.last_accessed
            params += (entry.id, count, _score(count + 1, 0 if before is None else (now - before).days))
        params.append(moment)
        statements.append(Statement(_count_sql(len(counted)), params))
    return statements


_score = functools.lru_cache(maxsize=4096)(calculate_consolidation_score)


@functools.lru_cache(maxsize=64)
def _count_sql(entries: int) -> str:
    return (
        f"WITH counted(id, seen, score) AS (VALUES {', '.join(['(?, ?, ?)'] * entries)})"
        " UPDATE entries SET access_count = coalesce(access_count, 0) + 1, last_accessed = ?, consolidation_score ="
        " CASE coalesce(access_count, 0) WHEN counted.seen THEN counted.score ELSE consolidation_score END"
        " FROM counted WHERE entries.id = counted.id"
    )
