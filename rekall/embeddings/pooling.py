"""How the vectors of the tokens of a text become one: the ways of sentence-transformers. numpy is loaded on use."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rekall.models import Vector

FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
"""What a config.json says of each way, true or false, in the order in which several are put behind one another.

Newer ones name the ways under `pooling_mode`.
"""


def _weighted_mean(vectors: Vector) -> Vector:
    """Each token counts as much as its place says: Muennighoff, "SGPT" (2022)."""
    import numpy as np

    places = np.arange(1, len(vectors) + 1, dtype=np.float32)
    return np.asarray(places @ vectors / places.sum(), dtype=np.float32)


POOLINGS: dict[str, Callable[[Vector], Vector]] = {
    "cls": lambda vectors: vectors[0],
    "lasttoken": lambda vectors: vectors[-1],
    "max": lambda vectors: vectors.max(axis=0),
    "mean": lambda vectors: vectors.mean(axis=0),
    "mean_sqrt_len_tokens": lambda vectors: vectors.sum(axis=0) / math.sqrt(len(vectors)),
    "weightedmean": _weighted_mean,
}
"""From an array of shape (tokens, n) to one of shape (n,)."""
