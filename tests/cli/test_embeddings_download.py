"""`rekall embeddings --download` with a server that speaks as the Hugging Face Hub does; a folder as the model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support import meaning, model_hub
from support.command_line import CommandLine, one_error_line
from support.model_hub import REVISION, ModelHub
from support.tiny_models import Kind, build

NAME = "all-MiniLM-L6-v2"
FULL = f"sentence-transformers/{NAME}"
_NO_SOCKETS = """
import sys
def hook(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(hook)
"""
_REKALL = """
import sys
sys.modules["sentence_transformers"] = None
import runpy; runpy.run_module("rekall", run_name="__main__")
"""


@pytest.fixture(autouse=True)
def _configured() -> None:
    """A base with one entry, stored before searches by meaning were switched on."""
    meaning.configure(NAME, 128, enabled=False)
    CommandLine().ok("add", "bug", "walrus at sea")
    meaning.configure(NAME, 128)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ModelHub]:
    """A server with one small model, and files beside it that Rekall has no use for."""
    folder = build(tmp_path / "published", Kind(size=128))
    for name in ("pytorch_model.bin", "onnx/model.onnx", "README.md", "vocab.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("large", encoding="utf-8")
    with model_hub.serving(FULL, folder) as running:
        yield running


def rekall(*args: str, environment: Mapping[str, str], first: str = "") -> subprocess.CompletedProcess[str]:
    """A process of its own, in which sentence-transformers is not installed."""
    return subprocess.run(
        [sys.executable, "-c", first + _REKALL, *args],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def failed(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout) == (1, ""), done
    return one_error_line(done.stderr)


def snapshot() -> Path:
    """Where the hub's library keeps the model."""
    return Path.home() / "hub" / "hub" / f"models--{FULL.replace('/', '--')}" / "snapshots" / REVISION


def test_only_what_is_needed_is_fetched(hub: ModelHub) -> None:
    """Once, into the cache of the hub's library; without the network it is found there afterwards, and computes."""
    done = rekall("embeddings", "--download", environment=hub.environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"The model {NAME} is on this machine.\n", "")
    needed = {"config.json", "modules.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert hub.fetched() == {*needed, "sentence_bert_config.json", "1_Pooling/config.json"}
    assert (snapshot() / "config.json").is_file()
    before = len(hub.asked)
    for args in (("embeddings", "--migrate"), ("add", "bug", "walrus"), ("search", "walrus", "--semantic-only")):
        done = rekall(*args, environment=hub.environment, first=_NO_SOCKETS)
        assert (done.returncode, done.stderr) == (0, ""), args
    answer = json.loads(rekall("embeddings", "--json", environment=hub.environment, first=_NO_SOCKETS).stdout)
    assert (answer["model"], answer["available"], answer["entries"]["current"]) == (NAME, True, 2)
    assert len(hub.asked) == before


def test_before_it_is_fetched(hub: ModelHub) -> None:
    """Status and migration say what to run, and ask nobody."""
    line = f"the embedding model {NAME} is not on this machine: run 'rekall embeddings --download'"
    assert json.loads(rekall("embeddings", "--json", environment=hub.environment).stdout)["problem"] == line
    assert failed(rekall("embeddings", "--migrate", environment=hub.environment)) == line
    assert hub.asked == []


def test_an_interrupted_download(hub: ModelHub) -> None:
    """One line; what is missing is told until the next download has brought it."""
    hub.cut = "model.safetensors"
    line = failed(rekall("embeddings", "--download", environment=hub.environment))
    assert line.startswith(f"the model {NAME} cannot be fetched (")
    assert line.endswith("): check its name and the network")
    line = json.loads(rekall("embeddings", "--json", environment=hub.environment).stdout)["problem"]
    assert "model.safetensors is missing): run 'rekall embeddings --download'" in line
    unreachable = {**hub.environment, "HF_ENDPOINT": "http://127.0.0.1:9"}
    assert "cannot be fetched" in failed(rekall("embeddings", "--download", environment=unreachable))
    hub.cut = ""
    done = rekall("embeddings", "--download", environment=hub.environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_damaged_file_is_fetched_anew(hub: ModelHub) -> None:
    """Though it is there, and the library of the hub takes it for whole."""
    assert rekall("embeddings", "--download", environment=hub.environment).returncode == 0
    weights = (snapshot() / "model.safetensors").resolve()
    weights.write_bytes(weights.read_bytes()[:1000])
    line = failed(rekall("embeddings", "--migrate", environment=hub.environment))
    assert line.startswith(f"Failed to load model {NAME} (")
    assert line.endswith("): run 'rekall embeddings --download'")
    assert rekall("embeddings", "--download", environment=hub.environment).returncode == 0
    done = rekall("embeddings", "--migrate", environment=hub.environment)
    assert (done.returncode, done.stdout) == (0, "Embedded 1 entry.\n")


def test_a_model_that_the_hub_has_not(hub: ModelHub) -> None:
    """One line."""
    meaning.configure("acme/other", 128)
    line = failed(rekall("embeddings", "--download", environment=hub.environment))
    assert line.startswith("the model acme/other cannot be fetched (")
    assert line.endswith("): check its name and the network")


def test_a_model_that_has_no_safetensors(hub: ModelHub) -> None:
    """A second download would not help: the line says what does."""
    (hub.folder / "model.safetensors").unlink()
    line = failed(rekall("embeddings", "--download", environment=hub.environment))
    assert line.endswith("model.safetensors is missing): choose another model, or 'pip install sentence-transformers'")


def test_an_architecture_that_rekall_has_not(hub: ModelHub) -> None:
    """The line names it, and what computes it."""
    config = json.loads((hub.folder / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "nomic_bert", "architectures": ["NomicBertModel"]}
    (hub.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    line = failed(rekall("embeddings", "--download", environment=hub.environment))
    assert "(its architecture is NomicBertModel): run 'pip install sentence-transformers'" in line


def test_a_folder_needs_no_download(tmp_path: Path) -> None:
    """It is used as it is; asking for a download says so, and a folder that is not there is told."""
    meaning.configure(str(build(tmp_path / "my-model", Kind(size=128))), 128)
    done = rekall("embeddings", "--migrate", "--json", environment={}, first=_NO_SOCKETS)
    assert (json.loads(done.stdout)["model"], json.loads(done.stdout)["embedded"]) == ("my-model", 1)
    line = failed(rekall("embeddings", "--download", environment={}, first=_NO_SOCKETS))
    assert line == f"the model {tmp_path / 'my-model'} is a folder of your own: there is nothing to fetch"
    meaning.configure(str(tmp_path / "gone"), 128)
    line = failed(rekall("embeddings", "--migrate", environment={}, first=_NO_SOCKETS))
    assert line == (
        f"the embedding model {tmp_path / 'gone'} is not on this machine: correct smart_embeddings.model, a folder"
    )
