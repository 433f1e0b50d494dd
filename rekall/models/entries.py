"""Entries, the links between them, and hits of a search."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, get_args

EntryType = Literal["bug", "pattern", "decision", "pitfall", "config", "reference"]
EntryStatus = Literal["active", "obsolete"]
MemoryType = Literal["episodic", "semantic"]
RelationType = Literal["related", "supersedes", "derived_from", "contradicts"]
MatchKind = Literal["entry", "context", "some", "meaning"]

VALID_TYPES: tuple[str, ...] = get_args(EntryType)
VALID_MEMORY_TYPES: tuple[str, ...] = get_args(MemoryType)
VALID_RELATION_TYPES: tuple[str, ...] = get_args(RelationType)

ULID_ENCODING = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O and U."""


def generate_ulid() -> str:
    """A new id: 10 characters of epoch milliseconds, then 16 random ones (https://github.com/ulid/spec).

    Sortable by creation time down to the millisecond; not monotonic inside one.
    """
    value = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(ULID_ENCODING[value >> shift & 31] for shift in range(125, -1, -5))


def calculate_consolidation_score(access_count: int, days_since_access: int) -> float:
    """How well an entry is established: 0.6 * min(1, ln(n + 1) / 5) + 0.4 * e^(-d / 30).

    The first term grows with use as practice effects do (logarithmic), the second fades as Ebbinghaus's forgetting
    curve does (exponential, 30 days).

    Args:
        access_count: n, number of accesses.
        days_since_access: d, whole days since the access before.

    Returns:
        A score from 0 to 1 for d of 0 or more; a negative d is not clamped.
    """
    frequency = min(1.0, math.log(access_count + 1) / 5)
    return 0.6 * frequency + 0.4 * math.exp(-days_since_access / 30)


@dataclass
class Entry:
    """One piece of knowledge.

    Raises:
        ValueError: the type, the confidence (0 to 5) or the memory type is not one of those accepted.
    """

    id: str
    title: str
    type: EntryType
    content: str = ""
    project: str | None = None
    tags: list[str] = field(default_factory=list)
    confidence: int = 2
    status: EntryStatus = "active"
    superseded_by: str | None = None
    created_at: datetime = field(default_factory=datetime.now)
    updated_at: datetime = field(default_factory=datetime.now)
    memory_type: MemoryType = "episodic"
    last_accessed: datetime | None = None
    access_count: int = 0
    consolidation_score: float = 0.0
    next_review: date | None = None
    review_interval: int = 1
    ease_factor: float = 2.5
    centrality_score: float = 0.0

    def __post_init__(self) -> None:
        if self.type not in VALID_TYPES:
            raise ValueError(f"invalid type '{self.type}': use one of {', '.join(VALID_TYPES)}")
        if not 0 <= self.confidence <= 5:
            raise ValueError(f"confidence must be 0-5, not {self.confidence}")
        if self.memory_type not in VALID_MEMORY_TYPES:
            raise ValueError(f"invalid memory_type '{self.memory_type}': use one of {', '.join(VALID_MEMORY_TYPES)}")


@dataclass
class Link:
    """A typed, directed relation from one entry to another.

    Raises:
        ValueError: unknown relation type, or both ends are the same entry.
    """

    id: str
    source_id: str
    target_id: str
    relation_type: RelationType
    created_at: datetime = field(default_factory=datetime.now)
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.relation_type not in VALID_RELATION_TYPES:
            raise ValueError(
                f"invalid relation_type '{self.relation_type}': use one of {', '.join(VALID_RELATION_TYPES)}"
            )
        if self.source_id == self.target_id:
            raise ValueError("cannot link entry to itself")


@dataclass
class SearchResult:
    """A hit.

    Args:
        entry: the entry found, as it was before this search counted as an access.
        rank: bm25 of the hit (negative, lower is better); comparable among hits of the same `matched`. 0 for one that
            was not found by words.
        snippet: kept for programs written for 0.3; always empty.
        matched: `entry` when title, content and tags satisfy the query; `context` when the entry's context does;
            `some` when only some of the words were found; `meaning` when none was.
        score: 0 to 1, in the order of the hits: see `Search.find`; None for one that no search made.
        similarity: to the query, by meaning; None when the hit was not found so.
        keywords: keywords of its context that a search by meaning found in the query.
        vector_rank: its place among the entries found by meaning, from 1 on; None when it is not one of these, and
            where words alone were searched. Likewise lexical_rank, among those found by words.
    """

    entry: Entry
    rank: float
    snippet: str = ""
    matched: MatchKind = "entry"
    score: float | None = None
    similarity: float | None = None
    keywords: list[str] = field(default_factory=list)
    vector_rank: int | None = None
    lexical_rank: int | None = None
