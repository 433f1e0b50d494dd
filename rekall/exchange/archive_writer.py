"""Archives written: `manifest.json` and `entries.json` as 0.3 knows them, the rest in members of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from rekall import __version__
from rekall.exchange import archive_manifest as layout
from rekall.exchange.archive_manifest import Manifest, Part
from rekall.exchange.fields import encode, entry_dict, more_of
from rekall.exchange.json_text import compact, entry_text
from rekall.exchange.lengths import lengths
from rekall.exchange.limits import Limits
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.zip_writer import Growing, Target, write_zip
from rekall.store.new_files import replacing


class Written(NamedTuple):
    """What an archive holds.

    Args:
        entries: those that 0.3 sees, in `entries.json`.
        records: number of records by table.
        size: bytes.
        settings: `--limit` settings that importing it needs, as `text=20000000`; none for nearly every base.
    """

    entries: int
    records: Mapping[str, int]
    size: int
    settings: tuple[str, ...]


def write_archive(
    records: Iterable[Record],
    target: Path | Target,
    *,
    created: datetime | None = None,
    obsolete_apart: bool = True,
    limits: Limits | None = None,
) -> Written:
    """Write an archive, with little memory however much it holds.

    The same records at the same time give the same bytes.

    Args:
        records: the entries, newest first, then the rows of the other tables.
        target: a file, which is there whole or not at all, or a stream, which need not be seekable.
        created: local time without a zone; None for now.
        obsolete_apart: whether obsolete entries go to a member of their own, as 0.3 left them out of an export.
        limits: those of the import that should take it.

    Raises:
        CorruptError: the base holds a value that cannot be read.
        OSError: the target, or the room beside it, cannot be written.
    """
    if not isinstance(target, Path):
        return _Archive(None, created, obsolete_apart, limits).write(records, target)
    with replacing(target) as (stream, folder):
        return _Archive(folder, created, obsolete_apart, limits).write(records, stream)


class _Archive:
    """The members of one archive, as they come."""

    def __init__(
        self, folder: Path | None, created: datetime | None, obsolete_apart: bool, limits: Limits | None
    ) -> None:
        self._folder = folder
        self._created = created or datetime.now()
        self._obsolete_apart = obsolete_apart
        self._limits = limits or Limits()
        self._members: dict[str, Growing] = {}
        self._lines: Counter[str] = Counter()
        self._records: Counter[str] = Counter()
        self._projects: set[str] = set()
        self._types: Counter[str] = Counter()
        self._longest = {"line": 0, "text": 0}

    def write(self, records: Iterable[Record], target: Target) -> Written:
        """Take all records, then write."""
        try:
            for name in (layout.MANIFEST, layout.ENTRIES_MEMBER, layout.RECORDS_MANIFEST, layout.MORE):
                self._member(name)
            for record in records:
                self._records[record.table] += 1
                for _, limit, length in lengths(record):
                    self._longest[limit] = max(self._longest[limit], length)
                if record.table == ENTRIES:
                    self._add_entry(record)
                else:
                    self._add_line(f"records/{record.table}.jsonl", encode(record))
            return self._finish(target)
        finally:
            for member in self._members.values():
                member.close()

    def _add_entry(self, record: Record) -> None:
        entry = entry_dict(record.values)
        more = more_of(record.values, entry)
        if self._obsolete_apart and entry["status"] == "obsolete":
            self._add_line(layout.OBSOLETE, {**entry, "more": more})
            return
        text = entry_text(entry, margin="  ")
        separator = ",\n  " if self._lines[layout.MORE] else "[\n  "
        self._members[layout.ENTRIES_MEMBER].write(f"{separator}{text}".encode())
        self._longest["text"] = max(self._longest["text"], len(text))
        self._add_line(layout.MORE, {"id": entry["id"], **more})
        self._types[entry["type"]] += 1
        if entry["project"]:
            self._projects.add(entry["project"])

    def _add_line(self, name: str, data: Mapping[str, Any]) -> None:
        line = compact(data)
        self._member(name).write(f"{line}\n".encode())
        self._lines[name] += 1
        self._longest["text"] = max(self._longest["text"], len(line))

    def _finish(self, target: Target) -> Written:
        entries = self._members[layout.ENTRIES_MEMBER]
        entries.write(b"\n]" if self._lines[layout.MORE] else b"[]")
        manifest = Manifest(
            self._created.isoformat(),
            __version__,
            entries.sha256,
            self._lines[layout.MORE],
            sorted(self._projects),
            dict(self._types),
        )
        ordered = {name: self._members[name] for name in layout.RECORDS if name in self._members}
        parts = {name: Part(self._lines[name], member.sha256) for name, member in ordered.items()}
        head = {name: self._members[name] for name in (layout.MANIFEST, layout.ENTRIES_MEMBER, layout.RECORDS_MANIFEST)}
        head[layout.MANIFEST].write(manifest.as_text().encode())
        head[layout.RECORDS_MANIFEST].write(layout.records_manifest_text(parts, self._created).encode())
        members = [*head.values(), *ordered.values()]
        size = write_zip(target, members, self._created, most_packed=self._limits.ratio)
        return Written(manifest.entries, self._records, size, self._settings(size))

    def _settings(self, size: int) -> tuple[str, ...]:
        found = {
            "size": size,
            "expanded": sum(member.size for member in self._members.values()),
            "entries": self._records[ENTRIES],
            "records": self._records.total(),
            **self._longest,
        }
        return tuple(f"{name}={value}" for name, value in found.items() if value > getattr(self._limits, name))

    def _member(self, name: str) -> Growing:
        if name not in self._members:
            self._members[name] = Growing(name, self._folder)
        return self._members[name]
