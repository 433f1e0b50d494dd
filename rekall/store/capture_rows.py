"""Rows of the inbox, the staging area and the connectors' imports to the objects of `rekall.models.captures`, and back.

Each of these classes has the columns of its table as its fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from rekall.errors import CorruptError
from rekall.infra.interfaces import Row, Value
from rekall.models.captures import ConnectorImport, InboxEntry, StagingEntry, read_list, write_list
from rekall.store.rows import iso, moment, utc_iso

_TIMES = ("captured_at", "enriched_at", "last_verified", "first_seen", "last_seen", "promoted_at", "last_import")
_TRUTHS = ("is_valid", "is_accessible")
_LISTS = ("projects_list", "inbox_ids")

Capture = TypeVar("Capture", InboxEntry, StagingEntry, ConnectorImport)


def columns(kind: type[Capture]) -> list[str]:
    """The columns of the table that holds `kind`, in order."""
    return [field.name for field in fields(kind)]


def capture_from_row(kind: type[Capture], row: Row) -> Capture:
    """The object of a row; a NULL reads as the default of its field.

    Raises:
        CorruptError: a value in the file cannot be read, such as a time that is not an ISO time.
    """
    try:
        read = {column: _read(column, value) for column, value in row.items() if value is not None}
        return kind(**read)
    except (ValueError, TypeError) as error:
        name = row.get("id") or row.get("connector")
        raise CorruptError(f"{kind.__name__} {name} cannot be read ({error}): restore a backup") from error


def captures_from_rows(kind: type[Capture], rows: Iterable[Row]) -> list[Capture]:
    """The objects of many rows."""
    return [capture_from_row(kind, row) for row in rows]


def capture_values(capture: InboxEntry | StagingEntry | ConnectorImport) -> dict[str, Value]:
    """The columns of an object as the file holds them."""
    values = {column: _written(value) for column, value in vars(capture).items()}
    if isinstance(capture, InboxEntry):
        values["enriched_at"] = utc_iso(capture.enriched_at)
    if isinstance(capture, StagingEntry):
        values.update({column: _array(getattr(capture, column)) for column in _LISTS})
    return values


def _read(column: str, value: Any) -> Any:
    if column in _TIMES:
        return moment(value)
    if column in _TRUTHS:
        return bool(value)
    if column in _LISTS:
        return _array(value)
    return value


def _written(value: Any) -> Value:
    if isinstance(value, datetime):
        return iso(value)
    written: Value = int(value) if isinstance(value, bool) else value
    return written


def _array(text: str | None) -> str | None:
    return None if text is None else write_list(read_list(text))
