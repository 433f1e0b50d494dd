"""Archives written: what 0.3 reads of them, byte for byte, and the rest; whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import chance, databases, processes
from support.entries import contexts, entries

from rekall import __version__
from rekall.db import Database
from rekall.errors import CorruptError
from rekall.exchange.archive_reader import ArchiveReader
from rekall.exchange.archive_writer import Written, write_archive
from rekall.exchange.dump import Selection, dumped
from rekall.exchange.fields import keywords_of
from rekall.exchange.limits import Limits
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.zip_reader import ZipReader
from rekall.exchange.zip_writer import Growing, write_zip
from rekall.models import Entry, StructuredContext
from rekall.serializers import entries_to_json, entry_to_dict
from rekall.store.columns import COLUMNS
from rekall.store.context_codec import compress_context
from rekall.store.rows import entry_values

CREATED = datetime(2025, 7, 1, 12, 30, 15, 123456)
SAMPLE = databases.FOLDER / "sample.rekall.zip"


def record(entry: Entry, context: StructuredContext | None = None) -> Record:
    text = context.to_json() if context else None
    keywords = sorted(set(context.trigger_keywords)) if context else []
    values = {**entry_values(entry), "centrality_score": entry.centrality_score, "tags": list(entry.tags)}
    packed = text and compress_context(text)
    return Record(
        ENTRIES, {**values, "context_structured": text, "context_blob": packed, "keywords": keywords}, entry.id
    )


def written(records: list[Record], **options: Any) -> bytes:
    stream = io.BytesIO()
    write_archive(iter(records), stream, created=CREATED, **options)
    return stream.getvalue()


def read_back(data: bytes, limits: Limits | None = None) -> list[Record]:
    reader = ArchiveReader(io.BytesIO(data), limits or Limits(), "a.zip")
    found = list(reader.records())
    assert reader.total == len(found)
    reader.close()
    return found


def complete(values: dict[str, Any]) -> dict[str, Any]:
    """With the columns that an import fills in."""
    text = values.get("context_structured")
    return {
        **dict.fromkeys(COLUMNS[ENTRIES]),
        "review_interval": 1,
        "ease_factor": 2.5,
        "centrality_score": 0.0,
        "context_blob": text and compress_context(text),
        "keywords": keywords_of(text),
        **values,
    }


def member(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.read(name)


@pytest.fixture
def sample(tmp_path: Path) -> list[Record]:
    """All records of v12.db."""
    with Database(databases.unpack("v12.db", tmp_path)) as db, dumped(db, Selection(embeddings=True)) as dump:
        return list(dump.records())


def test_entries_are_those_of_0_3_byte_for_byte(sample: list[Record]) -> None:
    """The same base gives the member that 0.3 exported, and a manifest in which only version and time are ours."""
    data = written(sample)
    with zipfile.ZipFile(SAMPLE) as archive:
        theirs = archive.read("manifest.json").decode()
        assert archive.read("entries.json") == member(data, "entries.json")
    for key, value in (("created_at", CREATED.isoformat()), ("rekall_version", __version__)):
        theirs = re.sub(f'"{key}": ".*"', f'"{key}": "{value}"', theirs)
    ours = member(data, "manifest.json").decode()
    assert ours == theirs
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist()[:2] == ["manifest.json", "entries.json"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        assert {info.date_time for info in archive.infolist()} == {(2025, 7, 1, 12, 30, 14)}


@pytest.mark.fault(16)
def test_everything_else_is_there_too(sample: list[Record]) -> None:
    """Every row comes back: obsolete entries, links, contexts, review data, sources and the rest."""
    back = read_back(written(sample))
    assert len(back) == len(sample) == 135
    for table in {one.table for one in sample}:
        before, after = ([one.values for one in records if one.table == table] for records in (sample, back))
        if table == ENTRIES:
            before, after = (
                sorted(map(complete, values), key=lambda entry: str(entry["id"])) for values in (before, after)
            )
        assert after == before


def test_an_export_without_entries_can_be_read() -> None:
    """An empty base is a base."""
    data = written([])
    assert member(data, "entries.json") == b"[]"
    assert read_back(data) == []
    filter_row = Record("saved_filters", {"id": 3, "name": "f", "filter_json": "{}", "created_at": "2025-07-01"}, "f")
    assert [one.values for one in read_back(written([filter_row]))] == [filter_row.values]


@given(st.lists(st.tuples(entries(), st.none() | contexts()), max_size=4, unique_by=lambda pair: pair[0].id))
def test_any_entries(pairs: list[tuple[Entry, StructuredContext | None]]) -> None:
    """Exactly, whatever they hold, and in the JSON of 0.3."""
    records = [record(*pair) for pair in pairs]
    data = written(records, obsolete_apart=False)
    assert member(data, "entries.json").decode() == entries_to_json([entry for entry, _ in pairs])
    for before, after in zip(records, read_back(data), strict=True):
        assert complete(after.values) == complete(before.values)


def test_obsolete_entries_stand_apart() -> None:
    """0.3 exported active entries only, and imports no others from us; `rekall.archive` keeps them together."""
    active, obsolete = Entry("A", "a", "bug"), Entry("B", "b", "bug", status="obsolete", superseded_by="A")
    data = written([record(obsolete), record(active)])
    assert [one["id"] for one in json.loads(member(data, "entries.json"))] == ["A"]
    assert json.loads(member(data, "manifest.json"))["stats"] == {
        "entries_count": 1,
        "projects": [],
        "types": {"bug": 1},
    }
    assert [one.values["id"] for one in read_back(data)] == ["A", "B"]
    together = written([record(obsolete), record(active)], obsolete_apart=False)
    assert json.loads(member(together, "entries.json")) == [entry_to_dict(obsolete), entry_to_dict(active)]


def test_the_same_records_give_the_same_bytes(sample: list[Record], tmp_path: Path) -> None:
    """To a file, to a stream, again."""
    path = tmp_path / "a.rekall.zip"
    found = write_archive(iter(sample), path, created=CREATED)
    assert path.read_bytes() == written(sample) == written(sample)
    assert found == Written(39, found.records, path.stat().st_size, ())
    assert found.records[ENTRIES] == 42
    assert sum(found.records.values()) == len(sample)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_to_a_pipe(sample: list[Record]) -> None:
    """A stream that cannot be wound back, as stdout is when another program reads it."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as sink:

        def write() -> None:
            with sink:
                write_archive(iter(sample), sink, created=CREATED)

        thread = threading.Thread(target=write)
        thread.start()
        data = source.read()
        thread.join()
    assert data == written(sample)


def test_a_pipe_that_has_a_name_is_written_and_stays(sample: list[Record], tmp_path: Path) -> None:
    """A target that is no regular file is not replaced by one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["/bin/cat", pipe], stdout=subprocess.PIPE) as cat:
        write_archive(iter(sample), pipe, created=CREATED)
        assert cat.communicate(timeout=30)[0] == written(sample)
    assert pipe.is_fifo()


def test_a_link_to_an_archive_stays_a_link(sample: list[Record], tmp_path: Path) -> None:
    """The file that it leads to is replaced."""
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "a.zip", tmp_path / "link.zip"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_archive(iter(sample), link, created=CREATED)
    assert link.is_symlink()
    assert target.read_bytes() == written(sample)


def failing(records: list[Record], error: Exception) -> Iterator[Record]:
    yield from records
    raise error


def test_a_failure_leaves_the_old_file_and_nothing_else(sample: list[Record], tmp_path: Path) -> None:
    """Whether the records end early or cannot be written."""
    path = tmp_path / "a.rekall.zip"
    path.write_bytes(b"old")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CorruptError):
        write_archive(failing(sample, CorruptError("damaged")), path)
    wrong = Record(ENTRIES, {**sample[0].values, "created_at": "once"}, "x")
    with pytest.raises(CorruptError, match="restore a backup"):
        write_archive(iter([wrong]), path)
    assert path.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(sample: list[Record]) -> None:
    """It is told, as the system tells it."""
    with pytest.raises(OSError, match="No space left"):
        write_archive(iter(sample), Path("/dev/full"))


FOREVER = """
import sys, time
from datetime import datetime
from pathlib import Path
from rekall.exchange.archive_writer import write_archive
from rekall.exchange.records import Record
from rekall.models import Entry
from rekall.store.rows import entry_values

def records():
    for number in range(20_000):
        entry = Entry(f"01H{number:023}", "t", "bug", content="word " * 100)
        yield Record("entries", {**entry_values(entry), "tags": [], "centrality_score": 0.0}, "x")
        if number == 10:
            print("begun", flush=True)

write_archive(records(), Path(sys.argv[1]))
print("done")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
@pytest.mark.parametrize("number", range(6))
def test_killed_at_any_moment(number: int, tmp_path: Path) -> None:
    """The old file is there, or the new one whole; nothing but a partial file that says so may lie beside it."""
    path = tmp_path / "a.rekall.zip"
    path.write_bytes(b"old")
    process = processes.start(FOREVER, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    processes.kill_after(process, chance.seeded(number).random() * 4)
    assert process.returncode in (0, -signal.SIGKILL)
    if path.read_bytes() != b"old":
        assert len(read_back(path.read_bytes())) == 20_000
    assert all(other.name.endswith(".partial") for other in tmp_path.iterdir() if other != path)
    write_archive(iter([]), path)
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_packed_too_well_is_stored() -> None:
    """Whatever is exported can be imported: a base that repeats itself looks like a bomb otherwise."""
    entries = [Entry(f"01H{number:023}", "t", "bug", content="same " * 20_000) for number in range(300)]
    data = written([record(entry) for entry in entries])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        methods = {info.filename: info.compress_type for info in archive.infolist()}
        assert archive.testzip() is None
    assert methods["entries.json"] == zipfile.ZIP_STORED
    assert methods["records/entries.jsonl"] == zipfile.ZIP_DEFLATED
    assert [one.values["id"] for one in read_back(data)] == [entry.id for entry in entries]


def test_it_tells_which_limits_an_import_has_to_raise() -> None:
    """For a base with more in it than an import takes unasked; with them it is taken."""
    long = [record(Entry("A", "x" * 20_000, "bug", content="y" * 17_000_000))]
    stream = io.BytesIO()
    found = write_archive(iter(long), stream, created=CREATED)
    assert {setting.split("=")[0] for setting in found.settings} == {"line", "text"}
    assert len(read_back(stream.getvalue(), Limits().raised(found.settings))) == 1
    few = Limits(size=1000, expanded=1000, entries=2, records=3)
    many = [record(Entry(f"01H{number:023}", "t", "bug")) for number in range(30)]
    stream = io.BytesIO()
    settings = write_archive(iter(many), stream, limits=few).settings
    assert {setting.split("=")[0] for setting in settings} == {"size", "expanded", "entries", "records"}
    assert len(read_back(stream.getvalue(), few.raised(settings))) == 30


@pytest.mark.parametrize(
    "context",
    [
        '{"situation": NaN}',
        '{"situation": "\\ud800"}',
        '{"a": ' + "[" * 70 + "]" * 70 + "}",
        '{"a": 1e999}',
        '{"a": ' + "9" * 300 + "}",
        '{"a": 1, "a": 2}',
        '{"a":1}',
        "[1]",
        "{",
    ],
)
def test_contexts_that_json_cannot_hold_as_objects(context: str) -> None:
    """They travel as the texts that they are."""
    one = record(Entry("A", "a", "bug", consolidation_score=float("inf")))
    one.values.update(context_structured=context, keywords=["k"])
    (back,) = read_back(written([one]))
    assert back.values["context_structured"] == context
    assert back.values["consolidation_score"] == float("inf")
    assert back.values["keywords"] == ["k"]


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_members_come_back(contents: list[bytes]) -> None:
    """Through a target that cannot go back, in pieces, and by turns."""
    members = []
    for number, content in enumerate(contents):
        growing = Growing(f"{number}.bin", None)
        growing.write(content[:100])
        growing.write(content[100:])
        members.append(growing)
    stream = io.BytesIO()
    size = write_zip(stream, members, CREATED, most_packed=100)
    assert size == len(stream.getvalue())
    reader = ZipReader(stream, "a.zip", Limits())
    streams = [reader.open(member.name) for member in members]
    pieces: list[list[bytes]] = [[] for _ in members]
    for _ in range(50):
        for number, reading in enumerate(streams):
            pieces[number].append(reading.read(7))
    assert [b"".join(found) for found in pieces] == contents
    for growing, reading, content in zip(members, streams, contents, strict=True):
        assert reading.drain() == growing.sha256 == hashlib.sha256(content).hexdigest()
        growing.close()
