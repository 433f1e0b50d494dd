"""What computes vectors: one small interface, the embedders that are known, and the one for a configuration.

A team brings its own embedder with `register_embedder`, or with an entry point in the group `rekall.embedders` whose
name is the model's. Whatever is not known otherwise is a model of sentence-transformers.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

from rekall.config import Config
from rekall.errors import ConfigError, EmbeddingModelNotAvailable
from rekall.models import VALID_EMBEDDING_DIMENSIONS, Vector

ENTRY_POINTS = "rekall.embedders"
"""The group of entry points that bring embedders."""
MAX_CONTEXT_CHARS = 8000
"""Characters of a text that are embedded."""
_PUBLISHER = "sentence-transformers/"


class Embedder(ABC):
    """Computes vectors. Making one is cheap: the model is loaded by the first `embed`.

    Attributes:
        name: the model, as `normal_name` spells it. Vectors are stored under it, and compared within it.
        dimensions: length of the vectors: 128, 384 or 768.
        native_dimensions: length of the model's own vectors, None when it is not known.
        loaded: whether the model is in memory.
    """

    name: str
    dimensions: int
    native_dimensions: int | None = None
    loaded: bool = True

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Vector:
        """The vectors of some texts.

        Args:
            texts: one or more.

        Returns:
            An array of shape (len(texts), dimensions) of 32-bit floats; each row has the length 1.

        Raises:
            EmbeddingModelNotAvailable: the model cannot be used.
        """

    def problem(self) -> EmbeddingModelNotAvailable | None:
        """Why the model cannot be used, as far as that shows without loading it; None when nothing stands in the way.

        The text of the error says what to run.
        """
        return None

    def load(self) -> None:
        """Load the model, from this machine alone.

        Raises:
            EmbeddingModelNotAvailable: the text says what to run.
        """
        problem = self.problem()
        if problem is not None:
            raise problem

    def download(self) -> None:
        """Fetch the model over the network, which nothing else does; called when a person asked for it.

        Raises:
            EmbeddingModelNotAvailable: it cannot be fetched, or this embedder has nothing to fetch.
        """
        raise EmbeddingModelNotAvailable(f"the model {self.name} is not one that is downloaded")


EmbedderFactory: TypeAlias = Callable[[Config], Embedder]
"""Makes an embedder of a configuration, of which it reads the `smart_embeddings_...` settings."""

_factories: dict[str, EmbedderFactory] = {}
_lock = threading.Lock()


def normal_name(model: str) -> str:
    """The one spelling of a model's name: `sentence-transformers/all-MiniLM-L6-v2` is `all-MiniLM-L6-v2`.

    Rekall 0.3 stored the former where its configuration says the latter.
    """
    return model.strip().removeprefix(_PUBLISHER)


def spellings(model: str) -> tuple[str, ...]:
    """Every spelling under which vectors of a model may be stored; the first is the normal one."""
    name = normal_name(model)
    return (name, _PUBLISHER + name)


def register_embedder(name: str, factory: EmbedderFactory) -> None:
    """Make an embedder known in this process.

    Args:
        name: the model that it answers for, as config.toml names it; any spelling. What was known under it is replaced.
        factory: called with the configuration; an embedder class whose `__init__` takes one will do.
    """
    with _lock:
        _factories[normal_name(name)] = factory


def unregister_embedder(name: str) -> None:
    """Forget what `register_embedder` made known; an unknown name is nothing to forget."""
    with _lock:
        _factories.pop(normal_name(name), None)


def embedder_for(config: Config) -> Embedder:
    """The embedder of the configured model; its model is not loaded yet.

    Args:
        config: `smart_embeddings_model` and `smart_embeddings_dimensions` say which.

    Raises:
        ConfigError: dimensions that the file cannot hold, or an entry point that cannot be used.
    """
    if config.smart_embeddings_dimensions not in VALID_EMBEDDING_DIMENSIONS:
        raise ConfigError(
            f"smart_embeddings.dimensions is {config.smart_embeddings_dimensions!r}: set it to one of {_LENGTHS}"
        )
    raise NotImplementedError


def embed_texts(embedder: Embedder, texts: Sequence[str]) -> Vector:
    """What an embedder makes of texts, checked: Rekall stores nothing else.

    Args:
        texts: cut at `MAX_CONTEXT_CHARS` characters each.

    Raises:
        EmbeddingModelNotAvailable: the model cannot be used.
        InvalidValueError: the embedder gave another number of vectors, another length, or what is no number.
    """
    raise NotImplementedError


_LENGTHS = ", ".join(map(str, VALID_EMBEDDING_DIMENSIONS))
