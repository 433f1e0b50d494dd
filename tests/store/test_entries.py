"""Entries, tags and access tracking by the rules of 0.3, minus its faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from support import raw

from rekall.db import Database
from rekall.errors import AmbiguousIdError, CorruptError, EntryNotFoundError, IntegrityError, InvalidValueError
from rekall.handle import Access, SessionOptions
from rekall.models import Entry, StructuredContext, calculate_consolidation_score
from rekall.store.access import accesses, count_statements


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def kept(db: Database, entry_id: str) -> Entry:
    entry = db.get(entry_id, update_access=False)
    assert entry is not None
    return entry


def test_an_entry_comes_back_as_it_was_given(db: Database) -> None:
    """Every field; tags alphabetically; `last_accessed` takes `created_at`, on the object too."""
    entry = Entry(
        id="A",
        title="title",
        type="decision",
        content="content\nwith lines \0 and é",
        project="project",
        tags=["zeta", "alpha", "with space"],
        confidence=5,
        status="obsolete",
        created_at=datetime(2024, 1, 2, 3, 4, 5, 6),
        updated_at=datetime(2024, 1, 3),
        memory_type="semantic",
        access_count=7,
        consolidation_score=0.25,
        next_review=date(2025, 1, 1),
        review_interval=3,
        ease_factor=2.1,
    )
    db.add(entry)
    assert entry.last_accessed == entry.created_at
    entry.tags.sort()
    assert kept(db, "A") == entry


@pytest.mark.fault(28)
def test_a_repeated_tag_is_stored_once(db: Database) -> None:
    """Fault 28 of 0.3: it aborted add and update."""
    entry = Entry("A", "title", "bug", tags=["x", "x", "y"])
    db.add(entry)
    assert kept(db, "A").tags == ["x", "y"]
    entry.tags = ["y", "y"]
    db.update(entry)
    assert kept(db, "A").tags == ["y"]
    assert raw.rows(db.db_path, "SELECT tags FROM entries_fts") == [("y",)]


def test_adding_an_id_twice_changes_nothing(db: Database) -> None:
    """Neither the entry nor its tags."""
    db.add(Entry("A", "first", "bug", tags=["x"]))
    for tags in ([], ["y"], ["x"]):
        with pytest.raises(IntegrityError):
            db.add(Entry("A", "second", "bug", tags=tags))
    assert (kept(db, "A").title, kept(db, "A").tags) == ("first", ["x"])


@pytest.mark.fault(27)
@pytest.mark.parametrize("tags", [[], ["x"]])
def test_a_successor_that_does_not_exist_is_refused(db: Database, tags: list[str]) -> None:
    """Add and update alike, and nothing of the entry is kept."""
    with pytest.raises(IntegrityError):
        db.add(Entry("A", "title", "bug", tags=tags, superseded_by="none"))
    assert db.list_all() == []
    assert raw.rows(db.db_path, "SELECT * FROM tags") == []
    db.add(Entry("A", "title", "bug", tags=tags))
    changed = kept(db, "A")
    changed.superseded_by = "none"
    changed.tags = ["other"]
    with pytest.raises(IntegrityError):
        db.update(changed)
    assert kept(db, "A").tags == tags


@pytest.mark.fault(19)
def test_a_refused_context_leaves_no_entry(db: Database) -> None:
    """Fault 19: entry and context are one batch."""
    with pytest.raises(IntegrityError):
        db.add(
            Entry("A", "title", "bug", superseded_by="none"),
            context=StructuredContext("a situation", "a solution", ["k"]),
        )
    assert raw.counts(db.db_path)["entries"] == raw.counts(db.db_path)["context_keywords"] == 0


def test_update_sets_the_time_and_only_what_it_should(db: Database) -> None:
    """`updated_at` becomes now, on the object too; creation time and centrality stay."""
    db.add(Entry("A", "title", "bug", created_at=datetime(2024, 1, 1), updated_at=datetime(2024, 1, 1)))
    db.add(Entry("B", "title", "bug"))
    db.add_link("A", "B")
    db.update_all_centrality_scores()
    entry = kept(db, "A")
    score = entry.centrality_score
    entry.created_at, entry.centrality_score = datetime(1999, 1, 1), 99.0
    before = datetime.now()
    db.update(entry)
    stored = kept(db, "A")
    assert stored.created_at == datetime(2024, 1, 1)
    assert stored.centrality_score == score == 4.0
    assert before <= stored.updated_at <= datetime.now()
    assert entry.updated_at == stored.updated_at


def test_updating_an_unknown_entry(db: Database) -> None:
    """Without tags nothing happens; with tags the tag has no entry to hang on."""
    db.update(Entry("none", "title", "bug"))
    with pytest.raises(IntegrityError):
        db.update(Entry("none", "title", "bug", tags=["x"]))
    assert db.list_all() == []


def test_times_with_a_zone_are_stored_as_local_ones(db: Database) -> None:
    """0.3.0 fails on a stored offset; add and update alike."""
    moment = datetime(2025, 6, 1, 12, tzinfo=timezone(timedelta(hours=9)))
    local = moment.astimezone().replace(tzinfo=None)
    db.add(Entry("A", "title", "bug", created_at=moment, updated_at=moment, last_accessed=moment))
    assert (kept(db, "A").created_at, kept(db, "A").last_accessed) == (local, local)
    entry = kept(db, "A")
    entry.last_accessed = moment
    db.update(entry)
    stored = raw.rows(db.db_path, "SELECT created_at, updated_at, last_accessed FROM entries")[0]
    assert all(datetime.fromisoformat(text).tzinfo is None for text in stored)


def test_nulls_in_the_file_read_as_defaults(db: Database) -> None:
    """Null or 0 where 0.3 reads a default."""
    raw.write(
        db.db_path,
        "INSERT INTO entries(id, title, type, content, confidence, status, created_at, updated_at, memory_type,"
        " access_count, consolidation_score, review_interval, ease_factor, centrality_score) VALUES ('A', 't', 'bug',"
        " NULL, NULL, NULL, '2025-01-01', '2025-01-01T10:00:00', NULL, NULL, NULL, 0, 0, NULL)",
    )
    entry = kept(db, "A")
    assert (entry.content, entry.confidence, entry.status, entry.memory_type) == ("", 2, "active", "episodic")
    assert (entry.access_count, entry.consolidation_score, entry.centrality_score) == (0, 0.0, 0.0)
    assert (entry.review_interval, entry.ease_factor, entry.last_accessed) == (1, 2.5, None)
    db.get("A")
    assert kept(db, "A").access_count == 1


@pytest.mark.parametrize("column", ["created_at", "updated_at", "last_accessed", "next_review"])
def test_a_time_that_is_none_names_its_entry(db: Database, column: str) -> None:
    """One clear line instead of a traceback from the depths."""
    db.add(Entry("A", "title", "bug"))
    raw.write(db.db_path, f"UPDATE entries SET {column} = 'yesterday'")
    with pytest.raises(CorruptError, match=r"entry A.*yesterday"):
        db.get("A")


@pytest.mark.fault(29)
def test_a_date_that_an_import_of_0_3_stored_as_a_time_is_read(db: Database) -> None:
    """Fault 29: `next_review` came back as a datetime."""
    db.add(Entry("A", "title", "bug"))
    raw.write(db.db_path, "UPDATE entries SET next_review = '2025-02-03T00:00:00'")
    assert kept(db, "A").next_review == date(2025, 2, 3)
    assert not isinstance(kept(db, "A").next_review, datetime)


@pytest.mark.fault(27)
def test_an_entry_named_as_successor_can_be_deleted(db: Database) -> None:
    """Fault 27: the foreign key refused it. Those it superseded no longer name it, all else of it goes."""
    db.add(Entry("NEW", "title", "bug", tags=["x"]), context=StructuredContext("a situation", "a solution", ["k"]))
    db.add(Entry("OLD", "title", "bug", status="obsolete", superseded_by="NEW"))
    db.add_link("NEW", "OLD", "supersedes")
    db.delete("NEW")
    db.delete("NEW")
    assert kept(db, "OLD").superseded_by is None
    assert kept(db, "OLD").status == "obsolete"
    counts = raw.counts(db.db_path)
    assert (counts["entries"], counts["tags"], counts["links"], counts["context_keywords"]) == (1, 0, 0, 0)
    assert counts["entries_fts"] == 1
    assert raw.rows(db.db_path, "SELECT * FROM rekall_context_fts") == []


@pytest.mark.parametrize(
    ("count", "days", "score"), [(0, 0, 0.4), (1, 0, 0.48318), (5, 3, 0.57695), (148, 0, 1.0), (0, 60, 0.05413)]
)
def test_the_score_is_that_of_0_3(count: int, days: int, score: float) -> None:
    """The recorded examples; a negative number of days is not clamped."""
    assert calculate_consolidation_score(count, days) == pytest.approx(score, abs=5e-6)
    assert calculate_consolidation_score(0, -30) > 1


def test_get_counts_one_access_and_returns_what_was_before(db: Database) -> None:
    """New count, now, the score of the new count and of the days since the access before; nothing else changes."""
    before = datetime.now() - timedelta(days=3, hours=1)
    db.add(Entry("A", "title", "bug", access_count=4, last_accessed=before, updated_at=datetime(2024, 1, 1)))
    entry = db.get("A")
    assert entry is not None
    assert (entry.access_count, entry.last_accessed, entry.consolidation_score) == (4, before, 0.0)
    counted = kept(db, "A")
    assert counted.access_count == 5
    assert counted.last_accessed is not None
    assert datetime.now() - counted.last_accessed < timedelta(minutes=1)
    assert counted.consolidation_score == calculate_consolidation_score(5, 3)
    assert counted.updated_at == entry.updated_at == datetime(2024, 1, 1)
    (hit,) = db.search("title")
    assert hit.entry == counted
    assert kept(db, "A").consolidation_score == calculate_consolidation_score(6, 0)


def test_accesses_that_are_counted_later_are_counted_together(tmp_path: Path) -> None:
    """As often as there were, once for each entry, with the time of the last: also where another program counted."""
    waiting: list[Access] = []
    options = SessionOptions(count_later=waiting.extend)
    with Database(tmp_path / "k.db", options=options) as db:
        for key in "AB":
            db.add(Entry(key, "otter", "bug"))
        assert len(db.search("otter")) == 2
        raw.write(db.db_path, "UPDATE entries SET access_count = 5, consolidation_score = 0.25 WHERE id = 'B'")
        db.get("A")
        time_of_last = max(access.moment for access in waiting)
        assert raw.rows(db.db_path, "SELECT access_count FROM entries ORDER BY id") == [(0,), (5,)]
        statements = count_statements(waiting)
        db.store.session.count_now(waiting)
    assert len(statements) == 1
    one = calculate_consolidation_score(1, 0)
    rows = raw.rows(
        tmp_path / "k.db", "SELECT access_count, consolidation_score, last_accessed FROM entries ORDER BY id"
    )
    assert rows == [(2, one, time_of_last), (6, 0.25, waiting[1].moment)]


def test_more_accesses_than_one_statement_takes(db: Database) -> None:
    """Of some 1500 entries, each twice."""
    raw.write(
        db.db_path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO entries"
        " (id, title, type, created_at, updated_at) SELECT 'N' || i, 't', 'bug', '2026-01-01', '2026-01-01' FROM n",
    )
    entries = db.list_all(limit=-1)
    db.store.session.count_now([access for _ in range(2) for access in accesses(entries, datetime.now())])
    assert raw.rows(db.db_path, "SELECT DISTINCT access_count FROM entries") == [(2,)]


def test_nothing_else_counts(db: Database) -> None:
    """Lists, links, graphs, contexts, keyword searches and uncounted calls leave the counts alone."""
    db.add(Entry("A", "title", "bug"), context=StructuredContext("a situation", "a solution", ["k"]))
    db.add(Entry("B", "title", "bug"))
    db.add_link("A", "B")
    db.list_all()
    db.get_links("A")
    db.get_related_entries("A")
    db.render_graph_ascii("A")
    db.get_structured_context("A")
    db.get_context("A")
    db.search_by_keywords(["k"])
    db.get_entries_with_structured_context()
    db.calculate_centrality_score("A")
    db.search("title", update_access=False)
    db.get("A", update_access=False)
    assert [entry.access_count for entry in db.list_all()] == [0, 0]


def test_filters_are_exact_and_an_empty_one_is_none(db: Database) -> None:
    """Type, project, memory type, obsolete entries, limit and offset of a list."""
    for number in range(6):
        db.add(
            Entry(
                str(number),
                "title",
                "bug" if number % 2 else "pattern",
                project="p" if number < 3 else None,
                status="obsolete" if number == 5 else "active",
                created_at=datetime(2025, 1, 1 + number),
            )
        )

    def listed(**filters: object) -> str:
        return "".join(entry.id for entry in db.list_all(**filters))  # type: ignore[arg-type]  # filters of any kind

    assert listed() == "43210"
    assert listed(include_obsolete=True) == "543210"
    assert listed(entry_type="bug") == "31"
    assert listed(project="p", entry_type="pattern") == "20"
    assert listed(project="P") == ""
    assert listed(project="", entry_type="", memory_type="") == "43210"
    assert listed(memory_type="semantic") == ""
    assert listed(limit=2, offset=1) == "32"
    assert listed(limit=-1, offset=4) == "0"
    assert db.entries.count() == 5
    assert db.entries.count(include_obsolete=True) == 6
    assert db.entries.count_by("type") == {"pattern": 3, "bug": 2}


def test_equal_times_are_listed_in_the_order_of_storing(db: Database) -> None:
    """With and without filters."""
    for entry_id in "CAB":
        db.add(Entry(entry_id, "title", "bug", created_at=datetime(2025, 1, 1)))
    assert [entry.id for entry in db.list_all()] == ["C", "A", "B"]
    assert [entry.id for entry in db.list_all(include_obsolete=True, entry_type="bug")] == ["C", "A", "B"]


def test_a_prefix_stands_for_the_one_id_that_begins_with_it(db: Database) -> None:
    """In any case; a whole id wins over longer ones; several are named, at most five."""
    for entry_id in ("01ABC1", "01ABC2", "01ABC22", "01XYZ"):
        db.add(Entry(entry_id, f"title of {entry_id}", "bug"))
    assert db.entries.resolve("01X") == "01XYZ"
    assert db.entries.resolve(" 01xyz ") == "01XYZ"
    assert db.entries.resolve("01ABC2") == "01ABC2"
    with pytest.raises(AmbiguousIdError, match=r"01ABC1 \(title of 01ABC1\)") as error:
        db.entries.resolve("01abc")
    assert [entry_id for entry_id, _ in error.value.candidates] == ["01ABC1", "01ABC2", "01ABC22"]
    for unknown in ("", "  ", "02", "01ABC3", "%", "_", "01X%", "\udcff", "\U0010ffff"):
        with pytest.raises(EntryNotFoundError):
            db.entries.resolve(unknown)


def test_an_ambiguous_prefix_names_five(db: Database) -> None:
    """More would not help."""
    for number in range(9):
        db.add(Entry(f"A{number}", "title", "bug"))
    with pytest.raises(AmbiguousIdError) as error:
        db.entries.resolve("A")
    assert len(error.value.candidates) == 5


def test_change_writes_what_it_names_and_nothing_else(db: Database) -> None:
    """What another process wrote since the entry was read stays."""
    db.add(Entry("A", "title", "bug", content="content", tags=["x"]))
    raw.write(db.db_path, "UPDATE entries SET content = 'from elsewhere', access_count = 9")
    db.entries.change("A", {"title": "renamed", "project": "p"}, tags=["y", "y"])
    entry = kept(db, "A")
    assert (entry.title, entry.project, entry.content, entry.access_count) == ("renamed", "p", "from elsewhere", 9)
    assert entry.tags == ["y"]
    assert [hit.entry.id for hit in db.search("tags:y AND title:renamed")] == ["A"]
    db.entries.change("A", {"status": "obsolete"})
    assert (kept(db, "A").tags, kept(db, "A").status) == (["y"], "obsolete")
    db.entries.change("A", {}, tags=[])
    assert db.search("tags:y", include_obsolete=True) == []


def test_change_refuses_what_it_must_not_do(db: Database) -> None:
    """An unknown entry, an unknown column, and those that identify an entry."""
    db.add(Entry("A", "title", "bug"))
    for tags in (None, ["x"]):
        with pytest.raises(EntryNotFoundError, match="none"):
            db.entries.change("none", {"title": "t"}, tags=tags)
    for column in ("id", "created_at", "updated_at", "nonsense", "title = 'x' --"):
        with pytest.raises(InvalidValueError, match="cannot change"):
            db.entries.change("A", {column: "x"})
    with pytest.raises(IntegrityError):
        db.entries.change("A", {"superseded_by": "none"}, tags=["z"])
    assert kept(db, "A").tags == []


def test_very_large_texts(db: Database) -> None:
    """A megabyte of content is kept and found by its last word."""
    content = "word " * 200_000 + "lastword"
    db.add(Entry("A", "x" * 1_000_000, "bug", content=content))
    assert kept(db, "A").content == content
    assert [hit.entry.id for hit in db.search("lastword")] == ["A"]
