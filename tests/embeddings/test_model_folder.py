"""Folders with a model: what is read of them, where they are found, and what is told of one that is not whole."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support import fake_sentence_transformers as fake
from support.tiny_models import MOST_TOKENS, Kind, build

from rekall.embeddings import hub, normal_name
from rekall.embeddings.architecture import UnknownModelError
from rekall.embeddings.model_folder import read_folder
from rekall.embeddings.sentence_encoder import SentenceEncoder
from rekall.embeddings.weights import INDEX, WEIGHTS
from rekall.errors import EmbeddingModelUnavailableError, EmbeddingPackageMissingError
from rekall.model_manager import ModelManager, reset_model_manager


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*fake.VARIABLES, "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "SENTENCE_TRANSFORMERS_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    yield
    reset_model_manager()
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()


def changed(file: str, **values: Any) -> Callable[[Path], None]:
    """Writes other values into a JSON file; None takes one out."""

    def change(folder: Path) -> None:
        path = folder / file
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        kept = {name: value for name, value in {**content, **values}.items() if value is not None}
        path.write_text(json.dumps(kept), encoding="utf-8")

    return change


def gone(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).unlink()


def written(file: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / file).write_bytes(content)


def without_tensor(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, folder / WEIGHTS)


def of_other_numbers(folder: Path) -> None:
    tensors = load_file(folder / WEIGHTS)
    save_file({name: tensor.astype(np.int32) for name, tensor in tensors.items()}, folder / WEIGHTS)


def of_a_larger_model(folder: Path) -> None:
    other = build(folder / "other")
    tokenizer = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary |= {f"more{number}": len(vocabulary) + number for number in range(10)}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def cut(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1])


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config.json": (gone("config.json"), "config.json is missing"),
    "no weights": (gone(WEIGHTS), "model.safetensors is missing"),
    "no tokenizer": (gone("tokenizer.json"), "tokenizer.json is missing"),
    "no pooling": (gone("1_Pooling/config.json"), "config.json is missing"),
    "config.json is no JSON": (written("config.json", b"{"), "config.json is damaged ("),
    "config.json is no object": (written("config.json", b"[]"), "config.json is damaged (no JSON object)"),
    "modules.json is no list": (written("modules.json", b"[1]"), "modules.json is damaged ("),
    "a number is missing": (changed("config.json", hidden_size=None), "says hidden_size = None, not a number"),
    "heads that do not fit": (changed("config.json", num_attention_heads=5), "makes no sense: 5 heads, 32 numbers"),
    "weights that are cut": (cut, "model.safetensors is damaged ("),
    "weights that are none": (written(WEIGHTS, b"<html>"), "model.safetensors is damaged ("),
    "a tensor is missing": (without_tensor, "it has no encoder.layer.1.output.dense.weight"),
    "tensors of another shape": (changed("config.json", intermediate_size=99), "has the shape (64, 32), not (99, 32)"),
    "no floats": (of_other_numbers, "are stored as I32, which numpy has not"),
    "a tokenizer that is none": (written("tokenizer.json", b"{}"), "tokenizer.json is damaged ("),
    "a tokenizer of another model": (of_a_larger_model, "tokenizer.json is of another model: it has "),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_folder_that_is_not_whole(case: str, tmp_path: Path) -> None:
    """One line: which model, which file, what is wrong with it, what to do."""
    change, wrong = WRONG[case]
    change(build(tmp_path / "m"))
    with pytest.raises(EmbeddingModelUnavailableError) as caught:
        ModelManager(str(tmp_path / "m")).get_model()
    line = str(caught.value)
    assert line.startswith(f"Failed to load model {tmp_path / 'm'} (")
    assert line.endswith("): copy the whole folder again")
    assert wrong in line
    assert "\n" not in line


UNKNOWN: dict[str, tuple[Callable[[Path], object], str]] = {
    "architecture": (changed("config.json", model_type="t5", architectures=["T5Model"]), "its architecture is T5Model"),
    "code of its own": (changed("config.json", auto_map={"AutoModel": "x--y.Z"}), "its architecture is bert"),
    "positions": (changed("config.json", position_embedding_type="alibi"), "its positions are alibi"),
    "activation": (changed("config.json", hidden_act="silu"), "its activation is silu"),
    "pooling": (changed("1_Pooling/config.json", pooling_mode="attention"), "its pooling is attention"),
    "task": (changed("sentence_bert_config.json", transformer_task="fill-mask"), "its task is fill-mask"),
    "module": (
        written("modules.json", b'[{"path": "", "type": "x.Transformer"}, {"path": "1_LSTM", "type": "x.LSTM"}]'),
        "it has a LSTM",
    ),
    "first module": (written("modules.json", b'[{"path": "", "type": "x.CLIPModel"}]'), "it begins with a CLIPModel"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_model_that_rekall_does_not_compute(case: str, tmp_path: Path) -> None:
    """Told before anything is loaded, with what computes it; where that is installed, it does."""
    change, what = UNKNOWN[case]
    folder = build(tmp_path / "m")
    change(folder)
    manager = ModelManager(str(folder))
    line = str(manager.problem())
    assert line == (
        f"Rekall does not compute the model in {folder} by itself ({what}): run 'pip install sentence-transformers'"
    )
    with pytest.raises(UnknownModelError, match="pip install sentence-transformers"):
        manager.get_model()


def test_sentence_transformers_computes_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is installed; what Rekall computes itself is not its business even then."""
    monkeypatch.delitem(sys.modules, "sentence_transformers")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    log = fake.install(tmp_path / "site")
    own, other, numbers = (build(tmp_path / name) for name in ("own", "other", "numbers"))
    changed("config.json", model_type="t5")(other)
    of_other_numbers(numbers)
    assert isinstance(ModelManager(str(own)).get_model(), SentenceEncoder)
    assert fake.notes(log) == []
    manager = ModelManager(str(other))
    assert manager.problem() is None
    assert manager.get_model().encode(["a"], show_progress_bar=False).shape == (1, 384)
    assert fake.notes(log)[-1] == {"loaded": str(other), "local_files_only": True}
    ModelManager(str(numbers)).get_model()
    assert fake.notes(log)[-1] == {"loaded": str(numbers), "local_files_only": True}
    sys.modules.pop("sentence_transformers")


def test_the_manager_gives_an_encoder(tmp_path: Path) -> None:
    """With the calls of 0.3's: `encode`, and the length; loaded once, given back when idle."""
    manager = ModelManager(str(build(tmp_path / "m")), timeout_minutes=0)
    assert manager.problem() is None
    model = manager.get_model()
    assert manager.get_model() is model
    assert (manager.dimensions, model.get_sentence_embedding_dimension()) == (32, 32)
    assert model.encode("a text", convert_to_numpy=True).shape == (32,)
    manager._last_used -= 1
    assert manager.check_idle()
    assert manager.get_model() is not model


def test_a_package_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, not a traceback of its own."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "tokenizers.py").write_text("raise ImportError('wrong ELF class')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "tokenizers", raising=False)
    with pytest.raises(EmbeddingPackageMissingError) as caught:
        ModelManager(str(build(tmp_path / "m"))).get_model()
    assert str(caught.value) == (
        "embedding dependencies not available: tokenizers cannot be imported (ImportError: wrong ELF class),"
        " run 'pip install --force-reinstall tokenizers'"
    )


def test_several_files_of_weights(tmp_path: Path) -> None:
    """An index says which tensor is in which; half as long numbers are read too."""
    whole = SentenceEncoder(build(tmp_path / "m")).encode("walrus")
    tensors = load_file(tmp_path / "m" / WEIGHTS)
    (tmp_path / "m" / WEIGHTS).unlink()
    names = {name: f"model-{number % 2}.safetensors" for number, name in enumerate(tensors)}
    for file in set(names.values()):
        half = {name: tensor.astype(np.float16) for name, tensor in tensors.items() if names[name] == file}
        save_file(half, tmp_path / "m" / file)
    (tmp_path / "m" / INDEX).write_text(json.dumps({"weight_map": names}), encoding="utf-8")
    assert np.allclose(SentenceEncoder(tmp_path / "m").encode("walrus"), whole, atol=2e-3)
    (tmp_path / "m" / "model-1.safetensors").unlink()
    with pytest.raises(EmbeddingModelUnavailableError, match=r"model-1\.safetensors is missing"):
        read_folder(tmp_path / "m")
    (tmp_path / "m" / INDEX).write_text("{}", encoding="utf-8")
    with pytest.raises(EmbeddingModelUnavailableError, match=r"index\.json is damaged"):
        read_folder(tmp_path / "m")


def test_names_that_begin_with_the_network(tmp_path: Path) -> None:
    """As a file has them that was saved with a head for training."""
    whole = SentenceEncoder(build(tmp_path / "m")).encode("walrus")
    tensors = load_file(tmp_path / "m" / WEIGHTS)
    save_file({f"bert.{name}": tensor for name, tensor in tensors.items()}, tmp_path / "m" / WEIGHTS)
    assert np.array_equal(SentenceEncoder(tmp_path / "m").encode("walrus"), whole)


def test_the_longest_text(tmp_path: Path) -> None:
    """What the folder says, or else its tokenizer; never more than there are positions."""
    folder = build(tmp_path / "m")
    assert read_folder(folder).most_tokens == MOST_TOKENS
    changed("sentence_bert_config.json", max_seq_length=None)(folder)
    changed("tokenizer_config.json", model_max_length=12)(folder)
    assert read_folder(folder).most_tokens == 12
    changed("tokenizer_config.json", model_max_length=1e30)(folder)
    assert read_folder(folder).most_tokens == 32
    roberta = build(tmp_path / "r", Kind("roberta"))
    changed("sentence_bert_config.json", max_seq_length=512)(roberta)
    assert read_folder(roberta).most_tokens == 32


def test_what_is_put_before_a_text(tmp_path: Path) -> None:
    """A prompt, where the folder says that it is always used; lower case, where it says so."""
    folder = build(tmp_path / "m")
    plain = SentenceEncoder(folder)
    changed("config_sentence_transformers.json", prompts={"query": "the "}, default_prompt_name="query")(folder)
    assert np.allclose(SentenceEncoder(folder).encode("walrus"), plain.encode("the walrus"), atol=1e-6)
    changed("1_Pooling/config.json", include_prompt=False)(folder)
    with pytest.raises(UnknownModelError, match="its prompt is left out of the pooling"):
        read_folder(folder)
    changed("config_sentence_transformers.json", default_prompt_name=None)(folder)
    changed("sentence_bert_config.json", do_lower_case=True)(folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    assert np.allclose(SentenceEncoder(folder).encode("WALRUS"), plain.encode("walrus"), atol=1e-6)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("acme/m", "acme/m"),
        ("relative/m", "relative/m"),
        ("/models/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("/models/all-MiniLM-L6-v2/", "all-MiniLM-L6-v2"),
        ("~/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("/hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/5f1b", "all-MiniLM-L6-v2"),
        ("/hub/models--acme--m/snapshots/5f1b", "acme/m"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_the_name_of_vectors(model: str, name: str) -> None:
    """That of the model, wherever its files are."""
    assert normal_name(hub.stored_name(model)) == name


def test_which_revision_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the main branch, else the newest; or the folder of an older sentence-transformers."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    kept = tmp_path / "hub" / "models--acme--m"
    assert hub.folder_of("acme/m") is None
    (kept / "snapshots").mkdir(parents=True)
    assert hub.folder_of("acme/m") is None
    for place, revision in enumerate(("old", "new")):
        (kept / "snapshots" / revision).mkdir()
        os.utime(kept / "snapshots" / revision, (place, place))
    assert hub.folder_of("acme/m") == kept / "snapshots" / "new"
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("old", encoding="ascii")
    assert hub.folder_of(" acme/m ") == kept / "snapshots" / "old"
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", str(tmp_path / "st"))
    older = build(tmp_path / "st" / "acme_n")
    assert hub.folder_of("acme/n") == older
