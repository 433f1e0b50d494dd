"""Results of expensive searches out of the cache: the same as without, and of the base as it is now."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support import databases, legacy, processes, raw, searchers
from support.failing import RecordingLog
from support.searchers import ENTRIES, Recording, answer, opened, uncached

from rekall import config
from rekall.backup import create_backup, restore_backup
from rekall.config import Config
from rekall.db import Database
from rekall.errors import CacheUnavailableError, InvalidValueError
from rekall.handle import SessionOptions
from rekall.infra import CacheBackend, ServiceContainer
from rekall.infra.defaults import DefaultCacheBackend
from rekall.models import Entry, StructuredContext
from rekall.store import kept_searches, search
from rekall.store.frequencies import Frequencies

QUERIES = (
    *("common", "common third", "w0", "w1 w2", "w1 w2 w3 w4 w5 w6", "third case", "user-id3 common", "tag1 common"),
    *("common NOT third", "common OR rare", '"common w0"', "comm*", "title:third", "NEAR(common w0, 3)", "usual"),
    *("key3 common", "when common appears", "rare common third w0", "look again usual", "the common case of number 7"),
    *("^third", "(w0 OR w1) AND common", "common unknownword", "number", "E0382 common 404"),
    " ".join(f"w{number}" for number in range(40)) + " common third of number " + " ".join(map(str, range(60))),
)
SELECTIVE = ("rare", "rare 5", "unknownword", "unknownword another", "rare NOT w30", "rare AND w30", "title:rare")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base, made once."""
    return searchers.make(tmp_path_factory.mktemp("template") / "k.db")


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "k.db"))


@pytest.fixture
def cache() -> Recording:
    return Recording()


@pytest.fixture
def db(path: Path, cache: Recording) -> Iterator[Database]:
    with opened(path, cache) as found:
        yield found


def test_the_second_answer_is_out_of_the_cache(db: Database, cache: Recording) -> None:
    """The result is stored once, under a key with the stamp, and asked for once by each search."""
    first = answer(db, "common third")
    assert len(cache.stored) == 1
    assert answer(db, "common third") == answer(db, "common third") == first
    assert len(first["hits"]) == 20
    assert len(cache.stored) == 1
    assert cache.asked == 3 * cache.stored
    found = db.store.vectors.stamps()
    assert found is not None
    kind, stamp, digest = cache.stored[0].split(":")
    assert (kind, stamp, len(digest)) == ("search", found.search, 32)


def test_no_entry_is_kept(db: Database, cache: Recording) -> None:
    """Only ids, tiers, ranks and what scores are made of; an access that was counted meanwhile is seen."""
    first = db.store.search.find("common", update_access=False).hits
    (key,) = cache.stored
    kept = cache.get(key)
    assert set(kept) == {"ids", "tiers", "ranks", "best", "narrowed"}
    assert "case" not in json.dumps(kept)
    raw.write(db.db_path, "UPDATE entries SET access_count = 7, last_accessed = '2025-05-05T05:05:05'")
    again = db.store.search.find("common", update_access=False).hits
    assert [hit.entry.access_count for hit in first] == 20 * [0]
    assert [hit.entry.access_count for hit in again] == 20 * [7]
    assert len(cache.stored) == 1


@pytest.mark.parametrize("query", SELECTIVE)
def test_a_selective_query_never_asks_the_cache(query: str, db: Database, cache: Recording) -> None:
    """However often it is asked."""
    for _ in range(3):
        assert answer(db, query) == uncached(db.db_path, query)
    assert (cache.asked, cache.stored) == ([], [])


def reads(path: Path, options: SessionOptions, *queries: str, counted: bool = False) -> list[int]:
    """How often the base is read for each query, by a program that has it open and prepared."""
    log = RecordingLog()
    found = []
    with Database(path, container=ServiceContainer(observer=log), options=options) as db:
        for query in queries:
            db.set_metadata("nothing", "waits")
            log.events.clear()
            assert db.store.search.find(query, update_access=counted).hits
            found.append(sum(event["operation"].startswith("fetch") for event in log.events))
    return found


def test_a_selective_query_takes_no_more_statements(path: Path) -> None:
    """As many reads as without a cache, or fewer, the first time and afterwards."""
    queries = ("rare", "rare", "rare NOT w30", "rare 5", "rare 5")
    keeping = reads(path, SessionOptions(keep_searches=True), *queries)
    without = reads(path, SessionOptions(), *queries)
    assert all(one <= other for one, other in zip(keeping, without, strict=True))


@pytest.mark.parametrize("keeping", [False, True])
def test_a_search_that_counts_nothing_takes_the_same_way(keeping: bool, path: Path) -> None:
    """As many reads as one that counts, where the index is complete; so does one by who never counts."""
    counting = SessionOptions(keep_searches=keeping)
    expected = reads(path, counting, "rare", "rare 5", counted=True)
    assert expected[0] == 1
    assert reads(path, counting, "rare", "rare 5") == expected
    assert reads(path, counting._replace(counting=False), "rare", "rare 5") == expected


FORMS: tuple[dict[str, Any], ...] = (
    {},
    {"limit": 3},
    {"limit": 300},
    {"entry_type": "bug"},
    {"project": "p1"},
    {"memory_type": "semantic"},
    {"include_obsolete": True},
    {"superseded": True},
    {"exact": True},
    {"here": "p2"},
    {"entry_type": "config", "project": "p0", "superseded": True, "limit": 5, "here": "p0"},
)


@pytest.mark.parametrize("counting", [False, True])
def test_every_answer_is_that_of_a_command(path: Path, cache: Recording, counting: bool) -> None:
    """Order, kinds, ranks and scores to the last bit, for all queries and filters, kept or not, counted or not."""
    with opened(path, cache, counting=counting) as db:
        for query in (*QUERIES, *SELECTIVE):
            for form in FORMS:
                expected = uncached(path, query, **form)
                for _ in range(3):
                    assert answer(db, query, update_access=counting, **form) == expected, (query, form)
    assert len(set(cache.stored)) == len(cache.stored) > 100


_FRESH = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from support.failing import RecordingLog
from support.searchers import uncached
print(json.dumps([uncached(Path(sys.argv[1]), query) for query in json.loads(sys.argv[3])]))
"""


def test_every_answer_is_that_of_a_fresh_process(db: Database) -> None:
    """Nothing that this process has seen before goes into a result: neither counts of words nor older states."""
    queries = [query for query in QUERIES for _ in range(2)]
    for number in range(3):
        db.add(Entry(f"N{number}", "third common w1", "bug", content="w2 w3 common w4"))
        kept = [answer(db, query) for query in queries]
    fresh = json.loads(processes.run(_FRESH, db.db_path, Path(searchers.__file__).parents[1], json.dumps(queries)))
    assert kept == fresh


@pytest.mark.parametrize("uncounted", [10, 100_000])
def test_counts_that_are_remembered_go_into_no_kept_result(
    uncounted: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command may take a count of some writes ago for the number of entries with a word; a kept result may not."""
    monkeypatch.setattr("rekall.store.frequencies.UNCOUNTED", uncounted)
    monkeypatch.setattr("rekall.store.frequencies._REMEMBERED", 1)
    monkeypatch.setattr(kept_searches, "UNCOUNTED", uncounted)
    queries = ("common third", "common w0 w5 w10 w15 w20")
    with opened(path, DefaultCacheBackend()) as db:
        for number in (0, 35, 70):
            for query in (*queries, *queries):
                assert answer(db, query) == uncached(path, query)
            db.entries.change(f"E{number:05}", {"title": "nothing", "content": "nothing"})


def context(text: str) -> StructuredContext:
    return StructuredContext(f"situation with {text}", "a solution", ["usual"])


WRITES: dict[str, Callable[[Database], object]] = {
    "add": lambda db: db.add(Entry("A", "common", "bug", tags=["tag1", "tag2"])),
    "delete": lambda db: db.delete("E00001"),
    "title": lambda db: db.entries.change("E00001", {"title": "common common"}),
    "content": lambda db: db.entries.change("E00001", {"content": "common"}),
    "tags": lambda db: db.entries.change("E00001", {}, tags=["common", "usual"]),
    "type": lambda db: db.entries.change("E00001", {"type": "reference"}),
    "project": lambda db: db.entries.change("E00001", {"project": "elsewhere"}),
    "memory type": lambda db: db.entries.change("E00001", {"memory_type": "semantic"}),
    "status": lambda db: db.entries.change("E00001", {"status": "obsolete"}),
    "successor": lambda db: db.entries.change("E00003", {"superseded_by": "E00002"}),
    "context": lambda db: db.store_structured_context("E00001", context("common")),
    "free context": lambda db: db.store_context("E00001", "common common"),
    "link": lambda db: db.add_link("E00001", "E00002", "related"),
    "rebuild": lambda db: db.maintenance.rebuild(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_is_written_counts_at_once(write: Callable[[Database], object], db: Database, cache: Recording) -> None:
    """Every write that a search may see makes what was kept before another state's."""
    forms: tuple[dict[str, Any], ...] = ({}, {"entry_type": "pattern", "limit": 200}, {"superseded": True, "limit": 5})
    for form in (*forms, *forms):
        answer(db, "common", **form)
    stored = len(cache.stored)
    assert stored == len(forms)
    write(db)
    for form in (*forms, *forms):
        assert answer(db, "common", **form) == uncached(db.db_path, "common", **form)
    assert len(cache.stored) == 2 * stored


def test_an_access_makes_nothing_outdated(path: Path, cache: Recording) -> None:
    """Counting, reviewing, and what 0.3 writes when an entry is looked at."""
    with opened(path, cache, counting=True) as db:
        for _ in range(3):
            assert db.search("common", limit=5)
        db.get("E00001")
        old = legacy.Legacy(path, [])
        old.access("E00001")
        old.close()
        db.reviews.update_review_schedule("E00001", 4)
        assert db.search("common", limit=5)[0].entry.access_count == 5
    assert len(cache.stored) == 1


def test_a_backup_that_is_put_back_brings_its_results_back(db: Database, cache: Recording, tmp_path: Path) -> None:
    """They are of the state that it holds; what is written after it is another one."""
    saved = create_backup(db.db_path, tmp_path / "saved.db").path
    before = answer(db, "common")
    db.add(Entry("A", "common", "bug"))
    assert answer(db, "common") != before
    restore_backup(saved, db.db_path)
    assert answer(db, "common") == before
    assert len(cache.stored) == 2
    db.add(Entry("B", "common", "bug"))
    assert answer(db, "common")["hits"][0][0] == "B"
    assert len(cache.stored) == 3


def test_copies_of_a_base_that_share_a_cache(db: Database, cache: Recording, tmp_path: Path) -> None:
    """The same results as long as they are the same, and their own from the first write on."""
    copy = create_backup(db.db_path, tmp_path / "copy.db").path
    with opened(copy, cache) as other:
        assert answer(db, "common") == answer(other, "common")
        assert len(cache.stored) == 1
        db.add(Entry("A", "common", "bug"))
        other.add(Entry("B", "common", "bug"))
        for _ in range(2):
            assert (answer(db, "common")["hits"][0][0], answer(other, "common")["hits"][0][0]) == ("A", "B")


class Interfering(Recording):
    """A cache during whose answer another program writes."""

    def __init__(self) -> None:
        super().__init__()
        self.write: Callable[[], object] = lambda: None

    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key, default)
        self.write()
        return found


def test_a_write_between_the_key_and_the_ranking(path: Path) -> None:
    """What was counted of one state and ranked of another is not kept; what is answered has the write."""
    cache = Interfering()
    with opened(path, cache) as db:
        cache.write = lambda: raw.write(path, "DELETE FROM entries WHERE id = 'E00000'")
        assert "E00000" not in [hit[0] for hit in answer(db, "common third", limit=400)["hits"]]
        assert cache.stored == []


def test_a_write_between_the_result_and_its_entries(path: Path) -> None:
    """The result is passed over: its entries are read in the statement that looks at the stamp."""
    cache = Interfering()
    with opened(path, cache) as db:
        first = answer(db, "common")
        last = first["hits"][-1][0]
        cache.write = lambda: raw.write(path, f"UPDATE entries SET status = 'obsolete' WHERE id = '{last}'")
        second = answer(db, "common")
        assert last not in [hit[0] for hit in second["hits"]]
        assert len(second["hits"]) == 20


def test_nothing_is_kept_while_a_context_waits(path: Path, schema: list[str], cache: Recording) -> None:
    """A search that counts nothing reads it itself; once it is in the index, the same state is kept."""
    old = legacy.Legacy(path, schema)
    old.store_context("E00001", "common common common")
    old.close()
    with opened(path, cache) as db:
        for _ in range(2):
            assert answer(db, "common walrus") == uncached(path, "common walrus")
        assert cache.stored == []
        db.set_metadata("session", "is prepared")
        for _ in range(2):
            assert answer(db, "common walrus") == uncached(path, "common walrus")
        assert len(cache.stored) == 1


@pytest.mark.parametrize("counting", [False, True])
@pytest.mark.parametrize("query", ["common", "common third"])
def test_an_answer_without_a_hit_is_kept_too(query: str, counting: bool, path: Path, schema: list[str]) -> None:
    """Finding that a filter leaves nothing takes as long; a context that waits may be what is found."""
    cache, form = Recording(), {"project": "elsewhere"}
    with opened(path, cache, counting=counting) as db:
        for _ in range(3):
            assert answer(db, query, update_access=counting, **form) == uncached(path, query, **form)
        assert len(cache.stored) == 1
        old = legacy.Legacy(path, schema)
        old.add("N", "nothing", "of it", [])
        old.store_context("N", "common")
        old.connection.execute("UPDATE entries SET project = 'elsewhere' WHERE id = 'N'")
        old.connection.commit()
        old.close()
        for _ in range(3):
            found = answer(db, query, update_access=counting, **form)
            assert [hit[0] for hit in found["hits"]] == ["N"]
            assert found == uncached(path, query, **form)


def test_a_write_while_nothing_is_found(path: Path) -> None:
    """What is written between the key and the ranking keeps the answer out of the cache."""
    cache = Interfering()
    with opened(path, cache) as db:
        cache.write = lambda: raw.write(path, "UPDATE entries SET memory_type = 'semantic' WHERE id = 'E00002'")
        assert answer(db, "common", project="elsewhere")["hits"] == []
        assert cache.stored == []
        cache.write = lambda: None
        assert answer(db, "common", project="elsewhere") == answer(db, "common", project="elsewhere")
        assert len(cache.stored) == 1


def test_a_kept_result_is_not_given_while_a_context_waits(db: Database, cache: Recording) -> None:
    """Though the stamp is the same: a backup from before the context was read may be put back."""
    first = answer(db, "common")
    raw.write(db.db_path, "INSERT INTO rekall_context_pending VALUES ('E00001')")
    cache.asked.clear()
    assert answer(db, "common") == first
    assert cache.asked == []


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return legacy.base_schema(tmp_path_factory.mktemp("schema"))


_GONE = "DELETE FROM entries WHERE id = 'E00000'"


@pytest.mark.parametrize(
    "damage",
    [
        ("DROP TRIGGER rekall_search_tags_ai", _GONE),
        ("DROP TRIGGER rekall_entries_ad", _GONE),
        ("DELETE FROM rekall_stamps", _GONE),
        (_GONE, "UPDATE rekall_stamps SET search = 'short'"),
        (_GONE, "DROP TABLE rekall_stamps"),
    ],
)
def test_without_a_stamp_nothing_is_kept(damage: tuple[str, str], db: Database, cache: Recording) -> None:
    """And nothing that was kept before is given."""
    answer(db, "common")
    raw.write(db.db_path, *damage)
    cache.asked.clear()
    for _ in range(2):
        found = answer(db, "common", limit=ENTRIES)
        assert found == uncached(db.db_path, "common", limit=ENTRIES)
        assert "E00000" not in [hit[0] for hit in found["hits"]]
    assert cache.asked == []
    db.set_metadata("next", "write")


def test_a_base_of_0_3_is_searched_and_left_as_it_is(tmp_path: Path, cache: Recording) -> None:
    """Without counting, by a program that keeps results."""
    path = databases.unpack("v12.db", tmp_path)
    before = path.read_bytes()
    with opened(path, cache) as db:
        assert answer(db, "retry") == uncached(path, "retry")
    assert path.read_bytes() == before
    assert cache.stored == []


class Broken(Recording):
    """A cache whose service is gone."""

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.append(key)
        raise CacheUnavailableError("no cache at port 1: start it")

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self.stored.append(key)
        raise CacheUnavailableError("no cache at port 1: start it")


def test_a_cache_that_fails_is_done_without(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One round of attempts, one warning for each thing that was not done, and the answer."""
    cache = Broken()
    with opened(path, cache) as db, caplog.at_level(logging.WARNING):
        assert answer(db, "common") == uncached(path, "common")
    assert (len(cache.asked), len(cache.stored)) == (3, 0)
    assert caplog.messages == [
        "searches read the base, not from the cache: no cache at port 1: start it",
        "results of searches are not kept in the cache: no cache at port 1: start it",
    ]


def test_a_cache_that_fails_is_an_error_where_that_is_wanted(path: Path) -> None:
    """A selective search needs no cache, and finds."""
    config.set_config(Config(cache_on_error="raise"))
    with opened(path, Broken()) as db:
        for _ in range(2):
            with pytest.raises(CacheUnavailableError, match="no cache at port 1: start it"):
                answer(db, "common")
        assert answer(db, "rare")["hits"]


class Refusing(Recording):
    """A cache that takes nothing."""

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        raise InvalidValueError("a value has 10 bytes at most")


class Full(Recording):
    """A cache that takes no more."""

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        raise CacheUnavailableError("no room")


@pytest.mark.parametrize(("kind", "policy"), [(Refusing, "bypass"), (Refusing, "raise"), (Full, "bypass")])
def test_a_cache_that_does_not_take_a_result(kind: type[CacheBackend], policy: str, path: Path) -> None:
    """The search has its answer; what does not fit is no failure of the cache."""
    config.set_config(Config(cache_on_error=policy))
    with opened(path, kind()) as db:
        assert answer(db, "common") == answer(db, "common") == uncached(path, "common")


GARBAGE: tuple[Any, ...] = (
    *(b"bytes", "text", 7, [], {}, {"ids": ["E00001"]}),
    {"ids": None, "tiers": [], "ranks": [], "best": 1.0, "narrowed": []},
    {"ids": ["E00001"], "tiers": [0], "ranks": [-1.0], "best": None, "narrowed": []},
    {"ids": ["E00001"], "tiers": [0, 1], "ranks": [-1.0], "best": 1.0, "narrowed": []},
    {"ids": ["E00001", "unknown"], "tiers": [0, 0], "ranks": [-1.0, -1.0], "best": 1.0, "narrowed": []},
    {"ids": ["unknown"], "tiers": [0], "ranks": [-1.0], "best": 1.0, "narrowed": []},
)


@pytest.mark.parametrize("value", GARBAGE)
def test_what_is_no_result_is_passed_over(value: Any, db: Database, cache: Recording) -> None:
    """A cache may be shared with anybody; the result is stored anew."""
    first = answer(db, "common")
    cache.set(cache.stored[0], value)
    assert answer(db, "common") == answer(db, "common") == first
    assert len(cache.stored) == 3


def test_a_cache_that_is_switched_off(db: Database, cache: Recording) -> None:
    """With a lifetime of 0 it is not asked."""
    config.set_config(Config(perf_cache_ttl_seconds=0))
    assert answer(db, "common") == answer(db, "common")
    assert (cache.asked, cache.stored) == ([], [])


def test_results_of_very_many_hits_are_not_kept(
    db: Database, cache: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading their entries takes longer than ranking them; a search without a limit keeps nothing either."""
    monkeypatch.setattr(kept_searches, "MOST", 30)
    for limit in (30, 31, -1):
        assert answer(db, "common", limit=limit) == answer(db, "common", limit=limit)
    assert len(cache.stored) == 1


@pytest.mark.parametrize(("query", "stored"), [("common third", 2), ("common", 1)])
def test_a_day_has_results_of_its_own(
    query: str, stored: int, db: Database, cache: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where recent entries come a little earlier; within a day the time of day changes nothing."""

    class Clock(datetime):
        moment = datetime(2030, 1, 1, 0, 0, 1)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.moment

    monkeypatch.setattr(search, "datetime", Clock)
    first = answer(db, query)
    Clock.moment = datetime(2030, 1, 1, 23, 59, 59)
    assert answer(db, query) == first
    assert len(cache.stored) == 1
    Clock.moment = datetime(2030, 1, 2)
    assert answer(db, query) == answer(db, query)
    assert len(cache.stored) == stored


def test_a_process_remembers_no_end_of_queries(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it knows of their cost is forgotten when they are too many."""
    monkeypatch.setattr(kept_searches, "_REMEMBERED", 3)
    for number in range(10):
        assert answer(db, f"w{number}") == uncached(db.db_path, f"w{number}")
    found = db.store.search._kept_searches._expensive
    assert 0 < len(found) <= 3


def test_frequencies_that_remember_nothing(db: Database) -> None:
    """They count each time."""
    counting = Frequencies(db.store.session, remembers=False)
    assert counting.counts(['"common"'], ENTRIES, context=False) == {'"common"': ENTRIES}
    db.delete("E00001")
    assert counting.counts(['"common"'], ENTRIES, context=False) == {'"common"': ENTRIES - 1}
