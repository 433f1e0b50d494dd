"""Which format a path, a hint or a beginning stands for, and which parser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import rekall.transcript
from rekall.transcript import TranscriptFormat, TranscriptParser, detect_format, get_parser, get_parser_for_path
from rekall.transcript.detector import PARSER_REGISTRY, PATH_PATTERNS, get_supported_formats, is_format_supported
from rekall.transcript.parser_base import ParserError, UnsupportedFormatError

NAMES = ["claude-jsonl", "cline-json", "continue-json", "raw-json"]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/home/a/.claude/projects/-home-a-x/0f.jsonl", "claude-jsonl"),
        ("/c/User/globalStorage/saoudrizwan.claude-dev/tasks/17/api_conversation_history.json", "cline-json"),
        ("api_conversation_history.json", "cline-json"),
        ("/home/a/.continue/sessions/1.json", "continue-json"),
        ("/home/a/state.vscdb", "sqlite"),
        ("/home/a/threads/data.mdb", "lmdb"),
        ("/home/a/other.jsonl", "claude-jsonl"),
        ("/home/a/other.json", "raw-json"),
        ("/home/a/other", "raw-json"),
    ],
)
def test_a_path_may_tell(path: str, found: str) -> None:
    """Where the programs keep their transcripts; the file need not be there."""
    assert detect_format(Path(path)) is TranscriptFormat(found)


def test_the_beginning_tells_otherwise(tmp_path: Path) -> None:
    """Also of a line longer than what is looked at, and of a file that is no text."""
    path = tmp_path / "x.jsonl"
    for text, found in (
        ('{"type": "summary"}\n', "claude-jsonl"),
        (json.dumps({"type": "user", "message": {"role": "user", "content": "x" * 100_000}}), "claude-jsonl"),
        (json.dumps({"role": "user", "content": "x"}), "raw-json"),
        (json.dumps({"role": "user", "content": "x\u2028y\x85z"}, ensure_ascii=False), "raw-json"),
        (json.dumps({"title": "x", "history": []}, indent=2), "continue-json"),
        (json.dumps([{"role": "user", "content": [{"type": "text"}]}]), "cline-json"),
        ("[]", "raw-json"),
        ("SQLite format 3\0....", "sqlite"),
        ("[" * 60_000, "raw-json"),
    ):
        path.write_text(text, encoding="utf-8")
        assert detect_format(path).value == found, text[:40]


def test_a_hint_is_believed(tmp_path: Path) -> None:
    """Whatever the path; a hint that names nothing is refused with the names there are."""
    path = Path("/home/a/.claude/projects/x/0f.jsonl")
    assert detect_format(path, "raw-json") is TranscriptFormat.RAW_JSON
    with pytest.raises(UnsupportedFormatError, match=re.escape(", ".join(NAMES))):
        detect_format(path, "word")
    assert issubclass(UnsupportedFormatError, (ParserError, ValueError))


def test_there_is_a_parser_for_each_supported_format() -> None:
    """Each of its own; SQLite and LMDB are formats without one."""
    assert get_supported_formats() == NAMES
    for name in NAMES:
        assert is_format_supported(name)
        parser, found = get_parser_for_path(Path("x"), name)
        assert isinstance(parser, TranscriptParser)
        assert parser.format is found is TranscriptFormat(name)
        assert get_parser(found) is not parser
    for name in ("sqlite", "lmdb"):
        assert not is_format_supported(name)
        with pytest.raises(UnsupportedFormatError, match=name) as raised:
            get_parser(TranscriptFormat(name))
        assert raised.value.format is TranscriptFormat(name)
    assert not is_format_supported("word")
    assert (len(PARSER_REGISTRY), len(PATH_PATTERNS)) == (4, 6)


@pytest.mark.parametrize(
    ("role", "normal"),
    [("user", "human"), (" Human ", "human"), ("AI", "assistant"), ("assistant", "assistant"), ("System", "system")],
)
def test_roles_have_two_names(role: str, normal: str) -> None:
    """Those of other programs are read too; any other role keeps its own."""
    assert TranscriptParser.normalize_role(role) == normal


def test_an_own_parser_needs_three_things(tmp_path: Path) -> None:
    """A subclass written for 0.3 goes on working: a format and the two ways to read."""

    class Own(TranscriptParser):
        @property
        def format(self) -> TranscriptFormat:
            return TranscriptFormat.LMDB

        def parse(self, path: Path) -> list[rekall.transcript.TranscriptMessage]:
            return [rekall.transcript.TranscriptMessage("human", path.name)]

        def parse_last_n(self, path: Path, n: int = 20) -> tuple[list[rekall.transcript.TranscriptMessage], int]:
            return self.parse(path)[:n], 1

    assert Own().validate(tmp_path)
    assert Own().format is TranscriptFormat.LMDB
    with pytest.raises(TypeError):
        TranscriptParser()  # type: ignore[abstract]  # that it is
