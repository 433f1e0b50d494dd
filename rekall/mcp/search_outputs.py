"""The structured content of rekall_search."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from rekall.models import EntryStatus, EntryType, MatchKind, RelationType


class ExplanationRecord(BaseModel):
    """Why a hit stands where it does; ranks are its places among the hits by words and by meaning.

    Links, consolidation and accesses do not move it. `words` are those of the query that it holds, by field.
    """

    words: dict[str, list[str]]
    bm25: float | None
    lexical_rank: int | None
    vector_rank: int | None
    similarity: float | None
    links: int
    consolidation: float
    accesses: int


class HitRecord(BaseModel):
    """A search result; `matched` tells whether the entry, its context or only some words satisfy the query, or none.

    Of a search by meaning `semantic_score` is the similarity to the query, `keywords` are those that it matches.
    """

    id: str
    type: EntryType
    title: str
    tags: list[str]
    project: str | None
    status: EntryStatus
    confidence: int
    snippet: str
    relevance_score: float
    matched: MatchKind
    semantic_score: float | None
    keywords: list[str]
    explanation: ExplanationRecord | None


class SupersededRecord(BaseModel):
    """An entry that matches, and the one that took its place."""

    id: str
    title: str
    by_id: str
    by_title: str


class LinkedRecord(BaseModel):
    """An entry that is no hit, and its link with one, seen from the hit."""

    id: str
    title: str
    relation: RelationType
    direction: Literal["outgoing", "incoming"]


class SearchOutput(BaseModel):
    """Output of rekall_search; `notes` say what was done to find it, `note` is the first of them.

    `corrections` are the words that were looked for in place of those that no entry holds, `narrowed` the rare words of
    a broad query that hits were chosen by, `nothing` is why there is no hit.
    """

    results: list[HitRecord]
    total_count: int
    search_mode: Literal["fts", "hybrid"]
    note: str | None
    notes: list[str]
    corrections: dict[str, list[str]]
    narrowed: list[str]
    nothing: Literal["nothing_stored", "no_match", "filtered_out", "obsolete_only", "limit_is_0"] | None
    superseded: list[SupersededRecord]
    linked: list[LinkedRecord]
