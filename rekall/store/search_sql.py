"""The one statement of a search: which full-text rows match, how they rank, and their entries with their tags."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rekall.infra.interfaces import Value
from rekall.store.entries import filter_sql
from rekall.store.frequencies import SIZE_SQL, Plan, counting_sql, counting_values
from rekall.store.query import ParsedQuery
from rekall.store.rows import ENTRY_SELECT
from rekall.store.stamps import SEARCH_STAMP, STAMPING_VALUES

ENTRY, CONTEXT, SOME = 0, 1, 2
"""Kinds of a hit: the entry satisfies the query, its context does, or only some of the words were found."""

TITLE_WEIGHT = 2.5
"""Of a word in the title to one in the text, where some of the words are enough; chosen on the development queries."""
SECOND = 0.15
"""What the lesser of the ranks in entry and context adds to the better one.

Chosen on the development queries with the text of the questions as contexts: wholly, by half, or a second time. Adding
the ranks would favour every entry that has a context, and whoever says the same twice.
"""
SAME_PROJECT, RECENT = 0.02, 0.01
"""What an entry of the project at hand gains, and one that was changed just now: it halves within a year."""
CANDIDATES = 100
"""Hits of each full-text table that are fused."""

_PARAMETERS = re.compile(r":(exact|context|excluded|any\d|weights)\b")
_NOTHING = "id : nothing"
"""A MATCH expression without a row: ids are not indexed."""
_TABLES = ("entries_fts", "rekall_context_fts")
_WEIGHTS = {"entries_fts": f"0, {TITLE_WEIGHT}, 1, 1", "rekall_context_fts": "0"}
_NOT_EXCLUDED = "entries.id NOT IN (SELECT id FROM entries_fts WHERE entries_fts MATCH :excluded)"
_GAIN = (
    f" * (1 + {SAME_PROJECT} * coalesce(entries.project = :here, 0)"
    f" + {RECENT} / (1 + max(0, coalesce(julianday(:day) - julianday(entries.updated_at), 1e6)) / 365))"
)

_LINKED = " OR ".join(
    f"EXISTS (SELECT 1 FROM links WHERE links.{end} = entries.id)" for end in ("source_id", "target_id")
)
"""Whether a link begins or ends at an entry: mostly none does, and a query for them is spared."""

# bm25 of several terms is the sum of what it is for each
_WEIGHTED = (
    "SELECT f.rowid AS rowid, sum(f.rank * json_extract(term.value, '$[1]')) AS rank FROM json_each(:weights) AS term"
    " CROSS JOIN rekall_context_fts AS f WHERE f.rekall_context_fts MATCH json_extract(term.value, '$[0]')"
    " GROUP BY f.rowid ORDER BY rank LIMIT -1"
)


class Request(NamedTuple):
    """One search.

    Args:
        parsed: the query.
        plan: how its terms are looked for; None when all of them must be there.
        entry_type: only this type, exactly; an empty text is no filter. Likewise project and memory_type.
        include_obsolete: obsolete entries too.
        superseded: obsolete entries too that another one supersedes.
        limit: rows at most; a negative number is no limit.
        here: the project at hand, whose entries gain a little.
        day: ISO date, by which entries are recent.
        context_weights: by term, of bm25 in contexts, where some of the terms are enough; None: all are 1.
    """

    parsed: ParsedQuery
    plan: Plan | None
    entry_type: str | None
    project: str | None
    memory_type: str | None
    include_obsolete: bool
    superseded: bool
    limit: int
    here: str | None
    day: str
    context_weights: Mapping[str, float] | None = None

    def filters(self) -> tuple[list[str], dict[str, Value]]:
        """SQL conditions on `entries`, and their named parameters."""
        conditions, values = filter_sql(
            self.entry_type, self.project, self.memory_type, self.include_obsolete or self.superseded
        )
        if self.superseded and not self.include_obsolete:
            conditions.insert(0, "(+entries.status = 'active' OR entries.superseded_by IS NOT NULL)")
        return conditions, values


def hits_sql(
    request: Request, *, context: bool = True, fewer: int | None = None, stamped: bool = False
) -> tuple[str, dict[str, Value]]:
    """The statement and its parameters: rows of entries with what a search adds to them.

    `tier` and `rank`: see `rekall.store.search`. `waiting`: contexts wait to be indexed. `linked`: a link begins or
    ends at the entry. `size` and `frequencies`: see `rekall.store.frequencies`.

    Args:
        context: the base has its full-text table of contexts.
        fewer: rank and give nothing unless the terms have fewer rows together; not where a plan has counted them.
        stamped: with `stamp`, that of the state of the base which the hits are of; see `rekall.store.stamps`.
    """
    parsed, plan = request.parsed, request.plan
    conditions, values = request.filters()
    values |= {"exact": parsed.exact, "limit": request.limit}
    counting: int | None = None
    if plan is None or not plan.counts:
        counting, terms = counting_values(parsed.terms)
        values |= terms
    in_context = context and parsed.context is not None
    if in_context:
        values["context"] = parsed.context
        if parsed.excluded is not None:
            values["excluded"] = parsed.excluded
    expressions = plan.expressions() if plan is not None else []
    values |= {f"any{number}": expression for number, expression in enumerate(expressions)}
    if expressions:
        most = -1 if request.limit < 0 else max(request.limit, CANDIDATES)
        values |= {"candidates": most, "here": request.here, "day": request.day}
        if context and request.context_weights is not None:
            values["weights"] = json.dumps(list(request.context_weights.items()))
    if fewer is not None:
        values["fewer"] = fewer
    if stamped:
        values |= STAMPING_VALUES
    sql = _sql(
        tuple(conditions),
        context,
        in_context,
        "excluded" in values,
        len(expressions),
        parsed.is_short,
        "weights" in values,
        counting,
        fewer is not None,
        stamped,
    )
    return sql, values


def entries_sql(request: Request, ids: Sequence[str]) -> tuple[str, dict[str, Value]]:
    """The entries of some ids that a search may give."""
    conditions, params = request.filters()
    values: dict[str, Value] = {"ids": json.dumps(list(ids)), **params}
    conditions = ["entries.id IN (SELECT value FROM json_each(:ids))", *conditions]
    if request.parsed.excluded is not None:
        conditions.append(_NOT_EXCLUDED)
        values["excluded"] = request.parsed.excluded
    return f"SELECT {ENTRY_SELECT} FROM entries WHERE {' AND '.join(conditions)}", values


def fused(one: float, other: float) -> float:
    """The rank of an entry by those of its text and of its context: negative or 0, lower is better."""
    return min(one, other) + SECOND * max(one, other)


@functools.lru_cache(maxsize=64)
def _sql(
    conditions: tuple[str, ...],
    context: bool,
    in_context: bool,
    excluded: bool,
    expressions: int,
    short: bool,
    weights: bool,
    counting: int | None,
    bounded: bool,
    stamped: bool,
) -> str:
    tables = _TABLES if context else _TABLES[:1]
    if short:
        parts = _tiers(conditions, tables, in_context, excluded, expressions, weights)
        order = "hits.tier, hits.rank, hits.place, hits.id"
    else:
        parts = {"some": _some(conditions, tables, expressions, weights, by_kind=True)}
        order = "hits.rank, hits.id"
    with_sql = ", ".join(f"{name}(id, tier, rank, place) AS MATERIALIZED ({sql})" for name, sql in parts.items())
    hits = " UNION ALL ".join(f"SELECT * FROM {name}" for name in parts)
    size = f"coalesce(({SIZE_SQL}), 0)"
    if in_context:  # as frequencies: rows of both tables together
        size += " + coalesce((SELECT max(id) FROM rekall_context_fts_content), 0)"
    waiting = "EXISTS (SELECT 1 FROM rekall_context_pending)" if context else "0"
    counts = "NULL"
    if counting is not None:
        counted = counting_sql(context=in_context, apart=counting)
        counts = f"(SELECT json_group_array(n) FROM ({counted}))"
        if bounded:
            with_sql = f"{_counted(counted)}, {_PARAMETERS.sub(_unless_many, with_sql)}"
            counts = "(SELECT frequencies FROM counted)"
    stamp = SEARCH_STAMP if stamped else "NULL"
    return (
        f"WITH {with_sql} SELECT {ENTRY_SELECT}, hits.tier AS tier, hits.rank AS rank, {waiting} AS waiting,"
        f" {_LINKED} AS linked, {size} AS size, {counts} AS frequencies, {stamp} AS stamp"
        f" FROM (SELECT * FROM ({hits}) LIMIT :limit) AS hits CROSS JOIN entries ON entries.id = hits.id"
        f" ORDER BY {order}"
    )


def _counted(counting: str) -> str:
    """The table of what the terms have: whether fewer rows together than `:fewer`, and `frequencies`."""
    return (
        "counted(few, frequencies) AS MATERIALIZED (SELECT coalesce(sum(n), 0) < :fewer, json_group_array(n)"
        f" FROM ({counting}))"
    )


def _unless_many(parameter: re.Match[str]) -> str:
    """What finds nothing, at no cost, in place of a parameter when the terms have many rows."""
    nothing = "'[]'" if parameter[1] == "weights" else f"'{_NOTHING}'"
    return f"CASE WHEN (SELECT few FROM counted) THEN {parameter[0]} ELSE {nothing} END"


def _tiers(
    conditions: tuple[str, ...],
    tables: Sequence[str],
    in_context: bool,
    excluded: bool,
    expressions: int,
    weights: bool,
) -> dict[str, str]:
    """A materialized table for each kind, of which SQLite fills no more than the limit needs."""
    tiers = {"exact": _best("entries_fts", _matches("entries_fts", "exact"), str(ENTRY), conditions, "limit")}
    if in_context:
        admitted = [*conditions, "entries.id NOT IN (SELECT id FROM exact)", *([_NOT_EXCLUDED] if excluded else [])]
        tiers["context"] = _best(
            "rekall_context_fts", _matches("rekall_context_fts", "context"), str(CONTEXT), admitted, "limit"
        )
    if expressions:
        unseen = [*conditions, *(f"entries.id NOT IN (SELECT id FROM {tier})" for tier in tiers)]
        tiers["some"] = _some(unseen, tables, expressions, weights, by_kind=False)
    return tiers


def _some(conditions: Sequence[str], tables: Sequence[str], expressions: int, weights: bool, *, by_kind: bool) -> str:
    """The best entries with some of the terms, the ranks in both tables fused as `fused` does.

    Args:
        weights: each term has its weight in contexts.
        by_kind: say for each whether it satisfies the whole query.
    """
    best = []
    for table, parameter, kind in zip(tables, ("exact", "context"), (ENTRY, CONTEXT), strict=False):
        tier = str(SOME)
        if by_kind:
            whole = f"f.rowid IN (SELECT rowid FROM {table} WHERE {table} MATCH :{parameter})"
            tier = f"CASE WHEN {whole} THEN {kind} ELSE {SOME} END"
        if weights and table == "rekall_context_fts":
            matches = [_WEIGHTED]
        else:
            matches = [_matches(table, "any0", _WEIGHTS[table])]
            if expressions > 1:
                matches.append(_without_common(table))
        best += [_best(table, one, tier, conditions, "candidates", _GAIN) for one in matches]
    union = " UNION ALL ".join(f"SELECT * FROM ({one})" for one in best)
    rank = f"min(rank) + {SECOND} * (sum(rank) - min(rank))"
    return f"SELECT id, min(tier), {rank} AS rank, 0 FROM ({union}) GROUP BY id ORDER BY 3, id LIMIT :limit"


def _matches(table: str, parameter: str, weights: str = "") -> str:
    """Rows of a full-text table that match, best first.

    Args:
        weights: of the columns, for bm25.
    """
    # sorted by its own rank, FTS5 would prepare a statement for every query; the LIMIT keeps SQLite from dropping the
    # order
    rank = f"bm25({table}, {weights})" if weights else f"bm25({table})"
    return f"SELECT rowid, {rank} AS rank FROM {table} WHERE {table} MATCH :{parameter} ORDER BY 2 LIMIT -1"


def _without_common(table: str) -> str:
    """Candidates of a narrowed query that have none of its common terms, best first.

    They are ranked by the rare terms alone: bm25 would walk through all rows of the common ones to learn how many they
    are. The plus keeps SQLite from asking FTS5 for one row at a time; sorting by column ranks these rows and no others.
    """
    return (
        f"SELECT rowid, bm25({table}, {_WEIGHTS[table]}) AS rank FROM {table} WHERE {table} MATCH :any2"
        f" AND +rowid IN (SELECT rowid FROM {table} WHERE {table} MATCH :any1) ORDER BY 2 LIMIT -1"
    )


def _best(table: str, matches: str, tier: str, conditions: Sequence[str], limit: str, gain: str = "") -> str:
    """The best matches in a full-text table whose entries satisfy the conditions.

    FTS5 ranks all matches by itself; then the id of a match is read from the table's content and its entry looked up,
    best first and only until the limit is reached.

    Args:
        matches: rows as `_matches` gives them.
        gain: what a rank is multiplied by.
    """
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        f"SELECT content.c0 AS id, {tier} AS tier, f.rank{gain} AS rank, f.rowid AS place FROM ({matches}) AS f"
        f" CROSS JOIN {table}_content AS content ON content.id = f.rowid"
        f" CROSS JOIN entries ON entries.id = content.c0{where} LIMIT :{limit}"
    )
