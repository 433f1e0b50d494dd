"""Finding entries: one query for the hits with their tags, one batch for the access counts.

First come the hits that Rekall 0.3 would give, in its order (bm25 over title, content and tags); then entries whose
context satisfies the query; then, for several plain words, entries where only some of the words were found.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from rekall.errors import QueryError
from rekall.infra.interfaces import Row, Value
from rekall.models import MatchKind, SearchResult
from rekall.store import scratch
from rekall.store.access import count_statements
from rekall.store.entries import filter_sql
from rekall.store.query import ParsedQuery, parse_query
from rekall.store.rows import ENTRY_SELECT, entry_from_row
from rekall.store.scratch import CONTEXT, SOME
from rekall.store.session import Session

CANDIDATES = 100
"""Hits of each full-text table that are fused when only some of the words must match."""

_NOT_EXCLUDED = "entries.id NOT IN (SELECT id FROM entries_fts WHERE entries_fts MATCH :excluded)"
Filters: TypeAlias = tuple[list[str], dict[str, Value]]

_TIERS: tuple[MatchKind, ...] = ("entry", "context", "some")


class Search:
    """Searches the base."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def search(
        self,
        query: str,
        entry_type: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        include_obsolete: bool = False,
        limit: int = 20,
        update_access: bool = True,
    ) -> list[SearchResult]:
        """The entries that a query finds, best first.

        Args:
            query: whatever was typed; see `rekall.store.query` for what operators mean.
            entry_type: only this type, exactly; an empty text is no filter. Likewise project and memory_type.
            include_obsolete: obsolete entries too.
            limit: hits at most; a negative number is no limit.
            update_access: count each hit as an access, but for those that have only some of the words. A base that
                cannot be written is searched without counting.

        Returns:
            Hits as they were before they were counted. A text without a single word finds nothing.
        """
        parsed = parse_query(query)
        if parsed.exact is None or limit == 0:
            return []
        filters = filter_sql(entry_type, project, memory_type, include_obsolete)
        counted = update_access and self._session.can_count()
        if counted:
            rows = self._indexed(*_hits_sql(parsed, filters, limit))
        else:
            rows = self._without_preparing(parsed, filters, limit)
        entries = [entry_from_row(row) for row in rows]
        if counted and rows and rows[0]["tier"] != SOME:
            meant = entries
            if rows[-1]["tier"] == SOME:
                meant = [entry for entry, row in zip(entries, rows, strict=True) if row["tier"] != SOME]
            self._session.count(count_statements(meant, datetime.now()))
        return [
            SearchResult(entry, row["rank"], "", _TIERS[row["tier"]]) for entry, row in zip(entries, rows, strict=True)
        ]

    def _indexed(self, sql: str, values: dict[str, Value]) -> list[Row]:
        """Hits by the base's own index, once nothing is missing from it: another program may have written meanwhile."""
        try:
            rows = self._session.fetch_all(sql, values)
            if (rows and not rows[0]["waiting"]) or (not rows and self._session.is_prepared()):
                return rows
        except QueryError:
            if self._session.is_prepared():
                raise
        self._session.prepare()
        return self._session.fetch_all(sql, values)

    def _without_preparing(self, parsed: ParsedQuery, filters: Filters, limit: int) -> list[Row]:
        """Hits without writing: contexts that the base has not indexed yet are indexed in memory for this search."""
        unindexed = scratch.unindexed_contexts(self._session)
        rows = self._session.fetch_all(*_hits_sql(parsed, filters, limit, context=unindexed is not None))
        contexts = scratch.all_contexts(self._session) if unindexed is None else unindexed
        found = scratch.matching(contexts, parsed)
        if not found:
            return rows
        places = {row["id"]: (row["tier"], row["rank"]) for row in rows}
        better = {key: place for key, place in found.items() if key not in places or place[0] < places[key][0]}
        missing = [key for key in better if key not in places]
        rows += self._session.fetch_all(*_entries_sql(missing, parsed, filters))
        rows = [
            row | dict(zip(("tier", "rank"), better.get(row["id"]) or places[row["id"]], strict=True)) for row in rows
        ]
        rows.sort(key=lambda row: (row["tier"], row["rank"]))
        return rows if limit < 0 else rows[:limit]


def _hits_sql(
    parsed: ParsedQuery, filters: Filters, limit: int, *, context: bool = True
) -> tuple[str, dict[str, Value]]:
    """The one query for the hits and its parameters.

    Args:
        context: the base has its full-text table of contexts.
    """
    conditions, params = filters
    values: dict[str, Value] = {"exact": parsed.exact, "limit": limit, **params}
    in_context = context and parsed.context is not None
    if in_context:
        values["context"] = parsed.context
        if parsed.excluded is not None:
            values["excluded"] = parsed.excluded
    if parsed.any_word is not None:
        values |= {"any": parsed.any_word, "candidates": -1 if limit < 0 else max(limit, CANDIDATES)}
    return _tiers_sql(tuple(conditions), context, in_context, "excluded" in values, "any" in values), values


@functools.lru_cache(maxsize=64)
def _tiers_sql(conditions: tuple[str, ...], context: bool, in_context: bool, excluded: bool, any_word: bool) -> str:
    """A materialized table for each tier, of which SQLite fills no more than the limit needs."""
    tiers = {"exact": _best("entries_fts", "exact", 0, conditions)}
    if in_context:
        admitted = [*conditions, "entries.id NOT IN (SELECT id FROM exact)", *([_NOT_EXCLUDED] if excluded else [])]
        tiers["context"] = _best("rekall_context_fts", "context", CONTEXT, admitted)
    if any_word:
        unseen = [*conditions, *(f"entries.id NOT IN (SELECT id FROM {tier})" for tier in tiers)]
        tables = ("entries_fts", "rekall_context_fts") if context else ("entries_fts",)
        both = " UNION ALL ".join(
            f"SELECT * FROM ({_best(table, 'any', SOME, unseen, 'candidates')})" for table in tables
        )
        tiers["some"] = (
            f"SELECT id, tier, sum(rank) AS rank, 0 FROM ({both}) GROUP BY id ORDER BY rank, id LIMIT :limit"
        )
    tables_sql = ", ".join(f"{name}(id, tier, rank, place) AS MATERIALIZED ({sql})" for name, sql in tiers.items())
    hits = " UNION ALL ".join(f"SELECT * FROM {name}" for name in tiers)
    waiting = "EXISTS (SELECT 1 FROM rekall_context_pending)" if context else "0"
    return (
        f"WITH {tables_sql} SELECT {ENTRY_SELECT}, hits.tier AS tier, hits.rank AS rank, {waiting} AS waiting"
        f" FROM (SELECT * FROM ({hits}) LIMIT :limit) AS hits CROSS JOIN entries ON entries.id = hits.id"
        " ORDER BY hits.tier, hits.rank, hits.place, hits.id"
    )


def _best(table: str, parameter: str, tier: int, conditions: Sequence[str], limit: str = "limit") -> str:
    """The best matches in a full-text table whose entries satisfy the conditions.

    FTS5 ranks all matches by itself; then the id of a match is read from the table's content and its entry looked up,
    best first and only until the limit is reached. The inner LIMIT keeps SQLite from dropping the inner order.
    """
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        f"SELECT content.c0 AS id, {tier} AS tier, f.rank AS rank, f.rowid AS place"
        f" FROM (SELECT rowid, rank FROM {table} WHERE {table} MATCH :{parameter} ORDER BY rank LIMIT -1) AS f"
        f" CROSS JOIN {table}_content AS content ON content.id = f.rowid"
        f" CROSS JOIN entries ON entries.id = content.c0{where} LIMIT :{limit}"
    )


def _entries_sql(ids: list[str], parsed: ParsedQuery, filters: Filters) -> tuple[str, dict[str, Value]]:
    conditions, params = filters
    values: dict[str, Value] = {"ids": json.dumps(ids), **params}
    conditions = ["entries.id IN (SELECT value FROM json_each(:ids))", *conditions]
    if parsed.excluded is not None:
        conditions.append(_NOT_EXCLUDED)
        values["excluded"] = parsed.excluded
    return f"SELECT {ENTRY_SELECT} FROM entries WHERE {' AND '.join(conditions)}", values
