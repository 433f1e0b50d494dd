"""How deeply JSON is nested: told without recursion, and as a reader that follows the text would tell it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekall_server.nesting import is_nested_deeper

_VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\ab\u2603', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"\\a', max_size=3), inner, max_size=4),
    max_leaves=40,
)


def depth(value: Any) -> int:
    """Levels of arrays and objects."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(value=_VALUES, levels=st.integers(0, 6), ascii_only=st.booleans())
def test_as_a_reader_would(value: Any, levels: int, ascii_only: bool) -> None:
    """Brackets in texts and names do not count, escaped quotes do not end a text."""
    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert is_nested_deeper(text, levels) is (depth(value) > levels)


@pytest.mark.parametrize(
    ("text", "deeper"),
    [
        (b"[" * 100 + b"]" * 100, False),
        (b"[" * 101 + b"]" * 101, True),
        (b'{"a":' * 101 + b"1" + b"}" * 101, True),
        (b"[]" * 100_000, False),
        (b"[" * 10_000, True),
        (b'["' + b"[" * 5000 + b'"]', False),
        (b'["' + b'\\"[' * 5000 + b'"]', False),
        (b'"' + b"\\" * 101, False),
        (b"", False),
    ],
)
def test_edges(text: bytes, deeper: bool) -> None:
    """A hundred levels are taken, one more is not; width is no depth."""
    assert is_nested_deeper(text, 100) is deeper


def test_depth_after_much_that_is_flat() -> None:
    """Depth is found wherever it is, also behind what is looked at first and across blocks."""
    flat = b"[" + b"[],{}," * 30_000
    assert is_nested_deeper(flat + b"[" * 100 + b"]" * 101, 100)
    assert not is_nested_deeper(flat + b"[" * 99 + b"]" * 100, 100)


@pytest.mark.parametrize(
    "text",
    [
        b'"' + b'\\"' * 2_000_000 + b"[" * 200,
        b'"' * 1_000_001 + b"[" * 101,
        b"\\" * 2_000_000 + b"[" * 101,
    ],
)
@pytest.mark.timeout(20)
def test_no_text_takes_long(text: bytes) -> None:
    """What no reader of JSON would take is read in one pass, too: trying each quote anew would take hours."""
    is_nested_deeper(text, 100)
