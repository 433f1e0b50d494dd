"""Searches of a program that runs for long: the results of expensive ones are kept in the cache back end.

What takes long is ranking the rows of common words. A query whose terms have few rows together is one statement, which
takes no longer than asking a cache: it is never asked. Of others the ids, tiers and ranks are kept, with what their
scores are made of; entries are always read from the base. A result is a function of its key: of the state of the base
by its stamp, of the query and its filters, and of the day. It is read in one statement with the stamp, so that it is of
the state in which its entries are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from rekall import __version__
from rekall.infra.interfaces import Row, Value
from rekall.store.frequencies import SIZES_SQL, UNCOUNTED, Frequencies, counting_sql, sizes
from rekall.store.kept import digest
from rekall.store.query import MAX_TERMS
from rekall.store.ranking import Ranked, planned, ranked
from rekall.store.rows import ENTRY_SELECT
from rekall.store.search_sql import Request, hits_sql
from rekall.store.session import Session
from rekall.store.stamps import SEARCH_STAMP, STAMPING_VALUES

EXPENSIVE = 500
"""Rows that the terms of a query have together from which on its result is kept.

Ranking so many takes 0.6 ms, a result out of the cache 0.2 ms, and 0.07 ms more where the cache is another process.
"""
MOST = 1_000
"""Hits of a result that is kept."""
_REMEMBERED = 1_000
"""Queries of which this process remembers whether they are expensive."""
_INSTEAD = "searches read the base"

_WAITING = "EXISTS (SELECT 1 FROM rekall_context_pending)"
_ROWS = (
    f"SELECT {ENTRY_SELECT} FROM json_each(:ids) AS kept CROSS JOIN entries ON entries.id = kept.value"
    f" WHERE {SEARCH_STAMP} = :stamp AND NOT {_WAITING} ORDER BY kept.key"
)
"""The entries of a result in its order, as long as the base is in the state that it is of."""


def _state_sql(*, context: bool) -> str:
    return (
        f"SELECT *, CASE WHEN :stamped THEN {SEARCH_STAMP} END AS stamp, {_WAITING} AS waiting,"
        " CASE WHEN :terms IS NOT NULL AND (:number > :most OR :number * size > :uncounted)"
        f" THEN (SELECT json_group_array(n) FROM ({counting_sql(context=context)})) END AS counts FROM ({SIZES_SQL})"
    )


_STATE = {context: _state_sql(context=context) for context in (False, True)}


class _State(NamedTuple):
    """A base as one statement sees it.

    Args:
        stamp: of all that a search looks at; None where nothing keeps it, and when it was not asked for.
        waiting: contexts wait to be indexed.
        size: rows of the full-text table of entries, or more.
        contexts: rows of that of contexts.
        counts: rows of each term, if they were counted.
    """

    stamp: str | None
    waiting: bool
    size: int
    contexts: int
    counts: Mapping[str, int] | None

    @property
    def matching(self) -> int:
        """Rows that the terms have together, as far as they were counted."""
        return sum((self.counts or {}).values())


class _Kept(NamedTuple):
    """A result as the cache has it: of each hit its entry, its tier and its rank; the rest as in `Ranked`."""

    ids: list[str]
    tiers: list[int]
    ranks: list[float]
    best: float
    narrowed: list[str]


class KeptSearches:
    """Answers requests with a limit, by the base's own index."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # a result must not depend on what this process has counted before
        self._frequencies = Frequencies(session, remembers=False)
        self._expensive: dict[tuple[str, ...], bool] = {}

    def ask(self, request: Request) -> Ranked:
        """The hits of a request.

        Raises:
            QueryError: derived objects are missing or of an older Rekall.
            CacheError: the cache fails, and the configuration says that this is to be told.
        """
        terms = request.parsed.terms
        known = self._expensive.get(terms)
        if known:
            return self._by_cache(request, self._look(request, counting=None))
        fewer = EXPENSIVE if known is None else None
        if request.parsed.has_loose_terms:
            state = self._look(request, counting=UNCOUNTED, stamped=known is None)
            if state.matching >= EXPENSIVE:
                return self._by_cache(request, state)
            if state.counts is not None or len(terms) * (state.size + state.contexts) < EXPENSIVE:
                fewer = None
            request = self._planned(request, state)
        found = ranked(request, self._session.fetch_all(*hits_sql(request, fewer=fewer)))
        if found.rows:
            self._remember(terms, found.matching)
            return found
        # nothing, or many rows: which of both this tells, and whether contexts wait
        state = self._look(request, counting=None if fewer is None else 0)
        if state.matching >= EXPENSIVE:
            return self._by_cache(request._replace(plan=None, context_weights=None), state)
        return found._replace(waiting=state.waiting)

    def _by_cache(self, request: Request, state: _State) -> Ranked:
        self._remember(request.parsed.terms, EXPENSIVE)
        found = self._kept(request, state)
        if found is not None:
            return found
        if state.counts is None and request.parsed.has_loose_terms:
            state = self._look(request, counting=UNCOUNTED)
        full = self._planned(request, state)
        rows = self._session.fetch_all(*hits_sql(full, stamped=True))
        found = ranked(full, rows)
        if rows:
            stamp = rows[0]["stamp"]
        else:
            after = self._look(request, counting=None)
            stamp, found = after.stamp, found._replace(waiting=after.waiting)
        # of one state: that in which the terms were counted, and that in which they were ranked
        if stamp is not None and stamp == state.stamp and not found.waiting and len(rows) <= MOST:
            self._session.kept.put(_key(request, stamp), _value(found), what="results of searches")
        return found

    def _kept(self, request: Request, state: _State) -> Ranked | None:
        if state.stamp is None or state.waiting:
            return None
        kept = _read(self._session.kept.get(_key(request, state.stamp), instead=_INSTEAD))
        if kept is None:
            return None
        if not kept.ids:
            return Ranked([], narrowed=tuple(kept.narrowed), waiting=False)  # as it was a moment ago, in this search
        values = {"ids": json.dumps(kept.ids), "stamp": state.stamp, **STAMPING_VALUES}
        rows = self._session.fetch_all(_ROWS, values)
        if len(rows) != len(kept.ids):
            return None  # written meanwhile
        hits = [
            row | {"tier": tier, "rank": rank} for row, tier, rank in zip(rows, kept.tiers, kept.ranks, strict=True)
        ]
        return Ranked(hits, kept.best, tuple(kept.narrowed), False)

    def _planned(self, request: Request, state: _State) -> Request:
        return planned(request, self._frequencies, state.size, state.contexts, counts=state.counts)

    def _look(self, request: Request, *, counting: int | None, stamped: bool = True) -> _State:
        """The state of the base, with the rows of the terms.

        Args:
            stamped: with the stamp.
            counting: they are counted where all together may have more rows than this, and when they are many; None:
                they are not.
        """
        terms = request.parsed.terms
        values: dict[str, Value] = {
            "terms": None if counting is None else json.dumps(terms),
            "number": len(terms),
            "most": MAX_TERMS,
            "uncounted": counting,
            "stamped": stamped,
        }
        row = self._session.fetch_one(_STATE[request.parsed.context is not None], {**values, **STAMPING_VALUES})
        return _state(row or {}, terms)

    def _remember(self, terms: tuple[str, ...], matching: int) -> None:
        if len(self._expensive) >= _REMEMBERED:
            self._expensive.clear()
        self._expensive[terms] = matching >= EXPENSIVE


def _state(row: Row, terms: tuple[str, ...]) -> _State:
    counts = row.get("counts")
    counted = None if counts is None else dict(zip(terms, json.loads(counts), strict=True))
    return _State(row.get("stamp"), bool(row.get("waiting")), *sizes(row), counted)


def _key(request: Request, stamp: str) -> str:
    """Of the state of the base and all that is asked; the version: another one may rank in another way."""
    filters = (request.entry_type or None, request.project or None, request.memory_type or None)
    gains = (request.here, request.day) if request.parsed.has_loose_terms else ()
    rest = (request.include_obsolete, request.superseded, request.limit)
    return f"search:{stamp}:{digest(__version__, request.parsed, filters, gains, rest)}"


def _value(found: Ranked) -> dict[str, Any]:
    ids, tiers, ranks = ([row[name] for row in found.rows] for name in ("id", "tier", "rank"))
    return _Kept(ids, tiers, ranks, found.best, list(found.narrowed))._asdict()


def _read(value: object) -> _Kept | None:
    if not isinstance(value, dict) or set(value) != set(_Kept._fields):
        return None
    kept = _Kept(**value)
    lists = (kept.ids, kept.tiers, kept.ranks, kept.narrowed)
    if not all(isinstance(one, list) for one in lists) or not isinstance(kept.best, (int, float)):
        return None
    return kept if len(kept.ids) == len(kept.tiers) == len(kept.ranks) else None
