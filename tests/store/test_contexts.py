"""Contexts in their three stored forms, and the keywords beside them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from support import raw

from rekall.db import Database, compress_context, decompress_context
from rekall.errors import IntegrityError
from rekall.models import Entry, StructuredContext


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        for entry_id in "ABC":
            opened.add(Entry(entry_id, "title", "bug", updated_at=datetime(2025, 1, 1 + ord(entry_id) - ord("A"))))
        yield opened


def full() -> StructuredContext:
    return StructuredContext(
        situation="  a situation é ",
        solution="a solution",
        trigger_keywords=[" One ", "two", "one", ""],
        what_failed="nothing",
        conversation_excerpt="Human: hello",
        files_modified=["a.py"],
        error_messages=["E1", "E2"],
        time_of_day="night",
        day_of_week="monday",
        created_at=datetime(2025, 1, 2, 3),
        extraction_method="hybrid",
    )


def test_a_structured_context_comes_back_whole(db: Database) -> None:
    """All eleven fields, from the plain and the compressed JSON, which are the same text."""
    db.store_structured_context("A", full())
    assert db.get_structured_context("A") == full()
    ((text, blob),) = raw.rows(db.db_path, "SELECT context_structured, context_blob FROM entries WHERE id = 'A'")
    assert zlib.decompress(blob).decode() == text
    assert text.isascii()
    assert list(json.loads(text)) == list(full().to_dict())
    assert db.get_structured_context("B") is None
    assert db.get_structured_context("none") is None


def test_a_context_replaces_the_one_before_with_its_keywords(db: Database) -> None:
    """And changes neither `updated_at` nor the access count."""
    before = db.get("A", update_access=False)
    db.store_structured_context("A", full())
    db.store_structured_context("A", StructuredContext("another situation", "another solution", ["three"]))
    assert raw.rows(db.db_path, "SELECT keyword FROM context_keywords") == [("three",)]
    assert db.get("A", update_access=False) == before
    assert [hit.entry.id for hit in db.search("another")] == ["A"]
    assert db.search('"a situation"') == []


def test_a_context_of_an_unknown_entry(db: Database) -> None:
    """The free text does nothing, the structured one is refused."""
    db.store_context("none", "free text")
    with pytest.raises(IntegrityError, match="none"):
        db.store_structured_context("none", full())
    assert raw.rows(db.db_path, "SELECT count(*) FROM context_keywords") == [(0,)]


def test_the_blob_is_read_first_and_the_plain_json_when_it_is_damaged(db: Database) -> None:
    """One whole form is enough."""
    db.store_structured_context("A", full())
    raw.write(db.db_path, "UPDATE entries SET context_structured = '{' WHERE id = 'A'")
    assert db.get_structured_context("A") == full()
    assert [hit.entry.id for hit in db.search("situation")] == ["A"]
    db.store_structured_context("A", full())
    raw.write(db.db_path, "UPDATE entries SET context_blob = x'0102' WHERE id = 'A'")
    assert db.get_structured_context("A") == full()
    raw.write(db.db_path, "UPDATE entries SET context_structured = 'x' WHERE id = 'A'")
    assert db.get_structured_context("A") is None
    assert db.get_entries_with_structured_context() == []


def test_free_texts(db: Database) -> None:
    """Sizes in compressed bytes, 0 without one; unknown ids are absent; unreadable is None."""
    db.store_context("A", "free text é")
    assert db.get_context("A") == "free text é"
    assert db.get_context("B") is None
    assert db.get_context("none") is None
    assert db.get_contexts_for_verification([]) == {}
    assert db.get_contexts_for_verification(["A", "B", "none"]) == {"A": "free text é", "B": None}
    assert db.get_context_sizes(["A", "B", "none"]) == {"A": len(compress_context("free text é")), "B": 0}
    raw.write(db.db_path, "UPDATE entries SET context_compressed = x'00' WHERE id = 'A'")
    assert db.get_context("A") is None


def test_compression_is_that_of_0_3() -> None:
    """zlib level 6 of UTF-8; what is neither raises."""
    assert compress_context("texte é") == zlib.compress("texte é".encode(), 6)
    with pytest.raises(zlib.error):
        decompress_context(b"plain")
    with pytest.raises(UnicodeDecodeError):
        decompress_context(zlib.compress(b"\xff"))


def test_keywords_match_exactly_in_lower_case(db: Database) -> None:
    """Any of them; last updated first; obsolete entries included; blanks alone find nothing."""
    for entry_id in "ABC":
        db.store_structured_context(entry_id, full())
    db.entries.change("B", {"status": "obsolete"})
    assert [entry.id for entry in db.search_by_keywords(["  TWO", ""])] == ["B", "C", "A"]
    assert [entry.id for entry in db.search_by_keywords(["none", "one"], limit=2)] == ["B", "C"]
    assert db.search_by_keywords(["tw"]) == db.search_by_keywords([]) == db.search_by_keywords([" "]) == []
    assert [entry.id for entry, _ in db.get_entries_with_structured_context(2)] == ["B", "C"]


@pytest.mark.fault(20, 23)
def test_plain_json_of_schema_6_gets_its_compressed_form_and_its_keywords(db: Database) -> None:
    """An older free text becomes the excerpt where that is empty; unreadable rows stay; a second run finds nothing."""
    plain = full()
    plain.conversation_excerpt = None
    for entry_id, text in (("A", plain.to_json()), ("B", full().to_json()), ("C", "{broken")):
        with raw.connection(db.db_path) as connection:
            connection.execute("UPDATE entries SET context_structured = ? WHERE id = ?", (text, entry_id))
            connection.commit()
    db.store_context("A", "the older text")
    db.store_context("B", "the older text")
    assert db.count_entries_without_context_blob() == 3
    assert db.migrate_to_compressed_context() == (2, 4)
    assert db.count_entries_without_context_blob() == 1
    first, second = db.get_structured_context("A"), db.get_structured_context("B")
    assert first is not None
    assert second == full()
    assert (first.conversation_excerpt, first.time_of_day) == ("the older text", "night")
    assert [entry.id for entry in db.search_by_keywords(["two"])] == ["B", "A"]
    assert db.migrate_to_compressed_context() == (0, 0)


def test_an_entry_and_its_contexts_in_one_write(db: Database) -> None:
    """Both kinds at once are found and read back."""
    db.add(Entry("D", "title", "bug"), context=full(), context_text="a badger in free text")
    assert (db.get_context("D"), db.get_structured_context("D")) == ("a badger in free text", full())
    for word in ("badger", "E2", "situation", "one"):
        assert "D" in [hit.entry.id for hit in db.search(word)]
