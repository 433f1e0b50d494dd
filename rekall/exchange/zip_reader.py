"""ZIP files that may have been made to do harm: read with the standard library, behind checks that it leaves out."""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, BinaryIO, NoReturn

from rekall.errors import ImportRefusedError
from rekall.exchange.limits import HARMLESS, Limits
from rekall.exchange.shown import shown

_MOST_MEMBERS = 100
_LARGEST_READ = 1024**2
"""Bytes: the directory of an archive is far smaller, and content is read in smaller pieces."""
_LONGEST_NAME = 1000
_PIECE = 64 * 1024
_AGAIN = "copy or export it again"
_NO_ARCHIVE = "give an archive that Rekall exported (*.rekall.zip)"
_DRIVE = re.compile(r"[a-zA-Z]:")
_LOCAL = struct.Struct("<4s5H3I2H")
"""What stands before a member: mark, version, flags, method, time, date, CRC, packed, size, name length, extra length
(APPNOTE.TXT of PKWARE, section 4.3.7)."""
_END = struct.Struct("<4s4H10x")
"""The end of a file, but for its comment: mark, number of this disk and of that with the directory, members on this
disk and on all (section 4.3.16)."""
_ENCRYPTED, _SIZES_FOLLOW = 1 << 0 | 1 << 6 | 1 << 13, 1 << 3
_FULL, _FULL_NUMBER = 0xFFFFFFFF, 0xFFFF
"""In fields of 32 and of 16 bits: a value of 64 bits stands elsewhere, where zipfile finds it."""
_UNREADABLE = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OverflowError)
"""What zipfile raises on a file that is damaged or of another kind."""


class ZipReader:
    """The members of a ZIP file.

    Args:
        file: seekable; not closed.
        name: for messages.
        limits: `expanded` and `ratio` are compared with what the directory says; while reading, nobody gets more.

    Raises:
        ImportRefusedError: it is no ZIP file, damaged, dangerous or beyond a limit.
    """

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._file = file
        self._name = name
        self._limits = limits
        self._check_head()
        try:
            self._zip = zipfile.ZipFile(_Bounded(file))
        except _UNREADABLE as error:
            self._refuse(f"has a damaged directory ({error})", _AGAIN)
        members = self._zip.infolist()
        if not 0 < len(members) <= _MOST_MEMBERS:
            self._refuse(f"has {len(members)} members", _NO_ARCHIVE)
        self._check_end(len(members))
        self._check_names(members)
        for member in members:
            self._check_kind(member)
        self._check_places(members)
        self._check_sizes(members)
        self._members: Mapping[str, zipfile.ZipInfo] = {member.filename: member for member in members}

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def open(self, name: str) -> Member:
        """The content of a member; several may be read by turns."""
        member = self._members[name]
        place = f"{self._name}: member {shown(name)}"
        with _readable(place):
            return Member(self._zip.open(member), member.file_size, place)

    def _check_head(self) -> None:
        self._file.seek(0)
        head = self._file.read(4)
        if head == b"PK\7\x08":
            self._refuse("is one part of several", "join them first")
        if head != b"PK\3\4":
            self._refuse("is no ZIP file, or an empty one", _NO_ARCHIVE)

    def _check_end(self, count: int) -> None:
        """That the file ends where it says, is no part of several, and has as many members as it says."""
        self._file.seek(max(self._file.seek(0, 2) - _END.size - len(self._zip.comment), 0))
        end = self._file.read(_END.size)
        if len(end) < _END.size or end[:4] != b"PK\5\6":
            self._refuse("has something behind its end, or is cut off", _AGAIN)
        _, *disks, here, said = _END.unpack(end)
        if not {*disks} <= {0, _FULL_NUMBER} or here != said:
            self._refuse("is one part of several", "join them first")
        if said not in (count, _FULL_NUMBER):
            self._refuse(f"says that it has {said} members, and has {count}", _AGAIN)

    def _check_names(self, members: list[zipfile.ZipInfo]) -> None:
        known: set[str] = set()
        for member in members:
            # zipfile ends a name at a NUL and turns separators round: the name as it stands there is judged
            if _is_dangerous(member.orig_filename) or member.orig_filename != member.filename:
                self._refuse(f"has a member with the dangerous name {shown(member.orig_filename)}", _NO_ARCHIVE)
            if member.filename.casefold() in known:
                self._refuse(f"has two members called {shown(member.filename)}", _NO_ARCHIVE)
            known.add(member.filename.casefold())

    def _check_kind(self, member: zipfile.ZipInfo) -> None:
        name = shown(member.filename)
        if member.flag_bits & _ENCRYPTED:
            self._refuse(f"member {name} is encrypted", "unpack it and pack it without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            self._refuse(f"member {name} is packed in another way than deflate", _NO_ARCHIVE)
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG) or member.external_attr & 0x10:
            self._refuse(f"member {name} is a link, a folder or a device, not a file", _NO_ARCHIVE)
        if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
            self._lies(member)

    def _check_places(self, members: list[zipfile.ZipInfo]) -> None:
        """That no two members share bytes, and that what stands before each says the same as the directory."""
        end = 0
        for member in sorted(members, key=lambda one: one.header_offset):
            if member.header_offset < end:
                self._refuse(f"member {shown(member.filename)} shares its bytes with another", _NO_ARCHIVE)
            if end == 0 != member.header_offset:
                self._refuse("has something before its first member", _AGAIN)
            self._file.seek(member.header_offset)
            head = self._file.read(_LOCAL.size)
            if len(head) < _LOCAL.size:
                self._lies(member)
            _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(head)
            said, known = (crc, packed, size), (member.CRC, member.compress_size, member.file_size)
            if method != member.compress_type or (flags ^ member.flag_bits) & (_ENCRYPTED | _SIZES_FOLLOW):
                self._lies(member)
            allowed = (_FULL, 0) if flags & _SIZES_FOLLOW else (_FULL,)
            if any(one != two and one not in allowed for one, two in zip(said, known, strict=True)):
                self._lies(member)
            end = member.header_offset + _LOCAL.size + name_length + extra_length + member.compress_size
            if end > self._zip.start_dir:
                self._lies(member)

    def _check_sizes(self, members: list[zipfile.ZipInfo]) -> None:
        for member in members:
            if member.file_size > HARMLESS:
                times = -(-member.file_size // max(1, member.compress_size))
                self._limits.check("ratio", times, f"{self._name}: member {shown(member.filename)}")
        self._limits.check("expanded", sum(member.file_size for member in members), self._name)

    def _lies(self, member: zipfile.ZipInfo) -> NoReturn:
        self._refuse(f"what it says about member {shown(member.filename)} contradicts itself", _AGAIN)

    def _refuse(self, what: str, mend: str) -> NoReturn:
        raise ImportRefusedError(f"{self._name}: {what}: {mend}")


class Member:
    """The content of a member, as a stream. zipfile gives no more than the directory says, and compares the CRC.

    Args:
        content: from zipfile.
        size: bytes that there have to be.
        place: for messages.
    """

    def __init__(self, content: IO[bytes], size: int, place: str) -> None:
        self._content = content
        self._left = size
        self._place = place
        self._hash = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end.

        Raises:
            ImportRefusedError: the member is damaged, or smaller than the directory says.
        """
        with _readable(self._place):
            piece = self._content.read(min(size, _LARGEST_READ))
        self._hash.update(piece)
        self._left -= len(piece)
        if not piece and self._left:
            raise ImportRefusedError(f"{self._place} is smaller than it says: {_AGAIN}")
        return piece

    def drain(self) -> str:
        """Read what is left, and return the SHA-256 of all, in hexadecimal digits."""
        while self.read(_PIECE):
            pass
        return self._hash.hexdigest()


class _Bounded:
    """A file for zipfile, never read by much at once: a directory of gigabytes would be taken into memory whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > _LARGEST_READ:
            raise zipfile.BadZipFile(f"{size} bytes in one piece")
        return self._file.read(size if size >= 0 else _LARGEST_READ)


@contextmanager
def _readable(place: str) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise ImportRefusedError(f"{place} is damaged ({shown(str(error), 100)}): {_AGAIN}") from error


def _is_dangerous(name: str) -> bool:
    """Whether a name could mean a place outside a folder, or something else on another system."""
    return (
        not 0 < len(name) <= _LONGEST_NAME
        or name.startswith("/")
        or "\\" in name
        or bool(_DRIVE.match(name))
        or not name.isprintable()
        or any(part in ("", ".", "..") for part in name.split("/"))
    )
