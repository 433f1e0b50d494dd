"""The ranked hits of a search, as a statement or the cache gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rekall.infra.interfaces import Row
from rekall.store.frequencies import Frequencies, most
from rekall.store.search_sql import Request


class Ranked(NamedTuple):
    """Hits, best first.

    Args:
        rows: entries with `tier` and `rank`.
        best: bm25 of these terms at most, above 0.
        narrowed: see `rekall.store.search.Found`.
        waiting: whether contexts wait to be indexed; None when that is not known.
        matching: rows that the terms have together; 0 when they were not counted.
    """

    rows: Sequence[Row]
    best: float = 1.0
    narrowed: tuple[str, ...] = ()
    waiting: bool | None = None
    matching: int = 0


def planned(
    request: Request,
    frequencies: Frequencies,
    size: int,
    contexts: int,
    *,
    indexed: bool = True,
    counts: Mapping[str, int] | None = None,
) -> Request:
    """The request with the plan for its terms, where some of them are enough.

    Args:
        frequencies: counts the terms.
        size: entries that are searched, at most.
        contexts: rows of the full-text table of contexts.
        indexed: the base has its full-text table of contexts.
        counts: rows of each term, where they are known already.
    """
    if not request.parsed.has_loose_terms:
        return request
    narrow = request.limit >= 0  # whoever wants all hits gets them, however long it takes
    plan = frequencies.plan(request.parsed.terms, size, contexts, context=indexed, narrow=narrow, counts=counts)
    terms = [*plan.ranked, *plan.common]
    weights = frequencies.context_weights(terms, size, contexts) if indexed else None
    return request._replace(plan=plan, context_weights=weights)


def ranked(request: Request, rows: Sequence[Row]) -> Ranked:
    """The hits of a request that was planned.

    Args:
        rows: as `hits_sql` gives them, or those merged with contexts that were matched in memory.
    """
    plan = request.plan
    narrowed = plan.ranked if plan is not None and plan.common else ()
    if not rows:
        return Ranked(rows, narrowed=narrowed)
    first = rows[0]
    counts = plan.counts if plan is not None and plan.counts else None
    if counts is None:  # the statement counted them along the way
        counts = dict(zip(request.parsed.terms, json.loads(first["frequencies"] or "[]"), strict=False))
    best = most(counts, first["size"] or 0)
    return Ranked(rows, best, narrowed, bool(first["waiting"]), sum(counts.values()))
