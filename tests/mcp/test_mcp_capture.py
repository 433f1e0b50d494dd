"""rekall_add: what is stored, what is made up for, what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.mcp_client import CONTEXT, Assistant, in_process

from rekall.config import get_config, reset_config
from rekall.db import Database
from rekall.models import StructuredContext
from rekall.temporal import TemporalMarkers


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


def stored_context(entry_id: str) -> tuple[StructuredContext | None, str | None]:
    with Database(get_config().db_path) as database:
        return database.get_structured_context(entry_id), database.get_context(entry_id)


def stored_titles() -> list[str]:
    with Database(get_config().db_path) as database:
        return [entry.title for entry in database.list_all()]


def set_context_mode(mode: str) -> None:
    config_dir = get_config().paths.config_dir
    config_dir.mkdir(parents=True, exist_ok=True)
    (config_dir / "config.toml").write_text(f'[smart_embeddings]\ncontext_mode = "{mode}"\n', encoding="utf-8")
    reset_config()


def test_an_entry_is_stored_with_its_context(assistant: Assistant) -> None:
    """All that was given is there, cleaned; the context also as the two lines that 0.3 reads."""
    given = {
        **CONTEXT,
        "what_failed": "Turning the cache off",
        "conversation_excerpt": "Human: hi",
        "files_modified": ["a.py"],
        "error_messages": ["E1"],
        "time_of_day": "night",
        "day_of_week": "sunday",
    }
    reply = assistant.call(
        "rekall_add",
        type="pitfall",
        title="  CORS fails ",
        content="Because",
        context=given,
        tags=[" Web", "web", "", "HTTP"],
        project=" shop ",
        confidence=5,
    )
    entry_id = reply.data["id"]
    assert reply.text.split("\n") == [
        f"Entry added: {entry_id}",
        "Type: pitfall",
        "Title: CORS fails",
        "Structured context stored, 1 keyword",
    ]
    entry = assistant.call("rekall_show", id=entry_id).data["entry"]
    assert (entry["title"], entry["content"], entry["tags"]) == ("CORS fails", "Because", ["http", "web"])
    assert (entry["project"], entry["confidence"], entry["type"]) == ("shop", 5, "pitfall")
    context, text = stored_context(entry_id)
    assert context is not None
    kept = context.to_dict()
    assert {key: kept[key] for key in given} == given
    assert kept["extraction_method"] == "manual"
    assert text == f"{CONTEXT['situation']}\n{CONTEXT['solution']}"


def test_keywords_are_extracted_when_none_is_given(assistant: Assistant) -> None:
    """Five at most, from the title, the content, the situation and the solution; three of them are named."""
    context = {"situation": "Proxy answers 504", "solution": "Raise proxy_read_timeout", "trigger_keywords": [" "]}
    reply = assistant.call("rekall_add", type="bug", title="Nginx timeout", content="nginx nginx", context=context)
    keywords = reply.data["trigger_keywords"]
    assert reply.data["keywords_extracted"]
    assert len(keywords) == 5
    assert keywords[0] == "nginx"
    assert {"timeout", "504", "proxy_read_timeout"} <= set(keywords)
    assert f"keywords extracted: {', '.join(keywords[:3])}" in reply.text
    kept, _ = stored_context(reply.data["id"])
    assert kept is not None
    assert kept.trigger_keywords == keywords
    assert kept.extraction_method == "auto"


@pytest.mark.fault(46)
def test_the_moment_is_noted_and_what_is_given_stands(assistant: Assistant) -> None:
    """Markers inside the context are honoured (0.3 lost them), missing ones come from the clock."""
    entry_id = assistant.add("Late", context={**CONTEXT, "time_of_day": "night"})
    context, _ = stored_context(entry_id)
    assert context is not None
    assert context.time_of_day == "night"
    assert context.day_of_week == TemporalMarkers.from_datetime(context.created_at).day_of_week
    assert "time_of_day" in assistant.refusal(
        "rekall_add", type="bug", title="x", context={**CONTEXT, "time_of_day": "noon"}
    )


@pytest.mark.fault(48)
def test_plain_text_is_a_context_too(assistant: Assistant) -> None:
    """0.3 refused it by its schema; it is stored and searched."""
    reply = assistant.call("rekall_add", type="bug", title="Plain", context="Only Wednesdays fail")
    assert reply.data["context"] == "text"
    assert stored_context(reply.data["id"]) == (None, "Only Wednesdays fail")
    assert assistant.call("rekall_search", query="wednesdays").data["total_count"] == 1


@pytest.mark.parametrize("context", [{}, {"context": None}, {"context": "  "}])
def test_a_context_is_required_by_default(context: dict[str, object], assistant: Assistant) -> None:
    """The configured mode is `required` unless changed: the refusal says what to give, and stores nothing."""
    refused = assistant.refusal("rekall_add", type="bug", title="Bare", **context)
    assert "situation" in refused
    assert "context_mode" in refused
    assert stored_titles() == []


@pytest.mark.fault(48)
@pytest.mark.parametrize(("mode", "lines"), [("recommended", 4), ("optional", 3)])
def test_other_modes_store_an_entry_without_context(mode: str, lines: int) -> None:
    """`recommended` adds a hint, `optional` says nothing (0.3's schema required a context in every mode)."""
    set_context_mode(mode)
    with in_process() as assistant:
        reply = assistant.call("rekall_add", type="bug", title="Bare")
        assert len(reply.text.split("\n")) == lines
        assert reply.data["context"] == "none"
        assert stored_titles() == ["Bare"]


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"type": "note"}, "type"),
        ({"type": None}, "type"),
        ({"title": ""}, "title"),
        ({"title": " \n"}, "title"),
        ({"title": "t" * 501}, "title"),
        ({"title": "t" * 1_000_000}, "title"),
        ({"title": 7}, "title"),
        ({"content": "c" * 1_000_001}, "content"),
        ({"tags": "web"}, "tags"),
        ({"tags": ["t" * 101]}, "tag"),
        ({"tags": [f"t{number}" for number in range(51)]}, "tags"),
        ({"tags": [1]}, "tags.0"),
        ({"project": "p" * 101}, "project"),
        ({"confidence": 6}, "confidence"),
        ({"confidence": "high"}, "confidence"),
        ({"context": {"situation": "Long enough"}}, "context.solution"),
        ({"context": {"situation": "Long enough", "solution": "no"}}, "solution"),
        ({"context": {**CONTEXT, "files_modified": "a.py"}}, "context.files_modified"),
        ({"context": {"situation": "in the with", "solution": "of the and"}, "title": "To be"}, "trigger_keywords"),
        ({"context": ["no"]}, "context"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused_is_named_and_nothing_is_stored(
    arguments: dict[str, object], named: str, assistant: Assistant
) -> None:
    """One line with the parameter and the rule, never the value; 0.3 took an empty title and left half an entry."""
    refused = assistant.refusal("rekall_add", **{"type": "bug", "title": "Title", "context": CONTEXT, **arguments})
    assert named in refused
    assert len(refused) < 300
    assert stored_titles() == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"_transcript_path": "/nowhere.jsonl"},
        {"_transcript_format": "claude-jsonl"},
        {"_cwd": "/nowhere"},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_where_an_assistant_works_asks_for_nothing(arguments: dict[str, object], assistant: Assistant) -> None:
    """Clients send along the paths of a capture: without asking for one, nothing is read there."""
    assistant.add("Title", **arguments)
    assert stored_titles() == ["Title"]


def test_capture_parameters_at_their_defaults_are_no_use_of_them(assistant: Assistant) -> None:
    """A client that fills in defaults is not refused."""
    assistant.add("Title", auto_capture_conversation=False, auto_detect_files=False, conversation_excerpt_indices=[])
    assert stored_titles() == ["Title"]


@pytest.mark.fault(28, 45)
def test_a_repeated_tag_does_not_harm_the_next_call(assistant: Assistant) -> None:
    """In 0.3 it failed and left the base locked for the calls after it."""
    assistant.add("One", tags=["a", "a", "A "])
    assistant.add("Two", tags=["a"])
    assert assistant.call("rekall_info").data["entries"] == 2
