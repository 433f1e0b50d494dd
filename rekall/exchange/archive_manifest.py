"""The members of an archive, and the two that describe the others: `manifest.json` of 0.3, and that of the records."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from rekall import __version__
from rekall.errors import ImportRefusedError
from rekall.exchange.dump import TABLES
from rekall.exchange.shown import shown

FORMAT = "1.0"
RECORDS_FORMAT = 1
MANIFEST, ENTRIES_MEMBER = "manifest.json", "entries.json"
"""The members that 0.3 knows."""
RECORDS_MANIFEST = "records/manifest.json"
MORE, OBSOLETE = "records/entries.jsonl", "records/obsolete.jsonl"
"""What `entries.json` does not say of its entries, line by line; and the obsolete entries, which it does not hold."""
ROWS: Mapping[str, str] = {f"records/{table}.jsonl": table for table in TABLES}
"""The rows of the other tables, by member."""
RECORDS = (MORE, OBSOLETE, *ROWS)

_AGAIN = "the archive is damaged or was edited: export it again"
_CHECKSUM = re.compile("sha256:([0-9a-f]{64})")
_DIGEST = re.compile("[0-9a-f]{64}")
_KEYS = ("format_version", "created_at", "rekall_version", "checksum", "stats")
_LARGEST_COUNT = 2**53


class Manifest(NamedTuple):
    """What `manifest.json` says.

    Args:
        created_at: local time without a zone, as ISO text.
        rekall_version: of the Rekall that wrote it.
        sha256: of the bytes of `entries.json`, in hexadecimal digits.
        entries: how many `entries.json` holds.
        projects: of these entries, sorted.
        types: of these entries, with their counts.
    """

    created_at: str
    rekall_version: str
    sha256: str
    entries: int
    projects: list[str]
    types: dict[str, int]

    def as_text(self) -> str:
        """JSON, character by character as 0.3 wrote it."""
        stats = {"entries_count": self.entries, "projects": self.projects, "types": self.types}
        checksum = f"sha256:{self.sha256}"
        return json.dumps(dict(zip(_KEYS, (FORMAT, *self[:2], checksum, stats), strict=True)), indent=2)


class Part(NamedTuple):
    """What the manifest of the records says of a member.

    Args:
        rows: number of its lines.
        sha256: of its bytes.
    """

    rows: int
    sha256: str


def records_manifest_text(parts: Mapping[str, Part], created: datetime) -> str:
    """The manifest of the records as JSON.

    Args:
        parts: by member.
        created: local, without a zone.
    """
    return json.dumps(
        {
            "format": RECORDS_FORMAT,
            "rekall_version": __version__,
            "created_at": created.astimezone().isoformat(),
            "members": {name: part._asdict() for name, part in parts.items()},
        },
        indent=2,
    )


def read_manifest(data: Mapping[str, Any], place: str) -> Manifest:
    """Check `manifest.json`, of which the version has been checked.

    Args:
        place: for messages.

    Raises:
        ImportRefusedError: a key is missing or of another kind.
    """
    for key in _KEYS:
        if key not in data:
            raise ImportRefusedError(f"{place}: has no {key}; {_AGAIN}")
    for key in ("created_at", "rekall_version", "checksum"):
        _expect(isinstance(data[key], str), place, key, data[key], "a text")
    created, checksum, stats = data["created_at"], _CHECKSUM.fullmatch(data["checksum"]), data["stats"]
    _expect(_is_moment(created), place, "created_at", created, "an ISO time")
    if checksum is None:
        raise ImportRefusedError(f"{place}: checksum is {shown(data['checksum'])}, not sha256 and 64 digits; {_AGAIN}")
    _expect(isinstance(stats, dict), place, "stats", stats, "an object")
    count, projects, types = (stats.get(key) for key in ("entries_count", "projects", "types"))
    _expect(_is_count(count), place, "entries_count", count, "a count")
    _expect(isinstance(projects, list) and _all(str, projects), place, "projects", projects, "a list of texts")
    _expect(isinstance(types, dict) and all(map(_is_count, types.values())), place, "types", types, "counts by type")
    return Manifest(created, data["rekall_version"], checksum[1], count, projects, types)


def check_version(data: Mapping[str, Any], place: str) -> None:
    """Refuse another version of the format than the one there is.

    Raises:
        ImportRefusedError: it is another.
    """
    if "format_version" in data and data["format_version"] != FORMAT:
        version = shown(data["format_version"])
        raise ImportRefusedError(
            f"{place}: format_version is {version}, not '{FORMAT}': upgrade Rekall if a newer one wrote it"
        )


def read_records_manifest(data: Mapping[str, Any], place: str) -> Mapping[str, Part]:
    """The parts that the manifest of the records names.

    Raises:
        ImportRefusedError: a newer Rekall wrote it, or something is missing or of another kind.
    """
    version = data.get("format")
    if isinstance(version, int) and not isinstance(version, bool) and version > RECORDS_FORMAT:
        raise ImportRefusedError(f"{place}: a newer Rekall wrote it (format {version}): upgrade Rekall")
    _expect(version == RECORDS_FORMAT and type(version) is int, place, "format", version, f"{RECORDS_FORMAT}")
    for key in ("rekall_version", "created_at"):
        _expect(isinstance(data.get(key), str), place, key, data.get(key), "a text")
    _expect(_is_moment(data["created_at"]), place, "created_at", data["created_at"], "an ISO time")
    members = data.get("members")
    if not isinstance(members, dict):
        raise ImportRefusedError(f"{place}: members is {shown(members)}, not an object; {_AGAIN}")
    parts = {}
    for name, part in members.items():
        if name not in RECORDS:
            raise ImportRefusedError(f"{place}: no member is known as {shown(name)}: upgrade Rekall")
        if not isinstance(part, dict):
            raise ImportRefusedError(f"{place}: {shown(name)} is {shown(part)}, not an object; {_AGAIN}")
        rows, sha256 = part.get("rows"), part.get("sha256")
        _expect(_is_count(rows), place, f"rows of {name}", rows, "a count")
        is_digest = isinstance(sha256, str) and _DIGEST.fullmatch(sha256) is not None
        _expect(is_digest, place, f"sha256 of {name}", sha256, "64 hexadecimal digits")
        parts[name] = Part(part["rows"], part["sha256"])
    return parts


def _expect(fits: bool, place: str, key: str, value: object, what: str) -> None:
    if not fits:
        raise ImportRefusedError(f"{place}: {key} is {shown(value)}, not {what}; {_AGAIN}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST_COUNT


def _all(kind: type, values: list[object]) -> bool:
    return all(isinstance(value, kind) for value in values)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
