"""The stamp of all that a search sees: another one after every write of it by any program, and after no other write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support import processes, raw

from rekall.backup import create_backup
from rekall.db import Database
from rekall.models import Embedding, Entry, StructuredContext
from rekall.store.stamps import Stamps


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


VECTORS: dict[str, Callable[[Database], object]] = {
    "vector added": lambda db: db.add_embedding(vector("B")),
    "vector replaced": lambda db: db.add_embedding(vector("A", 2)),
    "vector removed": lambda db: db.delete_embedding("A"),
}
SEARCHED: dict[str, Callable[[Database], object]] = {
    **VECTORS,
    "entry added": lambda db: db.add(Entry("C", "title", "bug")),
    "entry deleted": lambda db: db.delete("B"),
    "title": lambda db: db.entries.change("B", {"title": "another"}),
    "tags": lambda db: db.entries.change("B", {}, tags=["tag"]),
    "link": lambda db: db.add_link("A", "B"),
    "context": lambda db: db.store_structured_context("B", StructuredContext("situation", "solution", ["word"])),
    "free context": lambda db: db.store_context("B", "some text"),
    "rebuild": lambda db: db.maintenance.rebuild(),
}


@pytest.mark.parametrize("write", SEARCHED.values(), ids=SEARCHED)
def test_whatever_a_search_sees_renews_its_stamp(write: Callable[[Database], object], db: Database) -> None:
    """Once more with each write; reading changes nothing."""
    before = stamps(db)
    assert stamps(db) == before
    write(db)
    after = stamps(db)
    assert after.search != before.search
    db.delete_link("A", "B")
    db.delete("A")
    assert stamps(db).search not in (before.search, after.search)


_OTHER_PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA foreign_keys = ON")
connection.execute(sys.argv[2])
connection.commit()
"""
_VECTORS = {
    "insert": "INSERT INTO embeddings VALUES ('V', 'B', 'summary', zeroblob(1536), 384, 'm', '2025-01-01')",
    "replace": "INSERT OR REPLACE INTO embeddings SELECT * FROM embeddings",
    "update": "UPDATE embeddings SET vector = zeroblob(1536)",
    "delete": "DELETE FROM embeddings",
}
_COLUMNS = (
    *("id = id", "title = title", "content = 'c'", "type = 'config'", "project = 'p'", "status = 'obsolete'"),
    *("superseded_by = 'A'", "memory_type = 'semantic'", "updated_at = '2026'", "context_structured = '{}'"),
    *("context_blob = x'00'", "context_compressed = x'00'"),
)
_INTO = "INTO entries(id, title, type, created_at, updated_at) VALUES ('{}', 't', 'bug', '2025', '2025')"
RAW = {
    "insert": f"INSERT {_INTO.format('C')}",
    "replace": f"INSERT OR REPLACE {_INTO.format('B')}",
    "upsert": f"INSERT {_INTO.format('B')} ON CONFLICT(id) DO UPDATE SET title = 'another'",
    "delete": "DELETE FROM entries WHERE id = 'B'",
    **{f"column {number}": f"UPDATE entries SET {change} WHERE id = 'B'" for number, change in enumerate(_COLUMNS)},
    "tag": "INSERT INTO tags VALUES ('B', 'tag')",
    "tag ignored or replaced": "REPLACE INTO tags VALUES ('A', 'there')",
    "tag renamed": "UPDATE tags SET tag = 'another'",
    "tag gone": "DELETE FROM tags",
    "link": "INSERT INTO links VALUES ('M', 'B', 'A', 'related', '2025', NULL)",
    "link changed": "UPDATE links SET reason = 'none'",
    "link gone": "DELETE FROM links",
    **{f"vector {name}": statement for name, statement in _VECTORS.items()},
}


@pytest.mark.parametrize("statement", RAW.values(), ids=RAW)
def test_another_program_renews_the_stamp_of_searches(statement: str, db: Database) -> None:
    """Whichever statement of it writes what a search matches, filters or ranks by; cascades as well."""
    raw.write(
        db.db_path,
        "INSERT INTO tags VALUES ('A', 'there')",
        "INSERT INTO links VALUES ('L', 'A', 'B', 'related', '2025', NULL)",
    )
    before = stamps(db)
    processes.run(_OTHER_PROGRAM, db.db_path, statement)
    after = stamps(db)
    assert after.search != before.search
    assert after.base == before.base


UNSEEN = {
    "access": "UPDATE entries SET access_count = access_count + 1, last_accessed = '2026', consolidation_score = 0.5",
    "review": "UPDATE entries SET next_review = '2026-01-01', review_interval = 6, ease_factor = 2.6",
    "centrality": "UPDATE entries SET centrality_score = 0.5",
    "source": "INSERT INTO sources(id, domain, created_at) VALUES ('S', 'd', '2025')",
    "setting": "INSERT INTO metadata VALUES ('key', 'value')",
}


@pytest.mark.parametrize("statement", UNSEEN.values(), ids=UNSEEN)
def test_what_no_search_sees_renews_no_stamp(statement: str, db: Database) -> None:
    """Accesses and reviews are the most frequent writes of all."""
    before = stamps(db)
    raw.write(db.db_path, statement)
    assert stamps(db) == before


def test_a_write_fires_one_trigger_for_each_row_that_it_changes(db: Database) -> None:
    """However many stamps that renews; an entry with five tags is six rows."""
    with raw.connection(db.db_path) as opened:
        opened.execute("CREATE TABLE fired (n)")
        opened.execute(
            "CREATE TRIGGER count_them AFTER UPDATE ON rekall_stamps BEGIN INSERT INTO fired VALUES (1); END"
        )
        opened.commit()
    db.add(Entry("C", "title", "bug", tags=["a", "b", "c", "d", "e"]))
    assert raw.rows(db.db_path, "SELECT count(*) FROM fired") == [(6,)]
    db.add_embedding(vector("C"))
    assert raw.rows(db.db_path, "SELECT count(*) FROM fired") == [(7,)]


def test_the_identity_of_a_base_is_that_of_its_copies(db: Database, tmp_path: Path) -> None:
    """A backup has it too; a rebuild and another base have others."""
    base = stamps(db).base
    copy = create_backup(db.db_path, tmp_path / "copy.db").path
    with Database(copy) as same, Database(tmp_path / "other.db") as other:
        other.set_metadata("key", "value")
        assert stamps(same) == stamps(db)
        assert stamps(other).base != base
        same.delete("A")
        assert (stamps(same).base, stamps(same).search == stamps(db).search) == (base, False)
    db.maintenance.rebuild()
    assert stamps(db).base != base
