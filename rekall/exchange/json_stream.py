"""JSON of files that nobody vouches for: read a window at a time, one object after the other, in bounded memory."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn, Protocol

from rekall.errors import ImportRefusedError
from rekall.exchange.limits import Limits
from rekall.exchange.shown import shown

WINDOW = 1024**2
"""Bytes read at once."""

_MOST_VALUES = 500_000
_DEEPEST = 64
_LONGEST_INTEGER = 20  # characters of -9223372036854775808, the smallest that SQLite holds
_LONGEST_TOKEN = 16  # more than the characters of -Infinity, or of an escape such as \\ud83d\\ude00
_BLANK = re.compile(r"[ \t\r\n]*")
_BLANK_OF_A_LINE = re.compile(r"[ \t\r]*")
_WIDE = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\x00", "UTF-16 or UTF-32"))
_TOO_DEEP = f"its values are nested more than {_DEEPEST} deep"
_DAMAGED = "the file is damaged or was edited: export it again"


class Bytes(Protocol):
    """A binary stream, as far as it is needed here."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def array_items(stream: Bytes, limits: Limits, place: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON array, each as soon as it is read.

    Args:
        stream: UTF-8, with or without a byte order mark.
        limits: `entries` is the number of objects that are taken, `text` the characters of one.
        place: what is read, for messages.

    Yields:
        The number of the object, from 1, and the object.

    Raises:
        ImportRefusedError: it is no such array, not UTF-8, or beyond a limit.
    """
    text = _Text(stream, place)
    if text.next_character() != "[":
        text.refuse(place, "holds no JSON array of entries", "give a file that Rekall exported")
    text.position += 1
    number = 0
    ended = text.next_character() == "]"
    text.position += ended
    while not ended:
        number += 1
        limits.check("entries", number, place)
        yield number, text.object(limits, f"{place}, entry {number}")
        separator = text.next_character()
        if separator not in (",", "]"):
            text.damaged(f"{place}, entry {number}", "no comma follows it")
        text.position += 1
        ended = separator == "]"
    if text.next_character():
        text.damaged(place, "it goes on after the end of its array")


def line_items(stream: Bytes, limits: Limits, place: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines; arguments, results and errors as of `array_items`, but for `entries`."""
    text = _Text(stream, place)
    number = 0
    while text.next_character():
        number += 1
        yield number, text.object(limits, f"{place}, line {number}")
        if text.next_character(_BLANK_OF_A_LINE) not in ("\n", ""):
            text.damaged(f"{place}, line {number}", "something follows its object")


def document(stream: Bytes, limits: Limits, place: str) -> dict[str, Any]:
    """The one JSON object of a stream; arguments and errors as of `array_items`."""
    text = _Text(stream, place)
    found = text.object(limits, place)
    if text.next_character():
        text.damaged(place, "it goes on after the end of its object")
    return found


class _RefusedError(ValueError):
    """Valid JSON, or nearly, that is not taken."""


class _Text:
    """The text of a stream, of which a window is in memory.

    Args:
        stream: UTF-8.
        place: what is read, for messages.
    """

    def __init__(self, stream: Bytes, place: str) -> None:
        self._stream = stream
        self._place = place
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._read = 0
        self._ended = False
        self._window = ""
        self.position = 0

    def next_character(self, blank: re.Pattern[str] = _BLANK) -> str:
        """The next one that is not blank, which is then at `position`; empty at the end."""
        while True:
            match = blank.match(self._window, self.position)
            self.position = match.end() if match else self.position
            if self.position < len(self._window):
                return self._window[self.position]
            if not self._more(WINDOW):
                return ""

    def object(self, limits: Limits, place: str) -> dict[str, Any]:
        """The object that begins at the next character, which is skipped."""
        first = self.next_character()
        if first != "{":
            self.damaged(
                place, f"it is no JSON object, for it begins with {shown(first)}" if first else "it ends early"
            )
        grown = False
        while True:
            size = len(self._window) - self.position
            try:
                if grown:
                    _check_number_of_values(self._window, self.position)
                found, end = _DECODER.raw_decode(self._window, self.position)
                _check(found, self._window, self.position, end)
            except json.JSONDecodeError as error:
                if self._is_wrong(error):
                    self.damaged(place, _in_short(error.msg))
                if size > limits.text:
                    limits.refuse("text", size, place)
                self._more(max(WINDOW, size // 2))
                grown = True
            except _RefusedError as error:
                self.damaged(place, str(error))
            except RecursionError:
                self.damaged(place, _TOO_DEEP)
            else:
                limits.check("text", end - self.position, place)
                self.position = end
                assert isinstance(found, dict)  # noqa: S101  # it began with a brace
                return found

    def _is_wrong(self, error: json.JSONDecodeError) -> bool:
        """Whether more text could not mend it."""
        if self._ended:
            return True
        return not error.msg.startswith("Unterminated") and error.pos < len(self._window) - _LONGEST_TOKEN

    def damaged(self, place: str, why: str) -> NoReturn:
        """Refuse what stands at a place."""
        self.refuse(place, f"cannot be read as JSON: {why}", _DAMAGED)

    def refuse(self, place: str, what: str, mend: str) -> NoReturn:
        """Refuse for another reason."""
        raise ImportRefusedError(f"{place}: {what}; {mend}")

    def _more(self, size: int) -> bool:
        """Read on; False at the end."""
        if self._ended:
            return False
        raw = self._stream.read(size)
        if self._read == 0:
            raw = self._without_mark(raw)
        self._ended = not raw
        try:
            text = self._decoder.decode(raw, final=self._ended)
        except UnicodeDecodeError as error:
            start = self._read + error.start
            raise ImportRefusedError(
                f"{self._place}: is not UTF-8 text (near byte {start}): save or export it as UTF-8"
            ) from error
        self._read += len(raw)
        self._window = self._window[self.position :] + text
        self.position = 0
        return True

    def _without_mark(self, raw: bytes) -> bytes:
        for mark, name in _WIDE:
            if mark in raw[:2]:
                raise ImportRefusedError(f"{self._place}: is {name} text: save or export it as UTF-8")
        return raw.removeprefix(codecs.BOM_UTF8)


def _in_short(message: str) -> str:
    """What the standard library says, without the words that a position would follow."""
    return message[:1].lower() + message[1:].removesuffix(": ").removesuffix(" at").removesuffix(" starting")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        last = {name: place for place, (name, _) in enumerate(pairs)}
        twice = next(name for place, (name, _) in enumerate(pairs) if last[name] != place)
        raise _RefusedError(f"{shown(twice)} stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise _RefusedError(f"{text} is no number of JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError(f"{shown(text)} is too large a number")
    return value


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise _RefusedError(f"{shown(text)} is too large a number")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_number, parse_float=_float, parse_int=_integer
)


def _check(found: object, text: str, start: int, end: int) -> None:
    """Refuse depth that a later step could not follow, and halves of characters, which no file can hold."""
    halves = text.find("\\ud", start, end) >= 0 or text.find("\\uD", start, end) >= 0
    if not halves and text.count("[", start, end) + text.count("{", start, end) <= _DEEPEST:
        return
    level = [found]
    for _ in range(_DEEPEST):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += value
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and halves and not _is_whole(value):
                raise _RefusedError(f"{shown(value)} holds half of a character")
        level = below
    if level:
        raise _RefusedError(_TOO_DEEP)


def _is_whole(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_number_of_values(text: str, start: int) -> None:
    """Refuse an object of so many values that each byte of it would take many of memory."""
    if _values(text, start, len(text)) <= _MOST_VALUES:
        return
    values, position = 0, start
    while position < len(text):
        quote = text.find('"', position)
        end = quote if quote >= 0 else len(text)
        values += _values(text, position, end)
        if values > _MOST_VALUES:
            raise _RefusedError(f"it holds more than {_MOST_VALUES} values")
        closing = _closing_quote(text, end + 1)
        position = closing + 1 if closing >= 0 else len(text)


def _values(text: str, start: int, end: int) -> int:
    return sum(text.count(one, start, end) for one in "[{,")


def _closing_quote(text: str, start: int) -> int:
    """Where the string ends that begins at `start`; -1 when that is not in the text."""
    while (quote := text.find('"', start)) >= 0:
        before = quote
        while text[before - 1] == "\\":
            before -= 1
        if (quote - before) % 2 == 0:
            return quote
        start = quote + 1
    return -1
