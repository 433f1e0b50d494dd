"""Searching a base by words and meaning together, as the command line and assistants do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import meaning
from support.embedders import WordCounts, registered

from rekall import finding
from rekall.db import Database
from rekall.embeddings import EmbeddingService, embed_entries, get_embedding_service
from rekall.embeddings.searching import Found, search, search_by_meaning
from rekall.models import Entry, StructuredContext

ANY = (None, None, None)


@pytest.fixture(autouse=True)
def _switched_on() -> Iterator[None]:
    meaning.configure()
    with registered():
        yield


@pytest.fixture
def embedded(db: Database) -> Database:
    """The base of these tests with vectors, and an entry that has a context."""
    context = StructuredContext("the walrus was asleep", "it was woken up gently", ["walrus", "ice"])
    db.add(Entry("CONTEXT", "an animal", "bug"), context=context)
    embed_entries(db, WordCounts())
    return db


def ids(found: Found) -> list[str]:
    return [hit.entry.id for hit in found.hits]


def counts(db: Database) -> dict[str, int]:
    return {entry.id: entry.access_count for entry in db.list_all() if entry.access_count}


def test_every_hit_says_how_it_was_found(embedded: Database) -> None:
    """Its places in both searches and its score; they come in the order of the scores."""
    found = search(embedded, "a timeout of the payment service in the browser", ANY, 20)
    assert (found.mode, found.note) == ("hybrid", None)
    scores = [hit.score or 0.0 for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    for hit in found.hits:
        assert (hit.similarity is None) == (hit.vector_rank is None)
        assert (hit.rank == 0) == (hit.lexical_rank is None) == (hit.matched == "meaning")
    for places in ([hit.vector_rank for hit in found.hits], [hit.lexical_rank for hit in found.hits]):
        held = sorted(place for place in places if place is not None)
        assert held == list(range(1, len(held) + 1))


def test_what_holds_every_word_comes_first_and_is_counted(embedded: Database) -> None:
    """Of a short query; what only means it follows, and nobody asked for that."""
    embedded.add(Entry("LONG", "a proxy", "bug", content="stale " + "and many other words that say nothing of it " * 9))
    embed_entries(embedded, WordCounts())
    found = search(embedded, "stale proxy", ANY, 20)
    assert set(ids(found)[:2]) == {"CACHE", "LONG"}
    assert counts(embedded) == {"CACHE": 1, "LONG": 1}
    assert all((hit.score or 0) > 0.5 for hit in found.hits[:2])
    assert all((hit.score or 0) < 0.5 for hit in found.hits[2:])


def test_the_vector_of_a_context_is_searched_too(embedded: Database) -> None:
    """By the searches of the command line; the names of 0.3 compare summaries."""
    query = "asleep, and was it woken up"
    assert ids(search_by_meaning(embedded, query, ANY, 1)) == ["CONTEXT"]
    assert ids(search(embedded, query, ANY, 1)) == ["CONTEXT"]
    service = EmbeddingService(embedder=WordCounts())
    assert "CONTEXT" not in [entry.id for entry, _ in service.semantic_search(query, embedded, threshold=0.005)]
    assert "CONTEXT" not in [entry.id for entry, _ in service.find_similar("CORS", embedded, threshold=0.005)]


def test_keywords_of_a_context_are_named(embedded: Database) -> None:
    """Those that the query holds; when a context was given, without a search by meaning as well."""
    for configured in (384, 128):
        meaning.configure(dimensions=configured)
        found = finding.find(embedded, finding.Question("walrus", context="an animal"))
        hit = next(hit for hit in found.hits if hit.entry.id == "CONTEXT")
        assert (hit.matched, hit.keywords) == ("context", ["walrus"])
        assert found.mode == ("hybrid" if configured == 384 else "fts")
        assert (found.problem is None) == (hit.similarity is not None) == (configured == 384)


def test_what_a_query_excludes_is_no_hit(embedded: Database) -> None:
    """However near it is in meaning: a vector knows no NOT; the hits still say how near they are."""
    embedded.add(Entry("STALE", "stale proxy cache", "bug"))
    embedded.add(Entry("OTHER", "stale proxy", "bug"))
    embed_entries(embedded, WordCounts())
    found = search(embedded, "proxy NOT cache", ANY, 20)
    assert (found.mode, ids(found)) == ("hybrid", ["OTHER"])
    assert found.hits[0].similarity
    assert ids(search(embedded, "stale NOT proxy NOT cache", ANY, 20)) == []
    assert {"STALE", "OTHER"} <= set(ids(search(embedded, "proxy OR cash", ANY, 20)))


@pytest.mark.parametrize("limit", [0, 1, 3, -1])
def test_the_limit(limit: int, embedded: Database) -> None:
    """Hits at most; a negative number is no limit."""
    for find in (search, search_by_meaning):
        found = find(embedded, "a timeout of the payment service in the browser", ANY, limit)
        assert len(found.hits) == limit if limit >= 0 else len(found.hits) > 3


@pytest.mark.parametrize("query", ["", " ", "!!!", '"', "NEAR(", "retry AND", "title:", "\ud800", "\0"])
def test_any_text_can_be_searched(query: str, embedded: Database) -> None:
    """Never an error; a text without a word finds nothing by words."""
    for find in (search, search_by_meaning):
        assert find(embedded, query, ANY, 20).mode in ("hybrid", "semantic")


def test_a_search_by_meaning_counts_nothing(embedded: Database) -> None:
    """Its hits have a place by meaning and none by words."""
    found = search_by_meaning(embedded, "retry with jitter", ANY, 2)
    assert ids(found)[0] == "RETRY2"
    assert [(hit.vector_rank, hit.lexical_rank, hit.score) for hit in found.hits] == [
        (1, None, found.hits[0].similarity),
        (2, None, found.hits[1].similarity),
    ]
    assert counts(embedded) == {}
    assert get_embedding_service().embedder.name == "word-counts"
