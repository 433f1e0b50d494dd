"""What every parser of a format offers, and what it raises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from rekall.errors import RekallError
from rekall.transcript.models import TranscriptFormat, TranscriptMessage

_ROLES = {
    "user": "human",
    "human": "human",
    "assistant": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "model": "assistant",
}


class ParserError(RekallError):
    """A transcript cannot be read.

    Args:
        message: one line.
        path: of the transcript.
        format: as which it was read.
    """

    def __init__(self, message: str, path: Path | None = None, format: TranscriptFormat | None = None) -> None:  # noqa: A002  # 0.3's name
        super().__init__(message)
        self.path = path
        self.format = format


class TranscriptNotFoundError(ParserError, FileNotFoundError):
    """There is no regular file at the path."""


class UnsupportedFormatError(ParserError, ValueError):
    """No parser reads this format."""


class TranscriptParser(ABC):
    """Reads transcripts of one format; one object for one use at a time.

    Attributes:
        skipped: records that the last reading could not make sense of, and left out.
    """

    _format: ClassVar[TranscriptFormat]
    skipped: int = 0

    @property
    def format(self) -> TranscriptFormat:
        """The format it reads."""
        return self._format

    @abstractmethod
    def parse(self, path: Path) -> list[TranscriptMessage]:
        """All messages of a transcript.

        Raises:
            ParserError: the file cannot be read, or nothing in it.
        """

    @abstractmethod
    def parse_last_n(self, path: Path, n: int = 20) -> tuple[list[TranscriptMessage], int]:
        """The last `n` messages of a transcript, and how many it has in all.

        Raises:
            ParserError: the file cannot be read, or nothing in it.
        """

    def validate(self, path: Path) -> bool:
        """Whether the file is a transcript of this format with at least one message."""
        try:
            return self.parse_last_n(path, 1)[1] > 0
        except ParserError:
            return False

    @staticmethod
    def normalize_role(role: str) -> str:
        """`human` or `assistant` for the names that programs give to these; any other name in lower case."""
        name = role.strip().lower()
        return _ROLES.get(name, name)
