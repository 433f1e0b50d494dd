"""An embedder without a model: the words of a text, each counted in the place that its hash names."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from rekall.config import Config
from rekall.embeddings import Embedder, register_embedder, unregister_embedder
from rekall.models import Vector

MODEL = "word-counts"


class WordCounts(Embedder):
    """Texts with the same words are alike. It keeps what it was given in `seen`.

    Args:
        name: the model that it says it is.
        dimensions: length of its vectors.
    """

    def __init__(self, name: str = MODEL, dimensions: int = 384) -> None:
        self.name = name
        self.dimensions = dimensions
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vector:
        self.seen += texts
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[zlib.crc32(word.encode()) % self.dimensions] += 1
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vector = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
        return unit


def from_config(config: Config) -> WordCounts:
    """The embedder of the configured model and length; what an entry point of a test names."""
    return WordCounts(config.smart_embeddings_model, config.smart_embeddings_dimensions)


@contextmanager
def registered(name: str = MODEL) -> Iterator[None]:
    """Inside, this process knows the embedder under a model's name."""
    register_embedder(name, from_config)
    try:
        yield
    finally:
        unregister_embedder(name)
