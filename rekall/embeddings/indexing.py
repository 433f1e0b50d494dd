"""Giving entries their vectors: new ones, changed ones, and all of them after a change of model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rekall.embeddings.embedder import Embedder
from rekall.models import Entry
from rekall.store import OpenBase

AT_ONCE = 32
"""Entries that are embedded and stored together."""
OnProgress = Callable[[int, int], None]
"""Told how many entries are done, and of how many."""


def count_to_embed(db: OpenBase, model: str, dimensions: int) -> int:
    """How many entries `embed_entries` would embed; nothing is loaded.

    Args:
        model: the name of the model, in any spelling (`Embedder.name`).
        dimensions: the length of its vectors (`Embedder.dimensions`).
    """
    raise NotImplementedError


def entries_to_embed(db: OpenBase, model: str, dimensions: int, limit: int = 100) -> list[Entry]:
    """Active entries that lack a current vector, in the order of their storing, without counting accesses.

    A vector is current when it is of this model and length and not older than the text it was made of. Every entry
    has one of its summary, and one of its context where it has a context.

    Args:
        model: the name of the model, in any spelling (`Embedder.name`).
        dimensions: the length of its vectors (`Embedder.dimensions`).
        limit: entries at most; a negative number is no limit.
    """
    raise NotImplementedError


def embed_entries(
    db: OpenBase, embedder: Embedder, limit: int | None = None, on_progress: OnProgress | None = None
) -> int:
    """Embed the entries that lack a current vector; what is stored when it ends half-way stays.

    Entries are embedded in batches, and each batch is stored whole or not at all. Vectors of another model or length
    are replaced.

    Args:
        limit: entries at most; None is no limit.
        on_progress: told after each batch how many entries are done, and of how many.

    Returns:
        How many entries were embedded.

    Raises:
        EmbeddingModelNotAvailable: the model cannot be used.
        InvalidValueError: the embedder gives what is no vector.
    """
    raise NotImplementedError


def embed_entry(db: OpenBase, embedder: Embedder, entry_ids: Sequence[str]) -> int:
    """Embed these entries anew, whatever vectors they have: after `add` and `edit`.

    Args:
        entry_ids: full ids; unknown ones are passed over, obsolete ones are embedded too.

    Returns:
        How many entries were embedded.

    Raises:
        EmbeddingModelNotAvailable: the model cannot be used.
        InvalidValueError: the embedder gives what is no vector.
    """
    raise NotImplementedError
