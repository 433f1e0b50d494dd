"""The JSON that `rekall.exchange.json_writer` and Rekall 0.3 wrote, read an entry at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from rekall.errors import ImportRefusedError
from rekall.exchange.dump import TABLES
from rekall.exchange.fields import decode, entry_record
from rekall.exchange.json_stream import array_items
from rekall.exchange.limits import Limits
from rekall.exchange.records import Record
from rekall.exchange.shown import shown


class JsonReader:
    """A JSON export, as something to import.

    Args:
        file: seekable; closed with the reader.
        limits: what is taken.
        name: for messages.

    Raises:
        ImportRefusedError: the file is larger than the limit.
    """

    def __init__(self, file: BinaryIO, limits: Limits, name: str) -> None:
        self._file = file
        self._limits = limits
        self.name = name
        self.total = 0
        self._opened = datetime.now().isoformat()
        limits.check("size", file.seek(0, 2), name)

    def records(self) -> Iterator[Record]:
        """The entries with what travels with them."""
        self._file.seek(0)
        for number, item in array_items(self._file, self._limits, self.name):
            place = f"{self.name}, entry {number}"
            more = item.get("more")
            if more is not None and not isinstance(more, dict):
                raise ImportRefusedError(f"{place}: more is {shown(more)}, not a JSON object")
            if "rows" not in item or "id" in item:
                if item.get("created_at") is None:
                    item["created_at"] = self._opened  # and not the moment of each reading
                yield entry_record(item, more, place)
            yield from _rows(item.get("rows", []), place)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _rows(rows: Any, place: str) -> Iterator[Record]:
    if not isinstance(rows, list):
        raise ImportRefusedError(f"{place}: rows is {shown(rows)}, not a list")
    for number, row in enumerate(rows, 1):
        here = f"{place}, row {number}"
        if not isinstance(row, list) or len(row) != 2 or not isinstance(row[0], str):
            raise ImportRefusedError(f"{here} is not a table and its row")
        table, values = row
        if table not in TABLES:
            raise ImportRefusedError(f"{here}: no table is called {shown(table)}; a newer Rekall may know it")
        yield decode(table, values, f"{here} ({table})")
