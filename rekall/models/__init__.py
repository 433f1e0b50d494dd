"""What Rekall keeps, as plain data.

Entries, links and contexts are loaded at once; the rest when it is first asked for: a search needs none of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rekall.models.contexts import MIN_CONTEXT_TEXT, ContextExtractionMethod, StructuredContext
from rekall.models.entries import (
    ULID_ENCODING,
    VALID_MEMORY_TYPES,
    VALID_RELATION_TYPES,
    VALID_TYPES,
    Entry,
    EntryStatus,
    EntryType,
    Link,
    MatchKind,
    MemoryType,
    RelationType,
    SearchResult,
    calculate_consolidation_score,
    generate_ulid,
)

if TYPE_CHECKING:
    from rekall.models.captures import (
        VALID_CONTENT_TYPES,
        VALID_IMPORT_SOURCES,
        ConnectorImport,
        ContentType,
        ImportSource,
        InboxEntry,
        StagingEntry,
    )
    from rekall.models.embeddings import (
        VALID_EMBEDDING_DIMENSIONS,
        VALID_EMBEDDING_TYPES,
        Embedding,
        EmbeddingType,
        Vector,
    )
    from rekall.models.reviews import ReviewItem, calculate_next_ease, calculate_next_interval
    from rekall.models.sources import (
        DECAY_RATE_HALF_LIVES,
        PROMOTION_THRESHOLDS,
        ROLE_BONUS,
        SEED_BONUS,
        VALID_ENRICHMENT_STATUSES,
        VALID_PROMOTION_STATUSES,
        VALID_SOURCE_AI_TYPES,
        VALID_SOURCE_DECAY_RATES,
        VALID_SOURCE_RELIABILITY,
        VALID_SOURCE_ROLES,
        VALID_SOURCE_STATUSES,
        VALID_SOURCE_TYPES,
        VALID_VALIDATED_BY,
        EnrichmentStatus,
        EntrySource,
        PromotionStatus,
        Source,
        SourceAIType,
        SourceDecayRate,
        SourceReliability,
        SourceRole,
        SourceStatus,
        SourceType,
        ValidatedBy,
        validate_entry_source,
        validate_source,
    )
    from rekall.models.suggestions import (
        VALID_SUGGESTION_STATUSES,
        VALID_SUGGESTION_TYPES,
        SavedFilter,
        Suggestion,
        SuggestionStatus,
        SuggestionType,
    )

__all__ = [
    "DECAY_RATE_HALF_LIVES",
    "MIN_CONTEXT_TEXT",
    "PROMOTION_THRESHOLDS",
    "ROLE_BONUS",
    "SEED_BONUS",
    "ULID_ENCODING",
    "VALID_CONTENT_TYPES",
    "VALID_EMBEDDING_DIMENSIONS",
    "VALID_EMBEDDING_TYPES",
    "VALID_ENRICHMENT_STATUSES",
    "VALID_IMPORT_SOURCES",
    "VALID_MEMORY_TYPES",
    "VALID_PROMOTION_STATUSES",
    "VALID_RELATION_TYPES",
    "VALID_SOURCE_AI_TYPES",
    "VALID_SOURCE_DECAY_RATES",
    "VALID_SOURCE_RELIABILITY",
    "VALID_SOURCE_ROLES",
    "VALID_SOURCE_STATUSES",
    "VALID_SOURCE_TYPES",
    "VALID_SUGGESTION_STATUSES",
    "VALID_SUGGESTION_TYPES",
    "VALID_TYPES",
    "VALID_VALIDATED_BY",
    "ConnectorImport",
    "ContentType",
    "ContextExtractionMethod",
    "Embedding",
    "EmbeddingType",
    "EnrichmentStatus",
    "Entry",
    "EntrySource",
    "EntryStatus",
    "EntryType",
    "ImportSource",
    "InboxEntry",
    "Link",
    "MatchKind",
    "MemoryType",
    "PromotionStatus",
    "RelationType",
    "ReviewItem",
    "SavedFilter",
    "SearchResult",
    "Source",
    "SourceAIType",
    "SourceDecayRate",
    "SourceReliability",
    "SourceRole",
    "SourceStatus",
    "SourceType",
    "StagingEntry",
    "StructuredContext",
    "Suggestion",
    "SuggestionStatus",
    "SuggestionType",
    "ValidatedBy",
    "Vector",
    "calculate_consolidation_score",
    "calculate_next_ease",
    "calculate_next_interval",
    "generate_ulid",
    "validate_entry_source",
    "validate_source",
]

_LOADED_ON_USE = ("captures", "embeddings", "reviews", "sources", "suggestions")


def __getattr__(name: str) -> Any:
    """Find a name of a module that is loaded on use (PEP 562)."""
    if name in __all__:
        for module in _LOADED_ON_USE:
            value = getattr(importlib.import_module(f"{__name__}.{module}"), name, None)
            if value is not None:
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
