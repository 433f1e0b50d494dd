"""Vectors of entries: one of each type, whatever their length."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from support import processes, raw

from rekall.db import Database
from rekall.errors import CorruptError, IntegrityError
from rekall.models import Embedding, EmbeddingType, Entry


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        for entry_id in "ABCD":
            opened.add(Entry(entry_id, f"title {entry_id}", "bug"))
        yield opened


def embedding(
    entry_id: str, value: float, dimensions: int = 384, *, kind: EmbeddingType = "summary", day: int = 1
) -> Embedding:
    made = Embedding.from_numpy(entry_id, kind, np.full(dimensions, value), "model")
    made.created_at = datetime(2025, 1, day)
    return made


def test_a_vector_comes_back_as_it_was_given(db: Database) -> None:
    """Every field, by its type and in the lists."""
    summary, context = embedding("A", 0.5), embedding("A", -0.25, 128, kind="context")
    for one in (summary, context):
        db.add_embedding(one)
    assert db.get_embedding("A", "summary") == summary
    assert db.get_embedding("A", "context") == context
    assert db.get_embedding("B", "summary") is None
    assert db.get_embeddings("A") == db.get_all_embeddings() == [summary, context]
    assert db.get_all_embeddings("context") == [context]
    assert db.count_embeddings() == 2


def test_a_vector_replaces_the_one_of_its_type(db: Database) -> None:
    """Under a new id or under the same."""
    db.add_embedding(embedding("A", 1))
    second = embedding("A", 2, 768)
    db.add_embedding(embedding("A", 3, kind="context"))
    db.add_embedding(second)
    db.add_embedding(second)
    assert db.get_embedding("A", "summary") == second
    assert db.count_embeddings() == 2


def test_a_vector_that_is_refused_leaves_the_one_before(db: Database) -> None:
    """An unknown entry, an unknown type, an id of another entry's vector: the batch is undone."""
    first, other = embedding("A", 1), embedding("B", 1)
    db.add_embedding(first)
    db.add_embedding(other)
    before = raw.all_rows(db.db_path)
    refused = [embedding("none", 2), embedding("A", 2), embedding("A", 2)]
    refused[1].id = other.id
    refused[2].dimensions = 100
    for one in refused:
        with pytest.raises(IntegrityError):
            db.add_embedding(one)
    assert raw.all_rows(db.db_path) == before


def test_removing_vectors(db: Database) -> None:
    """Of one type or of all; the number removed; they go with their entry."""
    for entry_id in "ABC":
        db.add_embedding(embedding(entry_id, 1))
        db.add_embedding(embedding(entry_id, 1, kind="context"))
    assert db.delete_embedding("A", "context") == 1
    assert db.delete_embedding("A", "context") == 0
    assert db.delete_embedding("B") == 2
    db.delete("C")
    assert db.count_embeddings() == 1


def test_all_vectors_are_one_matrix(db: Database) -> None:
    """Row for row with the ids, of obsolete entries too, of one type; None when there is none."""
    assert db.get_all_vectors_batch() is None
    for number, entry_id in enumerate("ABC"):
        db.add_embedding(embedding(entry_id, number))
    db.add_embedding(embedding("D", 9, kind="context"))
    db.entries.change("B", {"status": "obsolete"})
    found = db.get_all_vectors_batch()
    assert found is not None
    ids, matrix = found
    assert ids == ["A", "B", "C"]
    assert matrix.shape == (3, 384)
    assert matrix.dtype == np.float32
    assert [row[0] for row in matrix] == [0.0, 1.0, 2.0]
    assert matrix.flags.writeable


@pytest.mark.fault(13)
def test_vectors_of_several_lengths_are_read_one_length_at_a_time(db: Database) -> None:
    """Fault 13 of 0.3: a ValueError. The latest vector is of the model now in use; any length can be asked for."""
    for entry_id, dimensions, day in (("A", 768, 1), ("B", 768, 1), ("C", 128, 3), ("D", 384, 2)):
        db.add_embedding(embedding(entry_id, 1, dimensions, day=day))

    def read(dimensions: int | None = None) -> tuple[list[str], tuple[int, ...]] | None:
        found = db.embeddings.get_all_vectors_batch(dimensions=dimensions)
        return None if found is None else (found[0], found[1].shape)

    assert read() == (["C"], (1, 128))
    assert read(768) == (["A", "B"], (2, 768))
    assert read(384) == (["D"], (1, 384))
    assert read(3) is None
    db.add_embedding(embedding("A", 1, 384, day=4))
    facade = db.get_all_vectors_batch()
    assert facade is not None
    assert sorted(facade[0]) == ["A", "D"]


@pytest.mark.fault(13)
@pytest.mark.parametrize("damaged", ["x''", "x'010203'"])
def test_a_vector_that_is_none_stops_nobody(db: Database, damaged: str) -> None:
    """No bytes, or not whole numbers: the others are read, even when that row is the latest."""
    db.add_embedding(embedding("A", 1))
    raw.write(
        db.db_path,
        "INSERT INTO embeddings(id, entry_id, embedding_type, vector, dimensions, model_name, created_at)"
        f" VALUES ('damaged', 'B', 'summary', {damaged}, 384, 'm', '2030-01-01')",
    )
    found = db.get_all_vectors_batch()
    assert found is not None
    assert found[0] == ["A"]


def test_entries_without_a_vector(db: Database) -> None:
    """Active ones, of the type asked for."""
    db.add_embedding(embedding("A", 1))
    db.add_embedding(embedding("B", 1, kind="context"))
    db.entries.change("C", {"status": "obsolete"})
    assert [entry.id for entry in db.get_entries_without_embeddings()] == ["B", "D"]
    assert [entry.id for entry in db.get_entries_without_embeddings("context")] == ["A", "D"]


def test_a_row_that_cannot_be_read_is_named(db: Database) -> None:
    """One line, not the error of a parser."""
    db.add_embedding(embedding("A", 1))
    raw.write(db.db_path, "UPDATE embeddings SET id = 'E', created_at = 'yesterday'")
    with pytest.raises(CorruptError, match="embedding E cannot be read"):
        db.get_embedding("A", "summary")


_WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
from pathlib import Path
from rekall.db import Database
from rekall.errors import RekallError
from rekall.models import Embedding, Entry
with Database(Path(sys.argv[1])) as db:
    db.add(Entry("A", "title", "bug"))
    assert db.get_all_vectors_batch() is None
    db.add_embedding(Embedding("E", "A", "summary", bytes(512), 128, "m"))
    assert len(db.get_embeddings("A")) == 1
    for caught in (RekallError, ImportError):
        try:
            db.get_all_vectors_batch()
        except caught as error:
            print(error)
"""


def test_without_numpy_the_matrix_names_it(tmp_path: Path) -> None:
    """One line with what to run; everything that needs no arithmetic works."""
    message = "reading vectors needs numpy: run 'pip install numpy'\n"
    assert processes.run(_WITHOUT_NUMPY, tmp_path / "k.db") == 2 * message
