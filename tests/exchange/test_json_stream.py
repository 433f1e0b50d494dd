"""JSON read a window at a time: the objects of long arrays and of lines, and what is refused."""

from __future__ import annotations

import io
import json
import re
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekall.errors import ImportRefusedError
from rekall.exchange import json_stream
from rekall.exchange.json_stream import WINDOW, array_items, document, line_items
from rekall.exchange.limits import Limits

LIMITS = Limits()
ANY_TEXT = st.text(st.characters(codec="utf-8"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(ANY_TEXT, VALUES, max_size=4), max_size=5)


class Slow:
    """A stream that gives little at once, whatever is asked for."""

    def __init__(self, data: bytes, step: int) -> None:
        self._stream, self._step = io.BytesIO(data), step

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._step))


class Endless:
    """An array that never ends."""

    def __init__(self, head: bytes, repeated: bytes) -> None:
        self._head, self._repeated = head, repeated

    def read(self, size: int, /) -> bytes:
        head, self._head = self._head, b""
        return head or self._repeated * (size // len(self._repeated))


def array(data: bytes, limits: Limits = LIMITS) -> list[dict[str, Any]]:
    found = list(array_items(io.BytesIO(data), limits, "a.json"))
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return [item for _, item in found]


def refusal(items: Iterator[Any]) -> str:
    """The one line that reading ends with."""
    with pytest.raises(ImportRefusedError) as caught:
        list(items)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 400
    assert text.startswith("a.json")
    return text


@given(OBJECTS, st.integers(1, 40), st.sampled_from([None, 2]))
def test_any_objects_come_back(objects: list[dict[str, Any]], step: int, indent: int | None) -> None:
    """However the bytes are cut, characters of several bytes and tokens among them."""
    text = json.dumps(objects, indent=indent, ensure_ascii=False).encode()
    lines = "\n".join(json.dumps(one) for one in objects).encode()
    assert [one for _, one in array_items(Slow(text, step), LIMITS, "a.json")] == objects
    assert [one for _, one in line_items(Slow(lines, step), LIMITS, "a.json")] == objects


@given(OBJECTS.filter(bool), st.data())
def test_a_cut_array_is_refused(objects: list[dict[str, Any]], data: st.DataObject) -> None:
    """At every byte."""
    text = json.dumps(objects, ensure_ascii=False).encode()
    end = data.draw(st.integers(0, len(text) - 1))
    refusal(array_items(io.BytesIO(text[:end]), LIMITS, "a.json"))


def test_blanks_and_a_mark_are_passed_over() -> None:
    """As JSON has it; the mark of UTF-8 does no harm."""
    assert array(b'\xef\xbb\xbf \n[ {"a" : 1} ,\r\n\t{} ]\n ') == [{"a": 1}, {}]
    assert array(b"[]") == []
    lines = b'\n{"a": 1}\r\n\n  {}  \n'
    assert [one for _, one in line_items(io.BytesIO(lines), LIMITS, "a.json")] == [{"a": 1}, {}]
    assert document(io.BytesIO(b' {"a": [1]} '), LIMITS, "a.json") == {"a": [1]}


def test_objects_longer_than_a_window() -> None:
    """And short ones after them."""
    objects = [{"text": "\u00e9\\" * size} for size in (1, WINDOW // 2, WINDOW, 2, WINDOW // 8)] * 2
    assert array(json.dumps(objects).encode()) == objects


WRONG = {
    "nothing": (b"", "holds no JSON array"),
    "an object": (b'{"a": 1}', "holds no JSON array"),
    "not JSON": (b"hello", "holds no JSON array"),
    "a number": (b"[{}, 1]", "a.json, entry 2.*begins with '1'"),
    "no end": (b"[{}", "entry 1.*no comma"),
    "a comma at the end": (b"[{},]", "entry 2.*no JSON object"),
    "no comma": (b"[{}{}]", "entry 1.*no comma"),
    "more": (b"[{}] x", "goes on after"),
    "a second array": (b"[{}][{}]", "goes on after"),
    "an unknown word": (b'[{"a": yes}]', "entry 1"),
    "NaN": (b'[{"a": NaN}]', "NaN is no number"),
    "Infinity": (b'[{"a": -Infinity}]', "-Infinity is no number"),
    "too large": (b'[{"a": 1e999}]', "'1e999' is too large"),
    "a huge integer": (b'[{"a": ' + b"9" * 50_000 + b"}]", "'9+[.]+' is too large"),
    "a key twice": (b'[{"a": 1, "b": 2, "a": 3}]', "'a' stands twice"),
    "a key twice among many": (
        b'[{"b": 1,' + b",".join(b'"%d": 1' % number for number in range(200_000)) + b', "b": 2}]',
        "'b' stands twice",
    ),
    "a key twice below": (b'[{"x": [{"a": 1, "a": 1}]}]', "'a' stands twice"),
    "half a character": (b'[{"a": "\\ud800"}]', "half of a character"),
    "half a character in a key": (b'[{"\\uDEAD": 1}]', "half of a character"),
    "NUL": (b'[{"a": "\x00"}]', "control character"),
    "NUL between": (b"[{},\x00{}]", r"begins with '\\x00'"),
    "deep arrays": (b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "nested more than 64"),
    "rather deep": (b'[{"a": ' + b"[" * 64 + b"]" * 64 + b"}]", "nested more than 64"),
    "deep objects": (b"[" + b'{"a":' * 90_000, "nested more than 64"),
    "UTF-16": ("[{}]".encode("utf-16"), "UTF-16 text"),
    "UTF-16 without a mark": ("[{}]".encode("utf-16-be"), "UTF-16 or"),
    "latin-1": ('[{"a": "café"}]'.encode("latin-1"), "not UTF-8 text .near byte 11"),
    "half a byte sequence": (b'[{"a": "\xe2\x82', "not UTF-8"),
    "an overlong sequence": (b'[{"a": "\xc0\x80"}]', "not UTF-8"),
    "a surrogate in UTF-8": (b'[{"a": "\xed\xa0\x80"}]', "not UTF-8"),
    "a name of many characters": (b'[{"' + b"k" * 100_000 + b'": 1, "' + b"k" * 100_000 + b'": 1}]', "stands twice"),
    "many values": (b'[{"a": [' + b"[]," * 3_000_000 + b"[]]}]", "more than 500000 values"),
    "many values among quotes": (b'[{"\\"": [' + b'"\\\\",' * 1_000_000 + b"1]}]", "more than 500000 values"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_array_of_objects_is_refused(case: str) -> None:
    """One line that tells where, and what."""
    data, pattern = WRONG[case]
    assert re.search(pattern, refusal(array_items(io.BytesIO(data), LIMITS, "a.json")))


def test_lines_are_checked_in_the_same_way() -> None:
    """And each object has one of its own."""
    assert "line 2: " in refusal(line_items(io.BytesIO(b"{}\n[]"), LIMITS, "a.json"))
    assert "something follows" in refusal(line_items(io.BytesIO(b"{} {}"), LIMITS, "a.json"))
    assert "goes on" in refusal(document_of(b"{} {}"))
    assert "ends early" in refusal(document_of(b" "))


def document_of(data: bytes) -> Iterator[Any]:
    yield document(io.BytesIO(data), LIMITS, "a.json")


def test_limits() -> None:
    """Of entries and of characters; each names the flag that raises it."""
    data = json.dumps([{"a": "x" * 100}] * 3).encode()
    assert len(array(data, Limits(entries=3, text=200))) == 3
    assert "--limit entries=3" in refusal(array_items(io.BytesIO(data), Limits(entries=2), "a.json"))
    assert "a.json, entry 1: has 109 characters" in refusal(array_items(io.BytesIO(data), Limits(text=108), "a.json"))


def test_many_commas_in_a_text_are_no_values() -> None:
    """The count of values looks past strings, whatever they escape."""
    objects = [{"a": '[{,"\\' * 400_000}]
    assert array(json.dumps(objects).encode()) == objects


@pytest.mark.parametrize(
    ("head", "repeated"),
    [
        (b'[{"a": "', b"x"),
        (b'[{"a": "', b"\\u0000"),
        (b"[", b'{"a": 1, "b": "text"},'),
        (b'[{"a": [', b"[],"),
        (b'[{"a": ', b"1"),
        (b'[{"a": ', b"["),
        (b'[{"a": {', b'"x":{},'),
    ],
)
def test_what_never_ends_takes_little_memory(head: bytes, repeated: bytes) -> None:
    """It is refused by the limit of a text, of entries, or of values."""
    tracemalloc.start()
    try:
        refusal(array_items(Endless(head, repeated), Limits(entries=200_000), "a.json"))
        assert tracemalloc.get_traced_memory()[1] < 200 * 1024**2
    finally:
        tracemalloc.stop()


def test_a_text_is_read_once() -> None:
    """Each byte is decoded once, so that a long array takes time in proportion to its length."""
    asked: list[int] = []

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size or 0)
            return super().read(size)

    data = json.dumps([{"a": "x" * 1000}] * 5000).encode()
    assert len(list(array_items(Counting(data), LIMITS, "a.json"))) == 5000
    assert len(asked) <= len(data) // json_stream.WINDOW + 3
