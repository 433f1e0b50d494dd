"""Archives as programs written for Rekall 0.3 know them; what reads and writes them is in `rekall.exchange`.

Limits apply (`rekall.exchange.limits.Limits`), and whatever is refused raises one `ImportRefusedError`, a `ValueError`.
An archive holds more than this module gives: `rekall.exchange.archive_reader.ArchiveReader` gives all of it.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekall import __version__
from rekall.errors import ImportRefusedError
from rekall.exchange.archive_manifest import ENTRIES_MEMBER, FORMAT, MANIFEST, check_version, read_manifest
from rekall.exchange.archive_reader import ArchiveReader
from rekall.exchange.archive_writer import write_archive
from rekall.exchange.fields import entry_of
from rekall.exchange.json_stream import document
from rekall.exchange.limits import Limits
from rekall.exchange.opening import display_name, open_regular
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.zip_reader import ZipReader
from rekall.models import Entry
from rekall.serializers import entries_from_json, entries_to_json
from rekall.store.rows import entry_values

if TYPE_CHECKING:
    import zipfile

__all__ = [
    "ArchiveStats",
    "Entry",
    "Manifest",
    "RekallArchive",
    "ValidationResult",
    "__version__",
    "calculate_checksum",
    "entries_from_json",
    "entries_to_json",
]


@dataclass
class ArchiveStats:
    """What an archive holds.

    Args:
        entries_count: number of entries.
        projects: of these, sorted.
        types: number of entries by type.
    """

    entries_count: int
    projects: list[str]
    types: dict[str, int]


@dataclass
class Manifest:
    """The head of an archive.

    Args:
        format_version: `1.0`.
        created_at: local time without a zone.
        rekall_version: of the Rekall that wrote it.
        checksum: of the entries, as `calculate_checksum` gives it.
        stats: what is in it.
    """

    format_version: str
    created_at: datetime
    rekall_version: str
    checksum: str
    stats: ArchiveStats

    def to_dict(self) -> dict[str, Any]:
        """As `manifest.json` holds it."""
        return {
            "format_version": self.format_version,
            "created_at": self.created_at.isoformat(),
            "rekall_version": self.rekall_version,
            "checksum": self.checksum,
            "stats": vars(self.stats).copy(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Manifest:
        """The manifest that a dict describes.

        Raises:
            KeyError: a key is missing.
            ValueError: `created_at` is no ISO time.
        """
        stats = data["stats"]
        return cls(
            format_version=data["format_version"],
            created_at=datetime.fromisoformat(data["created_at"]),
            rekall_version=data["rekall_version"],
            checksum=data["checksum"],
            stats=ArchiveStats(stats["entries_count"], stats["projects"], stats["types"]),
        )


@dataclass
class ValidationResult:
    """Whether an archive can be imported; true in a condition when it can.

    Args:
        valid: whether nothing is wrong.
        errors: what is.
        warnings: kept for programs written for 0.3; always empty.
    """

    valid: bool
    errors: list[str]
    warnings: list[str]

    def __bool__(self) -> bool:
        return self.valid


def calculate_checksum(data: bytes) -> str:
    """`sha256:` and the SHA-256 of the bytes in 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class RekallArchive:
    """An archive in a file; `open` and `create` give one.

    Args:
        path: the file.
        zipf: it, open.
    """

    FORMAT_VERSION = FORMAT

    def __init__(self, path: Path, zipf: zipfile.ZipFile | None = None) -> None:
        self.path = path
        self._zipf = zipf
        self._manifest: Manifest | None = None
        self._entries: list[Entry] | None = None

    @classmethod
    def open(cls, path: Path) -> RekallArchive | None:
        """The archive in a file; None when there is no such file, or it is no ZIP file or cannot be read."""
        import zipfile

        name = display_name(path)
        try:
            file = open_regular(Path(path), name)
        except ImportRefusedError:
            return None
        with file:
            if not zipfile.is_zipfile(file):
                return None
            try:
                ZipReader(file, name, Limits())
                return cls(path, zipfile.ZipFile(path))
            except (ImportRefusedError, zipfile.BadZipFile):
                return cls(path)  # it must not be opened: `validate` tells why
            except OSError:
                return None

    @classmethod
    def create(cls, path: Path, entries: list[Entry]) -> RekallArchive:
        """Write an archive of these entries in this order, obsolete ones among them, and open it.

        Raises:
            OSError: the file cannot be written; one that was there before is as it was.
        """
        import zipfile

        write_archive(map(_record, entries), path, obsolete_apart=False)
        return cls(path, zipfile.ZipFile(path))

    def validate(self) -> ValidationResult:
        """Check all that can be known without looking at the entries one by one."""
        errors = list(self._errors())
        return ValidationResult(not errors, errors, [])

    def get_manifest(self) -> Manifest:
        """The head of the archive.

        Raises:
            ImportRefusedError: it cannot be read.
        """
        if self._manifest is None:
            with closing(self._reader()) as reader:
                found = reader.manifest
            stats = ArchiveStats(found.entries, found.projects, found.types)
            created = datetime.fromisoformat(found.created_at)
            self._manifest = Manifest(FORMAT, created, found.rekall_version, f"sha256:{found.sha256}", stats)
        return self._manifest

    def get_entries(self) -> list[Entry]:
        """The entries that 0.3 sees: `entries.json`, without the obsolete ones of an export.

        Raises:
            ImportRefusedError: the archive cannot be read.
        """
        if self._entries is None:
            with closing(self._reader()) as reader:
                count = reader.manifest.entries
                self._entries = [
                    entry_of(record.values)
                    for number, record in enumerate(reader.records())
                    if number < count and record.table == ENTRIES
                ]
        return self._entries

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._zipf is not None:
            self._zipf.close()
            self._zipf = None

    def _reader(self) -> ArchiveReader:
        name = display_name(self.path)
        return ArchiveReader(open_regular(self.path, name), Limits(), name)

    def _errors(self) -> list[str]:
        """What is wrong, in the words of 0.3 where it had some."""
        name, limits = display_name(self.path), Limits()
        stage = "Invalid ZIP file"
        try:
            with open_regular(self.path, name) as file:
                members = ZipReader(file, name, limits)
                missing = [f"Missing {member}" for member in (MANIFEST, ENTRIES_MEMBER) if member not in members]
                if missing:
                    return missing
                stage = "Invalid manifest.json"
                data = document(members.open(MANIFEST), limits, MANIFEST)
                stage = "Unsupported format version"
                check_version(data, MANIFEST)
                stage = "Invalid manifest.json"
                manifest = read_manifest(data, MANIFEST)
                stage = "Checksum mismatch"
                if members.open(ENTRIES_MEMBER).drain() != manifest.sha256:
                    return [f"{stage}: {ENTRIES_MEMBER} is not what was written"]
                stage = "Invalid records"
                self._reader().close()
        except ImportRefusedError as error:
            return [f"{stage}: {error}"]
        return []


def _record(entry: Entry) -> Record:
    values = {**entry_values(entry), "tags": list(entry.tags), "centrality_score": entry.centrality_score}
    return Record(ENTRIES, values, f"entry {entry.id}")
