"""Scores of sources: the formulas of 0.3, the same for one source and for all, in a constant number of calls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases, processes, raw
from support.neighbour import Neighbour
from support.sources import ago, any_source, cite, insert, source

from rekall.db import Database
from rekall.errors import DatabaseBusyError
from rekall.infra import register_backend
from rekall.infra.interfaces import Statement
from rekall.models import Entry, Source
from rekall.store.sources import scoring

NOW = datetime(2025, 6, 1, 12)
ENTRIES = "EFGH"
SOURCES = "ABCDE"


class Citation(NamedTuple):
    entry: str
    source: str | None


class Standing(NamedTuple):
    seed: bool
    role: str
    promoted: bool


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        for entry_id in ENTRIES:
            opened.add(Entry(entry_id, f"title {entry_id}", "bug"))
        yield opened


@pytest.fixture
def neighbour(tmp_path: Path) -> Neighbour:
    backend = Neighbour(tmp_path / "k.db")
    register_backend("database", backend)
    return backend


def get(db: Database, source_id: str) -> Source:
    found = db.get_source(source_id)
    assert found is not None
    return found


def served(source: Source, now: datetime) -> float:
    """The first three factors, word for word."""
    usage = min(2.0, 1 + math.log2(source.usage_count + 1) / 5)
    recency = 1.0
    if source.last_used is not None and source.last_used <= now:
        half_life = {"fast": 90, "medium": 180, "slow": 365}[source.decay_rate]
        recency = max(0.2, 0.5 ** ((now - source.last_used).days / half_life))
    return 50 * usage * recency * {"A": 1.2, "B": 1.0, "C": 0.8}[source.reliability]


def quality(source_id: str, standings: dict[str, Standing], citations: list[Citation]) -> float:
    """The definition, word for word: every pair of citations is looked at."""
    citing = {one.entry for one in citations if one.source == source_id}
    cited = [one.source for one in citations if one.entry in citing and one.source not in (None, source_id)]
    weights = []
    for other in cited:
        assert other is not None
        seed, role, promoted = standings[other]
        weights.append(15 if seed else 13 if role == "authority" else 12 if promoted else 10)
    return round(sum(weights) / (15 * len(weights)), 3) if weights else 0.0


@pytest.mark.parametrize(
    ("changes", "v1", "v2"),
    [
        ({}, 50, 50),
        ({"usage_count": 1}, 60, 60),
        ({"usage_count": 31}, 100, 100),
        ({"usage_count": 1000}, 100, 100),
        ({"reliability": "A"}, 60, 60),
        ({"reliability": "C"}, 40, 40),
        ({"usage_count": 1000, "reliability": "C"}, 80, 80),
        ({"last_used": NOW}, 50, 50),
        ({"last_used": NOW - timedelta(days=180)}, 25, 25),
        ({"last_used": NOW - timedelta(days=180, hours=23)}, 25, 25),
        ({"last_used": NOW - timedelta(days=90), "decay_rate": "fast"}, 25, 25),
        ({"last_used": NOW - timedelta(days=365), "decay_rate": "slow"}, 25, 25),
        ({"last_used": NOW - timedelta(days=5000)}, 10, 10),
        ({"last_used": NOW + timedelta(days=30)}, 50, 50),
        ({"last_used": datetime.max}, 50, 50),
        ({"last_used": datetime(2025, 6, 1, 12, tzinfo=timezone.utc) - timedelta(days=5000)}, 10, 10),
        ({"usage_count": -5}, 50, 50),
        ({"role": "authority"}, 50, 60),
        ({"role": "hub"}, 50, 50),
        ({"is_seed": True}, 50, 60),
        ({"citation_quality_factor": 1.0}, 50, 60),
        ({"citation_quality_factor": 0.8, "role": "authority", "is_seed": True}, 50, 50 * 1.44 * 1.16),
        # the bonus comes before the clamp
        ({"usage_count": 31, "reliability": "C", "is_seed": True, "role": "authority"}, 80, 100),
        ({"usage_count": 31, "reliability": "A", "last_used": NOW - timedelta(days=180), "is_seed": True}, 60, 72),
    ],
)
def test_the_formulas(changes: dict[str, object], v1: float, v2: float) -> None:
    """By hand; a use in the future is one of now, which 0.3 scored higher the further away it was."""
    one = Source("A", "a")
    for name, value in changes.items():
        setattr(one, name, value)
    assert scoring.score(one, NOW) == pytest.approx(v1)
    assert scoring.score_v2(one, NOW) == pytest.approx(v2)


@given(one=any_source(), now=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
def test_no_score_leaves_its_range(one: Source, now: datetime) -> None:
    """Any source at any time: 0 to 100, by the formula, and v2 never under v1."""
    v1, v2 = scoring.score(one, now), scoring.score_v2(one, now)
    assert v1 == pytest.approx(min(100, served(one, now)))
    bonus = {"authority": 1.2}.get(one.role, 1.0) * (1.2 if one.is_seed else 1.0)
    assert v2 == pytest.approx(min(100, served(one, now) * bonus * (1 + 0.2 * one.citation_quality_factor)))
    assert 0 <= v1 <= v2 <= 100


def test_scores_of_the_facade(db: Database) -> None:
    """The object is scored as it is, now, stored or not."""
    one = Source(domain="a", is_seed=True, last_used=datetime.now() - timedelta(days=180, hours=1))
    assert db.calculate_source_score(one) == pytest.approx(25)
    assert db.calculate_source_score_v2(one) == pytest.approx(30)


@pytest.mark.fault(5)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    standings=st.fixed_dictionaries(
        dict.fromkeys(
            SOURCES,
            st.builds(Standing, st.booleans(), st.sampled_from(["hub", "authority", "unclassified"]), st.booleans()),
        )
    ),
    citations=st.lists(
        st.builds(Citation, st.sampled_from(ENTRIES), st.none() | st.sampled_from(SOURCES)), max_size=25
    ),
)
def test_one_source_and_all_follow_the_definition(
    db: Database, standings: dict[str, Standing], citations: list[Citation]
) -> None:
    """On any citations, repeated ones too: sums over citations give what all pairs give."""
    sources = (
        "INSERT INTO sources(id, domain, created_at, is_seed, role, is_promoted) VALUES (?, 'a', '2025-01-01', ?, ?, ?)"
    )
    cites = (
        "INSERT INTO entry_sources(id, entry_id, source_id, source_type, source_ref, created_at)"
        " VALUES (?, ?, ?, 'url', 'ref', '2025-01-01')"
    )
    db.store.session.write(
        [
            Statement("DELETE FROM entry_sources"),
            Statement("DELETE FROM sources"),
            *(Statement(sources, (source_id, *standing)) for source_id, standing in standings.items()),
            *(Statement(cites, (str(number), *citation)) for number, citation in enumerate(citations)),
        ]
    )
    wanted = {source_id: quality(source_id, standings, citations) for source_id in SOURCES}
    assert all(value == 0 or 0.667 <= value <= 1 for value in wanted.values())
    assert {source_id: db.calculate_citation_quality(source_id) for source_id in SOURCES} == wanted
    assert db.recalculate_all_scores() == len(SOURCES)
    stored = {one.id: one for one in db.list_sources()}
    assert {source_id: one.citation_quality_factor for source_id, one in stored.items()} == wanted
    for source_id, one in stored.items():
        assert one.personal_score == db.calculate_source_score_v2(one)
        assert db.recalculate_source_score(source_id) == one.personal_score
        assert get(db, source_id) == one


def test_the_quality_of_what_is_cited_beside(db: Database) -> None:
    """By hand: the highest weight that applies, once for each citation; the source itself and null do not count."""
    for source_id, seed, role, promoted in (
        ("A", 0, "hub", 0),
        ("B", 1, "authority", 1),
        ("C", 0, "authority", 1),
        ("D", 0, "hub", 1),
    ):
        source(db, source_id, is_seed=seed, role=role, is_promoted=promoted)
    assert db.calculate_citation_quality("A") == 0
    cite(db, "E", "A", "1", "2")
    cite(db, "E", None, "3")
    cite(db, "F", "B", "elsewhere")
    assert db.calculate_citation_quality("A") == 0
    cite(db, "E", "D", "4")
    assert (db.calculate_citation_quality("A"), db.calculate_citation_quality("D")) == (0.8, 0.667)
    cite(db, "E", "C", "5", "6")
    assert db.calculate_citation_quality("A") == round((1.2 + 1.3 + 1.3) / 4.5, 3)
    cite(db, "F", "A", "7")
    assert db.calculate_citation_quality("A") == round((1.2 + 1.3 + 1.3 + 1.5) / 6, 3)
    raw.write(db.db_path, "UPDATE sources SET status = 'archived' WHERE id = 'B'")
    assert db.calculate_citation_quality("A") == round((1.2 + 1.3 + 1.3 + 1.5) / 6, 3)
    assert db.calculate_citation_quality("none") == 0


def test_a_quality_is_stored(db: Database) -> None:
    """By itself, without the score; an unknown source is None."""
    source(db, "A", personal_score=7)
    source(db, "B", is_seed=1)
    cite(db, "E", "A", "1")
    cite(db, "E", "B", "1")
    assert db.update_citation_quality("A") == 1.0
    assert (get(db, "A").citation_quality_factor, get(db, "A").personal_score) == (1.0, 7)
    raw.write(db.db_path, "DELETE FROM entry_sources")
    assert db.update_citation_quality("A") == 0.0
    assert get(db, "A").citation_quality_factor == 0.0
    assert db.update_citation_quality("none") is None


def test_a_score_is_stored(db: Database) -> None:
    """With a new citation quality or with the stored one; of any status; an unknown source is None."""
    source(db, "A", personal_score=7, citation_quality_factor=0.5, status="archived")
    assert db.recalculate_source_score("A", update_citation_quality=False) == pytest.approx(55)
    assert get(db, "A").citation_quality_factor == 0.5
    assert get(db, "A").personal_score == pytest.approx(55)
    assert db.recalculate_source_score("A") == 50.0
    assert (get(db, "A").citation_quality_factor, get(db, "A").personal_score) == (0.0, 50.0)
    assert db.recalculate_source_score("none") is None


def test_a_use_takes_the_stored_quality(db: Database) -> None:
    """One use more, now; the source is given back as it is stored."""
    source(db, "A", usage_count=None, last_used="2020-01-01T00:00:00", citation_quality_factor=1.0)
    earliest = datetime.now()
    used = db.update_source_usage("A")
    assert used is not None
    assert used == get(db, "A")
    assert used.last_used is not None
    assert earliest <= used.last_used <= datetime.now()
    assert (used.usage_count, used.citation_quality_factor) == (1, 1.0)
    assert used.personal_score == pytest.approx(72)
    assert db.update_source_usage("none") is None


@pytest.mark.fault(5)
def test_all_active_sources_are_scored(db: Database) -> None:
    """0.3 computed none; those of another status are left alone."""
    for source_id, status in (("A", "active"), ("B", "archived"), ("C", "inaccessible"), ("D", "active")):
        source(db, source_id, status=status, usage_count=1, personal_score=1, citation_quality_factor=0.9)
    assert db.recalculate_all_scores() == 2
    scores = {one.id: (one.personal_score, one.citation_quality_factor) for one in db.list_sources()}
    assert scores == {"A": (60, 0), "B": (1, 0.9), "C": (1, 0.9), "D": (60, 0)}
    assert db.recalculate_all_scores() == 2


def test_all_scores_take_a_constant_number_of_calls(neighbour: Neighbour) -> None:
    """One query and one batch for 2,500 sources; nothing is written where nothing changed; progress is told."""
    with Database(neighbour.file) as db:
        db.add(Entry("E", "title", "bug"))
        add = "INSERT INTO sources(id, domain, created_at, usage_count) VALUES (?, ?, '2025-01-01', ?)"
        rows = [Statement(add, (f"S{number}", f"d{number}", number % 40 + 1)) for number in range(2500)]
        db.store.session.write(rows)
        told: list[tuple[int, int]] = []
        neighbour.reset()
        assert db.recalculate_all_scores(on_progress=lambda done, total: told.append((done, total))) == 2500
        assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]
        assert neighbour.calls["execute_batch"] == 1
        assert sum("sources" in query for query in neighbour.queries) == 1
        assert raw.rows(neighbour.file, "SELECT count(*) FROM sources WHERE personal_score = 50") == [(0,)]
        neighbour.reset()
        assert db.recalculate_all_scores() == 2500
        assert neighbour.calls == {"fetch_all": 1}


def test_an_empty_base_has_nothing_to_tell(db: Database) -> None:
    """Nothing to do is done."""
    told: list[tuple[int, int]] = []
    assert db.recalculate_all_scores(on_progress=lambda *step: told.append(step)) == 0
    assert told == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sources SET usage_count = 9, personal_score = 1",
        "UPDATE sources SET last_used = '2025-01-01T00:00:00', personal_score = 1",
        "UPDATE sources SET is_seed = 1, personal_score = 1",
        "UPDATE sources SET citation_quality_factor = 1, personal_score = 1",
        "UPDATE sources SET reliability = 'A', decay_rate = 'slow', role = 'hub', personal_score = 1",
        "DELETE FROM sources",
    ],
)
def test_what_changed_meanwhile_is_not_overwritten(neighbour: Neighbour, change: str) -> None:
    """All scores: what another program made of a source stands, and is right after the next run."""
    with Database(neighbour.file) as db:
        db.set_metadata("session", "is prepared")
        source(db, "A", personal_score=20)
        neighbour.change, neighbour.times = change, 1
        assert db.recalculate_all_scores() == 1
        assert raw.rows(db.db_path, "SELECT personal_score FROM sources WHERE personal_score <> 1") == []
        db.recalculate_all_scores()
        assert all(one.personal_score == db.calculate_source_score_v2(one) for one in db.list_sources())


@pytest.mark.parametrize(
    "compute",
    [
        lambda db: db.recalculate_source_score("A"),
        lambda db: db.recalculate_source_score("A", update_citation_quality=False),
        lambda db: db.update_source_usage("A"),
    ],
)
def test_one_score_is_computed_anew(neighbour: Neighbour, compute: Callable[[Database], object]) -> None:
    """From what another program wrote meanwhile; one that never stops is an error that changed nothing."""
    with Database(neighbour.file) as db:
        db.set_metadata("session", "is prepared")
        source(db, "A", personal_score=20)
        neighbour.change, neighbour.times = "UPDATE sources SET usage_count = usage_count + 1, is_seed = 1", 3
        compute(db)
        assert get(db, "A").usage_count in (3, 4)
        assert get(db, "A").personal_score == db.calculate_source_score_v2(get(db, "A"))
        neighbour.change, neighbour.times = "UPDATE sources SET usage_count = usage_count + 1, personal_score = 1", 1000
        with pytest.raises(DatabaseBusyError, match="try again"):
            compute(db)
        assert get(db, "A").personal_score == 1
        neighbour.change, neighbour.times = "DELETE FROM sources", 1
        assert compute(db) is None


def test_processes_lose_no_use(tmp_path: Path) -> None:
    """Four that use one source while a fifth scores all: every use is counted, and the score is that of the last."""
    work = """
with Database(Path(sys.argv[2])) as db:
    for number in range(30):
        db.update_source_usage("A") if sys.argv[3] != "0" else db.recalculate_all_scores()
"""
    path = tmp_path / "k.db"
    with Database(path) as db:
        insert(db.db_path, "sources", id="A", domain="a", created_at="2025-01-01", decay_rate="fast", last_used=ago(60))
        processes.run_together(work, [(path, number) for number in range(5)], tmp_path / "gate")
        assert get(db, "A").usage_count == 120
        assert get(db, "A").personal_score == 100.0


@pytest.mark.parametrize("name", ["v08.db", "v09.db", "v12.db"])
def test_scores_of_0_3(name: str, tmp_path: Path) -> None:
    """What 0.3 stored at the last use of a source is what the formula gives for that moment."""
    with Database(databases.unpack(name, tmp_path)) as db:
        used = [one for one in db.list_sources("active") if one.last_used is not None]
        assert len(used) == 5
        for one in used:
            assert one.last_used is not None
            assert scoring.score_v2(one, one.last_used) == pytest.approx(one.personal_score)
