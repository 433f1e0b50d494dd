"""`rekall.exporters`: the functions of 0.3."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from rekall.exporters import (
    SENSITIVE_PATTERNS,
    detect_sensitive_data,
    entries_to_json,
    export_json,
    export_markdown,
)
from rekall.models import Entry

# put together here, so that no scanner takes this file for one that leaks
FAMILIES = {
    "API Key": ("api_key = " + "a1B2" * 5, 'APIKEY: "' + "a1B2" * 5 + '"', "the api-key:" + "x" * 20),
    "Secret/Token": ("password=" + "hunter22", "client_secret: 'abcdefgh'", "pwd := 12345678", '{"token": "abcdefgh"}'),
    "OpenAI API Key": ("use sk-" + "a" * 20, "sk-proj-" + "A1b2" * 10),
    "GitHub Token": ("ghp_" + "a1" * 18, "clone with gho_" + "Z" * 36),
    "Slack Token": ("xoxb-" + "1234567890-abc", "xoxp-" + "a" * 10),
    "Bearer Token": ("Authorization: Bearer " + "e" * 20,),
    "AWS Credentials": ("export AWS_ACCESS_KEY_ID", "aws_secret", "the AWS secret"),
}
HARMLESS = (
    "the api key is missing",
    "api_key = short",
    "password: ",
    "a token of appreciation",
    "task-" + "a" * 30,
    "sk-short",
    "ghp_" + "a" * 35,
    "xoxz-1234567890",
    "the bearer of bad news, which is long",
    "aws s3 ls",
)


def _entry(content: str, title: str = "A title") -> Entry:
    return Entry("01HAAAAAAAAAAAAAAAAAAAAAAA", title, "bug", content)


@pytest.mark.parametrize(("label", "text"), [(label, text) for label, texts in FAMILIES.items() for text in texts])
def test_a_secret_is_found(label: str, text: str) -> None:
    """In the content and in the title, in either case, once for each entry."""
    for entry in (_entry(f"see {text} there"), _entry("", text), _entry(text.upper()), _entry(f"{text}\n{text}")):
        assert detect_sensitive_data([entry]) == [(entry.id, entry.title, label)]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret(text: str) -> None:
    """Words alone, and values that are too short."""
    assert detect_sensitive_data([_entry(text)]) == []


def test_the_first_family_counts() -> None:
    """In the order of the patterns, of which there are seven."""
    both = _entry("aws_secret and api_key = " + "x" * 20)
    assert detect_sensitive_data([both, _entry("nothing")]) == [(both.id, both.title, "API Key")]
    assert [label for _, label in SENSITIVE_PATTERNS] == list(FAMILIES)


@pytest.mark.parametrize(
    "piece", ["api_key", "password ", "sk-", "xoxb-a", "bearer ", "ghp_", "a", " ", "token=", "aws_"]
)
def test_a_long_text_takes_time_in_proportion(piece: str) -> None:
    """A megabyte of what nearly matches everywhere ends; what grew with its square would not within the time limit."""
    text = piece * (1_000_000 // len(piece))
    assert len(detect_sensitive_data([_entry(text)])) <= 1


def test_json_is_that_of_archives() -> None:
    """The same text."""
    entries = [_entry("é"), _entry("two")]
    assert export_json(entries) == entries_to_json(entries)
    assert [one["content"] for one in json.loads(export_json(entries))] == ["é", "two"]


def test_markdown_has_the_shape_of_0_3() -> None:
    """Head, groups by type, and for each entry a title, a list, its content and a rule."""
    entries = [
        Entry("01HB", "Second", "pattern", "Text\nof two lines", created_at=datetime(2025, 12, 20, 10), confidence=4),
        Entry("01HA", "First", "bug", "", tags=["a", "b"], project="shop", created_at=datetime(2025, 1, 2)),
        Entry(
            "01HC", "Third", "pattern", "x", status="obsolete", superseded_by="01HB", created_at=datetime(2025, 1, 2)
        ),
    ]
    head, *groups = export_markdown(entries).split("\n## ")
    title, when, count, rule = (line for line in head.splitlines() if line)
    assert title.startswith("# ")
    assert datetime.now().strftime("%Y-%m-%d") in when
    assert "3" in count
    assert rule == "---"
    assert [group.splitlines()[0] for group in groups] == ["Bugs (1)", "Patterns (2)"]
    assert [line for line in groups[0].splitlines()[1:] if line] == [
        "### First",
        "- **ID**: `01HA`",
        "- **Confidence**: ★★☆☆☆",
        "- **Project**: shop",
        "- **Tags**: a, b",
        "- **Created**: 2025-01-02",
        "---",
    ]
    assert [line for line in groups[1].splitlines()[1:] if line] == [
        "### Second",
        "- **ID**: `01HB`",
        "- **Confidence**: ★★★★☆",
        "- **Created**: 2025-12-20",
        "Text",
        "of two lines",
        "---",
        "### Third",
        "- **ID**: `01HC`",
        "- **Confidence**: ★★☆☆☆",
        "- **Created**: 2025-01-02",
        "- **Status**: obsolete",
        "- **Replaced by**: `01HB`",
        "x",
        "---",
    ]
