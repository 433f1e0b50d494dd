"""Claude Code: one JSON object a line, messages among other events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rekall.transcript.models import TranscriptFormat
from rekall.transcript.parser_records import RecordParser, Said
from rekall.transcript.reading import read_lines

_NOT_SAID = ("isMeta", "isSidechain", "isCompactSummary")
"""Marks of lines that the program wrote itself, or that belong to another conversation."""


class ClaudeTranscriptParser(RecordParser):
    """Reads `~/.claude/projects/<project>/<session>.jsonl`, also of hundreds of megabytes."""

    _format = TranscriptFormat.CLAUDE_JSONL

    def records(self, path: Path) -> Iterator[Any]:
        return read_lines(path)

    def said(self, record: dict[str, Any]) -> Said | None:
        if record.get("type") not in ("user", "assistant") or any(record.get(mark) for mark in _NOT_SAID):
            return None
        message = record.get("message")
        if not isinstance(message, dict):
            return Said(None, None)
        return Said(message.get("role", record["type"]), message.get("content"), record.get("timestamp"))
