"""What vectors a base holds, compared with those of the configured model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rekall.embeddings.embedder import normal_name
from rekall.store import OpenBase
from rekall.store.unembedded import StoredVectors

_NAME = "vectors:held"
_INSTEAD = "vectors are read from the base"


@dataclass(frozen=True)
class VectorGroup:
    """The summary vectors of one model and length, and how many active entries have one."""

    model: str
    dimensions: int
    entries: int


@dataclass(frozen=True)
class EmbeddingState:
    """The summary vectors of a base's active entries, seen from one model.

    Args:
        model: its name, in the normal form.
        dimensions: the length of its vectors.
        entries: active entries.
        embedded: entries that have a vector of this model and length.
        outdated: of these, entries whose text changed since.
        others: vectors of other models or lengths, most first.
    """

    model: str
    dimensions: int
    entries: int
    embedded: int
    outdated: int
    others: tuple[VectorGroup, ...]

    @property
    def of_other_models(self) -> int:
        """Entries that have a vector of another model or length instead."""
        return sum(group.entries for group in self.others)

    @property
    def missing(self) -> int:
        """Entries without any vector that can be read."""
        return self.entries - self.embedded - self.of_other_models

    @property
    def mismatch(self) -> str | None:
        """One line for a person when the base holds vectors of another model or length; None when it does not."""
        if not self.others:
            return None
        held = ", ".join(f"{group.model} ({group.dimensions} numbers)" for group in self.others)
        return (
            f"{self.of_other_models} of {self.entries} entries have vectors of {held} instead of {self.model}"
            f" ({self.dimensions} numbers) and cannot be found by meaning: run 'rekall embeddings --migrate'"
        )

    @property
    def incomplete(self) -> str | None:
        """One line for a person when entries have no vector, or one of an older text; None when all are embedded."""
        parts = [f"{self.missing} of {self.entries} entries have no vector"] if self.missing else []
        parts += [f"{self.outdated} changed since they were embedded"] if self.outdated else []
        return f"{', '.join(parts)}: run 'rekall embeddings --migrate'" if parts else None


def state_of(db: OpenBase, model: str, dimensions: int) -> EmbeddingState:
    """What vectors a base holds; nothing is loaded, computed or written.

    Args:
        model: the name of the model, in any spelling (`Embedder.name`).
        dimensions: the length of its vectors (`Embedder.dimensions`).
    """
    name = normal_name(model)
    groups: Counter[tuple[str, int]] = Counter()
    entries = outdated = 0
    for stored in _summaries(db):
        entries += stored.entries
        if stored.model_name is not None:
            group = (normal_name(stored.model_name), stored.dimensions)
            groups[group] += stored.entries
            outdated += stored.outdated if group == (name, dimensions) else 0
    embedded = groups.pop((name, dimensions), 0)
    others = tuple(VectorGroup(*group, count) for group, count in groups.most_common())
    return EmbeddingState(name, dimensions, entries, embedded, outdated, others)


def _summaries(db: OpenBase) -> list[StoredVectors]:
    """`Unembedded.summaries`, which looks at every entry: asked once for each state of the base."""
    stamps = db.store.vectors.stamps()
    if stamps is None:
        return db.store.unembedded.summaries()
    key, state = f"{_NAME}:{stamps.base}", [stamps.vectors, stamps.entries]
    found = db.store.kept.get(key, instead=_INSTEAD)
    if isinstance(found, dict) and found.get("stamps") == state:
        return [StoredVectors(*row) for row in found["rows"]]
    rows = db.store.unembedded.summaries()
    if stamps == db.store.vectors.stamps():
        db.store.kept.put(key, {"stamps": state, "rows": [list(row) for row in rows]}, what="vectors")
    return rows
