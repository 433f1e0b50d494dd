"""What the checks of a cache put into it: values that come back, values that are refused, and keys."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Callable, Mapping
from typing import Any

VALUES: Mapping[str, Any] = {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "beyond 64 bit": -(2**70),
    "float": 0.1,
    "whole float": 1.0,
    "negative zero": -0.0,
    "smallest float": 5e-324,
    "largest float": 1.7976931348623157e308,
    "no text": "",
    "text": "plain",
    "unicode": "Zoë \u6771\u4eac \U0001f98a e\u0301",
    "control characters": "a\0b\r\nc\td",
    "text like null": "null",
    "text like JSON": '{"a": 1}',
    "text like a number": "1",
    "no bytes": b"",
    "all bytes": bytes(range(256)),
    "bytes like null": b"null",
    "bytes like text": b"plain",
    "bytes like a pickle": b"\x80\x04N.",
    "long text": "\u00e9" * 100_000,
    "no list": [],
    "no dict": {},
    "list": [None, True, 1, 1.0, "1", [], {}],
    "dict": {"": None, "a": {"b": [1.5, {"c": "\u00e9"}]}, "1": False, "z": 0, "y": -1},
}
"""What comes back as it went: bytes, and all that JSON holds."""

KEYS: Mapping[str, str] = {
    "empty": "",
    "blank": " ",
    "words": " two  words ",
    "unicode": "Zoë \u6771\u4eac \U0001f98a",
    "slashes": "/etc/passwd/",
    "dots": "../../up",
    "here": ".",
    "colons": "a:b::c",
    "backslash": "a\\b",
    "control characters": "a\0b\r\nc\td",
    "wildcards": "*?[a-z]%_",
    "quotes": "a'b\"c;--",
    "long": "k" * 10_000,
}
"""Any text is a key."""

CONFUSABLE = (
    *("a", "A", " a", "a ", "a/b", "a%2Fb", "a:b", "a_b", "\u00e9", "e\u0301", "*", "", " ", "1", "01"),
    *("k" * 10_000 + "1", "k" * 10_000 + "2"),
)
"""Keys that a storage may take for one another."""


UNPICKLED: list[str] = []
"""What pickle brought back of the values below."""


def _note(name: str) -> None:
    UNPICKLED.append(name)


class Unpickled:
    """A value that notices when pickle brings it back."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _note, ("object",)

    def __deepcopy__(self, memo: dict[int, Any]) -> Unpickled:
        return self


class UnpickledDict(dict[str, int]):
    """The same, in the form of what JSON holds."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _note, ("dict",)

    def __deepcopy__(self, memo: dict[int, Any]) -> UnpickledDict:
        return self


def _circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def _deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


REFUSED: Mapping[str, Callable[[], Any]] = {
    "object": object,
    "set": lambda: {1, 2},
    "bytearray": lambda: bytearray(b"x"),
    "bytes in a list": lambda: [b"x"],
    "complex": lambda: 1j,
    "time": lambda: datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc),
    "decimal": lambda: decimal.Decimal("1.5"),
    "keys of a dict": lambda: {(1, 2): 3},
    "not a number": lambda: math.nan,
    "infinity": lambda: math.inf,
    "negative infinity in a dict": lambda: {"a": [-math.inf]},
    "itself": _circular,
    "too deep": _deep,
    "class": lambda: dict,
    "own class": Unpickled,
}
"""What is neither bytes nor JSON-safe."""

CHANGED: Mapping[str, tuple[Any, Any]] = {
    "tuple": ((1, 2), [1, 2]),
    "tuple in a dict": ({"a": ((), 1)}, {"a": [[], 1]}),
    "number as a key": ({1: "a", 2.5: "b"}, {"1": "a", "2.5": "b"}),
    "none as a key": ({None: "a"}, {"null": "a"}),
    "truth as a key": ({True: "a", False: "b"}, {"true": "a", "false": "b"}),
}
"""What JSON itself changes, each with what it gives back."""

LONE_SURROGATES = ("\ud800", "a\udfffb")
"""No Unicode text, and yet a `str` of Python."""
NEAR_SURROGATES = ("", "?", "\ufffd", "ab", "a?b", "a\ufffdb", "\\ud800", "a\\udfffb")
"""What an encoder that replaces or drops a lone surrogate takes it for."""

FOREIGN = (
    *("letter.txt", "recipes.json", "holiday.bin", "taxes.db", "draft.tmp", "thesis.pkl", "README", ".hidden"),
    "folder/inside",
)
"""Files that somebody else keeps where a cache has its folder."""
