"""JSON of a whole base: an array of entries, each with the sixteen keys that Rekall 0.3 wrote.

Each object has one more key, `more`, with what the sixteen do not say. As long as there are rows of other tables
(links, sources and so on) it has a key `rows` with the next of them, each a table and a row. So a program that goes
through the array finds entries and nothing else. Rows for which there are not enough entries follow in objects of their
own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from rekall.exchange.fields import encode, entry_dict, more_of
from rekall.exchange.json_text import compact, entry_text
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
        kept = entry_dict(record.values)
        entry = entry_text(kept, margin="  ")
        # behind the sixteen keys of 0.3, in place of the brace that ends them
        stream.write(f'{separator}\n  {entry[:-4]},\n    "more": {compact(more_of(record.values, kept))}')
        bundle = next(bundles, None)
        stream.write("\n  }" if bundle is None else f",\n    {bundle}\n  }}")
        written[ENTRIES] += 1
        separator = ","
    for bundle in bundles:
        stream.write(f"{separator}\n  {{\n    {bundle}\n  }}")
        separator = ","
    stream.write("[]" if separator == "[" else "\n]")
    return written


def _bundles(rows: Iterable[Record], written: Counter[str]) -> Iterator[str]:
    """The key `rows` with as many of them as travel together, one on a line."""
    lines: list[str] = []
    size = 0
    for record in rows:
        line = compact([record.table, encode(record)])
        if lines and (len(lines) >= ROWS_TOGETHER or size + len(line) > _LARGEST):
            yield _bundle(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
        written[record.table] += 1
    if lines:
        yield _bundle(lines)


def _bundle(lines: list[str]) -> str:
    return '"rows": [\n      ' + ",\n      ".join(lines) + "\n    ]"
