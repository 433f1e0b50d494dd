"""One list out of three searches: by words, by meaning, and by the keywords of contexts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rekall.context_extractor import calculate_keyword_score, extract_keywords, get_matching_keywords
from rekall.models import Entry, MatchKind, SearchResult
from rekall.records import relevance
from rekall.store import OpenBase
from rekall.store.vectors import EntryFilter

WEIGHTS = (0.5, 0.3, 0.2)
"""Of words, meaning and keywords."""
_TO_WORDS = 0.6
"""Share of the weight of meaning that goes to words where there is no similarity; the rest goes to keywords."""


@dataclass
class _Place:
    """What the searches say of one entry: scores from 0 to 1, the similarity None when it is not known.

    Args:
        hit: what the search by words found, None when it did not find the entry.
        matched: the keywords that match.
    """

    entry: Entry
    hit: SearchResult | None = None
    words: float = 0.0
    meaning: float | None = None
    keywords: float = 0.0
    matched: list[str] = field(default_factory=list)

    def score(self, of_words: float, of_meaning: float, of_keywords: float) -> float:
        if self.meaning is not None:
            return of_words * self.words + of_meaning * self.meaning + of_keywords * self.keywords
        words = of_words + of_meaning * _TO_WORDS
        return words * self.words + (of_keywords + of_meaning * (1 - _TO_WORDS)) * self.keywords

    def result(self, score: float) -> SearchResult:
        kind: MatchKind = "context" if self.matched else "meaning"
        rank, kind = (0.0, kind) if self.hit is None else (self.hit.rank, self.hit.matched)
        return SearchResult(self.entry, rank, matched=kind, score=score, similarity=self.meaning, keywords=self.matched)


def hybrid_hits(
    db: OpenBase,
    query: str,
    by_meaning: Sequence[tuple[Entry, float]],
    where: EntryFilter,
    limit: int,
    *,
    weights: tuple[float, float, float] = WEIGHTS,
    update_access: bool = True,
) -> list[SearchResult]:
    """Search by words and keywords, and rank the hits together with those by meaning, best first.

    Args:
        query: whatever was typed.
        by_meaning: what a search by meaning found, each with its similarity; twice as many as wanted are enough.
        where: the entries looked at.
        limit: hits at most; a negative number is no limit.
        weights: of words, meaning and keywords.
        update_access: count an access of each entry found by words, once.
    """
    hits = db.store.search.search(query, *where, limit=2 * limit, update_access=False)
    places: dict[str, _Place] = {}

    def at(entry: Entry) -> _Place:
        return places.setdefault(entry.id, _Place(entry))

    for hit in hits:
        place = at(hit.entry)
        place.hit, place.words = hit, relevance(hit)
    for entry, similarity in by_meaning:
        at(entry).meaning = similarity
    asked = extract_keywords("", query) or query.lower().split()
    for entry, keywords in db.store.contexts.with_keywords_like(asked, *where):
        place = at(entry)
        place.keywords = calculate_keyword_score(asked, keywords)
        place.matched = get_matching_keywords(asked, keywords)
    # equal scores keep the order in which they were found
    ranked = sorted(((place.score(*weights), place) for place in places.values()), key=lambda one: -one[0])
    best = [place.result(score) for score, place in (ranked if limit < 0 else ranked[:limit])]
    if update_access:
        meant = {hit.entry.id for hit in hits if hit.matched != "some"}
        db.store.entries.count_accesses([hit.entry for hit in best if hit.entry.id in meant])
    return best
