"""Ids for what has none of Rekall's own: the same thing gets the same id, however often it is imported."""

from __future__ import annotations

import hashlib
import re

from rekall.models import ULID_ENCODING

_ULID = re.compile(f"[0-7][{ULID_ENCODING}]{{25}}")


def stable_id(*parts: str) -> str:
    """An id of the form of a ULID, made of what identifies something.

    Args:
        parts: what kind of thing it is, then what tells it from others of its kind.
    """
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).digest()
    value = int.from_bytes(digest[:16], "big")
    return "".join(ULID_ENCODING[value >> shift & 31] for shift in range(125, -1, -5))


def is_ulid(text: str) -> bool:
    """Whether a text is an id as `generate_ulid` makes them."""
    return _ULID.fullmatch(text) is not None
