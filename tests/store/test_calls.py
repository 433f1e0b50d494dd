"""How often the back end is called: by what is asked, never by how much is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.counting import CountingBackend

from rekall.db import Database
from rekall.infra import ServiceContainer, register_backend
from rekall.models import Entry, StructuredContext


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred entries with tags, contexts and links: a chain, and a star around the first."""
    path = tmp_path_factory.mktemp("filled") / "k.db"
    with Database(path, container=ServiceContainer()) as db:
        for number in range(200):
            context = StructuredContext("a situation", "a solution", ["keyword"]) if number % 3 == 0 else None
            db.add(Entry(f"{number:03}", "common word", "bug", tags=["x", "y"]), context=context)
        for number in range(1, 200):
            db.add_link("000", f"{number:03}")
            db.add_link(f"{number:03}", f"{(number + 1) % 200:03}", "derived_from")
    return path


@pytest.fixture
def backend(filled: Path, tmp_path: Path) -> CountingBackend:
    counting = CountingBackend(Path(shutil.copy(filled, tmp_path / "counted.db")))
    register_backend("database", counting)
    return counting


@pytest.fixture
def db(backend: CountingBackend, tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        opened.set_metadata("session", "is prepared")
        backend.reset()
        yield opened


@pytest.mark.parametrize("limit", [1, 10, 200])
def test_a_counted_search(db: Database, backend: CountingBackend, limit: int) -> None:
    """One query for the hits, at most two for what hangs on them, one batch for the counts."""
    assert len(db.search("common word", limit=limit)) == limit
    assert sum("MATCH" in query for query in backend.queries) == 1
    assert backend.reads() <= 3
    assert backend.calls["execute_batch"] == 1
    assert backend.calls["execute"] == 0


@pytest.mark.parametrize("query", ["common", "common word", "situation", '"a situation"', "common NOT zzz", "zzz"])
def test_an_uncounted_search(db: Database, backend: CountingBackend, query: str) -> None:
    """Reads only, whatever is found and where."""
    db.search(query, limit=-1, update_access=False)
    assert sum("MATCH" in query for query in backend.queries) == 1
    assert backend.reads() <= 3
    assert backend.calls["execute_batch"] == backend.calls["execute"] == 0


READS: list[tuple[str, Callable[[Database], Any], int]] = [
    ("list", lambda db: db.list_all(limit=-1), 2),
    ("get", lambda db: db.get("000", update_access=False), 2),
    ("links", lambda db: db.get_links("000"), 2),
    ("related", lambda db: db.get_related_entries("000"), 4),
    ("link counts", lambda db: db.count_links("000"), 1),
    ("centrality", lambda db: db.calculate_centrality_score("000"), 3),
    ("keywords", lambda db: db.search_by_keywords(["keyword"], limit=-1), 2),
    ("contexts", lambda db: db.get_entries_with_structured_context(limit=-1), 2),
    ("graph of depth 1", lambda db: db.render_graph_ascii("000", max_depth=1), 2 + 2 * 1),
    ("graph of depth 4", lambda db: db.render_graph_ascii("000", max_depth=4), 2 + 2 * 4),
]


@pytest.mark.parametrize(("call", "most"), [row[1:] for row in READS], ids=[row[0] for row in READS])
def test_reading(db: Database, backend: CountingBackend, call: Callable[[Database], Any], most: int) -> None:
    """Bounded by what is asked: a graph by its depth, everything else by a constant."""
    assert call(db)
    assert backend.reads() <= most
    assert backend.calls["execute_batch"] == backend.calls["execute"] == 0


WRITES: list[tuple[str, Callable[[Database], Any]]] = [
    ("add", lambda db: db.add(Entry("N", "new", "bug", tags=["a", "b", "c"]))),
    (
        "add with context",
        lambda db: db.add(Entry("N", "new", "bug"), context=StructuredContext("a situation", "a solution", ["k", "l"])),
    ),
    ("update", lambda db: db.update(Entry("000", "changed", "bug", tags=["a", "b"]))),
    ("delete", lambda db: db.delete("000")),
    ("get", lambda db: db.get("000")),
    ("link", lambda db: db.add_link("005", "000")),
    ("context", lambda db: db.store_structured_context("001", StructuredContext("a case here", "a cure", ["k", "l"]))),
    ("all centralities", lambda db: db.update_all_centrality_scores()),
]


@pytest.mark.parametrize("call", [row[1] for row in WRITES], ids=[row[0] for row in WRITES])
def test_writing(db: Database, backend: CountingBackend, call: Callable[[Database], Any]) -> None:
    """One write of the domain is one batch, and a few reads at most."""
    call(db)
    assert backend.calls["execute_batch"] == 1
    assert backend.calls["execute"] == 0
    assert backend.reads() <= 4
