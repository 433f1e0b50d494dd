"""Vectors of entries, and searching by meaning; the names of Rekall 0.3 are here. numpy is loaded on use."""

from __future__ import annotations

import threading

from rekall import config
from rekall.deprecation import moved_names
from rekall.embeddings.embedder import (
    MAX_CONTEXT_CHARS,
    Embedder,
    EmbedderFactory,
    embedder_for,
    normal_name,
    register_embedder,
    unregister_embedder,
)
from rekall.embeddings.indexing import count_to_embed, embed_chosen, embed_entries, entries_to_embed
from rekall.embeddings.service import EmbeddingService
from rekall.embeddings.state import EmbeddingState, VectorGroup, state_of
from rekall.embeddings.vectors import batch_cosine_similarity, cosine_similarity
from rekall.errors import ConfigError, EmbeddingModelUnavailableError
from rekall.models import VALID_EMBEDDING_DIMENSIONS

__all__ = [
    "MAX_CONTEXT_CHARS",
    "VALID_DIMENSIONS",
    "Embedder",
    "EmbedderFactory",
    "EmbeddingModelNotAvailable",
    "EmbeddingService",
    "EmbeddingState",
    "VectorGroup",
    "batch_cosine_similarity",
    "cosine_similarity",
    "count_to_embed",
    "embed_chosen",
    "embed_entries",
    "embedder_for",
    "entries_to_embed",
    "get_embedding_service",
    "normal_name",
    "register_embedder",
    "reset_embedding_service",
    "state_of",
    "unregister_embedder",
]

VALID_DIMENSIONS = VALID_EMBEDDING_DIMENSIONS
EmbeddingModelNotAvailable = EmbeddingModelUnavailableError

moved_names(__name__)

_embedding_service: EmbeddingService | None = None
_lock = threading.Lock()


def get_embedding_service(
    model_name: str | None = None, dimensions: int | None = None, similarity_threshold: float | None = None
) -> EmbeddingService:
    """The embedding service of this process: that of the configured model.

    Args:
        model_name: makes a new one, which is that of the process from then on; so do the others. What is left out, or
            empty, is as configured.
        dimensions: length of the vectors.
        similarity_threshold: the lowest similarity of `find_similar`.

    Raises:
        ConfigError: dimensions that the file cannot hold, a configured similarity that is no number, or an entry point
            that cannot be used.
    """
    global _embedding_service
    with _lock:
        if _embedding_service is None or model_name or dimensions or similarity_threshold:
            current = config.get_config()
            lowest = current.smart_embeddings_similarity_threshold
            if not isinstance(lowest, (int, float)):
                raise ConfigError(
                    f"smart_embeddings.similarity_threshold is {lowest!r}: set it to a number from 0 to 1"
                )
            _embedding_service = EmbeddingService(
                model_name or current.smart_embeddings_model,
                dimensions or current.smart_embeddings_dimensions,
                similarity_threshold or lowest,
            )
        return _embedding_service


def reset_embedding_service() -> None:
    """Forget the embedding service of this process."""
    global _embedding_service
    with _lock:
        _embedding_service = None
