"""Rows of the file to the objects of `rekall.models`, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TypeVar

from rekall.errors import CorruptError
from rekall.infra.interfaces import Row, Value
from rekall.models import Entry, Link

T = TypeVar("T")

ENTRY_COLUMNS = (
    *("id", "title", "content", "type", "project", "confidence", "status", "superseded_by", "created_at", "updated_at"),
    *("memory_type", "last_accessed", "access_count", "consolidation_score", "next_review", "review_interval"),
    *("ease_factor", "centrality_score"),
)
LINK_COLUMNS = ("id", "source_id", "target_id", "relation_type", "created_at", "reason")


def select(columns: Iterable[str], table: str) -> str:
    """A select list: every column under its own name, from `table`."""
    return ", ".join(f"{table}.{column} AS {column}" for column in columns)


def entry_from_row(row: Row, tags: list[str]) -> Entry:
    """The entry of a row that has the columns of `ENTRY_COLUMNS`; a NULL reads as the default of its column.

    Raises:
        CorruptError: a time in the file is not an ISO time.
    """
    return Entry(
        id=row["id"],
        title=row["title"],
        type=row["type"],
        content=row["content"] or "",
        project=row["project"],
        tags=tags,
        confidence=2 if row["confidence"] is None else row["confidence"],
        status=row["status"] or "active",
        superseded_by=row["superseded_by"],
        created_at=_time(row, "created_at"),
        updated_at=_time(row, "updated_at"),
        memory_type=row["memory_type"] or "episodic",
        last_accessed=None if row["last_accessed"] is None else _time(row, "last_accessed"),
        access_count=row["access_count"] or 0,
        consolidation_score=row["consolidation_score"] or 0.0,
        next_review=_date(row, "next_review"),
        review_interval=row["review_interval"] or 1,
        ease_factor=row["ease_factor"] or 2.5,
        centrality_score=row["centrality_score"] or 0.0,
    )


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
        "created_at": entry.created_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
        "memory_type": entry.memory_type,
        "last_accessed": _iso(entry.last_accessed),
        "access_count": entry.access_count,
        "consolidation_score": entry.consolidation_score,
        "next_review": _iso(entry.next_review),
        "review_interval": entry.review_interval,
        "ease_factor": entry.ease_factor,
    }


def link_from_row(row: Row) -> Link:
    """The link of a row that has the columns of `LINK_COLUMNS`."""
    return Link(
        id=row["id"],
        source_id=row["source_id"],
        target_id=row["target_id"],
        relation_type=row["relation_type"],
        created_at=_time(row, "created_at"),
        reason=row["reason"],
    )


def local_time(moment: datetime) -> datetime:
    """A time as the file holds it: local, without a zone. 0.3.0 cannot read a stored offset."""
    return moment.astimezone().replace(tzinfo=None) if moment.tzinfo is not None else moment


def _iso(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _time(row: Row, column: str) -> datetime:
    return _parsed(row, column, datetime.fromisoformat)


def _date(row: Row, column: str) -> date | None:
    # a time in this column was written by an import of 0.3
    return None if row[column] is None else _parsed(row, column, lambda text: datetime.fromisoformat(text).date())


def _parsed(row: Row, column: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(row[column])
    except (ValueError, TypeError) as error:
        raise CorruptError(
            f"row {row['id']}: {column} is {row[column]!r}, not an ISO time: restore a backup"
        ) from error
