"""The structured content of the tools: what `rekall.records` gives, described for clients."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from rekall.models import (
    EntryStatus,
    EntryType,
    MemoryType,
    PromotionStatus,
    RelationType,
    SourceReliability,
)


class EntryRecord(BaseModel):
    """An entry, whole; times carry their offset."""

    id: str
    type: EntryType
    title: str
    content: str
    tags: list[str]
    project: str | None
    confidence: int
    status: EntryStatus
    superseded_by: str | None
    memory_type: MemoryType
    created_at: str | None
    updated_at: str | None
    last_accessed: str | None
    access_count: int
    consolidation_score: float
    centrality_score: float
    next_review: str | None
    review_interval: int
    ease_factor: float


class ContextRecord(BaseModel):
    """A structured context, whole."""

    situation: str
    solution: str
    trigger_keywords: list[str]
    what_failed: str | None
    conversation_excerpt: str | None
    files_modified: list[str] | None
    error_messages: list[str] | None
    time_of_day: str | None
    day_of_week: str | None
    created_at: str | None
    extraction_method: str


class LinkRecord(BaseModel):
    """A link, whole."""

    id: str
    source_id: str
    target_id: str
    type: RelationType
    reason: str | None
    created_at: str | None


class LinkedEntry(BaseModel):
    """A link of the entry shown, with the title at its other end."""

    direction: Literal["outgoing", "incoming"]
    id: str
    title: str
    type: RelationType
    reason: str | None


class HelpOutput(BaseModel):
    """Output of rekall_help."""

    topic: Literal["search", "add", "links", "all"]
    guide: str


class ShowOutput(BaseModel):
    """Output of rekall_show."""

    entry: EntryRecord
    context: ContextRecord | None
    context_text: str | None
    links: list[LinkedEntry]


class LinkOutput(BaseModel):
    """Output of rekall_link."""

    link: LinkRecord


class UnlinkOutput(BaseModel):
    """Output of rekall_unlink."""

    source_id: str
    target_id: str
    removed: int


class RelatedRecord(BaseModel):
    """An entry reached over a link; `direction` is seen from `from_id`, `depth` counts links from the start."""

    id: str
    type: EntryType
    title: str
    tags: list[str]
    status: EntryStatus
    relation_type: RelationType
    direction: Literal["outgoing", "incoming"]
    reason: str | None
    from_id: str
    depth: int


class RelatedOutput(BaseModel):
    """Output of rekall_related."""

    entry_id: str
    depth: int
    related: list[RelatedRecord]
    total_count: int


class EntryContext(BaseModel):
    """The contexts of one entry."""

    id: str
    title: str
    context: ContextRecord | None
    context_text: str | None


class GetContextOutput(BaseModel):
    """Output of rekall_get_context."""

    contexts: list[EntryContext]
    not_found: list[str]


class ProjectCount(BaseModel):
    """How many active entries a project has."""

    project: str | None
    entries: int


class VectorCounts(BaseModel):
    """How many active entries can be found by meaning; `note` tells why others cannot."""

    model: str
    dimensions: int
    embedded: int
    note: str | None


class InfoOutput(BaseModel):
    """Output of rekall_info; `by_project` lists the ten largest, entries without a project under null.

    The tiers are the reliability of sources: gold A, silver B, bronze C. `vectors` is null unless the user wants
    searches by meaning.
    """

    entries: int
    obsolete: int
    by_type: dict[str, int]
    by_project: list[ProjectCount]
    links: int
    sources: int
    sources_by_tier: dict[str, int]
    vectors: VectorCounts | None


class DeprecateOutput(BaseModel):
    """Output of rekall_deprecate; `reason_kept` tells whether the reason was stored."""

    id: str
    title: str
    status: EntryStatus
    superseded_by: str | None
    reason_kept: bool


class DeleteOutput(BaseModel):
    """Output of rekall_delete."""

    id: str
    type: EntryType
    title: str
    deleted: bool


class StaleEntry(BaseModel):
    """An entry that nothing has asked for in a while; `last_accessed` is null when nothing ever has."""

    id: str
    type: EntryType
    title: str
    tags: list[str]
    project: str | None
    last_accessed: str | None


class StaleOutput(BaseModel):
    """Output of rekall_stale."""

    days: int
    entries: list[StaleEntry]
    total_count: int


class EntryTitle(BaseModel):
    """An entry by its title; null when it is gone."""

    id: str
    title: str | None


class PendingSuggestion(BaseModel):
    """A suggestion that nobody has decided on yet."""

    id: str
    type: Literal["link", "generalize"]
    score: float
    reason: str
    entries: list[EntryTitle]


class Cluster(BaseModel):
    """Entries that share keywords and could become one."""

    score: float
    suggested_title: str
    keywords: list[str]
    entries: list[EntryTitle]


class SuggestOutput(BaseModel):
    """Output of rekall_suggest."""

    suggestions: list[PendingSuggestion]
    clusters: list[Cluster]


class SuggestedSource(BaseModel):
    """A source that fits the entry; `matched` are the themes and domains that they share."""

    id: str
    domain: str
    url: str
    score: float
    standing: PromotionStatus
    reliability: SourceReliability
    themes: list[str]
    matched: list[str]


class SourcesSuggestOutput(BaseModel):
    """Output of rekall_sources_suggest; `searched` are the themes and domains that were looked for."""

    entry_id: str
    searched: list[str]
    sources: list[SuggestedSource]
    total_count: int


class CheckedSource(BaseModel):
    """What the check of one source found."""

    id: str
    domain: str
    url: str
    outcome: Literal["accessible", "inaccessible", "refused"]
    message: str


class SourcesVerifyOutput(BaseModel):
    """Output of rekall_sources_verify.

    `refused` counts sources at addresses that are not public, never contacted; `postponed` those that time was too
    short for.
    """

    verified: int
    accessible: int
    inaccessible: int
    refused: int
    postponed: int
    sources: list[CheckedSource]


class SimilarEntry(BaseModel):
    """An entry about the same things; `score` is 0 to 1, `shared` the words in common when words were compared."""

    id: str
    type: EntryType
    title: str
    tags: list[str]
    score: float
    shared: list[str]


class SimilarOutput(BaseModel):
    """Output of rekall_similar; `note` tells why vectors were not compared though the user wants it, or which not."""

    entry_id: str
    similar: list[SimilarEntry]
    total_count: int
    compared_by: Literal["vectors", "words"]
    note: str | None


class GeneralizeOutput(BaseModel):
    """Output of rekall_generalize; `derived_from` are the entries that the new one is linked to.

    `note` tells why the new entry has no vector though the user wants one.
    """

    id: str
    type: EntryType
    title: str
    tags: list[str]
    project: str | None
    derived_from: list[str]
    note: str | None
