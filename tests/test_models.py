"""The plain data: what its classes refuse, in 0.3's words, and how they travel."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

import pytest

from rekall.models import (
    ULID_ENCODING,
    VALID_RELATION_TYPES,
    VALID_TYPES,
    Entry,
    Link,
    SearchResult,
    StructuredContext,
    generate_ulid,
)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "note"}, "invalid type"),
        ({"type": "note", "confidence": 9, "memory_type": "x"}, "invalid type"),
        ({"confidence": 6}, "confidence must be 0-5"),
        ({"confidence": -1, "memory_type": "x"}, "confidence must be 0-5"),
        ({"memory_type": "x"}, "invalid memory_type"),
    ],
)
def test_an_entry_refuses(fields: dict[str, Any], words: str) -> None:
    """Type, confidence and memory type, in that order."""
    with pytest.raises(ValueError, match=words):
        Entry(**{"id": "A", "title": "t", "type": "bug", **fields})


def test_an_entry_accepts_the_rest_unchecked() -> None:
    """Both ends of the confidence, every type; status, title and dates are the caller's."""
    for entry_type in VALID_TYPES:
        Entry("A", "", entry_type, confidence=0)  # type: ignore[arg-type]  # the literals, as plain text
    entry = Entry("A", "t", "bug", confidence=5, status="anything")  # type: ignore[arg-type]  # unchecked, as in 0.3
    assert (entry.tags, entry.memory_type, entry.review_interval, entry.ease_factor) == ([], "episodic", 1, 2.5)
    assert Entry("B", "t", "bug").tags is not Entry("C", "t", "bug").tags


@pytest.mark.parametrize(
    ("source", "target", "relation", "words"),
    [
        ("A", "A", "nonsense", "invalid relation_type"),
        ("A", "A", "related", "cannot link entry to itself"),
    ],
)
def test_a_link_refuses(source: str, target: str, relation: str, words: str) -> None:
    """The relation type first."""
    with pytest.raises(ValueError, match=words):
        Link("L", source, target, relation)  # type: ignore[arg-type]  # refused at run time
    for known in VALID_RELATION_TYPES:
        Link("L", "A", "B", known)  # type: ignore[arg-type]  # the literals, as plain text


@pytest.mark.parametrize(
    ("situation", "solution", "keywords", "words"),
    [
        ("four", "a solution", ["k"], "situation must be at least 5"),
        ("    four    ", "x", [], "situation must be at least 5"),
        ("a situation", " four ", ["k"], "solution must be at least 5"),
        ("a situation", "a solution", [], "at least 1 trigger keyword"),
        ("a situation", "a solution", ["", "  "], "at least 1 non-empty"),
    ],
)
def test_a_context_refuses(situation: str, solution: str, keywords: list[str], words: str) -> None:
    """Texts that say nothing, and no keyword to find it by."""
    with pytest.raises(ValueError, match=words):
        StructuredContext(situation, solution, keywords)


def test_a_context_keeps_its_texts_and_cleans_its_keywords() -> None:
    """Keywords trimmed, lower case, blanks dropped, duplicates kept; situation and solution as given."""
    context = StructuredContext("  situation ", "solution  ", [" Two Words ", "", "É", "é"])
    assert context.trigger_keywords == ["two words", "é", "é"]
    assert (context.situation, context.solution) == ("  situation ", "solution  ")


def test_a_context_travels_as_json() -> None:
    """Eleven keys in 0.3's order, non-ASCII escaped; read from text or dict, unknown keys ignored."""
    context = StructuredContext("situation é", "solution", ["k"], created_at=datetime(2025, 1, 2, 3, 4))
    text = context.to_json()
    assert text.isascii()
    assert list(json.loads(text)) == [
        *("situation", "solution", "trigger_keywords", "what_failed", "conversation_excerpt", "files_modified"),
        *("error_messages", "time_of_day", "day_of_week", "created_at", "extraction_method"),
    ]
    assert StructuredContext.from_json(text) == context
    assert StructuredContext.from_json(json.loads(text) | {"unknown": 1}) == context


@pytest.mark.parametrize("missing", ["situation", "solution", "trigger_keywords"])
def test_a_context_without_a_required_key(missing: str) -> None:
    """KeyError, as in 0.3; everything else is optional and an absent time is now."""
    data = {"situation": "situation", "solution": "solution", "trigger_keywords": ["k"], "created_at": ""}
    before = datetime.now()
    assert before <= StructuredContext.from_dict(data).created_at <= datetime.now()
    del data[missing]
    with pytest.raises(KeyError, match=missing):
        StructuredContext.from_dict(data)
    with pytest.raises(ValueError, match="Expecting"):
        StructuredContext.from_json("{")


@pytest.mark.parametrize(
    "wrong",
    [
        {"files_modified": [True]},
        {"files_modified": "a.py"},
        {"error_messages": [["x"]]},
        {"what_failed": 5},
        {"extraction_method": 3},
    ],
)
def test_a_context_with_values_of_other_kinds(wrong: dict[str, Any]) -> None:
    """Refused: whoever shows a context may rely on its texts."""
    data = {"situation": "situation", "solution": "solution", "trigger_keywords": ["k"]}
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        StructuredContext.from_dict({**data, **wrong})


def test_an_id_is_a_ulid() -> None:
    """26 characters of Crockford's base 32: the milliseconds, then chance; later ids sort later."""
    before = time.time_ns() // 1_000_000
    ids = [generate_ulid() for _ in range(2_000)]
    after = time.time_ns() // 1_000_000
    assert len(set(ids)) == len(ids)
    assert set("".join(ids)) == set(ULID_ENCODING)
    assert not set("ILOU") & set(ULID_ENCODING)
    for made in (ids[0], ids[-1]):
        moment = 0
        for character in made[:10]:
            moment = moment * 32 + ULID_ENCODING.index(character)
        assert len(made) == 26
        assert before <= moment <= after
    time.sleep(0.002)
    assert generate_ulid() > ids[-1]


def test_a_search_result_has_an_empty_snippet() -> None:
    """Kept for programs of 0.3, never filled."""
    assert SearchResult(Entry("A", "t", "bug"), -1.5).snippet == ""
