"""From a staged page to a source: the promotion score, who is eligible, and the promotion itself.

Every `config` left out is the one of config.toml.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rekall.config import get_promotion_config
from rekall.errors import GuardFailed
from rekall.models import StagingEntry
from rekall.promotion_config import PromotionConfig
from rekall.store import OpenBase
from rekall.store.rows import local_time
from rekall.store.sources.staged import StagedPages

__all__ = [
    "BatchPromotionResult",
    "PromotionConfig",
    "PromotionResult",
    "auto_promote_eligible",
    "calculate_promotion_score",
    "demote_source",
    "get_promotion_indicator",
    "is_eligible_for_promotion",
    "is_near_promotion",
    "promote_source",
]

_DAY = timedelta(days=1)
_AT_ONCE = 500


@dataclass
class PromotionResult:
    """What became of one promotion or demotion.

    Args:
        source_id: the source that was made or removed, or the one that is in the way.
        error: why not, None on success.
    """

    success: bool
    source_id: str | None = None
    staging_id: str | None = None
    error: str | None = None


@dataclass
class BatchPromotionResult:
    """What became of many promotions.

    Args:
        total_eligible: pages that the settings let pass; in a dry run nothing else is counted.
        already_promoted: pages that were sources before.
        errors: address and reason of each failure.
    """

    total_eligible: int = 0
    promoted: int = 0
    failed: int = 0
    already_promoted: int = 0
    errors: list[str] = field(default_factory=list)


def calculate_promotion_score(
    staging: StagingEntry, config: PromotionConfig | None = None, now: datetime | None = None
) -> float:
    """How much a page has earned a place among the sources, 0 to 100 with weights that add up to 1.

    100 * (wc * min(c / maxc, 1) + wp * min(p / maxp, 1) + wr * 0.5 ** (days since last seen / half life)), with two
    decimals, for c citations and p projects. A page never seen has no recency, one seen in the future that of today.
    """
    config = config or get_promotion_config()
    recency = 0.0
    if staging.last_seen is not None and config.recency_half_life_days > 0:
        age = (local_time(now or datetime.now()) - local_time(staging.last_seen)) / _DAY
        recency = 0.5 ** (max(0.0, age) / config.recency_half_life_days)
    return round(
        100
        * (
            config.citation_weight * _part(staging.citation_count, config.max_citations)
            + config.project_weight * _part(staging.project_count, config.max_projects)
            + config.recency_weight * recency
        ),
        2,
    )


def _part(count: int, full: int) -> float:
    return min(count / full, 1.0) if full > 0 else 1.0


def is_eligible_for_promotion(
    staging: StagingEntry, config: PromotionConfig | None = None, score: float | None = None
) -> bool:
    """Whether a page would be promoted: accessible, not promoted, its score at the threshold.

    Args:
        score: computed if left out.
    """
    config = config or get_promotion_config()
    if not staging.is_accessible or staging.promoted_at is not None:
        return False
    return _score(staging, config, score) >= config.promotion_threshold


def is_near_promotion(staging: StagingEntry, config: PromotionConfig | None = None, score: float | None = None) -> bool:
    """Whether the score of a page is below the threshold, but near.

    Args:
        score: computed if left out.
    """
    config = config or get_promotion_config()
    near = config.near_threshold_pct * config.promotion_threshold
    return near <= _score(staging, config, score) < config.promotion_threshold


def get_promotion_indicator(
    staging: StagingEntry, config: PromotionConfig | None = None, score: float | None = None
) -> str:
    """One character for a list: promoted, not accessible, eligible, near, or a blank.

    Args:
        score: computed if left out.
    """
    config = config or get_promotion_config()
    score = _score(staging, config, score)
    if staging.promoted_at is not None:
        return "✓"
    if not staging.is_accessible:
        return "⚠"
    if is_eligible_for_promotion(staging, config, score):
        return "⬆"
    return "→" if is_near_promotion(staging, config, score) else " "


def _score(staging: StagingEntry, config: PromotionConfig, score: float | None) -> float:
    return calculate_promotion_score(staging, config) if score is None else score


def promote_source(
    db: OpenBase, staging: StagingEntry, notes: str | None = None, *, dry_run: bool = False
) -> PromotionResult:
    """Make a source of a page, whatever its score.

    Args:
        staging: notes when, and as which source, it was promoted.
        notes: not stored; 0.3 had no place for them either.
        dry_run: only tell whether it can be done; nothing is written.
    """
    pages = StagedPages(db.store.session)
    if dry_run:
        known = pages.sources_at([staging.url]).get(staging.url)
        return PromotionResult(True, None, staging.id) if known is None else _not_promoted(staging, known)
    (source_id,) = pages.promote([staging])
    if source_id is not None:
        return PromotionResult(True, source_id, staging.id)
    return _not_promoted(staging, pages.sources_at([staging.url]).get(staging.url))


def _not_promoted(page: StagingEntry, source_id: str | None) -> PromotionResult:
    if source_id is None:
        return PromotionResult(False, None, page.id, f"page {page.id} not found: list the pages again")
    return PromotionResult(False, source_id, page.id, f"a source already exists at this address: {source_id}")


def demote_source(db: OpenBase, source_id: str) -> PromotionResult:
    """Take a promotion back: the source goes, its page is a staged one again.

    A source that was promoted for its use and never was a page stays a source, and only its promotion goes. A seed is
    not demoted.
    """
    pages = StagedPages(db.store.session)
    standing = pages.standing(source_id)
    if standing is None:
        return PromotionResult(False, source_id, error=f"source {source_id} not found")
    if not standing["is_promoted"]:
        return PromotionResult(False, source_id, error=f"source {source_id} was not promoted")
    if standing["is_seed"]:
        return PromotionResult(False, source_id, error=f"source {source_id} is a seed: seeds are not demoted")
    if standing["page"] is None:
        db.store.promotions.demote_source(source_id)
        return PromotionResult(True, source_id)
    try:
        pages.demote(source_id)
    except GuardFailed:
        return PromotionResult(False, source_id, error=f"source {source_id} was changed meanwhile: look at it again")
    return PromotionResult(True, source_id, standing["page"])


def auto_promote_eligible(
    db: OpenBase, config: PromotionConfig | None = None, dry_run: bool = False
) -> BatchPromotionResult:
    """Promote every eligible page by its score of today, which is stored with it.

    Args:
        dry_run: count only.
    """
    config = config or get_promotion_config()
    pages = StagedPages(db.store.session)
    eligible = []
    for page in db.store.staging.get_staging_entries(promoted=False, limit=-1):
        score = calculate_promotion_score(page, config)
        if is_eligible_for_promotion(page, config, score):
            page.promotion_score = score
            eligible.append(page)
    eligible.sort(key=lambda page: -page.promotion_score)
    result = BatchPromotionResult(total_eligible=len(eligible), already_promoted=pages.count_promoted())
    for start in range(0, 0 if dry_run else len(eligible), _AT_ONCE):
        chunk = eligible[start : start + _AT_ONCE]
        made = pages.promote(chunk)
        left = [page for page, source_id in zip(chunk, made, strict=True) if source_id is None]
        known = pages.sources_at([page.url for page in left]) if left else {}
        result.promoted += len(chunk) - len(left)
        result.failed += len(left)
        result.errors += [f"{page.url}: {_not_promoted(page, known.get(page.url)).error}" for page in left]
    return result
