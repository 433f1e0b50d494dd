"""An embedder whose module needs no numpy until it computes."""

from __future__ import annotations

from collections.abc import Sequence

from rekall.config import Config
from rekall.embeddings import Embedder
from rekall.models import Vector


class Numberless(Embedder):
    """One that never computes."""

    def __init__(self, settings: Config) -> None:
        self.name = settings.smart_embeddings_model
        self.dimensions = settings.smart_embeddings_dimensions

    def embed(self, texts: Sequence[str]) -> Vector:
        raise AssertionError("nobody can want a vector without numpy")


def from_config(settings: Config) -> Numberless:
    """What an entry point of a test names."""
    return Numberless(settings)
