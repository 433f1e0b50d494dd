"""What the values in a front matter mean: the words that people use for types, states and moments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

from rekall.exchange.front_matter import FrontMatter, Value
from rekall.store.rows import local_time

_T = TypeVar("_T")

_TYPES: Mapping[str, tuple[str, ...]] = {
    "bug": ("bug", "bugfix", "bug fix", "error", "issue"),
    "pattern": ("pattern", "design pattern"),
    "decision": ("decision", "adr", "architecture decision", "architecture decision record", "decision record"),
    "pitfall": ("pitfall", "gotcha", "trap", "antipattern", "anti pattern"),
    "config": ("config", "configuration", "setting", "setup"),
    "reference": ("reference", "ref", "note", "doc", "docs", "documentation", "article"),
}
_TYPE_OF = {word: kind for kind, words in _TYPES.items() for word in words}
_STATUSES = {
    **dict.fromkeys(("active", "current", "accepted"), "active"),
    **dict.fromkeys(("obsolete", "deprecated", "superseded", "outdated", "archived"), "obsolete"),
}
_NOTHING = frozenset({"", "~", "null", "none"})
_YES = {**dict.fromkeys(("true", "yes", "on"), True), **dict.fromkeys(("false", "no", "off"), False)}
_MOMENT = re.compile(
    r"(\d{4})[-/.](\d\d?)[-/.](\d\d?)"
    r"(?:[Tt ]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*([Zz]|[+-]\d\d:?(?:\d\d)?)?)?",
    re.ASCII,
)


class Given:
    """The values of a front matter, of which each is taken once; what nobody took is left over.

    Names of keys are compared without case, with `-` and blanks as `_`.
    """

    def __init__(self, front: FrontMatter) -> None:
        self._front = front
        self._left = {key: value for key, value in front.values.items() if not _is_blank(value)}
        self._keys: dict[str, list[str]] = {}
        for key in self._left:
            self._keys.setdefault(key_of(key), []).append(key)

    def take(self, read: Callable[[Value], _T | None], *names: str) -> _T | None:
        """The value of the first of these names that can be read; it is left over no more."""
        found = self._found(read, names)
        if found is None:
            return None
        del self._left[found[0]]
        return found[1]

    def look(self, read: Callable[[Value], _T | None], *names: str) -> _T | None:
        """As `take`, but it stays."""
        found = self._found(read, names)
        return None if found is None else found[1]

    def _found(self, read: Callable[[Value], _T | None], names: tuple[str, ...]) -> tuple[str, _T] | None:
        for name in names:
            for key in self._keys.get(name, ()):
                value = read(self._left[key]) if key in self._left else None
                if value is not None:
                    return key, value
        return None

    def left_over(self) -> str:
        """What nobody took, as it was written."""
        return self._front.lines_of(list(self._left))

    @property
    def language(self) -> str:
        """The language of what is left over."""
        return self._front.language


def key_of(name: str) -> str:
    """The name of a key as it is compared."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def one_line(value: Value) -> str | None:
    """A text, on one line."""
    return " ".join(value.split()) or None if isinstance(value, str) else None


def text(value: Value) -> str | None:
    """A text, trimmed; a list of texts is one text of many lines."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return "\n".join(value).strip() or None
    return value.strip() or None if isinstance(value, str) else None


def texts(value: Value) -> list[str] | None:
    """A list of texts; a text is a list of one."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return None
    return [each.strip() for each in value if each.strip()]


def words(value: Value) -> list[str] | None:
    """Keywords: a list, or a text with commas between them."""
    if isinstance(value, str):
        value = value.split(",")
    return texts(value)


def tags(value: Value) -> list[str] | None:
    """Tags: a list, or a text with commas or else blanks between them."""
    if isinstance(value, str) and "," not in value:
        value = list(value.split())
    found = words(value)
    return None if found is None else clean_tags(found)


def clean_tags(found: list[str]) -> list[str]:
    """Tags as the command line stores them: lower case, no `#` in front, each once."""
    cleaned = (" ".join(each.strip().lstrip("#").lower().split()) for each in found)
    return list(dict.fromkeys(each for each in cleaned if each))


def known_type(value: Value) -> str | None:
    """The type that one of the words names for certain."""
    for each in words(value) or ():
        found = _TYPE_OF.get(_singular(each))
        if found:
            return found
    return None


def kind_of(word: str) -> str | None:
    """The type that a word names for certain."""
    return _TYPE_OF.get(_singular(word))


def reference(value: Value) -> str | None:
    """What names another note; YAML reads `[[name]]` without quotes as a list of a list."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return one_line(value)


def status(value: Value) -> str | None:
    """Whether it holds still, where the word says so."""
    return _STATUSES.get(value.strip().lower()) if isinstance(value, str) else None


def confidence(value: Value) -> int | None:
    """A whole number from 0 to 5."""
    return int(value) if isinstance(value, str) and value.strip() in {*"012345"} else None


def yes_or_no(value: Value) -> bool | None:
    """Yes or no."""
    return _YES.get(value.strip().lower()) if isinstance(value, str) else None


def mapping(value: Value) -> dict[str, Any] | None:
    """A mapping."""
    return value if isinstance(value, dict) else None


def moment(value: Value) -> datetime | None:
    """A day or a moment that begins with its year; one with an offset becomes the local time."""
    found = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        plain = datetime(
            *(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)),
            int((fraction or "0")[:6].ljust(6, "0")),
        )
        return plain if not zone else local_time(plain.replace(tzinfo=_zone(zone)))
    except (ValueError, OverflowError, OSError):  # no such day, or beyond the calendar
        return None


def _zone(offset: str) -> timezone:
    digits = offset[1:].replace(":", "").ljust(4, "0")
    if offset in ("Z", "z"):
        return timezone.utc
    return datetime.strptime(f"{offset[0]}{digits}", "%z").tzinfo  # type: ignore[return-value]  # %z gives a timezone


def _is_blank(value: Value) -> bool:
    return value.strip().lower() in _NOTHING if isinstance(value, str) else not value


def _singular(word: str) -> str:
    plain = re.sub(r"[\s_/-]+", " ", word.strip().lower())
    return plain if plain in _TYPE_OF else plain.removesuffix("s")
