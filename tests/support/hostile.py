"""Archives made to do harm, or damaged: each is refused in one line."""

from __future__ import annotations

import base64
import hashlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from support.archives import (
    ENTRY,
    MIB,
    OTHER,
    ROWS,
    as_json,
    central,
    ended,
    full,
    large_end,
    manifest,
    members,
    named,
    overlapping,
    packed,
    patched,
    quoted,
    with_info,
)

WRONG_FIELDS: Mapping[str, Any] = {
    "id": 7,
    "title": ["a"],
    "type": "note",
    "content": {"a": 1},
    "project": 1.5,
    "tags": "tag",
    "confidence": "2",
    "status": "deleted",
    "superseded_by": True,
    "created_at": "yesterday",
    "updated_at": 1_700_000_000,
    "memory_type": "none",
    "last_accessed": ["2025"],
    "access_count": 1.5,
    "consolidation_score": "high",
    "next_review": "2025-13-40",
}
"""A value of a wrong type, or of the right one and beyond what the field takes, for each of the sixteen."""
WRONG_MORE: Mapping[str, Any] = {
    "context": "text",
    "keywords": "k",
    "context_blob": {"base64": "%"},
    "review_interval": "1",
    "ease_factor": {"real": "much"},
    "created_at": {"text": 5},
}


def bomb(mebibytes: int, name: str = "entries.json") -> bytes:
    """An array with one endless title, packed to a thousandth."""
    head, tail = b'[{"id": "A", "title": "', b'"}]'
    digest = hashlib.sha256(head + b"A" * mebibytes * MIB + tail) if mebibytes < 64 else hashlib.sha256()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(name, "w") as file:
            file.write(head)
            for _ in range(mebibytes):
                file.write(b"A" * MIB)
            file.write(tail)
        for each, data in members(**({"checksum": f"sha256:{digest.hexdigest()}"} if mebibytes < 64 else {})).items():
            if each != name:
                archive.writestr(each, data)
    return stream.getvalue()


def lying_bomb() -> bytes:
    """Its headers say that it is small."""
    short = struct.pack("<I", 1000)
    return patched(patched(bomb(100), b"PK\3\4", 22, short), b"PK\1\2", 24, short)


def bomb_in_bombs() -> bytes:
    """Archives in an archive, each with the name of its entries."""
    data = bomb(64)
    for _ in range(4):
        data = packed(members(data))
    return data


def packed_context(mebibytes: int) -> bytes:
    """Some kilobytes that stand for a context of many megabytes."""
    deflater = zlib.compressobj(9)
    blob = b"".join(deflater.compress(b" " * MIB) for _ in range(mebibytes)) + deflater.flush()
    return packed(full(more={"context_compressed": {"base64": base64.b64encode(blob).decode()}}))


def _files() -> Iterator[tuple[str, bytes]]:
    good = packed(members())
    whole = packed(full())
    yield "empty", b""
    yield "text", b"hello\n" * 100
    yield "gzip", b"\x1f\x8b\x08" + bytes(100)
    yield "only-a-mark", b"PK\3\4"
    yield "no-members", packed({})
    yield "one-part-of-several", b"PK\7\x08" + good
    yield "something-before", b"#!/bin/sh\n" + good
    yield "mark-before", b"PK\3\4" + good
    yield "something-behind", good + b"more"
    yield "two-archives", good + good
    for percent in (5, 30, 60, 90, 99):
        yield f"cut-at-{percent}-percent", whole[: len(whole) * percent // 100]
    yield "last-byte-missing", whole[:-1]
    yield "first-byte-missing", whole[1:]
    yield "a-hole", whole[:200] + whole[260:]
    yield "disk-number", ended(good, 4, b"\1\0")
    yield "fewer-members-than-there-are", ended(good, 8, b"\1\0\1\0")
    yield "more-members-than-there-are", ended(good, 8, b"\3\0\3\0")
    yield "members-here-and-in-all", ended(good, 8, b"\1\0\2\0")
    yield "directory-elsewhere", ended(good, 16, struct.pack("<I", 3))
    yield "directory-far-away", ended(good, 16, struct.pack("<I", 2**31))
    yield "directory-of-gigabytes", ended(good, 12, struct.pack("<I", 2**31))
    yield "large-end-elsewhere", large_end(2, 2**40)
    yield "large-values-missing", patched(good, b"PK\1\2", 24, b"\xff" * 4)
    yield "encrypted", patched(patched(good, b"PK\3\4", 6, b"\1"), b"PK\1\2", 8, b"\1")
    yield "masked", patched(good, b"PK\1\2", 9, b"\x20")
    yield "bzip2", packed(members(), zipfile.ZIP_BZIP2)
    yield "lzma", packed(members(), zipfile.ZIP_LZMA)
    yield "unknown-method", patched(patched(good, b"PK\3\4", 8, b"\x63"), b"PK\1\2", 10, b"\x63")
    yield "two-methods", patched(good, b"PK\3\4", 8, b"\0\0")
    yield "stored-but-deflated", patched(patched(good, b"PK\3\4", 8, b"\0\0"), b"PK\1\2", 10, b"\0\0")
    yield "two-names", patched(good, b"PK\3\4", 30, b"Entries.json")
    yield "two-sizes", patched(good, b"PK\3\4", 22, b"\1\0\0\0")
    yield "two-packed-sizes", patched(good, b"PK\1\2", 20, b"\1\0\0\0")
    yield "larger-than-said", _sized(good, -1)
    yield "smaller-than-said", _sized(good, 1)
    yield "wrong-crc", patched(patched(good, b"PK\3\4", 14, b"\0\1\2\3"), b"PK\1\2", 16, b"\0\1\2\3")
    yield "a-bit-turned", _turned(good, b"entries.json")
    yield "a-bit-turned-in-records", _turned(whole, b"records/entries.jsonl")
    yield "overlapping", overlapping()
    yield "member-in-a-member", quoted()
    yield "header-beyond-the-end", patched(good, b"PK\1\2", 42, struct.pack("<I", 2**30))
    yield "many-members", packed({**members(), **{f"{number}.txt": b"" for number in range(99)}})
    yield "very-many-members", packed({**members(), **{f"{number}.txt": b"" for number in range(20_000)}})


def _sized(data: bytes, more: int) -> bytes:
    size = struct.unpack("<I", central(data, b"entries.json")[24:28])[0]
    said = struct.pack("<I", size + more)
    return patched(patched(data, b"PK\3\4", 22, said), b"PK\1\2", 24, said)


def _turned(data: bytes, member: bytes) -> bytes:
    place = data.find(member) + len(member) + 20
    return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]


def _names() -> Iterator[tuple[str, bytes]]:
    names = {
        "absolute": "/etc/passwd",
        "upwards": "../entries.json",
        "upwards-inside": "records/../../x",
        "here": "./entries.json",
        "drive": "C:x.json",
        "backslash": "records\\x",
        "share": "//host/share",
        "nul": "entries.json\0.txt",
        "control": "a\x1b[2Jb",
        "line": "a\nb",
        "right-to-left": "a\u202egnp.exe",
    }
    for name, value in names.items():
        yield f"name-{name}", named(value)
    yield "name-endless", named("n" * 5000)
    yield "name-no-utf-8", with_info(members(), "na\u00efve.txt").replace("na\u00efve".encode(), b"na\xff\xffve")
    yield "folder", with_info(members(), "records/", b"")
    yield "twice", with_info(members(), "Entries.json").replace(b"Entries.json", b"entries.json")
    yield "twice-but-for-case", with_info(members(), "ENTRIES.JSON")
    for kind, mode in {
        "link": stat.S_IFLNK,
        "pipe": stat.S_IFIFO,
        "device": stat.S_IFBLK,
        "tree": stat.S_IFDIR,
    }.items():
        yield f"member-{kind}", with_info(members(), "x", b"/etc/passwd", external_attr=(mode | 0o777) << 16)
    without = members()
    entries = without.pop("entries.json")
    yield "entries-a-link", with_info(without, "entries.json", entries, external_attr=(stat.S_IFLNK | 0o777) << 16)


def _bombs() -> Iterator[tuple[str, bytes]]:
    yield "bomb", bomb(100)
    yield "bomb-in-an-unknown-member", bomb(100, "readme.txt")
    yield "bomb-in-the-manifest", bomb(100, "manifest.json")
    yield "bomb-that-lies", lying_bomb()
    yield "bomb-below-the-ratio", bomb(15)
    yield "bomb-in-bombs", bomb_in_bombs()
    yield "bomb-of-a-context", packed_context(64)
    yield "bomb-of-values", packed(members(b'[{"id": [' + b"[]," * 4_000_000 + b"[]}]"))
    yield "bomb-of-blanks", packed(members(b" " * 15 * MIB))
    sizes = struct.pack("<I", 2**32 - 2)
    good = packed(members())
    yield "four-gigabytes-said", patched(patched(good, b"PK\1\2", 24, sizes), b"PK\3\4", 22, sizes)


def _manifests() -> Iterator[tuple[str, bytes]]:
    for name in ("manifest.json", "entries.json"):
        there = members()
        del there[name]
        yield f"without-{name}", packed(there)
    for key in manifest(b"[]"):
        head = manifest(as_json([ENTRY]))
        del head[key]
        yield f"manifest-without-{key}", _headed(as_json(head))
    stats = {"entries_count": 1, "projects": [], "types": {}}
    wrong: dict[str, list[Any]] = {
        "format_version": [1.0, "1.1", "2.0", "", None, ["1.0"]],
        "created_at": ["yesterday", 5, None],
        "rekall_version": [3, None],
        "checksum": ["md5:0", "sha256:" + "0" * 64, "sha256:xyz", 5, "0" * 64],
        "stats": [
            [],
            "1",
            {**stats, "entries_count": "1"},
            {**stats, "entries_count": -1},
            {**stats, "entries_count": True},
            {**stats, "entries_count": 1.0},
            {**stats, "entries_count": 2},
            {**stats, "entries_count": 0},
            {**stats, "entries_count": 10**18},
            {**stats, "projects": "p"},
            {**stats, "projects": [1]},
            {**stats, "types": []},
            {**stats, "types": {"bug": "one"}},
            {"entries_count": 1},
        ],
    }
    for key, values in wrong.items():
        for number, value in enumerate(values, 1):
            yield f"manifest-{key}-{number}", packed(members(**{key: value}))
    good = as_json(manifest(as_json([ENTRY])))
    yield "manifest-no-json", _headed(b"format_version: 1.0")
    yield "manifest-a-list", _headed(b"[" + good + b"]")
    yield "manifest-twice", _headed(good + good)
    yield "manifest-a-key-twice", _headed(good[:-1] + b', "format_version": "1.0"}')
    yield "manifest-utf-16", _headed(good.decode().encode("utf-16"))
    yield "manifest-latin-1", _headed(good.replace(b'"rekall_version": "', b'"rekall_version": "\xe9'))
    yield "manifest-nan", _headed(good.replace(b'"entries_count": 1', b'"entries_count": NaN'))
    yield "manifest-deep", _headed(b'{"format_version": ' + b"[" * 100_000)
    yield "manifest-empty", _headed(b"")
    yield "manifest-huge-number", _headed(good.replace(b'"entries_count": 1', b'"entries_count": ' + b"9" * 10_000))


def _headed(head: bytes) -> bytes:
    return packed({**members(), "manifest.json": head})


def _entries() -> Iterator[tuple[str, bytes]]:
    def text(content: bytes) -> bytes:
        return packed(members(content))

    good = as_json([ENTRY])
    yield "entries-empty-text", text(b"")
    yield "entries-no-json", text(b"hello")
    yield "entries-an-object", text(as_json(ENTRY))
    yield "entries-of-numbers", text(b"[1]")
    yield "entries-of-lists", text(b'[["id"]]')
    yield "entries-cut", text(good[: len(good) // 2])
    yield "entries-with-more-behind", text(good + b"[]")
    yield "entries-nan", text(good.replace(b'"confidence": 2', b'"confidence": NaN'))
    yield "entries-infinite", text(good.replace(b'"consolidation_score": 0.0', b'"consolidation_score": 1e999'))
    yield "entries-huge-number", text(good.replace(b'"access_count": 0', b'"access_count": ' + b"9" * 100_000))
    yield "entries-beyond-64-bits", text(good.replace(b'"access_count": 0', b'"access_count": 9223372036854775808'))
    yield "entries-half-a-character", text(good.replace(b"A title", b"A \\ud800 title"))
    yield "entries-half-a-character-in-an-id", text(good.replace(b"01JN", b"\\udc00"))
    yield "entries-a-key-twice", text(good.replace(b'"project": null', b'"title": "another"'))
    yield "entries-raw-nul", text(good.replace(b"A title", b"A\0title"))
    yield "entries-raw-line", text(good.replace(b"A title", b"A\ntitle"))
    yield "entries-deep", text(b'[{"id": ' + b"[" * 200_000)
    yield "entries-deep-and-whole", text(b'[{"id": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}]")
    yield "entries-utf-16", text(good.decode().encode("utf-16"))
    yield "entries-utf-32", text(good.decode().encode("utf-32-le"))
    yield "entries-latin-1", text(good.replace(b"A title", b"caf\xe9"))
    yield "entries-overlong-utf-8", text(good.replace(b"A title", b"\xc0\x80"))
    yield "entries-wrong-checksum", packed({**members(), "entries.json": good.replace(b"A title", b"A Title")})
    for key in ("id", "title"):
        yield f"entry-without-{key}", packed(members([{name: ENTRY[name] for name in ENTRY if name != key}]))
        yield f"entry-{key}-null", packed(members([{**ENTRY, key: None}]))
    for key, value in WRONG_FIELDS.items():
        yield f"entry-{key}-wrong", packed(members([{**ENTRY, key: value}]))
        yield f"entry-{key}-an-object", packed(members([{**ENTRY, key: {"$ref": "x"}}]))
    for number, confidence in enumerate[Any]((-1, 6, 10**18, True, 2.5), 1):
        yield f"entry-confidence-{number}", packed(members([{**ENTRY, "confidence": confidence}]))
    for number, name in enumerate(("", " ", "a\0b", "a\nb", "\x1b[2J"), 1):
        yield f"entry-id-{number}", packed(members([{**ENTRY, "id": name}]))
    yield "entry-twice", packed(members([ENTRY, {**ENTRY, "title": "another"}]))
    for key in ("id", "title", "project", "superseded_by"):
        yield f"entry-{key}-of-10-mb", packed(members([{**ENTRY, key: "\x1b" * 100 + "x" * 10_000_000}]))
    yield "entry-tag-of-10-mb", packed(members([{**ENTRY, "tags": ["x" * 10_000_000]}]))
    yield "entry-type-of-10-mb", packed(members([{**ENTRY, "type": "x" * 10_000_000}]))
    yield "entry-time-of-10-mb", packed(members([{**ENTRY, "created_at": "2" * 10_000_000}]))
    yield "entry-content-of-20-mb", packed(members([{**ENTRY, "content": "x" * 20_000_000}]), zipfile.ZIP_STORED)
    yield "entry-tags-of-tags", packed(members([{**ENTRY, "tags": [["a"]]}]))
    yield "entry-tags-null", packed(members([{**ENTRY, "tags": [None]}]))
    yield "entry-years-ago", packed(members([{**ENTRY, "created_at": "0000-01-01T00:00:00"}]))


def _records() -> Iterator[tuple[str, bytes]]:
    def changed(**values: Any) -> bytes:
        return packed(full(change=lambda head: head.update(values)))

    def part(name: str = "records/entries.jsonl", **values: Any) -> bytes:
        return packed(full(change=lambda head: head["members"].setdefault(name, {}).update(values)))

    yield "records-newer", changed(format=2)
    for number, value in enumerate[Any](("1", None, 0, True, 1.0, [1]), 1):
        yield f"records-format-{number}", changed(format=value)
    yield "records-created", changed(created_at="once")
    yield "records-version", changed(rekall_version=1)
    for number, value in enumerate[Any](([], None, "x", {}, {"records/entries.jsonl": 5}), 1):
        yield f"records-members-{number}", changed(members=value)
    for number, rows in enumerate((0, 2, -1, "1", True, 10**15), 1):
        yield f"records-rows-{number}", part(rows=rows)
    for number, digest in enumerate(("0" * 64, "", None, 5), 1):
        yield f"records-sha256-{number}", part(sha256=digest)
    yield "records-unknown-member", part("records/secrets.jsonl", rows=1, sha256="0" * 64)
    yield "records-member-outside", part("../links.jsonl", rows=1, sha256="0" * 64)
    yield "records-member-missing", part("records/links.jsonl", rows=1, sha256="0" * 64)
    yield "records-member-not-named", packed({**full(), "records/links.jsonl": as_json(ROWS["links"])})
    without = full()
    del without["records/manifest.json"]
    yield "records-without-manifest", packed(without)
    without = full()
    del without["records/entries.jsonl"]
    yield "records-without-entries", packed(without)
    yield "records-manifest-no-json", packed({**full(), "records/manifest.json": b"\xff\xfe"})
    own = as_json({"id": ENTRY["id"]})
    lines = {
        "of-another-entry": as_json({"id": OTHER}),
        "without-id": b"{}",
        "too-many": own + b"\n" + own,
        "none": b"",
        "a-list": b"[]",
        "no-json": b"id: 1",
        "two-on-a-line": own + own,
        "cut": own[:-1],
        "nul": own + b"\0",
        "latin-1": own.replace(b"01JN", b"\xe9"),
    }
    for name, data in lines.items():
        yield f"more-{name}", packed(full(more=data, change=_one_row if name in ("none", "too-many") else None))
    for key, value in WRONG_MORE.items():
        yield f"more-{key}-wrong", packed(full(more={key: value}))
    obsolete: dict[str, Any] = {**ENTRY, "id": OTHER, "status": "obsolete", "more": {}}
    changes: dict[str, dict[str, Any]] = {
        "without-more": {"more": None},
        "wrong-more": {"more": []},
        "same-id": {"id": ENTRY["id"]},
        "wrong-field": {"tags": 5},
        "long-title": {"title": "x" * 10_000_000},
    }
    for name, change in changes.items():
        yield f"obsolete-{name}", packed(full(lines={"records/obsolete.jsonl": as_json({**obsolete, **change})}))
    for table, row in ROWS.items():
        member = f"records/{table}.jsonl"
        yield f"{table}-a-list", packed(full(lines={member: as_json(list(row.values()))}))
        yield f"{table}-empty", packed(full(lines={member: as_json({})}))
        yield f"{table}-cut", packed(full(lines={member: as_json(row)[:-3]}))
        for key in row:
            yield f"{table}-{key}-wrong", packed(full(lines={member: as_json({**row, key: ["x"]})}))


def _one_row(head: dict[str, Any]) -> None:
    head["members"]["records/entries.jsonl"]["rows"] = 1


def hostile_archives(folder: Path) -> Iterator[tuple[str, Path]]:
    """Archives that have to be refused, each a file in the folder.

    Yields:
        What is wrong with it, in a few words joined by hyphens, and the file.
    """
    for family in (_files, _names, _bombs, _manifests, _entries, _records):
        for name, data in family():
            file = folder / f"{name}.rekall.zip"
            file.write_bytes(data)
            yield name, file
