"""The vectors of a base most like one: computed inside SQLite by sqlite-vec where it can be loaded, else by numpy."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rekall.embeddings.vectors import batch_cosine_similarity, unit_rows
from rekall.store import OpenBase
from rekall.store.vectors import EVERY_ENTRY, EntryFilter, VectorSpace, matrix

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

_AT_ONCE = 128
"""Vectors that are compared with all others at once, when groups are made."""


def nearest(
    db: OpenBase,
    query: bytes,
    space: VectorSpace,
    *,
    limit: int,
    threshold: float,
    backend: str,
    exclude_id: str | None = None,
    where: EntryFilter = EVERY_ENTRY,
) -> list[tuple[str, float]]:
    """Ids of the entries whose summary vectors are most like one, and how like, best first.

    Both ways compare every vector of the space, and give the same.

    Args:
        query: the vector, `space.dimensions` 32-bit floats.
        limit: results at most; a negative number is no limit.
        threshold: the lowest similarity.
        backend: `auto`, `sqlite-vec` or `numpy`, as `performance.vector_backend` says. Where sqlite-vec is wanted and
            cannot be used, a warning is logged and numpy does it.
        exclude_id: an id to pass over.
        where: the entries looked at.

    Raises:
        MissingDependencyError: numpy is needed and not installed.
    """
    if limit == 0:
        return []
    if backend != "numpy":
        reason = db.store.vectors.cannot_compute()
        if reason is None:
            more = limit if limit < 0 or exclude_id is None else limit + 1
            found = db.store.vectors.nearest(query, space, limit=more, threshold=threshold, where=where)
            found = [one for one in found if one[0] != exclude_id]
            return found if limit < 0 else found[:limit]
        if backend == "sqlite-vec":
            logger.warning("performance.vector_backend is sqlite-vec, but %s: numpy is used", reason)
    best: list[tuple[str, float]] = []
    for ids, vectors in db.store.vectors.pages(space, where=where):
        most = len(ids) if limit < 0 else limit
        best += batch_cosine_similarity(matrix([query])[0], vectors, ids, threshold, most, exclude_id)
        best.sort(key=lambda one: -one[1])
        if limit > 0:
            del best[limit:]
    return best


def groups_of_similar(
    vectors: np.ndarray[Any, Any], threshold: float, on_progress: Callable[[int, int], None] | None = None
) -> list[list[int]]:
    """Vectors in groups: each a first one, and all those after it, in no group yet, that are like it.

    Args:
        vectors: shape (n, dimensions).
        threshold: the lowest similarity to the first of the group.
        on_progress: told how many vectors were looked at, and of how many.

    Returns:
        Places of vectors; each place in exactly one group.
    """
    import numpy as np

    unit = unit_rows(vectors)
    free = np.ones(len(unit), dtype=bool)
    groups = []
    for start in range(0, len(unit), _AT_ONCE):
        firsts = start + np.flatnonzero(free[start : start + _AT_ONCE])
        for first, scores in zip(firsts.tolist(), unit[firsts] @ unit[start:].T, strict=True):
            if free[first]:
                free[first] = False
                alike = start + np.flatnonzero((scores >= threshold) & free[start:])
                free[alike] = False
                groups.append([first, *alike.tolist()])
        if on_progress is not None:
            on_progress(min(start + _AT_ONCE, len(unit)), len(unit))
    return groups
