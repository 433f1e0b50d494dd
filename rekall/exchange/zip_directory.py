"""The directory of a ZIP file that may have been made to do harm: read by one strict reading, before anything else.

Two readers of one file that understand it differently are what tricks are made of. So whatever the format says twice
has to agree, and whatever an archive does not need is refused: encryption, parts, links, folders, other methods.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple, NoReturn

from rekall.errors import ImportRefusedError
from rekall.exchange import zip_layout as layout
from rekall.exchange.limits import Limits
from rekall.exchange.shown import shown
from rekall.exchange.zip_layout import FULL, HARMLESS, Member

_MOST_MEMBERS = 100
_LARGEST_DIRECTORY = 1024**2
_LONGEST_NAME = 1000
_AGAIN = "copy or export it again"
_NO_ARCHIVE = "give an archive that Rekall exported (*.rekall.zip)"
_DRIVE = re.compile(r"[a-zA-Z]:")


def read_directory(file: BinaryIO, name: str, limits: Limits) -> Mapping[str, Member]:
    """The members of a ZIP file by name, in the order of the directory.

    Args:
        file: seekable.
        name: for messages.
        limits: `expanded` and `ratio` are compared with what the directory says.

    Raises:
        ImportRefusedError: it is no ZIP file, damaged, dangerous or beyond a limit.
    """
    return _Directory(file, name, limits).read()


class _Found(NamedTuple):
    """One entry of the directory."""

    raw_name: bytes
    flags: int
    member: Member


class _Directory:
    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._file = file
        self._name = name
        self._limits = limits
        self._size = file.seek(0, 2)

    def read(self) -> Mapping[str, Member]:
        count, size, offset = self._end()
        if count > _MOST_MEMBERS or size > _LARGEST_DIRECTORY:
            self._refuse(f"has {count} members or a directory of {size} bytes, more than any archive", _NO_ARCHIVE)
        found = list(self._entries(self._bytes(offset, size), count))
        self._check_names(found)
        self._check_sizes([one.member for one in found])
        members = [self._placed(one, offset) for one in found]
        self._check_places(members)
        return {member.name: member for member in members}

    def _end(self) -> tuple[int, int, int]:
        """How many entries the directory has, its size and its offset."""
        head = self._bytes(0, min(4, self._size))
        if head == layout.SPANNED_MARK:
            self._refuse("is one part of several", "join them first")
        if head == layout.END_MARK:
            self._refuse("is an empty ZIP file", _NO_ARCHIVE)
        if head != layout.LOCAL_MARK:
            self._refuse("is no ZIP file", _NO_ARCHIVE)
        start = max(0, self._size - layout.END.size - 0xFFFF)
        tail = self._bytes(start, self._size - start)
        at = tail.rfind(layout.END_MARK)
        if at < 0 or len(tail) - at < layout.END.size:
            self._refuse("is cut off: its end is missing", _AGAIN)
        _, disk, first_disk, here, count, size, offset, comment = layout.END.unpack_from(tail, at)
        end = start + at
        if end + layout.END.size + comment != self._size:
            self._refuse("has something behind its end, or is cut off there", _AGAIN)
        locator = self._bytes(end - layout.LOCATOR.size, layout.LOCATOR.size) if end >= layout.LOCATOR.size else b""
        if locator[:4] == layout.LOCATOR_MARK:
            end, (disk, first_disk, here, count, size, offset) = self._large_end(
                end - layout.LOCATOR.size, locator, (disk, first_disk, here, count, size, offset)
            )
        if disk or first_disk or here != count:
            self._refuse("is one part of several", "join them first")
        if offset + size != end:
            self._refuse("has a directory that is not where its end says, as if something stood before it", _AGAIN)
        return count, size, offset

    def _large_end(self, before: int, locator: bytes, short: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """The offset and the fields of the end with 64 bits, which must not contradict the short ones."""
        _, disk, offset, disks = layout.LOCATOR.unpack(locator)
        if disk or disks != 1:
            self._refuse("is one part of several", "join them first")
        if offset + layout.END64.size > before:
            self._refuse("has an end that contradicts itself", _AGAIN)
        mark, size, _, _, *long = layout.END64.unpack(self._bytes(offset, layout.END64.size))
        if mark != layout.END64_MARK or offset + 12 + size != before:
            self._refuse("has an end that contradicts itself", _AGAIN)
        full = (*[layout.FULL_COUNT] * 4, FULL, FULL)
        if any(one not in (two, most) for one, two, most in zip(short, long, full, strict=True)):
            self._refuse("has an end that contradicts itself", _AGAIN)
        return offset, tuple(long)

    def _entries(self, directory: bytes, count: int) -> list[_Found]:
        found, at = [], 0
        for _ in range(count):
            if len(directory) - at < layout.CENTRAL.size or directory[at : at + 4] != layout.CENTRAL_MARK:
                self._refuse("has a damaged directory", _AGAIN)
            fields = layout.CENTRAL.unpack_from(directory, at)
            flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
            name_length, extra_length, comment_length, disk, _, attributes, header = fields[10:]
            at += layout.CENTRAL.size
            raw_name = directory[at : at + name_length]
            extra = directory[at + name_length : at + name_length + extra_length]
            at += name_length + extra_length + comment_length
            if at > len(directory):
                self._refuse("has a damaged directory", _AGAIN)
            name = self._decoded(raw_name, flags)
            size, packed, header = self._long(extra, (size, packed, header), name)
            if disk:
                self._refuse("is one part of several", "join them first")
            self._check_kind(name, flags, method, attributes)
            if method == layout.STORED and packed != size:
                self._lies(name)
            found.append(_Found(raw_name, flags, Member(name, method, crc, packed, size, header, 0)))
        if at != len(directory):
            self._refuse("has a damaged directory", _AGAIN)
        return found

    def _check_kind(self, name: str, flags: int, method: int, attributes: int) -> None:
        if flags & (layout.ENCRYPTED | layout.MASKED):
            self._refuse(f"member {shown(name)} is encrypted", "unpack it and pack it without a password")
        if method not in (layout.STORED, layout.DEFLATED) or flags & layout.PATCH:
            self._refuse(f"member {shown(name)} is packed in another way than deflate (method {method})", _NO_ARCHIVE)
        mode = attributes >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG) or attributes & 0x10:
            kind = "a link" if stat.S_ISLNK(mode) else "a folder or a device"
            self._refuse(f"member {shown(name)} is {kind}, not a file", _NO_ARCHIVE)

    def _long(self, extra: bytes, values: tuple[int, ...], name: str) -> tuple[int, ...]:
        """The values of 64 bits for those fields that say so."""
        if FULL not in values:
            return values
        large, at = b"", 0
        while at + layout.LARGE.size <= len(extra):
            kind, length = layout.LARGE.unpack_from(extra, at)
            at += layout.LARGE.size
            if kind == layout.LARGE_KIND:
                large = extra[at : at + length]
                break
            at += length
        taken = [int.from_bytes(large[place : place + 8], "little") for place in range(0, len(large) - 7, 8)]
        if len(taken) < values.count(FULL):
            self._lies(name)
        return tuple(taken.pop(0) if value == FULL else value for value in values)

    def _check_names(self, found: list[_Found]) -> None:
        known: set[str] = set()
        for name in (one.member.name for one in found):
            if _is_dangerous(name):
                self._refuse(f"has a member with the dangerous name {shown(name)}", _NO_ARCHIVE)
            if name.casefold() in known:
                self._refuse(f"has two members called {shown(name)}", _NO_ARCHIVE)
            known.add(name.casefold())

    def _check_sizes(self, members: list[Member]) -> None:
        for member in members:
            if member.size > HARMLESS:
                self._limits.check(
                    "ratio", -(-member.size // max(1, member.packed)), f"{self._name}: member {shown(member.name)}"
                )
        self._limits.check("expanded", sum(member.size for member in members), self._name)

    def _placed(self, found: _Found, end: int) -> Member:
        """The member with the offset of its data; what stands before these has to say the same as the directory."""
        member = found.member
        head = self._bytes(member.header, layout.LOCAL.size) if member.header + layout.LOCAL.size <= end else b""
        if head[:4] != layout.LOCAL_MARK:
            self._lies(member.name)
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = layout.LOCAL.unpack(head)
        data = member.header + layout.LOCAL.size + name_length + extra_length
        if data + member.packed > end:
            self._lies(member.name)
        text = self._bytes(member.header + layout.LOCAL.size, name_length + extra_length)
        sizes = self._long(text[name_length:], (size, packed), member.name)
        said = (crc, *sizes)
        known = (member.crc, member.size, member.packed)
        later = flags & layout.WITHOUT_SIZES
        if (
            text[:name_length] != found.raw_name
            or method != member.method
            or (flags ^ found.flags) & (layout.ENCRYPTED | layout.WITHOUT_SIZES | layout.UTF8)
            or any(one != two and not (later and one == 0) for one, two in zip(said, known, strict=True))
        ):
            self._lies(member.name)
        return member._replace(data=data)

    def _check_places(self, members: list[Member]) -> None:
        end = 0
        for member in sorted(members, key=lambda one: one.header):
            if member.header < end:
                self._refuse(f"member {shown(member.name)} shares its bytes with another", _NO_ARCHIVE)
            end = member.data + member.packed

    def _decoded(self, raw: bytes, flags: int) -> str:
        try:
            return raw.decode("utf-8" if flags & layout.UTF8 else "cp437")
        except UnicodeDecodeError:
            self._refuse("has a member whose name is not UTF-8", _NO_ARCHIVE)

    def _bytes(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def _lies(self, name: str) -> NoReturn:
        self._refuse(f"what it says about member {shown(name)} contradicts itself", _AGAIN)

    def _refuse(self, what: str, mend: str) -> NoReturn:
        raise ImportRefusedError(f"{self._name}: {what}: {mend}")


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
