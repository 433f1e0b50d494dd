"""The content of a member of a ZIP file, unpacked a piece at a time; what the directory says of it is checked."""

from __future__ import annotations

import hashlib
import zlib
from typing import BinaryIO, NoReturn

from rekall.errors import ImportRefusedError
from rekall.exchange.shown import shown
from rekall.exchange.zip_layout import DEFLATED, Member

_PIECE = 64 * 1024


class MemberStream:
    """A stream for reading; several may take turns on one file.

    Args:
        file: seekable.
        member: of the directory of this file.
        name: of the file, for messages.
    """

    def __init__(self, file: BinaryIO, member: Member, name: str) -> None:
        self._file = file
        self._member = member
        self._place = f"{name}: member {shown(member.name)}"
        self._at = member.data
        self._left = member.packed
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == DEFLATED else None
        self._tail = b""
        self._size = 0
        self._crc = 0
        self._hash = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end, when all that was said of them has proved true.

        Raises:
            ImportRefusedError: the member is damaged, or larger or smaller than the directory says.
        """
        content = self._unpacked(size)
        self._size += len(content)
        self._crc = zlib.crc32(content, self._crc)
        self._hash.update(content)
        if self._size > self._member.size:
            self._refuse(f"unpacks to more than the {self._member.size} bytes that it says it has")
        if not content:
            self._finish()
        return content

    def drain(self) -> str:
        """Read what is left, and return the SHA-256 of all, in hexadecimal digits."""
        while self.read(_PIECE):
            pass
        return self._hash.hexdigest()

    def _unpacked(self, size: int) -> bytes:
        if self._inflater is None:
            return self._packed(size)
        while not self._inflater.eof:
            packed = self._tail or self._packed(_PIECE)
            try:
                content = self._inflater.decompress(packed, size)
            except zlib.error:
                self._refuse("is damaged")
            self._tail = self._inflater.unconsumed_tail
            if content or not (packed or self._left):
                return content
        return b""

    def _packed(self, size: int) -> bytes:
        self._file.seek(self._at)
        packed = self._file.read(min(size, self._left))
        if not packed and self._left:
            self._refuse("is cut off")
        self._at += len(packed)
        self._left -= len(packed)
        return packed

    def _finish(self) -> None:
        whole = self._inflater is None or (self._inflater.eof and not self._inflater.unused_data)
        if not whole or self._left or self._size != self._member.size or self._crc != self._member.crc:
            self._refuse("is damaged: it is not what its size and its check sum say")

    def _refuse(self, what: str) -> NoReturn:
        raise ImportRefusedError(f"{self._place} {what}: copy or export it again")
