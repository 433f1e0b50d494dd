"""What a file is, by what it holds and not by its name, and the reader for it."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from rekall.errors import ImportRefusedError, InvalidValueError
from rekall.exchange.limits import Limits
from rekall.exchange.opening import display_name, local_moment, open_regular, unreadable
from rekall.exchange.records import Incoming
from rekall.exchange.shown import plain

FORMATS = ("rekall", "json", "md", "notes", "memory")
"""Archive, JSON export, Markdown export or one note, notes, memory file of the reference MCP memory server."""

KNOWN = (
    "import an archive, a JSON or Markdown export, a folder of Markdown notes or one .md file,"
    " or the memory file of an MCP memory server"
)
_SNIFFED = 64 * 1024
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
SQLITE = b"SQLite format 3\x00"


def open_incoming(
    source: Path | BinaryIO, limits: Limits, *, as_format: str | None = None, name: str = "stdin"
) -> Incoming:
    """What can be read from a file or a folder.

    Args:
        source: a path, or a binary file that can be read from its start again; closed with the reader, and when it
            is refused.
        limits: see `Limits`.
        as_format: one of `FORMATS`, to take it for that whatever it holds.
        name: what a file without a path is called in messages.

    Raises:
        InvalidValueError: there is no such format.
        ImportRefusedError: it cannot be read, or is nothing that can be imported.
    """
    if not isinstance(source, Path):
        with _closed_on_error(source):
            _check_format(as_format)
            return _reader(source, limits, as_format, name, datetime.now().replace(microsecond=0).isoformat(), None)
    _check_format(as_format)
    if _is_folder(source):
        if as_format not in (None, "notes", "md"):
            raise ImportRefusedError(f"{display_name(source)}: is a folder: name a file, or leave the format out")
        from rekall.exchange.notes import notes_in

        return notes_in(source, limits)
    file = open_regular(source, display_name(source))
    with _closed_on_error(file):
        modified = local_moment(os.fstat(file.fileno()).st_mtime)
        return _reader(file, limits, as_format, display_name(source), modified, source)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise unreadable(display_name(path), error) from error


@contextmanager
def _closed_on_error(file: BinaryIO) -> Iterator[None]:
    try:
        yield
    except BaseException:
        file.close()
        raise


def _check_format(as_format: str | None) -> None:
    if as_format is not None and as_format not in FORMATS:
        raise InvalidValueError(f"unknown format '{plain(as_format)}': use one of {', '.join(FORMATS)}")


def _reader(
    file: BinaryIO, limits: Limits, as_format: str | None, name: str, modified: str, path: Path | None
) -> Incoming:
    file.seek(0)
    head = file.read(_SNIFFED)
    file.seek(0)
    is_named_as_note = path is not None and path.suffix.lower() in (".md", ".markdown")
    found = as_format or _format_of(head, is_named_as_note)
    if found is None:
        raise ImportRefusedError(f"{name}: {_what(head)}: {KNOWN}")
    if found == "rekall":
        from rekall.exchange.archive_reader import ArchiveReader

        return ArchiveReader(file, limits, name)
    if found == "json":
        from rekall.exchange.json_reader import JsonReader

        return JsonReader(file, limits, name)
    if found == "memory":
        from rekall.exchange.memory_file import MemoryFile

        return MemoryFile(file, limits, name, modified)
    from rekall.exchange.markdown_reader import MarkdownReader, is_export

    if found == "md" and is_export(_text(head)):
        return MarkdownReader(file, limits, name, modified)
    from rekall.exchange.notes import note_at, note_from

    try:
        return note_from(file, limits, name, modified) if path is None else note_at(path, limits)
    finally:
        file.close()


def _format_of(head: bytes, is_named_as_note: bool) -> str | None:
    """What a file holds that begins so; None for whatever cannot be imported."""
    if head.startswith(_ZIP):
        return "rekall"
    if head.startswith(SQLITE) or b"\0" in head or not head.strip():
        return None
    text = _text(head).lstrip()
    # a note may begin with a link
    if text.startswith("[") and (not is_named_as_note or text[1:].lstrip()[:1] in ("{", "]")):
        return "json"
    if text.startswith("{") and _is_memory(text):
        return "memory"
    from rekall.exchange.markdown_reader import is_export

    return "md" if is_named_as_note or is_export(text) else None


def _is_memory(text: str) -> bool:
    """Whether the first line is an entity or a relation; a line that is cut off is judged by its beginning."""
    line, end, _ = text.partition("\n")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return not end and any(f'"{word}"' in line for word in ("entity", "relation"))
    return isinstance(data, dict) and data.get("type") in ("entity", "relation")


def _what(head: bytes) -> str:
    if head.startswith(SQLITE):
        return "is a database, which 'rekall restore' takes; export it first to import what it holds"
    if not head.strip():
        return "is empty"
    return "is nothing that can be imported"


def _text(head: bytes) -> str:
    """The beginning of a file as text, whatever its last bytes belong to."""
    return head.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
