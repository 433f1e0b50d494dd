"""A model of sentence-transformers: from this machine, loaded when needed, given back when idle."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support import fake_sentence_transformers as fake

from rekall import model_manager
from rekall.config import Config, set_config
from rekall.errors import EmbeddingModelUnavailableError, EmbeddingPackageMissingError
from rekall.model_manager import ModelManager, get_model_manager, is_on_this_machine, reset_model_manager

CACHES = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "SENTENCE_TRANSFORMERS_HOME")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Variables that loading sets, and the module that it imports, are gone after each test."""
    for name in (*fake.VARIABLES, *CACHES):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    yield
    reset_model_manager()
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()
    sys.modules.pop("sentence_transformers", None)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package is installed; what it was asked stands in this file."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return fake.install(tmp_path / "site")


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sentence_transformers", "tokenizers"):
        monkeypatch.setitem(sys.modules, name, None)


def test_the_model_is_loaded_when_it_is_asked_for(log: Path) -> None:
    """Once; and its length is known from then on."""
    manager = ModelManager("m")
    assert (manager.is_loaded(), manager.is_loading(), manager.dimensions, manager.idle_seconds) == (False,) * 2 + (
        None,
        0,
    )
    assert fake.notes(log) == []
    model = manager.get_model()
    assert manager.get_model() is model
    assert manager.is_loaded()
    assert manager.dimensions == 384
    assert [note["loaded"] for note in fake.notes(log)[1:]] == ["m"]
    assert 0 <= manager.idle_seconds < 60


def test_older_versions_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have another name for the length of the vectors."""
    monkeypatch.syspath_prepend(str(tmp_path / "old"))
    fake.install(tmp_path / "old", 128, "get_sentence_embedding_dimension")
    manager = ModelManager("m")
    manager.get_model()
    assert manager.dimensions == 128


def test_nothing_goes_to_the_network(log: Path) -> None:
    """The libraries are told to stay at home and to report nothing, before they are imported."""
    os.environ["HF_HUB_OFFLINE"] = "0"
    ModelManager("m").get_model()
    imported, loaded = fake.notes(log)
    assert imported["imported"] == dict.fromkeys(fake.VARIABLES, "1")
    assert loaded["local_files_only"] is True


def test_unless_a_download_is_asked_for(log: Path) -> None:
    """Nothing is reported even then."""
    manager = ModelManager("m")
    manager.download()
    imported, loaded = fake.notes(log)
    assert imported["imported"] == dict(zip(fake.VARIABLES, "00011", strict=True))
    assert loaded["local_files_only"] is False
    assert manager.is_loaded()


def test_a_download_after_a_search(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hub's library read at its import is changed for it, and changed back."""
    hub = ModuleType("huggingface_hub.constants")
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", hub)
    manager = ModelManager("m")
    manager.get_model()
    assert vars(hub)["HF_HUB_OFFLINE"] is True
    manager.download()
    assert vars(hub)["HF_HUB_OFFLINE"] is False
    manager.unload()
    manager.get_model()
    assert vars(hub)["HF_HUB_OFFLINE"] is True


def test_it_is_given_back_when_idle(log: Path) -> None:
    """After the minutes without use; using it keeps it."""
    manager = ModelManager("m", timeout_minutes=2)
    assert not manager.check_idle()
    manager.get_model()
    manager._last_used = time.time() - 119
    assert not manager.check_idle()
    manager._last_used = time.time() - 121
    manager.touch()
    assert not manager.check_idle()
    manager._last_used = time.time() - 121
    assert manager.check_idle()
    assert not manager.is_loaded()
    assert not manager.check_idle()
    manager.get_model()
    assert len(fake.notes(log)) == 3


@pytest.mark.fault(15)
def test_nobody_has_to_look(log: Path) -> None:
    """A thread that ends with the program gives the model back; what is used meanwhile stays."""
    manager = ModelManager("m")
    vars(manager)["timeout_minutes"] = 0.3 / 60
    manager.get_model()
    assert all(thread.daemon for thread in threading.enumerate() if isinstance(thread, threading.Timer))
    until = time.monotonic() + 0.8
    while time.monotonic() < until:
        manager.touch()
        time.sleep(0.01)
    assert manager.is_loaded()
    until = time.monotonic() + 60
    while manager.is_loaded() and time.monotonic() < until:
        time.sleep(0.02)
    assert not manager.is_loaded()


def test_no_minutes_keep_it(log: Path) -> None:
    """Until somebody looks, as in 0.3."""
    manager = ModelManager("m", timeout_minutes=0)
    manager.get_model()
    assert manager._watch is None
    manager._last_used -= 1
    assert manager.check_idle()


def test_the_figures(log: Path) -> None:
    """The keys of 0.3."""
    manager = ModelManager("m", timeout_minutes=7)
    assert manager.stats == {
        "model_name": "m",
        "is_loaded": False,
        "is_loading": False,
        "idle_seconds": 0.0,
        "timeout_minutes": 7,
        "dimensions": None,
    }
    manager.get_model()
    manager._last_used -= 5.04
    assert manager.stats["idle_seconds"] == pytest.approx(5.0, abs=1)
    assert (manager.stats["is_loaded"], manager.stats["dimensions"]) == (True, 384)


def test_a_model_that_cannot_be_loaded(log: Path) -> None:
    """One line: which, why, what to run; a RuntimeError, as 0.3 raised."""
    manager = ModelManager("broken")
    with pytest.raises(RuntimeError, match="Failed to load model") as caught:
        manager.get_model()
    assert isinstance(caught.value, EmbeddingModelUnavailableError)
    assert str(caught.value) == (
        "Failed to load model broken (OSError: the weights are damaged): run 'rekall embeddings --download'"
    )
    assert not manager.is_loading()
    with pytest.raises(EmbeddingModelUnavailableError, match="check its name and the network"):
        manager.download()


def test_without_the_package(without_package: None) -> None:
    """An ImportError that says what to install; nothing that would resolve the name Rekall from an index."""
    manager = ModelManager("m")
    for attempt in (manager.get_model, manager.download):
        with pytest.raises(ImportError, match="sentence-transformers") as caught:
            attempt()
        assert isinstance(caught.value, EmbeddingPackageMissingError)
        assert str(caught.value) == (
            "embedding dependencies not available: neither tokenizers nor sentence-transformers is installed, run"
            " 'pip install numpy tokenizers safetensors' (in a checkout of Rekall: pip install '.[embeddings]')"
        )
        assert "pip install rekall" not in str(caught.value)
    assert isinstance(manager.problem(), EmbeddingPackageMissingError)


def test_a_model_that_was_never_downloaded(log: Path) -> None:
    """That shows without loading anything."""
    manager = ModelManager("m")
    assert str(manager.problem()) == "the embedding model m is not on this machine: run 'rekall embeddings --download'"
    fake.keep_model(Path.home(), "m")
    assert manager.problem() is None
    assert fake.notes(log) == []
    manager.get_model()
    assert manager.problem() is None


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("", ".cache/huggingface/hub/models--acme--m/snapshots"),
        ("HF_HOME", "models/hub/models--acme--m/snapshots"),
        ("HF_HUB_CACHE", "models/models--acme--m/snapshots"),
        ("HUGGINGFACE_HUB_CACHE", "models/models--acme--m/snapshots"),
        ("SENTENCE_TRANSFORMERS_HOME", "models/models--acme--m/snapshots"),
        ("SENTENCE_TRANSFORMERS_HOME", "models/acme_m"),
        ("XDG_CACHE_HOME", "models/huggingface/hub/models--acme--m/snapshots"),
    ],
)
def test_where_models_are_looked_for(variable: str, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the libraries keep them."""
    if variable:
        monkeypatch.setenv(variable, str(Path.home() / "models"))
    assert not is_on_this_machine("acme/m")
    (Path.home() / folder).mkdir(parents=True)
    assert is_on_this_machine("acme/m")
    assert not is_on_this_machine("acme/n")


def test_a_folder_is_a_model(tmp_path: Path) -> None:
    """Named by its path."""
    assert not is_on_this_machine(str(tmp_path / "m"))
    (tmp_path / "m").mkdir()
    assert is_on_this_machine(str(tmp_path / "m"))


@pytest.mark.fault(15)
def test_one_manager_for_a_process(log: Path) -> None:
    """That of the configuration; another model or time makes another one, and gives the model before back."""
    set_config(Config(smart_embeddings_model="configured", perf_model_idle_timeout_minutes=3))
    first = get_model_manager()
    assert (first.model_name, first.timeout_minutes) == ("configured", 3)
    assert get_model_manager() is get_model_manager("configured", 3) is first
    first.get_model()
    second = get_model_manager("other")
    assert (second.model_name, second.timeout_minutes) == ("other", 3)
    assert not first.is_loaded()
    assert get_model_manager() is second
    assert get_model_manager(timeout_minutes=0).timeout_minutes == 0
    second = get_model_manager()
    second.get_model()
    reset_model_manager()
    assert not second.is_loaded()
    assert get_model_manager().model_name == "configured"


def test_the_module_names_of_0_3() -> None:
    """What other programs looked at."""
    names: dict[str, Any] = vars(model_manager)
    assert {"gc", "_model_manager"} <= set(names)
    assert {"_model", "_last_used", "_loading", "_model_dimensions"} <= set(vars(ModelManager()))
