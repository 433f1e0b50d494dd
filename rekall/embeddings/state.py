"""What vectors a base holds, compared with those of the configured model."""

from __future__ import annotations

from dataclasses import dataclass

from rekall.store import OpenBase


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
        raise NotImplementedError

    @property
    def incomplete(self) -> str | None:
        """One line for a person when entries are not embedded, or not as they read now; None when all are."""
        raise NotImplementedError


def state_of(db: OpenBase, model: str, dimensions: int) -> EmbeddingState:
    """What vectors a base holds; nothing is loaded, computed or written.

    Args:
        model: the name of the model, in any spelling (`Embedder.name`).
        dimensions: the length of its vectors (`Embedder.dimensions`).
    """
    raise NotImplementedError
