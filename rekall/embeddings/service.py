"""Searching by meaning, with the names of Rekall 0.3, over whatever embedder there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rekall.embeddings.embedder import Embedder
from rekall.models import Entry
from rekall.store import OpenBase

if TYPE_CHECKING:
    import numpy as np


class EmbeddingService:
    """Computes vectors and searches with them.

    Only vectors of this model and length are compared. Nothing is kept between two calls: a vector that any process
    added, changed or removed counts at once.

    Args:
        model_name: in any spelling.
        dimensions: length of the vectors: 128, 384 or 768; what the embedder says stands in `dimensions` afterwards.
        similarity_threshold: the lowest similarity of `find_similar`.
        embedder: instead of the one that is known for the model.

    Raises:
        ConfigError: dimensions that the file cannot hold, or an entry point that cannot be used.
    """

    def __init__(
        self,
        model_name: str = "sentence-transformers/all-MiniLM-L6-v2",
        dimensions: int = 384,
        similarity_threshold: float = 0.75,
        *,
        embedder: Embedder | None = None,
    ) -> None:
        raise NotImplementedError

    @property
    def available(self) -> bool:
        """Whether vectors can be computed: the packages and the model are on this machine."""
        raise NotImplementedError

    def require(self) -> Embedder:
        """The embedder, its model loaded.

        Raises:
            EmbeddingModelNotAvailable: the text says what to run.
        """
        raise NotImplementedError

    def calculate(self, text: str) -> np.ndarray | None:
        """The vector of a text, shape (dimensions,), of length 1; None for a blank text or without a model.

        Args:
            text: cut at `MAX_CONTEXT_CHARS` characters.
        """
        raise NotImplementedError

    def calculate_for_entry(self, entry: Entry, context: str | None = None) -> dict[str, np.ndarray | None]:
        """The vectors of an entry: `summary`, and `context` where one is given; None where there is none."""
        raise NotImplementedError

    def find_similar(
        self,
        entry_id: str,
        db: OpenBase,
        threshold: float | None = None,
        limit: int = 10,
        *,
        include_obsolete: bool = True,
    ) -> list[tuple[Entry, float]]:
        """Entries whose summary is like that of one, best first, without counting accesses. Needs no model.

        Args:
            entry_id: a full id; without a vector it is like nothing.
            threshold: the lowest similarity; that of the service if left out.
            limit: entries at most.
            include_obsolete: obsolete entries too, as in 0.3.
        """
        raise NotImplementedError

    def semantic_search(
        self,
        query: str,
        db: OpenBase,
        context: str | None = None,
        threshold: float = 0.0,
        limit: int = 20,
        *,
        entry_type: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        include_obsolete: bool = True,
    ) -> list[tuple[Entry, float]]:
        """Entries whose summary is like a text, best first, without counting accesses; nothing without a model.

        Args:
            query: a text.
            context: what it is about, put before it.
            threshold: the lowest similarity.
            limit: entries at most.
            entry_type: only this type, exactly; an empty text is no filter. Likewise project and memory_type.
            include_obsolete: obsolete entries too, as in 0.3.
        """
        raise NotImplementedError

    def hybrid_search(
        self,
        query: str,
        db: OpenBase,
        context: str | None = None,
        limit: int = 20,
        fts_weight: float = 0.5,
        semantic_weight: float = 0.3,
        keyword_weight: float = 0.2,
        entry_type: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        *,
        include_obsolete: bool = False,
        update_access: bool = True,
    ) -> list[tuple[Entry, float, float | None, list[str]]]:
        """Active entries by words, by meaning and by the keywords of their context, best first.

        Without a model, or in a base without its vectors, by words and keywords alone.

        Args:
            query: whatever was typed.
            context: what it is about, put before the query for the search by meaning.
            limit: entries at most.
            fts_weight: of the search by words. Likewise semantic_weight and keyword_weight.
            entry_type: only this type, exactly; an empty text is no filter. Likewise project and memory_type.
            include_obsolete: obsolete entries too.
            update_access: count an access of each entry found by words, once.

        Returns:
            Entry, score (0 to 1), similarity (None when it was not found by meaning), keywords that match.
        """
        raise NotImplementedError

    def find_generalization_candidates(
        self,
        db: OpenBase,
        min_cluster_size: int = 3,
        similarity_threshold: float = 0.80,
        *,
        include_obsolete: bool = True,
    ) -> list[list[Entry]]:
        """Groups of episodic entries that are about the same thing. Needs no model.

        Each group is an entry with all those, in no group yet, that are like it.

        Args:
            min_cluster_size: entries in a group at least.
            similarity_threshold: the lowest similarity to the first of the group.
            include_obsolete: obsolete entries too, as in 0.3.
        """
        raise NotImplementedError

    def get_model_status(self) -> dict[str, Any]:
        """`available`, `model_name`, `target_dimensions`, `model_loaded`, `native_dimensions`, and when it is not
        available, `install_instructions`."""
        raise NotImplementedError
