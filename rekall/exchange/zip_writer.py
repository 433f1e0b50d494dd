"""A ZIP file written from front to back, to a pipe too: each member is packed beside it first, in a nameless file."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from rekall.exchange import zip_layout as layout
from rekall.exchange.zip_layout import FULL, FULL_COUNT, HARMLESS

_PIECE = 256 * 1024
_VERSION, _VERSION_OF_LARGE = 20, 45
_UNIX = 3 << 8
_REGULAR_FILE = 0o100600 << 16


class Target(Protocol):
    """What is written to."""

    def write(self, data: bytes, /) -> object:
        """Take all of the data."""


class Packed:
    """A member that grows on disk, packed.

    Args:
        name: in the ZIP file; ASCII.
        folder: where the nameless file lives; None for the system's place for temporary files.
    """

    def __init__(self, name: str, folder: Path | None) -> None:
        self.name = name
        self.size = 0
        self.packed = 0
        self.crc = 0
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # until close
        self._hash = hashlib.sha256()
        self._deflater = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)

    def write(self, content: bytes) -> None:
        """Add some content.

        Raises:
            OSError: the disk is full.
        """
        self.size += len(content)
        self.crc = zlib.crc32(content, self.crc)
        self._hash.update(content)
        self._keep(self._deflater.compress(content))

    def finish(self) -> None:
        """Nothing more comes."""
        self._keep(self._deflater.flush())

    @property
    def sha256(self) -> str:
        """Of the content so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Give the disk back."""
        self.file.close()

    def _keep(self, packed: bytes) -> None:
        self.packed += len(packed)
        self.file.write(packed)


def write_zip(target: Target, members: Sequence[Packed], when: datetime, *, most_packed: int, full: int = FULL) -> int:
    """Write a ZIP file.

    Args:
        target: need not be seekable.
        members: finished.
        when: the time that each member gets.
        most_packed: a member more than so many times as large as its packed form is stored as it is, unless `HARMLESS`.
        full: sizes and offsets from this one on are written with 64 bits.

    Returns:
        The number of bytes written.

    Raises:
        OSError: the target cannot be written.
    """
    offset = 0
    directory: list[bytes] = []
    for member in members:
        stored = member.size > max(HARMLESS, most_packed * member.packed)
        header, entry = _headers(member, stored, when, offset, full)
        target.write(header)
        directory.append(entry)
        offset += len(header) + _copy(member, stored, target)
    end = b"".join(directory)
    end += _end(len(directory), len(end), offset, full)
    target.write(end)
    return offset + len(end)


def _headers(member: Packed, stored: bool, when: datetime, offset: int, full: int) -> tuple[bytes, bytes]:
    """What stands before a member, and its entry in the directory."""
    packed = member.size if stored else member.packed
    name = member.name.encode("ascii")
    is_large = max(member.size, packed) >= full
    sizes = (FULL, FULL) if is_large else (packed, member.size)
    extra = _large([member.size, packed]) if is_large else b""
    far = _large([*([member.size, packed] if is_large else []), *([offset] if offset >= full else [])])
    version = _VERSION_OF_LARGE if far else _VERSION
    method = layout.STORED if stored else layout.DEFLATED
    common = (version, 0, method, *_dos_time(when), member.crc, *sizes, len(name))
    header = layout.LOCAL.pack(layout.LOCAL_MARK, *common, len(extra))
    entry = layout.CENTRAL.pack(
        layout.CENTRAL_MARK,
        _UNIX | version,
        *common,
        len(far),
        *(0, 0, 0),
        _REGULAR_FILE,
        FULL if offset >= full else offset,
    )
    return header + name + extra, entry + name + far


def _large(values: Sequence[int]) -> bytes:
    data = b"".join(value.to_bytes(8, "little") for value in values)
    return layout.LARGE.pack(layout.LARGE_KIND, len(data)) + data if data else b""


def _end(count: int, size: int, offset: int, full: int) -> bytes:
    end = layout.END.pack(layout.END_MARK, 0, 0, count, count, size, offset, 0)
    if offset < full:
        return end
    own_size = layout.END64.size - 12
    versions = (_UNIX | _VERSION_OF_LARGE, _VERSION_OF_LARGE)
    large = layout.END64.pack(layout.END64_MARK, own_size, *versions, 0, 0, count, count, size, offset)
    short = layout.END.pack(layout.END_MARK, 0, 0, FULL_COUNT, FULL_COUNT, FULL, FULL, 0)
    return large + layout.LOCATOR.pack(layout.LOCATOR_MARK, 0, offset + size, 1) + short


def _copy(member: Packed, stored: bool, target: Target) -> int:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    length = 0
    member.file.seek(0)
    while packed := member.file.read(_PIECE):
        while packed:
            piece = inflater.decompress(packed, _PIECE) if stored else packed
            packed = inflater.unconsumed_tail if stored else b""
            target.write(piece)
            length += len(piece)
    if stored:
        piece = inflater.flush()
        target.write(piece)
        length += len(piece)
    return length


def _dos_time(when: datetime) -> tuple[int, int]:
    year = min(max(when.year, 1980), 2107) - 1980
    return when.hour << 11 | when.minute << 5 | when.second // 2, year << 9 | when.month << 5 | when.day
