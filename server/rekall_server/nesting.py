"""How deeply the arrays and objects of a JSON text are nested, found without recursion and without reading it as JSON.

Readers of JSON call themselves for each level; a text of ten thousand brackets is refused before one of them sees it.
"""

from __future__ import annotations

import re
from itertools import accumulate

# one that does not end goes to the end of the text: a match that fails would be tried again at each quote in it
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_STEPS = bytes(1 if sign in b"[{" else 255 for sign in range(256))  # 255 is -1 as a signed byte
_OTHERS = bytes(sign for sign in range(256) if sign not in b"[]{}")
_BLOCK = 16384
_BEGINNING = 65536
"""Bytes that are looked at first: what is meant to harm is deep from its beginning."""


def is_nested_deeper(text: bytes, levels: int) -> bool:
    """Tell whether a JSON text has more levels of arrays and objects than allowed.

    Takes one pass. Brackets in strings do not count. Of a text that is not JSON the answer may be either.

    Args:
        text: in UTF-8.
        levels: that are allowed.
    """
    if text.count(b"[") + text.count(b"{") <= levels:
        return False
    return _exceeds(text[:_BEGINNING], levels) or (len(text) > _BEGINNING and _exceeds(text, levels))


def _exceeds(text: bytes, levels: int) -> bool:
    steps = _STRING.sub(b"", text).translate(_STEPS, _OTHERS)
    depth = 0
    for start in range(0, len(steps), _BLOCK):
        block = memoryview(steps[start : start + _BLOCK]).cast("b")
        if max(accumulate(block, initial=depth)) > levels:
            return True
        depth += sum(block)
    return False
