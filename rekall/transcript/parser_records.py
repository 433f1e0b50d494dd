"""The part that the parsers share: from the records of a file to numbered messages, with the last ones in view."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from rekall.transcript.models import Role, TranscriptMessage
from rekall.transcript.parser_base import ParserError, TranscriptParser
from rekall.transcript.reading import moment, plain_text, read_document


class Said(NamedTuple):
    """What a record states of a message, as it is written there."""

    role: Any
    content: Any
    timestamp: Any = None


class RecordParser(TranscriptParser):
    """Takes messages from records: a record that is no message is passed over, one that cannot be read is counted."""

    @abstractmethod
    def records(self, path: Path) -> Iterator[Any]:
        """The records of the file, None for one that is not JSON."""

    @abstractmethod
    def said(self, record: dict[str, Any]) -> Said | None:
        """The message of a record, None if it is of another kind."""

    def parse(self, path: Path) -> list[TranscriptMessage]:
        return list(self._messages(path))

    def parse_last_n(self, path: Path, n: int = 20) -> tuple[list[TranscriptMessage], int]:
        last: deque[TranscriptMessage] = deque(maxlen=max(0, n))
        total = 0
        for message in self._messages(path):
            last.append(message)
            total += 1
        return list(last), total

    def _messages(self, path: Path) -> Iterator[TranscriptMessage]:
        self.skipped = read = index = 0
        for record in self.records(path):
            said = self.said(record) if isinstance(record, dict) else Said(None, None)
            if said is not None and not isinstance(said.role, str):
                self.skipped += 1
                continue
            read += 1
            role = self.normalize_role(said.role) if said else ""
            if said is None or role not in ("human", "assistant"):
                continue
            text = plain_text(said.content)
            if text.strip():
                yield TranscriptMessage(cast(Role, role), text, moment(said.timestamp), index)
                index += 1
        if self.skipped and not read:
            raise ParserError(f"nothing in {path} reads as {self.format.value}", path, self.format)


class DocumentParser(RecordParser):
    """Takes messages from a list in one JSON document."""

    keys: tuple[str, ...] = ("messages",)
    """Where an object may hold the list."""

    def records(self, path: Path) -> Iterator[Any]:
        document = read_document(path)
        if document is None:
            raise ParserError(f"{path} is not JSON", path, self.format)
        return iter(self.listed(document, path))

    def listed(self, document: Any, path: Path) -> list[Any]:
        """The list of records: the document itself, or what it holds under one of the keys."""
        if isinstance(document, list):
            return document
        if isinstance(document, dict):
            for key in self.keys:
                if isinstance(document.get(key), list):
                    return cast("list[Any]", document[key])
        raise ParserError(f"{path} holds no list of messages", path, self.format)
