"""Giving entries their vectors: new ones, changed ones, and all of them after a change of model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rekall.embeddings.embedder import Embedder, context_to_embed, embed_texts, normal_name, space_of, spellings
from rekall.models import Embedding, EmbeddingType, Entry
from rekall.store import OpenBase
from rekall.store.unembedded import ToEmbed, summary_text, written
from rekall.store.vectors import VectorSpace

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
    return db.store.unembedded.count(VectorSpace(spellings(model), dimensions))


def entries_to_embed(db: OpenBase, model: str, dimensions: int, limit: int = 100) -> list[Entry]:
    """Active entries that lack a current vector, in the order of their storing, without counting accesses.

    A vector is current when it is of this model and length and not older than the text it was made of. Every entry
    has one of its summary, and one of its context where it has a context.

    Args:
        model: the name of the model, in any spelling (`Embedder.name`).
        dimensions: the length of its vectors (`Embedder.dimensions`).
        limit: entries at most; a negative number is no limit.
    """
    space = VectorSpace(spellings(model), dimensions)
    return [each.entry for each in db.store.unembedded.page(space, limit)]


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
        EmbeddingModelUnavailableError: the model cannot be used.
        InvalidValueError: the embedder gives what is no vector.
    """
    space = space_of(embedder)
    total = done = 0
    if on_progress is not None:
        total = db.store.unembedded.count(space)
        total = total if limit is None else min(total, limit)
    after = -1
    while limit is None or done < limit:
        read_at = datetime.now()
        page = db.store.unembedded.page(space, AT_ONCE if limit is None else min(AT_ONCE, limit - done), after)
        if not page:
            break
        _embed(db, embedder, page, read_at)
        after = page[-1].place
        done += len(page)
        if on_progress is not None:
            on_progress(done, max(total, done))
    return done


def embed_chosen(db: OpenBase, embedder: Embedder, entry_ids: Sequence[str]) -> int:
    """Embed these entries anew, whatever vectors they have: after `add` and `edit`.

    Args:
        entry_ids: full ids; unknown ones are passed over, obsolete ones are embedded too.

    Returns:
        How many entries were embedded.

    Raises:
        EmbeddingModelUnavailableError: the model cannot be used.
        InvalidValueError: the embedder gives what is no vector.
    """
    done = 0
    for start in range(0, len(entry_ids), AT_ONCE):
        read_at = datetime.now()
        chosen = db.store.unembedded.chosen(entry_ids[start : start + AT_ONCE])
        if chosen:
            _embed(db, embedder, chosen, read_at)
        done += len(chosen)
    return done


def _embed(db: OpenBase, embedder: Embedder, entries: Sequence[ToEmbed], read_at: datetime) -> None:
    """Embed the summaries and contexts of some entries at once, and store them in one batch."""
    kinds: list[tuple[Entry, EmbeddingType]] = []
    texts: list[str] = []
    for each in entries:
        if each.summary:
            kinds.append((each.entry, "summary"))
            texts.append(summary_text(each.entry))
        if each.context is not None:
            kinds.append((each.entry, "context"))
            texts.append(context_to_embed(each.context))
    name = normal_name(embedder.name)
    embeddings = []
    for (entry, kind), vector in zip(kinds, embed_texts(embedder, texts), strict=True):
        embedding = Embedding.from_numpy(entry.id, kind, vector, name)
        embedding.created_at = written(read_at, entry)
        embeddings.append(embedding)
    db.store.embeddings.add_embeddings(embeddings)
