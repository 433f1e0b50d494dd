"""Entries get their vectors: in batches, each whole or not at all, and only where they need any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support import databases, processes, raw
from support.counting import CountingBackend
from support.embedders import MODEL, WordCounts

from rekall import config
from rekall.db import Database
from rekall.embeddings import count_to_embed, embed_chosen, embed_entries, entries_to_embed
from rekall.embeddings.indexing import AT_ONCE
from rekall.errors import EmbeddingModelUnavailableError, InvalidValueError
from rekall.infra import ServiceContainer
from rekall.models import Embedding, Entry, StructuredContext, Vector

CONTEXT = StructuredContext("the login failed behind the proxy", "allowed the header there", ["proxy", "header"])


def to_embed(db: Database) -> list[str]:
    return [entry.id for entry in entries_to_embed(db, MODEL, 384, limit=-1)]


def vector(db: Database, entry_id: str, kind: str = "summary") -> Vector:
    embedding = db.get_embedding(entry_id, kind)
    assert embedding is not None
    return embedding.to_numpy()


def test_every_active_entry_gets_its_vector(db: Database) -> None:
    """Of title, content and tags, under the model's name; once, and without counting an access."""
    db.add(Entry("FULL", "a title", "bug", content="some content", tags=["one", "two"]))
    db.add(Entry("GONE", "an old title", "bug", status="obsolete"))
    embedder = WordCounts()
    assert to_embed(db) == ["CORS", "RETRY", "RETRY2", "RETRY3", "CACHE", "FULL"]
    assert embed_entries(db, embedder) == 6
    assert embedder.seen[-1] == "a title some content one two"
    stored = db.get_embedding("FULL", "summary")
    assert stored is not None
    assert (stored.model_name, stored.dimensions) == (MODEL, 384)
    assert np.allclose(stored.to_numpy(), embedder.embed(["a title some content one two"])[0])
    assert db.get_embeddings("GONE") == []
    assert to_embed(db) == []
    assert embed_entries(db, embedder) == 0
    assert {entry.access_count for entry in db.list_all()} == {0}


def test_a_context_has_a_vector_of_its_own(db: Database) -> None:
    """Situation and solution, a line each, or the free text; an entry without context has none."""
    db.store_structured_context("CORS", CONTEXT)
    db.store_context("CACHE", "found on a Monday")
    embedder = WordCounts()
    assert embed_entries(db, embedder) == 5
    assert "the login failed behind the proxy\nallowed the header there" in embedder.seen
    assert np.allclose(vector(db, "CACHE", "context"), embedder.embed(["found on a Monday"])[0])
    assert len(db.get_all_embeddings("context")) == 2


def test_a_context_that_came_later(db: Database) -> None:
    """It is embedded, and the summary beside it is not embedded again."""
    embed_entries(db, WordCounts())
    db.store_structured_context("CORS", CONTEXT)
    assert to_embed(db) == ["CORS"]
    embedder = WordCounts()
    assert embed_entries(db, embedder) == 1
    assert len(embedder.seen) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda db: db.store_structured_context("CORS", StructuredContext("another one", "and its solution", ["k"])),
        lambda db: db.store_context("CACHE", "another text"),
    ],
)
def test_a_context_that_changed(db: Database, change: Callable[[Database], None]) -> None:
    """It is embedded anew; the same text stored again is not."""
    db.store_structured_context("CORS", CONTEXT)
    db.store_context("CACHE", "found on a Monday")
    embed_entries(db, WordCounts())
    db.store_structured_context("CORS", CONTEXT)
    db.store_context("CACHE", "found on a Monday")
    assert to_embed(db) == []
    change(db)
    assert len(to_embed(db)) == 1
    assert embed_entries(db, WordCounts()) == 1
    assert to_embed(db) == []


def test_a_context_that_cannot_be_read_is_no_work_for_ever(db: Database) -> None:
    """The entry's own text stands for it."""
    raw.write(db.db_path, "UPDATE entries SET context_structured = 'no JSON' WHERE id = 'CORS'")
    embedder = WordCounts()
    embed_entries(db, embedder)
    assert np.allclose(vector(db, "CORS", "context"), vector(db, "CORS"))
    assert to_embed(db) == []


@pytest.mark.fault(15)
def test_as_much_of_a_context_as_configured(db: Database) -> None:
    """`max_context_size` says how many bytes are embedded; nothing of what is stored is cut."""
    db.store_context("CORS", "häufig " * 20)
    embedder = WordCounts()
    config.set_config(config.Config(max_context_size=9))
    embed_entries(db, embedder, limit=1)
    assert embedder.seen[-1] == "häufig h"  # and the first byte of the next letter, which is no text
    config.set_config(config.Config(max_context_size=0))
    embed_chosen(db, embedder, ["CORS"])
    assert embedder.seen[-1] == "häufig " * 20
    assert db.get_context("CORS") == "häufig " * 20


@pytest.mark.parametrize(
    "change",
    [
        lambda db: db.update(Entry("CORS", "another title", "bug")),
        lambda db: db.entries.change("CORS", {"content": "another content"}),
        lambda db: db.entries.change("CORS", {}, tags=["another"]),
    ],
)
def test_an_entry_that_changed(db: Database, change: Callable[[Database], None]) -> None:
    """It is embedded anew, in place of the vector before."""
    embed_entries(db, WordCounts())
    before = vector(db, "CORS")
    change(db)
    assert to_embed(db) == ["CORS"]
    assert embed_entries(db, WordCounts()) == 1
    assert not np.allclose(vector(db, "CORS"), before)
    assert db.count_embeddings() == 5
    assert to_embed(db) == []


def test_reading_and_rating_an_entry_change_nothing(db: Database) -> None:
    """Only what is written in an entry makes its vector old."""
    embed_entries(db, WordCounts())
    db.get("CORS")
    db.search("cors")
    db.update_review_schedule("CORS", 5)
    db.add_link("CORS", "CACHE")
    assert to_embed(db) == []


def test_a_change_while_an_entry_is_embedded_is_noticed(db: Database) -> None:
    """The vector is as old as the text that it was made of, not as its storing."""

    class Slow(WordCounts):
        def embed(self, texts: Sequence[str]) -> Vector:
            db.entries.change("CORS", {"title": "changed meanwhile"})
            return super().embed(texts)

    assert embed_entries(db, Slow()) == 5
    assert to_embed(db) == ["CORS"]


def test_an_entry_removed_while_it_is_embedded(db: Database) -> None:
    """The others of its batch are stored."""

    class Removing(WordCounts):
        def embed(self, texts: Sequence[str]) -> Vector:
            db.delete("CORS")
            return super().embed(texts)

    assert embed_entries(db, Removing()) == 5
    assert sorted(one.entry_id for one in db.get_all_embeddings()) == ["CACHE", "RETRY", "RETRY2", "RETRY3"]


def test_an_entry_from_a_clock_that_runs_ahead(db: Database) -> None:
    """Embedded once, not at every run."""
    ahead = datetime.now() + timedelta(days=2)
    db.add(Entry("AHEAD", "from tomorrow", "bug", created_at=ahead, updated_at=ahead))
    assert embed_entries(db, WordCounts()) == 6
    assert to_embed(db) == []


@pytest.mark.parametrize("other", [WordCounts("another model"), WordCounts(MODEL, 128)])
def test_vectors_of_another_model_or_length_are_replaced(db: Database, other: WordCounts) -> None:
    """Summaries and contexts."""
    db.store_structured_context("CORS", CONTEXT)
    embed_entries(db, other)
    assert len(to_embed(db)) == 5
    assert embed_entries(db, WordCounts()) == 5
    assert {(one.model_name, one.dimensions) for one in db.get_all_embeddings()} == {(MODEL, 384)}
    assert db.count_embeddings() == 6


def test_a_damaged_vector_is_replaced(db: Database) -> None:
    """One whose bytes are not as many as it says."""
    embed_entries(db, WordCounts())
    raw.write(db.db_path, "UPDATE embeddings SET vector = zeroblob(12) WHERE entry_id = 'RETRY2'")
    assert to_embed(db) == ["RETRY2"]
    embed_entries(db, WordCounts())
    assert len(vector(db, "RETRY2")) == 384


def test_chosen_entries_are_embedded_anew(db: Database) -> None:
    """Whatever vectors they have, and whatever their status."""
    embed_entries(db, WordCounts("another model"))
    db.entries.change("CACHE", {"status": "obsolete"})
    assert embed_chosen(db, WordCounts(), ["CORS", "CACHE", "unknown"]) == 2
    assert [one.entry_id for one in db.get_all_embeddings() if one.model_name == MODEL] == ["CORS", "CACHE"]
    assert embed_chosen(db, WordCounts(), ["CORS"]) == 1
    assert embed_chosen(db, WordCounts(), []) == 0


def many(db: Database, number: int) -> None:
    for place in range(number):
        db.add(Entry(f"E{place:04}", f"title {place}", "bug"))


def test_progress_is_told_after_each_batch(db: Database) -> None:
    """How many entries are done, and of how many."""
    many(db, 2 * AT_ONCE)
    told: list[tuple[int, int]] = []
    assert embed_entries(db, WordCounts(), on_progress=lambda done, total: told.append((done, total))) == 69
    assert told == [(AT_ONCE, 69), (2 * AT_ONCE, 69), (69, 69)]
    told.clear()
    assert embed_entries(db, WordCounts("x"), limit=40, on_progress=lambda *both: told.append(both)) == 40
    assert told == [(AT_ONCE, 40), (40, 40)]
    assert count_to_embed(db, "x", 384) == 29
    assert [entry.id for entry in entries_to_embed(db, "x", 384, limit=2)] == ["E0035", "E0036"]
    assert embed_entries(db, WordCounts("y"), limit=0) == 0


def test_an_error_keeps_what_was_stored(db: Database) -> None:
    """The batches before it; the next run goes on there."""
    many(db, AT_ONCE)

    class Failing(WordCounts):
        def embed(self, texts: Sequence[str]) -> Vector:
            if self.seen:
                raise EmbeddingModelUnavailableError("the model went away: bring it back")
            return super().embed(texts)

    with pytest.raises(EmbeddingModelUnavailableError, match="went away"):
        embed_entries(db, Failing())
    assert db.count_embeddings() == AT_ONCE
    assert embed_entries(db, WordCounts()) == 5
    assert to_embed(db) == []


def test_what_is_no_vector_is_not_stored(db: Database) -> None:
    """Nothing of the batch is."""

    class Wrong(WordCounts):
        def embed(self, texts: Sequence[str]) -> Vector:
            return super().embed(texts)[:, :128]

    with pytest.raises(InvalidValueError, match="shape"):
        embed_entries(db, Wrong())
    assert db.count_embeddings() == 0


def test_the_calls_do_not_grow_with_the_entries(tmp_path: Path) -> None:
    """One read and one batch for each batch of entries, contexts included."""
    backend = CountingBackend(tmp_path / "k.db")
    container = ServiceContainer()
    container.register("database", backend)
    with Database(tmp_path / "k.db", container=container) as db:
        many(db, 3 * AT_ONCE)
        for entry in db.list_all(limit=AT_ONCE):
            db.store_structured_context(entry.id, CONTEXT)
        backend.reset()
        embed_entries(db, WordCounts())
        assert backend.calls["execute_batch"] == 3
        assert len([one for one in backend.queries if "rekall_context_pending" not in one]) == 4
    container.close()


def test_the_sample_base_of_0_3_is_embedded_anew(tmp_path: Path) -> None:
    """All active entries, those with made-up vectors too; an obsolete one keeps what it had."""
    path = databases.unpack("v12.db", tmp_path)
    with Database(path) as db:
        assert embed_entries(db, WordCounts()) == 39
        models = {(one.model_name, db.get(one.entry_id, update_access=False).status) for one in db.get_all_embeddings()}  # type: ignore[union-attr]  # every vector has its entry
        assert models == {(MODEL, "active"), ("sample-vectors", "obsolete")}
        assert db.maintenance.integrity_problems() == []


_EMBED = """
import sys, time
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from support.embedders import WordCounts
from rekall.db import Database
from rekall.embeddings import embed_entries
def tell(done, total):
    print(done, flush=True)
    time.sleep(0.01)
with Database(Path(sys.argv[1])) as db:
    embed_entries(db, WordCounts(), on_progress=tell)
"""


def test_kill_and_go_on(db: Database) -> None:
    """What was told as done is stored, in whole batches, and the next run does the rest."""
    many(db, 20 * AT_ONCE)
    every = 5 + 20 * AT_ONCE
    tests = Path(__file__).parents[1]
    done = 0
    for seconds in (0.0, 0.02, 0.05):
        process = processes.start(_EMBED, db.db_path, tests)
        assert process.stdout is not None
        first = process.stdout.readline()
        told = (first + processes.kill_after(process, seconds)).split()
        stored = db.count_embeddings()
        assert stored >= done + int(told[-1])
        assert stored % AT_ONCE == 0
        assert stored < every
        done = stored
        assert count_to_embed(db, MODEL, 384) == every - stored
    assert embed_entries(db, WordCounts()) == every - done
    assert to_embed(db) == []
    assert db.maintenance.integrity_problems() == []


def test_two_processes_embed_one_base(db: Database, tmp_path: Path) -> None:
    """Each entry has one vector at the end, whoever made it."""
    many(db, 5 * AT_ONCE)
    code = f"import sys; del sys.argv[1]\n{_EMBED}"
    arguments = (db.db_path, Path(__file__).parents[1])
    processes.run_together(code, [arguments, arguments], tmp_path / "gate")
    assert to_embed(db) == []
    assert db.count_embeddings() == 5 + 5 * AT_ONCE


def test_many_vectors_are_stored_in_one_batch(db: Database) -> None:
    """All or none: one that the file refuses keeps the others out."""
    good = Embedding.from_numpy("CORS", "summary", np.ones(384), "m")
    bad = Embedding.from_numpy("CACHE", "summary", np.ones(384), "m")
    bad.dimensions = 100
    with pytest.raises(Exception, match="constraint"):
        db.embeddings.add_embeddings([good, bad])
    assert db.count_embeddings() == 0
    db.embeddings.add_embeddings([])
    db.embeddings.add_embeddings([good, Embedding.from_numpy("unknown", "summary", np.ones(384), "m")])
    assert db.get_all_embeddings() == [good]
