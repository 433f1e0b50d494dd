"""JSON of a whole base: an array of entries, each with the sixteen keys that Rekall 0.3 wrote.

Each object has one more key, `more`, with what the sixteen do not say. As long as there are rows of other tables
(links, sources and so on) it has a key `rows` with the next of them, each a table and a row. So a program that goes
through the array finds entries and nothing else. Rows for which there are not enough entries follow in objects of their
own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from rekall.exchange.fields import encode, entry_dict, more_of
from rekall.exchange.records import ENTRIES, Record

ROWS_TOGETHER = 200
"""Rows of other tables that travel with one entry at most."""
_LARGEST = 4 * 1024**2
"""Characters of rows that travel together; one alone may be longer."""


class Text(Protocol):
    """What is written to."""

    def write(self, text: str, /) -> object:
        """Take some text."""


def write_json(entries: Iterable[Record], rows: Iterable[Record], stream: Text) -> Mapping[str, int]:
    """Write records as JSON, with an indent of 2 and not ASCII-escaped, as 0.3 did.

    Args:
        entries: records of entries.
        rows: records of other tables.
        stream: for text; the caller sees to UTF-8.

    Returns:
        How many records of each table were written.
    """
    written: Counter[str] = Counter()
    bundles = _bundles(rows, written)
    separator = "["
    for record in entries:
        data: dict[str, Any] = {**entry_dict(record.values), "more": more_of(record.values)}
        _write(stream, separator, _with(data, next(bundles, None)))
        written[ENTRIES] += 1
        separator = ","
    for bundle in bundles:
        _write(stream, separator, {"rows": bundle})
        separator = ","
    stream.write("[]" if separator == "[" else "\n]")
    return written


def _write(stream: Text, separator: str, data: Mapping[str, Any]) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    stream.write(separator + "\n  " + text.replace("\n", "\n  "))


def _with(data: dict[str, Any], bundle: list[list[Any]] | None) -> dict[str, Any]:
    return data if bundle is None else {**data, "rows": bundle}


def _bundles(rows: Iterable[Record], written: Counter[str]) -> Iterator[list[list[Any]]]:
    bundle: list[list[Any]] = []
    size = 0
    for record in rows:
        row = [record.table, encode(record)]
        length = sum(len(value) for value in record.values.values() if isinstance(value, (str, bytes)))
        if bundle and (len(bundle) >= ROWS_TOGETHER or size + length > _LARGEST):
            yield bundle
            bundle, size = [], 0
        bundle.append(row)
        size += length
        written[record.table] += 1
    if bundle:
        yield bundle
