"""How a ZIP file is laid out, as far as archives need it (APPNOTE.TXT of PKWARE, sections 4.3 to 4.5)."""

from __future__ import annotations

import struct
from typing import NamedTuple

LOCAL = struct.Struct("<4s5H3I2H")
"""Before each member: signature, version, flags, method, time, date, CRC, packed, size, name length, extra length."""
CENTRAL = struct.Struct("<4s6H3I5H2I")
"""In the directory: signature, made by, version, flags ... extra length, comment length, disk, attributes, offset."""
END = struct.Struct("<4s4H2IH")
"""At the end: signature, disk numbers, entries here, entries, size and offset of the directory, comment length."""
END64 = struct.Struct("<4sQ2H2I4Q")
"""Before it, in a large file: signature, own size, versions, disk numbers, and the same counts with 64 bits."""
LOCATOR = struct.Struct("<4sIQI")
"""Between the two: signature, disk, offset of `END64`, number of disks."""

LOCAL_MARK, CENTRAL_MARK, END_MARK = b"PK\3\4", b"PK\1\2", b"PK\5\6"
END64_MARK, LOCATOR_MARK, SPANNED_MARK = b"PK\6\6", b"PK\6\7", b"PK\7\x08"

STORED, DEFLATED = 0, 8
ENCRYPTED, WITHOUT_SIZES, PATCH, UTF8, MASKED = 1 << 0, 1 << 3, 1 << 5, 1 << 11, 1 << 13
"""Flags of a member; WITHOUT_SIZES: CRC and sizes follow its data, and may be 0 before it."""
FULL = 0xFFFFFFFF
"""In a field of 32 bits: the value is in the extra field instead."""
FULL_COUNT = 0xFFFF
LARGE = struct.Struct("<2H")
"""Head of a part of the extra field: its kind and its length; kind 1 holds the values of 64 bits."""
LARGE_KIND = 1
HARMLESS = 16 * 1024**2
"""Bytes; whatever its ratio, unpacking what is smaller does no harm."""


class Member(NamedTuple):
    """One file in a ZIP file.

    Args:
        name: with `/` between folders.
        method: `STORED` or `DEFLATED`.
        crc: CRC-32 of the content.
        packed: bytes that it takes.
        size: bytes of its content, as the directory says.
        header: offset of what stands before it.
        data: offset of its packed bytes.
    """

    name: str
    method: int
    crc: int
    packed: int
    size: int
    header: int
    data: int
