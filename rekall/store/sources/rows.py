"""Rows of sources and of their citations to the objects of `rekall.models`, and back."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from rekall.errors import CorruptError
from rekall.infra.interfaces import Row, Value
from rekall.models import EntrySource, Source
from rekall.store.rows import iso, moment, select, utc_iso

SOURCE_COLUMNS = tuple(field.name for field in fields(Source))
CITATION_COLUMNS = tuple(field.name for field in fields(EntrySource) if field.name != "source")

SOURCE_SELECT = select(SOURCE_COLUMNS, "sources")
# named apart, so that a citation comes in one row with its entry or its source
CITATION_SELECT = ", ".join(f"entry_sources.{column} AS citation_{column}" for column in CITATION_COLUMNS)

_LOCAL_TIMES = ("last_used", "last_verified", "created_at")
_UTC_TIMES = ("promoted_at", "enrichment_validated_at")
_TRUTHS = ("is_seed", "is_promoted")


def source_from_row(row: Row) -> Source:
    """The source of a row of `SOURCE_SELECT`; a NULL, or a column left out, reads as the default of its field.

    Raises:
        CorruptError: a value in the file cannot be read, such as a time that is not an ISO time.
    """
    try:
        return Source(
            **{column: _read(column, value) for column in SOURCE_COLUMNS if (value := row.get(column)) is not None}
        )
    except (ValueError, TypeError) as error:
        raise CorruptError(f"source {row['id']} cannot be read ({error}): restore a backup") from error


def source_values(source: Source) -> dict[str, Value]:
    """The columns of a source as the file holds them; no tags are a NULL."""
    return {
        **{column: getattr(source, column) for column in SOURCE_COLUMNS},
        **{column: iso(getattr(source, column)) for column in _LOCAL_TIMES},
        **{column: utc_iso(getattr(source, column)) for column in _UTC_TIMES},
        **{column: int(getattr(source, column)) for column in _TRUTHS},
        "ai_tags": json.dumps(source.ai_tags, ensure_ascii=False) if source.ai_tags else None,
    }


def citation_from_row(row: Row, source: Source | None = None) -> EntrySource:
    """The citation of a row selected by `CITATION_SELECT`, with its source when given.

    Raises:
        CorruptError: a value in the file cannot be read.
    """
    values = {column: row[f"citation_{column}"] for column in CITATION_COLUMNS}
    try:
        return EntrySource(**{**values, "created_at": moment(values["created_at"]), "source": source})
    except (ValueError, TypeError) as error:
        raise CorruptError(f"citation {values['id']} cannot be read ({error}): restore a backup") from error


def citation_values(citation: EntrySource) -> dict[str, Value]:
    """The columns of a citation as the file holds them."""
    values = {column: getattr(citation, column) for column in CITATION_COLUMNS}
    return {**values, "created_at": iso(citation.created_at)}


def _read(column: str, value: Any) -> Any:
    if column in _LOCAL_TIMES or column in _UTC_TIMES:
        return moment(value)
    if column in _TRUTHS:
        return bool(value)
    if column == "ai_tags":
        return json.loads(value)
    return value
