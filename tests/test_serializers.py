"""Entries as the JSON of archives and exports."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekall.db import Database
from rekall.models import VALID_MEMORY_TYPES, VALID_TYPES, Entry
from rekall.serializers import dict_to_entry, entries_from_json, entries_to_json, entry_to_dict

KEYS = [
    *("id", "title", "type", "content", "project", "tags", "confidence", "status", "superseded_by"),
    *("created_at", "updated_at", "memory_type", "last_accessed", "access_count", "consolidation_score", "next_review"),
]
NOT_CARRIED = {"review_interval": 1, "ease_factor": 2.5, "centrality_score": 0.0}

TEXT = st.text(st.characters(codec="utf-8"))
ENTRIES = st.builds(
    Entry,
    id=TEXT,
    title=TEXT,
    type=st.sampled_from(VALID_TYPES),
    content=TEXT,
    project=st.none() | TEXT,
    tags=st.lists(TEXT),
    confidence=st.integers(0, 5),
    status=st.sampled_from(["active", "obsolete"]),
    superseded_by=st.none() | TEXT,
    created_at=st.datetimes(),
    updated_at=st.datetimes(),
    memory_type=st.sampled_from(VALID_MEMORY_TYPES),
    last_accessed=st.none() | st.datetimes(),
    access_count=st.integers(0),
    consolidation_score=st.floats(0, 1),
    next_review=st.none() | st.dates(),
)


@given(st.lists(ENTRIES, max_size=3))
def test_any_entry_survives(entries: list[Entry]) -> None:
    """As a dict, and in a JSON text."""
    assert [dict_to_entry(entry_to_dict(entry)) for entry in entries] == entries
    assert entries_from_json(entries_to_json(entries)) == entries


def test_the_keys_are_those_of_archives() -> None:
    """Sixteen, in their order; what else an entry has is not carried."""
    entry = Entry("1", "t", "bug", tags=["a"], review_interval=6, ease_factor=1.3, centrality_score=5.0)
    record = entry_to_dict(entry)
    assert list(record) == KEYS
    assert record["tags"] is not entry.tags
    assert {name: getattr(dict_to_entry(record), name) for name in NOT_CARRIED} == NOT_CARRIED


def test_times_are_iso_text() -> None:
    """Without zone, as the file holds them; a review is a day."""
    moment = datetime(2025, 3, 1, 12, 30, 15, 250)
    record = entry_to_dict(
        Entry("1", "t", "bug", created_at=moment, last_accessed=moment, next_review=date(2025, 4, 1))
    )
    assert record["created_at"] == record["last_accessed"] == "2025-03-01T12:30:15.000250"
    assert record["next_review"] == "2025-04-01"


@pytest.mark.fault(29)
@pytest.mark.parametrize("text", ["2025-04-01", "2025-04-01T09:30:00"])
def test_a_review_comes_back_as_a_day(text: str, tmp_path: Path) -> None:
    """0.3 made a time of it, which then stood in archives and in the file."""
    entry = dict_to_entry({"id": "1", "title": "t", "next_review": text})
    assert type(entry.next_review) is date
    assert entry.next_review == date(2025, 4, 1)
    with Database(tmp_path / "k.db") as db:
        db.add(entry)
        assert entry_to_dict(db.entries.get("1", update_access=False) or entry)["next_review"] == "2025-04-01"


@pytest.mark.fault(29)
@pytest.mark.parametrize("absent", [{}, dict.fromkeys(KEYS[2:])], ids=["missing", "null"])
def test_defaults(absent: dict[str, None]) -> None:
    """What a type is missing is a reference: the `note` of 0.3 was refused."""
    before = datetime.now()
    entry = dict_to_entry({"id": "1", "title": "t", **absent})
    assert timedelta(0) <= entry.created_at - before < timedelta(minutes=1)
    assert entry == Entry("1", "t", "reference", created_at=entry.created_at, updated_at=entry.created_at)


def test_zeros_are_values() -> None:
    """A confidence of 0 stays 0."""
    assert dict_to_entry({"id": "1", "title": "t", "confidence": 0}).confidence == 0


@pytest.mark.fault(28)
def test_repeated_tags_reach_the_base_once(tmp_path: Path) -> None:
    """They stay in the record as they were, and storing them fails no more."""
    entry = dict_to_entry({"id": "1", "title": "t", "tags": ["a", "b", "a"]})
    assert entry.tags == ["a", "b", "a"]
    with Database(tmp_path / "k.db") as db:
        db.add(entry)
        stored = db.get("1")
        assert stored is not None
        assert stored.tags == ["a", "b"]


@pytest.mark.parametrize("missing", ["id", "title"])
def test_no_entry_without_id_or_title(missing: str) -> None:
    """A KeyError that names it."""
    with pytest.raises(KeyError, match=missing):
        dict_to_entry({key: "x" for key in ("id", "title") if key != missing})


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "note"},
        {"confidence": 6},
        {"confidence": "high"},
        {"memory_type": "short"},
        {"created_at": "yesterday"},
        {"created_at": 5},
        {"tags": 5},
        {"next_review": "soon"},
    ],
)
def test_a_refused_value(wrong: dict[str, object]) -> None:
    """Of whatever kind it is, a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        dict_to_entry({"id": "1", "title": "t", **wrong})


def test_json_is_for_people_too() -> None:
    """Indented by 2, not ASCII-escaped."""
    text = entries_to_json([Entry("1", "été", "bug")])
    assert "été" in text
    assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    assert '\n    "id"' in text
    assert '\n        "id"' in entries_to_json([Entry("1", "t", "bug")], indent=4)
    assert entries_to_json([]) == "[]"


@pytest.mark.parametrize("text", ["", "[", "{}", '{"id": "1", "title": "t"}', "5", '["id"]'])
def test_what_is_no_array_of_objects(text: str) -> None:
    """A ValueError, of malformed JSON the JSONDecodeError that 0.3 raised; an object is not taken for its keys."""
    with pytest.raises(ValueError, match=r"array of objects|line 1"):
        entries_from_json(text)
