"""Which embedder answers for a model, and what of its answers is accepted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import embedders
from support.embedders import WordCounts

from rekall.config import Config, get_config
from rekall.embeddings import Embedder, embedder_for, normal_name, register_embedder, unregister_embedder
from rekall.embeddings.embedder import MAX_CONTEXT_CHARS, embed_texts, spellings
from rekall.embeddings.sentence_model import SentenceTransformersEmbedder
from rekall.errors import ConfigError, EmbeddingModelUnavailableError, InvalidValueError


def configured(model: Any = embedders.MODEL, dimensions: Any = 384) -> Config:
    return replace(get_config(), smart_embeddings_model=model, smart_embeddings_dimensions=dimensions)


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        (" sentence-transformers/all-MiniLM-L6-v2 ", "all-MiniLM-L6-v2"),
        ("acme/all-MiniLM-L6-v2", "acme/all-MiniLM-L6-v2"),
        ("/models/sentence-transformers/x", "/models/sentence-transformers/x"),
    ],
)
def test_a_model_has_one_normal_name(name: str, normal: str) -> None:
    """0.3 stored the full name where its configuration has the short one; both spellings are looked for."""
    assert normal_name(name) == normal
    assert spellings(name) == (normal, f"sentence-transformers/{normal}")


def test_an_embedder_is_known_by_its_model() -> None:
    """Under either spelling, until it is forgotten; the factory is given the configuration."""
    with embedders.registered("sentence-transformers/some-model"):
        found = embedder_for(configured("some-model", 128))
        assert isinstance(found, WordCounts)
        assert (found.name, found.dimensions) == ("some-model", 128)
        assert isinstance(embedder_for(configured("sentence-transformers/some-model")), WordCounts)
        assert isinstance(embedder_for(configured("other-model")), SentenceTransformersEmbedder)
    assert isinstance(embedder_for(configured("some-model")), SentenceTransformersEmbedder)


def test_the_last_registration_counts() -> None:
    """A class whose constructor takes the configuration is a factory."""

    class Own(WordCounts):
        def __init__(self, config: Config) -> None:
            super().__init__("own", 768)

    with embedders.registered("own"):
        register_embedder("own", Own)
        assert embedder_for(configured("own")).dimensions == 768
    unregister_embedder("own")  # nothing to forget


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("m", 100), "smart_embeddings.dimensions is 100: set it to 128, 384 or 768"),
        (("m", "384"), "smart_embeddings.dimensions is '384'"),
        (("m", 384.0), "smart_embeddings.dimensions is 384.0"),
        (("", 384), "smart_embeddings.model is ''"),
        (("sentence-transformers/", 384), "smart_embeddings.model is"),
        ((7, 384), "smart_embeddings.model is 7"),
    ],
)
def test_a_configuration_that_names_none(settings: tuple[Any, Any], message: str) -> None:
    """One line with the key and what it takes."""
    with pytest.raises(ConfigError, match=message):
        embedder_for(configured(*settings))


def test_a_factory_that_makes_no_usable_embedder() -> None:
    """Something else than an embedder; vectors that the file cannot hold."""
    with embedders.registered("odd"):
        register_embedder("odd", lambda config: object())  # type: ignore[arg-type,return-value]  # the mistake
        with pytest.raises(ConfigError, match="the embedder of odd is a object, not an Embedder"):
            embedder_for(configured("odd"))
        register_embedder("odd", lambda config: WordCounts("odd", 1024))
        with pytest.raises(ConfigError, match="makes vectors of 1024 numbers, not of 128, 384 or 768"):
            embedder_for(configured("odd"))


def install(folder: Path, distribution: str, *lines: str) -> None:
    """A distribution with entry points in the group `rekall.embedders`, as pip lays it out."""
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(["[rekall.embedders]", *lines, ""]))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python imports from."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path / "site"


def test_a_distribution_brings_an_embedder(installed: Path) -> None:
    """By an entry point named as the model; what a process registered goes before it."""
    install(installed, "acme", "sentence-transformers/acme-model = support.embedders:from_config")
    assert isinstance(embedder_for(configured("acme-model")), WordCounts)
    register_embedder("acme-model", lambda config: WordCounts("mine"))
    try:
        assert embedder_for(configured("acme-model")).name == "mine"
    finally:
        unregister_embedder("acme-model")


def test_only_the_embedder_asked_for_is_loaded(installed: Path) -> None:
    """A broken one disturbs no other model; asked for, it is an error that names it, never another model instead."""
    install(installed, "broken", "broken-model = no_such_module:x")
    assert isinstance(embedder_for(configured("other")), SentenceTransformersEmbedder)
    assert "no_such_module" not in sys.modules
    with pytest.raises(ConfigError, match="no_such_module:x of broken cannot be loaded: ModuleNotFoundError"):
        embedder_for(configured("broken-model"))


def test_two_distributions_for_one_model(installed: Path) -> None:
    """An error that names both."""
    install(installed, "one", "twice = support.embedders:from_config")
    install(installed, "two", "twice = support.embedders:WordCounts")
    with pytest.raises(ConfigError, match=r"several embedders answer for the model twice: .* of two, .* of one"):
        embedder_for(configured("twice"))


def test_texts_are_cut_and_vectors_have_the_length_1() -> None:
    """Whatever the embedder makes of them."""

    class Long(WordCounts):
        def embed(self, texts: Sequence[str]) -> Any:
            self.seen += texts
            return [[3.0] * self.dimensions, [0.0] * self.dimensions]

    embedder = Long()
    found = embed_texts(embedder, ["x" * (MAX_CONTEXT_CHARS + 1), "y"])
    assert [len(text) for text in embedder.seen] == [MAX_CONTEXT_CHARS, 1]
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1).tolist() == pytest.approx([1, 0])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros((1, 384)), r"gave an array of shape \(1, 384\), not \(2, 384\)"),
        (np.zeros((2, 128)), r"gave an array of shape \(2, 128\)"),
        (np.zeros(768), r"gave an array of shape \(768,\)"),
        (np.full((2, 384), np.nan), "a value that is no number"),
        (np.full((2, 384), np.inf), "a value that is no number"),
    ],
)
def test_an_answer_that_is_refused(answer: Any, message: str) -> None:
    """Another number of vectors, another length, no numbers."""

    class Wrong(WordCounts):
        def embed(self, texts: Sequence[str]) -> Any:
            return answer

    with pytest.raises(InvalidValueError, match=message):
        embed_texts(Wrong("wrong"), ["a", "b"])


def test_what_an_embedder_need_not_say() -> None:
    """Three lines make one: nothing to load, nothing to download."""

    class Least(Embedder):
        name = "least"
        dimensions = 128

        def embed(self, texts: Sequence[str]) -> Any:
            return np.ones((len(texts), 128))

    least = Least()
    least.load()
    assert least.problem() is None
    assert least.loaded
    assert least.native_dimensions is None
    with pytest.raises(EmbeddingModelUnavailableError, match="least is not one that is downloaded"):
        least.download()


def test_an_embedder_whose_model_has_a_problem_is_not_loaded() -> None:
    """`load` raises what `problem` gives."""

    class Missing(WordCounts):
        def problem(self) -> EmbeddingModelUnavailableError | None:
            return EmbeddingModelUnavailableError("no model: get one")

    with pytest.raises(EmbeddingModelUnavailableError, match="no model: get one"):
        Missing().load()
