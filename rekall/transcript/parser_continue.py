"""Continue: one JSON object a session, with its history."""

from __future__ import annotations

from typing import Any

from rekall.transcript.models import TranscriptFormat
from rekall.transcript.parser_records import DocumentParser, Said


class ContinueTranscriptParser(DocumentParser):
    """Reads `~/.continue/sessions/<session>.json`."""

    _format = TranscriptFormat.CONTINUE_JSON
    keys = ("history",)

    def said(self, record: dict[str, Any]) -> Said | None:
        message = record.get("message", record)
        if not isinstance(message, dict):
            return Said(None, None)
        return Said(message.get("role"), message.get("content"), record.get("timestamp"))
