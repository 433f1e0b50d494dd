"""What decides when a staged page becomes a source: plain settings, which the configuration and the promotion share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class PromotionConfig:
    """Weights, limits and threshold of the promotion score, with the defaults of Rekall 0.3.

    Args:
        citation_weight: part of the score that citations give.
        project_weight: part of the score that projects give.
        recency_weight: part of the score that a recent sight of the page gives.
        promotion_threshold: score from which a page is promoted, 0 to 100.
        near_threshold_pct: part of the threshold from which a page counts as near.
        recency_half_life_days: days after which the recency part is halved.
        max_citations: citations that give the full part.
        max_projects: projects that give the full part.
    """

    citation_weight: float = 0.4
    project_weight: float = 0.3
    recency_weight: float = 0.3
    promotion_threshold: float = 70.0
    near_threshold_pct: float = 0.8
    recency_half_life_days: float = 30.0
    max_citations: int = 10
    max_projects: int = 5
