"""Entries as the JSON that archives and exports hold: sixteen keys each, times local without zone as in the file."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from rekall.models import Entry

_DEFAULTS: dict[str, Any] = {"type": "reference", "confidence": 2, "status": "active", "memory_type": "episodic"}


def entry_to_dict(entry: Entry) -> dict[str, Any]:
    """The sixteen keys of an entry in the order of archives; the rest of its fields is not carried."""
    return {
        "id": entry.id,
        "title": entry.title,
        "type": entry.type,
        "content": entry.content,
        "project": entry.project,
        "tags": list(entry.tags),
        "confidence": entry.confidence,
        "status": entry.status,
        "superseded_by": entry.superseded_by,
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
        "memory_type": entry.memory_type,
        "last_accessed": None if entry.last_accessed is None else entry.last_accessed.isoformat(),
        "access_count": entry.access_count,
        "consolidation_score": entry.consolidation_score,
        "next_review": None if entry.next_review is None else entry.next_review.isoformat(),
    }


def dict_to_entry(data: dict[str, Any]) -> Entry:
    """The entry that a dict describes; a key that is missing or null takes its default, unknown ones are ignored.

    Raises:
        KeyError: no id or no title.
        ValueError: a value is of another kind, a time is not ISO text, or the entry is refused.
    """
    given = _DEFAULTS | {key: value for key, value in data.items() if value is not None}
    try:
        created = _moment(given, "created_at") or datetime.now()
        review = _moment(given, "next_review")  # 0.3 wrote a time here for an entry that it had imported
        return Entry(
            id=given["id"],
            title=given["title"],
            type=given["type"],
            content=given.get("content", ""),
            project=given.get("project"),
            tags=list(given.get("tags", ())),
            confidence=given["confidence"],
            status=given["status"],
            superseded_by=given.get("superseded_by"),
            created_at=created,
            updated_at=_moment(given, "updated_at") or created,
            memory_type=given["memory_type"],
            last_accessed=_moment(given, "last_accessed"),
            access_count=given.get("access_count", 0),
            consolidation_score=given.get("consolidation_score", 0.0),
            next_review=None if review is None else review.date(),
        )
    except TypeError as error:
        raise ValueError(f"entry {given['id']} cannot be read: {error}") from error


def entries_to_json(entries: list[Entry], indent: int = 2) -> str:
    """A JSON array of entries, not ASCII-escaped."""
    return json.dumps([entry_to_dict(entry) for entry in entries], indent=indent, ensure_ascii=False)


def entries_from_json(json_str: str) -> list[Entry]:
    """The entries of a JSON array.

    Raises:
        ValueError: malformed JSON, no array of objects, or as `dict_to_entry`.
        KeyError: as `dict_to_entry`.
    """
    loaded = json.loads(json_str)
    if not isinstance(loaded, list) or not all(isinstance(item, dict) for item in loaded):
        raise ValueError("entries must be a JSON array of objects")
    return [dict_to_entry(item) for item in loaded]


def _moment(data: dict[str, Any], key: str) -> datetime | None:
    return datetime.fromisoformat(data[key]) if key in data else None
