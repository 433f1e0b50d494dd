"""Contexts that SQL cannot read: marked by the triggers of `rekall.store.derived`, read here in Python."""

from __future__ import annotations

from rekall.infra.interfaces import DatabaseBackend, Row, Statement
from rekall.store.context_codec import searchable

_AT_ONCE = 200
_ROWS = (
    "SELECT id, context_structured, context_blob, context_compressed FROM entries"
    " WHERE id IN (SELECT id FROM rekall_context_pending WHERE id > ? ORDER BY id LIMIT ?)"
)
_ROW = "rowid IN (SELECT id FROM rekall_context_fts_content WHERE c0 = ?)"
_SAME = "id = ? AND context_compressed IS ? AND context_blob IS ? AND context_structured IS ?"


def waiting(backend: DatabaseBackend, after: str = "", limit: int = -1) -> list[Row]:
    """The rows whose context is marked: id and the three stored forms.

    Args:
        after: of ids behind this one alone.
        limit: rows at most; a negative number is no limit.
    """
    return backend.fetch_all(_ROWS, (after, limit))


def fill(backend: DatabaseBackend) -> int:
    """Put the marked contexts into the full-text table; returns how many were marked.

    A row that another process changes meanwhile keeps its mark, and is read next time.
    """
    filled, last = 0, ""
    while rows := waiting(backend, last, _AT_ONCE):
        backend.execute_batch([statement for row in rows for statement in _statements(row)])
        filled += len(rows)
        last = max(row["id"] for row in rows)
    return filled


def _statements(row: Row) -> list[Statement]:
    texts = searchable(row)
    same = (row["id"], row["context_compressed"], row["context_blob"], row["context_structured"])
    columns = ", ".join(f"{column} = ?" for column in texts)
    return [
        Statement(
            f"UPDATE rekall_context_fts SET {columns} WHERE {_ROW} AND EXISTS (SELECT 1 FROM entries WHERE {_SAME})",
            (*texts.values(), row["id"], *same),
        ),
        Statement(
            f"DELETE FROM rekall_context_pending WHERE id = ? AND EXISTS (SELECT 1 FROM entries WHERE {_SAME})",
            (row["id"], *same),
        ),
    ]
