"""Parsers: what each format says, in order, whole; what is odd is passed over, and nothing is fatal."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekall.transcript import (
    ClaudeTranscriptParser,
    ClineTranscriptParser,
    ContinueTranscriptParser,
    GenericJsonParser,
    TranscriptFormat,
    TranscriptMessage,
    TranscriptParser,
    detect_format,
    get_parser,
    reading,
)
from rekall.transcript.parser_base import ParserError, TranscriptNotFoundError

Messages = list[tuple[str, str]]


def claude(messages: Messages) -> str:
    """The messages as Claude Code writes them, blocks and texts in turn, among lines of other kinds."""
    lines: list[dict[str, Any]] = [{"type": "summary", "summary": "x", "leafUuid": "1"}]
    for number, (role, text) in enumerate(messages):
        content = text if number % 2 else [{"type": "text", "text": text}]
        lines.append({"type": role, "message": {"role": role, "content": content}, "timestamp": "2025-03-01T09:00:00Z"})
        lines.append({"type": "file-history-snapshot", "snapshot": {}})
    return "\n".join(map(json.dumps, lines))


def cline(messages: Messages) -> str:
    return json.dumps([{"role": role, "content": [{"type": "text", "text": text}]} for role, text in messages])


def continue_session(messages: Messages) -> str:
    history = [{"message": {"role": role, "content": text}, "contextItems": []} for role, text in messages]
    return json.dumps({"sessionId": "1", "title": "x", "history": history})


def raw(messages: Messages) -> str:
    return json.dumps([{"role": role, "content": text} for role, text in messages])


def raw_object(messages: Messages) -> str:
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in messages]}, indent=1)


def raw_lines(messages: Messages) -> str:
    return "\n".join(json.dumps({"role": role, "content": text}) for role, text in messages)


WRITERS: list[tuple[Callable[[Messages], str], type[TranscriptParser], str]] = [
    (claude, ClaudeTranscriptParser, "s.jsonl"),
    (cline, ClineTranscriptParser, "api_conversation_history.json"),
    (continue_session, ContinueTranscriptParser, "s.json"),
    (raw, GenericJsonParser, "s.json"),
    (raw_object, GenericJsonParser, "s.json"),
    (raw_lines, GenericJsonParser, "s.jsonl"),
]
FORMATS = pytest.mark.parametrize(("write", "parser", "name"), WRITERS, ids=[write.__name__ for write, _, _ in WRITERS])
TALK = [("user", "It fails"), ("assistant", "Why?"), ("user", "No idea\n\nreally"), ("assistant", "Grüße ☃")]
ANY_TALK = st.lists(
    st.tuples(
        st.sampled_from(["user", "assistant"]),
        # JSON may hold halves of surrogate pairs, which no UTF-8 text can
        st.text(st.characters(), min_size=1).filter(lambda text: text.strip() and not text.lstrip().startswith("<env")),
    ),
    max_size=30,
)


def said(messages: list[TranscriptMessage]) -> Messages:
    return [({"human": "user"}.get(message.role, message.role), message.content) for message in messages]


def as_utf_8(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def written(text: str, folder: Path, name: str = "s.json") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@FORMATS
def test_every_message_is_there_in_order(
    write: Callable[[Messages], str], parser: type[TranscriptParser], name: str, tmp_path: Path
) -> None:
    """Roles, texts and positions; the last ones alone keep their positions in the whole."""
    path = written(write(TALK), tmp_path, name)
    messages = parser().parse(path)
    assert said(messages) == TALK
    assert [message.index for message in messages] == [0, 1, 2, 3]
    assert parser().parse_last_n(path, 2) == (messages[2:], 4)
    assert parser().parse_last_n(path) == (messages, 4)
    assert parser().parse_last_n(path, 0) == ([], 4)
    assert parser().validate(path)


@FORMATS
def test_the_format_is_found_by_the_content(
    write: Callable[[Messages], str], parser: type[TranscriptParser], name: str, tmp_path: Path
) -> None:
    """Under a name that tells nothing, with a mark of the byte order before it."""
    path = written("\ufeff" + write(TALK), tmp_path, "conversation")
    found = detect_format(path)
    assert found is parser().format
    assert said(get_parser(found).parse(path)) == TALK


@FORMATS
@given(talk=ANY_TALK)
def test_any_message_list_survives(
    write: Callable[[Messages], str], parser: type[TranscriptParser], name: str, talk: Messages
) -> None:
    """Whatever was said comes back, but for what UTF-8 cannot hold."""
    expected = [(role, as_utf_8(json.loads(json.dumps(text)))) for role, text in talk]
    with tempfile.TemporaryDirectory() as folder:
        path = written(write(talk), Path(folder), name)
        if not talk and write is raw_lines:
            assert not parser().validate(path)
            return
        messages, total = parser().parse_last_n(path, 20)
        assert said(parser().parse(path)) == expected
    assert said(messages) == expected[-20:]
    assert total == len(expected)
    assert [message.index for message in messages] == list(range(max(0, total - 20), total))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "type", "message", "content", "text", "history", "messages", "timestamp", "ts"]),
            inner | st.sampled_from(["user", "assistant", "text", "tool_use"]),
            max_size=5,
        )
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("parser", [parser for _, parser, _ in WRITERS[:4]])
@given(junk=JUNK, tail=st.binary(max_size=40))
def test_nothing_odd_is_fatal(parser: type[TranscriptParser], junk: Any, tail: bytes) -> None:
    """Whatever a file holds: messages, or the one error that says that there are none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.json")
        path.write_bytes(json.dumps(junk).encode() + tail)
        detect_format(path)
        try:
            messages, total = parser().parse_last_n(path, 5)
        except ParserError as error:
            refused = str(error)
            messages, total = [], 0
        else:
            refused = ""
    assert "\n" not in refused
    assert len(messages) <= total
    assert all(message.role in ("human", "assistant") and message.content.strip() for message in messages)


def test_broken_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    """A line that was being written, one of another kind of JSON, a message without a body: the others are read."""
    lines = [*claude(TALK).split("\n"), "[1]", '{"type": "user"}', '{"type": "user", "mess', "", "[" * 100_000]
    parser = ClaudeTranscriptParser()
    assert said(parser.parse(written("\n".join(lines), tmp_path))) == TALK
    assert parser.skipped == 4
    parser.parse(written(claude(TALK), tmp_path))
    assert parser.skipped == 0


def test_what_was_not_said_is_left_out(tmp_path: Path) -> None:
    """Claude's own notes, other conversations, results of tools; a tool that was used is named."""
    said_line = {"type": "user", "message": {"role": "user", "content": "Said"}}
    blocks = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "I look"},
        {"type": "tool_use", "name": "Read", "input": {}},
        {"type": "text", "text": "again"},
    ]
    lines: list[dict[str, Any]] = [
        said_line | {"isMeta": True},
        said_line | {"isSidechain": True},
        said_line | {"isCompactSummary": True},
        said_line,
        {"type": "user", "message": {"role": "user", "content": [{"type": "tool_result", "content": "42"}]}},
        {"type": "assistant", "message": {"role": "assistant", "content": blocks[2:3]}},
        {"type": "assistant", "message": {"content": blocks}},
        {"type": "user", "message": {"role": "system", "content": "Be brief"}},
        {"type": "user", "message": {"role": "user", "content": " "}},
    ]
    path = written("\n".join(map(json.dumps, lines)), tmp_path)
    parser = ClaudeTranscriptParser()
    assert said(parser.parse(path)) == [("user", "Said"), ("assistant", "I look\n\nagain\n\n[used: Read]")]
    assert parser.skipped == 0


def test_cline_adds_what_nobody_said(tmp_path: Path) -> None:
    """Its description of the environment is no part of the message."""
    text = [{"type": "text", "text": "<task>Mend it</task>"}, {"type": "text", "text": "<environment_details>\nfiles"}]
    path = written(json.dumps([{"role": "user", "content": text, "ts": 1_740_000_000_000}]), tmp_path)
    (message,) = ClineTranscriptParser().parse(path)
    assert message.content == "<task>Mend it</task>"
    assert message.timestamp == datetime(2025, 2, 19, 21, 20, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("stated", "moment"),
    [
        ("2025-03-01T09:00:00.123Z", datetime(2025, 3, 1, 9, 0, 0, 123_000, timezone.utc)),
        ("2025-03-01 09:00:00", datetime(2025, 3, 1, 9)),
        ("2025-03-01T09:00:00+02:00", datetime(2025, 3, 1, 9, tzinfo=timezone(timedelta(hours=2)))),
        (1_740_000_000, datetime(2025, 2, 19, 21, 20, tzinfo=timezone.utc)),
        ("yesterday", None),
        (1e300, None),
        (10**400, None),
        (True, None),
        ({}, None),
    ],
    ids=str,
)
def test_times_are_read_or_left_out(stated: Any, moment: datetime | None, tmp_path: Path) -> None:
    """ISO text and seconds or milliseconds since 1970; anything else is no time, and no error."""
    path = written(json.dumps([{"sender": "Human", "text": "x", "timestamp": stated}]), tmp_path)
    (message,) = GenericJsonParser().parse(path)
    assert (message.role, message.timestamp) == ("human", moment)
    assert message.to_dict()["timestamp"] == (moment.isoformat() if moment else None)


@pytest.mark.parametrize(
    ("parser", "text", "named"),
    [
        (ClaudeTranscriptParser, "no json\nat all", "claude-jsonl"),
        (ClineTranscriptParser, "{", "not JSON"),
        (ClineTranscriptParser, '{"role": "user"}', "no list"),
        (ContinueTranscriptParser, "[1, 2]", "continue-json"),
        (ContinueTranscriptParser, '{"messages": []}', "no list"),
        (GenericJsonParser, "plain text", "raw-json"),
        (GenericJsonParser, "7", "no list"),
    ],
)
def test_a_file_of_another_kind_is_an_error(
    parser: type[TranscriptParser], text: str, named: str, tmp_path: Path
) -> None:
    """One line with the file; 0.3's error class and its fields."""
    path = written(text, tmp_path)
    with pytest.raises(ParserError, match=named) as raised:
        parser().parse(path)
    assert raised.value.path == path
    assert str(path) in str(raised.value)
    assert not parser().validate(path)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    """A pipe would never answer, a device never end; a link to a file is followed."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path, tmp_path / "none", tmp_path / "s.json" / "x", Path("a\0b")):
        for parser in (ClaudeTranscriptParser(), GenericJsonParser()):
            with pytest.raises(TranscriptNotFoundError):
                parser.parse(path)
        assert detect_format(path) is TranscriptFormat.RAW_JSON
    assert issubclass(TranscriptNotFoundError, FileNotFoundError)
    link = tmp_path / "link"
    link.symlink_to(written(raw(TALK), tmp_path))
    assert said(GenericJsonParser().parse(link)) == TALK


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """Before it fills the memory; read line by line, a conversation may be larger, and one line not."""
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(reading.MAX_DOCUMENT + 1)
    with pytest.raises(ParserError, match="larger than 50 MB"):
        ClineTranscriptParser().parse(path)
    with path.open("wb") as file:
        file.write(claude(TALK[:2]).encode() + b'\n{"type": "user", "x": "')
        file.write(b"x" * (2 * reading.MAX_LINE + 7) + b'"}\n')
        file.write(b" " * reading.MAX_LINE + b"\n")
        file.write(claude(TALK[2:]).encode())
    parser = ClaudeTranscriptParser()
    assert said(parser.parse(path)) == TALK
    assert parser.skipped == 2
    with path.open("wb") as file:
        file.truncate(reading.MAX_LINES + 1)
    with pytest.raises(ParserError, match="larger than 500 MB"):
        ClaudeTranscriptParser().parse(path)


def test_a_long_conversation_keeps_only_its_end_in_memory(tmp_path: Path) -> None:
    """A transcript of many megabytes is read in little: the last messages and the total."""
    import tracemalloc

    path = tmp_path / "long.jsonl"
    line = json.dumps({"type": "user", "message": {"role": "user", "content": "x" * 10_000}})
    path.write_text((line + "\n") * 2_000, encoding="utf-8")
    tracemalloc.start()
    try:
        messages, total = ClaudeTranscriptParser().parse_last_n(path, 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(messages), total, messages[-1].index) == (20, 2_000, 1_999)
    assert peak < 3_000_000
