"""The matrix of a base's vectors: kept in the cache while no vector changes, and never stale."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases, processes, sqlite_vec
from support.embedders import WordCounts

from rekall import config
from rekall.backup import create_backup, restore_backup
from rekall.config import Config
from rekall.db import Database
from rekall.embeddings import EmbeddingService, matrix
from rekall.embeddings.nearest import SUMMARY, SUMMARY_AND_CONTEXT, nearest
from rekall.errors import CacheUnavailableError, InvalidValueError
from rekall.infra import CacheBackend, ServiceContainer
from rekall.infra.defaults import DefaultCacheBackend
from rekall.models import Embedding, EmbeddingType, Entry
from rekall.store.vectors import EVERY_ENTRY, EntryFilter, VectorSpace

SPACE = VectorSpace(("m",), 128)
QUERY = np.eye(1, 128, dtype=np.float32)[0]


class Counting(DefaultCacheBackend):
    """The cache of this process, which tells what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: list[str] = []

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        if isinstance(value, bytes):
            self.stored.append(key)
        super().set(key, value, ttl)


class Forgetful(DefaultCacheBackend):
    """A cache that has dropped everything when it is asked."""

    def get(self, key: str, default: Any = None) -> Any:
        return default


class Broken(DefaultCacheBackend):
    """A cache whose service is gone."""

    def get(self, key: str, default: Any = None) -> Any:
        raise CacheUnavailableError("no cache at port 1: start it")

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        raise CacheUnavailableError("no cache at port 1: start it")


class Small(DefaultCacheBackend):
    """A cache that takes no large values."""

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        raise InvalidValueError("a value has 100 bytes at most")


class Garbling(DefaultCacheBackend):
    """A cache that gives less than it was given."""

    def get(self, key: str, default: Any = None) -> Any:
        value = super().get(key, default)
        return value[:-100] if isinstance(value, bytes) else value


@contextmanager
def opened(path: Path, cache: CacheBackend) -> Iterator[Database]:
    container = ServiceContainer()
    container.register("cache", cache)
    with Database(path, container=container) as db:
        yield db


def put(db: Database, entry_id: str, angle: float, kind: EmbeddingType = "summary") -> None:
    """Store a vector at an angle to `QUERY`."""
    vector = np.zeros(128, dtype=np.float32)
    vector[0], vector[1] = np.cos(angle), np.sin(angle)
    db.add_embedding(Embedding.from_numpy(entry_id, kind, 3 * vector, "m"))


def fill(db: Database, *angles: float) -> None:
    """Entries A, B, C ... with a vector at these angles."""
    for entry_id, angle in zip("ABCDEFGH", angles, strict=False):
        db.add(Entry(entry_id, entry_id, "bug"))
        put(db, entry_id, angle)


def found(db: Database, **more: Any) -> list[str]:
    given = {"limit": -1, "threshold": -1.0, "backend": "numpy", **more}
    return [entry_id for entry_id, _ in nearest(db, QUERY.tobytes(), SPACE, **given)]


def test_it_is_made_once(tmp_path: Path) -> None:
    """All searches of the same vectors use one; the values are those of the stored vectors, of length 1."""
    with opened(tmp_path / "k.db", cache := Counting()) as db:
        fill(db, 0.3, 0.1, 0.2)
        assert [found(db) for _ in range(3)] == 3 * [["B", "C", "A"]]
        assert len(cache.stored) == 1
        kept = matrix.kept(db, SPACE, "summary")
        assert kept is not None
        assert [kept.id(place) for place in range(3)] == ["A", "B", "C"]
        assert kept.rows[:, 0] == pytest.approx(np.cos([0.3, 0.1, 0.2]))
        assert matrix.kept(db, SPACE, "context") is None
        assert matrix.kept(db, VectorSpace(("another",), 128), "summary") is None


def test_who_searches_once_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sqlite-vec neither: the vectors are read page by page, with the same answer."""
    monkeypatch.setitem(sys.modules, "sqlite_vec", None)
    with opened(tmp_path / "k.db", cache := Counting()) as db:
        fill(db, 0.3, 0.1)
        for kept in (0, 1, 1):
            assert (found(db, backend="auto"), len(cache.stored)) == (["B", "A"], kept)


def test_one_matrix_for_each_space_and_kind(tmp_path: Path) -> None:
    """Models, lengths and kinds are apart, and so are two bases that share a cache; an empty one is kept as well."""
    cache = Counting()
    with opened(tmp_path / "k.db", cache) as db, opened(tmp_path / "other.db", cache) as other:
        fill(db, 0.1)
        fill(other, 0.1, 0.2)
        for _ in range(2):
            assert (found(db), found(other)) == (["A"], ["A", "B"])
            assert found(db, kinds=SUMMARY_AND_CONTEXT) == ["A"]
            assert nearest(db, bytes(4) * 512, VectorSpace(("m",), 512), limit=1, threshold=0, backend="numpy") == []
        assert len(set(cache.stored)) == len(cache.stored) == 3


def test_the_larger_of_both_vectors_counts(tmp_path: Path) -> None:
    """A context counts for a little less; an entry comes once."""
    with opened(tmp_path / "k.db", DefaultCacheBackend()) as db:
        fill(db, 1.2, 0.3, 1.5)
        put(db, "A", 0.0, "context")
        put(db, "B", 0.2, "context")
        for backend in ("numpy", "auto"):
            given = {"limit": -1, "threshold": 0.0, "backend": backend}
            both = nearest(db, QUERY.tobytes(), SPACE, kinds=SUMMARY_AND_CONTEXT, **given)  # type: ignore[arg-type]  # by name
            assert dict(both) == pytest.approx({"B": np.cos(0.3), "A": 0.85, "C": np.cos(1.5)}, abs=1e-6)
            assert [one for one, _ in both] == ["B", "A", "C"]
        assert found(db, kinds=SUMMARY_AND_CONTEXT, limit=1, threshold=0.84, exclude_id="B") == ["A"]
        assert found(db, kinds=SUMMARY) == ["B", "A", "C"]


_AS_0_3 = """
import sqlite3, struct, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA foreign_keys = ON")
vector = struct.pack("<128f", 1, *127 * [0])
for statement in sys.argv[2:]:
    connection.execute(statement, {"vector": vector} if ":vector" in statement else {})
connection.commit()
"""


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO embeddings VALUES ('V', 'D', 'summary', :vector, 128, 'm', '2025-01-01')", ["D", "B", "C", "A"]),
        ("UPDATE embeddings SET vector = :vector WHERE entry_id = 'A'", ["A", "B", "C"]),
        ("UPDATE embeddings SET model_name = 'another' WHERE entry_id = 'B'", ["C", "A"]),
        ("DELETE FROM embeddings WHERE entry_id = 'C'", ["B", "A"]),
        ("DELETE FROM entries WHERE id = 'B'", ["C", "A"]),
    ],
)
def test_what_another_program_writes_counts_at_once(statement: str, expected: list[str], tmp_path: Path) -> None:
    """Though it knows nothing of the cache, nor of stamps."""
    with opened(tmp_path / "k.db", Counting()) as db:
        fill(db, 0.3, 0.1, 0.2)
        db.add(Entry("D", "D", "bug"))
        assert found(db) == found(db) == ["B", "C", "A"]
        processes.run(_AS_0_3, db.db_path, statement)
        assert found(db) == expected


@pytest.mark.fault(12)
def test_a_backup_that_is_put_back_counts_at_once(tmp_path: Path) -> None:
    """And what is written after it, though the base has been in a state like it before."""
    with opened(tmp_path / "k.db", Counting()) as db:
        fill(db, 0.3, 0.1)
        saved = create_backup(db.db_path, tmp_path / "saved.db").path
        assert found(db) == ["B", "A"]
        put(db, "A", 0.0)
        assert found(db) == ["A", "B"]
        restore_backup(saved, db.db_path)
        assert found(db) == ["B", "A"]
        put(db, "B", 1.0)
        assert found(db) == ["A", "B"]


@pytest.mark.parametrize("cache", [Forgetful, Garbling])
def test_a_cache_that_drops_values(cache: type[DefaultCacheBackend], tmp_path: Path) -> None:
    """The vectors are read again."""
    with opened(tmp_path / "k.db", cache()) as db:
        fill(db, 0.3, 0.1, 0.2)
        assert [found(db, backend=backend) for backend in ("numpy", "numpy", "auto")] == 3 * [["B", "C", "A"]]


def test_a_cache_that_fails_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The base has the vectors: nobody gets an error, and nobody wonders why it is slow."""
    with opened(tmp_path / "k.db", Broken()) as db, caplog.at_level(logging.WARNING):
        fill(db, 0.3, 0.1)
        assert found(db) == ["B", "A"]
    assert caplog.messages == [
        "vectors are read from the base, not from the cache: no cache at port 1: start it",
        "vectors are not kept in the cache: no cache at port 1: start it",
    ]


def test_a_cache_that_takes_no_large_values_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The vectors are read for each search."""
    with opened(tmp_path / "k.db", Small()) as db, caplog.at_level(logging.WARNING):
        fill(db, 0.3, 0.1)
        assert found(db) == ["B", "A"]
    assert caplog.messages == ["vectors are not kept in the cache: a value has 100 bytes at most"]


def test_a_cache_that_is_switched_off(tmp_path: Path) -> None:
    """With a lifetime of 0 nothing is kept."""
    config.set_config(Config(perf_cache_ttl_seconds=0))
    with opened(tmp_path / "k.db", DefaultCacheBackend()) as db:
        fill(db, 0.3, 0.1)
        assert found(db) == found(db) == ["B", "A"]
        assert matrix.kept(db, SPACE, "summary") is None


def test_too_many_vectors_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read anew, page by page, with the same answer."""
    monkeypatch.setattr(matrix, "LARGEST", 2 * 128 * 4)
    with opened(tmp_path / "k.db", cache := Counting()) as db:
        fill(db, 0.3, 0.1)
        assert found(db) == ["B", "A"]
        assert len(cache.stored) == 1
        fill_more = Entry("C", "C", "bug")
        db.add(fill_more)
        put(db, "C", 0.2)
        assert found(db) == found(db) == ["B", "C", "A"]
        assert len(cache.stored) == 1


def test_a_base_that_has_no_stamps_is_read_each_time(tmp_path: Path) -> None:
    """One of 0.3 that nothing has written yet; nothing is written for a search by meaning alone."""
    path = databases.unpack("v12.db", tmp_path)
    before = path.read_bytes()
    with opened(path, cache := Counting()) as db:
        service = EmbeddingService(embedder=WordCounts("sample-vectors"))
        stored = db.get_all_embeddings("summary")
        assert len(service.find_similar(stored[0].entry_id, db, threshold=-1.0)) == 9
        assert cache.stored == []
    assert path.read_bytes() == before


def test_a_vector_that_changes_while_they_are_read(tmp_path: Path) -> None:
    """What was read of two states is not kept."""
    with opened(tmp_path / "k.db", cache := Counting()) as db:
        fill(db, 0.3, 0.1)
        for part in matrix.read(db, SPACE, "summary"):
            assert len(part.ends) == 2
            put(db, "A", 0.0)
        assert cache.stored == []
        assert found(db) == ["A", "B"]


def test_filters(tmp_path: Path) -> None:
    """As many as wanted are found, however many of the best a filter passes over."""
    with opened(tmp_path / "k.db", DefaultCacheBackend()) as db:
        for number in range(60):
            kind = "config" if number % 20 == 19 else "bug"
            db.add(Entry(f"E{number:02}", "t", kind, project=f"p{number % 2}"))  # type: ignore[arg-type]  # one of the types
            put(db, f"E{number:02}", number / 60)
        db.entries.change("E00", {"status": "obsolete"})
        for _ in range(2):
            assert found(db, limit=2) == ["E00", "E01"]
            assert found(db, limit=2, where=EntryFilter()) == ["E01", "E02"]
            assert found(db, limit=2, where=EntryFilter("config")) == ["E19", "E39"]
            assert found(db, limit=9, where=EntryFilter("config")) == ["E19", "E39", "E59"]
            assert found(db, limit=2, where=EntryFilter(project="p0", include_obsolete=True)) == ["E00", "E02"]
            assert found(db, limit=1, where=EntryFilter("config"), exclude_id="E19") == ["E39"]
            assert len(found(db, where=EntryFilter(project="p1"))) == 30
            assert found(db, limit=2, where=EntryFilter("decision")) == []


_OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "context", "drop", "obsolete", "delete", "search"]), st.integers(0, 5), st.floats(0, 3)
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_OPERATIONS)
def test_whatever_is_written_and_searched_the_cache_changes_no_answer(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[str, int, float]]
) -> None:
    """The same as without one, and the same as from a comparison of all stored vectors one by one."""
    with opened(tmp_path_factory.mktemp("base") / "k.db", DefaultCacheBackend()) as db:
        for operation, number, angle in [*operations, ("search", 0, 0.0)]:
            entry_id = f"Ä{number}"
            if operation == "search":
                where = (EVERY_ENTRY, EntryFilter())[number % 2]
                given = {"limit": -1, "threshold": -1.0, "where": where, "kinds": SUMMARY_AND_CONTEXT}
                with_cache = nearest(db, QUERY.tobytes(), SPACE, backend="numpy", **given)  # type: ignore[arg-type]  # by name
                expected: dict[str, float] = {}
                admitted = db.store.vectors.admitted(where)
                for one in db.get_all_embeddings():
                    score = float(one.to_numpy()[0] / 3) * SUMMARY_AND_CONTEXT[one.embedding_type]
                    if one.entry_id in admitted:
                        expected[one.entry_id] = max(score, expected.get(one.entry_id, -1.0))
                assert dict(with_cache) == pytest.approx(expected, abs=1e-5)
                db.cache_backend.clear()
                without = nearest(db, QUERY.tobytes(), SPACE, backend="numpy", **given)  # type: ignore[arg-type]  # by name
                assert with_cache == without
                continue
            if db.get(entry_id, update_access=False) is None:
                db.add(Entry(entry_id, "t", "bug"))
            if operation in ("put", "context"):
                put(db, entry_id, angle, "summary" if operation == "put" else "context")
            elif operation == "drop":
                db.delete_embedding(entry_id)
            elif operation == "obsolete":
                db.entries.change(entry_id, {"status": "obsolete"})
            else:
                db.delete(entry_id)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0, float("nan")]), max_size=30),
    st.floats(-1, 1, width=32),
    st.integers(-1, 32),
)
def test_the_best_of_many(scores: list[float], threshold: float, limit: int) -> None:
    """Those above the threshold, equal ones in the order of their storing, what is no number never."""
    vectors = matrix.UnitVectors(
        np.array(scores, dtype=np.float32).reshape(-1, 1),
        np.arange(1, len(scores) + 1),
        bytes(range(65, 65 + len(scores))),
    )
    expected = sorted(
        ((chr(65 + place), score) for place, score in enumerate(scores) if score >= threshold), key=lambda one: -one[1]
    )
    assert vectors.best(np.ones(1, dtype=np.float32), threshold, limit) == (expected if limit < 0 else expected[:limit])


_AUTO = """
import sys
from pathlib import Path
import numpy as np
from rekall.db import Database
from rekall.embeddings import matrix
from rekall.embeddings.nearest import nearest
from rekall.models import Embedding, Entry
from rekall.store.vectors import VectorSpace
space = VectorSpace(("m",), 128)
query = np.eye(1, 128, dtype=np.float32)[0].tobytes()
with Database(Path(sys.argv[1])) as db:
    def search(backend="auto"):
        found = nearest(db, query, space, limit=-1, threshold=-1.0, backend=backend)
        print([one for one, _ in found], matrix.kept(db, space, "summary") is not None)
    for number, entry_id in enumerate("CAB"):
        db.add(Entry(entry_id, "t", "bug"))
        db.add_embedding(Embedding.from_numpy(entry_id, "summary", np.eye(3, 128)[0] + number * np.eye(3, 128)[1], "m"))
    for backend in ("sqlite-vec", "sqlite-vec", "auto", "auto", "auto", "sqlite-vec"):
        search(backend)
    db.delete("A")
    search()
    sys.modules["numpy"] = None
    for _ in range(3):
        search()
"""


def test_sqlite_vec_does_the_first_search_and_the_matrix_the_others(tmp_path: Path) -> None:
    """A command that searches once makes no matrix, a server makes one for each state of the base that it uses twice.

    Without numpy it is always sqlite-vec.
    """
    all_of_them, rest = "['C', 'A', 'B']", "['C', 'B']"
    assert sqlite_vec.run(_AUTO, tmp_path / "k.db").splitlines() == [
        *(f"{all_of_them} False",) * 3,
        *(f"{all_of_them} True",) * 3,
        *(f"{rest} False",) * 4,
    ]
