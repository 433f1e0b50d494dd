"""Archives made to do harm: refused in one line, before the first record, in little memory."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import chance, hostile, processes
from support.archives import ENTRY, OTHER, ROWS, as_json, full, members, packed

from rekall.archive import RekallArchive
from rekall.errors import ImportRefusedError
from rekall.exchange.archive_reader import ArchiveReader
from rekall.exchange.archive_writer import write_archive
from rekall.exchange.limits import Limits
from rekall.exchange.opening import open_regular
from rekall.exchange.records import Record
from rekall.store.columns import COLUMNS

NAME = "notes.rekall.zip"
CODE = """
import re, sys
from pathlib import Path
from rekall.errors import ImportRefusedError
from rekall.exchange.archive_reader import ArchiveReader
from rekall.exchange.archive_writer import write_archive
from rekall.exchange.limits import Limits

refused = 0
for path in map(Path, sys.argv[1:]):
    try:
        for record in ArchiveReader(path.open("rb"), Limits(), path.name).records():
            pass
    except ImportRefusedError:
        refused += 1
print(refused, re.search(r"VmHWM:\\s*([0-9]+)", Path("/proc/self/status").read_text())[1])
"""


def read(path: Path, limits: Limits | None = None) -> ArchiveReader:
    return ArchiveReader(open_regular(path, NAME), limits or Limits(), NAME)


def refusal(path: Path, limits: Limits | None = None) -> str:
    """The line with which reading an archive to its end is refused; empty when it is not."""
    try:
        with closing(read(path, limits)) as reader:
            for _ in reader.records():
                pass
    except ImportRefusedError as error:
        return str(error)
    return ""


def records_or_refusal(data: bytes) -> list[Record] | str:
    try:
        with closing(ArchiveReader(io.BytesIO(data), Limits(), NAME)) as reader:
            return list(reader.records())
    except ImportRefusedError as error:
        return str(error)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """All of them, by what is wrong with each."""
    return dict(hostile.hostile_archives(tmp_path_factory.mktemp("hostile")))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / NAME


@pytest.mark.fault(53)
def test_each_is_refused_in_one_line(archives: Mapping[str, Path]) -> None:
    """The line names the archive and what to do, and shows only a little of what is in it."""
    for name, path in archives.items():
        line = refusal(path)
        assert line.startswith(f"{NAME}: "), (name, line)
        assert line.isprintable(), (name, line)
        assert len(line) < 300, (name, line)
        assert re.search("copy|export|upgrade|--limit|give|join|unpack", line), (name, line)
    assert len(archives) > 300


def test_what_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """A damaged archive gives no record at all, wherever the damage is."""
    whole = packed(full(lines={"records/metadata.jsonl": as_json({"key": "k", "value": "v"})}))
    with zipfile.ZipFile(io.BytesIO(whole)) as packed_file:
        places = {info.filename: info.header_offset + 30 + len(info.filename) for info in packed_file.infolist()}
    assert len(places) == 5
    for name, place in places.items():
        path = tmp_path / NAME
        path.write_bytes(whole[: place + 9] + bytes([whole[place + 9] ^ 1]) + whole[place + 10 :])
        with pytest.raises(ImportRefusedError, match=re.escape(name)):
            read(path)


@pytest.mark.fault(53)
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_bombs_take_little_memory(archives: Mapping[str, Path]) -> None:
    """A process that reads them all stays far below what they unpack to."""
    heavy = [path for name, path in archives.items() if re.search("bomb|-mb$|deep|huge|many|gigabyte|title", name)]
    refused, peak = map(int, processes.run(CODE, *heavy).split())
    assert refused == len(heavy) > 20
    assert peak < 200 * 1024  # KiB; the heaviest unpacks to gigabytes


LINES = {f"records/{table}.jsonl": as_json(row) for table, row in ROWS.items()}
LINES["records/obsolete.jsonl"] = as_json({**ENTRY, "id": OTHER, "status": "obsolete", "more": {"keywords": ["k"]}})
WHOLE = packed(full(more={"ease_factor": 2.0, "context": {"situation": "s"}}, lines=LINES))
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, -1, 0, 7, 2**63, -(2**63), 0.5, 1e308, "", " ", "text", "A" * 40, "\0", "2025-07-01T12:00:00"),
        *("2025-07-01T12:00:00+99:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2025-02-30", [], {}),
        *(["a", 1], [[]], {"base64": "AA=="}, {"base64": 5}, {"real": "nan"}, {"real": []}, {"text": None}, {"a": {}}),
    ]
)


@settings(max_examples=300)
@given(st.data())
def test_any_damage(data: st.DataObject) -> None:
    """Bytes turned, left out, put in or moved: refused, or read as if nothing had happened."""
    damaged = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 3))):
        start, length = data.draw(st.integers(0, len(damaged) - 1)), data.draw(st.integers(0, 40))
        damaged[start : start + length] = data.draw(st.binary(max_size=40))
    outcome = records_or_refusal(bytes(damaged))
    assert len(outcome) == 14 if isinstance(outcome, list) else outcome.isprintable()


@settings(max_examples=500)
@given(st.data())
def test_any_value_in_any_place(data: st.DataObject) -> None:
    """With check sums that fit: it is refused in one line, or is a value that a base can hold."""
    table = data.draw(st.sampled_from(["entries", "more", "obsolete", *ROWS]))
    row = {"entries": ENTRY, "more": {}, "obsolete": {**ENTRY, "id": OTHER}}.get(table) or ROWS.get(table, {})
    names = [*COLUMNS.get(table, COLUMNS["entries"]), "tags", "keywords", "context", "more"]
    changed = {**row, data.draw(st.sampled_from(names)): data.draw(ODD)}
    if table == "entries":
        content = members([changed])
    elif table == "more":
        changed.pop("id", None)
        content = full(more=changed)
    else:
        changed.setdefault("more", {})
        content = full(lines={f"records/{table}.jsonl": as_json(changed)})
    outcome = records_or_refusal(packed(content))
    if isinstance(outcome, str):
        assert outcome.startswith(f"{NAME}: ")
        assert outcome.isprintable()
    else:
        for record in outcome:
            assert {type(value) for value in record.values.values()} <= {str, int, float, bytes, list, type(None)}
        write_archive(iter(outcome), io.BytesIO(), obsolete_apart=table != "entries")


def test_limits_of_an_archive(archive: Path) -> None:
    """Each is applied, and the line names the flag that raises it; raised so far, the archive is taken."""
    archive.write_bytes(packed(full(lines={"records/metadata.jsonl": as_json({"key": "k", "value": "v"})})))
    for setting in ("size=100", "expanded=100", "entries=0", "records=1", "text=200", "line=8"):
        line = refusal(archive, Limits().raised([setting]))
        raised = re.search(r"--limit ([a-z]+=[0-9]+)$", line)
        assert raised, line
        assert raised[1].split("=")[0] == setting.split("=")[0]
    assert refusal(archive) == ""


def test_raised_limits_let_an_archive_pass(archive: Path) -> None:
    """What the lines say, one after the other, until there is nothing more to say."""
    archive.write_bytes(packed(members([{**ENTRY, "title": "x" * 20_000_000}])))
    limits = Limits()
    settings = []
    while setting := re.search(r"--limit ([a-z]+=[0-9]+)$", refusal(archive, limits)):
        settings.append(setting[1])
        limits = limits.raised(settings)
    assert {setting.split("=")[0] for setting in settings} == {"ratio", "text", "line"}
    assert refusal(archive, limits) == ""


def test_a_file_that_changes_between_two_readings(archive: Path) -> None:
    """What was looked at is what is imported, or nothing."""
    noise = chance.seeded(4).randbytes(100_000).hex()
    first, second = (
        packed(members([{**ENTRY, "title": title, "content": noise}])) for title in ("first title", "other title")
    )
    archive.write_bytes(first)
    reader = read(archive)
    assert [record.values["title"] for record in reader.records()] == ["first title"]
    archive.write_bytes(second)
    with pytest.raises(ImportRefusedError, match=r"changed|damaged|size"):
        list(reader.records())
    reader.close()
    reader.close()


def test_a_file_that_is_exchanged_is_read_as_it_was(archive: Path) -> None:
    """The file stays open: one that takes its name is another file."""
    archive.write_bytes(packed(members([{**ENTRY, "title": "first title"}])))
    reader = read(archive)
    other = archive.with_suffix(".new")
    other.write_bytes(packed(members([{**ENTRY, "title": "other title"}])))
    other.replace(archive)
    assert [record.values["title"] for record in reader.records()] == ["first title"]
    reader.close()


def test_the_python_api_refuses_them_too(archives: Mapping[str, Path]) -> None:
    """`open` and `validate` never raise on content; what cannot be read raises a ValueError in one line."""
    for name, path in archives.items():
        archive = RekallArchive.open(path)
        if archive is None:
            assert name in ("empty", "text", "gzip", "only-a-mark", "no-members") or "missing" in name or "cut" in name
            continue
        found = archive.validate()
        assert found.valid == (not found.errors)
        assert all(error.isprintable() and len(error) < 400 for error in found.errors)
        if not name.startswith("name-"):
            with pytest.raises(ValueError, match=":"):
                archive.get_entries()
        archive.close()
