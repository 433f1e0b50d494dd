"""A package that is called sentence_transformers: it has the calls of the real one that Rekall makes, and no model.

It writes down what it was asked, and what the environment said when it was imported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VARIABLES = (
    *("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_PROGRESS_BARS"),
    *("HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"),
)
"""What the libraries read of the environment when they are imported."""

_SOURCE = """
import json, os, zlib
import numpy as np

LOG = {log!r}
NAMES = {names!r}


def _note(**what):
    with open(LOG, "a") as file:
        file.write(json.dumps(what) + "\\n")


_note(imported={{name: os.environ.get(name) for name in NAMES}})


class SentenceTransformer:
    def __init__(self, name, *, local_files_only=False):
        _note(loaded=name, local_files_only=local_files_only)
        if "broken" in name:
            raise OSError("the weights are damaged\\nin many lines")

    def {method}(self):
        return {dimensions}

    def encode(self, sentences, *, show_progress_bar=None):
        assert isinstance(sentences, list) and show_progress_bar is False
        vectors = np.zeros((len(sentences), {dimensions}))
        for row, text in zip(vectors, sentences):
            row[:] = np.random.default_rng(zlib.crc32(text.encode())).normal(size={dimensions})
        return vectors
"""


def install(folder: Path, dimensions: int = 384, method: str = "get_embedding_dimension") -> Path:
    """Lay the package into a folder; returns the file with its notes.

    Args:
        folder: Python is to import from it.
        dimensions: length of the vectors.
        method: tells it; older versions have another name for it.
    """
    package = folder / "sentence_transformers"
    package.mkdir(parents=True)
    log = folder / "log"
    (package / "__init__.py").write_text(
        _SOURCE.format(log=str(log), names=VARIABLES, dimensions=dimensions, method=method)
    )
    return log


def notes(log: Path) -> list[dict[str, Any]]:
    """What it wrote down."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def keep_model(home: Path, name: str) -> None:
    """A folder as the hub's cache keeps the files of a model, in a home directory."""
    full = name if "/" in name else f"sentence-transformers/{name}"
    (home / ".cache" / "huggingface" / "hub" / f"models--{full.replace('/', '--')}" / "snapshots").mkdir(parents=True)
