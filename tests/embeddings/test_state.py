"""What vectors a base holds, seen from one model, and the lines that tell a person."""

from __future__ import annotations

from pathlib import Path

from support import databases, raw
from support.embedders import MODEL, WordCounts

from rekall.db import Database
from rekall.embeddings import VectorGroup, embed_entries, state_of


def test_a_base_without_vectors(db: Database) -> None:
    """Nothing is wrong with it, but there is something to do."""
    state = state_of(db, MODEL, 384)
    assert (state.entries, state.embedded, state.outdated, state.missing, state.others) == (5, 0, 0, 5, ())
    assert state.mismatch is None
    assert state.incomplete == "5 of 5 entries have no vector: run 'rekall embeddings --migrate'"


def test_an_empty_base(tmp_path: Path) -> None:
    """Nothing to do."""
    with Database(tmp_path / "empty.db") as db:
        state = state_of(db, MODEL, 384)
        assert (state.entries, state.missing, state.mismatch, state.incomplete) == (0, 0, None, None)


def test_models_and_lengths_are_told_apart(db: Database) -> None:
    """Of one model, of the same with another length, of another; obsolete entries and contexts do not count."""
    embed_entries(db, WordCounts("old"), limit=2)
    embed_entries(db, WordCounts(MODEL, 128), limit=3)
    db.entries.change("CORS", {"status": "obsolete"})
    raw.write(db.db_path, "UPDATE embeddings SET embedding_type = 'context' WHERE entry_id = 'RETRY3'")
    state = state_of(db, MODEL, 384)
    assert (state.entries, state.embedded, state.missing) == (4, 0, 2)
    assert state.others == (VectorGroup(MODEL, 128, 2),)
    assert state_of(db, MODEL, 128).embedded == 2


def test_the_mismatch_is_one_line(db: Database) -> None:
    """What, which, and what to run."""
    embed_entries(db, WordCounts("old", 128), limit=3)
    embed_entries(db, WordCounts("new"), limit=1)
    state = state_of(db, "new", 384)
    assert state.mismatch == (
        "2 of 5 entries have vectors of old (128 numbers) instead of new (384 numbers) and cannot be found by meaning:"
        " run 'rekall embeddings --migrate'"
    )
    embed_entries(db, WordCounts("new"))
    assert state_of(db, "new", 384).mismatch is None
    assert state_of(db, "new", 384).incomplete is None


def test_either_spelling_is_the_same_model(db: Database) -> None:
    """Vectors that 0.3 stored under the full name are those of the short one, asked for in either."""
    embed_entries(db, WordCounts("all-MiniLM-L6-v2"))
    assert raw.rows(db.db_path, "SELECT DISTINCT model_name FROM embeddings") == [("all-MiniLM-L6-v2",)]
    raw.write(
        db.db_path,
        "UPDATE embeddings SET model_name = 'sentence-transformers/all-MiniLM-L6-v2' WHERE entry_id LIKE 'RETRY%'",
    )
    for spelling in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        state = state_of(db, spelling, 384)
        assert (state.model, state.embedded, state.others) == ("all-MiniLM-L6-v2", 5, ())
        assert embed_entries(db, WordCounts(spelling)) == 0


def test_a_vector_that_contradicts_itself_is_none(db: Database) -> None:
    """Bytes that are not as many as its dimensions say: the entry counts as one without."""
    embed_entries(db, WordCounts())
    raw.write(db.db_path, "UPDATE embeddings SET vector = zeroblob(5) WHERE entry_id = 'CORS'")
    raw.write(db.db_path, "UPDATE embeddings SET dimensions = 128 WHERE entry_id = 'CACHE'")
    state = state_of(db, MODEL, 384)
    assert (state.embedded, state.missing, state.others) == (3, 2, ())


def test_changed_entries_are_outdated(db: Database) -> None:
    """They can still be found, by their old text."""
    embed_entries(db, WordCounts())
    db.entries.change("CORS", {"content": "it was the proxy"})
    state = state_of(db, MODEL, 384)
    assert (state.embedded, state.outdated, state.missing) == (5, 1, 0)
    assert state.incomplete == "1 changed since they were embedded: run 'rekall embeddings --migrate'"


def test_the_sample_base_of_0_3(tmp_path: Path) -> None:
    """Its ten made-up summary vectors, nine of them of active entries; looking writes nothing."""
    path = databases.unpack("v12.db", tmp_path)
    before = raw.all_rows(path)
    with Database(path) as db:
        assert state_of(db, "all-MiniLM-L6-v2", 384).others == (VectorGroup("sample-vectors", 384, 9),)
        assert state_of(db, "sample-vectors", 384).embedded == 9
        assert state_of(db, "sample-vectors", 128).embedded == 0
    assert raw.all_rows(path) == before


def test_it_is_looked_at_once_until_something_changes(db: Database) -> None:
    """An entry or a vector, by whatever program; then it is what it is at once."""

    def state() -> tuple[int, int, int]:
        seen = state_of(db, MODEL, 384)
        assert state_of(db, MODEL, 384) == seen
        return seen.entries, seen.embedded, seen.outdated

    assert state() == (5, 0, 0)
    embed_entries(db, WordCounts())
    assert state() == (5, 5, 0)
    db.entries.change("CORS", {"title": "another"})
    assert state() == (5, 5, 1)
    raw.write(db.db_path, "DELETE FROM embeddings WHERE entry_id = 'CACHE'")
    assert state() == (5, 4, 1)
    raw.write(db.db_path, "UPDATE entries SET status = 'obsolete' WHERE id = 'CACHE'")
    assert state() == (4, 4, 1)
    db.delete("CORS")
    assert state() == (3, 3, 0)
