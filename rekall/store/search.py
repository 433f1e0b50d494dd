"""Finding entries: one query for the hits with their tags, one batch for the access counts.

For a short query first come the hits that Rekall 0.3 would give, in its order (bm25 over title, content and tags); then
entries whose context satisfies the query; then, for several plain words, entries where only some of the words were
found. A longer one is ranked by bm25 over all its words, in the entry and in its context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from rekall.errors import QueryError
from rekall.infra.interfaces import Row
from rekall.models import Entry, MatchKind, SearchResult
from rekall.store import scratch
from rekall.store.access import accesses
from rekall.store.frequencies import SIZES_SQL, Frequencies, sizes
from rekall.store.query import parse_query, verbatim
from rekall.store.ranking import Ranked, planned, ranked
from rekall.store.rows import entry_from_row
from rekall.store.search_sql import CANDIDATES, ENTRY, SOME, Request, entries_sql, fused, hits_sql
from rekall.store.session import Session

if TYPE_CHECKING:
    from rekall.store.kept_searches import KeptSearches

SUPERSEDED = 3
"""Obsolete entries that `Search.find` gives at most beside its hits."""
_KINDS: tuple[MatchKind, ...] = ("entry", "context", "some")
_SHARE = 1 / 3


@dataclass
class Found:
    """What a search found.

    Args:
        hits: best first, with their scores: see `Search.find`.
        terms: what was looked for, as MATCH expressions.
        narrowed: for a broad query in a large base: the rare terms, one of which each entry had to have to be ranked;
            else empty.
        superseded: obsolete entries that match as well as the hits, and that another entry supersedes.
        linked: there may be a link that begins or ends at a hit.
    """

    hits: list[SearchResult] = field(default_factory=list)
    terms: tuple[str, ...] = ()
    narrowed: tuple[str, ...] = ()
    superseded: list[Entry] = field(default_factory=list)
    linked: bool = True


class Search:
    """Searches the base."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._frequencies = Frequencies(session)

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
        """The entries that a query finds, best first: the hits of `find`."""
        found = self.find(
            query, entry_type, project, memory_type, include_obsolete, limit=limit, update_access=update_access
        )
        return found.hits

    def find(
        self,
        query: str,
        entry_type: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        include_obsolete: bool = False,
        *,
        limit: int = 20,
        exact: bool = False,
        superseded: bool = False,
        here: str | None = None,
        update_access: bool = True,
    ) -> Found:
        """The entries that a query finds, best first.

        The score of a hit is the share that its bm25 has of the most that bm25 can give for these terms. In the answer
        to a short query it lies in the upper, middle or lower third of 0 to 1: the entry satisfies the query, its
        context does, or only some of the words were found. Words with punctuation divide the upper third again: they
        stand in the entry as they were typed, or only their parts do.

        Args:
            query: whatever was typed; see `rekall.store.query` for what operators mean.
            entry_type: only this type, exactly; an empty text is no filter. Likewise project and memory_type.
            include_obsolete: obsolete entries too.
            limit: hits at most; a negative number is no limit.
            exact: only the hits of 0.3: entries whose title, content and tags satisfy the whole query.
            superseded: give obsolete entries that match too, beside the hits, when another entry supersedes them.
            here: the project at hand: its entries come a little earlier where some of the words are enough.
            update_access: count each hit as an access, but for those that have only some of the words. A base that
                cannot be written is searched without counting.

        Returns:
            Hits as they were before they were counted. A text without a single word finds nothing.
        """
        parsed = parse_query(query)
        if parsed.exact is None or limit == 0:
            return Found(terms=parsed.terms)
        if exact:
            parsed = parsed._replace(context=None, is_plain=False)
        now = datetime.now()
        more = limit if limit < 0 else max(limit + SUPERSEDED * superseded, CANDIDATES * bool(parsed.compounds))
        filters = (entry_type, project, memory_type, include_obsolete)
        request = Request(parsed, None, *filters, superseded, more, here, now.date().isoformat())
        counted = update_access and self._session.can_count()
        ranked = self._ranked(request, may_prepare=counted)
        found = _found(request, ranked, limit)
        if superseded and len(ranked.rows) == more and len(found.hits) < limit:  # obsolete ones have the places of hits
            again = self.find(query, *filters, limit=limit, exact=exact, here=here, update_access=False)
            found.hits, found.linked = again.hits, again.linked
        if counted and found.hits:
            meant = [hit.entry for hit in found.hits if hit.matched != "some"]
            if meant:
                self._session.count(accesses(meant, now))
        return found

    def _ranked(self, request: Request, *, may_prepare: bool) -> Ranked:
        """Hits by the base's own index, once nothing is missing from it: another program may have written meanwhile."""
        try:
            found = self._ask(request)
            if not found.waiting:
                return found
        except QueryError:
            if self._session.is_prepared():
                raise
        if not may_prepare:
            return self._without_preparing(request)
        self._session.prepare()
        return self._ask(request)

    def _ask(self, request: Request) -> Ranked:
        if self._session.options.keep_searches and request.limit >= 0:
            return self._kept_searches.ask(request)
        if request.parsed.has_loose_terms:
            size, contexts = sizes(self._session.fetch_one(SIZES_SQL))
            request = planned(request, self._frequencies, size, contexts)
        found = ranked(request, self._session.fetch_all(*hits_sql(request)))
        return found if found.rows else found._replace(waiting=self._session.is_waiting())

    @cached_property
    def _kept_searches(self) -> KeptSearches:
        from rekall.store.kept_searches import KeptSearches

        return KeptSearches(self._session)

    def _without_preparing(self, request: Request) -> Ranked:
        """Hits without writing: contexts that the base has not indexed yet are indexed in memory for this search."""
        state = scratch.state(self._session)
        contexts = state.waiting if state.is_indexed else scratch.all_contexts(self._session)
        request = planned(request, self._frequencies, state.size, state.contexts, indexed=state.is_indexed)
        rows = self._session.fetch_all(*hits_sql(request, context=state.is_indexed))
        found = scratch.matching(contexts, request.parsed)
        return ranked(request, self._with_contexts(request, rows, found) if found else rows)

    def _with_contexts(
        self, request: Request, rows: list[Row], found: Mapping[str, tuple[int, float, float]]
    ) -> list[Row]:
        """The hits together with contexts that were matched in memory, as one statement would have given them."""
        known = {row["id"] for row in rows}
        missing = [entry_id for entry_id in found if entry_id not in known]
        shared = ("size", "frequencies", "waiting")
        first = {name: rows[0][name] if rows else None for name in shared}
        added = [
            row | {**first, "tier": SOME + 1, "rank": 0.0}
            for row in self._session.fetch_all(*entries_sql(request, missing))
        ]
        merged = []
        for row in rows + added:
            tier, whole, some = found.get(row["id"], (SOME + 1, 0.0, 0.0))
            kind, rank = row["tier"], row["rank"]
            if not request.parsed.is_short or (kind >= SOME and tier == SOME):
                rank = fused(rank, some)
            elif tier < kind:
                rank = whole
            merged.append(row | {"tier": min(kind, tier), "rank": rank})
        if request.parsed.is_short:
            merged.sort(key=lambda row: (row["tier"], row["rank"]))
        else:
            merged.sort(key=lambda row: row["rank"])
        return merged if request.limit < 0 else merged[: request.limit]


def _found(request: Request, ranked: Ranked, limit: int) -> Found:
    parsed = request.parsed
    short = parsed.is_short
    compounds = parsed.compounds if short else []
    linked = False
    hits = []
    for row in ranked.rows:
        linked = linked or row.get("linked", True)  # not known of what the cache or a scratch table gave
        entry, tier, rank = entry_from_row(row), row["tier"], row["rank"]
        share = min(max(-rank / ranked.best, 0.0), 1.0)
        if compounds and tier == ENTRY:
            text = " ".join((entry.title, entry.content, *entry.tags))
            share = (share + all(verbatim(word, text) for word in compounds)) / 2
        score = (SOME - tier + share) * _SHARE if short else share
        hits.append(SearchResult(entry, rank, "", _KINDS[tier], score))
    if compounds:
        hits.sort(key=lambda hit: -(hit.score or 0.0))  # equal ones stay in the order of the base
    found: list[SearchResult] = []
    superseded: list[Entry] = []
    for hit in hits:
        if hit.entry.status == "active" or request.include_obsolete:
            if len(found) == limit:
                break
            found.append(hit)
        elif len(superseded) < SUPERSEDED:
            superseded.append(hit.entry)
    return Found(found, parsed.terms, ranked.narrowed, superseded, bool(linked))
