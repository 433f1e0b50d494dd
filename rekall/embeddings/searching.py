"""Searching a base as it is configured: by meaning where that is possible, else by words, and never without a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rekall.context_extractor import extract_keywords, get_matching_keywords
from rekall.embeddings import fusion
from rekall.embeddings.embedder import in_context
from rekall.embeddings.query_vectors import query_vector
from rekall.embeddings.readiness import Readiness, readiness
from rekall.errors import EmbeddingModelUnavailableError, InvalidValueError, MissingDependencyError
from rekall.models import SearchResult
from rekall.store import OpenBase
from rekall.store.query import parse_query
from rekall.store.vectors import EntryFilter

if TYPE_CHECKING:
    import numpy as np

    from rekall.embeddings import EmbeddingService
    from rekall.store.search import Found as FoundByWords

SearchMode = Literal["fts", "hybrid", "semantic"]
_LOWEST = 0.005
"""Similarity of a hit at least: what would be shown as 0 % is like nothing."""
_NO_VECTOR = (EmbeddingModelUnavailableError, InvalidValueError, MissingDependencyError)
"""What an embedder may raise in place of a vector."""


class Found(NamedTuple):
    """What a search found.

    Args:
        hits: best first.
        mode: `fts`: by words alone; `semantic`: by meaning alone; `hybrid`: by both and by keywords of contexts.
        note: why it was not searched by meaning, or what that missed, on one line; None when nothing is to be told.
        words: what words alone found, and how; None when only meaning was searched.
    """

    hits: list[SearchResult]
    mode: SearchMode
    note: str | None = None
    words: FoundByWords | None = None


Filters = tuple[str | None, str | None, str | None]
"""Only this type, this project, this memory type, exactly; None or an empty text is no filter."""


def search(
    db: OpenBase,
    query: str,
    filters: Filters,
    limit: int,
    context: str | None = None,
    *,
    meant: str | None = None,
    here: str | None = None,
) -> Found:
    """Search the active entries by words and meaning, or by words alone where there is no search by meaning.

    Entries that hold what was asked for word by word come first (`fusion.ranked_together`); a query with a NOT finds no
    others. An access of each entry that words found is counted, once.

    Args:
        query: whatever was typed.
        filters: narrow the search.
        limit: hits at most; a negative number is no limit.
        context: what it is about, for the search by meaning.
        meant: the text whose meaning is searched for, in place of the query.
        here: the project at hand: see `Search.find`.
    """
    meant = query if meant is None else meant
    ready, vector = _vector_of(db, meant, context)
    if ready.service is None:
        words = db.store.search.find(query, *filters, limit=limit, superseded=True, here=here)
        return Found(words.hits, "fts", ready.problem, words)
    asked = _Asked(query, meant, EntryFilter(*filters), limit, here)
    hits, words = _hybrid(db, asked, ready.service, vector)
    return Found(hits, "hybrid", ready.gap, words)


def search_by_meaning(db: OpenBase, query: str, filters: Filters, limit: int, context: str | None = None) -> Found:
    """Search the active entries by meaning alone, without counting accesses.

    Raises:
        EmbeddingModelUnavailableError: it cannot be; the text says what to do.
    """
    ready, vector = _vector_of(db, query, context)
    if ready.service is None:
        raise EmbeddingModelUnavailableError(ready.problem or "")
    found: list[tuple[str, float]] = []
    if vector is not None:
        found = ready.service.nearest_ids(db, vector, EntryFilter(*filters), limit, _LOWEST)
    entries = db.store.entries.get_many([entry_id for entry_id, _ in found])
    hits = fusion.results([(one, min(similarity, 1.0)) for one, similarity in found], (), dict(found), entries)
    return Found(hits, "semantic", ready.gap)


class _Asked(NamedTuple):
    """What `search` is asked."""

    query: str
    meant: str
    where: EntryFilter
    limit: int
    here: str | None


def _hybrid(
    db: OpenBase, asked: _Asked, service: EmbeddingService, vector: np.ndarray[Any, Any] | None
) -> tuple[list[SearchResult], FoundByWords]:
    query, meant, where, limit, here = asked
    number = limit if limit <= 0 else max(2 * limit, fusion.CANDIDATES)
    words = db.store.search.find(query, *where, limit=number, superseded=True, here=here, update_access=False)
    if limit == 0 or vector is None:
        return [], words
    by_meaning = dict(service.nearest_ids(db, vector, where, number, _LOWEST))
    ranked = fusion.ranked_together(parse_query(query), words.hits, list(by_meaning))
    found_by_words = {hit.entry.id for hit in words.hits}
    if excludes(query):
        ranked = [one for one in ranked if one[0] in found_by_words]
    ranked = ranked if limit < 0 else ranked[:limit]
    entries = db.store.entries.get_many([one for one, _ in ranked if one not in found_by_words])
    hits = fusion.results(ranked, words.hits, by_meaning, entries)
    name_keywords(db, meant, hits)
    db.store.entries.count_accesses([hit.entry for hit in hits if hit.matched in ("entry", "context")])
    return hits, words


def excludes(query: str) -> bool:
    """Whether a query says what is not wanted, which a vector takes for what is: then words alone find."""
    return "NOT" in query.split() and not parse_query(query).is_plain


def name_keywords(db: OpenBase, query: str, hits: Sequence[SearchResult]) -> None:
    """Put the keywords of contexts that a query names with its hits."""
    asked = extract_keywords("", query) or query.lower().split()
    keywords = db.store.contexts.keywords_of([hit.entry.id for hit in hits])
    for hit in hits:
        hit.keywords = get_matching_keywords(asked, keywords.get(hit.entry.id, []))


def _vector_of(db: OpenBase, query: str, context: str | None) -> tuple[Readiness, np.ndarray[Any, Any] | None]:
    """Whether there is a search by meaning, and the vector of the query: None for a blank one."""
    ready = readiness(db)
    if ready.service is None or not query.strip():
        return ready, None
    try:
        return ready, query_vector(db, ready.service.embedder, in_context(query, context))
    except _NO_VECTOR as error:
        return Readiness(None, str(error)), None
