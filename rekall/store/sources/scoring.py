"""How well a source has served: the formulas of 0.3."""

from __future__ import annotations

import math
from datetime import datetime

from rekall.models import DECAY_RATE_HALF_LIVES, ROLE_BONUS, SEED_BONUS, Source
from rekall.store.rows import local_time

BEST_WEIGHT = 15
WEIGHTS = {"seed": BEST_WEIGHT, "authority": 13, "promoted": 12, "other": 10}
"""What a source counts in the citation quality of its neighbours, in tenths: whole numbers add up without error."""

_MIDDLE, _BEST = 50.0, 100.0
_MOST_FOR_USE, _LEAST_FOR_AGE = 2.0, 0.2
_RELIABILITY = {"A": 1.2, "B": 1.0, "C": 0.8}
_MOST_FOR_CITATION = 0.2


def score(source: Source, now: datetime) -> float:
    """50 * use * recency * reliability, from 0 to 100.

    Use: min(2, 1 + log2(uses + 1) / 5). Recency: 1 where it was never used, else max(0.2, 0.5 ** (days / half-life))
    with the half-life of `DECAY_RATE_HALF_LIVES`. Reliability: 1.2 for A, 1.0 for B, 0.8 for C.
    """
    return _clamped(_served(source, now))


def score_v2(source: Source, now: datetime) -> float:
    """The product of `score` * role * seed * (1 + 0.2 * citation quality), from 0 to 100.

    Role: `ROLE_BONUS`. Seed: `SEED_BONUS` for a seed, else 1. Citation quality: the one stored on the object.
    """
    bonus = ROLE_BONUS[source.role] * (SEED_BONUS if source.is_seed else 1.0)
    return _clamped(_served(source, now) * bonus * (1 + _MOST_FOR_CITATION * source.citation_quality_factor))


def citation_quality(weight: int | None, cited: int | None) -> float:
    """weight / (1.5 * cited), to three decimals: 0.667 to 1, and 0 where nothing is cited beside the source.

    Args:
        weight: the sum of `WEIGHTS` over the citations of other sources by the entries that cite this one.
        cited: how many such citations there are.
    """
    return round(weight / (BEST_WEIGHT * cited), 3) if weight and cited else 0.0


def _served(source: Source, now: datetime) -> float:
    use = min(_MOST_FOR_USE, 1 + math.log2(max(0, source.usage_count) + 1) / 5)
    return _MIDDLE * use * _recency(source, now) * _RELIABILITY[source.reliability]


def _recency(source: Source, now: datetime) -> float:
    if source.last_used is None:
        return 1.0
    # a clock that was set back makes no source more recent than now
    days = max(0, (now - local_time(source.last_used)).days)
    return float(max(_LEAST_FOR_AGE, 0.5 ** (days / DECAY_RATE_HALF_LIVES[source.decay_rate])))


def _clamped(value: float) -> float:
    return max(0.0, min(_BEST, value))
