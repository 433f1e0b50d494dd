"""Archives read: of this version and of 0.3, or made to do harm.

Everything about the file itself is checked before the first record is given: the directory of the ZIP file, the sizes
and check sums of every member, and what both manifests say. The records are checked while they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO, NoReturn

from rekall.errors import ImportRefusedError
from rekall.exchange import archive_manifest as layout
from rekall.exchange.archive_manifest import ENTRIES_MEMBER, MANIFEST, MORE, OBSOLETE, RECORDS_MANIFEST, Manifest, Part
from rekall.exchange.fields import decode, entry_record
from rekall.exchange.json_stream import array_items, document, line_items
from rekall.exchange.lengths import check_lengths
from rekall.exchange.limits import Limits
from rekall.exchange.records import Record
from rekall.exchange.shown import shown
from rekall.exchange.zip_reader import Member, ZipReader

_AGAIN = "the archive is damaged or was edited: export it again"


class ArchiveReader:
    """An archive, as something to import.

    Args:
        file: seekable; closed with the reader, and when it is refused.
        limits: what is taken.
        name: for messages.

    Raises:
        ImportRefusedError: it is no archive, damaged, dangerous, or beyond a limit.
    """

    def __init__(self, file: BinaryIO, limits: Limits, name: str) -> None:
        self.name = name
        self._file = file
        self._limits = limits
        self._opened = datetime.now().isoformat()
        try:
            limits.check("size", file.seek(0, 2), name)
            self._zip = ZipReader(file, name, limits)
            self.manifest = self._manifest()
            self._parts = self._records_manifest()
            self._check_content()
        except BaseException:
            file.close()
            raise

    @property
    def total(self) -> int:
        """How many records it says it holds."""
        return self.manifest.entries + sum(part.rows for name, part in self._parts.items() if name != MORE)

    def records(self) -> Iterator[Record]:
        """The entries of `entries.json`, the obsolete ones, then the rows of the other tables.

        Raises:
            ImportRefusedError: a record is damaged or beyond a limit, or the file has changed since it was opened.
        """
        ids: set[str] = set()
        for record in self._entries():
            check_lengths(record, self._limits)
            entry_id = record.values["id"]
            if entry_id in ids:
                self._refuse(record.place, f"the id {shown(entry_id)} stands there twice")
            ids.add(entry_id)
            yield record
        for name, table in layout.ROWS.items():
            for place, data in self._lines(name):
                with _with_mend():
                    record = decode(table, data, place)
                check_lengths(record, self._limits)
                yield record

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _entries(self) -> Iterator[Record]:
        place = self._place(ENTRIES_MEMBER)
        stream = self._stream(ENTRIES_MEMBER)
        lines = self._lines(MORE) if self._parts else None
        count = 0
        for count, data in array_items(stream, self._limits, place):
            here = f"{place}, entry {count}"
            if count > self.manifest.entries:
                self._refuse(place, f"holds more than the {self.manifest.entries} entries of its manifest")
            yield self._entry(data, self._more(data, lines, here), here)
        if lines is not None and next(lines, None) is not None:
            self._refuse(self._place(MORE), "does not end with the entries that it belongs to")
        self._compare(place, stream, count, Part(self.manifest.entries, self.manifest.sha256))
        for place, data in self._lines(OBSOLETE):
            more = data.pop("more", None)
            if not isinstance(more, dict):
                self._refuse(place, f"more is {shown(more)}, not an object")
            yield self._entry(data, more, place)

    def _entry(self, data: dict[str, Any], more: Mapping[str, Any] | None, place: str) -> Record:
        if data.get("created_at") is None:
            data["created_at"] = self._opened  # and not the moment of each reading
        with _with_mend():
            return entry_record(data, more, place)

    def _more(
        self, entry: Mapping[str, Any], lines: Iterator[tuple[str, dict[str, Any]]] | None, place: str
    ) -> Mapping[str, Any] | None:
        """What the line of an entry says; None in an archive of 0.3."""
        if lines is None:
            return None
        its_place, more = next(lines, (place, {}))
        if not isinstance(entry.get("id"), str) or more.pop("id", None) != entry["id"]:
            self._refuse(its_place, f"does not belong to {place.rpartition(': ')[2]}")
        return more

    def _lines(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The places and the objects of a member of lines; none when there is no such member."""
        if name not in self._parts:
            return
        place, part = self._place(name), self._parts[name]
        stream = self._stream(name)
        count = 0
        for count, data in line_items(stream, self._limits, place):
            if count > part.rows:
                self._refuse(place, f"holds more than the {part.rows} rows of its manifest")
            yield f"{place}, line {count}", data
        self._compare(place, stream, count, part)

    def _compare(self, place: str, stream: Member, count: int, part: Part) -> None:
        if stream.drain() != part.sha256:
            self._refuse(place, "has changed since it was opened", "try again")
        if count != part.rows:
            self._refuse(place, f"holds {count} rows, and its manifest says {part.rows}")

    def _manifest(self) -> Manifest:
        for name in (MANIFEST, ENTRIES_MEMBER):
            if name not in self._zip:
                raise ImportRefusedError(
                    f"{self.name}: has no member {name}: give an archive that Rekall exported (*.rekall.zip)"
                )
        place, data = self._place(MANIFEST), self._document(MANIFEST)
        layout.check_version(data, place)
        return layout.read_manifest(data, place)

    def _records_manifest(self) -> Mapping[str, Part]:
        there = [name for name in layout.RECORDS if name in self._zip]
        if RECORDS_MANIFEST not in self._zip:
            if there:
                self._refuse(self._place(there[0]), f"is there without {RECORDS_MANIFEST}")
            return {}
        place = self._place(RECORDS_MANIFEST)
        parts = layout.read_records_manifest(self._document(RECORDS_MANIFEST), place)
        if MORE not in parts or parts[MORE].rows != self.manifest.entries:
            self._refuse(place, f"does not name one line of {MORE} for each entry of {ENTRIES_MEMBER}")
        for name in set(there) ^ set(parts):
            self._refuse(self._place(name), f"is {'not there' if name in parts else 'not in its manifest'}")
        return parts

    def _check_content(self) -> None:
        """The check sums and the counts, before anything is unpacked in earnest."""
        entries = {ENTRIES_MEMBER: self.manifest.sha256}
        for name, sha256 in (entries | {name: part.sha256 for name, part in self._parts.items()}).items():
            if self._stream(name).drain() != sha256:
                self._refuse(self._place(name), "is not what its check sum in the manifest says")
        obsolete = self._parts[OBSOLETE].rows if OBSOLETE in self._parts else 0
        self._limits.check("entries", self.manifest.entries + obsolete, self.name)
        self._limits.check("records", self.total, self.name)

    def _document(self, name: str) -> dict[str, Any]:
        return document(self._stream(name), self._limits, self._place(name))

    def _stream(self, name: str) -> Member:
        return self._zip.open(name)

    def _place(self, name: str) -> str:
        return f"{self.name}: {name}"

    def _refuse(self, place: str, what: str, mend: str = _AGAIN) -> NoReturn:
        raise ImportRefusedError(f"{place}: {what}; {mend}")


@contextmanager
def _with_mend() -> Iterator[None]:
    """Refusals of a single value tell what to do as well."""
    try:
        yield
    except ImportRefusedError as error:
        raise ImportRefusedError(f"{error}; export the archive again") from error
