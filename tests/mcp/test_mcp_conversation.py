"""rekall_add in two steps: candidates of a transcript are offered, chosen ones are stored with the entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.mcp_client import CONTEXT, Assistant, in_process, over_stdio
from support.repositories import repository, write
from support.transcripts import claude_transcript

from rekall.config import get_config
from rekall.db import Database
from rekall.models import Entry, StructuredContext
from rekall.temporal import TemporalMarkers
from rekall.transcript import get_session_manager

PLAIN = {"situation": "Safari refused the request", "solution": "Send the Vary header"}


@pytest.fixture(autouse=True)
def _no_sessions() -> Iterator[None]:
    get_session_manager().clear_all()
    yield
    get_session_manager().clear_all()
    get_session_manager().stop_cleanup()


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    """Thirty messages, so that the candidates do not begin at 0."""
    return claude_transcript(tmp_path / "t.jsonl", *(f"message {number}" for number in range(30)))


def offer(assistant: Assistant, transcript: Path, **arguments: Any) -> dict[str, Any]:
    """Step 1; its text is its data as JSON."""
    given = {"type": "bug", "title": "CORS", "auto_capture_conversation": True, "_transcript_path": str(transcript)}
    reply = assistant.call("rekall_add", **{**given, **arguments})
    assert json.loads(reply.text) == reply.data
    return reply.data


def choose(session_id: str, *indices: int, **arguments: Any) -> dict[str, Any]:
    """The arguments of step 2."""
    return {
        "type": "bug",
        "title": "CORS",
        "_session_id": session_id,
        "conversation_excerpt_indices": list(indices),
        **arguments,
    }


def stored(entry_id: str) -> tuple[Entry, StructuredContext, str | None]:
    with Database(get_config().db_path) as database:
        entry, context = database.get(entry_id, update_access=False), database.get_structured_context(entry_id)
        assert entry is not None
        assert context is not None
        return entry, context, database.get_context(entry_id)


def entries() -> int:
    with Database(get_config().db_path) as database:
        return len(database.list_all())


@pytest.mark.fault(47, 48)
def test_two_steps_store_an_entry_with_its_conversation(assistant: Assistant, transcript: Path) -> None:
    """What the first step gave need not be given again, the content too; indices are those of the candidates."""
    offered = offer(
        assistant,
        transcript,
        content="Because",
        context={**PLAIN, "what_failed": "No cache", "trigger_keywords": ["Vary"]},
        tags=["Web"],
        project="shop",
        confidence=4,
    )
    assert offered["status"] == "candidates_ready"
    assert offered["total_exchanges"] == 30
    assert offered["skipped"] == 0
    assert [candidate["index"] for candidate in offered["candidates"]] == list(range(10, 30))
    assert offered["candidates"][0] == {
        "role": "human",
        "content": "message 10",
        "timestamp": "2025-03-01T09:10:00+00:00",
        "index": 10,
    }
    assert entries() == 0
    reply = assistant.call("rekall_add", **choose(offered["session_id"], 29, 10, 20))
    assert json.loads(reply.text) == reply.data
    entry, context, text = stored(reply.data["entry_id"])
    markers = TemporalMarkers.from_datetime(context.created_at)
    assert reply.data == {
        "status": "success",
        "entry_id": entry.id,
        "title": "CORS",
        "context_summary": {
            "conversation_captured": True,
            "exchanges_selected": 3,
            "files_detected": 0,
            "files_note": None,
            "temporal_markers": {"time_of_day": markers.time_of_day, "day_of_week": markers.day_of_week},
            "extraction_method": "manual",
        },
    }
    assert (entry.type, entry.title, entry.content) == ("bug", "CORS", "Because")
    assert (entry.tags, entry.project, entry.confidence) == (["web"], "shop", 4)
    assert context.conversation_excerpt == "Human: message 10\n\nHuman: message 20\n\nAssistant: message 29"
    assert (context.what_failed, context.trigger_keywords) == ("No cache", ["vary"])
    assert text == f"{PLAIN['situation']}\n{PLAIN['solution']}"
    assert assistant.call("rekall_search", query="vary").data["total_count"] == 1


@pytest.mark.fault(48)
def test_the_second_step_may_change_what_the_first_gave(assistant: Assistant, transcript: Path) -> None:
    """Every value that it gives stands; of the context, every part."""
    first = offer(
        assistant,
        transcript,
        content="Old",
        context={**PLAIN, "what_failed": "No cache"},
        tags=["old"],
        project="old",
        confidence=4,
    )
    second = {
        "type": "pitfall",
        "title": "Vary",
        "content": "New",
        "context": {"situation": "Another situation", "solution": "Another solution"},
        "tags": ["new"],
        "project": "new",
        "confidence": 0,
    }
    reply = assistant.call("rekall_add", **choose(first["session_id"], 12, **second))
    entry, context, _ = stored(reply.data["entry_id"])
    assert (entry.type, entry.title, entry.content) == ("pitfall", "Vary", "New")
    assert (entry.tags, entry.project, entry.confidence) == (["new"], "new", 0)
    assert (context.situation, context.solution) == ("Another situation", "Another solution")
    assert context.what_failed == "No cache"
    assert reply.data["context_summary"]["extraction_method"] == "auto"
    assert context.extraction_method == "auto"
    assert 1 <= len(context.trigger_keywords) <= 5


def test_empty_values_of_the_second_step_are_absent(assistant: Assistant, transcript: Path) -> None:
    """A client that fills in what it does not know loses nothing."""
    first = offer(assistant, transcript, content="Kept", context=CONTEXT, tags=["kept"], project="kept")
    empty: dict[str, Any] = {"content": "", "tags": [], "project": "", "context": None, "auto_detect_files": False}
    reply = assistant.call("rekall_add", **choose(first["session_id"], 12, **empty))
    entry, context, _ = stored(reply.data["entry_id"])
    assert (entry.content, entry.tags, entry.project) == ("Kept", ["kept"], "kept")
    assert context.trigger_keywords == CONTEXT["trigger_keywords"]


@pytest.mark.fault(46)
def test_the_moment_given_in_the_context_stands(assistant: Assistant, transcript: Path) -> None:
    """In either step; 0.3 looked for it outside the context."""
    first = offer(assistant, transcript, context={**CONTEXT, "time_of_day": "night"})
    again = {**CONTEXT, "day_of_week": "sunday"}
    reply = assistant.call("rekall_add", **choose(first["session_id"], 12, context=again))
    assert reply.data["context_summary"]["temporal_markers"] == {"time_of_day": "night", "day_of_week": "sunday"}
    _, context, _ = stored(reply.data["entry_id"])
    assert (context.time_of_day, context.day_of_week) == ("night", "sunday")


def test_a_refused_choice_keeps_the_session(assistant: Assistant, transcript: Path) -> None:
    """In 0.3 a missing context ended it: here everything can be mended, and a stored entry ends it."""
    session_id = offer(assistant, transcript)["session_id"]
    for wrong, named in (
        ({}, "context is missing"),
        ({"context": "plain text"}, "excerpt"),
        ({"context": {"situation": "a", "solution": "b"}}, "situation"),
        ({"context": CONTEXT, "title": " "}, "title"),
        ({"context": CONTEXT, "conversation_excerpt_indices": [9]}, "10 to 29"),
        ({"context": CONTEXT, "conversation_excerpt_indices": [10, 30]}, "index 30"),
    ):
        failure = assistant.failure("rekall_add", **{**choose(session_id, 12), **wrong})
        assert failure["error_code"] == "VALIDATION_ERROR"
        assert named in failure["message"] + failure["suggestion"]
    assert entries() == 0
    reply = assistant.call("rekall_add", **choose(session_id, 12, context=CONTEXT))
    assert stored(reply.data["entry_id"])[1].conversation_excerpt == "Human: message 12"
    failure = assistant.failure("rekall_add", **choose(session_id, 12, context=CONTEXT))
    assert failure["error_code"] == "SESSION_NOT_FOUND"
    assert entries() == 1


def test_a_failure_of_the_store_keeps_the_session(transcript: Path) -> None:
    """A base that cannot be reached for once costs no choice."""
    with Database(get_config().db_path) as database:
        failures: list[Exception] = []

        def open_database() -> Database:
            if failures:
                raise failures.pop()
            return database

        with in_process(open_database) as assistant:
            session_id = offer(assistant, transcript, context=CONTEXT)["session_id"]
            failures.append(OSError("the disk"))
            assert "internal error" in assistant.refusal("rekall_add", **choose(session_id, 12))
            assistant.call("rekall_add", **choose(session_id, 12))
    assert entries() == 1


def test_two_choices_at_once_store_one_entry(assistant: Assistant, transcript: Path) -> None:
    """An assistant that repeats a call makes no duplicate."""
    session_id = offer(assistant, transcript, context=CONTEXT)["session_id"]

    def call(index: int) -> bool:
        try:
            return bool(assistant.call("rekall_add", **choose(session_id, index)).data["entry_id"])
        except AssertionError as refused:
            return "SESSION_NOT_FOUND" not in str(refused)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(call, range(10, 14))) == 1
    assert entries() == 1


def test_a_session_ends_after_five_minutes(assistant: Assistant, transcript: Path) -> None:
    """Then step 1 has to be called again, and the error says so."""
    session_id = offer(assistant, transcript, context=CONTEXT)["session_id"]
    session = get_session_manager().get_session(session_id)
    assert session is not None
    session.created_at = datetime.now() - timedelta(seconds=301)
    for gone in (session_id, "no-such-session"):
        failure = assistant.failure("rekall_add", **choose(gone, 12))
        assert failure["error_code"] == "SESSION_NOT_FOUND"
        assert "_transcript_path" in failure["suggestion"]


def test_refusals_of_the_first_step(assistant: Assistant, transcript: Path, tmp_path: Path) -> None:
    """0.3's codes and keys, as JSON text and as data, marked as an error; no session begins."""
    words = write(tmp_path, "words.json", "Dear diary")
    database = write(tmp_path, "state.vscdb", "SQLite format 3\0")
    for wrong, code in (
        ({"_transcript_path": None}, "VALIDATION_ERROR"),
        ({"_transcript_path": str(tmp_path / "none")}, "TRANSCRIPT_NOT_FOUND"),
        ({"_transcript_path": str(tmp_path)}, "TRANSCRIPT_NOT_FOUND"),
        ({"_transcript_path": "/dev/zero"}, "TRANSCRIPT_NOT_FOUND"),
        ({"_transcript_path": str(words)}, "TRANSCRIPT_PARSE_ERROR"),
        ({"_transcript_path": str(database)}, "TRANSCRIPT_FORMAT_UNSUPPORTED"),
        ({"_transcript_format": "cline-json"}, "TRANSCRIPT_PARSE_ERROR"),
        ({"title": ""}, "VALIDATION_ERROR"),
        ({"context": "plain text"}, "VALIDATION_ERROR"),
        ({"context": {"situation": "a", "solution": "b"}}, "VALIDATION_ERROR"),
    ):
        given: dict[str, Any] = {
            "type": "bug",
            "title": "CORS",
            "auto_capture_conversation": True,
            "_transcript_path": str(transcript),
            **wrong,
        }
        failure = assistant.failure("rekall_add", **given)
        assert failure["error_code"] == code, failure
        assert list(failure) == ["status", "error_code", "message", "suggestion"]
        assert failure["status"] == "error"
    assert get_session_manager().session_count == 0
    assert "_transcript_format" in assistant.refusal(
        "rekall_add", type="bug", title="x", auto_capture_conversation=True, _transcript_format="lmdb"
    )


@pytest.mark.parametrize(
    "half", [{"conversation_excerpt_indices": [3]}, {"_session_id": "x"}, {"_session_id": "x", "context": CONTEXT}]
)
def test_half_a_step_is_refused_not_ignored(half: dict[str, Any], assistant: Assistant) -> None:
    """Indices without a session, a session without indices: 0.3 stored an entry without the conversation."""
    failure = assistant.failure("rekall_add", **{"type": "bug", "title": "CORS", "context": CONTEXT, **half})
    assert failure["error_code"] == "VALIDATION_ERROR"
    assert entries() == 0


def test_the_text_of_a_candidate_is_cut_and_the_excerpt_is_not(assistant: Assistant, tmp_path: Path) -> None:
    """What is offered is short, what is chosen is whole."""
    path = claude_transcript(tmp_path / "long.jsonl", "x" * 2_000)
    first = offer(assistant, path, context=CONTEXT)
    assert first["candidates"][0]["content"] == "x" * 500 + "..."
    reply = assistant.call("rekall_add", **choose(first["session_id"], 0))
    assert stored(reply.data["entry_id"])[1].conversation_excerpt == "Human: " + "x" * 2_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a changed and a new file."""
    made = repository(tmp_path / "repo", "old.py")
    write(made, "old.py", "second\n")
    write(made, "new.py")
    return made


def test_files_come_from_git_in_direct_mode(assistant: Assistant, folder: Path) -> None:
    """Named in the context and counted in the answer, unless they are given."""
    reply = assistant.call(
        "rekall_add", type="bug", title="CORS", context=CONTEXT, auto_detect_files=True, _cwd=str(folder)
    )
    assert reply.data["files_modified"] == ["old.py", "new.py"]
    assert reply.text.split("\n")[-1] == "Files from git: 2"
    assert stored(reply.data["id"])[1].files_modified == ["old.py", "new.py"]
    given = {**CONTEXT, "files_modified": ["given.py"]}
    reply = assistant.call(
        "rekall_add", type="bug", title="CORS", context=given, auto_detect_files=True, _cwd=str(folder)
    )
    assert reply.data["files_modified"] == []
    assert stored(reply.data["id"])[1].files_modified == ["given.py"]


def test_that_git_gave_no_files_is_said_and_costs_no_entry(assistant: Assistant, tmp_path: Path) -> None:
    """Outside a repository the entry is stored, with the reason in the answer."""
    reply = assistant.call(
        "rekall_add", type="bug", title="CORS", context=CONTEXT, auto_detect_files=True, _cwd=str(tmp_path)
    )
    assert "no git repository" in reply.data["files_note"]
    assert reply.text.split("\n")[-1] == f"Files: {reply.data['files_note']}"
    assert stored(reply.data["id"])[1].files_modified is None


@pytest.mark.parametrize("context", [{}, {"context": "plain text"}])
def test_files_need_a_context_that_holds_them(context: dict[str, Any], assistant: Assistant, folder: Path) -> None:
    """A text has no place for them: refused, not forgotten."""
    refused = assistant.refusal(
        "rekall_add", type="bug", title="CORS", auto_detect_files=True, _cwd=str(folder), **context
    )
    assert "auto_detect_files" in refused
    assert entries() == 0


@pytest.mark.parametrize("step", [1, 2])
def test_files_come_from_git_in_two_steps(step: int, assistant: Assistant, transcript: Path, folder: Path) -> None:
    """Asked for in either step, looked for in the second."""
    files = {"auto_detect_files": True, "_cwd": str(folder)}
    first = offer(assistant, transcript, context=CONTEXT, **(files if step == 1 else {}))
    write(folder, "later.py")
    reply = assistant.call("rekall_add", **choose(first["session_id"], 12, **(files if step == 2 else {})))
    assert reply.data["context_summary"]["files_detected"] == 3
    assert stored(reply.data["entry_id"])[1].files_modified == ["old.py", "later.py", "new.py"]


def test_a_server_elsewhere_reads_no_files(transcript: Path, folder: Path) -> None:
    """Where callers are on other machines their paths would be those of the server: refused before anything is read."""
    with in_process(local=False) as assistant:
        for asked in (
            {"auto_capture_conversation": True, "_transcript_path": str(transcript)},
            {"auto_detect_files": True, "_cwd": str(folder)},
            {"conversation_excerpt_indices": [0], "_session_id": "x"},
        ):
            failure = assistant.failure("rekall_add", **{"type": "bug", "title": "CORS", "context": CONTEXT, **asked})
            assert failure["error_code"] == "VALIDATION_ERROR"
            assert "not on your machine" in failure["message"]
        assistant.add("CORS", _transcript_path=str(transcript), _cwd=str(folder))
    assert entries() == 1
    assert get_session_manager().session_count == 0


def test_two_steps_over_stdio(transcript: Path, folder: Path, tmp_path: Path) -> None:
    """The server that assistants start keeps the session between two calls; the folder is its own if none is given."""
    with over_stdio(tmp_path / "log", folder) as assistant:
        first = offer(assistant, transcript, context=CONTEXT, auto_detect_files=True)
        reply = assistant.call("rekall_add", **choose(first["session_id"], 28, 29))
        assert assistant.failure("rekall_add", **choose(first["session_id"], 28))["error_code"] == "SESSION_NOT_FOUND"
    _, context, _ = stored(reply.data["entry_id"])
    assert context.conversation_excerpt == "Human: message 28\n\nAssistant: message 29"
    assert context.files_modified == ["old.py", "new.py"]
