"""The vectors of entries."""

from __future__ import annotations

from rekall.models import Embedding, Entry, Vector
from rekall.store.session import Session


class Embeddings:
    """The vectors of entries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_embedding(self, embedding: Embedding) -> None:
        raise NotImplementedError

    def count_embeddings(self) -> int:
        raise NotImplementedError

    def delete_embedding(self, entry_id: str, embedding_type: str | None = None) -> int:
        raise NotImplementedError

    def get_all_embeddings(self, embedding_type: str | None = None) -> list[Embedding]:
        raise NotImplementedError

    def get_all_vectors_batch(self, embedding_type: str = "summary") -> tuple[list[str], Vector] | None:
        raise NotImplementedError

    def get_embedding(self, entry_id: str, embedding_type: str) -> Embedding | None:
        raise NotImplementedError

    def get_embeddings(self, entry_id: str) -> list[Embedding]:
        raise NotImplementedError

    def get_entries_without_embeddings(self, embedding_type: str = "summary") -> list[Entry]:
        raise NotImplementedError
