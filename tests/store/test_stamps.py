"""The stamps of a base: others after every write of any program, the same while nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support import databases, processes, raw

from rekall.backup import create_backup, restore_backup
from rekall.db import Database
from rekall.models import Embedding, Entry
from rekall.store.vectors import ACTIVE_ENTRIES, EVERY_ENTRY, EntryFilter, Stamps


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """Two entries; A has a vector."""
    with Database(tmp_path / "k.db") as opened:
        for entry_id in "AB":
            opened.add(Entry(entry_id, f"title {entry_id}", "bug"))
        opened.add_embedding(vector("A"))
        yield opened


def vector(entry_id: str, value: float = 1.0) -> Embedding:
    return Embedding.from_numpy(entry_id, "summary", np.full(384, value), "m")


def stamps(db: Database) -> Stamps:
    found = db.store.vectors.stamps()
    assert found is not None
    return found


WRITES: dict[str, Callable[[Database], object]] = {
    "added": lambda db: db.add_embedding(vector("B")),
    "replaced": lambda db: db.add_embedding(vector("A", 2)),
    "removed": lambda db: db.delete_embedding("A"),
    "gone with its entry": lambda db: db.delete("A"),
}


@pytest.mark.fault(12)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_of_a_vector_renews_the_stamp(write: Callable[[Database], object], db: Database) -> None:
    """Whether it is added, replaced, removed, or goes with its entry; looking at it changes nothing."""
    before = stamps(db)
    assert stamps(db) == before
    write(db)
    assert stamps(db).vectors != before.vectors


STATEMENTS = {
    "insert": "INSERT INTO embeddings VALUES ('V', 'B', 'summary', zeroblob(1536), 384, 'm', '2025-01-01')",
    "replace": "INSERT OR REPLACE INTO embeddings SELECT * FROM embeddings",
    "update": "UPDATE embeddings SET vector = zeroblob(1536)",
    "rename": "UPDATE embeddings SET model_name = 'another'",
    "delete": "DELETE FROM embeddings",
}
_OTHER_PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA foreign_keys = ON")
connection.execute(sys.argv[2])
connection.commit()
"""


@pytest.mark.fault(12)
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_another_program_renews_it_too(statement: str, db: Database) -> None:
    """One that knows nothing of stamps, in a process of its own, as Rekall 0.3.0 writes."""
    before = stamps(db)
    processes.run(_OTHER_PROGRAM, db.db_path, statement)
    assert stamps(db).vectors != before.vectors


def test_an_entry_has_its_own_stamp(db: Database) -> None:
    """Added, changed, made obsolete or deleted; the vectors are what they were."""
    seen = {stamps(db).entries}
    writes: list[Callable[[], object]] = [
        lambda: db.add(Entry("C", "title", "bug")),
        lambda: db.entries.change("C", {"title": "another"}),
        lambda: db.entries.change("C", {"status": "obsolete"}),
        lambda: db.delete("C"),
    ]
    for write in writes:
        vectors = stamps(db).vectors
        write()
        assert stamps(db).vectors == vectors
        assert stamps(db).entries not in seen
        seen.add(stamps(db).entries)


def test_an_access_is_no_change(db: Database) -> None:
    """What was made of the entries stays current however often they are found."""
    before = stamps(db)
    db.get("A")
    assert db.search("title")
    assert stamps(db) == before


def test_a_backup_brings_its_own_stamps_back(db: Database, tmp_path: Path) -> None:
    """They are of the state that it holds; what is written afterwards never has a stamp that was there before."""
    seen = [stamps(db).vectors]
    saved = create_backup(db.db_path, tmp_path / "saved.db").path
    db.add_embedding(vector("B"))
    seen.append(stamps(db).vectors)
    assert restore_backup(saved, db.db_path)[0]
    assert stamps(db).vectors == seen[0]
    db.add_embedding(vector("B"))
    assert stamps(db).vectors not in seen


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE rekall_stamps",
        "DELETE FROM rekall_stamps",
        "UPDATE rekall_stamps SET vectors = 'short'",
        "DROP TRIGGER rekall_vectors_au",
        "DROP TRIGGER rekall_entries_ad",
    ],
)
def test_without_all_that_keeps_them_there_are_none(damage: str, db: Database) -> None:
    """Half of it would miss a write."""
    raw.write(db.db_path, damage)
    assert db.store.vectors.stamps() is None


def test_a_trigger_of_another_text_does_not_count(db: Database) -> None:
    """It may do anything; the next program that opens the base makes it anew, and the stamps with it."""
    before = stamps(db)
    raw.write(
        db.db_path,
        "DROP TRIGGER rekall_vectors_ai",
        "CREATE TRIGGER rekall_vectors_ai AFTER INSERT ON embeddings BEGIN SELECT 1; END",
    )
    assert db.store.vectors.stamps() is None
    with Database(db.db_path) as other:
        other.set_metadata("key", "value")
        assert stamps(other).vectors != before.vectors


def test_a_base_of_0_3_has_stamps_after_the_first_write(tmp_path: Path) -> None:
    """Reading it makes none."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        assert db.search("retry", update_access=False)
        assert db.store.vectors.stamps() is None
        db.set_metadata("key", "value")
        assert db.store.vectors.stamps() is not None


def test_ids_that_a_filter_admits(db: Database) -> None:
    """All, or among some; inactive ones are told by the index on the status."""
    db.add(Entry("C", "title", "config"))
    db.entries.change("B", {"status": "obsolete"})
    assert db.store.vectors.admitted(EVERY_ENTRY) == {"A", "B", "C"}
    assert db.store.vectors.admitted(ACTIVE_ENTRIES) == {"A", "C"}
    assert db.store.vectors.admitted(EntryFilter("config")) == {"C"}
    assert db.store.vectors.admitted(ACTIVE_ENTRIES, ["B", "C", "unknown"]) == {"C"}
    assert db.store.vectors.inactive() == {"B"}
