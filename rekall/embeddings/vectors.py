"""How alike vectors are: the cosine of the angle between them. numpy, which is optional, is loaded on use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def cosine_similarity(vec1: np.ndarray[Any, Any], vec2: np.ndarray[Any, Any]) -> float:
    """The cosine of the angle between two vectors, from -1 to 1; 0 when one of them has no length.

    Args:
        vec1: shape (n,).
        vec2: shape (n,).
    """
    import numpy as np

    lengths = float(np.linalg.norm(vec1)) * float(np.linalg.norm(vec2))
    return float(np.dot(vec1, vec2)) / lengths if lengths else 0.0


def batch_cosine_similarity(
    query_vec: np.ndarray[Any, Any],
    vectors_matrix: np.ndarray[Any, Any],
    entry_ids: list[str],
    threshold: float = 0.0,
    limit: int = 20,
    exclude_id: str | None = None,
) -> list[tuple[str, float]]:
    """The vectors most like one, best first; equally good ones in their order.

    Args:
        query_vec: shape (n,); one without length is like nothing.
        vectors_matrix: shape (entries, n).
        entry_ids: one for each row.
        threshold: the lowest similarity that counts.
        limit: results at most.
        exclude_id: an id to pass over.

    Returns:
        Pairs of id and similarity.
    """
    import numpy as np

    query, rows = np.asarray(query_vec, dtype=np.float32), np.asarray(vectors_matrix, dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):  # a damaged vector is like nothing
        length = float(np.linalg.norm(query))
        if not rows.size or not length:
            return []
        lengths = np.linalg.norm(rows, axis=1)
        lengths[lengths == 0] = 1  # like nothing: 0
        scores = (rows @ query) / (lengths * length)
    places = np.flatnonzero(scores >= threshold)
    ranked = places[np.argsort(-scores[places], kind="stable")]
    found = [(entry_ids[place], float(scores[place])) for place in ranked[: max(limit, 0) + 1]]
    return [one for one in found if one[0] != exclude_id][: max(limit, 0)]


def unit_rows(vectors: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Vectors with the length 1; one without length stays as it is, a damaged one is like no other.

    Args:
        vectors: shape (n, dimensions).
    """
    import numpy as np

    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        lengths[lengths == 0] = 1
        unit: np.ndarray[Any, Any] = vectors / lengths
    return unit


def matryoshka(vector: np.ndarray[Any, Any], dimensions: int) -> np.ndarray[Any, Any]:
    """The beginning of a vector that is longer, with the length 1 again; a shorter one as it is.

    Args:
        vector: shape (n,), of a model trained to hold most of its meaning in the first numbers.
        dimensions: numbers to keep.
    """
    import numpy as np

    if len(vector) <= dimensions:
        return vector
    cut = vector[:dimensions]
    length = float(np.linalg.norm(cut))
    shortened: np.ndarray[Any, Any] = cut / length if length else cut
    return shortened
