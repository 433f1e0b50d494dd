"""Searching by meaning, with the names of Rekall 0.3, over whatever embedder there is."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rekall import config
from rekall.embeddings.embedder import (
    MAX_CONTEXT_CHARS,
    Embedder,
    context_to_embed,
    embed_texts,
    embedder_for,
    in_context,
    space_of,
)
from rekall.embeddings.nearest import SUMMARY, SUMMARY_AND_CONTEXT, groups_of_similar, nearest
from rekall.embeddings.ranking import hybrid_hits
from rekall.embeddings.vectors import matryoshka
from rekall.errors import EmbeddingModelUnavailableError
from rekall.models import Entry
from rekall.store import OpenBase
from rekall.store.unembedded import summary_text
from rekall.store.vectors import EntryFilter, VectorSpace

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)


class EmbeddingService:
    """Computes vectors and searches with them.

    Only vectors of this model and length are compared. A vector that any process added, changed or removed counts at
    once. The names of 0.3 compare summaries alone, as they did.

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
        if embedder is None:
            current = config.get_config()
            embedder = embedder_for(
                replace(current, smart_embeddings_model=model_name, smart_embeddings_dimensions=dimensions)
            )
        self.embedder = embedder
        self.model_name = model_name
        self.dimensions = embedder.dimensions
        self.similarity_threshold = similarity_threshold
        self._available: bool | None = None
        self._model: Embedder | None = None
        self._model_dimensions: int | None = None

    @property
    def available(self) -> bool:
        """Whether vectors can be computed: the packages and the model are on this machine."""
        return self._check_availability() if self._available is None else self._available

    def require(self) -> Embedder:
        """The embedder, its model loaded.

        Raises:
            EmbeddingModelUnavailableError: the text says what to run.
        """
        self._load_model()
        return self.embedder

    def calculate(self, text: str) -> np.ndarray[Any, Any] | None:
        """The vector of a text, shape (dimensions,), of length 1; None for a blank text or without a model.

        Args:
            text: cut at `MAX_CONTEXT_CHARS` characters.
        """
        if not text.strip() or not self.available:
            return None
        try:
            self._load_model()
            vector: np.ndarray[Any, Any] = embed_texts(self.embedder, [self._truncate_text(text)])[0]
        except EmbeddingModelUnavailableError as error:
            logger.warning("%s", error)
            return None
        return vector

    def calculate_for_entry(self, entry: Entry, context: str | None = None) -> dict[str, np.ndarray[Any, Any] | None]:
        """The vectors of an entry: `summary`, and `context` where one is given; None where there is none."""
        return {
            "summary": self.calculate(summary_text(entry)),
            "context": self.calculate(context_to_embed(context)) if context else None,
        }

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
        query = db.store.vectors.of_entry(entry_id, self.space)
        if query is None:
            return []
        lowest = self.similarity_threshold if threshold is None else threshold
        where = EntryFilter(include_obsolete=include_obsolete)
        return self._entries(db, self._nearest(db, query, limit, lowest, where, exclude_id=entry_id))

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
        where = EntryFilter(entry_type, project, memory_type, include_obsolete)
        vector = self.calculate(in_context(query, context)) if limit else None
        return [] if vector is None else self.semantic_hits(db, vector, where, limit, threshold)

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
        where = EntryFilter(entry_type, project, memory_type, include_obsolete)
        vector = self.calculate(in_context(query, context)) if limit else None
        by_meaning = [] if vector is None else self.semantic_hits(db, vector, where, 2 * limit)
        weights = (fts_weight, semantic_weight, keyword_weight)
        hits = hybrid_hits(db, query, by_meaning, where, limit, weights=weights, update_access=update_access)
        return [(hit.entry, hit.score or 0.0, hit.similarity, hit.keywords) for hit in hits]

    def semantic_hits(
        self, db: OpenBase, vector: np.ndarray[Any, Any], where: EntryFilter, limit: int, threshold: float = 0.0
    ) -> list[tuple[Entry, float]]:
        """What `semantic_search` does, for who has the vector of the query already."""
        return self._entries(db, self._nearest(db, vector.tobytes(), limit, threshold, where))

    def nearest_ids(
        self, db: OpenBase, vector: np.ndarray[Any, Any], where: EntryFilter, limit: int, threshold: float = 0.0
    ) -> list[tuple[str, float]]:
        """Ids of the entries whose summary or context is like a vector, and how like, best first.

        The similarity of a context counts for less than that of a summary: see `nearest.SUMMARY_AND_CONTEXT`.

        Args:
            vector: shape (dimensions,).
            where: the entries looked at.
            limit: ids at most; a negative number is no limit.
            threshold: the lowest similarity.
        """
        return self._nearest(db, vector.tobytes(), limit, threshold, where, kinds=SUMMARY_AND_CONTEXT)

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
        where = EntryFilter(memory_type="episodic", include_obsolete=include_obsolete)
        ids: list[str] = []
        parts = []
        for some, vectors in db.store.vectors.pages(self.space, where=where):
            ids += some
            parts.append(vectors)
        if not parts:
            return []
        import numpy as np

        places = groups_of_similar(np.concatenate(parts), similarity_threshold)
        groups = [[ids[place] for place in group] for group in places if len(group) >= min_cluster_size]
        entries = db.store.entries.get_many([entry_id for group in groups for entry_id in group])
        found = [[entries[entry_id] for entry_id in group if entry_id in entries] for group in groups]
        return [group for group in found if len(group) >= min_cluster_size]

    def get_model_status(self) -> dict[str, Any]:
        """`available`, `model_name`, `target_dimensions`, `model_loaded`, `native_dimensions`, and when it is not
        available, `install_instructions`."""
        problem = self.embedder.problem()
        status = {
            "available": problem is None,
            "model_name": self.model_name,
            "target_dimensions": self.dimensions,
            "model_loaded": self.embedder.loaded,
            "native_dimensions": self.embedder.native_dimensions,
        }
        return status if problem is None else {**status, "install_instructions": str(problem)}

    @property
    def space(self) -> VectorSpace:
        """The vectors of a base that this service compares."""
        return space_of(self.embedder)

    def _nearest(
        self,
        db: OpenBase,
        query: bytes,
        limit: int,
        threshold: float,
        where: EntryFilter,
        exclude_id: str | None = None,
        kinds: Mapping[str, float] = SUMMARY,
    ) -> list[tuple[str, float]]:
        backend = config.get_config().perf_vector_backend
        return nearest(
            db,
            query,
            self.space,
            limit=limit,
            threshold=threshold,
            backend=backend,
            exclude_id=exclude_id,
            where=where,
            kinds=kinds,
        )

    @staticmethod
    def _entries(db: OpenBase, ranked: list[tuple[str, float]]) -> list[tuple[Entry, float]]:
        entries = db.store.entries.get_many([entry_id for entry_id, _ in ranked])
        return [(entries[entry_id], score) for entry_id, score in ranked if entry_id in entries]

    def _check_availability(self) -> bool:
        """Whether vectors can be computed; that they can is remembered, that they cannot is looked at anew."""
        if self.embedder.problem() is not None:
            return False
        self._available = True
        return True

    def _load_model(self) -> None:
        self.embedder.load()
        self._model, self._available = self.embedder, True
        self._model_dimensions = self.embedder.native_dimensions

    def _truncate_text(self, text: str, max_chars: int = MAX_CONTEXT_CHARS) -> str:
        return text[:max_chars]

    def _apply_matryoshka(self, vector: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return matryoshka(vector, self.dimensions)
