"""Whether a base can be searched by meaning as it is configured, and if not, what a person has to do."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from typing import NamedTuple

from rekall import config
from rekall.config_file import CONFIG_NAME
from rekall.embeddings import Embedder, EmbeddingService, get_embedding_service
from rekall.embeddings.state import state_of
from rekall.errors import ConfigError
from rekall.store import OpenBase


class Readiness(NamedTuple):
    """What stands in the way of a search by meaning.

    Args:
        service: searches; None when nothing can.
        problem: why not, on one line that says what to do; None when it can.
        gap: what a search by meaning misses, on one line that says what to do; None when it misses nothing.
    """

    service: EmbeddingService | None
    problem: str | None = None
    gap: str | None = None


def readiness(db: OpenBase, *, needs_model: bool = True) -> Readiness:
    """Look at the configuration, the model and the vectors; nothing is loaded, computed or written.

    Vectors of another model or length cannot be compared: while a base holds some, it is not searched by meaning at
    all, since what they belong to would never be found.

    Args:
        needs_model: vectors will be computed; those that are stored can be compared with each other without a model.
    """
    if not config.get_config().smart_embeddings_enabled:
        return Readiness(None, f"{off()}, then run 'rekall embeddings --migrate'")
    service, problem = usable_service(needs_model=needs_model)
    if service is None:
        return Readiness(None, problem)
    state = state_of(db, service.embedder.name, service.dimensions)
    if state.mismatch is not None:
        return Readiness(None, state.mismatch)
    if state.entries and not state.embedded:
        return Readiness(None, f"no entry has a vector of {state.model} yet: run 'rekall embeddings --migrate'")
    return Readiness(service, gap=state.incomplete)


class Counts(NamedTuple):
    """How many active entries can be found by meaning; `note` says why not all, or None."""

    model: str
    dimensions: int
    embedded: int
    note: str | None


def counts(db: OpenBase) -> Counts:
    """The vectors that the configured model can be compared with; nothing is loaded, computed or written."""
    settings = config.get_config()
    model, dimensions = settings.smart_embeddings_model, settings.smart_embeddings_dimensions
    with suppress(ConfigError):  # which `readiness` tells
        embedder = get_embedding_service().embedder
        model, dimensions = embedder.name, embedder.dimensions
    state = state_of(db, model, dimensions)
    ready = readiness(db)
    return Counts(state.model, state.dimensions, state.embedded, ready.problem or ready.gap)


def usable_service(*, needs_model: bool = True) -> tuple[EmbeddingService | None, str | None]:
    """The service of the configured model, or why it cannot be used."""
    try:
        service = get_embedding_service()
    except ConfigError as error:
        return None, str(error)
    problem = obstacle(service.embedder) if needs_model else _numpy_missing()
    return (service, None) if problem is None else (None, problem)


def obstacle(embedder: Embedder) -> str | None:
    """Why an embedder cannot compute vectors here, on one line that says what to do; None when nothing shows."""
    problem = embedder.problem()
    return _numpy_missing() if problem is None else str(problem)


def _numpy_missing() -> str | None:
    if importlib.util.find_spec("numpy") is not None:
        return None
    return "vectors need numpy, which is not installed: run 'pip install numpy'"


def off() -> str:
    """What to do for searches by meaning where they are not switched on, on one line."""
    file = config.get_config().config_dir / CONFIG_NAME
    return f"no embedding model is in use: set enabled = true under [smart_embeddings] in {file}"
