"""The embedder that comes with Rekall, over a package with the calls of sentence-transformers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import fake_sentence_transformers as fake

from rekall.config import Config, get_config
from rekall.db import Database
from rekall.embeddings import EmbeddingService, embed_entries, embedder_for
from rekall.errors import EmbeddingModelUnavailableError, EmbeddingPackageMissingError


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in fake.VARIABLES:
        monkeypatch.setenv(name, "")
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "SENTENCE_TRANSFORMERS_HOME"):
        monkeypatch.delenv(name, raising=False)
    yield
    sys.modules.pop("sentence_transformers", None)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package is installed, with a model of 384 numbers that was downloaded."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    fake.keep_model(Path.home(), "all-MiniLM-L6-v2")
    return fake.install(tmp_path / "site")


def configured(dimensions: int = 384, model: str = "all-MiniLM-L6-v2") -> Config:
    return replace(get_config(), smart_embeddings_model=model, smart_embeddings_dimensions=dimensions)


def test_it_embeds(log: Path, db: Database) -> None:
    """From this machine, loaded once, under the normal name of the model."""
    embedder = embedder_for(configured(model="sentence-transformers/all-MiniLM-L6-v2"))
    assert not embedder.loaded
    assert embedder.problem() is None
    assert embed_entries(db, embedder) == 5
    assert embedder.loaded
    assert embedder.native_dimensions == 384
    assert {one.model_name for one in db.get_all_embeddings()} == {"all-MiniLM-L6-v2"}
    assert [note for note in fake.notes(log) if "loaded" in note] == [
        {"loaded": "sentence-transformers/all-MiniLM-L6-v2", "local_files_only": True}
    ]


def test_longer_vectors_are_cut(log: Path) -> None:
    """To the configured length, and have the length 1 again."""
    whole, cut = (embedder_for(configured(length)).embed(["a", "b"]) for length in (384, 128))
    assert (whole.shape, cut.shape) == ((2, 384), (2, 128))
    assert np.linalg.norm(cut, axis=1).tolist() == pytest.approx([1, 1])
    assert np.allclose(cut[0], whole[0, :128] / np.linalg.norm(whole[0, :128]), atol=1e-6)


def test_vectors_that_are_too_short(log: Path) -> None:
    """Told with what to set, when the model is loaded."""
    embedder = embedder_for(configured(768))
    with pytest.raises(EmbeddingModelUnavailableError) as caught:
        embedder.embed(["a"])
    assert str(caught.value) == (
        "smart_embeddings.dimensions is 768, but the vectors of all-MiniLM-L6-v2 have 384 numbers: set it to 128 or 384"
    )
    with pytest.raises(EmbeddingModelUnavailableError, match="set it to 128 or 384"):
        embedder.load()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing works; the service says what to install, and is not available."""
    for name in ("sentence_transformers", "tokenizers"):
        monkeypatch.setitem(sys.modules, name, None)
    service = EmbeddingService()
    assert not service.available
    assert service.calculate("text") is None
    assert "pip install numpy tokenizers safetensors" in service.get_model_status()["install_instructions"]
    with pytest.raises(EmbeddingPackageMissingError, match="dependencies not available"):
        service._load_model()


def test_without_the_model(log: Path) -> None:
    """The service says what to run, and nothing is loaded to find that out."""
    service = EmbeddingService("acme/other")
    assert not service.available
    with pytest.raises(EmbeddingModelUnavailableError, match="run 'rekall embeddings --download'"):
        raise service.embedder.problem() or AssertionError("nothing is missing")
    assert fake.notes(log) == []
    service.embedder.download()
    assert [note for note in fake.notes(log) if "loaded" in note] == [
        {"loaded": "acme/other", "local_files_only": False}
    ]
    assert service.available
    assert service.get_model_status()["native_dimensions"] == 384


def test_a_broken_model_is_one_line(log: Path) -> None:
    """Searching goes on without it."""
    fake.keep_model(Path.home(), "acme/broken")
    service = EmbeddingService("acme/broken")
    assert service.available
    assert service.calculate("text") is None
    with pytest.raises(EmbeddingModelUnavailableError, match="Failed to load"):
        service.require()
