"""Finding entries: one query for the hits, one for their tags, one batch for the access counts.

First come the hits that Rekall 0.3 would give, in its order (bm25 over title, content and tags); then entries whose
context satisfies the query; then, for several plain words, entries where only some of the words were found.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TypeAlias, cast

from rekall.infra.interfaces import Row, Value
from rekall.models import MatchKind, SearchResult
from rekall.store import scratch
from rekall.store.access import count_statements
from rekall.store.entries import Entries, filter_sql
from rekall.store.query import ParsedQuery, parse_query
from rekall.store.rows import ENTRY_COLUMNS, select
from rekall.store.session import Session

CANDIDATES = 100
"""Hits of each full-text table that are fused when only some of the words must match."""

_TABLES = ("entries_fts", "rekall_context_fts")
_BEST = "ORDER BY t.rank, t.rowid LIMIT :limit"
Filters: TypeAlias = tuple[list[str], dict[str, Value]]

_TIERS: tuple[MatchKind, ...] = ("entry", "context", "some")


class Search:
    """Searches the base."""

    def __init__(self, session: Session, entries: Entries) -> None:
        self._session = session
        self._entries = entries

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
            update_access: count each hit as an access. A base that cannot be written is searched without counting.

        Returns:
            Hits as they were before they were counted. A text without a single word finds nothing.
        """
        parsed = parse_query(query)
        if parsed.exact is None or limit == 0:
            return []
        filters = filter_sql(entry_type, project, memory_type, include_obsolete)
        counted = update_access and self._session.can_count()
        if counted:
            rows = self._session.fetch_all(*_hits_sql(parsed, filters, limit))
        else:
            rows = self._without_preparing(parsed, filters, limit)
        entries = self._entries.with_tags(rows)
        if counted and entries:
            self._session.count(count_statements(entries, datetime.now()))
        return [
            SearchResult(entry, row["rank"], matched=_TIERS[cast(int, row["tier"])])
            for entry, row in zip(entries, rows, strict=True)
        ]

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
    """The one query for the hits: a materialized table for each tier, and SQLite fills no more than the limit needs.

    Args:
        context: the base has its full-text table of contexts.
    """
    conditions, params = filters
    values: dict[str, Value] = {"exact": parsed.exact, "limit": limit, **params}
    allowed = "".join(f" AND {condition}" for condition in conditions)
    tiers = {"exact": f"SELECT t.id, 0, t.rank, t.rowid {_matches('entries_fts', 'exact')}{allowed} {_BEST}"}
    if context and parsed.context is not None:
        values["context"] = parsed.context
        allowed_context = f"{allowed} AND t.id NOT IN (SELECT id FROM exact)"
        if parsed.excluded is not None:
            values["excluded"] = parsed.excluded
            allowed_context += " AND t.id NOT IN (SELECT id FROM entries_fts WHERE entries_fts MATCH :excluded)"
        tiers["context"] = (
            f"SELECT t.id, 1, t.rank, t.rowid {_matches('rekall_context_fts', 'context')}{allowed_context} {_BEST}"
        )
    if parsed.any_word is not None:
        values |= {"any": parsed.any_word, "candidates": -1 if limit < 0 else max(limit, CANDIDATES)}
        unseen = allowed + "".join(f" AND t.id NOT IN (SELECT id FROM {tier})" for tier in tiers)
        fused = " UNION ALL ".join(
            f"SELECT * FROM (SELECT t.id, t.rank {_matches(table, 'any')}{unseen}"
            " ORDER BY t.rank, t.rowid LIMIT :candidates)"
            for table in (_TABLES if context else _TABLES[:1])
        )
        tiers["some"] = (
            f"SELECT id, 2, sum(rank) AS total, 0 FROM ({fused}) GROUP BY id ORDER BY total, id LIMIT :limit"
        )
    tables = ", ".join(f"{name}(id, tier, rank, place) AS MATERIALIZED ({sql})" for name, sql in tiers.items())
    hits = " UNION ALL ".join(f"SELECT * FROM {name}" for name in tiers)
    sql = (
        f"WITH {tables} SELECT {select(ENTRY_COLUMNS, 'entries')}, hits.tier AS tier, hits.rank AS rank"
        f" FROM (SELECT * FROM ({hits}) LIMIT :limit) AS hits CROSS JOIN entries ON entries.id = hits.id"
        " ORDER BY hits.tier, hits.rank, hits.place, hits.id"
    )
    return sql, values


def _matches(table: str, parameter: str) -> str:
    return f"FROM {table} AS t JOIN entries ON entries.id = t.id WHERE {table} MATCH :{parameter}"


def _entries_sql(ids: list[str], parsed: ParsedQuery, filters: Filters) -> tuple[str, dict[str, Value]]:
    conditions, params = filters
    values: dict[str, Value] = {"ids": json.dumps(ids), **params}
    conditions = ["entries.id IN (SELECT value FROM json_each(:ids))", *conditions]
    if parsed.excluded is not None:
        conditions.append("entries.id NOT IN (SELECT id FROM entries_fts WHERE entries_fts MATCH :excluded)")
        values["excluded"] = parsed.excluded
    return f"SELECT {select(ENTRY_COLUMNS, 'entries')} FROM entries WHERE {' AND '.join(conditions)}", values
