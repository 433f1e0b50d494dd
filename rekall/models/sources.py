"""Sources, where knowledge comes from, and the citations of them by entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

SourceReliability = Literal["A", "B", "C"]
SourceDecayRate = Literal["fast", "medium", "slow"]
SourceStatus = Literal["active", "inaccessible", "archived"]
SourceRole = Literal["hub", "authority", "unclassified"]
SourceType = Literal["theme", "url", "file"]
SourceAIType = Literal["documentation", "blog", "research", "tool", "reference", "tutorial"]
EnrichmentStatus = Literal["none", "proposed", "validated"]
ValidatedBy = Literal["auto", "human"]
PromotionStatus = Literal["seed", "promoted", "normal"]

VALID_SOURCE_RELIABILITY: tuple[str, ...] = get_args(SourceReliability)
VALID_SOURCE_DECAY_RATES: tuple[str, ...] = get_args(SourceDecayRate)
VALID_SOURCE_STATUSES: tuple[str, ...] = get_args(SourceStatus)
VALID_SOURCE_ROLES: tuple[str, ...] = get_args(SourceRole)
VALID_SOURCE_TYPES: tuple[str, ...] = get_args(SourceType)
VALID_SOURCE_AI_TYPES: tuple[str, ...] = get_args(SourceAIType)
VALID_ENRICHMENT_STATUSES: tuple[str, ...] = get_args(EnrichmentStatus)
VALID_VALIDATED_BY: tuple[str, ...] = get_args(ValidatedBy)
VALID_PROMOTION_STATUSES: tuple[str, ...] = get_args(PromotionStatus)

DECAY_RATE_HALF_LIVES = {"fast": 90, "medium": 180, "slow": 365}
"""Days in which the recency of an unused source halves."""

ROLE_BONUS = {"authority": 1.2, "hub": 1.0, "unclassified": 1.0}
SEED_BONUS = 1.2
PROMOTION_THRESHOLDS = {"min_usage_count": 3, "min_score": 30.0, "max_days_inactive": 180}


@dataclass
class Source:
    """A place that knowledge comes from.

    Args:
        url_pattern: part of the address after the domain; a final * stands for any rest.
        personal_score: how much it has served, 0 to 100.
        reliability: A (best) to C.
        decay_rate: how fast it is forgotten when unused; see `DECAY_RATE_HALF_LIVES`.
        citation_quality_factor: 0 to 1; see `Database.calculate_citation_quality`.

    Raises:
        ValueError: a value is not one of those accepted, or out of range.
    """

    id: str = ""
    domain: str = ""
    url_pattern: str | None = None
    usage_count: int = 0
    last_used: datetime | None = None
    personal_score: float = 50.0
    reliability: SourceReliability = "B"
    decay_rate: SourceDecayRate = "medium"
    last_verified: datetime | None = None
    status: SourceStatus = "active"
    created_at: datetime = field(default_factory=datetime.now)
    is_seed: bool = False
    is_promoted: bool = False
    promoted_at: datetime | None = None
    role: SourceRole = "unclassified"
    seed_origin: str | None = None
    citation_quality_factor: float = 0.0
    ai_type: SourceAIType | None = None
    ai_tags: list[str] | None = None
    ai_summary: str | None = None
    ai_confidence: float | None = None
    enrichment_status: EnrichmentStatus = "none"
    enrichment_validated_at: datetime | None = None
    enrichment_validated_by: ValidatedBy | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.id, str):
            raise ValueError(f"id must be a string, not {type(self.id).__name__}")
        _check("reliability", self.reliability, VALID_SOURCE_RELIABILITY)
        _check("decay_rate", self.decay_rate, VALID_SOURCE_DECAY_RATES)
        _check("status", self.status, VALID_SOURCE_STATUSES)
        if not 0 <= self.personal_score <= 100:
            raise ValueError(f"personal_score must be 0-100, not {self.personal_score}")
        _check("role", self.role, VALID_SOURCE_ROLES)
        if not 0 <= self.citation_quality_factor <= 1:
            raise ValueError(f"citation_quality_factor must be 0-1, not {self.citation_quality_factor}")
        if self.ai_type is not None:
            _check("ai_type", self.ai_type, VALID_SOURCE_AI_TYPES)
        if self.ai_confidence is not None and not 0 <= self.ai_confidence <= 1:
            raise ValueError(f"ai_confidence must be 0-1, not {self.ai_confidence}")
        _check("enrichment_status", self.enrichment_status, VALID_ENRICHMENT_STATUSES)
        if self.enrichment_validated_by is not None:
            _check("enrichment_validated_by", self.enrichment_validated_by, VALID_VALIDATED_BY)


@dataclass
class EntrySource:
    """The citation of a source by an entry.

    Args:
        source_type: what `source_ref` is: a theme file, an address or a file.
        source: the source cited, filled in by `Database.get_entry_sources`.

    Raises:
        ValueError: unknown source type.
    """

    id: str = ""
    entry_id: str = ""
    source_id: str | None = None
    source_type: SourceType = "url"
    source_ref: str = ""
    note: str | None = None
    created_at: datetime = field(default_factory=datetime.now)
    source: Source | None = None

    def __post_init__(self) -> None:
        _check("source_type", self.source_type, VALID_SOURCE_TYPES)


def validate_source(source: Source) -> list[str]:
    """What is wrong with a source, one sentence each; values may have been changed after construction."""
    problems = [] if source.domain else ["domain is required"]
    problems += _not_one_of("reliability", source.reliability, VALID_SOURCE_RELIABILITY)
    problems += _not_one_of("decay_rate", source.decay_rate, VALID_SOURCE_DECAY_RATES)
    problems += _not_one_of("status", source.status, VALID_SOURCE_STATUSES)
    if not 0 <= source.personal_score <= 100:
        problems.append("personal_score must be 0-100")
    if source.usage_count < 0:
        problems.append("usage_count cannot be negative")
    return problems


def validate_entry_source(entry_source: EntrySource) -> list[str]:
    """What is wrong with a citation, one sentence each."""
    kind, ref = entry_source.source_type, entry_source.source_ref
    problems = [] if entry_source.entry_id else ["entry_id is required"]
    problems += _not_one_of("source_type", kind, VALID_SOURCE_TYPES)
    if not ref:
        problems.append("source_ref is required")
    if kind == "theme" and not ref.endswith(".md"):
        problems.append("source_ref of a theme must end in .md")
    if kind == "url" and not ref.startswith(("http://", "https://")):
        problems.append("source_ref of a url must start with http:// or https://")
    return problems


def _check(name: str, value: str, accepted: Sequence[str]) -> None:
    if value not in accepted:
        raise ValueError(f"invalid {name} '{value}': use one of {', '.join(accepted)}")


def _not_one_of(name: str, value: str, accepted: Sequence[str]) -> list[str]:
    return [] if value in accepted else [f"{name} must be one of {', '.join(accepted)}"]
