"""Which words of a query stand in which field of the hits, told by the tokenizer that made the index."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence

from rekall.models import Entry
from rekall.store.context_codec import searchable
from rekall.store.derived import CONTEXT_COLUMNS
from rekall.store.schema import TOKENIZER
from rekall.store.session import Session

FIELDS = ("title", "content", "tags", *CONTEXT_COLUMNS, "legacy")
"""What is searched of an entry, the last ones of its context; `legacy` is a context as free text."""
_COLUMN_FILTER = re.compile(r"^(?:- )?\{[a-z ]*\} : ")


def matched_words(session: Session, entries: Sequence[Entry], terms: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """The words that each entry was found by.

    Args:
        entries: hits.
        terms: MATCH expressions; see `rekall.store.query.ParsedQuery`.

    Returns:
        By id and field: the terms as they were asked for, without quotation marks; fields without one are left out.
    """
    contexts = {
        row["id"]: searchable(row)
        for row in session.fetch_all(
            "SELECT id, context_structured, context_blob, context_compressed FROM entries"
            " WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps([entry.id for entry in entries]),),
        )
    }
    found: dict[str, dict[str, list[str]]] = {entry.id: {} for entry in entries}
    index = sqlite3.connect(":memory:")
    try:
        index.execute(f"CREATE VIRTUAL TABLE hits USING fts5({', '.join(FIELDS)}, {TOKENIZER})")
        for place, entry in enumerate(entries):
            context = contexts.get(entry.id, {})
            texts = [entry.title, entry.content, " ".join(entry.tags), *(context.get(name) for name in FIELDS[3:])]
            index.execute(
                f"INSERT INTO hits(rowid, {', '.join(FIELDS)}) VALUES ({', '.join('?' * (len(FIELDS) + 1))})",
                (place, *texts),
            )
        for term in terms:
            for name in FIELDS:
                query = ("SELECT rowid FROM hits WHERE hits MATCH ? ORDER BY rowid", (f"{{{name}}} : ({term})",))
                for (place,) in index.execute(*query).fetchall():
                    found[entries[place].id].setdefault(name, []).append(shown(term))
    finally:
        index.close()
    return found


def shown(term: str) -> str:
    """A term as a person would write it."""
    return _COLUMN_FILTER.sub("", term).replace('"', "").replace(" *", "*")
