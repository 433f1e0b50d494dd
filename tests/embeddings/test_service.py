"""Searching by meaning with the names of 0.3."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support import databases, embedders, processes, raw
from support.embedders import MODEL, WordCounts

import rekall.embeddings
from rekall import config
from rekall.cache import get_embedding_cache
from rekall.config import Config
from rekall.db import Database
from rekall.embeddings import EmbeddingService, embed_entries, get_embedding_service, reset_embedding_service
from rekall.errors import EmbeddingModelUnavailableError
from rekall.models import Embedding, Entry, StructuredContext, Vector
from rekall.store.vectors import PAGE

Hit = tuple[Entry, float, float | None, list[str]]


@pytest.fixture
def service(db: Database) -> EmbeddingService:
    """A service for a base whose entries are embedded."""
    embed_entries(db, WordCounts())
    return EmbeddingService(embedder=WordCounts())


def ids(hits: Sequence[tuple[Entry, float]] | Sequence[Hit]) -> list[str]:
    return [hit[0].id for hit in hits]


# vectors


def test_the_vector_of_a_text() -> None:
    """Of length 1; none for a blank text."""
    service = EmbeddingService(embedder=WordCounts())
    vector = service.calculate("a text")
    assert vector is not None
    assert vector.shape == (384,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1)
    assert service.calculate("") is None
    assert service.calculate(" \n") is None


def test_the_vectors_of_an_entry() -> None:
    """Its summary, and its context where one is given."""
    embedder = WordCounts()
    service = EmbeddingService(embedder=embedder)
    found = service.calculate_for_entry(Entry("A", "title", "bug", content="content", tags=["x", "y"]))
    assert found["context"] is None
    assert embedder.seen == ["title content x y"]
    both = service.calculate_for_entry(Entry("A", "title", "bug"), "situation\nsolution")
    assert both["summary"] is not None
    assert both["context"] is not None
    assert embedder.seen[1:] == ["title", "situation\nsolution"]


def test_without_a_model_there_are_no_vectors(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Never an exception where 0.3 had none; a model that is there and fails leaves a line in the log."""

    class Missing(WordCounts):
        def problem(self) -> EmbeddingModelUnavailableError | None:
            return EmbeddingModelUnavailableError("no model: run this")

    class Failing(WordCounts):
        def embed(self, texts: Sequence[str]) -> Vector:
            raise EmbeddingModelUnavailableError("Failed to load model: run that")

    missing, failing = EmbeddingService(embedder=Missing()), EmbeddingService(embedder=Failing())
    assert not missing.available
    assert missing.get_model_status()["install_instructions"] == "no model: run this"
    for service in (missing, failing):
        assert service.calculate("text") is None
        assert service.semantic_search("cors", db) == []
        assert ids(service.hybrid_search("cors", db)) == ["CORS"]
    assert "Failed to load model: run that" in caplog.text
    with pytest.raises(EmbeddingModelUnavailableError, match="no model: run this"):
        missing.require()
    assert failing.require() is failing.embedder


def test_the_status_of_a_model() -> None:
    """The keys of 0.3, and what to run only where something is missing."""
    assert EmbeddingService("m", embedder=WordCounts()).get_model_status() == {
        "available": True,
        "model_name": "m",
        "target_dimensions": 384,
        "model_loaded": True,
        "native_dimensions": None,
    }
    status = EmbeddingService().get_model_status()
    assert status["model_name"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert not status["model_loaded"]


def test_the_underscore_names_of_0_3() -> None:
    """What other programs looked at."""
    service = EmbeddingService(embedder=WordCounts(dimensions=128))
    assert (service._model, service._available, service._model_dimensions) == (None, None, None)
    assert service._check_availability()
    service._load_model()
    assert service._model is not None
    assert service._available
    assert service._truncate_text("x" * 9000) == "x" * 8000
    assert service._truncate_text("abc", 2) == "ab"
    assert service._apply_matryoshka(np.ones(384)).shape == (128,)
    service._available = False
    assert service.calculate("text") is None


# the service of the process


@pytest.mark.fault(15)
def test_the_configured_model_is_used() -> None:
    """Model, length and threshold of config.toml."""
    config.set_config(
        Config(
            smart_embeddings_model="sentence-transformers/configured",
            smart_embeddings_dimensions=128,
            smart_embeddings_similarity_threshold=0.5,
        )
    )
    with embedders.registered("configured"):
        service = get_embedding_service()
        assert isinstance(service.embedder, WordCounts)
        assert service.embedder.name == "sentence-transformers/configured"
        assert (service.dimensions, service.similarity_threshold) == (128, 0.5)
        assert service.space.models == ("configured", "sentence-transformers/configured")


def test_one_service_for_a_process() -> None:
    """An argument makes another one, which stays; what is not given is as configured."""
    first = get_embedding_service()
    assert get_embedding_service() is first
    second = get_embedding_service(dimensions=128)
    assert second is not first
    assert (second.dimensions, second.model_name, second.similarity_threshold) == (128, "all-MiniLM-L6-v2", 0.75)
    assert get_embedding_service() is second
    assert get_embedding_service(similarity_threshold=0.9).dimensions == 384
    reset_embedding_service()
    assert get_embedding_service() is not second
    rekall.embeddings._embedding_service = None
    assert get_embedding_service() is not second


# similar entries


def test_similar_entries(db: Database, service: EmbeddingService) -> None:
    """Best first, without the entry itself; the threshold counts; no access is counted."""
    assert ids(service.find_similar("RETRY", db)) == ["RETRY2", "RETRY3"]
    found = service.find_similar("RETRY", db, threshold=0.0)
    assert ids(found)[:2] == ["RETRY2", "RETRY3"]
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert ids(service.find_similar("RETRY", db, threshold=0.0, limit=1)) == ["RETRY2"]
    assert service.find_similar("RETRY", db, limit=0) == []
    assert len(service.find_similar("RETRY", db, threshold=0.0, limit=-1)) == 4
    assert service.find_similar("unknown", db) == []
    db.delete_embedding("CORS")
    assert service.find_similar("CORS", db, threshold=-1) == []
    assert {entry.access_count for entry in db.list_all()} == {0}


def test_obsolete_entries_are_a_choice(db: Database, service: EmbeddingService) -> None:
    """In as in 0.3, out on request."""
    db.entries.change("RETRY2", {"status": "obsolete"})
    assert "RETRY2" in ids(service.find_similar("RETRY", db))
    assert ids(service.find_similar("RETRY", db, include_obsolete=False)) == ["RETRY3"]
    assert "RETRY2" in ids(service.semantic_search("retry jitter", db))
    assert "RETRY2" not in ids(service.semantic_search("retry jitter", db, include_obsolete=False))


@pytest.mark.fault(13)
def test_vectors_of_other_models_and_lengths_are_never_compared(db: Database, service: EmbeddingService) -> None:
    """Though their bytes would fit, and though those of another length are there."""
    embed_entries(db, WordCounts("another model"), limit=1)  # CORS
    raw.write(db.db_path, "UPDATE embeddings SET vector = zeroblob(512), dimensions = 128 WHERE entry_id = 'RETRY2'")
    raw.write(db.db_path, "UPDATE embeddings SET dimensions = 128 WHERE entry_id = 'CACHE'")  # contradicts itself
    assert ids(service.find_similar("RETRY", db, threshold=-1)) == ["RETRY3"]
    assert ids(service.semantic_search("cors retry stale", db, threshold=-1)) == ["RETRY", "RETRY3"]
    assert service.find_similar("CORS", db, threshold=-1) == []


def test_either_spelling_of_the_model_is_found(db: Database) -> None:
    """Vectors that 0.3 stored under its full name, by the short name of the configuration, and the reverse."""
    short, full = "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"
    embed_entries(db, WordCounts(short))
    for stored in (full, short):
        raw.write(db.db_path, f"UPDATE embeddings SET model_name = '{stored}'")
        for asked in (full, short):
            assert ids(EmbeddingService(embedder=WordCounts(asked)).find_similar("RETRY", db)) == ["RETRY2", "RETRY3"]


def test_the_sample_vectors_of_0_3(tmp_path: Path) -> None:
    """Found by their model's name, and need no model; the entries that they say are alike are."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        stored = db.get_all_embeddings("summary")
        service = EmbeddingService(embedder=WordCounts("sample-vectors"))
        ours = {entry.id: score for entry, score in service.find_similar(stored[0].entry_id, db, threshold=-1.0)}
        assert len(ours) == 9
        for other in stored[1:]:
            one, two = stored[0].to_numpy(), other.to_numpy()
            exact = float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))
            assert ours[other.entry_id] == pytest.approx(exact, abs=1e-5)


# search by meaning


def test_searching_by_meaning(db: Database, service: EmbeddingService) -> None:
    """By the text; with what it is about before it; in what the filters leave."""
    assert ids(service.semantic_search("cors browser", db))[0] == "CORS"
    assert service.semantic_search("cors browser", db, threshold=0.99) == []
    assert service.semantic_search("zebra", db, threshold=0.01) == []
    assert service.semantic_search(" ", db) == []
    embedder = service.embedder
    assert isinstance(embedder, WordCounts)
    service.semantic_search("cors", db, "a browser")
    assert embedder.seen[-1] == "a browser\n\ncors"
    assert ids(service.semantic_search("timeout proxy", db, entry_type="config", threshold=-1)) == ["CACHE"]
    assert "CACHE" not in ids(service.semantic_search("proxy", db, project="shop", threshold=-1))
    assert service.semantic_search("proxy", db, memory_type="semantic", threshold=-1) == []
    assert len(service.semantic_search("retry", db, limit=2)) == 2


@pytest.mark.fault(12)
def test_what_changed_is_found_at_once(db: Database, service: EmbeddingService) -> None:
    """A vector added, changed or removed, however many searches came before, and whatever the cache holds."""
    assert ids(service.semantic_search("zebra", db, threshold=0.5)) == []
    get_embedding_cache().put("CORS", np.ones(384))
    db.add(Entry("NEW", "zebra", "bug"))
    assert service.semantic_search("zebra", db, threshold=0.5) == []  # not embedded yet
    embed_entries(db, WordCounts())
    assert ids(service.semantic_search("zebra", db, threshold=0.5)) == ["NEW"]
    db.entries.change("NEW", {"title": "giraffe"})
    embed_entries(db, WordCounts())
    assert service.semantic_search("zebra", db, threshold=0.5) == []
    assert ids(service.semantic_search("giraffe", db, threshold=0.5)) == ["NEW"]
    db.delete_embedding("NEW")
    assert service.semantic_search("giraffe", db, threshold=0.5) == []
    assert "CORS" not in ids(service.semantic_search("giraffe", db, threshold=0.01))


_OTHER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from support.embedders import WordCounts
from rekall.db import Database
from rekall.embeddings import embed_entries
from rekall.models import Entry
with Database(Path(sys.argv[1])) as db:
    db.add(Entry("NEW", "zebra", "bug"))
    embed_entries(db, WordCounts())
"""


@pytest.mark.fault(12)
def test_another_process_adds_a_vector(db: Database, service: EmbeddingService) -> None:
    """The one that has searched before finds it at once."""
    assert service.semantic_search("zebra", db, threshold=0.5) == []
    processes.run(_OTHER, db.db_path, Path(__file__).parents[1])
    assert ids(service.semantic_search("zebra", db, threshold=0.5)) == ["NEW"]


@pytest.mark.fault(12)
def test_more_vectors_than_any_cache_or_page_holds(db: Database) -> None:
    """All are compared, the first and the last; the best of all pages come out in order."""
    number = PAGE + 50
    with raw.connection(db.db_path) as connection:
        connection.executemany(
            "INSERT INTO entries(id, title, content, type, created_at, updated_at) VALUES (?, 't', '', 'bug', ?, ?)",
            ((f"E{place:05}", "2025-01-01T00:00:00", "2025-01-01T00:00:00") for place in range(number)),
        )
        vectors = np.zeros((number, 128), dtype=np.float32)
        vectors[:, 1] = 1
        for rank, place in enumerate((number - 1, 0, PAGE, 17)):
            vectors[place] = 0
            vectors[place, 0], vectors[place, 2] = math.cos(0.1 * rank), math.sin(0.1 * rank)
        connection.executemany(
            "INSERT INTO embeddings VALUES (?, ?, 'summary', ?, 128, 'm', '2025-01-02T00:00:00')",
            ((f"V{place}", f"E{place:05}", vectors[place].tobytes()) for place in range(number)),
        )
        connection.commit()
    service = EmbeddingService(embedder=WordCounts("m", 128))
    last = f"E{number - 1:05}"
    assert ids(service.find_similar(last, db, limit=3)) == ["E00000", f"E{PAGE:05}", "E00017"]
    assert len(service.find_similar(last, db, limit=-1)) == 3
    assert len(service.find_similar(last, db, threshold=0.0, limit=-1)) == number - 1


# hybrid


@pytest.mark.fault(10)
def test_a_better_hit_by_words_scores_higher(db: Database) -> None:
    """The order of the text search is kept: bm25 is the lower the better."""
    db.add(Entry("PASSING", "a title", "bug", content="retry " + "other words " * 60))
    db.add(Entry("ABOUT", "retry retry", "bug", content="retry of a retry"))
    service = EmbeddingService(embedder=WordCounts())  # no vector is stored: words alone
    found = service.hybrid_search("retry", db)
    assert ids(found) == [hit.entry.id for hit in db.search("retry")]
    assert ids(found)[0] == "ABOUT"
    assert ids(found)[-1] == "PASSING"
    assert all(0 < score <= 0.68 and similarity is None for _, score, similarity, _ in found)


@pytest.mark.fault(10)
def test_on_the_sample_base_of_0_3(tmp_path: Path) -> None:
    """The entry about retry before the passing mention of it, with vectors and without."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        service = EmbeddingService(embedder=WordCounts())
        by_words = [hit.entry.id for hit in db.search("retry", limit=2)]
        assert ids(service.hybrid_search("retry", db))[:2] == by_words
        embed_entries(db, WordCounts())
        found = service.hybrid_search("retry", db)
        assert ids(found)[:2] == by_words
        assert found[0][1] > found[1][1] > 0


def cors(hits: Sequence[Hit]) -> Hit:
    return next(hit for hit in hits if hit[0].id == "CORS")


def test_the_weights(db: Database, service: EmbeddingService) -> None:
    """With a similarity the weighted sum; without one its weight goes to words and keywords, 6 to 4."""
    db.store_structured_context("CORS", StructuredContext("situation", "solution", ["cors", "header"]))
    words = cors(service.hybrid_search("cors", db, fts_weight=1, semantic_weight=0, keyword_weight=0))
    keywords = cors(service.hybrid_search("cors", db, fts_weight=0, semantic_weight=0, keyword_weight=1))
    similar = cors(service.hybrid_search("cors", db, fts_weight=0, semantic_weight=1, keyword_weight=0))
    assert similar[1] == similar[2]
    assert keywords[1] == pytest.approx(0.85)  # 0.7 * 1 word of 1 + 0.3 * 1 keyword of 2
    hit = cors(service.hybrid_search("cors", db))
    assert hit[1] == pytest.approx(0.5 * words[1] + 0.3 * similar[1] + 0.2 * keywords[1])
    assert hit[2:] == (similar[2], ["cors"])
    db.delete_embedding("CORS")
    hit = cors(service.hybrid_search("cors", db))
    assert hit[1] == pytest.approx(0.68 * words[1] + 0.32 * keywords[1])
    assert hit[2:] == (None, ["cors"])


def test_found_by_meaning_or_keyword_alone(db: Database, service: EmbeddingService) -> None:
    """What no word finds is there too, each entry once."""
    db.add(Entry("KEY", "another subject", "bug"), context=StructuredContext("situation", "solution", ["webpack"]))
    best = service.hybrid_search("webpacks", db)[0]
    assert (best[0].id, best[2], best[3]) == ("KEY", None, ["webpack"])
    found = ids(service.hybrid_search("retry zebra", db))
    assert len(found) == len(set(found))
    assert set(found) >= {"RETRY", "RETRY2", "RETRY3"}


def test_filters_come_before_the_cut(db: Database, service: EmbeddingService) -> None:
    """As many as the limit allows remain, by words, meaning and keywords; obsolete entries are out."""
    context = StructuredContext("situation", "solution", ["proxy"])
    for place in range(10):
        db.add(Entry(f"P{place}", "proxy proxy", "bug", project="other"), context=context)
    db.store_structured_context("CACHE", context)
    embed_entries(db, WordCounts())
    assert ids(service.hybrid_search("proxy", db, limit=1, entry_type="config")) == ["CACHE"]
    assert ids(service.hybrid_search("proxy", db, limit=3, project="other")) == ["P0", "P1", "P2"]
    assert service.hybrid_search("proxy", db, memory_type="semantic") == []
    db.entries.change("CACHE", {"status": "obsolete"})
    assert service.hybrid_search("proxy", db, entry_type="config") == []
    assert ids(service.hybrid_search("proxy", db, entry_type="config", include_obsolete=True)) == ["CACHE"]


@pytest.mark.parametrize("limit", [0, 1, 2, -1])
def test_the_limit(db: Database, service: EmbeddingService, limit: int) -> None:
    """At most as many; a negative number is no limit."""
    found = service.hybrid_search("retry", db, limit=limit)
    assert len(found) == limit if limit >= 0 else len(found) >= 3


def test_accesses_are_counted_once(db: Database, service: EmbeddingService) -> None:
    """Of the entries returned that words found; of no others, and of none when asked so."""
    service.hybrid_search("retry", db, update_access=False)
    assert {entry.access_count for entry in db.list_all()} == {0}
    returned = ids(service.hybrid_search("retry", db, limit=2))
    counts = {entry.id: entry.access_count for entry in db.list_all()}
    assert {entry_id for entry_id, count in counts.items() if count == 1} == set(returned)
    assert set(counts.values()) == {0, 1}
    service.hybrid_search("cors zebra unicorn", db)  # some of the words: nobody asked for these
    assert {entry.id: entry.access_count for entry in db.list_all()} == counts


@pytest.mark.parametrize("text", ["user-id", "C++", "what is this?", "", '"', "NEAR(", "retry AND"])
def test_any_text_can_be_searched(db: Database, service: EmbeddingService, text: str) -> None:
    """Never an error."""
    service.hybrid_search(text, db)
    service.semantic_search(text, db)


# groups


def test_groups_to_generalize(db: Database, service: EmbeddingService) -> None:
    """Episodic entries that are alike, large groups alone."""
    groups = service.find_generalization_candidates(db)
    assert [[entry.id for entry in group] for group in groups] == [["RETRY", "RETRY2", "RETRY3"]]
    assert service.find_generalization_candidates(db, min_cluster_size=4) == []
    assert service.find_generalization_candidates(db, similarity_threshold=0.999) == []
    db.entries.change("RETRY2", {"status": "obsolete"})
    assert service.find_generalization_candidates(db, include_obsolete=False) == []
    db.entries.change("RETRY3", {"memory_type": "semantic"})
    assert service.find_generalization_candidates(db) == []
    assert len(service.find_generalization_candidates(db, min_cluster_size=1, similarity_threshold=-1)) == 1


def test_groups_of_a_base_without_vectors(db: Database) -> None:
    """There are none."""
    assert EmbeddingService(embedder=WordCounts()).find_generalization_candidates(db) == []


def test_an_entry_is_in_one_group() -> None:
    """Each group is a first one with those like it that are still free."""
    from rekall.embeddings.nearest import groups_of_similar

    angles = [0.0, 0.5, 1.0, 0.4, 3.0]
    vectors = np.array([[math.cos(angle), math.sin(angle)] for angle in angles])
    assert groups_of_similar(vectors, math.cos(0.6)) == [[0, 1, 3], [2], [4]]


def test_groups_of_many() -> None:
    """More vectors than are compared at once: each entry with those in no group before it."""
    from rekall.embeddings.nearest import groups_of_similar

    vectors = np.random.default_rng(7).normal(size=(300, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected: list[list[int]] = []
    for first in range(300):
        grouped = {place for group in expected for place in group}
        if first not in grouped:
            others = [one for one in range(first + 1, 300) if one not in grouped and unit[first] @ unit[one] >= 0.8]
            expected.append([first, *others])
    assert len(expected) > 10
    assert groups_of_similar(vectors, 0.8) == expected


def test_damaged_vectors_are_like_nothing(db: Database, service: EmbeddingService) -> None:
    """As another program may have stored them: neither found nor grouped, and without a warning of numpy's."""
    from rekall.embeddings.suggesting import find_suggestions

    for number, value in enumerate((np.nan, np.inf, 3e38)):
        db.add(Entry(f"D{number}", "damaged", "bug", memory_type="episodic"))
        vector = np.r_[value, np.full(383, value if value == 3e38 else 1.0)]
        db.add_embedding(Embedding.from_numpy(f"D{number}", "summary", vector, MODEL))
        assert service.find_similar(f"D{number}", db, 0.1) == []
    found = service.semantic_search("headers", db, threshold=0.005)
    assert not any(entry.id.startswith("D") for entry, _ in found)
    assert not any(entry.id.startswith("D") for group in service.find_generalization_candidates(db) for entry in group)
    assert not any(set(one.entry_ids) & {"D0", "D1", "D2"} for one in find_suggestions(db, service))


# what is loaded


def test_importing_brings_nothing_heavy() -> None:
    """No numpy, and no model."""
    heavy = ("numpy", "torch", "sentence_transformers", "sqlite_vec", "rich")
    code = (
        "import sys, rekall.embeddings, rekall.vector_index, rekall.model_manager\n"
        f"print([one for one in {heavy!r} if one in sys.modules])"
    )
    assert processes.run(code) == "[]\n"


_WITHOUT_NUMPY = """
import sys
sys.modules["numpy"] = None
sys.modules["sentence_transformers"] = None
sys.modules["sqlite_vec"] = None  # which compares vectors without numpy, where Python's sqlite3 can load it
from pathlib import Path
from rekall.db import Database
from rekall.embeddings import EmbeddingService
from rekall.models import Embedding, Entry
with Database(Path(sys.argv[1])) as db:
    db.add(Entry("A", "a title", "bug"))
    db.embeddings.add_embeddings([Embedding("E", "A", "summary", bytes(1536), 384, "all-MiniLM-L6-v2")])
    service = EmbeddingService()
    print([hit[0].id for hit in service.hybrid_search("title", db)], service.semantic_search("title", db))
    try:
        service.find_similar("A", db)
    except ImportError as error:
        print(error)
"""


def test_without_numpy(tmp_path: Path) -> None:
    """Words and keywords are searched; what needs vectors names numpy."""
    assert processes.run(_WITHOUT_NUMPY, tmp_path / "k.db") == (
        "['A'] []\nreading vectors needs numpy: run 'pip install numpy'\n"
    )


def test_a_stored_vector_of_the_right_model_is_used_as_it_is(db: Database) -> None:
    """One that does not have the length 1, as another program may have stored it."""
    for entry_id, value in (("CORS", 3.0), ("CACHE", 0.5)):
        db.add_embedding(Embedding.from_numpy(entry_id, "summary", np.full(384, value), MODEL))
    [(entry, score)] = EmbeddingService(embedder=WordCounts()).find_similar("CORS", db)
    assert entry.id == "CACHE"
    assert score == pytest.approx(1)
