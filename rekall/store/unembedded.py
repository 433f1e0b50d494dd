"""Which entries lack a current vector, and what vectors there are instead."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rekall.infra.interfaces import Row, Value
from rekall.models import Entry
from rekall.store.context_codec import read_structured, searchable
from rekall.store.rows import ENTRY_SELECT, entry_from_row
from rekall.store.session import Session
from rekall.store.vectors import FLOAT, SAME_SPACE, VectorSpace

_HAS_CONTEXT = "coalesce(context_structured, context_blob, context_compressed) IS NOT NULL"


def _lacks(kind: str) -> str:
    """The condition on `entries` for having no vector of a type that is as new as the entry.

    Reading and reviewing an entry leave its `updated_at` alone. A change of its status or project alone does not, and
    has it embedded once more than it needs.
    """
    same = SAME_SPACE.replace(":kind", f"'{kind}'")
    return (
        "NOT EXISTS (SELECT 1 FROM embeddings AS v WHERE v.entry_id = entries.id"
        f" AND v.created_at >= entries.updated_at AND {same})"
    )


_LACKS_CONTEXT = f"({_HAS_CONTEXT} AND {_lacks('context')})"
_WAITING = f"+entries.status = 'active' AND ({_lacks('summary')} OR {_LACKS_CONTEXT})"


class ToEmbed(NamedTuple):
    """An entry that lacks a current vector.

    Args:
        entry: its summary is embedded when `summary` says so.
        context: the text of its context if that is to be embedded, None otherwise.
        place: entries come in the order of their places.
    """

    entry: Entry
    summary: bool
    context: str | None
    place: int


class StoredVectors(NamedTuple):
    """The summary vectors of one model and length that active entries have.

    Args:
        model_name: as it is stored; None where there is no vector, or none that can be read.
        dimensions: 0 where there is none.
        entries: how many have one.
        outdated: of these, entries that changed since.
    """

    model_name: str | None
    dimensions: int
    entries: int
    outdated: int


class Unembedded:
    """Compares entries with their vectors. Accesses are not counted."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def summaries(self) -> list[StoredVectors]:
        """The summary vectors of active entries by model and length, most first."""
        rows = self._session.fetch_all(
            "SELECT v.model_name AS model_name, coalesce(v.dimensions, 0) AS dimensions, count(*) AS entries,"
            " coalesce(sum(v.created_at < entries.updated_at), 0) AS outdated FROM entries LEFT JOIN embeddings AS v"
            " ON v.entry_id = entries.id AND v.embedding_type = 'summary'"
            f" AND typeof(v.vector) = 'blob' AND length(v.vector) = v.dimensions * {FLOAT}"
            " WHERE +entries.status = 'active'"
            " GROUP BY v.model_name, v.dimensions ORDER BY entries DESC, model_name, dimensions"
        )
        return [StoredVectors(**row) for row in rows]

    def count(self, space: VectorSpace) -> int:
        """How many active entries lack a current vector of their summary, or of the context that they have."""
        row = self._session.fetch_one(f"SELECT count(*) AS n FROM entries WHERE {_WAITING}", _parameters(space))
        return 0 if row is None else int(row["n"])

    def page(self, space: VectorSpace, limit: int, after: int = -1) -> list[ToEmbed]:
        """Some of these entries, in the order of their storing.

        Args:
            limit: entries at most; a negative number is no limit.
            after: the place of the last one of the page before.
        """
        return self._entries(
            f"entries.rowid > :after AND {_WAITING}", {**_parameters(space), "after": after, "limit": limit}
        )

    def chosen(self, entry_ids: Sequence[str]) -> list[ToEmbed]:
        """Entries of any status by their ids, whatever vectors they have; unknown ids are passed over."""
        return self._entries(
            "entries.id IN (SELECT value FROM json_each(:ids))", {"ids": json.dumps(list(entry_ids)), "limit": -1}, True
        )

    def _entries(self, where: str, values: dict[str, Value], anew: bool = False) -> list[ToEmbed]:
        summary = "1" if anew else _lacks("summary")
        context = f"({_HAS_CONTEXT})" if anew else _LACKS_CONTEXT
        rows = self._session.fetch_all(
            f"SELECT {ENTRY_SELECT}, entries.rowid AS place, {summary} AS summary, {context} AS context,"
            f" context_structured, context_blob, context_compressed FROM entries WHERE {where}"
            " ORDER BY entries.rowid LIMIT :limit",
            values,
        )
        return [_to_embed(row) for row in rows]


def summary_text(entry: Entry) -> str:
    """What is embedded of an entry: title, content and tags, joined by blanks."""
    return " ".join(part for part in (entry.title, entry.content, *entry.tags) if part)


def written(read_at: datetime, entry: Entry) -> datetime:
    """The time of a vector: that at which its text was read, so that a later change is noticed.

    Args:
        read_at: before the entry was read.
        entry: one from a clock that runs ahead counts as embedded all the same.
    """
    return max(read_at, entry.updated_at)


def _parameters(space: VectorSpace) -> dict[str, Value]:
    return {name: value for name, value in space.parameters("").items() if name != "kind"}


def _to_embed(row: Row) -> ToEmbed:
    entry = entry_from_row(row)
    return ToEmbed(entry, bool(row["summary"]), _context_text(row, entry) if row["context"] else None, row["place"])


def _context_text(row: Row, entry: Entry) -> str:
    """Situation and solution, a line each; else the free text; of a context that cannot be read, the entry's own."""
    context = read_structured(row)
    if context is not None:
        return f"{context.situation}\n{context.solution}"
    texts = searchable(row)
    lines = [text for text in (texts["situation"], texts["solution"], texts["legacy"]) if text and text.strip()]
    return "\n".join(lines) or summary_text(entry)
