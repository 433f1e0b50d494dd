"""The matrix of vectors in a process, where the cache is outside of it: fetched once for each state of the base."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import processes

from rekall import config
from rekall.config import Config
from rekall.db import Database
from rekall.embeddings import matrix
from rekall.embeddings.nearest import nearest
from rekall.infra import ServiceContainer
from rekall.infra.defaults import DefaultCacheBackend
from rekall.models import Embedding, Entry
from rekall.store.vectors import VectorSpace

SPACE = VectorSpace(("m",), 128)
QUERY = np.eye(1, 128, dtype=np.float32)[0]


class Remote(DefaultCacheBackend):
    """A cache that sends a copy of each value, and tells how many large ones it sent and got."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0
        self.received = 0
        self.keys: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        value = super().get(key, default)
        self.sent += isinstance(value, bytes)
        return bytes(bytearray(value)) if isinstance(value, bytes) else value

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self.received += isinstance(value, bytes)
        if isinstance(value, bytes):
            self.keys.add(key)
        super().set(key, value, ttl)


@contextmanager
def opened(path: Path, cache: Remote) -> Iterator[Database]:
    container = ServiceContainer()
    container.register("cache", cache)
    with Database(path, container=container) as db:
        yield db


@pytest.fixture
def cache() -> Remote:
    return Remote()


@pytest.fixture
def db(tmp_path: Path, cache: Remote) -> Iterator[Database]:
    """Three entries with vectors."""
    with opened(tmp_path / "k.db", cache) as found:
        for place, entry_id in enumerate("ABC"):
            found.add(Entry(entry_id, entry_id, "bug"))
            put(found, entry_id, 0.1 * (place + 1))
        yield found


def put(db: Database, entry_id: str, angle: float) -> None:
    vector = np.zeros(128, dtype=np.float32)
    vector[0], vector[1] = np.cos(angle), np.sin(angle)
    db.add_embedding(Embedding.from_numpy(entry_id, "summary", vector, "m"))


def found(db: Database) -> list[str]:
    best = nearest(db, QUERY.tobytes(), SPACE, limit=-1, threshold=-1.0, backend="numpy")
    return [entry_id for entry_id, _ in best]


def test_who_made_it_never_fetches_it(db: Database, cache: Remote) -> None:
    """It is stored for others."""
    assert [found(db) for _ in range(5)] == 5 * [["A", "B", "C"]]
    assert (cache.received, cache.sent) == (1, 0)


def test_others_fetch_it_once(db: Database, cache: Remote) -> None:
    """Whatever is written of entries meanwhile: these are no vectors."""
    found(db)
    with opened(db.db_path, cache) as other:
        for number in range(4):
            assert found(other) == ["A", "B", "C"]
            db.entries.change("A", {"title": f"title {number}"})
    assert (cache.received, cache.sent) == (1, 1)


_AS_0_3 = """
import sqlite3, struct, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("UPDATE embeddings SET vector = ? WHERE entry_id = 'C'", (struct.pack("<128f", 1, *127 * [0]),))
connection.commit()
"""


def test_a_vector_that_another_program_changes_counts_at_once(db: Database, cache: Remote) -> None:
    """In every process; the new matrix takes the place of the old one, which nobody fetches any more."""
    with opened(db.db_path, cache) as other:
        assert found(db) == found(other) == ["A", "B", "C"]
        processes.run(_AS_0_3, db.db_path)
        assert found(db) == found(other) == ["C", "A", "B"]
    assert (cache.received, cache.sent) == (2, 2)
    assert len(cache.keys) == 1


def test_it_is_let_go_after_its_time(db: Database, cache: Remote) -> None:
    """A process that is idle does not need the memory; with a lifetime of 0 none is held."""
    found(db)
    config.set_config(Config(perf_cache_ttl_seconds=0))
    assert found(db) == found(db) == ["A", "B", "C"]
    assert (cache.received, cache.sent) == (1, 0)
    assert matrix.kept(db, SPACE, "summary") is None
