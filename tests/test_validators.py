"""Checks of data from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from rekall import validators
from rekall.models import VALID_TYPES
from rekall.validators import (
    ArchiveMetadataValidator,
    ArchiveValidator,
    ConfigValidator,
    validate_archive_entry,
    validate_entry,
)

METADATA = {"version": "1.0.0", "created_at": "2025-03-01T12:00:00", "entry_count": 1}
ENTRY = {"id": "1", "title": "t", "content": "c", "created_at": "whenever"}


def refusals(function: Any, data: dict[str, Any]) -> list[tuple[Any, str]]:
    """The place and the type of each refusal."""
    with pytest.raises(ValidationError) as caught:
        function(data)
    return [(error["loc"][-1], error["type"]) for error in caught.value.errors()]


def test_the_limits_are_those_of_0_3() -> None:
    """Programs read them."""
    names = ["CONTENT_LENGTH", "ENTRIES_COUNT", "INTEGRATIONS", "TAGS_COUNT", "TAG_LENGTH", "TITLE_LENGTH"]
    assert [getattr(validators, f"MAX_{name}") for name in names] == [1_000_000, 100_000, 10, 50, 100, 500]


def test_an_entry_is_cleaned() -> None:
    """Title and tags trimmed, tags in lower case, blank ones dropped, repeated ones kept; numeric text a number."""
    entry = validate_entry({"title": " T ", "tags": [" A ", "", "  ", "a"], "confidence": "4", "unknown": 1})
    assert entry.model_dump() == {
        "title": "T",
        "content": "",
        "tags": ["a", "a"],
        "entry_type": "note",
        "confidence": 4,
        "project": None,
    }


@pytest.mark.parametrize("entry_type", [*VALID_TYPES, "note"])
def test_types_of_an_entry(entry_type: str) -> None:
    """The six that can be stored, and `note`."""
    assert validate_entry({"title": "t", "entry_type": entry_type}).entry_type == entry_type


@pytest.mark.parametrize(
    ("data", "place", "kind"),
    [
        ({}, "title", "missing"),
        ({"title": ""}, "title", "string_too_short"),
        ({"title": "x" * 501}, "title", "string_too_long"),
        ({"title": f"{'x' * 500} "}, "title", "string_too_long"),
        ({"title": "  "}, "title", "value_error"),
        ({"title": "t", "content": "x" * 1_000_001}, "content", "string_too_long"),
        ({"title": "t", "tags": [""] * 51}, "tags", "too_long"),
        ({"title": "t", "tags": ["x" * 101]}, "tags", "value_error"),
        ({"title": "t", "entry_type": "idea"}, "entry_type", "string_pattern_mismatch"),
        ({"title": "t", "entry_type": "bugs"}, "entry_type", "string_pattern_mismatch"),
        ({"title": "t", "confidence": 6}, "confidence", "less_than_equal"),
        ({"title": "t", "confidence": -1}, "confidence", "greater_than_equal"),
        ({"title": "t", "project": "x" * 101}, "project", "string_too_long"),
    ],
)
def test_refusals_of_an_entry(data: dict[str, Any], place: str, kind: str) -> None:
    """Each value at its own place; the length of a title is that before trimming, tags are counted blanks included."""
    assert refusals(validate_entry, data) == [(place, kind)]


def test_the_words_of_two_refusals() -> None:
    """Callers match on them."""
    with pytest.raises(ValidationError, match="Title cannot be empty"):
        validate_entry({"title": " "})
    with pytest.raises(ValidationError, match="Tag too long"):
        validate_entry({"title": "t", "tags": ["x" * 101]})


def test_values_at_the_limits() -> None:
    """The limits themselves are accepted."""
    data = {
        "title": "x" * 500,
        "content": "x" * 1_000_000,
        "tags": ["x" * 100] * 50,
        "confidence": 0,
        "project": "x" * 100,
    }
    assert validate_entry(data).model_dump() | data == validate_entry(data).model_dump()


def test_settings() -> None:
    """Defaults, and what is refused."""
    assert ConfigValidator().model_dump() == {
        "db_path": None,
        "active_integrations": [],
        "embeddings_provider": None,
        "language": "en",
    }
    assert ConfigValidator(language="pt-BR").language == "pt-BR"
    data = {"active_integrations": ["x"] * 11, "embeddings_provider": "x" * 51, "language": "english"}
    assert refusals(ConfigValidator.model_validate, data) == [
        ("active_integrations", "too_long"),
        ("embeddings_provider", "string_too_long"),
        ("language", "string_pattern_mismatch"),
    ]


def test_the_head_of_an_archive() -> None:
    """Three numbers for the version, a time, a count within the limit, and a checksum of 64 characters at most."""
    assert ArchiveMetadataValidator.model_validate(METADATA).created_at == datetime(2025, 3, 1, 12)
    data = {"version": "1.0", "created_at": "soon", "entry_count": 100_001, "checksum": "x" * 65}
    assert [place for place, _ in refusals(ArchiveMetadataValidator.model_validate, data)] == list(data)


def test_an_entry_of_an_archive() -> None:
    """Its dates are text, its tags only counted; required are id, title, content and created_at."""
    entry = validate_archive_entry({**ENTRY, "tags": [" A "]})
    assert (entry.created_at, entry.tags, entry.entry_type, entry.confidence) == ("whenever", [" A "], "note", 2)
    assert refusals(validate_archive_entry, {}) == [(key, "missing") for key in ENTRY]
    assert refusals(validate_archive_entry, {**ENTRY, "id": "x" * 37}) == [("id", "string_too_long")]


def test_an_archive() -> None:
    """Its head, then its entries; the place of a refusal leads to the entry."""
    assert ArchiveValidator.model_validate({"metadata": METADATA}).entries == []
    with pytest.raises(ValidationError) as caught:
        ArchiveValidator.model_validate({"metadata": METADATA, "entries": [ENTRY, {**ENTRY, "confidence": 9}]})
    assert caught.value.errors()[0]["loc"] == ("entries", 1, "confidence")
