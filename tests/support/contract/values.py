"""Values in the form in which they were recorded as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """A value as JSON would hold it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value))
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def describe(known: Any, found: Any) -> tuple[Any, Any]:
    """A recorded constant and the one that was found, in the same form."""
    if not isinstance(known, dict) or "type" not in known:
        return known, plain(found)
    if "keys" in known:
        return known["keys"], sorted(map(_key, found)) if isinstance(found, Mapping) else found
    if known.get("value", "not copied") != "not copied":
        return known["value"], plain(found)
    return known["size"], len(found)


def _key(key: Any) -> Any:
    return f"{type(key).__name__}.{key.name}" if isinstance(key, Enum) else key
