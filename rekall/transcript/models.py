"""A message of a conversation, and the messages offered for an excerpt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Literal

Role = Literal["human", "assistant"]

SHOWN_CONTENT = 500
"""Characters of a message that a list of candidates shows."""

_INSTRUCTION = (
    "Choose the messages that show the problem and what solved it, then call rekall_add again with their index values "
    "as conversation_excerpt_indices and with this session_id as _session_id, within five minutes. "
    "What was given here need not be given again."
)


class TranscriptFormat(str, Enum):
    """How a conversation is written down; for LMDB and SQLite there is no parser."""

    CLAUDE_JSONL = "claude-jsonl"
    CLINE_JSON = "cline-json"
    CONTINUE_JSON = "continue-json"
    RAW_JSON = "raw-json"
    SQLITE = "sqlite"
    LMDB = "lmdb"


@dataclass
class TranscriptMessage:
    """What one side said.

    Args:
        role: who said it.
        content: the text, whole.
        timestamp: when, if the transcript tells.
        index: position among the messages of the whole transcript, from 0.
    """

    role: Role
    content: str
    timestamp: datetime | None = None
    index: int = 0

    def full_content(self) -> str:
        """The text, whole."""
        return self.content

    def to_dict(self) -> dict[str, Any]:
        """The message as JSON-safe data, its text cut at 500 characters."""
        cut = len(self.content) > SHOWN_CONTENT
        return {
            "role": self.role,
            "content": self.content[:SHOWN_CONTENT] + ("..." if cut else ""),
            "timestamp": self.timestamp.isoformat() if self.timestamp else None,
            "index": self.index,
        }


@dataclass
class CandidateExchanges:
    """The last messages of a transcript, from which an excerpt is chosen.

    Args:
        session_id: under which the choice is made.
        total_exchanges: messages of the whole transcript.
        candidates: the last of them, each with its index in the whole.
        transcript_path: where they were read.
        transcript_format: as what.
        skipped: records of the transcript that could not be read.
    """

    session_id: str
    total_exchanges: int
    candidates: list[TranscriptMessage] = field(default_factory=list)
    transcript_path: str = ""
    transcript_format: TranscriptFormat = TranscriptFormat.RAW_JSON
    skipped: int = 0

    def get_by_indices(self, indices: Iterable[int]) -> list[TranscriptMessage]:
        """The candidates with these indices, each once, in the order of the conversation."""
        wanted = set(indices)
        return [message for message in self.candidates if message.index in wanted]

    def format_as_excerpt(self, indices: Iterable[int]) -> str:
        """The chosen candidates as `Human: ...` and `Assistant: ...`, an empty line between them."""
        return "\n\n".join(
            f"{message.role.capitalize()}: {message.full_content()}" for message in self.get_by_indices(indices)
        )

    def to_mcp_response(self) -> dict[str, Any]:
        """The answer of the first step of a capture, JSON-safe."""
        return {
            "status": "candidates_ready",
            "session_id": self.session_id,
            "total_exchanges": self.total_exchanges,
            "candidates": [message.to_dict() for message in self.candidates],
            "skipped": self.skipped,
            "instruction": _INSTRUCTION,
        }
