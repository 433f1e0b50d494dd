"""Markdown exports read: those of `rekall.exchange.markdown_writer`, and those of Rekall 0.3 as far as they go."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from rekall.errors import ImportRefusedError
from rekall.exchange.fields import checked_entry
from rekall.exchange.limits import Limits
from rekall.exchange.markdown_form import (
    BY_LABEL,
    CONTENT,
    FIELDS,
    GROUPS,
    HEAD,
    HINT,
    HINT_END,
    QUOTED,
    SHOWN_ONLY,
    Field,
    quoted,
    read_hint,
    shown_title,
    unquoted,
)
from rekall.exchange.records import ENTRIES, Record

_BYTES_OF_A_CHARACTER = 4
_GROUP = re.compile(r"## +([A-Za-z]+)(?: +\(\d+\))? *$")
_TITLE = re.compile(r"### (.*)$")
_LABEL = "([A-Za-z][A-Za-z _-]{0,30})"
_ITEM = re.compile(rf"[-*+] +(?:\*\*{_LABEL}\*\*:|\*\*{_LABEL}:\*\*|{_LABEL}:)(.*)$")
_COUNT = re.compile(r"\D{0,40}(\d{1,9})\D{0,40}$")
_HEAD_LINES = 12
_TYPE_OF = {heading.lower(): kind for heading, kind in GROUPS.items()}
_MOST_HELD = 20
_DAY = len("2025-12-20")


def is_export(text: str) -> bool:
    """Whether the beginning of a text is that of a Markdown export of Rekall."""
    lines = text.replace("\r\n", "\n").split("\n")
    first = next((line for line in lines if line.strip()), "")
    if first.rstrip() == HEAD:
        return True
    starts = _Starts()
    found = first.startswith(("# ", "## ", "### ")) and any(starts.feed(line) for line in lines)
    return found and (starts.group is not None or first.startswith("### "))


class MarkdownReader:
    """A Markdown export, as something that can be imported.

    It carries the eight fields in which entries are compared, and the day on which they were made; neither contexts nor
    links nor reviews. Whatever else stands between its entries is not read.

    Args:
        stream: the file, open for reading, which can be read from its start again; it is closed with this.
        limits: see `Limits`.
        name: what it is, for a person.
        modified: its time as a base holds times, for an entry that states no day.
    """

    def __init__(self, stream: BinaryIO, limits: Limits, name: str, modified: str) -> None:
        self.name = name
        self._stream = stream
        self._limits = limits
        self._modified = modified
        limits.check("size", stream.seek(0, 2), name)
        self.total = self._announced()

    def records(self) -> Iterator[Record]:
        """The entries in the order of the document.

        Raises:
            ImportRefusedError: it is no UTF-8 text, a field cannot be read, or it is beyond a limit.
        """
        starts = _Starts()
        entry: _Entry | None = None
        count = 0
        for number, line in self._lines():
            if starts.feed(line):
                if entry is not None:
                    yield entry.record(self._modified)
                count += 1
                self._limits.check("entries", count, self.name)
                entry = _Entry(self._place(number), starts.group, starts.title, self._limits)
                entry.add_field(line)
            else:
                _give(entry, starts.released())
        _give(entry, starts.rest())
        if entry is not None:
            yield entry.record(self._modified)
        elif not self._is_empty_export():
            raise ImportRefusedError(f"{self.name}: has no entry: give a file that 'rekall export' wrote")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _lines(self) -> Iterator[tuple[int, str]]:
        longest = _BYTES_OF_A_CHARACTER * self._limits.text + 1
        self._stream.seek(0)
        number = 0
        while line := self._stream.readline(longest):
            number += 1
            if len(line) == longest:
                self._limits.refuse("text", self._limits.text + 1, self._place(number))
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ImportRefusedError(f"{self._place(number)}: is not UTF-8 text: save it as UTF-8") from error
            yield number, text.removesuffix("\n").removesuffix("\r")

    def _announced(self) -> int:
        """The number of entries that the head of the document states."""
        for number, line in self._lines():
            found = _COUNT.fullmatch(line) if "entr" in line.lower() else None
            if found:
                return int(found[1])
            if number == _HEAD_LINES:
                break
        return 0

    def _is_empty_export(self) -> bool:
        return next((line.rstrip() == HEAD for _, line in self._lines() if line.strip()), False)

    def _place(self, number: int) -> str:
        return f"{self.name}, line {number}"


class _Starts:
    """Finds where entries begin: a title whose list begins with an id, perhaps under the heading of a type.

    Lines that may be such a beginning are held until that is known.
    """

    def __init__(self) -> None:
        self.group: str | None = None
        self.title = ""
        self._next_group: str | None = None
        self._next_title: str | None = None
        self._held: list[str] = []
        self._free: list[str] = []

    def feed(self, line: str) -> bool:
        """Take the next line; True if it is the first of the list of an entry."""
        if not self._held and not line.startswith("##"):
            self._free.append(line)
            return False
        group = _GROUP.match(line)
        title = _TITLE.match(line)
        if group and group[1].lower() in _TYPE_OF:
            self._release()
            self._held, self._next_group = [line], _TYPE_OF[group[1].lower()]
        elif title:
            if self._next_title is not None:
                self._release()
            self._held.append(line)
            self._next_title = title[1].strip(" ")
        elif not self._held:
            self._free.append(line)
        elif not line.strip() and len(self._held) < _MOST_HELD:
            self._held.append(line)
        elif self._next_title is not None and _is_id(line):
            self.group, self.title = self._next_group or self.group, self._next_title
            self._held, self._next_group, self._next_title = [], None, None
            return True
        else:
            self._release()
            self._free.append(line)
        return False

    def released(self) -> list[str]:
        """The lines that begin no entry, as far as that is known."""
        free, self._free = self._free, []
        return free

    def rest(self) -> list[str]:
        """As `released`, at the end of the document."""
        self._release()
        return self.released()

    def _release(self) -> None:
        self._free += self._held
        self._held, self._next_group, self._next_title = [], None, None


class _Entry:
    """One entry, as it is read line by line."""

    def __init__(self, place: str, group: str | None, title: str, limits: Limits) -> None:
        if group is None:
            raise ImportRefusedError(f"{place}: the entry stands under no type: put a line such as '## Bugs' before it")
        self._place = place
        self._group = group
        self._title = title
        self._limits = limits
        self._fields: dict[str, str] = {}
        self._in_list = True
        self._body = io.StringIO()

    def add_field(self, line: str) -> None:
        """Take a line of the list."""
        label, value = _item(line) or ("", "")
        if label in BY_LABEL:
            self._fields.setdefault(BY_LABEL[label].name, value)

    def add(self, line: str) -> None:
        """Take any line after the first of the list."""
        if self._in_list and _item(line):
            self.add_field(line)
            return
        self._in_list = False
        self._body.write(line)
        self._body.write("\n")
        self._limits.check("text", self._body.tell(), self._place)

    def record(self, modified: str) -> Record:
        """The entry, once all of it was taken."""
        body, shown, _ = f"\n{self._body.getvalue()}".partition(f"\n{SHOWN_ONLY}\n")
        body = _without_blank_ends(body)
        if not shown:
            before, _, last = body.rpartition("\n")
            body = _without_blank_ends(before) if last.rstrip() == "---" else body
        hint: dict[str, Any] = {}
        first, _, rest = body.partition("\n")
        if first.startswith(HINT) and first.rstrip().endswith(HINT_END):
            found = read_hint(first)
            if found is None:
                raise ImportRefusedError(f"{self._place}: the comment under its list is damaged: delete that line")
            hint, body = found, _without_blank_ends(rest)
        values = {field.name: self._value(field, hint) for field in FIELDS}
        title = hint.get("title")
        values["title"] = title if title is not None and shown_title(title) == self._title else self._title
        values |= {"type": self._group, CONTENT: _content(body, hint)}
        values |= dict.fromkeys(("created_at", "updated_at"), self._moment(values["created_at"], modified))
        if values["status"] not in ("active", "obsolete"):
            raise ImportRefusedError(f"{self._place}: its status is neither active nor obsolete: mend it")
        return checked_entry(Record(ENTRIES, values, self._place))

    def _value(self, field: Field, hint: dict[str, Any]) -> Any:
        looks = self._fields.get(field.name)
        if field.name in hint and field.show(hint[field.name]) == looks:
            return hint[field.name]
        return field.read(looks)

    def _moment(self, day: str | None, modified: str) -> str:
        if day is None:
            return modified
        try:
            return datetime.fromisoformat(day[:_DAY]).isoformat()
        except ValueError as error:
            raise ImportRefusedError(f"{self._place}: its day is none such as 2025-12-20: mend it") from error


def _give(entry: _Entry | None, lines: list[str]) -> None:
    """Lines to the entry that they stand in; before the first one they are passed over."""
    if entry is not None:
        for line in lines:
            entry.add(line)


def _item(line: str) -> tuple[str, str] | None:
    """The label, in lower case, and the value of a line of a list."""
    found = _ITEM.match(line)
    return (" ".join((found[1] or found[2] or found[3]).lower().split()), found[4].strip(" ")) if found else None


def _is_id(line: str) -> bool:
    return (_item(line) or ("",))[0] == "id"


def _content(body: str, hint: dict[str, Any]) -> str:
    exact = hint.get(CONTENT)
    if exact is not None and quoted(exact) == body:
        return str(exact)
    inner = unquoted(body) if body and (exact is not None or hint.get(QUOTED)) else None
    return body if inner is None else inner


def _without_blank_ends(text: str) -> str:
    """A text without the blank lines at both ends of it; the first and the last other line stay as they are."""
    if not text.strip():
        return ""
    start = len(text) - len(text.lstrip())
    end = text.find("\n", len(text.rstrip()))
    return text[text.rfind("\n", 0, start) + 1 : end if end >= 0 else len(text)]
