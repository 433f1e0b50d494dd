"""From what is given to what is stored: cleaned, or refused with one clear line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rekall import capture
from rekall.errors import InvalidValueError
from rekall.models import VALID_TYPES

CONTEXT: dict[str, Any] = {"situation": "a situation", "solution": "a solution", "trigger_keywords": ["Key"]}


def one_line(error: pytest.ExceptionInfo[InvalidValueError]) -> str:
    text = str(error.value)
    assert len(text.splitlines()) == 1
    assert isinstance(error.value, ValueError)
    return text


def test_an_entry_is_cleaned() -> None:
    """Title and project trimmed, tags trimmed, in lower case and once each, in their order."""
    entry = capture.new_entry(
        "bug", "  title ", content=" kept as it is\n", tags=[" B ", "a", "b", "", "A"], project=" p ", confidence=0
    )
    assert (entry.title, entry.content, entry.project, entry.confidence) == ("title", " kept as it is\n", "p", 0)
    assert entry.tags == ["b", "a"]
    assert len(entry.id) == 26
    assert capture.new_entry("bug", "t", project="  ").project is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"entry_type": "note"}, "unknown type 'note'.*bug.*reference"),
        ({"entry_type": "patern"}, "did you mean pattern"),
        ({"entry_type": "Bug"}, "did you mean bug"),
        ({"title": ""}, "title is empty"),
        ({"title": " \n\t"}, "title is empty"),
        ({"title": "x" * 501}, "501 characters.*500 at most"),
        ({"title": "x" * 1_000_000}, "1000000 characters"),
        ({"title": "a\udcffb"}, r"title is not UTF-8.*position 1"),
        ({"content": "x" * 1_000_001}, "1000001 characters"),
        ({"content": "\udc80"}, "content is not UTF-8"),
        ({"tags": ["x" * 101]}, "101 characters"),
        ({"tags": [str(n) for n in range(51)]}, "51 tags are too many: 50"),
        ({"tags": ["\udc80"]}, "tag is not UTF-8"),
        ({"project": "x" * 101}, "101 characters"),
        ({"project": "\udc80"}, "project is not UTF-8"),
        ({"confidence": 6}, "confidence 6 is out of range"),
        ({"confidence": -1}, "0 to 5"),
        ({"memory_type": "semantc"}, "did you mean semantic"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], words: str) -> None:
    """Each names the value and what is accepted."""
    with pytest.raises(InvalidValueError, match=words) as error:
        capture.new_entry(**{"entry_type": "bug", "title": "title", **fields})
    assert len(one_line(error)) < 300


def test_limits_are_inclusive() -> None:
    """The longest of everything passes."""
    entry = capture.new_entry(
        "bug", "x" * 500, content="x" * 1_000_000, tags=["t" * 100, *map(str, range(49))], project="p" * 100
    )
    assert len(entry.tags) == 50
    for entry_type in VALID_TYPES:
        assert capture.check_type(entry_type) == entry_type


def test_relation_types() -> None:
    """The four, or the nearest of them."""
    assert capture.check_relation_type("supersedes") == "supersedes"
    with pytest.raises(InvalidValueError, match="did you mean derived_from"):
        capture.check_relation_type("derived-from")


def test_a_context_is_read_from_json() -> None:
    """All keys, unknown ones ignored."""
    full = CONTEXT | {
        "what_failed": "this",
        "conversation_excerpt": "that",
        "files_modified": ["a.py"],
        "error_messages": ["E"],
        "time_of_day": "night",
        "day_of_week": "monday",
        "unknown": {"a": 1},
    }
    context = capture.context_from_json(json.dumps(full))
    assert context.trigger_keywords == ["key"]
    assert (context.what_failed, context.files_modified, context.time_of_day) == ("this", ["a.py"], "night")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("{'situation': 1}", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "is a list"),
        ("null", "is a NoneType"),
        ('"text"', "is a str"),
        ("{}", "no situation"),
        (json.dumps(CONTEXT | {"situation": None}), "no situation"),
        (json.dumps(CONTEXT | {"solution": ""}), "no solution"),
        (json.dumps(CONTEXT | {"trigger_keywords": []}), "no trigger_keywords"),
        (json.dumps(CONTEXT | {"trigger_keywords": "key"}), "trigger_keywords of the context is not a list"),
        (json.dumps(CONTEXT | {"trigger_keywords": [1]}), "not a list of texts"),
        (json.dumps(CONTEXT | {"trigger_keywords": [" "]}), "at least 1 non-empty"),
        (json.dumps(CONTEXT | {"situation": "four"}), "situation must be at least 5"),
        (json.dumps(CONTEXT | {"situation": 12345}), "situation of the context is a int"),
        (json.dumps(CONTEXT | {"what_failed": ["x"]}), "what_failed of the context is a list"),
        (json.dumps(CONTEXT | {"files_modified": {"a": 1}}), "files_modified of the context is not a list"),
        (json.dumps(CONTEXT | {"solution": "broken \ud800 text"}), "solution is not UTF-8"),
    ],
)
def test_a_malformed_context_is_refused(text: str, words: str) -> None:
    """Which part, and what to give instead."""
    with pytest.raises(InvalidValueError, match=words) as error:
        capture.context_from_json(text)
    one_line(error)


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*CONTEXT, "what_failed"]), inner),
    max_leaves=10,
)


@settings(deadline=None, database=None)
@given(data=_json)
def test_any_json_is_read_or_refused(data: Any) -> None:
    """Nothing but `InvalidValueError` comes of it."""
    try:
        context = capture.context_from_dict(data)
    except InvalidValueError as refused:
        message = str(refused)
    else:
        message = "read"
        assert context.trigger_keywords
    assert len(message.splitlines()) == 1


@settings(deadline=None, database=None)
@given(
    title=st.text(st.characters(exclude_categories=())), tags=st.lists(st.text(st.characters(exclude_categories=())))
)
def test_any_text_is_cleaned_or_refused(title: str, tags: list[str]) -> None:
    """What passes can be stored as UTF-8 and is within the limits."""
    try:
        entry = capture.new_entry("bug", title, tags=tags)
    except InvalidValueError:
        return
    assert entry.title.encode()
    assert len(set(entry.tags)) == len(entry.tags) <= 50
