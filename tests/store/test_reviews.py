"""Reviews: what is due, what is stale, and the schedule after a rating."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import processes, raw

from rekall.db import Database
from rekall.errors import DatabaseBusyError
from rekall.infra import DefaultDatabaseBackend, ServiceContainer
from rekall.infra.interfaces import Params, Row, Statement, Value
from rekall.models import Entry, calculate_next_ease, calculate_next_interval

TODAY = date.today()
DAY = timedelta(days=1)
FACTORS = {3: (5, 2), 4: (26, 10), 5: (27, 10)}
EASE_CHANGES = {0: -0.80, 1: -0.54, 2: -0.32, 3: -0.14, 4: 0.0, 5: 0.10}

qualities = st.integers(0, 5)
shared = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def add(db: Database, entry_id: str, project: str | None = None, **columns: Value) -> None:
    """An entry whose row then says what an `Entry` cannot, such as no access at all."""
    db.add(Entry(entry_id, f"title {entry_id}", "bug", project=project))
    if columns:
        set_columns(db, entry_id, columns)


def set_columns(db: Database, entry_id: str, columns: Mapping[str, Value]) -> None:
    assignments = ", ".join(f"{column} = ?" for column in columns)
    db.store.session.write([Statement(f"UPDATE entries SET {assignments} WHERE id = ?", [*columns.values(), entry_id])])


def kept(db: Database, entry_id: str) -> Entry:
    entry = db.get(entry_id, update_access=False)
    assert entry is not None
    return entry


def days_ago(days: float) -> str:
    return (datetime.now() - timedelta(days=days)).isoformat()


@pytest.mark.parametrize(("interval", "wanted"), [(1, [2, 2, 2]), (6, [15, 15, 16]), (10, [25, 26, 27])])
def test_recorded_intervals(interval: int, wanted: list[int]) -> None:
    """As 0.3 computed them for the ratings 3, 4 and 5; a failure starts again at one day."""
    assert [calculate_next_interval(interval, quality) for quality in (3, 4, 5)] == wanted
    assert [calculate_next_interval(interval, quality) for quality in (0, 1, 2)] == [1, 1, 1]


@given(interval=st.integers(1, 100_000), quality=qualities)
def test_an_interval_follows_the_formula(interval: int, quality: int) -> None:
    """In exact arithmetic: the factor times the interval, less than a day below; never under one day."""
    result = calculate_next_interval(interval, quality)
    if quality < 3:
        assert result == 1
    else:
        numerator, denominator = FACTORS[quality]
        # a product that is a whole number may come out just below it in floating point, and be cut there
        assert result in {interval * numerator // denominator, -(-interval * numerator // denominator) - 1}
        assert result > interval


@given(ease=st.floats(1.3, 10), quality=st.integers(-20, 20))
def test_an_ease_factor_is_never_under_its_least(ease: float, quality: int) -> None:
    """1.3 whatever the rating is; within the scale it changes by the recorded amount."""
    result = calculate_next_ease(ease, quality)
    assert result >= 1.3
    if quality in EASE_CHANGES:
        assert result == pytest.approx(max(1.3, ease + EASE_CHANGES[quality]))


@shared
@given(ratings=st.lists(qualities, min_size=1, max_size=30))
def test_a_schedule_is_the_formulas_applied_one_after_the_other(db: Database, ratings: list[int]) -> None:
    """Interval, ease and date as stored after any ratings; nothing else of the entry changes."""
    db.delete("A")
    add(db, "A")
    before = kept(db, "A")
    interval, ease = 1, 2.5
    for quality in ratings:
        interval = min(calculate_next_interval(interval, quality), 365_000)
        ease = calculate_next_ease(ease, quality)
        returned = db.reviews.update_review_schedule("A", quality)
        after = kept(db, "A")
        assert (after.review_interval, after.ease_factor, after.next_review) == (interval, ease, returned)
        assert returned is not None
        assert returned - timedelta(days=interval) in {TODAY, date.today()}
        assert after.ease_factor >= 1.3
    after = kept(db, "A")
    after.next_review, after.review_interval, after.ease_factor = None, 1, 2.5
    assert after == before


def test_a_very_long_interval_stays_in_the_calendar(db: Database) -> None:
    """The plain formula ends with an OverflowError at the sixteenth best rating in a row."""
    add(db, "A")
    for _ in range(60):
        db.update_review_schedule("A", 5)
    assert kept(db, "A").review_interval == 365_000


def test_a_rating_off_the_scale_runs_through_the_same_arithmetic(db: Database) -> None:
    """As in 0.3, which did not check it."""
    add(db, "A", review_interval=10)
    db.update_review_schedule("A", 7)
    after = kept(db, "A")
    assert after.review_interval == 29
    assert after.ease_factor == pytest.approx(2.5 + 0.1 + 2 * (0.08 - 2 * 0.02))


def test_an_unknown_id_is_no_error(db: Database) -> None:
    """As in 0.3; the answer tells."""
    assert db.reviews.update_review_schedule("none", 3) is None


def test_columns_that_another_program_left_empty_count_as_their_defaults(db: Database) -> None:
    """NULL and 0: one day, and 2.5."""
    for entry_id, empty in (("A", None), ("B", 0)):
        add(db, entry_id, review_interval=empty, ease_factor=empty)
        db.update_review_schedule(entry_id, 5)
        assert (kept(db, entry_id).review_interval, kept(db, entry_id).ease_factor) == (2, 2.6)


_RATING = """
db = Database(Path(sys.argv[2]))
db.init()
for _ in range(int(sys.argv[3])):
    db.update_review_schedule("A", 5)
db.close()
"""


def test_reviewers_at_the_same_time_lose_no_rating(tmp_path: Path) -> None:
    """Four processes rate one entry four times each: the schedule is that of sixteen ratings."""
    path = tmp_path / "k.db"
    with Database(path) as db:
        add(db, "A")
    processes.run_together(_RATING, [(path, 4)] * 4, tmp_path / "gate")
    interval, ease = 1, 2.5
    for _ in range(16):
        interval, ease = min(calculate_next_interval(interval, 5), 365_000), calculate_next_ease(ease, 5)
    with Database(path) as db:
        assert (kept(db, "A").review_interval, kept(db, "A").ease_factor) == (interval, ease)


class Interfering(DefaultDatabaseBackend):
    """After each reading of a schedule somebody else, on a connection of their own, rates the entry."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.file = path
        self.times = 0

    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        row = super().fetch_one(query, params)
        if self.times and "review_interval" in query:
            self.times -= 1
            with raw.connection(self.file) as other:
                other.execute("UPDATE entries SET review_interval = review_interval + 3, next_review = '2031-05-06'")
                other.commit()
        return row


@pytest.fixture
def interfering(tmp_path: Path) -> Iterator[tuple[Database, Interfering]]:
    backend = Interfering(tmp_path / "interfered.db")
    container = ServiceContainer()
    container.register("database", backend)
    with Database(backend.file, container=container) as opened:
        add(opened, "A")
        yield opened, backend


@shared
@given(interval=st.integers(1, 1000), quality=qualities, times=st.integers(0, 5))
def test_a_rating_builds_upon_the_one_that_came_in_between(
    interfering: tuple[Database, Interfering], interval: int, quality: int, times: int
) -> None:
    """The guard fails, leaves no trace, and the rating is computed anew from what is there."""
    db, backend = interfering
    set_columns(db, "A", {"review_interval": interval, "ease_factor": 2.5, "next_review": None})
    backend.times = times
    db.update_review_schedule("A", quality)
    after = kept(db, "A")
    assert after.review_interval == calculate_next_interval(interval + 3 * times, quality)
    assert after.ease_factor == calculate_next_ease(2.5, quality)


def test_a_rating_that_never_gets_its_turn_is_refused_without_a_trace(
    interfering: tuple[Database, Interfering],
) -> None:
    """One line that says what to do; only the others' ratings are in the file."""
    db, backend = interfering
    backend.times = 1000
    with pytest.raises(DatabaseBusyError, match="entry A was rated by others 50 times meanwhile: rate it again"):
        db.update_review_schedule("A", 0)
    after = kept(db, "A")
    assert (after.review_interval, after.ease_factor, after.next_review) == (151, 2.5, date(2031, 5, 6))


def test_due_entries_come_by_priority(db: Database) -> None:
    """Days overdue + (3 - ease); active ones only, until today, and those never rated are not due."""
    add(db, "today", next_review=TODAY.isoformat(), ease_factor=1.3)
    add(db, "easy", next_review=(TODAY - DAY).isoformat(), ease_factor=2.9)
    add(db, "old", next_review=(TODAY - 9 * DAY).isoformat(), ease_factor=None)
    add(db, "tomorrow", next_review=(TODAY + DAY).isoformat())
    add(db, "obsolete", next_review=TODAY.isoformat(), status="obsolete")
    add(db, "never")
    due = db.get_due_entries()
    assert [(item.entry.id, item.days_overdue) for item in due] == [("old", 9), ("today", 0), ("easy", 1)]
    assert [item.priority for item in due] == pytest.approx([9.5, 1.7, 1.1])


def test_the_limit_takes_the_longest_due(db: Database) -> None:
    """Before they are sorted by priority; a negative limit takes all."""
    for number in range(5):
        add(db, f"E{number}", "p", next_review=(TODAY - number * DAY).isoformat(), ease_factor=1.3 + 2 * number)
    assert [item.entry.id for item in db.get_due_entries(2)] == ["E3", "E4"]
    assert [item.entry.id for item in db.get_due_entries(0)] == []
    assert len(db.get_due_entries(-1)) == 5
    assert db.get_due_entries(project="other") == []
    assert len(db.get_due_entries(project="p")) == len(db.get_due_entries(project="")) == 5


@pytest.mark.fault(29)
def test_a_review_date_with_a_time_is_due_on_its_day(db: Database) -> None:
    """Fault 29 of 0.3: its import wrote times into the column of dates."""
    add(db, "A", next_review=f"{TODAY.isoformat()}T23:30:00")
    (item,) = db.get_due_entries()
    assert (item.entry.next_review, item.days_overdue) == (TODAY, 0)


def test_entries_never_rated_are_offered_oldest_first(db: Database) -> None:
    """Active ones; the project filters; the limit cuts."""
    for entry_id, created in (("B", "2024-01-02"), ("A", "2024-01-03"), ("C", "2024-01-01"), ("O", "2023-01-01")):
        add(db, entry_id, "p" if entry_id == "A" else None, created_at=f"{created}T00:00:00")
    db.entries.change("O", {"status": "obsolete"})
    assert [entry.id for entry in db.reviews.never_reviewed()] == ["C", "B", "A"]
    assert [entry.id for entry in db.reviews.never_reviewed(1)] == ["C"]
    assert [entry.id for entry in db.reviews.never_reviewed(project="p")] == ["A"]
    db.update_review_schedule("C", 3)
    assert [entry.id for entry in db.reviews.never_reviewed()] == ["B", "A"]


def test_stale_entries_come_longest_unused_first(db: Database) -> None:
    """Those never looked at before all; obsolete ones and those used since are not stale; nothing is counted."""
    add(db, "month", last_accessed=days_ago(31))
    add(db, "year", last_accessed=days_ago(365))
    add(db, "never", last_accessed=None)
    add(db, "yesterday", last_accessed=days_ago(1))
    add(db, "obsolete", last_accessed=None, status="obsolete")
    assert [entry.id for entry in db.get_stale_entries()] == ["never", "year", "month"]
    assert [entry.id for entry in db.get_stale_entries(limit=2)] == ["never", "year"]
    assert [entry.id for entry in db.get_stale_entries(32)] == ["never", "year"]
    assert [entry.id for entry in db.get_stale_entries(0)] == ["never", "year", "month", "yesterday"]
    assert {kept(db, entry_id).access_count for entry_id in ("never", "year", "month")} == {0}


@pytest.mark.parametrize(("days", "wanted"), [(10**12, []), (-(10**12), ["A"])])
def test_any_number_of_days_is_a_question(db: Database, days: int, wanted: list[str]) -> None:
    """Past the calendar too, where plain arithmetic of dates ends with an OverflowError."""
    add(db, "A")
    assert [entry.id for entry in db.get_stale_entries(days)] == wanted
