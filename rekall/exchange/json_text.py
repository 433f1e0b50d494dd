"""An entry as JSON text with an indent of 2.

`json.dumps` writes indented text in Python, key by key, which is most of the time of an export; without an indent it
is C. So the indent is put on here: an entry has no depth but its tags.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def entry_text(data: Mapping[str, Any], *, margin: str = "") -> str:
    """What `json.dumps(data, indent=2, ensure_ascii=False)` gives for values that are scalars and lists of scalars.

    Args:
        data: one key or more.
        margin: blanks before each line but the first.

    Raises:
        ValueError: a number that JSON has no text for.
    """
    lines = [f"{margin}  {_plain(key)}: {_value(value, margin)}" for key, value in data.items()]
    return "{\n" + ",\n".join(lines) + f"\n{margin}}}"


def compact(data: Any) -> str:
    """JSON on one line.

    Raises:
        ValueError: a number that JSON has no text for.
    """
    return _COMPACT(data)


def _value(value: Any, margin: str) -> str:
    if not isinstance(value, list) or not value:
        return _plain(value)
    return "[\n" + ",\n".join(f"{margin}    {_plain(item)}" for item in value) + f"\n{margin}  ]"


_plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_COMPACT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
