"""What a file is, by what it holds."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest
from support.exchange import exported

from rekall.db import Database
from rekall.errors import ImportRefusedError, InvalidValueError, RekallError
from rekall.exchange.archive_reader import ArchiveReader
from rekall.exchange.detect import FORMATS, KNOWN, open_incoming
from rekall.exchange.json_reader import JsonReader
from rekall.exchange.limits import Limits
from rekall.exchange.markdown_reader import MarkdownReader
from rekall.exchange.memory_file import MemoryFile
from rekall.exchange.notes import Notes
from rekall.exchange.opening import spool
from rekall.exporters import export_json, export_markdown
from rekall.models import Entry

MEMORY = b'{"type":"entity","name":"A","entityType":"x","observations":["y"]}\n'
ENTRY = Entry("01HAAAAAAAAAAAAAAAAAAAAAAA", "A title", "bug", "text")
READERS: dict[str, type] = {
    "rekall": ArchiveReader,
    "json": JsonReader,
    "md": MarkdownReader,
    "notes": Notes,
    "memory": MemoryFile,
}


@pytest.fixture
def contents(tmp_path: Path) -> dict[str, bytes]:
    """One file of each kind."""
    with Database(tmp_path / "base.db") as db:
        db.add(ENTRY)
        return {
            "rekall": exported(db, "rekall"),
            "json": exported(db, "json"),
            "md": exported(db, "md"),
            "notes": b"---\ntitle: A\n---\n# Text\n",
            "memory": MEMORY,
        }


def spooled(content: bytes) -> BinaryIO:
    """As stdin arrives."""
    return spool(io.BytesIO(content), Limits())


def test_by_content_and_not_by_name(tmp_path: Path, contents: dict[str, bytes]) -> None:
    """Whatever the ending; a note alone needs its own."""
    for kind, content in contents.items():
        for name in ("a.txt", "b.json", "c.rekall.zip", "d") if kind != "notes" else ("a.md", "B.MarkDown"):
            (tmp_path / name).write_bytes(content)
            with closing(open_incoming(tmp_path / name, Limits())) as incoming:
                assert type(incoming) is READERS[kind], (kind, name)
                assert name in incoming.name
                assert Counter(record.table for record in incoming.records())["entries"] == 1


def test_stdin(contents: dict[str, bytes]) -> None:
    """The same, of a file without a name; a note only where the format is given."""
    for kind, content in contents.items():
        with closing(
            open_incoming(spooled(content), Limits(), as_format="notes" if kind == "notes" else None)
        ) as incoming:
            assert type(incoming) is READERS[kind]
            assert incoming.name == "stdin"
            first = list(incoming.records())
            assert first == list(incoming.records())
            assert [record.table for record in first].count("entries") == 1


def test_a_folder_is_notes(tmp_path: Path) -> None:
    """Even where it holds something else too; no other format is a folder."""
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "memory.jsonl").write_bytes(MEMORY)
    for as_format in (None, "notes", "md"):
        assert isinstance(open_incoming(tmp_path, Limits(), as_format=as_format), Notes)
    for as_format in ("rekall", "json", "memory"):
        with pytest.raises(ImportRefusedError, match="is a folder: name a file"):
            open_incoming(tmp_path, Limits(), as_format=as_format)


@pytest.mark.parametrize(
    ("name", "content", "reader"),
    [
        ("a.md", b"[[link]] at the beginning", Notes),
        ("a.md", b"[a link](b.md)", Notes),
        ("a.md", b' [ {"id": 1} ]', JsonReader),
        ("a.md", b"[]", JsonReader),
        ("a.md", b"{ not JSON", Notes),
        ("a.md", MEMORY, MemoryFile),
        ("a", b"[text", JsonReader),
        ("a", b"\xef\xbb\xbf\n " + MEMORY, MemoryFile),
        ("a", b'{"observations":["' + b"x" * 100_000 + b'"],"type":"entity","name":"A"}', type(None)),
        ("a", b'{"type":"entity","name":"A","observations":["' + b"x" * 100_000 + b'"]}', MemoryFile),
        ("a", b'{"type":"relation","from":"A","to":"B"}', MemoryFile),
        ("a", b'{"type": "other"}', type(None)),
        ("a", b"[" * 100_000, JsonReader),
        ("a", b'{"a":' * 20_000, type(None)),
        ("a", export_json([ENTRY]).encode(), JsonReader),
        ("a", export_markdown([ENTRY]).encode().replace(b"\n", b"\r\n"), MarkdownReader),
        ("a.md", export_markdown([]).encode(), MarkdownReader),
        ("a.md", b"# A note\n\n## Bugs\n\n- one\n", Notes),
        ("a.md", "é".encode("latin-1"), Notes),
        ("a", b"", type(None)),
        ("a.md", b" \n", type(None)),
        ("a.txt", b"# Text\n", type(None)),
        ("a.md", b"SQLite format 3\x00", type(None)),
        ("a.md", b"\x1f\x8b\x08\x00", type(None)),
        ("a.pdf", b"%PDF-1.7\n", type(None)),
    ],
)
def test_what_it_is_taken_for(tmp_path: Path, name: str, content: bytes, reader: type) -> None:
    """Or that nothing takes it, which names what can be imported."""
    (tmp_path / name).write_bytes(content)
    if reader is type(None):
        with pytest.raises(ImportRefusedError) as caught:
            open_incoming(tmp_path / name, Limits())
        assert str(caught.value).endswith(KNOWN)
        assert "\n" not in str(caught.value)
    else:
        with closing(open_incoming(tmp_path / name, Limits())) as incoming:
            assert type(incoming) is reader


def test_a_database_is_for_restore(tmp_path: Path) -> None:
    """And that is said."""
    Database(tmp_path / "a.db").__enter__().close()
    with pytest.raises(ImportRefusedError, match="'rekall restore' takes"):
        open_incoming(tmp_path / "a.db", Limits())


def test_as_what_it_is_told(tmp_path: Path, contents: dict[str, bytes]) -> None:
    """Any file as any format: it is read or refused in one line, and nothing else."""
    for content in contents.values():
        (tmp_path / "file").write_bytes(content)
        for as_format in FORMATS:
            for source in (tmp_path / "file", spooled(content)):
                try:
                    with closing(open_incoming(source, Limits(), as_format=as_format)) as incoming:
                        assert list(incoming.records())
                except ImportRefusedError as error:
                    assert str(error).count("\n") == 0  # noqa: PT017  # both ends are right
    (tmp_path / "plain").write_text("A text\n")
    for as_format in ("md", "notes"):
        assert isinstance(open_incoming(tmp_path / "plain", Limits(), as_format=as_format), Notes)


def test_an_unknown_format(tmp_path: Path) -> None:
    """Is refused with those that there are."""
    with pytest.raises(InvalidValueError, match="unknown format 'xml': use one of rekall, json, md, notes, memory"):
        open_incoming(tmp_path, Limits(), as_format="xml")


@pytest.fixture
def odd_files(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """What is no regular file, and what is not there."""
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "link").symlink_to(tmp_path / "pipe.json")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_bytes(MEMORY)
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/socket")
        yield {
            "is a pipe": tmp_path / "pipe.json",
            "is a pipe, not": tmp_path / "link",
            "is a socket": Path(short) / "socket",
            "is a device": Path(os.devnull),
            "there is no such file": tmp_path / "none",
            "there is no such file: check": tmp_path / "file" / "below",
            "cannot be read": tmp_path / "loop",
        }


@pytest.mark.timeout(20)
@pytest.mark.parametrize("as_format", [None, *FORMATS])
def test_nothing_waits(odd_files: dict[str, Path], as_format: str | None) -> None:
    """Pipes nobody writes to, sockets, devices: refused at once, in one line, whatever they are said to be."""
    for words, path in odd_files.items():
        with pytest.raises(RekallError) as caught:
            open_incoming(path, Limits(), as_format=as_format)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """Is refused with what to do."""
    (tmp_path / "a").write_bytes(MEMORY)
    (tmp_path / "a").chmod(0)
    if os.access(tmp_path / "a", os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ImportRefusedError, match="may not be read: change its permissions"):
        open_incoming(tmp_path / "a", Limits())


def test_files_are_closed(tmp_path: Path, contents: dict[str, bytes]) -> None:
    """By `close`, twice too, and when the file is refused."""
    for kind, content in {**contents, "refused": b"\0", "too large": contents["rekall"]}.items():
        file = spooled(content)
        limits = Limits(size=10) if kind == "too large" else Limits()
        if kind in ("refused", "too large"):
            with pytest.raises(ImportRefusedError):
                open_incoming(file, limits)
        else:
            incoming = open_incoming(file, limits, as_format=kind if kind == "notes" else None)
            incoming.close()
            incoming.close()
        assert file.closed


def test_messages_name_the_file(tmp_path: Path) -> None:
    """On one line, however it is called."""
    path = tmp_path / ("long" * 50 + "\nname")
    path.write_bytes(json.dumps({"a": 1}).encode())
    with pytest.raises(ImportRefusedError) as caught:
        open_incoming(path, Limits())
    assert "\n" not in str(caught.value)
    assert "\\nname: is nothing that can be imported" in str(caught.value)


def test_the_commands_of_the_user_page(tmp_path: Path) -> None:
    """Of its part on notes and memory files, in their order."""
    page = (Path(__file__).parents[2] / "docs" / "user.md").read_text(encoding="utf-8")
    part = page.partition("### Notes, memory files and Markdown exports")[2].partition("\n## ")[0]
    commands = part.partition("```sh\n")[2].partition("```")[0]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "locks.md").write_text("A write waits for the lock. See [[wal]].")
    (tmp_path / "notes" / "wal.md").write_text("# Write-ahead log")
    (tmp_path / "note.md").write_text("# Piped")
    (tmp_path / "memory.jsonl").write_bytes(MEMORY)
    (tmp_path / "all.md").write_text(export_markdown([ENTRY]))
    script = f'set -eo pipefail\nrekall() {{ "{sys.executable}" -m rekall "$@"; }}\n{commands}\nrekall browse'
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(line.split("\t")[-1] for line in done.stdout.splitlines() if "\t" in line) == [
        *("A", "A title", "Piped", "locks"),
    ]
    assert "2 entries in notes:" in done.stdout
    assert "with 1 link" in done.stdout
