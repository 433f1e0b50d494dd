"""Content that comes through stdin."""

from __future__ import annotations

import sys

from rekall.constants import MAX_CONTENT_LENGTH
from rekall.errors import InvalidValueError

_MAX_BYTES = 4 * MAX_CONTENT_LENGTH  # a character has four bytes at most


def is_piped() -> bool:
    """Whether stdin is there and no person types on it."""
    return sys.stdin is not None and not sys.stdin.isatty()


def read_content() -> str:
    """All of stdin as text, without the line ends that follow it; empty when stdin is closed.

    Raises:
        InvalidValueError: too long, or not UTF-8.
    """
    if sys.stdin is None:
        return ""
    raw = sys.stdin.buffer.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise InvalidValueError(f"the content on stdin has more than {MAX_CONTENT_LENGTH} characters: give less")
    try:
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidValueError(
            f"the content on stdin is not UTF-8 text (byte {error.start}): convert it first; nothing was stored"
        ) from error
