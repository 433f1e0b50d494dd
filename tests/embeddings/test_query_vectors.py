"""The vectors of queries: computed once for a model, a length and a text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.embedders import MODEL, WordCounts, registered

from rekall import config
from rekall.config import Config
from rekall.db import Database
from rekall.embeddings import EmbeddingService, get_embedding_service, searching
from rekall.embeddings.embedder import MAX_CONTEXT_CHARS
from rekall.embeddings.indexing import embed_chosen
from rekall.embeddings.query_vectors import query_vector
from rekall.errors import CacheUnavailableError
from rekall.infra import CacheBackend, ServiceContainer
from rekall.infra.defaults import DefaultCacheBackend
from rekall.models import Entry


class Recording(DefaultCacheBackend):
    """The cache of this process, which keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, Any] = {}

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self.stored[key] = value
        super().set(key, value, ttl)


class Broken(DefaultCacheBackend):
    """A cache whose service is gone."""

    def get(self, key: str, default: Any = None) -> Any:
        raise CacheUnavailableError("no cache at port 1: start it")


@contextmanager
def opened(path: Path, cache: CacheBackend) -> Iterator[Database]:
    container = ServiceContainer()
    container.register("cache", cache)
    with Database(path, container=container) as db:
        yield db


def test_it_is_computed_once(tmp_path: Path) -> None:
    """By all programs that share the cache; what is kept is the vector, bit for bit, and nothing of the text."""
    cache, embedder = Recording(), WordCounts()
    with opened(tmp_path / "k.db", cache) as db, opened(tmp_path / "other.db", cache) as other:
        first = query_vector(db, embedder, "a secret query")
        for base in (db, other):
            again = query_vector(base, WordCounts(), "a secret query")
            assert again.tobytes() == first.tobytes()
    assert embedder.seen == ["a secret query"]
    ((key, value),) = cache.stored.items()
    assert key.startswith("query:")
    assert "secret" not in key
    assert value == first.tobytes()


def test_models_lengths_and_texts_are_apart(tmp_path: Path) -> None:
    """A spelling of the same model is the same; a text counts as far as it is embedded."""
    cache = Recording()
    with opened(tmp_path / "k.db", cache) as db:
        for embedder in (WordCounts("m"), WordCounts("another"), WordCounts("m", 128)):
            for text in ("one", "one two", "x" * MAX_CONTEXT_CHARS):
                assert query_vector(db, embedder, text).shape == (embedder.dimensions,)
        assert len(cache.stored) == 9
        query_vector(db, WordCounts("sentence-transformers/m"), "one")
        query_vector(db, WordCounts("m"), "x" * MAX_CONTEXT_CHARS + "y")
        assert len(cache.stored) == 9


@pytest.mark.parametrize("value", [b"", b"short", "text", 7, [1.0], np.full(384, np.nan, dtype="<f4").tobytes()])
def test_what_is_no_vector_is_passed_over(value: Any, tmp_path: Path) -> None:
    """A cache may be shared with anybody."""
    cache = Recording()
    with opened(tmp_path / "k.db", cache) as db:
        first = query_vector(db, WordCounts(), "one")
        (key,) = cache.stored
        cache.set(key, value)
        embedder = WordCounts()
        assert query_vector(db, embedder, "one").tobytes() == first.tobytes()
        assert embedder.seen == ["one"]


def test_a_cache_that_fails(tmp_path: Path) -> None:
    """The vector is computed, or where that is wanted the error is told."""
    with opened(tmp_path / "k.db", Broken()) as db:
        assert query_vector(db, WordCounts(), "one").any()
        config.set_config(Config(cache_on_error="raise"))
        with pytest.raises(CacheUnavailableError):
            query_vector(db, WordCounts(), "one")


def test_a_search_by_meaning_computes_no_query_twice(tmp_path: Path) -> None:
    """With and without the words, and with what it is about."""
    config.set_config(Config(smart_embeddings_enabled=True, smart_embeddings_model=MODEL))
    with registered(), opened(tmp_path / "k.db", Recording()) as db:
        db.add(Entry("A", "cors in safari", "bug"))
        embed_chosen(db, get_embedding_service().embedder, ["A"])
        service: EmbeddingService = get_embedding_service()
        seen = service.embedder.seen  # type: ignore[attr-defined]  # of the embedder of this test
        seen.clear()
        for _ in range(3):
            hits = searching.search(db, "cors", (None, None, None), 5).hits
            assert [hit.entry.id for hit in hits] == ["A"]
            assert [hit.entry.id for hit in searching.search_by_meaning(db, "cors", (None, None, None), 5).hits] == [
                "A"
            ]
            searching.search(db, "cors", (None, None, None), 5, "about browsers")
        assert seen == ["cors", "about browsers\n\ncors"]
