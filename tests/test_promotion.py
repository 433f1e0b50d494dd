"""From a staged page to a source: the score by its formula, eligibility by config.toml, promotion all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import raw, sources
from support.counting import CountingBackend

from rekall.config import get_config, get_promotion_config, set_promotion_config
from rekall.db import Database
from rekall.infra import register_backend
from rekall.models import StagingEntry
from rekall.promotion import (
    BatchPromotionResult,
    PromotionConfig,
    PromotionResult,
    auto_promote_eligible,
    calculate_promotion_score,
    demote_source,
    get_promotion_indicator,
    is_eligible_for_promotion,
    is_near_promotion,
    promote_source,
)

NOW = datetime(2026, 3, 1, 12)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "knowledge.db") as opened:
        yield opened


def page(
    name: str = "a", citations: int = 10, projects: int = 5, days: float | None = 0, **fields: Any
) -> StagingEntry:
    """A page seen so many days ago; as it is by default its score is 100."""
    seen = None if days is None else datetime.now() - timedelta(days=days)
    return StagingEntry(
        id=f"page-{name}",
        url=f"https://example.com/{name}",
        domain="example.com",
        citation_count=citations,
        project_count=projects,
        last_seen=seen,
        **fields,
    )


def staged(db: Database, *pages: StagingEntry) -> list[StagingEntry]:
    for one in pages:
        db.add_staging_entry(one)
    return list(pages)


def source_rows(db: Database, columns: str = "*") -> list[tuple[Any, ...]]:
    return raw.rows(db.db_path, f"SELECT {columns} FROM sources ORDER BY url_pattern")


# the score


@pytest.mark.parametrize(
    ("citations", "projects", "days", "score"),
    [
        (10, 5, 0, 100.0),
        (1, 1, 0, 40 * 0.1 + 30 * 0.2 + 30),
        (1, 1, 30, 25.0),
        (1, 1, 45, 20.61),
        (5, 2, 60, 39.5),
        (20, 50, None, 70.0),
        (0, 0, None, 0.0),
        (3, 1, 0.5, 47.66),
        (1, 1, -100, 40.0),
    ],
)
def test_the_score(citations: int, projects: int, days: float | None, score: float) -> None:
    """0.4 for citations up to 10, 0.3 for projects up to 5, 0.3 for recency, halved in 30 days; worked out by hand."""
    staging = page(citations=citations, projects=projects)
    staging.last_seen = None if days is None else NOW - timedelta(days=days)
    assert calculate_promotion_score(staging, PromotionConfig(), NOW) == score


@given(
    citations=st.integers(0, 10**9),
    projects=st.integers(0, 10**9),
    seen=st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2300, 1, 1)),
    half_life=st.floats(0, 1e6),
    most=st.integers(0, 100),
)
def test_the_score_stays_in_its_range(
    citations: int, projects: int, seen: datetime | None, half_life: float, most: int
) -> None:
    """0 to 100 for weights that add up to 1, whatever the clock of another machine said."""
    staging = page(citations=citations, projects=projects)
    staging.last_seen = seen
    config = PromotionConfig(recency_half_life_days=half_life, max_citations=most, max_projects=most)
    assert 0 <= calculate_promotion_score(staging, config, NOW) <= 100


def test_times_with_a_zone() -> None:
    """They are the same moment."""
    staging = page(citations=1, projects=1)
    staging.last_seen = (NOW - timedelta(days=30)).astimezone(timezone(timedelta(hours=9)))
    assert calculate_promotion_score(staging, PromotionConfig(), NOW) == 25.0
    assert calculate_promotion_score(staging, PromotionConfig(), NOW.astimezone(timezone.utc)) == 25.0


# who is eligible


def test_eligible_and_near() -> None:
    """At the threshold one is eligible; from 0.8 of it up to it, near."""
    config, one = PromotionConfig(), page()
    assert [is_eligible_for_promotion(one, config, score) for score in (69.99, 70.0, 100.0)] == [False, True, True]
    assert [is_near_promotion(one, config, score) for score in (55.99, 56.0, 69.99, 70.0)] == [False, True, True, False]
    assert is_eligible_for_promotion(one, config)
    assert is_near_promotion(page(citations=5, projects=3), config)
    assert not is_eligible_for_promotion(page(is_accessible=False), config)
    assert not is_eligible_for_promotion(page(promoted_at=NOW), config)
    assert is_near_promotion(page(is_accessible=False), config, 60)


@pytest.mark.parametrize(
    ("fields", "score", "indicator"),
    [
        ({"promoted_at": NOW, "is_accessible": False}, 90, "✓"),
        ({"is_accessible": False}, 90, "⚠"),
        ({}, 90, "⬆"),
        ({}, 60, "→"),
        ({}, 10, " "),
        ({}, None, "⬆"),
    ],
)
def test_the_indicator(fields: dict[str, Any], score: float | None, indicator: str) -> None:
    """The first that applies; the score is computed when it is not given."""
    assert get_promotion_indicator(page(**fields), PromotionConfig(), score) == indicator


@pytest.mark.fault(42)
def test_the_settings_are_those_of_the_configuration(db: Database) -> None:
    """Score, eligibility, nearness, indicator and the automatic promotion: all of them, 0 as a threshold included."""
    config = get_config()
    weak = page(citations=1, projects=1, days=30)  # 25 by the defaults
    (stored,) = staged(db, weak)
    assert calculate_promotion_score(weak) == pytest.approx(25, abs=0.01)
    assert not is_eligible_for_promotion(weak)
    assert auto_promote_eligible(db, dry_run=True).total_eligible == 0

    assert set_promotion_config(threshold=20)
    assert is_eligible_for_promotion(weak)
    assert get_promotion_indicator(weak) == "⬆"
    assert not is_near_promotion(weak)
    assert auto_promote_eligible(db, dry_run=True).total_eligible == 1

    assert set_promotion_config(threshold=30)
    assert is_near_promotion(weak)
    assert get_promotion_indicator(weak) == "→"
    config.promotion_near_threshold_pct = 0.95
    assert not is_near_promotion(weak)

    assert set_promotion_config(threshold=0)
    assert get_promotion_config().promotion_threshold == 0
    assert is_eligible_for_promotion(page(citations=0, projects=0, days=None))
    assert auto_promote_eligible(db).promoted == 1
    assert db.get_staging_by_url(stored.url) != stored  # promoted now


# promotion


@pytest.mark.fault(52)
def test_a_page_becomes_a_source(db: Database) -> None:
    """With the address as its pattern, the page's score, citations and last sight, and the role of its domain."""
    (one,) = staged(db, page(citations=7, days=3, promotion_score=81.5))
    result = promote_source(db, one, "kept for 0.3")
    assert result == PromotionResult(True, result.source_id, "page-a")
    columns = "id, domain, url_pattern, usage_count, last_used, personal_score, role, is_promoted, status"
    (row,) = source_rows(db, columns)
    assert one.last_seen is not None
    assert row == (
        *(result.source_id, "example.com", "https://example.com/a", 7, one.last_seen.isoformat(), 81.5),
        *("unclassified", 1, "active"),
    )
    (stamps,) = source_rows(db, "promoted_at, created_at")
    utc = datetime.now(timezone.utc).replace(tzinfo=None)
    assert abs(datetime.fromisoformat(stamps[0]) - utc) < timedelta(minutes=1)  # UTC, as Database.promote_source
    assert abs(datetime.fromisoformat(stamps[1]) - datetime.now()) < timedelta(minutes=1)
    stored = db.get_staging_by_url(one.url)
    assert stored == one
    assert stored is not None
    assert stored.promoted_to == result.source_id
    assert stored.promoted_at is not None


def test_scores_and_roles_of_promoted_pages(db: Database) -> None:
    """A page without a score gives that of a new source, one above 100 gives 100; a known domain gives its role."""
    known = StagingEntry("k", "https://GitHub.com/x", "GitHub.com", promotion_score=140.0)
    for one in staged(db, page("a"), known):
        assert promote_source(db, one).success
    assert source_rows(db, "personal_score, role") == [(100.0, "hub"), (50.0, "unclassified")]


@pytest.mark.fault(44)
def test_a_known_address_is_a_failure(db: Database) -> None:
    """It says so, names the source in the way, and leaves everything as it was."""
    (one,) = staged(db, page())
    sources.source(db, "there", url_pattern=one.url)
    before = raw.all_rows(db.db_path)
    result = promote_source(db, one)
    assert (result.success, result.source_id, result.staging_id) == (False, "there", "page-a")
    assert "already exists" in str(result.error)
    assert raw.all_rows(db.db_path) == before
    assert one.promoted_at is None


def test_a_dry_run_of_one_page(db: Database) -> None:
    """Tells what would come of it, and writes nothing, on the page neither."""
    (one,) = staged(db, page())
    planned = promote_source(db, one, dry_run=True)
    assert (planned.success, planned.source_id, one.promoted_at) == (True, None, None)
    assert source_rows(db) == []
    made = promote_source(db, one)
    refused = promote_source(db, one, dry_run=True)
    assert (refused.success, refused.source_id) == (False, made.source_id)


def test_a_page_that_is_gone(db: Database) -> None:
    """Nothing is made of it."""
    result = promote_source(db, page())
    assert not result.success
    assert result.source_id is None
    assert "not found" in str(result.error)
    assert source_rows(db) == []


# demotion


def test_the_way_back(db: Database) -> None:
    """The source goes, the page is a staged one that can be promoted again; a citation stays, without its source."""
    (one, other) = staged(db, page("a"), page("b"))
    result, kept = promote_source(db, one), promote_source(db, other)
    sources.insert(
        db.db_path, "entries", id="e", title="t", type="bug", created_at="2025-01-01", updated_at="2025-01-01"
    )
    sources.cite(db, "e", result.source_id, one.url)
    assert demote_source(db, str(result.source_id)) == PromotionResult(True, result.source_id, "page-a")
    assert source_rows(db, "id") == [(kept.source_id,)]
    assert raw.rows(db.db_path, "SELECT id, promoted_at, promoted_to FROM sources_staging WHERE id = 'page-a'") == [
        ("page-a", None, None)
    ]
    assert db.get_staging_by_url(other.url) == other
    assert raw.rows(db.db_path, "SELECT entry_id, source_id, source_ref FROM entry_sources") == [("e", None, one.url)]
    again = db.get_staging_by_url(one.url)
    assert again is not None
    assert promote_source(db, again).success


def test_a_source_that_0_3_promoted(db: Database) -> None:
    """It is found by its address where the page names no source."""
    staged(db, page(promoted_at=NOW))
    sources.source(db, "old", url_pattern="https://example.com/a", is_promoted=1)
    assert demote_source(db, "old") == PromotionResult(True, "old", "page-a")
    assert raw.rows(db.db_path, "SELECT promoted_at FROM sources_staging") == [(None,)]
    assert source_rows(db) == []


def test_what_cannot_be_demoted(db: Database) -> None:
    """An unknown source, one not promoted, a seed; each stays as it is."""
    sources.source(db, "plain")
    sources.source(db, "seed", is_promoted=1, is_seed=1)
    before = raw.all_rows(db.db_path)
    for source_id, words in (("none", "not found"), ("plain", "was not promoted"), ("seed", "is a seed")):
        result = demote_source(db, source_id)
        assert not result.success
        assert words in str(result.error)
    assert raw.all_rows(db.db_path) == before


def test_a_source_that_was_no_page_is_not_lost(db: Database) -> None:
    """Promoted for its use: the promotion goes, the source stays."""
    sources.source(db, "used", usage_count=9, is_promoted=1, promoted_at="2025-01-01 00:00:00")
    assert demote_source(db, "used") == PromotionResult(True, "used")
    assert source_rows(db, "id, usage_count, is_promoted, promoted_at") == [("used", 9, 0, None)]


# all that are eligible


def test_all_eligible_pages_at_once(db: Database) -> None:
    """By the score of today, not the one stored; failures are told, the others promoted all the same."""
    pages = staged(
        db,
        page("good", promotion_score=0.0),
        page("stale", citations=1, projects=1, days=90, promotion_score=99.0),
        page("gone", is_accessible=False),
        page("taken"),
        page("before", promoted_at=NOW),
    )
    sources.source(db, "there", url_pattern=pages[3].url)
    dry = auto_promote_eligible(db, PromotionConfig(), dry_run=True)
    assert dry == BatchPromotionResult(total_eligible=2, already_promoted=1)
    assert source_rows(db, "id") == [("there",)]
    done = auto_promote_eligible(db, PromotionConfig())
    assert (done.total_eligible, done.promoted, done.failed, done.already_promoted) == (2, 1, 1, 1)
    assert done.errors == [f"{pages[3].url}: a source already exists at this address: there"]
    assert source_rows(db, "url_pattern, personal_score") == [(pages[0].url, 100.0), (pages[3].url, 50.0)]
    scores = dict(raw.rows(db.db_path, "SELECT id, promotion_score FROM sources_staging"))
    assert scores["page-good"] == 100.0
    assert scores["page-stale"] == 99.0
    again = auto_promote_eligible(db, PromotionConfig())
    assert (again.total_eligible, again.promoted, again.failed, again.already_promoted) == (1, 0, 1, 2)


def test_many_pages_take_few_calls(tmp_path: Path) -> None:
    """No query and no write for each page, and none is left out, however many there are."""
    backend = CountingBackend(tmp_path / "many.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as db:
        db.add_staging_entry(page("first"))
        with raw.connection(tmp_path / "many.db") as opened:
            opened.executemany(
                "INSERT INTO sources_staging(id, url, domain, citation_count, project_count, last_seen)"
                " VALUES (?, ?, 'd', 10, 5, ?)",
                [(f"p{number}", f"https://d/{number}", datetime.now().isoformat()) for number in range(1200)],
            )
            opened.commit()
        backend.reset()
        result = auto_promote_eligible(db, PromotionConfig())
        assert (result.promoted, result.failed) == (1201, 0)
        assert backend.reads() + backend.calls["execute_batch"] + backend.calls["execute"] < 15
