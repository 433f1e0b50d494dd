"""Entries that were just stored get their vectors at once, as far as that is possible: the entry is safe already."""

from __future__ import annotations

from collections.abc import Sequence

from rekall.embeddings.indexing import embed_chosen
from rekall.embeddings.readiness import readiness, usable_service
from rekall.errors import RekallError
from rekall.models import Entry
from rekall.store import OpenBase

SHOWN = 3
"""Similar entries that are told of."""


def embed_stored(db: OpenBase, entry_ids: Sequence[str]) -> str | None:
    """Store the vectors of entries, in a batch of their own.

    Args:
        entry_ids: full ids; unknown ones are passed over.

    Returns:
        Why there are none, on one line that says what to do; None when all is well.
    """
    service, problem = usable_service()
    if service is not None:
        try:
            embed_chosen(db, service.embedder, entry_ids)
        except RekallError as error:
            problem = str(error)
    return None if problem is None else f"it is stored, but cannot be found by meaning: {problem}"


def similar_to_stored(db: OpenBase, entry_id: str) -> list[tuple[Entry, float]]:
    """The active entries most similar to one that has just got its vector, each with its similarity."""
    service = readiness(db).service
    return [] if service is None else service.find_similar(entry_id, db, limit=SHOWN, include_obsolete=False)
