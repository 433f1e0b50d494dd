"""A folder of Markdown notes, or one note: each an entry, and the links between them."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rekall.errors import ImportRefusedError
from rekall.exchange.fields import checked_entry
from rekall.exchange.identity import is_ulid, stable_id
from rekall.exchange.limits import Limits
from rekall.exchange.note import Note, decoded, read_note
from rekall.exchange.note_links import Names, is_note, targets
from rekall.exchange.opening import display_name, local_moment, open_regular, unreadable
from rekall.exchange.records import ENTRIES, Record

_BYTES_OF_A_CHARACTER = 4
_SHOWN = 5


class _Page(NamedTuple):
    """The bytes of a note, and what tells that they are still the same."""

    data: bytes
    modified: str
    state: tuple[int, int]


class Notes:
    """Notes, as something that can be imported. Use `notes_in`, `note_at` or `note_from`.

    Args:
        name: what it is, for a person.
        home: the name of the folder, which is part of what identifies a note in it.
        paths: the notes, with `/`, from the folder on.
        load: the bytes of one of them.
        limits: see `Limits`.
        vault: whether `#words` are tags.
        passed_over: what is in the folder and was left out, one line each.
    """

    def __init__(
        self,
        name: str,
        home: str,
        paths: list[str],
        load: Callable[[str], _Page],
        limits: Limits,
        *,
        vault: bool = False,
        passed_over: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.total = len(paths)
        self.passed_over = passed_over
        self._home = home
        self._paths = paths
        self._load = load
        self._limits = limits
        self._vault = vault
        self._index: tuple[list[str], Names, list[tuple[int, int]]] | None = None

    def records(self) -> Iterator[Record]:
        """The entries in the order of their paths, each followed by its links.

        Raises:
            ImportRefusedError: a note cannot be read, two have the same ULID, or one changed in the meantime.
        """
        ids, names, states = self._indexed()
        linked: set[tuple[int, int]] = set()
        for number, path in enumerate(self._paths):
            note, page = self._note(path)
            if page.state != states[number]:
                raise ImportRefusedError(f"{self._place(path)}: was changed while it was read: import it again")
            values = {"id": ids[number], **note.values}
            successor = _target(note.superseded_by, number, names)
            if successor is not None:
                values |= {"superseded_by": ids[successor], "status": "obsolete"}
            yield checked_entry(Record(ENTRIES, values, self._place(path)))
            for other in self._linked(note, number, names):
                pair = (min(number, other), max(number, other))
                if pair not in linked:
                    linked.add(pair)
                    yield self._link(ids[number], ids[other], values["created_at"], path)

    def close(self) -> None:
        """Nothing is held open."""

    def _linked(self, note: Note, number: int, names: Names) -> Iterator[int]:
        """The other notes that one links to, each once, in the order of its text."""
        found = (names.find(number, target, by_name=by_name) for target, by_name in targets(note.plain))
        yield from dict.fromkeys(other for other in found if other is not None and other != number)

    def _link(self, source: str, target: str, created: str, path: str) -> Record:
        values = {
            "id": stable_id("link", source, target, "related"),
            "source_id": source,
            "target_id": target,
            "relation_type": "related",
            "created_at": created,
            "reason": None,
        }
        return Record("links", values, self._place(path))

    def _indexed(self) -> tuple[list[str], Names, list[tuple[int, int]]]:
        """The ids of the notes, their names, and in which state each was read; what cannot be read is told at once."""
        if self._index is not None:
            return self._index
        names = Names(self._paths)
        given: list[str] = []
        states: list[tuple[int, int]] = []
        problems: list[str] = []
        size = 0
        for number, path in enumerate(self._paths):
            try:
                note, page = self._note(path)
            except ImportRefusedError as error:
                problems.append(str(error))
                continue
            size += len(page.data)
            self._limits.check("expanded", size, self.name)
            given.append(note.given_id)
            states.append(page.state)
            for name in dict.fromkeys([note.title, *note.aliases, note.given_id]):
                if name:
                    names.add(number, name)
        if problems:
            raise ImportRefusedError(_several(problems))
        self._index = self._ids(given), names, states
        return self._index

    def _ids(self, given: list[str]) -> list[str]:
        """The id of each note: its own if it is a ULID, else made of its own id, or of its path if that tells nothing.

        Raises:
            ImportRefusedError: two notes have the same ULID.
        """
        count = Counter(given)
        ids: list[str] = []
        seen: dict[str, str] = {}
        for path, own in zip(self._paths, given, strict=True):
            if is_ulid(own.upper()):
                if own.upper() in seen:
                    raise ImportRefusedError(
                        f"{self._place(path)}: has the same id as {display_name(seen[own.upper()])} ({own}):"
                        " take it out of the copy"
                    )
                seen[own.upper()] = path
                ids.append(own.upper())
            elif own and count[own] == 1:
                ids.append(stable_id("note with id", self._home, own))
            else:  # an id that several notes share identifies none of them
                ids.append(stable_id("note", self._home, unicodedata.normalize("NFC", path)))
        return ids

    def _note(self, path: str) -> tuple[Note, _Page]:
        place = self._place(path)
        page = self._load(path)
        text = decoded(page.data, place)
        return read_note(text, path, page.modified, self._limits, place=place, vault=self._vault), page

    def _place(self, path: str) -> str:
        return display_name(path) if path else self.name


def notes_in(folder: Path, limits: Limits) -> Notes:
    """The notes of a folder and the folders in it. Names that begin with a dot and symbolic links are left out.

    Raises:
        ImportRefusedError: the folder cannot be read, has no notes, or more than `limits` take.
    """
    name = display_name(folder)
    root = folder.resolve()
    paths, passed_over = _walk(root, name, limits)
    if not paths:
        raise ImportRefusedError(f"{name}: has no notes: they end in .md or .markdown, and no name begins with a dot")
    vault = any((parent / ".obsidian").is_dir() for parent in (root, *root.parents))

    def load(path: str) -> _Page:
        return _read(root / path, display_name(path), limits)

    return Notes(name, root.name, paths, load, limits, vault=vault, passed_over=tuple(passed_over))


def note_at(path: Path, limits: Limits) -> Notes:
    """One note; in an import of its folder it would be the same.

    Raises:
        ImportRefusedError: it cannot be read.
    """
    file = path.resolve()
    _check_name(file.name)
    vault = any((parent / ".obsidian").is_dir() for parent in file.parents)

    def load(_: str) -> _Page:
        return _read(file, display_name(path), limits)

    return Notes(display_name(path), file.parent.name, [file.name], load, limits, vault=vault)


def note_from(stream: BinaryIO, limits: Limits, name: str, modified: str) -> Notes:
    """One note that has no place; what identifies it is its id, or else its title, or else its text.

    Raises:
        ImportRefusedError: it is no text, or beyond a limit.
    """
    limits.check("text", _characters(stream.seek(0, os.SEEK_END)), name)
    stream.seek(0)
    data = stream.read()
    text = decoded(data, name)
    note = read_note(text, name, modified, limits, place=name)
    home = "" if note.given_id else note.title if note.title != name else text
    return Notes(name, home, [name], lambda _: _Page(data, modified, (0, 0)), limits)


def _target(text: str | None, number: int, names: Names) -> int | None:
    """The note that one says has taken its place: a name, a link or an id; not itself."""
    if text is None:
        return None
    found = next(targets(text), (text, True))
    other = names.find(number, found[0], by_name=found[1])
    return None if other == number else other


def _several(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return f"{len(problems)} notes cannot be read: {'; '.join(problems[:_SHOWN])}{more}"


def _walk(root: Path, name: str, limits: Limits) -> tuple[list[str], list[str]]:
    """The notes under a folder, in the order of their paths, and what was passed over though it could be one."""
    paths: list[str] = []
    passed_over: list[str] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as found:
                for item in found:
                    path = f"{folder}{item.name}"
                    if item.name.startswith("."):
                        continue
                    if item.is_dir(follow_symlinks=False):
                        folders.append(f"{path}/")
                    elif item.is_symlink() and (is_note(item.name) or item.is_dir()):
                        passed_over.append(f"{display_name(path)}: a symbolic link, not followed")
                    elif is_note(item.name) and not item.is_file(follow_symlinks=False):
                        passed_over.append(f"{display_name(path)}: not a regular file")
                    elif is_note(item.name):
                        _check_name(path)
                        paths.append(path)
                        limits.check("entries", len(paths), name)
        except OSError as error:
            raise unreadable(display_name(folder.rstrip("/") or name), error) from error
    return sorted(paths), sorted(passed_over)


def _check_name(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = display_name(path.encode("utf-8", "replace").decode())
        raise ImportRefusedError(f"{shown}: its name is no UTF-8 text: rename it") from error


def _read(path: Path, place: str, limits: Limits) -> _Page:
    try:
        with open_regular(path, place, follow=False) as file:
            state = os.fstat(file.fileno())
            limits.check("text", _characters(state.st_size), place)
            data = file.read(state.st_size + 1)
    except OSError as error:
        raise unreadable(place, error) from error
    if len(data) != state.st_size:
        raise ImportRefusedError(f"{place}: was changed while it was read: import it again")
    return _Page(data, local_moment(state.st_mtime), (state.st_size, state.st_mtime_ns))


def _characters(size: int) -> int:
    """How many characters so many bytes are at least."""
    return -(-size // _BYTES_OF_A_CHARACTER)
