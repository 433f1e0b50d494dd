"""The vector index of 0.3: numpy compares what it is given, sqlite-vec keeps a table in the base."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import sqlite_vec
from support.embedders import WordCounts

from rekall import vector_index
from rekall.config import Config, set_config
from rekall.db import Database
from rekall.embeddings import EmbeddingService, embed_entries
from rekall.models import Entry
from rekall.vector_index import VectorIndex, create_embeddings_vec_table

ROWS = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], dtype=np.float32)
IDS = ["a", "b", "c", "d"]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:")
    yield opened
    opened.close()


def test_numpy_compares_what_it_is_given(connection: sqlite3.Connection) -> None:
    """Best first, by the cosine; the query need not have the length 1."""
    index = VectorIndex(connection, 2, "numpy")
    found = index.search(np.array([3.0, 0.0], dtype=np.float32), 3, IDS, ROWS)
    assert [entry_id for entry_id, _ in found] == ["a", "b", "c"]
    assert [score for _, score in found] == pytest.approx([1, 0.6, 0])
    assert len(index.search(ROWS[0], 10, IDS, ROWS)) == 4
    assert index.search(np.zeros(2, dtype=np.float32), 1, IDS, ROWS) == [("a", 0.0)]


@pytest.mark.parametrize("k", [0, -1])
def test_no_results_when_none_are_asked_for(connection: sqlite3.Connection, k: int) -> None:
    """0.3 gave all of them."""
    assert VectorIndex(connection, 2, "numpy").search(ROWS[0], k, IDS, ROWS) == []


def test_numpy_keeps_nothing(connection: sqlite3.Connection) -> None:
    """Without vectors it finds nothing; adding, removing and rebuilding have no effect."""
    index = VectorIndex(connection, 2, "numpy")
    assert index.search(ROWS[0]) == []
    assert index.search(ROWS[0], 3, [], ROWS[:0]) == []
    assert index.add("a", ROWS[0])
    assert index.delete("a")
    assert index.rebuild() == 0
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


@pytest.mark.parametrize(("asked", "warned"), [("auto", False), ("sqlite-vec", True), ("numpy", False), ("x", False)])
def test_without_sqlite_vec_it_is_numpy(
    connection: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    asked: str,
    warned: bool,
) -> None:
    """With a warning where it was asked for by name; any other name is numpy."""
    monkeypatch.setattr(vector_index, "SQLITE_VEC_AVAILABLE", False)
    index = VectorIndex(connection, 128, asked)
    assert index.stats == {
        "backend": "numpy",
        "requested_backend": asked,
        "dimensions": 128,
        "sqlite_vec_available": False,
        "vec_loaded": False,
    }
    assert (index.backend, index.dimensions, index.is_available()) == ("numpy", 128, True)
    assert ("sqlite-vec is not installed (run 'pip install sqlite-vec')" in caplog.text) == warned
    assert not create_embeddings_vec_table(connection)


def test_a_library_that_cannot_be_loaded(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """numpy, with a line that says why: this Python loads no extensions, or there is no such file."""
    monkeypatch.setattr(vector_index, "_sqlite_vec_path", str(tmp_path / "none"))
    assert VectorIndex(connection, 2, "sqlite-vec").backend == "numpy"
    assert "the vector index uses numpy: " in caplog.text
    assert "cannot load extensions" in caplog.text or "sqlite-vec cannot be loaded" in caplog.text


_TABLE = """
import sqlite3, sys
from pathlib import Path
import numpy as np
from support import embedders
from rekall.db import Database
from rekall.embeddings import embed_chosen, embed_entries
from rekall.models import Entry
from rekall.vector_index import SQLITE_VEC_AVAILABLE, VectorIndex, create_embeddings_vec_table

path = Path(sys.argv[1])
with Database(path) as db:
    for name, title in (("A", "red house"), ("B", "red garden"), ("C", "blue sky"), ("D", "other model")):
        db.add(Entry(name, title, "bug"))
    embed_entries(db, embedders.WordCounts("all-MiniLM-L6-v2"), limit=3)
    embed_chosen(db, embedders.WordCounts("another"), ["D"])
    query = embedders.WordCounts().embed(["red house"])[0] * 7
connection = sqlite3.connect(path)
assert SQLITE_VEC_AVAILABLE
for asked in ("auto", "sqlite-vec"):
    index = VectorIndex(connection, backend=asked)
    assert index.backend == "sqlite-vec" and index.is_available() and index.stats["vec_loaded"]
assert VectorIndex(connection, backend="numpy").backend == "numpy"
assert index.search(query) == []  # there is no table yet: a warning, and nothing found
assert not index.delete("A")
assert create_embeddings_vec_table(connection) and create_embeddings_vec_table(connection)
assert index.rebuild() == 3 == index.rebuild()
found = index.search(query, 2)
assert [name for name, _ in found] == ["A", "B"]
assert abs(found[0][1] - 1) < 1e-5 and abs(found[1][1] - 0.5) < 1e-5
assert index.search(query, 0) == []
assert index.delete("A") and [name for name, _ in index.search(query, 1)] == ["B"]
assert index.add("A", query) and index.add("A", query)
assert [name for name, _ in index.search(query, 9)][:1] == ["A"] and len(index.search(query, 9)) == 3
assert not index.add("E", query[:5])
assert VectorIndex(connection, model_name="another").rebuild() == 1
connection.commit()
connection.close()
with Database(path) as db:  # the table of 0.3 disturbs nothing
    assert len(db.search("red")) == 2
    db.add(Entry("E", "one more", "bug"))
    print(len(db.list_all()))
"""


def test_sqlite_vec_keeps_a_table(tmp_path: Path) -> None:
    """Filled anew with the vectors of the configured model, changed one by one, searched by the cosine."""
    code = "import logging; logging.disable()\n" + _TABLE
    assert sqlite_vec.run(code, tmp_path / "k.db") == "5\n"


_SAME = """
import sys
from pathlib import Path
from support.embedders import WordCounts
from rekall.config import Config, set_config
from rekall.db import Database
from rekall.embeddings import EmbeddingService, embed_entries
from rekall.models import Entry

with Database(Path(sys.argv[1])) as db:
    words = "red blue green house garden sky cat dog".split()
    for place in range(200):
        title = " ".join(word for bit, word in enumerate(words) if place >> bit & 1) or "nothing"
        db.add(Entry(f"E{place:03}", title, "bug" if place % 2 else "config"))
    embed_entries(db, WordCounts())
    db.add(Entry("OTHER", "red house", "bug"))
    embed_entries(db, WordCounts("other"), limit=1)
    answers = []
    for backend in ("numpy", "sqlite-vec", "auto"):
        set_config(Config(perf_vector_backend=backend))
        service = EmbeddingService(embedder=WordCounts())
        hits = service.semantic_search("red house cat", db, threshold=0.3, limit=50)
        hits += service.semantic_search("red house cat", db, entry_type="config", limit=7)
        hits += service.find_similar("E037", db, limit=5) + service.find_similar("E037", db, -1.0, limit=-1)
        answers.append([(entry.id, round(score, 4)) for entry, score in hits])
        assert backend == "numpy" or db.store.vectors.cannot_compute() is None
    # equally good ones may differ in the last digit, and so in their order
    scores = [[score for _, score in answer] for answer in answers]
    assert scores[0] == scores[1] == scores[2]
    best = [{name for name, score in answer if score > 0.9} for answer in answers]
    assert best[0] == best[1] == best[2]
    print(len(answers[0]))
"""


@pytest.mark.fault(15)
def test_the_configured_backend_searches(tmp_path: Path) -> None:
    """sqlite-vec inside the base where it is configured or to be had; it gives what numpy gives."""
    assert int(sqlite_vec.run(_SAME, tmp_path / "k.db")) > 100


_NOTHING = """
import sys
from pathlib import Path
from support.embedders import WordCounts
from rekall.config import Config, set_config
from rekall.db import Database
from rekall.embeddings import EmbeddingService, embed_entries
from rekall.models import Entry

with Database(Path(sys.argv[1])) as db:
    db.add(Entry("WORDS", "red house", "bug"))
    db.add(Entry("NONE", "???", "bug"))
    embed_entries(db, WordCounts())
    for backend in ("numpy", "sqlite-vec"):
        set_config(Config(perf_vector_backend=backend))
        service = EmbeddingService(embedder=WordCounts())
        for text in ("!!!", "red"):
            print([entry.id for entry, _ in service.semantic_search(text, db)])
        print(service.find_similar("NONE", db, -1.0))
"""


def test_a_vector_without_length_finds_nothing(tmp_path: Path) -> None:
    """Either way: of a text without words, or of an entry without."""
    found = "[]\n['WORDS', 'NONE']\n[]\n"
    assert sqlite_vec.run(_NOTHING, tmp_path / "k.db") == 2 * found


@pytest.mark.fault(15)
def test_sqlite_vec_that_is_configured_and_missing_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and numpy does it: the hits are the same."""
    monkeypatch.setitem(sys.modules, "sqlite_vec", None)
    with Database(tmp_path / "k.db") as db:
        db.add(Entry("A", "red house", "bug"))
        embed_entries(db, WordCounts())
        service = EmbeddingService(embedder=WordCounts())
        for backend, lines in (("auto", 0), ("numpy", 0), ("sqlite-vec", 1)):
            set_config(Config(perf_vector_backend=backend))
            assert [entry.id for entry, _ in service.semantic_search("red", db)] == ["A"]
            assert len(caplog.records) == lines
    assert caplog.messages == [
        "performance.vector_backend is sqlite-vec, but sqlite-vec is not installed (run 'pip install sqlite-vec'):"
        " numpy is used"
    ]
