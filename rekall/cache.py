"""SHIM FACADE: the embedding cache that programs written for Rekall 0.3 import.

It keeps the order of its ids and the assembled matrix. The vectors themselves live in whatever cache back end the
container resolves, each under the prefix of its instance as data type, shape and bytes. numpy, which is optional, is
imported when the first vector comes or goes.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rekall import config
from rekall.infra.container import get_cache

__all__ = ["EmbeddingCache", "get_embedding_cache", "reset_embedding_cache"]


class EmbeddingCache:
    """Vectors by entry id: bounded, least recently used first out, none older than its lifetime.

    The back end has a bound of its own: a vector that it dropped is a miss.

    Args:
        maxsize: vectors kept at most; 0 keeps none.
        ttl_seconds: lifetime of a vector.
        clock: seconds that never go back; for tests.
    """

    def __init__(
        self, maxsize: int = 1000, ttl_seconds: int = 600, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.maxsize = maxsize
        self.ttl = ttl_seconds
        self._clock = clock
        self._prefix = f"embedding:{os.urandom(8).hex()}:"
        self._lock = threading.RLock()
        self._cache: OrderedDict[str, float] = OrderedDict()
        self._matrix_cache: Any = None
        self._matrix_ids: list[str] = []
        self._matrix_valid = False
        self._matrix_until = 0.0

    def put(self, entry_id: str, vector: Any) -> None:
        """Keep a copy of a vector, as 32-bit floats.

        Args:
            entry_id: replaces what was kept under it.
            vector: an array, or what numpy makes one of.
        """
        import numpy as np

        array = np.asarray(vector, dtype=np.float32)
        header = f"{array.dtype.str} {' '.join(map(str, array.shape))}\n"
        with self._lock:
            self._matrix_valid = False
            self._cache.pop(entry_id, None)
            while self._cache and len(self._cache) >= self.maxsize:
                self._forget(next(iter(self._cache)))
            if self.maxsize > 0:
                get_cache().set(self._prefix + entry_id, header.encode() + array.tobytes(), self.ttl)
                self._cache[entry_id] = self._clock()

    def get(self, entry_id: str) -> Any:
        """The vector, an array of 32-bit floats that the caller may change; None when it is not, or no longer, kept."""
        with self._lock:
            vector = self._read(entry_id)
            if vector is None:
                self.invalidate(entry_id)
            else:
                self._cache.move_to_end(entry_id)
            return vector

    def get_all_as_matrix(self) -> tuple[Any, list[str]] | None:
        """All vectors as the rows of one matrix, and their ids in the same order; None when there are none.

        As long as nothing is put, removed or too old, the same two objects are returned.
        """
        with self._lock:
            if not self._matrix_is_current():
                vectors = {entry_id: self._read(entry_id) for entry_id in self._cache}
                for entry_id in [one for one, vector in vectors.items() if vector is None]:
                    self._forget(entry_id)
                self._matrix_ids = list(self._cache)
                self._matrix_cache = self._stacked([vectors[entry_id] for entry_id in self._matrix_ids])
                self._matrix_valid = True
                self._matrix_until = min(self._cache.values(), default=self._clock()) + self.ttl
            return (self._matrix_cache, self._matrix_ids) if self._matrix_ids else None

    def invalidate(self, entry_id: str) -> bool:
        """Remove a vector; tell whether it was kept."""
        with self._lock:
            if entry_id not in self._cache:
                return False
            self._forget(entry_id)
            self._matrix_valid = False
            return True

    def clear(self) -> None:
        """Remove all vectors of this cache, and nothing else from the back end."""
        with self._lock:
            for entry_id in list(self._cache):
                self._forget(entry_id)
            self._matrix_cache, self._matrix_ids, self._matrix_valid = None, [], False

    @property
    def stats(self) -> dict[str, int | bool]:
        """`size`, `maxsize`, `ttl`, and `matrix_valid`: whether the matrix need not be assembled anew."""
        with self._lock:
            return {
                "size": len(self._cache),
                "maxsize": self.maxsize,
                "ttl": self.ttl,
                "matrix_valid": self._matrix_is_current(),
            }

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._cache

    def __len__(self) -> int:
        return len(self._cache)

    def _matrix_is_current(self) -> bool:
        return self._matrix_valid and self._clock() <= self._matrix_until

    def _too_old(self, since: float) -> bool:
        return self._clock() - since > self.ttl

    def _read(self, entry_id: str) -> Any:
        since = self._cache.get(entry_id)
        stored = None if since is None or self._too_old(since) else get_cache().get(self._prefix + entry_id)
        if stored is None:
            return None
        import numpy as np

        header, _, data = stored.partition(b"\n")
        dtype, *shape = header.decode().split()
        return np.frombuffer(data, dtype).reshape([int(length) for length in shape]).copy()

    @staticmethod
    def _stacked(vectors: list[Any]) -> Any:
        if not vectors:
            return None
        import numpy as np

        return np.stack(vectors)

    def _forget(self, entry_id: str) -> None:
        del self._cache[entry_id]
        get_cache().delete(self._prefix + entry_id)


_embedding_cache: EmbeddingCache | None = None
_embedding_cache_lock = threading.Lock()


def get_embedding_cache(maxsize: int | None = None, ttl_seconds: int | None = None) -> EmbeddingCache:
    """The embedding cache of this process.

    Args:
        maxsize: for the first call only; None or 0 takes the configured `performance.cache_max_size`.
        ttl_seconds: for the first call only; None or 0 takes the configured `performance.cache_ttl_seconds`.
    """
    global _embedding_cache
    with _embedding_cache_lock:
        if _embedding_cache is None:
            current = config.get_config()
            _embedding_cache = EmbeddingCache(
                maxsize or current.perf_cache_max_size, ttl_seconds or current.perf_cache_ttl_seconds
            )
        return _embedding_cache


def reset_embedding_cache() -> None:
    """Forget the embedding cache of this process; what it kept in the back end goes with its lifetime."""
    global _embedding_cache
    with _embedding_cache_lock:
        _embedding_cache = None
