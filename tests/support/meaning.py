"""Searches by meaning as a user has them: the configuration, and an embedder that an installed distribution brings."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from rekall import config, embeddings
from rekall.config import Config
from rekall.models import Vector
from support.embedders import MODEL, WordCounts

TESTS = Path(__file__).parents[1]


def configure(model: str = MODEL, dimensions: int = 384, *, enabled: bool = True, threshold: float = 0.75) -> None:
    """Write the config.toml of this test, and have this process read it anew."""
    home = Path(os.environ["REKALL_HOME"])
    home.mkdir(mode=0o700, exist_ok=True)
    file = home / "config.toml"
    file.write_text(
        f'[smart_embeddings]\nenabled = {str(enabled).lower()}\nmodel = "{model}"\ndimensions = {dimensions}\n'
        f'similarity_threshold = {threshold}\ncontext_mode = "optional"\n',
        encoding="utf-8",
    )
    file.chmod(0o600)
    config.reset_config()
    embeddings.reset_embedding_service()


def installed_embedder(
    folder: Path, factory: str = "support.embedders:from_config", model: str = MODEL
) -> dict[str, str]:
    """A distribution that brings an embedder, as pip lays it out; the environment in which a process finds it."""
    info = folder / "word_counts-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: word-counts\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[rekall.embedders]\n{model} = {factory}\n", encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(TESTS)))}


class Failing(WordCounts):
    """A model that cannot do its work."""

    def embed(self, texts: Sequence[str]) -> Vector:
        raise RuntimeError("out of memory\nat layer 3")


def failing(settings: Config) -> Failing:
    """What an entry point of a test names."""
    return Failing(settings.smart_embeddings_model, settings.smart_embeddings_dimensions)


class Stuck(WordCounts):
    """A model that stands still at a batch: as many as `REKALL_TEST_BATCHES` are done, then it says so and waits."""

    batches = 0

    def embed(self, texts: Sequence[str]) -> Vector:
        if self.batches == int(os.environ["REKALL_TEST_BATCHES"]):
            Path(os.environ["REKALL_TEST_STUCK"]).touch()
            time.sleep(120)
        self.batches += 1
        return super().embed(texts)


def stuck(settings: Config) -> Stuck:
    """What an entry point of a test names."""
    return Stuck(settings.smart_embeddings_model, settings.smart_embeddings_dimensions)


class Slow(WordCounts):
    """A model that a person has to wait for."""

    def embed(self, texts: Sequence[str]) -> Vector:
        time.sleep(0.6)
        return super().embed(texts)


def slow(settings: Config) -> Slow:
    """What an entry point of a test names."""
    return Slow(settings.smart_embeddings_model, settings.smart_embeddings_dimensions)


def missing(settings: Config) -> WordCounts:
    """What an entry point of a test names, and cannot make."""
    raise ImportError("no module named torch")


class Downloaded(WordCounts):
    """A model that can be fetched."""

    def download(self) -> None:
        """Nothing is to be fetched for it."""


def downloaded(settings: Config) -> Downloaded:
    """What an entry point of a test names."""
    return Downloaded(settings.smart_embeddings_model, settings.smart_embeddings_dimensions)
