"""A ZIP file written from front to back, to a pipe too: each member lies in a nameless file until all are there."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol, cast

from rekall.exchange.limits import HARMLESS

_PIECE = 256 * 1024
_REGULAR_FILE = 0o100600 << 16
_UNIX = 3


class Target(Protocol):
    """What is written to."""

    def write(self, data: bytes, /) -> object:
        """Take all of the data."""


class Growing:
    """A member that grows on disk.

    Args:
        name: in the ZIP file.
        folder: where the nameless file lives; None for the system's place for temporary files.
    """

    def __init__(self, name: str, folder: Path | None) -> None:
        self.name = name
        self.size = 0
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # until close
        self._hash = hashlib.sha256()

    def write(self, content: bytes) -> None:
        """Add some content.

        Raises:
            OSError: the disk is full.
        """
        self.size += len(content)
        self._hash.update(content)
        self.file.write(content)

    @property
    def sha256(self) -> str:
        """Of the content so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Give the disk back."""
        self.file.close()


def write_zip(target: Target, members: Sequence[Growing], when: datetime, *, most_packed: int) -> int:
    """Write a ZIP file.

    Args:
        target: need not be seekable.
        members: whole.
        when: the time that each member gets.
        most_packed: a member that packing makes more than so many times smaller is stored as it is, unless `HARMLESS`.

    Returns:
        The number of bytes written.

    Raises:
        OSError: the target cannot be written.
    """
    counted = _Counted(target)
    with zipfile.ZipFile(cast("IO[bytes]", counted), "w") as archive:
        for member in members:
            year = min(max(when.year, 1980), 2107)
            info = zipfile.ZipInfo(member.name, (year, when.month, when.day, when.hour, when.minute, when.second))
            info.file_size, info.create_system, info.external_attr = member.size, _UNIX, _REGULAR_FILE
            is_dense = member.size > HARMLESS and member.size > most_packed * _packed(member)
            info.compress_type = zipfile.ZIP_STORED if is_dense else zipfile.ZIP_DEFLATED
            member.file.seek(0)
            with archive.open(info, "w") as content:
                shutil.copyfileobj(member.file, content, _PIECE)
    return counted.size


class _Counted:
    """A target that counts; zipfile sees that it cannot go back in it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.size = 0

    def write(self, data: bytes) -> int:
        self._target.write(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""


def _packed(member: Growing) -> int:
    """The bytes that packing makes of a member."""
    deflater = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    member.file.seek(0)
    size = 0
    while piece := member.file.read(_PIECE):
        size += len(deflater.compress(piece))
    return size + len(deflater.flush())
