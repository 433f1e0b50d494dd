"""Where the files of a model are on this machine, and fetching them from the Hugging Face Hub when a person asks.

Finding looks at folders and imports nothing. Only `download` uses the network.
"""

from __future__ import annotations

import os
from pathlib import Path

from rekall.errors import EmbeddingModelUnavailableError, EmbeddingPackageMissingError

PUBLISHER = "sentence-transformers"
_NEEDED = (
    *("config.json", "modules.json", "config_sentence_transformers.json", "sentence_*_config.json"),
    *("tokenizer.json", "tokenizer_config.json", "model*.safetensors", "model.safetensors.index.json"),
    # folders of modules: 1_Pooling, 2_Dense
    *("[0-9]_*/*.json", "[0-9]_*/*.safetensors"),
)


def own_folder(model_name: str) -> Path | None:
    """The folder that a model's name is: a full path, or one from the home directory; None for a name of the hub."""
    path = Path(model_name.strip())
    if model_name.strip().startswith("~"):
        path = path.expanduser()
    return path if path.is_absolute() else None


def stored_name(model_name: str) -> str:
    """The name under which vectors of a model are stored, a publisher before it or not.

    Of a folder it is the folder's own name, and of one in a cache of the hub's library that of the model: vectors of
    all-MiniLM-L6-v2 are the same ones wherever its files are.
    """
    own = own_folder(model_name)
    if own is None:
        return model_name
    kept = own.parent.parent.name
    if own.parent.name == "snapshots" and kept.startswith("models--"):
        return kept.removeprefix("models--").replace("--", "/")
    return own.name or str(own)


def folder_of(model_name: str) -> Path | None:
    """The folder that holds the files of a model, None where there is none.

    Args:
        model_name: a folder, or a name of the hub; without a publisher it is one of sentence-transformers.
    """
    own = own_folder(model_name)
    if own is not None:
        return own if own.is_dir() else None
    name = full_name(model_name)
    for cache in caches():
        kept = cache / f"models--{name.replace('/', '--')}"
        snapshot = _snapshot(kept)
        if snapshot is not None:
            return snapshot
        older = cache / name.replace("/", "_")
        if (older / "config.json").is_file() or (older / "modules.json").is_file():
            return older
    return None


def _snapshot(kept: Path) -> Path | None:
    """The revision of a downloaded model that its main branch had, or else the newest."""
    try:
        revision = (kept / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        revision = ""
    if revision and (kept / "snapshots" / revision).is_dir():
        return kept / "snapshots" / revision
    found = [one for one in (kept / "snapshots").glob("*") if one.is_dir()]
    return max(found, key=lambda one: one.stat().st_mtime, default=None)


def full_name(model_name: str) -> str:
    """A name with its publisher."""
    name = model_name.strip()
    return name if "/" in name else f"{PUBLISHER}/{name}"


def caches() -> list[Path]:
    """The folders that keep downloaded models, as the environment of the libraries names them.

    What is fetched goes into the first.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = Path(os.environ.get("HF_HOME") or cache / "huggingface").expanduser()
    named = [os.environ.get(name) for name in ("SENTENCE_TRANSFORMERS_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")]
    return [*(Path(name).expanduser() for name in named if name), home / "hub"]


def download(model_name: str, *, anew: bool = False) -> Path:
    """Fetch the files of a model that Rekall reads, and no others, into the cache of the hub's library.

    Args:
        model_name: a name of the hub.
        anew: also those that are there.

    Returns:
        The folder.

    Raises:
        EmbeddingModelUnavailableError: the text says what stood in the way and what to do.
    """
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ModuleNotFoundError as error:
        raise EmbeddingPackageMissingError(
            "fetching a model needs huggingface_hub, which is not installed: run 'pip install huggingface_hub'"
        ) from error
    try:
        if anew:
            HfApi().model_info(full_name(model_name))  # without the network the library would give what is there
        kept = snapshot_download(
            full_name(model_name),
            cache_dir=caches()[0],
            allow_patterns=list(_NEEDED),
            force_download=anew,
        )
    except Exception as error:  # of the network, of the disk, of the hub: whatever stands in the way of these files
        raise EmbeddingModelUnavailableError(
            f"the model {model_name} cannot be fetched ({first_line(error)}): check its name and the network"
        ) from error
    return Path(kept)


def first_line(error: Exception) -> str:
    """What an error of a library says, on one line with its class."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
