"""Conversations with an assistant as the assistant's program wrote them down: which format, which messages."""

from __future__ import annotations

from rekall.transcript.detector import detect_format, get_parser, get_parser_for_path
from rekall.transcript.models import CandidateExchanges, TranscriptFormat, TranscriptMessage
from rekall.transcript.parser_base import TranscriptParser
from rekall.transcript.parser_claude import ClaudeTranscriptParser
from rekall.transcript.parser_cline import ClineTranscriptParser
from rekall.transcript.parser_continue import ContinueTranscriptParser
from rekall.transcript.parser_generic import GenericJsonParser
from rekall.transcript.session_manager import SessionData, SessionManager, get_session_manager

__all__ = [
    "CandidateExchanges",
    "ClaudeTranscriptParser",
    "ClineTranscriptParser",
    "ContinueTranscriptParser",
    "GenericJsonParser",
    "SessionData",
    "SessionManager",
    "TranscriptFormat",
    "TranscriptMessage",
    "TranscriptParser",
    "detect_format",
    "get_parser",
    "get_parser_for_path",
    "get_session_manager",
]
