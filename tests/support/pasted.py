"""A base as a team of developers fills it, and what is pasted into a search of it: `tests/data/pasted.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from rekall.db import Database
from rekall.models import Entry, StructuredContext, generate_ulid

_FILE = Path(__file__).parents[1] / "data" / "pasted.json"


class Query(NamedTuple):
    """A pasted text, and the key of the entry that is meant."""

    pasted: str
    entry: str


class Pasted:
    """The entries and the queries of the file."""

    def __init__(self) -> None:
        data = json.loads(_FILE.read_text("utf-8"))
        self.entries: list[dict[str, Any]] = data["entries"]
        queries = [Query(query["pasted"], query["entry"]) for query in data["queries"]]
        self.tuning = queries[::2]
        """The part of the queries that rules were chosen on."""
        self.held_out = queries[1::2]
        """The part that they were judged by."""
        self.later = [Query(query["pasted"], query["entry"]) for query in data["later"]]
        """Those that were written when the rules stood."""

    @property
    def queries(self) -> list[Query]:
        """All of them."""
        return [*self.tuning, *self.held_out, *self.later]

    def fill(self, db: Database) -> dict[str, str]:
        """Store the entries.

        Returns:
            Their keys by their ids.
        """
        keys = {}
        for item in self.entries:
            entry = Entry(generate_ulid(), item["title"], item["type"], item["content"], tags=list(item["tags"]))
            context = StructuredContext(**item["context"]) if "context" in item else None
            db.add(entry, context=context)
            keys[entry.id] = item["key"]
        return keys
