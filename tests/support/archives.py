"""Archives put together by hand: whatever a real one would not hold can be put in."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

MIB = 1024**2
NOON = "2025-07-01T12:00:00"
ENTRY: Mapping[str, Any] = {
    "id": "01JNDMK1H0QWEXWE777X3X1A6Q",
    "title": "A title",
    "type": "bug",
    "content": "content",
    "project": None,
    "tags": ["tag"],
    "confidence": 2,
    "status": "active",
    "superseded_by": None,
    "created_at": NOON,
    "updated_at": NOON,
    "memory_type": "episodic",
    "last_accessed": None,
    "access_count": 0,
    "consolidation_score": 0.0,
    "next_review": None,
}
OTHER = "01JNDMK1H0QWEXWE777X3X1A6R"
ROWS: Mapping[str, Mapping[str, Any]] = {
    "links": {"id": "L", "source_id": ENTRY["id"], "target_id": OTHER, "relation_type": "related", "created_at": NOON},
    "sources": {"id": "S", "domain": "example.org", "created_at": NOON},
    "source_themes": {"source_id": "S", "theme": "t"},
    "entry_sources": {
        "id": "E",
        "entry_id": ENTRY["id"],
        "source_type": "url",
        "source_ref": "https://example.org",
        "created_at": NOON,
    },
    "suggestions": {"id": "G", "suggestion_type": "link", "entry_ids": "[]", "score": 0.5, "created_at": NOON},
    "sources_inbox": {"id": "I", "url": "https://example.org", "cli_source": "claude"},
    "sources_staging": {"id": "T", "url": "https://example.org", "domain": "example.org"},
    "saved_filters": {"name": "f", "filter_json": "{}"},
    "known_domains": {"domain": "example.org", "role": "hub", "created_at": NOON},
    "connector_imports": {"connector": "c"},
    "metadata": {"key": "k", "value": "v"},
    "embeddings": {
        "id": "V",
        "entry_id": ENTRY["id"],
        "embedding_type": "summary",
        "vector": {"base64": ""},
        "dimensions": 384,
        "model_name": "m",
        "created_at": NOON,
    },
}
Members = dict[str, bytes]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def manifest(entries: bytes, **changes: Any) -> dict[str, Any]:
    """The head of an archive with these entries."""
    try:
        count = len(json.loads(entries))
    except (ValueError, RecursionError):
        count = 1
    return {
        "format_version": "1.0",
        "created_at": NOON,
        "rekall_version": "0.3.0",
        "checksum": f"sha256:{sha256(entries)}",
        "stats": {"entries_count": count, "projects": [], "types": {"bug": count}},
        **changes,
    }


def members(entries: Any = None, **head: Any) -> Members:
    """The members of an archive of 0.3; `entries` is a list, or the bytes of the member."""
    data = entries if isinstance(entries, bytes) else as_json([ENTRY] if entries is None else entries)
    return {"manifest.json": as_json(manifest(data, **head)), "entries.json": data}


def full(
    entries: Any = None,
    more: Any = None,
    lines: Mapping[str, bytes] | None = None,
    change: Callable[[dict[str, Any]], None] | None = None,
) -> Members:
    """The members of an archive of this version.

    Args:
        entries: as for `members`.
        more: the bytes of `records/entries.jsonl`, or what its first line says beside the id.
        lines: further members of the records.
        change: of the manifest of the records.
    """
    found = members(entries)
    if not isinstance(more, bytes):
        more = as_json({"id": ENTRY["id"], **(more or {})}) + b"\n"
    records = {"records/entries.jsonl": more, **(lines or {})}
    head: dict[str, Any] = {
        "format": 1,
        "rekall_version": "1.0.0",
        "created_at": f"{NOON}+00:00",
        "members": {
            name: {"rows": len([line for line in data.split(b"\n") if line.strip()]), "sha256": sha256(data)}
            for name, data in records.items()
        },
    }
    if change:
        change(head)
    return {**found, "records/manifest.json": as_json(head), **records}


def as_json(data: Any) -> bytes:
    return json.dumps(data, indent=None).encode()


def packed(content: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name, (2025, 7, 1, 12, 0, 0)), data, method)
    return stream.getvalue()


def with_info(content: Members, name: str, data: bytes = b"x", **attributes: Any) -> bytes:
    """A ZIP file with one more member, of which the description is changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, value in content.items():
            archive.writestr(each, value)
        info = zipfile.ZipInfo(name)
        for key, value in attributes.items():
            setattr(info, key, value)
        archive.writestr(info, data)
    return stream.getvalue()


def named(name: str) -> bytes:
    """An archive with a further member of this name, whatever the ZIP library makes of it."""
    if not name.isascii():
        return with_info(members(), name)
    placeholder = "N" * len(name.encode())
    return with_info(members(), placeholder).replace(placeholder.encode(), name.encode())


def patched(data: bytes, mark: bytes, offset: int, value: bytes, member: bytes = b"entries.json") -> bytes:
    """A ZIP file in which the local header or the directory entry of a member says something else."""
    place, length = data.find(mark), {b"PK\3\4": 30, b"PK\1\2": 46, b"PK\5\6": 0}[mark]
    while length and data[place + length : place + length + len(member)] != member:
        place = data.find(mark, place + 1)
    return data[: place + offset] + value + data[place + offset + len(value) :]


def ended(data: bytes, offset: int, value: bytes) -> bytes:
    """A ZIP file whose end says something else."""
    return patched(data, b"PK\5\6", offset, value)


def overlapping() -> bytes:
    """Two members of the directory, one place."""
    data = packed({**members(), "twice.json": as_json([ENTRY])})
    offset = central(data, b"entries.json")[42:46]
    return patched(data, b"PK\1\2", 42, offset, b"twice.json").replace(b"twice.json", b"entries.json"[:10])


def quoted() -> bytes:
    """A member inside the data of another, as in a bomb that overlaps itself."""
    inner = packed({"inner.txt": b"0" * 100}, zipfile.ZIP_STORED)
    local = inner[: inner.find(b"PK\1\2")]
    data = packed({**members(), "outer.bin": local, "inner.txt": b"0" * 100}, zipfile.ZIP_STORED)
    return patched(data, b"PK\1\2", 42, struct.pack("<I", data.find(local)), b"inner.txt")


def central(data: bytes, member: bytes) -> bytes:
    """The entry of a member in the directory."""
    place = data.find(b"PK\1\2")
    while data[place + 46 : place + 46 + len(member)] != member:
        place = data.find(b"PK\1\2", place + 1)
    return data[place:]


def large_end(count: int, offset: int = 0) -> bytes:
    """An end with 64 bits that says another number of members than the short one, or another place."""
    data = packed(members())
    at = data.find(b"PK\5\6")
    short = struct.unpack("<4s4H2IH", data[at:])
    long = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, short[5], short[6] + offset)
    return data[:at] + long + struct.pack("<4sIQI", b"PK\6\7", 0, at, 1) + data[at:]
