"""Archives read: those of 0.3, those of this version, and what other programs make of them."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from support import databases
from support.archives import ENTRY, OTHER, ROWS, as_json, full, large_end, members, packed, with_info
from support.zones import local_zone

from rekall.errors import ImportRefusedError
from rekall.exchange.archive_reader import ArchiveReader
from rekall.exchange.archive_writer import write_archive
from rekall.exchange.fields import decode, entry_dict
from rekall.exchange.limits import Limits
from rekall.exchange.opening import open_regular, spool
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.zip_reader import ZipReader

SAMPLE = databases.FOLDER / "sample.rekall.zip"
EXPECTED = databases.expected()["exports"]["sample.rekall.zip"]


def records(data: bytes) -> list[Record]:
    reader = ArchiveReader(io.BytesIO(data), Limits(), "a.zip")
    found = list(reader.records())
    assert found == list(reader.records()), "a second reading gives the same"
    reader.close()
    return found


def test_an_archive_of_0_3() -> None:
    """The sample: its entries in their order, with all that 0.3 wrote of them."""
    found = records(SAMPLE.read_bytes())
    assert [one.values["id"] for one in found] == EXPECTED["entry_ids"]
    assert {one.table for one in found} == {ENTRIES}
    assert found[11].place == "a.zip: entries.json, entry 12"
    with zipfile.ZipFile(SAMPLE) as archive:
        assert [entry_dict(one.values) for one in found] == json.loads(archive.read("entries.json"))
        manifest = archive.read("manifest.json").decode()
    reader = ArchiveReader(io.BytesIO(SAMPLE.read_bytes()), Limits(), "a.zip")
    assert reader.manifest.as_text() == manifest
    reader.close()


def test_defaults_of_keys_that_are_missing() -> None:
    """As 0.3 filled them in, but for the type, of which its default was one that it refused."""
    (found,) = records(packed(members([{"id": "A", "title": "a", "surplus": [1]}])))
    entry = entry_dict(found.values)
    assert {key: entry[key] for key in ("type", "content", "project", "tags", "confidence", "status")} == {
        "type": "reference",
        "content": "",
        "project": None,
        "tags": [],
        "confidence": 2,
        "status": "active",
    }
    assert abs(datetime.now() - datetime.fromisoformat(entry["created_at"])).total_seconds() < 60
    assert entry["updated_at"] == entry["created_at"]


def test_a_harmless_archive_passes() -> None:
    """The pieces of which the hostile ones are made do no harm by themselves."""
    lines = {f"records/{table}.jsonl": as_json(row) + b"\n" for table, row in ROWS.items()}
    lines["records/obsolete.jsonl"] = as_json({**ENTRY, "id": OTHER, "status": "obsolete", "more": {}}) + b"\n"
    found = records(packed(full(lines=lines)))
    assert [one.values["id"] for one in found[:2]] == [ENTRY["id"], OTHER]
    expected = {table: decode(table, row, f"a.zip: records/{table}.jsonl, line 1") for table, row in ROWS.items()}
    assert {one.table: one for one in found[2:]} == expected
    assert records(packed(members([ENTRY, {**ENTRY, "id": OTHER}])))
    assert records(large_end(2))
    for more in ({"later": "version"}, {"context": {"situation": "s"}}, {"keywords": ["a"]}):
        assert len(records(packed(full(more=more)))) == 1


def test_members_that_nobody_knows_are_ignored() -> None:
    """As 0.3 did, so that a later version may add some; a signature or a note by hand does no harm either."""
    data = with_info(members(), "notes/read me.txt", b"a note")
    assert len(records(data)) == 1
    assert len(records(packed({"first.bin": b"\0" * 100, **members()}))) == 1


def test_other_ways_to_write_a_zip_file(tmp_path: Path) -> None:
    """Stored, in another order, with sizes behind the data as a pipe makes them, with a comment, with 64 bits."""
    content = full(lines={"records/metadata.jsonl": as_json(ROWS["metadata"])})
    plain = records(packed(content))
    assert records(packed(content, zipfile.ZIP_STORED)) == plain
    assert records(packed(dict(reversed(content.items())))) == plain

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    assert records(bytes(pipe.data)) == plain
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"PK made by hand " * 100
        for name, data in content.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    assert records(stream.getvalue()) == plain


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs zip")
def test_an_archive_packed_by_hand(tmp_path: Path) -> None:
    """Unpacked and packed again with the usual program."""
    with zipfile.ZipFile(SAMPLE) as archive:
        archive.extractall(tmp_path)
    command = ["zip", "-q", "again.zip", "manifest.json", "entries.json"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert len(records((tmp_path / "again.zip").read_bytes())) == 39


def test_moments_are_the_same_in_another_zone() -> None:
    """What 0.3 wrote had no zone; what this version writes beside it has."""
    values = {"id": "A", "title": "a", "type": "bug", "created_at": "2025-07-01T12:00:00", "tags": []}
    values["updated_at"] = values["created_at"]
    stream = io.BytesIO()
    with local_zone("UTC0"):
        write_archive(iter([Record(ENTRIES, values, "A")]), stream)
    with local_zone("XXX-5"):
        (found,) = records(stream.getvalue())
    assert found.values["created_at"] == "2025-07-01T17:00:00"
    with zipfile.ZipFile(stream) as archive:
        assert json.loads(archive.read("entries.json"))[0]["created_at"] == "2025-07-01T12:00:00"


def test_what_is_read_is_closed(tmp_path: Path) -> None:
    """With the reader, and at once when it is refused."""
    file = SAMPLE.open("rb")
    reader = ArchiveReader(file, Limits(), "a.zip")
    reader.close()
    assert file.closed
    bad = io.BytesIO(b"no archive")
    with pytest.raises(ImportRefusedError):
        ArchiveReader(bad, Limits(), "a.zip")
    assert bad.closed


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    """A folder, a pipe, a device, a link to one of them, a link to nothing or to itself."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "nothing").symlink_to(tmp_path / "gone")
    for path in (tmp_path, *(tmp_path / name for name in ("pipe", "link", "loop", "nothing")), Path("/dev/zero")):
        with pytest.raises(ImportRefusedError, match=r"^a\.zip: ") as caught:
            open_regular(path, "a.zip")
        assert str(caught.value).isprintable()
    (tmp_path / "good").symlink_to(SAMPLE)
    with open_regular(tmp_path / "good", "a.zip") as file:
        assert "entries.json" in ZipReader(file, "a.zip", Limits())


def test_stdin_is_kept_in_a_file(tmp_path: Path) -> None:
    """So that it can be read twice; no more of it than the limit."""
    with SAMPLE.open("rb") as source, spool(source, Limits()) as file:
        reader = ArchiveReader(file, Limits(), "stdin")
        assert len(list(reader.records())) == 39
        reader.close()
    with (
        Path("/dev/zero").open("rb") as endless,
        pytest.raises(ImportRefusedError, match=r"stdin.*--limit size="),
    ):
        spool(endless, Limits(size=5_000_000))
