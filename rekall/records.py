"""Entries, links and hits as JSON-safe dicts, for `--json` and for structured MCP answers. Times carry their offset."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rekall.models import Entry, Link, SearchResult, StructuredContext

if TYPE_CHECKING:
    from rekall.finding import Answer, Explanation


def with_offset(moment: datetime | None) -> str | None:
    """An ISO time with the offset of this machine; the file holds local times without one."""
    return None if moment is None else moment.astimezone().isoformat()


def entry_record(entry: Entry) -> dict[str, Any]:
    """All fields of an entry."""
    return {
        "id": entry.id,
        "type": entry.type,
        "title": entry.title,
        "content": entry.content,
        "tags": entry.tags,
        "project": entry.project,
        "confidence": entry.confidence,
        "status": entry.status,
        "superseded_by": entry.superseded_by,
        "memory_type": entry.memory_type,
        "created_at": with_offset(entry.created_at),
        "updated_at": with_offset(entry.updated_at),
        "last_accessed": with_offset(entry.last_accessed),
        "access_count": entry.access_count,
        "consolidation_score": entry.consolidation_score,
        "centrality_score": entry.centrality_score,
        "next_review": None if entry.next_review is None else entry.next_review.isoformat(),
        "review_interval": entry.review_interval,
        "ease_factor": entry.ease_factor,
    }


def context_record(context: StructuredContext) -> dict[str, Any]:
    """All fields of a structured context."""
    return context.to_dict() | {"created_at": with_offset(context.created_at)}


def link_record(link: Link) -> dict[str, Any]:
    """All fields of a link."""
    return {
        "id": link.id,
        "source_id": link.source_id,
        "target_id": link.target_id,
        "type": link.relation_type,
        "reason": link.reason,
        "created_at": with_offset(link.created_at),
    }


def hit_record(hit: SearchResult, links: Iterable[Link]) -> dict[str, Any]:
    """One result of `rekall search --json`: the keys of 0.3, then what the query matched.

    Args:
        links: may hold links of other entries as well.
    """
    entry = hit.entry
    links = list(links)
    return {
        "id": entry.id,
        "type": entry.type,
        "title": entry.title,
        "content": entry.content,
        "tags": entry.tags,
        "project": entry.project,
        "confidence": entry.confidence,
        "consolidation_score": entry.consolidation_score,
        "access_count": entry.access_count,
        "last_accessed": with_offset(entry.last_accessed),
        "relevance_score": relevance(hit),
        "semantic_score": similarity(hit),
        "links": {
            "outgoing": [
                {"target_id": link.target_id, "type": link.relation_type}
                for link in links
                if link.source_id == entry.id
            ],
            "incoming": [
                {"source_id": link.source_id, "type": link.relation_type}
                for link in links
                if link.target_id == entry.id
            ],
        },
        "status": entry.status,
        "matched": hit.matched,
    }


def answer_record(answer: Answer) -> dict[str, Any]:
    """What an answer says beside its hits: how they were found, why there are none, and what belongs to them."""
    hits = {hit.entry.id for hit in answer.hits}
    return {
        "notes": answer.notes,
        "corrections": answer.corrections,
        "narrowed": list(answer.narrowed),
        "nothing": None if answer.nothing is None else answer.nothing.value,
        "superseded": [
            {"id": old.id, "title": old.title, "by_id": by.id, "by_title": by.title} for old, by in answer.superseded
        ],
        "linked": [
            {
                "id": entry.id,
                "title": entry.title,
                "relation": link.relation_type,
                "direction": "outgoing" if link.source_id in hits else "incoming",
            }
            for entry, link in answer.linked
        ],
    }


def explanation_record(why: Explanation) -> dict[str, Any]:
    """Why a hit stands where it does."""
    return {
        "words": {name: list(words) for name, words in why.words.items()},
        "bm25": None if why.bm25 is None else round(why.bm25, 6),
        "lexical_rank": why.lexical_rank,
        "vector_rank": why.vector_rank,
        "similarity": None if why.similarity is None else round(why.similarity, 4),
        "links": why.links,
        "consolidation": round(why.consolidation, 4),
        "accesses": why.accesses,
    }


def similarity(hit: SearchResult) -> float | None:
    """How near the hit is to what the query means, in 0..1; None where that was not searched for."""
    return None if hit.similarity is None else round(min(max(hit.similarity, 0.0), 1.0), 4)


_FLOOR = {"entry": 2, "context": 1, "some": 0, "meaning": 0}


def relevance(hit: SearchResult) -> float:
    """A score in 0..1 in the order of the search: the hit's own.

    Of a hit that a program made without one it is a third for each kind of match, in it x / (1 + x) of bm25.
    """
    if hit.score is not None:
        return round(min(max(hit.score, 0.0), 1.0), 4)
    strength = max(0.0, -hit.rank)
    return round((_FLOOR[hit.matched] + strength / (1 + strength)) / 3, 4)
