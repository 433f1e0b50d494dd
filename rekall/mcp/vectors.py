"""What rekall_add tells of vectors, where the user wants searches by meaning."""

from __future__ import annotations

from typing import Any, NamedTuple

from rekall import config
from rekall.capture import store_vectors
from rekall.db import Database
from rekall.mcp.text import one_line
from rekall.models import Entry


class Neighbours(NamedTuple):
    """The entries that are similar to a new one.

    Args:
        similar: each with its similarity, best first.
        note: why the new entry has no vector, None when it has one or the user wants none.
    """

    similar: list[tuple[Entry, float]]
    note: str | None

    def lines(self) -> list[str]:
        """As text for an assistant, nothing when there is nothing to tell."""
        lines = [
            "Similar entries:",
            *(f"- [{entry.id}] {one_line(entry.title)} ({score:.0%} similar)" for entry, score in self.similar),
            "Link them with rekall_link where that helps; rekall_generalize makes one entry of several.",
        ]
        return (lines if self.similar else []) + ([] if self.note is None else [f"Note: {self.note}"])

    def data(self) -> dict[str, Any]:
        """The same as data."""
        similar = [{"id": entry.id, "title": entry.title, "score": score} for entry, score in self.similar]
        return {"similar": similar, "vector_note": self.note}


def neighbours_of_new(db: Database, entry_id: str) -> Neighbours:
    """Store the vectors of a new entry, and find up to three that are similar; nothing of it where it is not wanted."""
    note = store_vectors(db, [entry_id])
    if note is not None or not config.get_config().smart_embeddings_enabled:
        return Neighbours([], note)
    from rekall.embeddings.after_writing import similar_to_stored

    return Neighbours(similar_to_stored(db, entry_id), None)
