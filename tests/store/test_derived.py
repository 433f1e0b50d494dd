"""The `rekall_*` objects: dropped or changed they come back, and a wrecked index can be mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import databases, raw

from rekall.db import Database
from rekall.models import Entry, StructuredContext
from rekall.store.derived import OBJECTS

OURS = [name for name in OBJECTS if not name.startswith("entries_")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = databases.unpack("v12.db", tmp_path)
    with Database(found) as db:
        db.add(
            Entry("A", "walrus", "bug", tags=["tusk"]),
            context=StructuredContext("the badger case", "dig deeper", ["earth"]),
            context_text="a legacy narwhal",
        )
    return found


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    with Database(path) as opened:
        yield opened


def kind(name: str) -> str:
    word = OBJECTS[name].split()[1]
    return "TABLE" if word == "VIRTUAL" else word


def assert_whole(path: Path, *, counted: bool = True) -> None:
    with Database(path) as db:
        for word, matched in (("walrus", "entry"), ("tusk", "entry"), ("badger", "context"), ("narwhal", "context")):
            assert ("A", matched) in [(hit.entry.id, hit.matched) for hit in db.search(word, update_access=counted)]
        if counted:
            assert db.maintenance.derived_problems() == []
        assert db.maintenance.full_text_health().is_sound
        assert db.maintenance.integrity_problems() == []


@pytest.mark.parametrize("name", OBJECTS)
def test_a_dropped_object_is_made_again_by_the_next_write(path: Path, name: str) -> None:
    """Reading works without it; whoever counts or writes next makes it, filled."""
    raw.write(path, f"DROP {kind(name)} {name}")
    with Database(path) as db:
        assert name in db.maintenance.derived_problems()
    if name in OURS:
        assert_whole(path, counted=False)
    assert_whole(path)


def test_all_of_them_dropped(path: Path) -> None:
    """As if only 0.3.0 had ever written the file."""
    raw.write(path, *(f"DROP {kind(name)} {name}" for name in reversed(list(OBJECTS))))
    assert_whole(path, counted=False)
    assert_whole(path)


@pytest.mark.parametrize("name", ["entries_au", "rekall_context_ai"])
def test_an_object_of_another_version_is_replaced(path: Path, name: str) -> None:
    """Its text tells: the triggers of 0.3.0 on a file that only it wrote, or those of another Rekall."""
    raw.write(path, f"DROP TRIGGER {name}", f"CREATE TRIGGER {name} AFTER UPDATE ON entries BEGIN SELECT 1; END")
    with Database(path) as db:
        assert db.maintenance.derived_problems() == [name]
        db.add(Entry("B", "new", "bug"))
        assert db.maintenance.derived_problems() == []
    assert_whole(path)


def test_objects_dropped_under_an_open_session(db: Database, path: Path) -> None:
    """The next write notices that they are gone."""
    db.set_metadata("session", "is prepared")
    with raw.connection(path) as other:
        for name in reversed(list(OBJECTS)):
            other.execute(f"DROP {kind(name)} {name}")
        other.commit()
    db.add(Entry("B", "otter", "bug", tags=["river"]), context=StructuredContext("in the water", "swim on", ["fish"]))
    assert [hit.entry.id for hit in db.search("water")] == ["B"]
    assert [hit.entry.id for hit in db.search("river")] == ["B"]
    assert db.maintenance.derived_problems() == []


WRECKS = {
    "lost rows": ["DELETE FROM entries_fts WHERE rowid % 2 = 0"],
    "doubled rows": [
        "INSERT INTO entries_fts(id, title, content, tags) SELECT id, title, content, tags FROM entries_fts"
    ],
    "orphans": ["INSERT INTO entries_fts(id, title, content, tags) VALUES ('GONE', 'walrus', 'walrus', 'walrus')"],
    "emptied": ["DELETE FROM entries_fts"],
    "a stale context": ["UPDATE rekall_context_fts SET situation = 'stale', legacy = NULL"],
    "contexts lost": ["DELETE FROM rekall_context_fts"],
    "contexts doubled": ["INSERT INTO rekall_context_fts SELECT * FROM rekall_context_fts"],
}


@pytest.mark.parametrize("wreck", WRECKS)
def test_a_wrecked_index_is_mended_by_a_rebuild(path: Path, wreck: str) -> None:
    """Lost, doubled, orphaned and stale rows, in both full-text tables."""
    wanted = raw.rows(path, "SELECT id, title, content, tags FROM entries_fts ORDER BY id")
    contexts = raw.rows(path, "SELECT * FROM rekall_context_fts ORDER BY id")
    raw.write(path, *WRECKS[wreck])
    with Database(path) as db:
        assert db.maintenance.full_text_health().is_sound is ("context" in wreck)
        db.maintenance.rebuild()
        assert db.maintenance.full_text_health().is_sound
    assert raw.rows(path, "SELECT id, title, content, tags FROM entries_fts ORDER BY id") == wanted
    assert raw.rows(path, "SELECT * FROM rekall_context_fts ORDER BY id") == contexts
    assert_whole(path)


def test_health_counts_what_is_wrong(db: Database, path: Path) -> None:
    """Missing, doubled and orphaned, by number of ids."""
    raw.write(
        path,
        "DELETE FROM entries_fts WHERE id IN (SELECT id FROM entries ORDER BY id LIMIT 3)",
        "INSERT INTO entries_fts(id) VALUES ('A')",
        "INSERT INTO entries_fts(id) VALUES ('GONE'), ('LOST')",
    )
    health = db.maintenance.full_text_health()
    assert (health.missing, health.doubled, health.orphaned) == (3, 1, 2)
    assert not health.is_sound


def test_broken_references_are_named(db: Database, path: Path) -> None:
    """The check of a base covers its foreign keys."""
    raw.write(path, "INSERT INTO tags VALUES ('GONE', 'x')")
    (problem,) = db.maintenance.integrity_problems()
    assert "tags" in problem
    assert "entries" in problem


def test_adding_updating_and_deleting_use_the_index_on_the_full_text_table(db: Database, path: Path) -> None:
    """No statement of a trigger scans: that is what keeps writing flat."""
    for query, index in (
        ("DELETE FROM entries_fts WHERE rowid IN (SELECT id FROM entries_fts_content WHERE c0 = 'A')", "rekall_fts_id"),
        (
            "DELETE FROM rekall_context_fts WHERE rowid IN (SELECT id FROM rekall_context_fts_content WHERE c0 = 'A')",
            "rekall_context_id",
        ),
        ("UPDATE entries SET superseded_by = NULL WHERE superseded_by = 'A'", "rekall_superseded_by"),
    ):
        plan = " ".join(str(row[3]) for row in raw.rows(path, f"EXPLAIN QUERY PLAN {query}"))
        assert index in plan


def test_a_row_that_another_program_left_is_not_taken_for_the_index_of_an_entry(db: Database, path: Path) -> None:
    """REPLACE fires no trigger of a deletion: the context before it stays indexed, and the new one is too."""
    db.add(Entry("R", "otter", "bug"), context=StructuredContext("in the water", "swim on", ["fish"]))
    db.add(Entry("S", "otter", "bug"), context=StructuredContext("on the shore", "walk on", ["fish"]))
    context = StructuredContext("in the woods", "climb on", ["fish"]).to_json()
    raw.write(
        path,
        "INSERT OR REPLACE INTO entries(id, title, type, created_at, updated_at, context_structured)"
        f" VALUES ('R', 'otter', 'bug', '2026-01-01', '2026-01-01', '{context}')",
    )
    assert [hit.entry.id for hit in db.search("woods")] == ["R"]


def test_half_a_surrogate_pair_in_a_context_is_stored_and_no_word(db: Database) -> None:
    """JSON may hold one; the text of a database may not."""
    db.add(Entry("H", "otter", "bug"), context=StructuredContext("broken \ud800 pictogram", "as it is", ["fish"]))
    stored = db.get_structured_context("H")
    assert stored is not None
    assert stored.situation == "broken \ud800 pictogram"
    assert [hit.entry.id for hit in db.search("pictogram")] == ["H"]
