"""Cline: one JSON list of the messages as they went to the model."""

from __future__ import annotations

from typing import Any

from rekall.transcript.models import TranscriptFormat
from rekall.transcript.parser_records import DocumentParser, Said

_ENVIRONMENT = "<environment_details>"
"""Begins the block that Cline adds to every message of the user: open files, the time, the folder."""


class ClineTranscriptParser(DocumentParser):
    """Reads `api_conversation_history.json` of a task."""

    _format = TranscriptFormat.CLINE_JSON

    def said(self, record: dict[str, Any]) -> Said | None:
        content = record.get("content")
        if isinstance(content, list):
            content = [block for block in content if not _is_environment(block)]
        return Said(record.get("role"), content, record.get("ts"))


def _is_environment(block: Any) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and text.lstrip().startswith(_ENVIRONMENT)
