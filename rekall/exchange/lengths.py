"""How long the texts of a record may be, the packed ones too."""

from __future__ import annotations

import zlib

from rekall.exchange.limits import Limits
from rekall.exchange.records import Record
from rekall.store.columns import COLUMNS


def check_lengths(record: Record, limits: Limits) -> None:
    """Refuse a record with a text beyond the limits `line` or `text`, under zlib or not.

    Raises:
        ImportRefusedError: there is one.
    """
    columns = COLUMNS[record.table]
    for name, value in record.values.items():
        place = f"{record.place}: {name}"
        if isinstance(value, list):
            for word in value:
                limits.check("line", len(word), place)
        elif isinstance(value, str):
            limits.check("text" if columns[name].long else "line", len(value), place)
        elif isinstance(value, bytes):
            limits.check("text", max(len(value), _unpacked(value, limits.text + 1)), place)


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
