"""Looking for suggestions: what it costs, and what a person sees meanwhile."""

from __future__ import annotations

from pathlib import Path

from support.counting import CountingBackend
from support.embedders import WordCounts

from rekall.db import Database
from rekall.embeddings import EmbeddingService, embed_entries
from rekall.embeddings.suggesting import find_suggestions
from rekall.infra import ServiceContainer
from rekall.models import Entry, MemoryType

WORDS = ("walrus", "proxy", "cookie", "deadlock", "migration", "timeout")


def test_the_queries_do_not_grow_with_the_groups(tmp_path: Path) -> None:
    """Those that were generalized already are found all at once."""
    backend = CountingBackend(tmp_path / "k.db")
    container = ServiceContainer()
    container.register("database", backend)
    with Database(tmp_path / "k.db", container=container) as db:
        queries = []
        for word in WORDS:
            for number in range(3):
                db.add(Entry(f"{word}{number}", f"{word} {word} {word} {word} {number}", "bug"))
            embed_entries(db, WordCounts())
            backend.reset()
            found = find_suggestions(db, EmbeddingService(embedder=WordCounts()))
            queries.append(len(backend.queries))
        assert len([one for one in found if one.suggestion_type == "generalize"]) == len(WORDS)
        assert set(queries) == {queries[0]}
        db.add(Entry("general", "what they have in common", "pattern"))
        for number in range(3):
            db.add_link("general", f"proxy{number}", "derived_from")
        db.add_link("general", "cookie0", "derived_from")
        found = find_suggestions(db, EmbeddingService(embedder=WordCounts()))
        groups = {one.entry_ids[0] for one in found if one.suggestion_type == "generalize"}
        assert groups == {f"{word}0" for word in WORDS if word != "proxy"}
    container.close()


def test_progress(tmp_path: Path) -> None:
    """Of both parts of the work: the episodic entries for groups, all entries for pairs."""
    with Database(tmp_path / "k.db") as db:
        for number in range(300):
            kind: MemoryType = "semantic" if number % 3 else "episodic"
            db.add(Entry(f"E{number:03}", f"title {number}", "bug", memory_type=kind))
        embed_entries(db, WordCounts())
        told: list[tuple[int, int]] = []
        find_suggestions(db, EmbeddingService(embedder=WordCounts()), lambda done, total: told.append((done, total)))
    assert told == [(100, 100), (256, 300), (300, 300)]
