"""Reads `docs/knowledge.json`, what we learned while building Rekall, into a base through the public `Database` API.

The file is the JSON export of Rekall 0.3, an array of entries, with two keys added to each: `context` (the structured
context, or null) and `links` (outgoing ones, each with `target_id`, `type` and `reason`).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rekall.config import get_config
from rekall.db import Database
from rekall.errors import InvalidValueError, RekallError
from rekall.models import Entry, StructuredContext

OURS = Path(__file__).resolve().parents[1] / "docs" / "knowledge.json"
_FIELDS = (
    *("id", "title", "type", "content", "project", "tags", "confidence", "status", "superseded_by", "created_at"),
    *("updated_at", "memory_type", "last_accessed", "access_count", "consolidation_score", "next_review"),
)
_TIMES = ("created_at", "updated_at", "last_accessed")


@dataclass(frozen=True)
class Loaded:
    """How much `load` put into the base."""

    entries: int
    links: int


def load(db: Database, file: Path) -> Loaded:
    """Add the entries of a file with their contexts, and then their links.

    Args:
        db: open.
        file: the JSON file.

    Returns:
        The numbers added; an entry whose id the base has already is left alone, with its links.

    Raises:
        InvalidValueError: the file is malformed; the text names the entry.
        DatabaseError: the base refused an entry.
    """
    try:
        records: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidValueError(f"{file} cannot be read: {error}") from error
    waiting = {entry.id: (entry, context) for entry, context in (_read(record, file) for record in records)}
    new = [record for record in records if db.get(record["id"], update_access=False) is None]

    def add(entry_id: str) -> None:
        if entry_id not in waiting:
            return
        entry, context = waiting.pop(entry_id)
        if entry.superseded_by is not None:
            add(entry.superseded_by)  # what an entry refers to must be there first
        db.add(entry, context=context)

    for record in new:
        add(record["id"])
    links = [(record["id"], link) for record in new for link in record.get("links", [])]
    for source_id, link in links:
        try:
            db.add_link(source_id, link["target_id"], link["type"], link.get("reason"))
        except (KeyError, ValueError) as error:
            raise InvalidValueError(f"{file}: a link of {source_id} is refused: {error}") from error
    return Loaded(len(new), len(links))


def _read(record: dict[str, Any], file: Path) -> tuple[Entry, StructuredContext | None]:
    try:
        fields = {name: record[name] for name in _FIELDS if name in record}
        for name in _TIMES:
            if fields.get(name) is not None:
                fields[name] = datetime.fromisoformat(fields[name])
        if fields.get("next_review") is not None:
            fields["next_review"] = date.fromisoformat(fields["next_review"])
        context = record.get("context")
        return Entry(**fields), None if context is None else StructuredContext.from_dict(context)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        which = record.get("id", "an entry without id") if isinstance(record, dict) else repr(record)
        raise InvalidValueError(f"{file}: {which} is malformed: {error}") from error


def main() -> int:
    """Load our own knowledge into the configured base; 1 when it cannot be."""
    try:
        path = get_config().db_path
        with Database(path) as db:
            loaded = load(db, OURS)
    except RekallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{path}: {loaded.entries} entries and {loaded.links} links added")
    return 0


if __name__ == "__main__":
    sys.exit(main())
