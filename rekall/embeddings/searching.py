"""Searching a base as it is configured: by meaning where that is possible, else by words, and never without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rekall.embeddings.embedder import embed_texts, in_context
from rekall.embeddings.ranking import hybrid_hits
from rekall.embeddings.readiness import Readiness, readiness
from rekall.errors import EmbeddingModelUnavailableError, InvalidValueError, MissingDependencyError
from rekall.models import Entry, SearchResult
from rekall.store import OpenBase
from rekall.store.vectors import EntryFilter

if TYPE_CHECKING:
    import numpy as np

    from rekall.embeddings import EmbeddingService

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
    """

    hits: list[SearchResult]
    mode: SearchMode
    note: str | None = None


Filters = tuple[str | None, str | None, str | None]
"""Only this type, this project, this memory type, exactly; None or an empty text is no filter."""


def search(db: OpenBase, query: str, filters: Filters, limit: int, context: str | None = None) -> Found:
    """Search the active entries by words and meaning, or by words alone where there is no search by meaning.

    Args:
        query: whatever was typed.
        filters: narrow the search.
        limit: hits at most; a negative number is no limit.
        context: what it is about, for the search by meaning.
    """
    ready, vector = _vector_of(db, query, context)
    if ready.service is None:
        return Found(db.store.search.search(query, *filters, limit=limit), "fts", ready.problem)
    return Found(_hybrid(db, query, ready.service, vector, EntryFilter(*filters), limit), "hybrid", ready.gap)


def search_in_context(db: OpenBase, query: str, filters: Filters, limit: int, context: str) -> Found:
    """The same, by words and keywords of contexts where there is no search by meaning."""
    ready, vector = _vector_of(db, query, context)
    hits = _hybrid(db, query, ready.service, vector, EntryFilter(*filters), limit)
    return Found(hits, "hybrid", ready.problem or ready.gap)


def search_by_meaning(db: OpenBase, query: str, filters: Filters, limit: int, context: str | None = None) -> Found:
    """Search the active entries by meaning alone, without counting accesses.

    Raises:
        EmbeddingModelUnavailableError: it cannot be; the text says what to do.
    """
    ready, vector = _vector_of(db, query, context)
    if ready.service is None:
        raise EmbeddingModelUnavailableError(ready.problem or "")
    found = [] if vector is None else ready.service.semantic_hits(db, vector, EntryFilter(*filters), limit, _LOWEST)
    hits = [
        SearchResult(entry, 0.0, matched="meaning", score=similarity, similarity=similarity)
        for entry, similarity in found
    ]
    return Found(hits, "semantic", ready.gap)


def _hybrid(
    db: OpenBase,
    query: str,
    service: EmbeddingService | None,
    vector: np.ndarray[Any, Any] | None,
    where: EntryFilter,
    limit: int,
) -> list[SearchResult]:
    by_meaning: list[tuple[Entry, float]] = []
    if service is not None and vector is not None and limit:
        by_meaning = service.semantic_hits(db, vector, where, 2 * limit, _LOWEST)
    return hybrid_hits(db, query, by_meaning, where, limit)


def _vector_of(db: OpenBase, query: str, context: str | None) -> tuple[Readiness, np.ndarray[Any, Any] | None]:
    """Whether there is a search by meaning, and the vector of the query: None for a blank one."""
    ready = readiness(db)
    if ready.service is None or not query.strip():
        return ready, None
    try:
        return ready, embed_texts(ready.service.embedder, [in_context(query, context)])[0]
    except _NO_VECTOR as error:
        return Readiness(None, str(error)), None
