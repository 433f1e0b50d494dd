"""Writing a base as a file in one of three forms."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from rekall.errors import CannotOpenError, DiskFullError, InvalidValueError
from rekall.exchange.detect import SQLITE
from rekall.exchange.dump import Dump
from rekall.exchange.fields import entry_of
from rekall.exchange.opening import display_name
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.shown import plain
from rekall.exporters import detect_sensitive_data
from rekall.store.new_files import replacing

FORMATS = ("rekall", "json", "md")
_ENDINGS = {".rekall.zip": "rekall", ".json": "json"}
_LISTED = 5


@dataclass
class Exported:
    """What was written.

    Args:
        records: how many of each table.
        size: bytes; 0 where that is not known, as of text through a pipe.
        sensitive: entries that look as if they held a secret: id, title, kind of the secret; the first ones.
        sensitive_total: how many such entries there are.
        settings: what `--limit` has to say at an import of it; nothing for nearly every base.
    """

    records: Mapping[str, int]
    size: int = 0
    sensitive: list[tuple[str, str, str]] = field(default_factory=list)
    sensitive_total: int = 0
    settings: tuple[str, ...] = ()


def format_of(output: str, given: str | None) -> str:
    """The form of an export: the one that was given, or what the ending of the file says, or else markdown.

    Raises:
        InvalidValueError: there is no such form.
    """
    if given is not None:
        if given not in FORMATS:
            raise InvalidValueError(f"unknown format '{plain(given)}': use one of {', '.join(FORMATS)}")
        return given
    return next((form for ending, form in _ENDINGS.items() if output.lower().endswith(ending)), "md")


def refuse_database(path: Path) -> None:
    """Refuse to write over a database, of which nobody wants an export in its place.

    Ask before the base is opened: SQLite would lose its locks on a file that somebody else closes in this process.

    Raises:
        CannotOpenError: the file is one.
    """
    with suppress(OSError):  # what cannot be read is told when it cannot be written
        if path.is_file():
            with path.open("rb") as file:
                head = file.read(len(SQLITE))
            if head == SQLITE:
                raise CannotOpenError(f"{display_name(path)} is a database: name another file to export to")


def export_to(path: Path, dump: Dump, form: str) -> Exported:
    """Write the records of a base to a file, which gets its name only when it is whole; one of that name is replaced.

    Args:
        form: one of `FORMATS`.

    Raises:
        CannotOpenError: the file cannot be written there.
        DiskFullError: there is no room; what was there before is still there.
    """
    with named_faults(display_name(path)):
        if path.is_dir():
            raise CannotOpenError(f"{display_name(path)} is a folder: name a file to export to")
        if form == "rekall":
            return _archive(path, dump)
        with replacing(path) as (stream, _):
            done = write(stream, dump, form)
            if stream.seekable():
                done.size = stream.tell()
            return done


@contextmanager
def named_faults(name: str) -> Iterator[None]:
    """Tell faults of the system by the name of what is written.

    Raises:
        CannotOpenError: it cannot be written.
        DiskFullError: there is no room.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        kind = DiskFullError if error.errno == errno.ENOSPC else CannotOpenError
        raise kind(f"{name} was not written ({error.strerror or error}): name a file in a folder with room") from error


def write(stream: BinaryIO, dump: Dump, form: str) -> Exported:
    """Write the records of a base to a stream, which need not be seekable.

    Args:
        form: one of `FORMATS`.
    """
    if form == "rekall":
        return _archive(stream, dump)
    look = _Look()
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="\n")
    try:
        if form == "json":
            from rekall.exchange.json_writer import write_json

            done = Exported(write_json(look.through(dump.entries()), dump.rows(), text))
            text.write("\n")
        else:
            from rekall.exchange.markdown_writer import shown_records, write_markdown

            write_markdown(shown_records(look.through(dump.entries()), dump.rows()), text)
            done = Exported({ENTRIES: len(dump.ids)})
        text.flush()
    finally:
        text.detach()
    return look.told(done)


def _archive(target: Path | BinaryIO, dump: Dump) -> Exported:
    from rekall.exchange.archive_writer import write_archive

    look = _Look()
    written = write_archive(chain(look.through(dump.entries()), dump.rows()), target)
    return look.told(Exported(written.records, written.size, settings=written.settings))


class _Look:
    """Looks for secrets on the way."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str, str]] = []
        self._total = 0

    def through(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records."""
        for record in records:
            findings = detect_sensitive_data([entry_of(record.values)])
            self._total += len(findings)
            self._found += findings[: max(_LISTED - len(self._found), 0)]
            yield record

    def told(self, done: Exported) -> Exported:
        """With what was found."""
        done.sensitive, done.sensitive_total = self._found, self._total
        return done
