"""Capturing out of a conversation: the messages to choose from, the excerpt of those chosen, the files that changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from rekall import git_detector
from rekall.errors import RekallError
from rekall.transcript.detector import get_parser_for_path
from rekall.transcript.models import CandidateExchanges, TranscriptMessage
from rekall.transcript.parser_base import ParserError, TranscriptNotFoundError, UnsupportedFormatError

CANDIDATES = 20
"""Last messages of a transcript that are offered."""
MAX_MESSAGE = 20_000
"""Characters that an excerpt keeps of one message."""
MAX_FILES = 100
"""Changed files that a context keeps."""

CaptureCode = Literal[
    "TRANSCRIPT_NOT_FOUND",
    "TRANSCRIPT_FORMAT_UNSUPPORTED",
    "TRANSCRIPT_PARSE_ERROR",
    "SESSION_NOT_FOUND",
    "VALIDATION_ERROR",
]


class CaptureError(RekallError):
    """A step of a capture is refused, for a reason that a program can tell by its code.

    Args:
        code: one of those of Rekall 0.3.
        message: what is wrong.
        suggestion: what to do next.
    """

    def __init__(self, code: CaptureCode, message: str, suggestion: str) -> None:
        super().__init__(f"{message}: {suggestion}")
        self.code = code
        self.message = message
        self.suggestion = suggestion

    def to_dict(self) -> dict[str, str]:
        """The error as Rekall 0.3 answered it."""
        return {
            "status": "error",
            "error_code": self.code,
            "message": self.message,
            "suggestion": self.suggestion,
        }


def read_candidates(path: str, format_hint: str | None = None, cwd: str | None = None) -> CandidateExchanges:
    """The last messages of a transcript, in no session yet.

    Args:
        path: of the transcript; `~` is the home, a relative one starts at `cwd`.
        format_hint: the format, found out when left out.
        cwd: folder of the assistant, that of this process when left out.

    Raises:
        CaptureError: there is no transcript, or nothing in it can be read.
    """
    place = _expanded(cwd or ".") / _expanded(path)
    try:
        parser, found = get_parser_for_path(place, format_hint)
        messages, total = parser.parse_last_n(place, CANDIDATES)
    except TranscriptNotFoundError as error:
        raise CaptureError(
            "TRANSCRIPT_NOT_FOUND", str(error), "give the absolute path of the transcript of this conversation"
        ) from error
    except UnsupportedFormatError as error:
        raise CaptureError(
            "TRANSCRIPT_FORMAT_UNSUPPORTED",
            str(error),
            "save the messages as a JSON list of role and content, or give conversation_excerpt in the context",
        ) from error
    except ParserError as error:
        raise CaptureError(
            "TRANSCRIPT_PARSE_ERROR", str(error), "check _transcript_path, or name its format in _transcript_format"
        ) from error
    if not messages:
        raise CaptureError(
            "TRANSCRIPT_PARSE_ERROR",
            f"there is no message in {place}, read as {found.value}",
            "check _transcript_path, or name its format in _transcript_format",
        )
    return CandidateExchanges(
        session_id="",
        total_exchanges=total,
        candidates=[_shortened(message) for message in messages],
        transcript_path=str(place),
        transcript_format=found,
        skipped=parser.skipped,
    )


def excerpt_of(candidates: CandidateExchanges, indices: Iterable[int]) -> str:
    """The excerpt of the candidates with these indices, which count in the whole transcript.

    Raises:
        CaptureError: none is chosen, or one is no candidate.
    """
    offered = [message.index for message in candidates.candidates]
    chosen = set(indices)
    wrong = sorted(chosen - set(offered))
    if wrong or not chosen:
        what = f"no candidate has the index {', '.join(map(str, wrong[:10]))}" if wrong else "no candidate is chosen"
        raise CaptureError("VALIDATION_ERROR", what, f"choose from {offered[0]} to {offered[-1]}")
    return candidates.format_as_excerpt(chosen)


class ChangedFiles(NamedTuple):
    """Files for a context.

    Args:
        files: their paths from the root of the repository.
        note: why there are none or not all, else None.
    """

    files: list[str]
    note: str | None = None


def changed_files(cwd: str | None = None) -> ChangedFiles:
    """The files that differ from the last commit; that git cannot tell is a note, no error: a capture goes on."""
    folder = _expanded(cwd or ".").absolute()
    try:
        files = git_detector.get_modified_files(folder) + git_detector.get_untracked_files(folder)
        if not files and not git_detector.is_git_repo(folder):
            return ChangedFiles([], f"{folder} is in no git repository")
    except git_detector.GitError as error:
        return ChangedFiles([], str(error))
    # a name need not be UTF-8, what is stored has to
    names = [name.encode("utf-8", "replace").decode("utf-8") for name in files]
    if len(names) > MAX_FILES:
        return ChangedFiles(names[:MAX_FILES], f"{len(names)} files have changed, the first {MAX_FILES} are kept")
    return ChangedFiles(names)


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # the home of nobody
        return Path(path)


def _shortened(message: TranscriptMessage) -> TranscriptMessage:
    left_out = len(message.content) - MAX_MESSAGE
    if left_out <= 0:
        return message
    return replace(message, content=f"{message.content[:MAX_MESSAGE]}\n[{left_out} characters left out]")
