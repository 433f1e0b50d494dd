"""The vectors of a base most like one: computed inside SQLite by sqlite-vec where it can be loaded, else by numpy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekall.embeddings import matrix
from rekall.embeddings.vectors import unit_rows
from rekall.store import OpenBase
from rekall.store.vectors import ACTIVE_ENTRIES, EVERY_ENTRY, EntryFilter, VectorSpace
from rekall.store.vectors import matrix as as_rows

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

SUMMARY: Mapping[str, float] = {"summary": 1.0}
"""Vectors of summaries alone: what the names of 0.3 compare."""
SUMMARY_AND_CONTEXT: Mapping[str, float] = {**SUMMARY, "context": 0.85}
"""Both vectors of an entry. A context says less of what an entry is about: with a weight of 1 the order gets worse."""
_SPARE = 4
"""Times as many vectors as wanted are looked at first, where a filter may pass over some."""
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
    kinds: Mapping[str, float] = SUMMARY,
) -> list[tuple[str, float]]:
    """Ids of the entries whose vectors are most like one, and how like, best first.

    Every way compares every vector of the space, and gives the same.

    Args:
        query: the vector, `space.dimensions` 32-bit floats.
        limit: results at most; a negative number is no limit.
        threshold: the lowest similarity.
        backend: `auto`, `sqlite-vec` or `numpy`, as `performance.vector_backend` says. `auto` is the matrix that the
            cache has; where it has none, sqlite-vec for the first search of the same vectors (where that cannot be
            used numpy, page by page), and numpy, which makes the matrix, for the second. Where sqlite-vec is wanted and
            cannot be used, a warning is logged and numpy does it.
        exclude_id: an id to pass over.
        where: the entries looked at.
        kinds: the types of vectors, each with what its similarities are multiplied by; of an entry that has several
            vectors the best counts.

    Raises:
        MissingDependencyError: numpy is needed and not installed.
    """
    if limit == 0:
        return []
    if backend == "sqlite-vec":
        reason = db.store.vectors.cannot_compute()
        if reason is not None:
            logger.warning("performance.vector_backend is sqlite-vec, but %s: numpy is used", reason)
            backend = "numpy"
    more = limit if limit < 0 or exclude_id is None else limit + 1
    parts = [
        (weight, _nearest_of_kind(db, query, space, kind, more, threshold / weight, backend, where))
        for kind, weight in kinds.items()
    ]
    found = [one for one in _best_of(parts) if one[0] != exclude_id]
    return found if limit < 0 else found[:limit]


def _nearest_of_kind(
    db: OpenBase,
    query: bytes,
    space: VectorSpace,
    kind: str,
    limit: int,
    threshold: float,
    backend: str,
    where: EntryFilter,
) -> list[tuple[str, float]]:
    vectors = db.store.vectors
    cached = None if backend == "sqlite-vec" else matrix.kept(db, space, kind)
    keep = cached is None and (backend == "numpy" or (backend == "auto" and matrix.is_worth_keeping(db, space, kind)))
    if backend == "sqlite-vec" or (cached is None and not keep and vectors.cannot_compute() is None):
        return vectors.nearest(query, space, limit=limit, threshold=threshold, kind=kind, where=where)
    unit = unit_rows(as_rows([query]))[0]
    if not unit.any():
        return []  # a vector without length is like nothing
    if cached is not None:
        return _admitted(db, cached, unit, threshold, limit, where)
    best: list[tuple[str, float]] = []
    for part in matrix.read(db, space, kind, keep=keep):
        best += _admitted(db, part, unit, threshold, limit, where)
        best.sort(key=lambda one: -one[1])
        if limit > 0:
            del best[limit:]
    return best


def _admitted(
    db: OpenBase,
    vectors: matrix.UnitVectors,
    query: np.ndarray[Any, Any],
    threshold: float,
    limit: int,
    where: EntryFilter,
) -> list[tuple[str, float]]:
    """The best among the entries that a filter admits: some more of the best than wanted hold enough, most often."""
    if where == EVERY_ENTRY:
        return vectors.best(query, threshold, limit)
    if where == ACTIVE_ENTRIES:
        inactive = db.store.vectors.inactive()
        found = vectors.best(query, threshold, limit if limit < 0 else limit + len(inactive))
        best = [one for one in found if one[0] not in inactive]
        return best if limit < 0 else best[:limit]
    if limit > 0:
        first = vectors.best(query, threshold, _SPARE * limit)
        admitted = db.store.vectors.admitted(where, [entry_id for entry_id, _ in first])
        best = [one for one in first if one[0] in admitted]
        if len(best) >= limit or len(first) < _SPARE * limit:
            return best[:limit]
    admitted = db.store.vectors.admitted(where)
    best = [one for one in vectors.best(query, threshold, -1) if one[0] in admitted]
    return best if limit < 0 else best[:limit]


def _best_of(parts: Sequence[tuple[float, list[tuple[str, float]]]]) -> list[tuple[str, float]]:
    """Each id with the best of its weighted similarities, best first; equally good ones in the order of the parts."""
    best: dict[str, float] = {}
    for weight, found in parts:
        for entry_id, similarity in found:
            best[entry_id] = max(weight * similarity, best.get(entry_id, -1.0))
    return sorted(best.items(), key=lambda one: -one[1])


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
