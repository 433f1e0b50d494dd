"""Rows from elsewhere, as the statements that bring them into a base. They go together in one batch.

Foreign keys are checked at the end of the batch, so the rows may come in any order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rekall.infra.interfaces import Row, Statement, Value
from rekall.store.columns import COLUMNS
from rekall.store.context_codec import FORMS, compress_context
from rekall.store.session import Session

DEFERRED = Statement("PRAGMA defer_foreign_keys = ON")
"""The first statement of a batch."""

_STATE = (
    "coalesce(updated_at, '') || '/' || hex(substr(context_blob, -4)) || '/' || hex(substr(context_compressed, -4))"
)
"""A text that changes whenever an entry or its context does: zlib ends with a checksum."""
_NO_CONTEXT = " AND ".join(f"{column} IS NULL" for column in FORMS)


def new_entry(values: Mapping[str, Any], tags: Iterable[str], keywords: Iterable[str]) -> Iterator[Statement]:
    """Add an entry with its tags and the keywords of its context.

    Args:
        values: columns; those left out take their defaults.
    """
    row = _with_blob({column: values[column] for column in COLUMNS["entries"] if column in values})
    yield from _words("tags", "tag", row["id"], tags)
    yield Statement(f"INSERT INTO entries({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", row)
    yield from _words("context_keywords", "keyword", row["id"], keywords)


def replaced_entry(
    entry_id: str, values: Mapping[str, Value], tags: Iterable[str], *, state: str
) -> Iterator[Statement]:
    """Write some columns of an entry and its tags anew; the batch fails if it is gone or has changed.

    Args:
        values: columns, the title among them.
        state: as `states` gave it.
    """
    yield Statement("DELETE FROM tags WHERE entry_id = ?", (entry_id,))
    yield from _words("tags", "tag", entry_id, tags)
    assignments = ", ".join(f"{column} = :{column}" for column in values)
    yield Statement(
        f"UPDATE entries SET {assignments} WHERE id = :id AND {_STATE} = :state",
        {**values, "id": entry_id, "state": state},
        expect=1,
    )


def context(
    entry_id: str, values: Mapping[str, Any], keywords: Iterable[str], *, only_if_none: bool
) -> Iterator[Statement]:
    """Give an entry a context.

    Args:
        values: any of the columns `FORMS`; those left out are emptied.
        only_if_none: leave an entry that has one as it is.
    """
    row = {**dict.fromkeys(FORMS), **_with_blob({name: values[name] for name in FORMS if name in values})}
    free = f" AND {_NO_CONTEXT}" if only_if_none else ""
    if only_if_none:  # first, while the entry still tells whether it has a context
        for keyword in keywords:
            yield Statement(
                "INSERT OR IGNORE INTO context_keywords(entry_id, keyword)"
                f" SELECT id, ? FROM entries WHERE id = ?{free}",
                (keyword, entry_id),
            )
    else:
        yield Statement("DELETE FROM context_keywords WHERE entry_id = ?", (entry_id,))
        yield from _words("context_keywords", "keyword", entry_id, keywords)
    assignments = ", ".join(f"{column} = :{column}" for column in FORMS)
    yield Statement(f"UPDATE entries SET {assignments} WHERE id = :id{free}", {**row, "id": entry_id})


def without_vectors(entry_id: str, *, context_only: bool) -> Statement:
    """Remove the vectors of an entry whose text is another from now on, or that of its context alone."""
    condition = " AND embedding_type = 'context'" if context_only else ""
    return Statement(f"DELETE FROM embeddings WHERE entry_id = ?{condition}", (entry_id,))


def row(table: str, values: Mapping[str, Any]) -> Statement:
    """Add a row of another table; one that is there already, by its id or by what has to be unique, stays as it is.

    Two tables are special. Every base is made with the same known domains: such a row takes the notes that come, and
    the earlier of both times. A saved filter takes another number when its own is taken.
    """
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    tail = "ON CONFLICT DO NOTHING"
    if table == "known_domains":
        tail = (
            "ON CONFLICT(domain) DO UPDATE SET notes = excluded.notes,"
            " created_at = min(created_at, excluded.created_at)"
            " WHERE role = excluded.role AND (notes IS excluded.notes OR notes = 'known ' || role)"
        )
    if table == "saved_filters" and "id" in values:
        free = "CASE WHEN EXISTS (SELECT 1 FROM saved_filters WHERE id = :id) THEN NULL ELSE :id END"
        places = ", ".join(free if name == "id" else f":{name}" for name in values)
    return Statement(f"INSERT INTO {table}({names}) VALUES ({places}) {tail}", dict(values))


def states(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """A text for each of some entries that is another one whenever the entry or its context was changed."""
    rows = session.fetch_all(
        f"SELECT id, {_STATE} AS state FROM entries WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return {row["id"]: row["state"] for row in rows}


def contexts(session: Session, ids: Sequence[str]) -> dict[str, Row]:
    """The context of each of some entries in its three forms; entries without one are absent."""
    rows = session.fetch_all(
        f"SELECT id, {', '.join(FORMS)} FROM entries"
        f" WHERE id IN (SELECT value FROM json_each(?)) AND NOT ({_NO_CONTEXT})",
        (json.dumps(list(ids)),),
    )
    return {row["id"]: row for row in rows}


def present(session: Session, table: str, ids: Sequence[str]) -> set[str]:
    """Those of some ids that a table has."""
    rows = session.fetch_all(
        f"SELECT id FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    return {row["id"] for row in rows}


def sources_by_address(session: Session) -> dict[tuple[str, str | None], str]:
    """The id of every source, by domain and pattern; of several alike, the first."""
    rows = session.fetch_all("SELECT id, domain, url_pattern FROM sources ORDER BY rowid DESC")
    return {(row["domain"], row["url_pattern"]): row["id"] for row in rows}


def counts(session: Session, tables: Iterable[str]) -> dict[str, int]:
    """The number of rows of some tables."""
    columns = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}" for table in tables)
    return dict(session.fetch_one(f"SELECT {columns}") or {})


def _with_blob(values: dict[str, Any]) -> dict[str, Any]:
    """With the compressed form of a context that came without."""
    text = values.get("context_structured")
    if text is not None and "context_blob" not in values:
        return {**values, "context_blob": compress_context(text)}
    return values


def _words(table: str, column: str, entry_id: str, words: Iterable[str]) -> Iterator[Statement]:
    for word in dict.fromkeys(words):
        yield Statement(f"INSERT INTO {table}(entry_id, {column}) VALUES (?, ?)", (entry_id, word))
