"""The numbers of a model: safetensors files, of which each tensor is read when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekall.errors import EmbeddingModelUnavailableError

if TYPE_CHECKING:
    from rekall.models import Vector

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_READABLE = ("F32", "F16", "F64")


class Weights:
    """The tensors of a folder. The files are mapped into memory as long as this object lives.

    Args:
        folder: holds model.safetensors, or several files and the index that says which tensor is in which.

    Raises:
        EmbeddingModelUnavailableError: a file is missing, damaged, or holds numbers of a form that numpy lacks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, Any] = {}
        self._paths: dict[str, Path] = {}
        for file in weight_files(folder):
            opened = _open(file)
            names = list(opened.keys())
            self._files.update(dict.fromkeys(names, opened))
            self._paths.update(dict.fromkeys(names, file))

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def prefix_of(self, suffix: str) -> str | None:
        """What stands before a name in the file: `bert.` or nothing; None when no tensor is called so."""
        return min((name[: -len(suffix)] for name in self._files if name.endswith(suffix)), key=len, default=None)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return tuple(self._slice(name).get_shape())

    def tensor(self, name: str, shape: tuple[int, ...]) -> Vector:
        """A whole tensor as 32-bit floats.

        Args:
            name: as in the file.
            shape: that it has to have.
        """
        import numpy as np

        found = self.shape(name)
        if found != shape:
            raise EmbeddingModelUnavailableError(
                f"{self._folder} does not fit its config.json: {name} has the shape {found}, not {shape}"
            )
        return np.ascontiguousarray(self._files[name].get_tensor(name), dtype=np.float32)

    def rows(self, name: str) -> Callable[[Sequence[int]], Vector]:
        """What reads some rows of a matrix, so that a large one need not be in memory; it outlives this object.

        Returns:
            A function from n numbers of rows to an array of shape (n, columns).
        """
        import numpy as np

        width = self.shape(name)[1]
        # mapped anew: the pages that were read for other tensors go with this object
        matrix = _open(self._paths[name]).get_slice(name)

        def read(numbers: Sequence[int]) -> Vector:
            found = np.empty((len(numbers), width), dtype=np.float32)
            for place, number in enumerate(numbers):
                found[place] = matrix[number : number + 1][0]
            return found

        return read

    def _slice(self, name: str) -> Any:
        if name not in self._files:
            raise EmbeddingModelUnavailableError(f"{self._folder} does not fit its config.json: it has no {name}")
        found = self._files[name].get_slice(name)
        if found.get_dtype() not in _READABLE:
            raise EmbeddingModelUnavailableError(
                f"the weights of {self._folder} are stored as {found.get_dtype()}, which numpy has not:"
                " run 'pip install sentence-transformers'"
            )
        return found


def _open(file: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(file, framework="np")
    except (OSError, SafetensorError) as error:
        raise EmbeddingModelUnavailableError(f"{file} is damaged ({error})") from error


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights of a folder.

    Raises:
        EmbeddingModelUnavailableError: one is missing, or the index of several cannot be read.
    """
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        files = [folder / WEIGHTS]
    else:
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            files = sorted({folder / str(name) for name in index["weight_map"].values()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise EmbeddingModelUnavailableError(f"{folder / INDEX} is damaged ({error})") from error
    for file in files:
        if not file.is_file():
            raise EmbeddingModelUnavailableError(f"{file} is missing")
    return files
