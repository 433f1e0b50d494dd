"""What computes vectors: one small interface, the embedders that are known, and the one for a configuration.

A team brings its own embedder with `register_embedder`, or with an entry point in the group `rekall.embedders` whose
name is the model's. Whatever is not known otherwise is a model of sentence-transformers.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeAlias

from rekall import config
from rekall.config import Config
from rekall.embeddings.vectors import unit_rows
from rekall.errors import (
    ConfigError,
    EmbeddingModelUnavailableError,
    InvalidValueError,
    MissingDependencyError,
    RekallError,
)
from rekall.models import VALID_EMBEDDING_DIMENSIONS, Vector
from rekall.store.vectors import VectorSpace

ENTRY_POINTS = "rekall.embedders"
"""The group of entry points that bring embedders."""
MAX_CONTEXT_CHARS = 8000
"""Characters of a text that are embedded."""
_PUBLISHER = "sentence-transformers/"
_LENGTHS = "{}, {} or {}".format(*VALID_EMBEDDING_DIMENSIONS)


class Embedder(ABC):
    """Computes vectors. Making one is cheap: the model is loaded by the first `embed`.

    Attributes:
        name: the model, as `normal_name` spells it. Vectors are stored under it, and compared within it.
        dimensions: length of the vectors: 128, 384 or 768.
    """

    name: str
    dimensions: int

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Vector:
        """The vectors of some texts.

        Args:
            texts: one or more.

        Returns:
            An array of shape (len(texts), dimensions) of 32-bit floats; each row has the length 1.

        Raises:
            EmbeddingModelUnavailableError: the model cannot be used.
        """

    def problem(self) -> EmbeddingModelUnavailableError | None:
        """Why the model cannot be used, as far as that shows without loading it; None when nothing stands in the way.

        The text of the error says what to run.
        """
        return None

    def load(self) -> None:
        """Load the model, from this machine alone.

        Raises:
            EmbeddingModelUnavailableError: the text says what to run.
        """
        problem = self.problem()
        if problem is not None:
            raise problem

    def download(self) -> None:
        """Fetch the model over the network, which nothing else does; called when a person asked for it.

        Raises:
            EmbeddingModelUnavailableError: it cannot be fetched, or this embedder has nothing to fetch.
        """
        raise EmbeddingModelUnavailableError(f"the model {self.name} is not one that is downloaded")

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory."""
        return True

    @property
    def native_dimensions(self) -> int | None:
        """Length of the model's own vectors, None when it is not known."""
        return None


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


def embedder_for(settings: Config) -> Embedder:
    """The embedder of the configured model; its model is not loaded yet.

    Args:
        settings: `smart_embeddings_model` and `smart_embeddings_dimensions` say which.

    Raises:
        ConfigError: dimensions that the file cannot hold, or an entry point that cannot be used.
    """
    model, dimensions = settings.smart_embeddings_model, settings.smart_embeddings_dimensions
    if not _is_length(dimensions):
        raise ConfigError(f"smart_embeddings.dimensions is {dimensions!r}: set it to {_LENGTHS}")
    if not isinstance(model, str) or not normal_name(model):
        raise ConfigError(f"smart_embeddings.model is {model!r}: set it to the name of a model")
    factory = _factories.get(normal_name(model)) or _installed(normal_name(model)) or _sentence_transformers
    try:
        embedder = factory(settings)
    except RekallError:
        raise
    except Exception as error:  # whatever the code of another distribution raises
        raise ConfigError(f"the embedder of {model} cannot be made: {error!r}") from error
    if not isinstance(embedder, Embedder):
        raise ConfigError(f"the embedder of {model} is a {type(embedder).__name__}, not an Embedder")
    if not _is_length(embedder.dimensions):
        raise ConfigError(f"the embedder of {model} makes vectors of {embedder.dimensions} numbers, not of {_LENGTHS}")
    return embedder


def _is_length(dimensions: object) -> bool:
    """Whether vectors of so many numbers can be stored; 384.0 is no number of numbers."""
    return isinstance(dimensions, int) and dimensions in VALID_EMBEDDING_DIMENSIONS


def space_of(embedder: Embedder) -> VectorSpace:
    """The vectors that those of an embedder can be compared with."""
    return VectorSpace(spellings(embedder.name), embedder.dimensions)


def embed_texts(embedder: Embedder, texts: Sequence[str]) -> Vector:
    """What an embedder makes of texts, checked: Rekall stores nothing else.

    Args:
        texts: cut at `MAX_CONTEXT_CHARS` characters each.

    Raises:
        EmbeddingModelUnavailableError: the model cannot be used.
        MissingDependencyError: numpy is not installed.
        InvalidValueError: the embedder gave another number of vectors, another length, or what is no number.
    """
    try:
        import numpy as np
    except ImportError as error:
        raise MissingDependencyError("computing vectors needs numpy: run 'pip install numpy'") from error
    try:
        found = np.asarray(embedder.embed([text[:MAX_CONTEXT_CHARS] for text in texts]), dtype=np.float32)
    except RekallError:
        raise
    except Exception as error:  # whatever a model's libraries, or an embedder of another distribution, may raise
        problem = f"{type(error).__name__}: {error}".splitlines()[0]
        raise EmbeddingModelUnavailableError(f"the model {embedder.name} failed ({problem})") from error
    wanted = (len(texts), embedder.dimensions)
    if found.shape != wanted:
        raise InvalidValueError(f"the embedder of {embedder.name} gave an array of shape {found.shape}, not {wanted}")
    if not np.isfinite(found).all():
        raise InvalidValueError(f"the embedder of {embedder.name} gave a vector with a value that is no number")
    return unit_rows(found)


def in_context(query: str, context: str | None) -> str:
    """What is embedded of a query: what it is about, if that is known, and the query."""
    return f"{context}\n\n{query}" if context else query


def context_to_embed(text: str) -> str:
    """What is embedded of a context: as many bytes of UTF-8 as `smart_embeddings.max_context_size` says, 0 for all."""
    most = config.get_config().max_context_size
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore") if most > 0 else text


def _installed(name: str) -> EmbedderFactory | None:
    """The factory that an installed distribution brings for a model, None if none does."""
    from importlib.metadata import entry_points

    found = {point.value: point for point in entry_points(group=ENTRY_POINTS) if normal_name(point.name) == name}
    if not found:
        return None
    names = sorted(f"{point.value} of {point.dist.name if point.dist else '?'}" for point in found.values())
    if len(found) > 1:
        raise ConfigError(f"several embedders answer for the model {name}: {', '.join(names)}; uninstall all but one")
    try:
        factory: EmbedderFactory = next(iter(found.values())).load()
    except Exception as error:  # whatever the module of another distribution raises at its import
        raise ConfigError(f"the embedder {names[0]} cannot be loaded: {error!r}") from error
    return factory


def _sentence_transformers(settings: Config) -> Embedder:
    from rekall.embeddings.sentence_model import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(settings)
