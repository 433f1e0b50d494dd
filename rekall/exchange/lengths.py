"""How long the texts of a record are, the packed ones too."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator

from rekall.exchange.limits import Limits
from rekall.exchange.records import Record
from rekall.store.columns import COLUMNS


def check_lengths(record: Record, limits: Limits) -> None:
    """Refuse a record with a text beyond the limits `line` or `text`, under zlib or not.

    Raises:
        ImportRefusedError: there is one.
    """
    short = min(limits.line, limits.text)
    for value in record.values.values():
        if type(value) is str:
            if len(value) > short:
                break
        elif type(value) in _LONGER:
            break
    else:
        return  # nearly every row of most tables
    for name, limit, length in lengths(record, limits.text + 1):
        if length > getattr(limits, limit):
            limits.refuse(limit, length, f"{record.place}: {name}")


_LONGER = (bytes, list)


def lengths(record: Record, most: int = sys.maxsize) -> Iterator[tuple[str, str, int]]:
    """The length of every text of a record.

    Args:
        most: bytes up to which packed ones are counted.

    Yields:
        The column, `line` or `text` for the limit that holds for it, and characters or bytes.
    """
    columns = COLUMNS[record.table]
    for name, value in record.values.items():
        if isinstance(value, str):
            yield name, "text" if columns[name].long else "line", len(value)
        elif isinstance(value, list):
            yield name, "line", max(map(len, value), default=0)
        elif isinstance(value, bytes):
            yield name, "text", max(len(value), _unpacked(value, most))


def _unpacked(data: bytes, most: int) -> int:
    """Bytes that come out of it by unpacking, counted up to `most`; 0 when it is not packed."""
    inflater = zlib.decompressobj()
    size = 0
    try:
        while size < most:
            piece = inflater.decompress(data, min(65536, most - size))
            data = inflater.unconsumed_tail
            size += len(piece)
            if not piece:
                break
    except zlib.error:
        return 0
    return size
