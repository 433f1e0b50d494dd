"""Rows of the file to the objects of `rekall.models`, and back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timezone

from rekall.errors import CorruptError
from rekall.infra.interfaces import Row, Value
from rekall.models import Entry, Link

ENTRY_COLUMNS = (
    *("id", "title", "content", "type", "project", "confidence", "status", "superseded_by", "created_at", "updated_at"),
    *("memory_type", "last_accessed", "access_count", "consolidation_score", "next_review", "review_interval"),
    *("ease_factor", "centrality_score"),
)
LINK_COLUMNS = ("id", "source_id", "target_id", "relation_type", "created_at", "reason")


def select(columns: Iterable[str], table: str) -> str:
    """A select list: every column under its own name, from `table`."""
    return ", ".join(f"{table}.{column} AS {column}" for column in columns)


# the tags come with their entry: no second query, and no separator that a tag might hold
ENTRY_SELECT = (
    f"{select(ENTRY_COLUMNS, 'entries')}, (SELECT json_group_array(tag) FROM"
    " (SELECT tag FROM tags WHERE entry_id = entries.id ORDER BY tag)) AS tags"
)
LINK_SELECT = select(LINK_COLUMNS, "links")


def entry_from_row(row: Row) -> Entry:
    """The entry of a row selected by `ENTRY_SELECT`; a NULL reads as the default of its column.

    Raises:
        CorruptError: a value in the file cannot be read, such as a time that is not an ISO time.
    """
    accessed, review, confidence = row["last_accessed"], row["next_review"], row["confidence"]
    try:
        return Entry(
            row["id"],
            row["title"],
            row["type"],
            row["content"] or "",
            row["project"],
            _texts(row["tags"]),
            2 if confidence is None else confidence,
            row["status"] or "active",
            row["superseded_by"],
            moment(row["created_at"]),
            moment(row["updated_at"]),
            row["memory_type"] or "episodic",
            None if accessed is None else moment(accessed),
            row["access_count"] or 0,
            row["consolidation_score"] or 0.0,
            # a time in this column was written by an import of 0.3
            None if review is None else moment(review).date(),
            row["review_interval"] or 1,
            row["ease_factor"] or 2.5,
            row["centrality_score"] or 0.0,
        )
    except (ValueError, TypeError) as error:
        raise CorruptError(f"entry {row['id']} cannot be read ({error}): restore a backup") from error


def entry_values(entry: Entry) -> dict[str, Value]:
    """The columns that `add` and `update` write; the centrality is written only by its own computation."""
    return {
        "id": entry.id,
        "title": entry.title,
        "content": entry.content,
        "type": entry.type,
        "project": entry.project,
        "confidence": entry.confidence,
        "status": entry.status,
        "superseded_by": entry.superseded_by,
        "created_at": iso(entry.created_at),
        "updated_at": iso(entry.updated_at),
        "memory_type": entry.memory_type,
        "last_accessed": iso(entry.last_accessed),
        "access_count": entry.access_count,
        "consolidation_score": entry.consolidation_score,
        "next_review": iso(entry.next_review),
        "review_interval": entry.review_interval,
        "ease_factor": entry.ease_factor,
    }


def link_from_row(row: Row) -> Link:
    """The link of a row selected by `LINK_SELECT`.

    Raises:
        CorruptError: a value in the file cannot be read.
    """
    try:
        return Link(
            id=row["id"],
            source_id=row["source_id"],
            target_id=row["target_id"],
            relation_type=row["relation_type"],
            created_at=moment(row["created_at"]),
            reason=row["reason"],
        )
    except (ValueError, TypeError) as error:
        raise CorruptError(f"link {row['id']} cannot be read ({error}): restore a backup") from error


def local_time(moment: datetime) -> datetime:
    """A time as the file holds it: local, without a zone. 0.3.0 cannot read a stored offset."""
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo is not None else moment


def iso(value: date | None) -> str | None:
    """The text of a date, or of a time as the file holds it."""
    if isinstance(value, datetime):
        value = local_time(value)
    return None if value is None else value.isoformat()


def _texts(array: str) -> list[str]:
    """The texts of a JSON array. One without a backslash has quotes only around its texts, and needs no parser."""
    if "\\" in array:
        loaded: list[str] = json.loads(array)
        return loaded
    return array[2:-2].split('","') if array != "[]" else []


def utc_iso(value: datetime | None) -> str | None:
    """The text of a time in a column that holds UTC: one without a zone is taken to be UTC already."""
    if value is not None and value.tzinfo is not None:
        value = value.astimezone(timezone.utc).replace(tzinfo=None)
    return None if value is None else value.isoformat()


def moment(text: str) -> datetime:
    """The time that a text of the file states.

    Raises:
        ValueError: the text is no ISO time.
    """
    return local_time(datetime.fromisoformat(text))


def utc_now() -> str:
    """Now, for the columns that hold UTC: as SQL's datetime('now') writes it, which not every back end may run."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
