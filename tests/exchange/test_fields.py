"""Rows to JSON and back: nothing is lost, and nothing of a wrong type comes in."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import databases, raw
from support.entries import ANY_TEXT, contexts, entries
from support.zones import local_zone

from rekall.errors import ImportRefusedError
from rekall.exchange.fields import decode, encode, entry_dict, entry_record, keywords_of, more_of
from rekall.exchange.records import ENTRIES, Record
from rekall.exchange.times import with_offset, without_offset
from rekall.models import Entry, StructuredContext
from rekall.store.columns import COLUMNS
from rekall.store.context_codec import compress_context
from rekall.store.rows import entry_values

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


def as_json(data: Any) -> Any:
    return json.loads(json.dumps(data))


def there_and_back(values: dict[str, Any]) -> dict[str, Any]:
    return entry_record(as_json(entry_dict(values)), as_json(more_of(values)), "here").values


def full(values: dict[str, Any]) -> dict[str, Any]:
    """With the columns that an import fills in."""
    text = values.get("context_structured")
    return {
        "context_blob": text and compress_context(text),
        **dict.fromkeys(("context_structured", "context_compressed", "project", "superseded_by"), None),
        **dict.fromkeys(("last_accessed", "next_review"), None),
        "review_interval": 1,
        "ease_factor": 2.5,
        "centrality_score": 0.0,
        "keywords": keywords_of(text),
        **values,
    }


def sample_rows(folder: Path, table: str) -> list[dict[str, Any]]:
    with raw.connection(databases.unpack("v12.db", folder)) as opened:
        opened.row_factory = sqlite3.Row
        return [dict(row) for row in opened.execute(f"SELECT * FROM {table}")]


def test_every_row_of_a_real_base(tmp_path: Path) -> None:
    """Each row of each table of v12.db comes back with the same values of the same types."""
    tags: dict[str, list[str]] = {}
    words: dict[str, list[str]] = {}
    for lists, column, table in ((tags, "tag", "tags"), (words, "keyword", "context_keywords")):
        for row in sample_rows(tmp_path, table):
            lists.setdefault(row["entry_id"], []).append(row[column])
    for row in sample_rows(tmp_path, ENTRIES):
        values = {**row, "tags": sorted(tags.get(row["id"], [])), "keywords": sorted(words.get(row["id"], []))}
        back = full(there_and_back(values))
        assert {name: (type(value), value) for name, value in back.items()} == {
            name: (type(value), value) for name, value in values.items()
        }
    for table in set(COLUMNS) - {ENTRIES, "tags", "context_keywords"}:
        for row in sample_rows(tmp_path, table):
            assert decode(table, as_json(encode(Record(table, row, "here"))), "here").values == row


@given(entries(), st.none() | contexts(), st.none() | ANY_TEXT)
def test_any_entry(entry: Entry, context: StructuredContext | None, text: str | None) -> None:
    """Whatever can be stored."""
    structured = context.to_json() if context else None
    values = full(
        {
            **entry_values(entry),
            "tags": entry.tags,
            "context_structured": structured,
            "context_compressed": None if text is None else compress_context(text),
            "centrality_score": 0.25,
        }
    )
    assert full(there_and_back(values)) == values


def entry_row(**changes: Any) -> dict[str, Any]:
    values = entry_values(Entry("01JNDMK1H0QWEXWE777X3X1A6Q", "Title", "bug"))
    return full({**values, "tags": [], **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"content": None},
        {"confidence": None, "status": None, "memory_type": None},
        {"access_count": None, "consolidation_score": None, "review_interval": None, "ease_factor": None},
        {"title": "", "id": "an id of one's own"},
        {"created_at": "2025-03-30 02:30:00", "updated_at": "2025-10-26T02:30:00.123456"},
        {"created_at": "2025-12-20", "last_accessed": "2025-12-20T10:00:00+02:00"},
        {"next_review": "2025-12-20T00:00:00"},
        {"context_structured": "no JSON", "context_blob": b"\0\1"},
        {"context_structured": '{"b":1}', "keywords": ["left", "over"]},
        {"consolidation_score": float("inf")},
    ],
    ids=str,
)
def test_odd_values_that_a_file_may_hold(changes: dict[str, Any]) -> None:
    """Missing where it is usually there, texts that are no times, blobs that nothing reads."""
    with local_zone(BERLIN):
        values = entry_row(**changes)
        assert full(there_and_back(values)) == values


def test_a_moment_is_the_same_on_another_machine() -> None:
    """Local times go by their offset, UTC by its own; an hour that a clock skips or repeats comes back as it was."""
    with local_zone(BERLIN):
        summer, skipped = with_offset("2025-07-01T12:00:00", "local"), with_offset("2025-03-30T02:30:00", "local")
        assert (summer, with_offset("2025-07-01 12:00:00", "utc")) == (
            "2025-07-01T12:00:00+02:00",
            "2025-07-01 12:00:00+00:00",
        )
        assert skipped is not None
        assert without_offset(skipped, "local") == "2025-03-30T02:30:00"
        repeated = with_offset("2025-10-26T02:30:00", "local")
        assert repeated is not None
        assert without_offset(repeated, "local") == "2025-10-26T02:30:00"
    with local_zone("JST-9"):
        assert without_offset(str(summer), "local") == "2025-07-01T19:00:00"
        assert without_offset("2025-07-01 12:00:00+00:00", "utc") == "2025-07-01 12:00:00"
        assert without_offset("2025-07-01T12:00:00Z", "local") == "2025-07-01T21:00:00"
    for text in ("yesterday", "2025-13-01T00:00:00", "2025-07-01T12:00:00+2", "2025-07-01T12:00:00Zulu", ""):
        with pytest.raises(ValueError, match=r"is no moment|month"):
            without_offset(text, "local")


WRONG: dict[str, tuple[Any, ...]] = {
    "TEXT": (1, 1.5, True, ["a"], {}, {"base64": "AA=="}, "\ud800"),
    "INTEGER": ("1", 1.5, True, [1], {}, 2**63, -(2**63) - 1),
    "REAL": ("1", False, [1.0], {}, {"real": "much"}),
    "BLOB": ("text", 1, [], {"base64": "?"}, {"base64": 1}),
}


@pytest.mark.parametrize("name", [*COLUMNS[ENTRIES], "tags", "keywords", "context"])
def test_wrong_types_of_an_entry_are_refused(name: str) -> None:
    """In each of its fields, with the place and the name in one line."""
    values = entry_row()
    first, more = entry_dict(values), more_of(values)
    wrong = WRONG[COLUMNS[ENTRIES][name].kind] if name in COLUMNS[ENTRIES] else (1, "text", [1], ["\ud800"], None)
    if name in ("context", "keywords", "tags"):
        wrong = wrong[:3]
    for value in wrong:
        target = first if name in first else more
        with pytest.raises(ImportRefusedError) as refusal:
            entry_record({**first, **({name: value} if target is first else {})}, {**more, name: value}, "entry 3")
        assert str(refusal.value).startswith("entry 3")
        assert name in str(refusal.value)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("table", sorted(set(COLUMNS) - {ENTRIES, "tags", "context_keywords"}))
def test_wrong_types_of_other_rows_are_refused(table: str, tmp_path: Path) -> None:
    """In each of their fields."""
    rows = sample_rows(tmp_path, table)
    good = as_json(encode(Record(table, rows[0], "row 1"))) if rows else {}
    for name, column in COLUMNS[table].items():
        for value in WRONG[column.kind]:
            with pytest.raises(ImportRefusedError, match=r"^row 1"):
                decode(table, {**good, name: value}, "row 1")
        if column.required and good:
            with pytest.raises(ImportRefusedError, match=f"no {name}"):
                decode(table, {key: value for key, value in good.items() if key != name}, "row 1")
    with pytest.raises(ImportRefusedError):
        decode(table, ["no", "object"], "row 1")  # type: ignore[arg-type]  # what a damaged file may hold


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("type", "note"), ("status", "gone"), ("memory_type", "dim"), ("confidence", 6), ("created_at", "soon")),
        *(("next_review", "soon"), ("id", ""), ("id", " "), ("id", "a\0b")),
    ],
)
def test_values_that_a_base_refuses(name: str, value: Any) -> None:
    """Are refused with the field and the value."""
    with pytest.raises(ImportRefusedError, match=name if name != "next_review" else "cannot be read"):
        entry_record({**entry_dict(entry_row()), name: value}, None, "entry 3")
