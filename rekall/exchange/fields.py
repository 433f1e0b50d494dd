"""The values of records as JSON can hold them, and back: nothing is lost, and nothing of a wrong type comes in.

An entry has two parts. The first is what Rekall 0.3 wrote of it, sixteen keys, which 0.3 still reads. The second is
what those keys do not say: the rest of its columns, its times with their offset, and whatever the keys would give
back in another form, such as a text that is missing and not empty.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rekall.errors import CorruptError, ImportRefusedError
from rekall.exchange.json_stream import document
from rekall.exchange.limits import Limits
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.shown import plain
from rekall.exchange.times import with_offset, without_offset
from rekall.models import Entry
from rekall.serializers import entry_to_dict
from rekall.store.columns import COLUMNS, Column
from rekall.store.context_codec import compress_context
from rekall.store.rows import entry_from_row

_SIXTEEN = (
    *("id", "title", "type", "content", "project", "confidence", "status", "superseded_by", "created_at"),
    *("updated_at", "memory_type", "last_accessed", "access_count", "consolidation_score", "next_review"),
)
"""Those of the sixteen keys that are columns; `tags` is the other."""
_DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(COLUMNS[ENTRIES]),
    "content": "",
    "confidence": 2,
    "status": "active",
    "memory_type": "episodic",
    "access_count": 0,
    "consolidation_score": 0.0,
    "review_interval": 1,
    "ease_factor": 2.5,
    "centrality_score": 0.0,
}
_WIDEST = 2**63
_SHOWN = 80


def entry_dict(values: Mapping[str, Any]) -> dict[str, Any]:
    """The sixteen keys of an entry, as 0.3 wrote them.

    Args:
        values: of a record.

    Raises:
        CorruptError: the base holds a value that cannot be read.
    """
    entry = entry_of(values)
    if isinstance(entry.consolidation_score, float) and not math.isfinite(entry.consolidation_score):
        entry.consolidation_score = 0.0  # JSON knows no other; `more_of` keeps what it was
    return entry_to_dict(entry)


def entry_of(values: Mapping[str, Any]) -> Entry:
    """The entry that a record describes.

    Raises:
        CorruptError: a value cannot be read.
    """
    tags = json.dumps(values.get("tags", []), separators=(",", ":"))  # as SQLite's json_group_array writes it
    return entry_from_row({**_DEFAULTS, **values, "tags": tags})


def more_of(values: Mapping[str, Any], kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the sixteen keys of an entry do not say exactly, safe for JSON.

    Args:
        values: of a record.
        kept: its sixteen keys, where they are at hand.

    Raises:
        CorruptError: the base holds a value that cannot be read.
    """
    kept = kept or entry_dict(values)
    values = {**_DEFAULTS, **values}
    text = values["context_structured"]
    implied = {**_DEFAULTS} | {key: kept[key] for key in _SIXTEEN} | {"context_blob": text and compress_context(text)}
    more: dict[str, Any] = {}
    context = _as_object(text)
    if context is not None:
        more["context"], implied["context_structured"] = context, text
    for name, column in COLUMNS[ENTRIES].items():
        value = values[name]
        if (column.time and value is not None) or type(value) is not type(implied[name]) or value != implied[name]:
            more[name] = _encoded(value, column)
    keywords = values.get("keywords")
    if keywords is not None and list(keywords) != keywords_of(text):
        more["keywords"] = list(keywords)
    return more


def entry_record(data: Mapping[str, Any], more: Mapping[str, Any] | None, place: str) -> Record:
    """The record of an entry.

    Args:
        data: the sixteen keys; the id and the title are needed, the others take defaults, unknown ones are ignored.
        more: what `more_of` gave; None when there is no more than the sixteen keys.
        place: for messages.

    Raises:
        ImportRefusedError: a value is missing or not one that a base can hold.
    """
    given = {key: data[key] for key in _SIXTEEN if data.get(key) is not None}
    values: dict[str, Any] = {}
    for name in ("id", "title"):
        if name not in given:
            raise ImportRefusedError(f"{place} has no {name}: it is damaged, or was not made by Rekall")
    given.setdefault("type", "reference")
    for name, value in given.items():
        values[name] = _checked(name, value, COLUMNS[ENTRIES][name], place)
    values.setdefault("created_at", datetime.now().isoformat())
    values.setdefault("updated_at", values["created_at"])
    values["tags"] = _texts("tags", data.get("tags") or [], place)
    for name, value in (more or {}).items():
        if name == "context":
            values["context_structured"] = _as_text(value, place)
        elif name == "keywords":
            values["keywords"] = _texts(name, value, place)
        elif name in COLUMNS[ENTRIES] and name != "id":
            values[name] = _checked(name, value, COLUMNS[ENTRIES][name], place)
    return _readable(Record(ENTRIES, values, place))


def checked_entry(record: Record) -> Record:
    """A record of an entry that was put together by any reader.

    Raises:
        ImportRefusedError: a value is missing or not one that a base can hold.
    """
    values, place = record.values, record.place
    for name in ("id", "title", "type", "created_at", "updated_at"):
        if not isinstance(values.get(name), str):
            raise ImportRefusedError(f"{place} has no {name}: an entry needs one")
    for name, value in values.items():
        if name in COLUMNS[ENTRIES]:
            _check_kind(name, value, COLUMNS[ENTRIES][name], place)
        elif name == "tags" or value is not None:
            _texts(name, value, place)
    return _readable(record)


def _readable(record: Record) -> Record:
    """A record of an entry whose columns are of the right kinds, if it makes an entry."""
    values, place = record.values, record.place
    confidence = values.get("confidence")
    if confidence is not None and not 0 <= confidence <= 5:
        raise ImportRefusedError(f"{place}: confidence is {confidence}, not 0 to 5")
    try:
        entry_of(values)
    except (CorruptError, ValueError, TypeError, OverflowError) as error:
        reason = str(error.__cause__ or error)
        raise ImportRefusedError(f"{place} cannot be read: {plain(reason, _SHOWN)}") from error
    return record


def encode(record: Record) -> dict[str, Any]:
    """A row of another table than `entries`, safe for JSON; columns that are NULL are left out."""
    columns = COLUMNS[record.table]
    return {name: _encoded(value, columns[name]) for name, value in record.values.items() if value is not None} | {
        name: None for name, value in record.values.items() if value is None and not columns[name].nullable
    }


def decode(table: str, data: Mapping[str, Any], place: str) -> Record:
    """The row that `encode` gave.

    Raises:
        ImportRefusedError: a value is missing or not one that a base can hold.
    """
    if not isinstance(data, Mapping):
        raise ImportRefusedError(f"{place} is no JSON object: it is damaged")
    values: dict[str, Any] = {}
    for name, column in COLUMNS[table].items():
        if name in data:
            values[name] = _checked(name, data[name], column, place)
        elif column.required:
            raise ImportRefusedError(f"{place} has no {name}: it is damaged")
        elif column.nullable:
            values[name] = None
    return Record(table, values, place)


def keywords_of(context: str | None) -> list[str]:
    """The keywords that a structured context is found by, sorted; none when there is none or it cannot be read."""
    found = (_as_object(context) or {}).get("trigger_keywords")
    return sorted({word for word in found if isinstance(word, str)}) if isinstance(found, list) else []


def _encoded(value: Any, column: Column) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float) and not math.isfinite(value):
        return {"real": repr(value)}
    if column.time and isinstance(value, str):
        return with_offset(value, column.time) or {"text": value}
    return value


def _checked(name: str, value: Any, column: Column, place: str) -> Any:
    """The value of a column, from JSON."""
    if type(value) is dict:
        value = _unwrapped(name, value, place)
    elif column.time and isinstance(value, str):
        try:
            value = without_offset(value, column.time)
        except ValueError as error:
            raise ImportRefusedError(f"{place}: {name}: {plain(str(error), _SHOWN)}") from error
    _check_kind(name, value, column, place)
    return value


def _unwrapped(name: str, value: Mapping[str, Any], place: str) -> Any:
    try:
        (kind, text), *others = value.items()
        if not others and kind == "base64":
            return base64.b64decode(text.encode("ascii"), validate=True)
        if not others and kind == "real":
            return float(text)
        if not others and kind == "text" and isinstance(text, str):
            return text
    except (ValueError, AttributeError, TypeError, binascii.Error):
        pass
    raise ImportRefusedError(f"{place}: {name} is a JSON object that says nothing: it is damaged")


def _check_kind(name: str, value: Any, column: Column, place: str) -> None:
    if value is None:
        if not column.nullable:
            raise ImportRefusedError(f"{place}: {name} is null, and a base needs it")
        return
    if type(value) not in _KINDS[column.kind]:  # a bool is an int, but not a number
        raise ImportRefusedError(f"{place}: {name} is {plain(repr(value), _SHOWN)}, not {_WORDS[column.kind]}")
    if type(value) is str:
        check_text(name, value, place)
        if name == "id" and (not value.strip() or _CONTROL.search(value)):
            raise ImportRefusedError(f"{place}: the id {plain(repr(value), _SHOWN)} is empty or has control characters")
    elif type(value) is int and not -_WIDEST <= value < _WIDEST:
        raise ImportRefusedError(f"{place}: {name} is a number beyond 64 bits")
    if column.choices and value not in column.choices:
        raise ImportRefusedError(
            f"{place}: {name} is {plain(repr(value), _SHOWN)}, not one of {', '.join(column.choices)}"
        )


_KINDS: Mapping[str, tuple[type, ...]] = {"TEXT": (str,), "INTEGER": (int,), "REAL": (int, float), "BLOB": (bytes,)}
_CONTROL = re.compile("[\0-\x1f]")
_WORDS = {"TEXT": "a text", "INTEGER": "a whole number", "REAL": "a number", "BLOB": "bytes"}


def check_text(name: str, value: str, place: str) -> None:
    """Refuse half of a surrogate pair, which no file can hold.

    Raises:
        ImportRefusedError: there is one.
    """
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ImportRefusedError(f"{place}: {name} has half of a surrogate pair, which is no text") from error


def _texts(name: str, value: Any, place: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ImportRefusedError(f"{place}: {name} is {plain(repr(value), _SHOWN)}, not a list of texts")
    for text in value:
        check_text(name, text, place)
    return list(dict.fromkeys(value))


def _as_object(text: Any) -> dict[str, Any] | None:
    """The object of a JSON text that JSON writes again in the very same way, and that a reader takes from a file."""
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        found = document(io.BytesIO(f'{{"more": {{"context": {text}}}}}'.encode()), Limits(text=len(text) + 99), "")
    except (ImportRefusedError, UnicodeEncodeError):
        return None
    loaded: dict[str, Any] = found["more"]["context"]
    return loaded if json.dumps(loaded) == text else None


def _as_text(value: Any, place: str) -> str:
    if not isinstance(value, dict):
        raise ImportRefusedError(f"{place}: context is {plain(repr(value), _SHOWN)}, not a JSON object")
    return json.dumps(value)
