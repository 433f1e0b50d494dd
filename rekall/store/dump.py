"""Every row of a base as it stood at one moment, for whoever carries it elsewhere."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Protocol

from rekall.errors import CannotOpenError, CorruptError, NotSupportedError
from rekall.infra.interfaces import DatabaseBackend, Params, Row
from rekall.store.columns import COLUMNS
from rekall.store.new_files import unfinished
from rekall.store.rows import select

_AT_ONCE = 32
"""Rows of one query: the longest texts are a million characters."""


class Reader(Protocol):
    """What rows are read from: a back end, or a copy of its base."""

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        """As `DatabaseBackend.fetch_one`."""

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        """As `DatabaseBackend.fetch_all`."""


class _Copy:
    """A copy of a base, which nobody else knows of."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.row_factory = sqlite3.Row

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        found = self.fetch_all(query, params)
        return found[0] if found else None

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        try:
            return [dict(row) for row in self._connection.execute(query, params or ())]
        except sqlite3.DatabaseError as error:
            raise CorruptError(f"the base cannot be read ({error}): see 'rekall doctor'") from error


@contextmanager
def snapshot(backend: DatabaseBackend, path: Path) -> Iterator[Reader]:
    """The base as it is now, whatever others write meanwhile.

    A copy is made beside the base, private and gone at the end; what a killed process leaves of one goes with the next.
    A back end that cannot copy itself is read as it is: whoever writes to it meanwhile can be seen in part.

    Args:
        path: the database file.

    Raises:
        CannotOpenError: there is no room for the copy, or no right to make it.
    """
    writable = path.parent.is_dir() and os.access(path.parent, os.W_OK)
    folder = path.parent if writable else Path(tempfile.gettempdir())
    with ExitStack() as stack:
        try:
            copy = stack.enter_context(unfinished(folder))
            backend.backup(copy)
        except NotSupportedError:
            yield backend
            return
        except OSError as error:
            raise CannotOpenError(f"no copy of {path} can be made to read from ({error.strerror or error})") from error
        connection = stack.enter_context(closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)))
        if os.name != "nt":  # an open file has no name there that could be taken away
            copy.unlink()
        yield _Copy(connection)


def entry_ids(reader: Reader, entry_type: str | None = None, project: str | None = None) -> list[str]:
    """The ids of entries, newest first, in the order of their storing where times are equal; obsolete ones too.

    Args:
        entry_type: of this type alone; an empty text is no filter.
        project: of this project alone, likewise.
    """
    return _strings(
        reader,
        "SELECT id FROM entries WHERE (:type = '' OR type = :type) AND (:project = '' OR project = :project)"
        " ORDER BY created_at DESC, rowid",
        {"type": entry_type or "", "project": project or ""},
    )


def entry_rows(reader: Reader, ids: Sequence[str]) -> Iterator[Row]:
    """The whole rows of entries, in the order of the ids, with `tags` and `keywords`, each a sorted list."""
    columns = select(COLUMNS["entries"], "entries")
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        rows = reader.fetch_all(
            f"SELECT {columns}, {_list('tag', 'tags')} AS tags, {_list('keyword', 'context_keywords')} AS keywords"
            " FROM entries WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(part),),
        )
        found = {row["id"]: row | {name: json.loads(row[name]) for name in ("tags", "keywords")} for row in rows}
        yield from (found[entry_id] for entry_id in part if entry_id in found)


def table_rows(reader: Reader, table: str) -> Iterator[Row]:
    """The rows of a table, in the order of their storing."""
    last = -(2**63)
    while True:
        rows = reader.fetch_all(
            f"SELECT rowid AS rekall_place, {', '.join(COLUMNS[table])} FROM {table}"
            " WHERE rowid > ? ORDER BY rowid LIMIT ?",
            (last, _AT_ONCE),
        )
        if not rows:
            return
        for row in rows:
            last = row.pop("rekall_place")
            yield row


def count(reader: Reader, table: str) -> int:
    """The number of rows of a table."""
    row = reader.fetch_one(f"SELECT count(*) AS n FROM {table}")
    return 0 if row is None else int(row["n"])


def _list(column: str, table: str) -> str:
    return (
        f"(SELECT json_group_array({column}) FROM"
        f" (SELECT {column} FROM {table} WHERE entry_id = entries.id ORDER BY {column}))"
    )


def _strings(reader: Reader, query: str, params: Params) -> list[str]:
    """The one column of a query, of whatever length, in one row."""
    row = reader.fetch_one(f"SELECT json_group_array(id) AS ids FROM ({query})", params)
    return [] if row is None else [str(each) for each in json.loads(row["ids"])]
