"""From the bytes of a file to JSON records and plain text, whatever is in them.

An assistant names the file: so only regular files are opened, and never more of them is read than fits the limits.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO

from rekall.transcript.parser_base import ParserError, TranscriptNotFoundError

MEGABYTE = 1 << 20
MAX_DOCUMENT = 50 * MEGABYTE
"""Bytes of a transcript that has to be read at once."""
MAX_LINES = 500 * MEGABYTE
"""Bytes of a transcript that is read line by line."""
MAX_LINE = 16 * MEGABYTE
"""Bytes of one line; a longer one is skipped."""

_MILLISECONDS_FROM = 1e11
"""Numbers from here on are milliseconds since 1970 (1973 as such, the year 5138 as seconds)."""


@contextmanager
def open_regular(path: Path, limit: int) -> Iterator[BinaryIO]:
    """The file open for reading; a pipe, a device or a folder is refused before it could block.

    Raises:
        TranscriptNotFoundError: there is no regular file.
        ParserError: it cannot be opened or read, or has more bytes than the limit.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a path that cannot exist
        raise TranscriptNotFoundError(f"there is no transcript at {path}", path) from error
    except OSError as error:
        raise ParserError(f"the transcript {path} cannot be opened: {error.strerror}", path) from error
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise TranscriptNotFoundError(f"{path} is not a regular file", path)
        if state.st_size > limit:
            raise _too_large(path, limit)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            yield file
    except OSError as error:
        if isinstance(error, ParserError):
            raise
        raise ParserError(f"the transcript {path} cannot be read: {error.strerror}", path) from error
    finally:
        os.close(descriptor)


def read_document(path: Path) -> Any:
    """The JSON document in a file, None if it is not one.

    Raises:
        ParserError: as `open_regular`.
    """
    with open_regular(path, MAX_DOCUMENT) as file:
        # it may have grown, or its size be no size, as under /proc, where a read may also give None: nothing yet
        data = file.read(MAX_DOCUMENT + 1) or b""
    if len(data) > MAX_DOCUMENT:
        raise _too_large(path, MAX_DOCUMENT)
    return _parsed(data)


def read_lines(path: Path) -> Iterator[Any]:
    """The JSON value of every line that is not blank, None for one that cannot be read.

    Raises:
        ParserError: as `open_regular`.
    """
    read, inside = 0, False
    with open_regular(path, MAX_LINES) as file:
        while part := file.readline(MAX_LINE):
            read += len(part)
            if read > MAX_LINES:
                raise _too_large(path, MAX_LINES)
            begins, inside = not inside, not part.endswith(b"\n")
            too_long = inside and len(part) == MAX_LINE
            if begins and (too_long or part.strip()):
                yield None if too_long else _parsed(part)


def plain_text(content: Any) -> str:
    """The text of a message: of a text, or of the text blocks among others; the tools it used are only named."""
    texts: list[str] = []
    tools: list[str] = []
    for block in content if isinstance(content, list) else [content]:
        if isinstance(block, str):
            texts.append(block)
        elif isinstance(block, dict) and isinstance(block.get("text"), str) and block.get("type", "text") == "text":
            texts.append(block["text"])
        elif isinstance(block, dict) and block.get("type") == "tool_use" and isinstance(block.get("name"), str):
            tools.append(block["name"])
    text = "\n\n".join(part for part in texts if part.strip())
    if text and tools:
        text += f"\n\n[used: {', '.join(tools)}]"
    return _storable(text)


def moment(value: Any) -> datetime | None:
    """The time that a transcript states as ISO text, or as seconds or milliseconds since 1970; else None."""
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
            return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def _storable(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _too_large(path: Path, limit: int) -> ParserError:
    return ParserError(f"the transcript {path} is larger than {limit // MEGABYTE} MB", path)
