"""The vectors of queries, kept in the cache back end: computing one takes longer than all else that a search does."""

from __future__ import annotations

from rekall.embeddings.embedder import MAX_CONTEXT_CHARS, Embedder, embed_texts, normal_name
from rekall.models import Vector
from rekall.store import OpenBase
from rekall.store.kept import digest
from rekall.store.vectors import FLOAT


def query_vector(db: OpenBase, embedder: Embedder, text: str) -> Vector:
    """The vector of a query, shape (dimensions,): what the cache has of this model, length and text, or computed.

    Args:
        text: cut at `MAX_CONTEXT_CHARS` characters. The key has a digest of it.

    Raises:
        EmbeddingModelUnavailableError, MissingDependencyError, InvalidValueError: as in `embed_texts`.
    """
    text = text[:MAX_CONTEXT_CHARS]
    key = f"query:{digest(normal_name(embedder.name), embedder.dimensions, text)}"
    kept = _read(db.store.kept.get(key, instead="vectors of queries are computed"), embedder.dimensions)
    if kept is not None:
        return kept
    vector: Vector = embed_texts(embedder, [text])[0]
    db.store.kept.put(key, vector.astype("<f4").tobytes(), what="vectors of queries")
    return vector


def _read(value: object, dimensions: int) -> Vector | None:
    if not isinstance(value, bytes) or len(value) != dimensions * FLOAT:
        return None
    import numpy as np

    vector = np.frombuffer(value, "<f4")
    return vector if np.isfinite(vector).all() else None
