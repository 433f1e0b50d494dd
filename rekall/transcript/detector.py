"""Which format a transcript has, by its path, else by how it begins; and the parser for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rekall.transcript.models import TranscriptFormat
from rekall.transcript.parser_base import ParserError, TranscriptParser, UnsupportedFormatError
from rekall.transcript.parser_claude import ClaudeTranscriptParser
from rekall.transcript.parser_cline import ClineTranscriptParser
from rekall.transcript.parser_continue import ContinueTranscriptParser
from rekall.transcript.parser_generic import GenericJsonParser
from rekall.transcript.reading import MAX_LINES, open_regular

PATH_PATTERNS: list[tuple[str, TranscriptFormat]] = [
    (r"/\.claude/projects/.+\.jsonl$", TranscriptFormat.CLAUDE_JSONL),
    (r"/saoudrizwan\.claude-dev/tasks/.+\.json$", TranscriptFormat.CLINE_JSON),
    (r"(^|/)api_conversation_history\.json$", TranscriptFormat.CLINE_JSON),
    (r"/\.continue/sessions/.+\.json$", TranscriptFormat.CONTINUE_JSON),
    (r"\.(vscdb|sqlite3?|db)$", TranscriptFormat.SQLITE),
    (r"\.(mdb|lmdb)$", TranscriptFormat.LMDB),
]
"""Where the programs keep their transcripts: regular expressions on the path with slashes, the first match counts."""

PARSER_REGISTRY: dict[TranscriptFormat, type[TranscriptParser]] = {
    TranscriptFormat.CLAUDE_JSONL: ClaudeTranscriptParser,
    TranscriptFormat.CLINE_JSON: ClineTranscriptParser,
    TranscriptFormat.CONTINUE_JSON: ContinueTranscriptParser,
    TranscriptFormat.RAW_JSON: GenericJsonParser,
}

_HEAD = 1 << 16
"""Bytes at the beginning of a file that its format is told by."""
_BLOCKS = re.compile(r'"type"\s*:\s*"(text|tool_use|tool_result)"')
_HISTORY = re.compile(r'"history"\s*:\s*\[')


def detect_format(path: Path, format_hint: str | None = None) -> TranscriptFormat:
    """The format of a transcript; raw JSON when nothing tells.

    Args:
        path: need not exist when the hint or its name tells.
        format_hint: is believed.

    Raises:
        UnsupportedFormatError: the hint names no format.
    """
    if format_hint:
        try:
            return TranscriptFormat(format_hint)
        except ValueError as error:
            raise UnsupportedFormatError(
                f"unknown transcript format '{format_hint}': use one of {', '.join(get_supported_formats())}", path
            ) from error
    place = path.as_posix()
    for pattern, found in PATH_PATTERNS:
        if re.search(pattern, place):
            return found
    return _format_by_beginning(path)


def get_parser(format: TranscriptFormat) -> TranscriptParser:  # noqa: A002  # 0.3's name
    """A parser of its own for the format.

    Raises:
        UnsupportedFormatError: no parser reads it.
    """
    parser = PARSER_REGISTRY.get(format)
    if parser is None:
        supported = ", ".join(get_supported_formats())
        raise UnsupportedFormatError(f"no parser reads {format.value}: use one of {supported}", format=format)
    return parser()


def get_parser_for_path(path: Path, format_hint: str | None = None) -> tuple[TranscriptParser, TranscriptFormat]:
    """A parser for the transcript, and the format that it was found to have.

    Raises:
        UnsupportedFormatError: the hint names no format, or no parser reads it.
    """
    found = detect_format(path, format_hint)
    return get_parser(found), found


def get_supported_formats() -> list[str]:
    """The names of the formats that have a parser."""
    return [supported.value for supported in PARSER_REGISTRY]


def is_format_supported(format: str) -> bool:  # noqa: A002  # 0.3's name
    """Whether the name is that of a format with a parser."""
    return format in get_supported_formats()


def _format_by_beginning(path: Path) -> TranscriptFormat:
    try:
        with open_regular(path, MAX_LINES) as file:
            head = file.read(_HEAD) or b""
    except ParserError:
        head = b""
    if head.startswith(b"SQLite format 3\0"):
        return TranscriptFormat.SQLITE
    text = head.decode("utf-8-sig", "replace").lstrip()
    if text.startswith("["):
        return TranscriptFormat.CLINE_JSON if _BLOCKS.search(text) else TranscriptFormat.RAW_JSON
    if text.startswith("{") and _HISTORY.search(text):
        return TranscriptFormat.CONTINUE_JSON
    events = list(_objects(text))
    if any(event.get("type") in ("user", "assistant") and "message" in event for event in events):
        return TranscriptFormat.CLAUDE_JSONL
    if path.suffix == ".jsonl" and not any("role" in event for event in events):
        return TranscriptFormat.CLAUDE_JSONL  # other events come first, or a line longer than what was read
    return TranscriptFormat.RAW_JSON


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects that stand on lines of their own."""
    for line in text.split("\n"):  # not `splitlines`: JSON may hold the other line breaks as they are
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
