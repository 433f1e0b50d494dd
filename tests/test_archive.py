"""`rekall.archive`, the archives of programs written for 0.3."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases
from support.archives import ENTRY, as_json, full, members, packed
from support.entries import entries

from rekall import __version__
from rekall.archive import ArchiveStats, Manifest, RekallArchive, ValidationResult, calculate_checksum
from rekall.db import Database
from rekall.exchange.archive_writer import write_archive
from rekall.exchange.dump import dumped
from rekall.models import Entry
from rekall.serializers import entries_from_json, entries_to_json

SAMPLE = databases.FOLDER / "sample.rekall.zip"


def opened(path: Path) -> RekallArchive:
    archive = RekallArchive.open(path)
    assert archive is not None
    return archive


def test_an_archive_of_0_3() -> None:
    """Open, check, read, close."""
    archive = opened(SAMPLE)
    assert (archive._manifest, archive._entries) == (None, None)
    assert isinstance(archive._zipf, zipfile.ZipFile)
    assert archive.validate()
    assert archive.validate() == ValidationResult(True, [], [])
    manifest = archive.get_manifest()
    assert manifest is archive.get_manifest() is archive._manifest
    assert manifest.to_dict() == json.loads(archive._zipf.read("manifest.json"))
    assert Manifest.from_dict(manifest.to_dict()) == manifest
    assert manifest.stats.entries_count == 39
    found = archive.get_entries()
    assert found is archive.get_entries() is archive._entries
    assert found == entries_from_json(archive._zipf.read("entries.json").decode())
    assert manifest.checksum == calculate_checksum(archive._zipf.read("entries.json"))
    archive.close()
    archive.close()
    assert archive._zipf is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(entries(), max_size=4, unique_by=lambda entry: entry.id))
def test_any_entries(tmp_path: Path, written: list[Entry]) -> None:
    """Obsolete ones too, in the order given, with all their fields."""
    archive = RekallArchive.create(tmp_path / "a.rekall.zip", written)
    assert archive.validate().errors == []
    assert archive.get_entries() == written
    assert archive.get_manifest().stats.entries_count == len(written)
    assert archive._zipf is not None
    assert archive._zipf.read("entries.json").decode() == entries_to_json(written)
    archive.close()


def test_what_create_writes(tmp_path: Path) -> None:
    """The head of 0.3; a file that is there is replaced, whole."""
    path = tmp_path / "a.zip"
    path.write_bytes(b"old")
    entry = Entry("A", "a", "bug", project="p", next_review=date(2025, 8, 1), review_interval=7, ease_factor=1.75)
    manifest = RekallArchive.create(path, [entry, Entry("B", "b", "config")]).get_manifest()
    assert (manifest.format_version, manifest.rekall_version) == ("1.0", __version__)
    assert manifest.stats == ArchiveStats(2, ["p"], {"bug": 1, "config": 1})
    assert abs(datetime.now() - manifest.created_at).total_seconds() < 60
    with zipfile.ZipFile(path) as archive:
        assert list(json.loads(archive.read("manifest.json"))) == list(manifest.to_dict())
    again = opened(path)
    assert again.get_entries()[0] == entry
    again.close()
    with pytest.raises(OSError, match="missing"):
        RekallArchive.create(tmp_path / "missing" / "a.zip", [])


@pytest.mark.fault(16)
def test_an_export_of_this_version(tmp_path: Path) -> None:
    """0.3's way to read it gives the active entries; what the sixteen keys left out is in them."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        with dumped(db) as dump:
            write_archive(dump.records(), tmp_path / "a.zip")
        active = db.list_all(limit=1000)
    archive = opened(tmp_path / "a.zip")
    assert archive.validate()
    assert archive.get_entries() == active
    assert any(entry.ease_factor != 2.5 for entry in active)
    archive.close()


@pytest.mark.parametrize("data", [b"", b"text", packed({})[:-1]])
def test_what_cannot_be_opened(data: bytes, tmp_path: Path) -> None:
    """No file, no ZIP file."""
    assert RekallArchive.open(tmp_path / "missing") is None
    assert RekallArchive.open(tmp_path) is None
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    assert RekallArchive.open(path) is None


def without(*names: str) -> dict[str, bytes]:
    return {name: data for name, data in members().items() if name not in names}


INVALID: dict[str, tuple[dict[str, bytes], list[str]]] = {
    "nothing": ({"x": b""}, ["Missing manifest.json", "Missing entries.json"]),
    "no manifest": (without("manifest.json"), ["Missing manifest.json"]),
    "no entries": (without("entries.json"), ["Missing entries.json"]),
    "no JSON": ({**members(), "manifest.json": b"{"}, ["Invalid manifest.json"]),
    "a key missing": ({**members(), "manifest.json": b'{"format_version": "1.0"}'}, ["Invalid manifest.json"]),
    "another version": (members(format_version="2.0"), ["Unsupported format version"]),
    "version before keys": ({**members(), "manifest.json": b'{"format_version": "9"}'}, ["Unsupported format version"]),
    "a wrong time": (members(created_at="once"), ["Invalid manifest.json"]),
    "another content": (members(checksum="sha256:" + "0" * 64), ["Checksum mismatch"]),
    "wrong records": (full(change=lambda head: head.update(format=2)), ["Invalid records"]),
    "a dangerous name": ({**members(), "../x": b""}, ["Invalid ZIP file"]),
}


@pytest.mark.parametrize("case", INVALID)
def test_what_is_invalid(case: str, tmp_path: Path) -> None:
    """In the order and with the words of 0.3; reading it raises a ValueError."""
    content, errors = INVALID[case]
    path = tmp_path / "a.zip"
    path.write_bytes(packed(content))
    archive = opened(path)
    found = archive.validate()
    assert not found
    assert [error.split(":")[0] for error in found.errors] == errors
    assert found.warnings == []
    with pytest.raises(ValueError, match=r"a\.zip"):
        archive.get_entries()
    archive.close()


def test_a_file_that_goes_while_it_is_open(tmp_path: Path) -> None:
    """`validate` tells, and does not raise."""
    archive = RekallArchive.create(tmp_path / "a.zip", [])
    (tmp_path / "a.zip").unlink()
    assert archive.validate().errors[0].startswith("Invalid ZIP file")
    archive.close()


def test_manifests_as_dicts() -> None:
    """Every key is needed."""
    data: dict[str, Any] = json.loads(members()["manifest.json"])
    assert Manifest.from_dict(data).stats == ArchiveStats(1, [], {"bug": 1})
    for key in data:
        with pytest.raises(KeyError, match=key):
            Manifest.from_dict({name: value for name, value in data.items() if name != key})
    with pytest.raises(ValueError, match="once"):
        Manifest.from_dict({**data, "created_at": "once"})


@pytest.mark.fault(53)
def test_limits_apply(tmp_path: Path) -> None:
    """0.3 named limits and read anything."""
    path = tmp_path / "a.zip"
    stream = io.BytesIO(packed(members([{**ENTRY, "title": "x" * 30_000_000}])))
    path.write_bytes(stream.getvalue())
    archive = opened(path)
    assert "ratio" in archive.validate().errors[0]
    with pytest.raises(ValueError, match="ratio"):
        archive.get_entries()
    assert len(as_json(ENTRY)) < 1000
    archive.close()
