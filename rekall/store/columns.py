"""What a column of the schema holds, for whoever carries whole rows from one base to another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rekall.models import VALID_MEMORY_TYPES
from rekall.store.schema import TABLES

LOCAL, UTC = "local", "utc"

_TIMES: Mapping[str, Mapping[str, str]] = {
    "entries": dict.fromkeys(("created_at", "updated_at", "last_accessed"), LOCAL),
    "links": {"created_at": LOCAL},
    "embeddings": {"created_at": LOCAL},
    "suggestions": dict.fromkeys(("created_at", "resolved_at"), LOCAL),
    "sources": {
        **dict.fromkeys(("last_used", "last_verified", "created_at"), LOCAL),
        **dict.fromkeys(("promoted_at", "enrichment_validated_at"), UTC),
    },
    "entry_sources": {"created_at": LOCAL},
    "known_domains": {"created_at": UTC},
    "saved_filters": {"created_at": UTC},
    "sources_inbox": {"captured_at": LOCAL, "enriched_at": UTC},
    "sources_staging": dict.fromkeys(("last_verified", "first_seen", "last_seen", "enriched_at", "promoted_at"), LOCAL),
    "connector_imports": {"last_import": LOCAL},
}
_LONG = frozenset(
    {
        *("content", "context_structured", "reason", "note", "user_query", "assistant_snippet", "surrounding_text"),
        *("raw_json", "description", "ai_summary", "filter_json", "projects_list", "inbox_ids", "entry_ids"),
        *("ai_tags", "notes", "value", "url", "source_ref", "validation_error", "last_file_marker"),
    }
)


class Column(NamedTuple):
    """One column.

    Args:
        kind: `TEXT`, `INTEGER`, `REAL` or `BLOB`.
        required: a row cannot do without a value.
        nullable: the value may be NULL.
        time: `local` or `utc` for a moment as ISO text, the empty text for anything else.
        long: its text may have many lines.
        choices: the texts that it takes; none for any.
    """

    kind: str
    required: bool
    nullable: bool
    time: str
    long: bool
    choices: tuple[str, ...] = ()


def _column(table: str, name: str, definition: str) -> Column:
    key = "PRIMARY KEY" in definition and "INTEGER" not in definition  # an integer key numbers itself
    filled = "NOT NULL" in definition or key
    return Column(
        kind=definition.split()[0],
        required=filled and "DEFAULT" not in definition,
        nullable=not filled,
        time=_TIMES.get(table, {}).get(name, ""),
        long=name in _LONG,
        choices=_choices(table, name),
    )


def _choices(table: str, name: str) -> tuple[str, ...]:
    if (table, name) == ("entries", "memory_type"):
        return VALID_MEMORY_TYPES
    found = re.search(rf"CHECK \({name} IN \(('[^)]*')\)\)", " ".join(TABLES[table].constraints))
    return tuple(re.findall("'([^']*)'", found[1])) if found else ()


COLUMNS: Mapping[str, Mapping[str, Column]] = {
    table: {name: _column(table, name, definition) for name, definition in declared.columns.items()}
    for table, declared in TABLES.items()
}
"""By table and name, in the order of the schema."""
