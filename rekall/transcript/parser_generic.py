"""Any JSON that lists messages with a role and a content, as one document or one message a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rekall.transcript.models import TranscriptFormat
from rekall.transcript.parser_records import DocumentParser, Said
from rekall.transcript.reading import read_document, read_lines

_ROLES = ("role", "sender", "author")
_CONTENTS = ("content", "text")
_TIMES = ("timestamp", "created_at", "ts")


class GenericJsonParser(DocumentParser):
    """Reads `[{"role": ..., "content": ..., "timestamp": ...}]`, and the same under `messages`."""

    _format = TranscriptFormat.RAW_JSON
    keys = ("messages", "conversation", "history")

    def records(self, path: Path) -> Iterator[Any]:
        document = read_document(path)
        if document is None:
            return read_lines(path)
        if isinstance(document, dict) and _first(document, _ROLES) is not None:
            return iter([document])  # one message alone
        return iter(self.listed(document, path))

    def said(self, record: dict[str, Any]) -> Said | None:
        return Said(_first(record, _ROLES), _first(record, _CONTENTS), _first(record, _TIMES))


def _first(record: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((record[name] for name in names if record.get(name) is not None), None)
