"""The standing of sources: seeds, promoted ones and roles, by the rules of 0.3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases, raw
from support.counting import CountingBackend
from support.sources import ago, source
from support.zones import local_zone

from rekall.db import Database
from rekall.errors import DatabaseBusyError
from rekall.infra import Statement, register_backend
from rekall.models import Source

SERVED: dict[str, Any] = {"usage_count": 3, "personal_score": 30.0}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def standing(db: Database) -> dict[str, tuple[Any, ...]]:
    """Seed, promoted and role of each source."""
    return {row[0]: row[1:] for row in raw.rows(db.db_path, "SELECT id, is_seed, is_promoted, role FROM sources")}


@pytest.mark.parametrize(
    ("usage", "score", "days", "meets"),
    [
        (3, 30.0, 0, True),
        (2, 100.0, 0, False),
        (100, 29.99, 0, False),
        (3, 30.0, 180.9, True),
        (3, 30.0, 181.001, False),
        (3, 30.0, -5, True),
        (3, 30.0, None, False),
    ],
)
def test_the_criteria(db: Database, usage: int, score: float, days: float | None, meets: bool) -> None:
    """At least 3 uses, a score of 30, at most 180 whole days unused; an archived source too."""
    last_used = None if days is None else datetime.now() - timedelta(days=days)
    one = Source("A", "a", usage_count=usage, personal_score=score, last_used=last_used, status="archived")
    assert db.check_promotion_criteria(one) is meets


def test_a_time_with_a_zone_meets_the_criteria(db: Database) -> None:
    """A program may give one; it is not compared with local time as it stands."""
    now = datetime.now(timezone(timedelta(hours=9)))
    assert db.check_promotion_criteria(Source("A", "a", usage_count=3, last_used=now)) is True
    assert db.check_promotion_criteria(Source("A", "a", usage_count=3, last_used=now - timedelta(days=182))) is False


def test_promotion_is_noted_in_utc(db: Database) -> None:
    """Whole seconds, as SQL's datetime('now') has it; again writes the new time; an unknown source is told."""
    source(db, "A")
    with local_zone("JST-9"):
        assert db.promote_source("A") is True
    ((promoted, text),) = raw.rows(db.db_path, "SELECT is_promoted, promoted_at FROM sources")
    assert promoted == 1
    age = datetime.now(timezone.utc).replace(tzinfo=None) - datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    assert timedelta(0) <= age < timedelta(seconds=60)
    raw.write(db.db_path, "UPDATE sources SET promoted_at = '2020-01-01 00:00:00'")
    assert db.promote_source("A") is True
    assert raw.rows(db.db_path, "SELECT promoted_at FROM sources") != [("2020-01-01 00:00:00",)]
    assert db.promote_source("none") is False


def test_demotion(db: Database) -> None:
    """Flag and time go; True also for one that was not promoted; a seed stays, an unknown one is told."""
    for source_id, seed, promoted in (("A", 0, 1), ("B", 0, 0), ("C", 1, 1)):
        source(db, source_id, is_seed=seed, is_promoted=promoted, promoted_at="2025-01-01 00:00:00")
    assert [db.demote_source(source_id) for source_id in ("A", "B", "C", "none")] == [True, True, False, False]
    rows = raw.rows(db.db_path, "SELECT id, is_promoted, promoted_at FROM sources ORDER BY id")
    assert rows == [("A", 0, None), ("B", 0, None), ("C", 1, "2025-01-01 00:00:00")]


def test_all_promotions_anew(db: Database) -> None:
    """What meets the criteria is promoted, what does not is demoted, but for seeds; the rest is untouched."""
    lately, before = ago(10), "2020-01-01 00:00:00"
    source(db, "rises", **SERVED, last_used=lately)
    source(db, "seed rises", **SERVED, last_used=lately, is_seed=1)
    source(db, "falls", **SERVED, last_used=ago(181.01), is_promoted=1, promoted_at=before)
    source(db, "never used", **SERVED, is_promoted=1, promoted_at=before)
    source(db, "seed stays", is_seed=1, is_promoted=1, promoted_at=before)
    source(db, "stays", **SERVED, last_used=ago(180.9), is_promoted=1, promoted_at=before, status="archived")
    source(db, "stays low", usage_count=2, last_used=lately)
    assert db.recalculate_all_promotions() == {"promoted": 2, "demoted": 2, "unchanged": 3}
    rows = dict(raw.rows(db.db_path, "SELECT id, promoted_at FROM sources"))
    assert {source_id for source_id, promoted_at in rows.items() if promoted_at == before} == {"seed stays", "stays"}
    promoted = {source_id for source_id, (_, flag, _) in standing(db).items() if flag}
    assert promoted == {"rises", "seed rises", "seed stays", "stays"}
    assert promoted == {source_id for source_id, promoted_at in rows.items() if promoted_at is not None}
    assert db.recalculate_all_promotions() == {"promoted": 0, "demoted": 0, "unchanged": 7}


ROWS = st.tuples(
    st.integers(0, 6),
    st.sampled_from([0.0, 29.9, 30.0, 100.0]),
    st.none() | st.sampled_from([-1.0, 0.0, 100.0, 180.5, 181.5, 400.0]),
    st.booleans(),
    st.booleans(),
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=5))
def test_all_at_once_is_one_by_one(db: Database, rows: list[tuple[int, float, float | None, bool, bool]]) -> None:
    """The SQL says of each source what `check_promotion_criteria` says."""
    raw.write(db.db_path, "DELETE FROM sources")
    wanted = {}
    for number, (usage, score, days, seed, promoted) in enumerate(rows):
        last_used = None if days is None else ago(days)
        columns: dict[str, Any] = {"usage_count": usage, "personal_score": score, "last_used": last_used}
        source(db, str(number), **columns, is_seed=int(seed), is_promoted=int(promoted))
        moment = None if last_used is None else datetime.fromisoformat(last_used)
        meets = db.check_promotion_criteria(Source(usage_count=usage, personal_score=score, last_used=moment))
        wanted[str(number)] = meets or (seed and promoted)
    numbers = db.recalculate_all_promotions()
    assert {source_id: bool(row[1]) for source_id, row in standing(db).items()} == wanted
    assert sum(numbers.values()) == len(rows)
    assert numbers["promoted"] == sum(wanted[str(n)] and not row[4] for n, row in enumerate(rows))
    assert numbers["demoted"] == sum(row[4] and not wanted[str(n)] for n, row in enumerate(rows))


class BusyNeighbour(CountingBackend):
    """Before a batch is applied, another program uses or promotes a source, so many times."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__(path)
        self.times = times
        self.file = path

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        if self.times > 0:
            self.times -= 1
            raw.write(self.file, f"UPDATE sources SET is_promoted = {self.times % 2} WHERE id = 'A'")
        return super().execute_batch(statements)


def test_numbers_are_those_of_what_was_changed(tmp_path: Path) -> None:
    """Another program that promotes a source meanwhile makes it count again, and gives up nothing."""
    backend = BusyNeighbour(tmp_path / "k.db", 0)
    register_backend("database", backend)
    with Database(backend.file) as db:
        db.set_metadata("session", "is prepared")
        for source_id in "AB":
            source(db, source_id, **SERVED, last_used=ago(1))
        backend.times = 2
        assert db.recalculate_all_promotions() == {"promoted": 2, "demoted": 0, "unchanged": 0}
        raw.write(db.db_path, "UPDATE sources SET is_promoted = 0")
        backend.times = 100
        with pytest.raises(DatabaseBusyError, match="try again"):
            db.recalculate_all_promotions()
        assert raw.rows(db.db_path, "SELECT is_promoted FROM sources WHERE id = 'B'") == [(0,)]


def test_all_promotions_take_a_constant_number_of_calls(tmp_path: Path) -> None:
    """However many sources there are: one query, one batch."""
    backend = CountingBackend(tmp_path / "k.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as db:
        db.set_metadata("session", "is prepared")
        for number in range(40):
            source(db, str(number), **SERVED, last_used=ago(1))
        backend.reset()
        assert db.recalculate_all_promotions()["promoted"] == 40
        assert backend.calls["execute_batch"] == 1
        assert backend.calls["execute"] == 0
        assert sum("sources" in query for query in backend.queries) == 1


def test_a_role_from_the_domain(db: Database) -> None:
    """In any case of letters; a domain that is not known gives unclassified, a role given by hand or not."""
    source(db, "A", "GitHub.com")
    source(db, "B", "docs.python.org", role="hub")
    source(db, "C", "sub.github.com", role="authority")
    assert [db.classify_source_auto(source_id) for source_id in "ABC"] == ["hub", "authority", "unclassified"]
    assert [role for _, _, role in standing(db).values()] == ["hub", "authority", "unclassified"]
    assert db.classify_source_auto("none") is None


def test_a_role_by_hand(db: Database) -> None:
    """One of the three; another word is a ValueError and changes nothing."""
    source(db, "A")
    for role in ("hub", "unclassified", "authority"):
        assert db.classify_source_manual("A", role) is True
        assert standing(db)["A"] == (0, 0, role)
    assert db.classify_source_manual("none", "hub") is False
    for wrong in ("", "Hub", "boss"):
        with pytest.raises(ValueError, match="Invalid role"):
            db.classify_source_manual("A", wrong)
    assert standing(db)["A"] == (0, 0, "authority")


def test_a_source_becomes_a_seed(db: Database) -> None:
    """With where it comes from; its role only when one is given; its score stays."""
    source(db, "A", role="hub", personal_score=12.5)
    assert db.update_source_as_seed("A", "notes.md") is True
    assert db.update_source_as_seed("none", "notes.md") is False
    columns = "SELECT is_seed, seed_origin, role, personal_score FROM sources"
    assert raw.rows(db.db_path, columns) == [(1, "notes.md", "hub", 12.5)]
    assert db.update_source_as_seed("A", "more.md", "authority") is True
    assert raw.rows(db.db_path, columns) == [(1, "more.md", "authority", 12.5)]
    with pytest.raises(ValueError, match="Invalid role"):
        db.update_source_as_seed("A", "worse.md", "boss")
    assert raw.rows(db.db_path, columns) == [(1, "more.md", "authority", 12.5)]


def test_sources_of_0_3_are_classified_and_promoted(tmp_path: Path) -> None:
    """The sample of 0.3: known domains keep their roles, and numbers cover every row."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        recorded = {row["id"]: row for row in databases.opened("v12.db")["sources"]}
        numbers = db.recalculate_all_promotions()
        assert sum(numbers.values()) == len(recorded)
        for source_id, row in recorded.items():
            known = db.get_known_domain(row["domain"])
            assert db.classify_source_auto(source_id) == ("unclassified" if known is None else known["role"])
