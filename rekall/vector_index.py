"""An index of vectors over a raw sqlite3 connection, as Rekall 0.3 had it: by sqlite-vec, or by numpy.

Rekall's own searches do without it (`rekall.embeddings`): they compare the stored vectors, which never lag behind.
"""

from __future__ import annotations

import importlib.util
import logging
import sqlite3
from typing import TYPE_CHECKING

from rekall import config
from rekall.embeddings import hub
from rekall.embeddings.embedder import spellings
from rekall.store import vector_extension, vector_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

SQLITE_VEC_AVAILABLE = importlib.util.find_spec("sqlite_vec") is not None
"""Whether the package sqlite-vec is installed; looked at by each new index."""
_sqlite_vec_path: str | None = None
"""The library of sqlite-vec, when it is not that of the package."""


class VectorIndex:
    """Finds the vectors most like one.

    With numpy it holds nothing and compares what `search` is given. With sqlite-vec it keeps a table of its own in the
    base, which `rebuild`, `add` and `delete` change; the caller commits.

    Args:
        conn: an open base.
        dimensions: length of the vectors.
        backend: `sqlite-vec`; `auto`, which takes it where it can be loaded; anything else is numpy. When sqlite-vec is
            asked for and cannot be loaded, it is numpy, with a warning in the log.
        model_name: `rebuild` copies the vectors of this model; the configured one if left out.
    """

    def __init__(
        self, conn: sqlite3.Connection, dimensions: int = 384, backend: str = "auto", *, model_name: str | None = None
    ) -> None:
        self._conn = conn
        self._dimensions = dimensions
        self._requested_backend = backend
        self._model_name = model_name
        self._vec_loaded = False
        if backend in ("auto", "sqlite-vec"):
            reason = _load(conn)
            self._vec_loaded = reason is None
            if backend == "sqlite-vec" and reason is not None:
                logger.warning("the vector index uses numpy: %s", reason)
        self._backend = "sqlite-vec" if self._vec_loaded else "numpy"

    @property
    def backend(self) -> str:
        """`sqlite-vec` or `numpy`."""
        return self._backend

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return self._dimensions

    def is_available(self) -> bool:
        """Whether it can be searched; numpy always can."""
        return self._backend == "numpy" or self._vec_loaded

    def search(
        self,
        query_vec: NDArray[np.float32],
        k: int = 10,
        entry_ids: list[str] | None = None,
        vectors: NDArray[np.float32] | None = None,
    ) -> list[tuple[str, float]]:
        """Ids and cosine similarities of the vectors most like one, best first.

        Args:
            query_vec: shape (dimensions,).
            k: results at most; 0 gives none.
            entry_ids: of the vectors, for numpy; without them it finds nothing.
            vectors: shape (n, dimensions), rows of length 1, for numpy.
        """
        if k <= 0:
            return []
        if self._backend == "sqlite-vec":
            return self._search_sqlite_vec(query_vec, k)
        return self._search_numpy(query_vec, k, entry_ids, vectors)

    def add(self, entry_id: str, vector: NDArray[np.float32]) -> bool:
        """Keep a vector, in place of the one before; False when sqlite-vec refuses it. numpy keeps none."""
        if self._backend != "sqlite-vec":
            return True
        try:
            vector_table.create(self._conn, self._dimensions)
            vector_table.replace(self._conn, [(entry_id, _unit(vector).tobytes())])
        except sqlite3.OperationalError as error:
            logger.warning("the vector of %s is not indexed: %s", entry_id, error)
            return False
        return True

    def delete(self, entry_id: str) -> bool:
        """Remove a vector; False when there is no table. numpy keeps none."""
        if self._backend != "sqlite-vec":
            return True
        try:
            vector_table.remove(self._conn, entry_id)
        except sqlite3.OperationalError as error:
            logger.warning("the vector of %s is not removed from the index: %s", entry_id, error)
            return False
        return True

    def rebuild(self) -> int:
        """Copy the summary vectors of the model and of this length anew; how many there are. numpy copies none."""
        if self._backend != "sqlite-vec":
            return 0
        models = spellings(hub.stored_name(self._model_name or config.get_config().smart_embeddings_model))
        try:
            return vector_table.rebuild(self._conn, self._dimensions, models, lambda vector: _unit(vector).tobytes())
        except sqlite3.OperationalError as error:
            logger.warning("the vector index is not rebuilt: %s", error)
            return 0

    @property
    def stats(self) -> dict[str, str | int | bool]:
        """`backend`, `requested_backend`, `dimensions`, `sqlite_vec_available`, `vec_loaded`."""
        return {
            "backend": self._backend,
            "requested_backend": self._requested_backend,
            "dimensions": self._dimensions,
            "sqlite_vec_available": SQLITE_VEC_AVAILABLE,
            "vec_loaded": self._vec_loaded,
        }

    def _search_numpy(
        self,
        query: NDArray[np.float32],
        k: int,
        entry_ids: list[str] | None,
        vectors: NDArray[np.float32] | None,
    ) -> list[tuple[str, float]]:
        if not entry_ids or vectors is None or not len(vectors) or k <= 0:
            return []
        import numpy as np

        scores = np.asarray(vectors, dtype=np.float32) @ _unit(query)
        best = np.argsort(-scores, kind="stable")[:k]
        return [(entry_ids[place], float(scores[place])) for place in best]

    def _search_sqlite_vec(self, query: NDArray[np.float32], k: int) -> list[tuple[str, float]]:
        try:
            found = vector_table.nearest(self._conn, _unit(query).tobytes(), k) if k > 0 else []
        except sqlite3.OperationalError as error:
            logger.warning("the vector index cannot be searched: %s", error)
            return []
        return [(entry_id, 1 - distance * distance / 2) for entry_id, distance in found]


def create_embeddings_vec_table(conn: sqlite3.Connection, dimensions: int = 384) -> bool:
    """Make the table of sqlite-vec in an open base; one that is there stays.

    Returns:
        Whether it is there: not without sqlite-vec.
    """
    if _load(conn) is not None:
        return False
    try:
        vector_table.create(conn, dimensions)
    except sqlite3.OperationalError as error:
        logger.warning("the table of vectors cannot be made: %s", error)
        return False
    return True


def _load(conn: sqlite3.Connection) -> str | None:
    if not SQLITE_VEC_AVAILABLE and _sqlite_vec_path is None:
        return vector_extension.NOT_INSTALLED
    return vector_extension.load(conn, _sqlite_vec_path)


def _unit(vector: NDArray[np.float32] | bytes) -> NDArray[np.float32]:
    """The vector with the length 1, or as it is when it has none."""
    import numpy as np

    numbers = np.frombuffer(vector, "<f4") if isinstance(vector, bytes) else np.asarray(vector, dtype=np.float32)
    length = float(np.linalg.norm(numbers))
    unit: NDArray[np.float32] = numbers / np.float32(length) if length else numbers
    return unit
