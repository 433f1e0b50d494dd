"""Counting that an entry was looked at: an answer is never wrong for it, a count never lost to another process."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from rekall.infra.interfaces import Statement, Value
from rekall.models import Entry, calculate_consolidation_score

_MOST = 1000
"""Entries counted by one statement: five parameters each, and SQLite takes 32,766."""


class Access(NamedTuple):
    """That an entry was looked at.

    Args:
        entry_id: the entry.
        seen: its access count when it was given.
        score: its consolidation score for one access more, by the days since the access before (0 if there was none).
        moment: ISO time of the access, of the last one of several.
        times: how often.
    """

    entry_id: str
    seen: int
    score: float
    moment: str
    times: int = 1


def accesses(entries: Sequence[Entry], now: datetime) -> list[Access]:
    """One access of each entry."""
    moment = now.isoformat()
    return [
        Access(
            entry.id,
            entry.access_count,
            _score(entry.access_count + 1, 0 if entry.last_accessed is None else (now - entry.last_accessed).days),
            moment,
        )
        for entry in entries
    ]


def count_statements(counted: Iterable[Access]) -> list[Statement]:
    """The batch that counts accesses, several of one entry together.

    Another process may have counted in between: then its score stands and the count still goes up.
    """
    rows = _by_entry(counted)
    statements = []
    for start in range(0, len(rows), _MOST):
        some = rows[start : start + _MOST]
        params: list[Value] = [value for access in some for value in access]
        statements.append(Statement(_count_sql(len(some)), params))
    return statements


def _by_entry(counted: Iterable[Access]) -> list[Access]:
    """One for each entry, in the order of their first: as often as all of its own, scored as by the newest row."""
    rows: dict[str, Access] = {}
    for access in counted:
        known = rows.get(access.entry_id)
        if known is not None:
            newest = access if access.seen > known.seen else known
            moment = max(access.moment, known.moment)
            access = newest._replace(moment=moment, times=access.times + known.times)
        rows[access.entry_id] = access
    return list(rows.values())


_score = functools.lru_cache(maxsize=4096)(calculate_consolidation_score)


@functools.lru_cache(maxsize=64)
def _count_sql(entries: int) -> str:
    return (
        f"WITH counted(id, seen, score, moment, times) AS (VALUES {', '.join(['(?, ?, ?, ?, ?)'] * entries)})"
        " UPDATE entries SET access_count = coalesce(access_count, 0) + counted.times, last_accessed = counted.moment,"
        " consolidation_score ="
        " CASE coalesce(access_count, 0) WHEN counted.seen THEN counted.score ELSE consolidation_score END"
        " FROM counted WHERE entries.id = counted.id"
    )
