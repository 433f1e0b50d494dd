"""The entries of a database file that is not open as a base: of any schema so far, and not changed by reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rekall.errors import CannotOpenError, CorruptError, DatabaseBusyError, ImportRefusedError
from rekall.infra.interfaces import Row
from rekall.models import Entry
from rekall.store.rows import ENTRY_COLUMNS, entry_from_row, select
from rekall.store.schema import CURRENT_SCHEMA_VERSION
from rekall.store.sqlite_files import Snapshot, snapshot

_FIRST = ENTRY_COLUMNS[:10]
"""The columns that an entry had from the first schema on."""
_TAGS = "(SELECT json_group_array(tag) FROM (SELECT tag FROM tags WHERE entry_id = entries.id ORDER BY tag)) AS tags"


def external_entries(path: Path) -> list[Entry]:
    """All entries of a file, obsolete ones too, in the order of their storing, as they are at one moment.

    A column that the schema of the file does not have takes its default.

    Raises:
        ImportRefusedError: there is no such file, it is none of Rekall's, or it cannot be read.
    """
    try:
        if not path.exists():
            raise ImportRefusedError(f"File not found: {path}: check the path")
        with snapshot(path) as file:
            return list(map(_entry, _rows(file)))
    except (CannotOpenError, DatabaseBusyError, OSError) as error:
        raise ImportRefusedError(f"Cannot open database: {error}") from error
    except sqlite3.Error as error:  # those of Rekall's tree are such ones too
        raise ImportRefusedError(f"Database error: {path}: {error}") from error


def _rows(file: Snapshot) -> Iterator[Row]:
    state = file.state()
    if state.first_columns < len(_FIRST):
        raise ImportRefusedError(f"Not a valid Rekall database: {file.path} holds no entries: name another file")
    if state.version > CURRENT_SCHEMA_VERSION:
        raise ImportRefusedError(
            f"Not a valid Rekall database: {file.path} has schema {state.version}, this Rekall knows"
            f" {CURRENT_SCHEMA_VERSION}: upgrade Rekall"
        )
    present = {row[0] for row in file.connection.execute("SELECT name FROM pragma_table_info('entries')")}
    columns = [name for name in ENTRY_COLUMNS if name in present]
    cursor = file.connection.execute(f"SELECT {select(columns, 'entries')}, {_TAGS} FROM entries ORDER BY rowid")
    missing = dict.fromkeys(ENTRY_COLUMNS)
    for values in cursor:
        yield missing | dict(zip([*columns, "tags"], values, strict=True))


def _entry(row: Row) -> Entry:
    try:
        return entry_from_row(row)
    except CorruptError as error:
        raise ImportRefusedError(f"Error reading entries: {error}") from error
