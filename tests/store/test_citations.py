"""Citations: one batch with the use of the source, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases, processes, raw
from support.neighbour import Neighbour
from support.sources import cite, source

from rekall.db import Database
from rekall.errors import CorruptError, DatabaseBusyError, EntryNotFoundError, IntegrityError
from rekall.infra import register_backend
from rekall.models import Entry, EntrySource, Source
from rekall.store.sources import scoring


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        for entry_id in "EFG":
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


def ids(found: list[tuple[Entry, EntrySource]]) -> list[tuple[str, str]]:
    return [(entry.id, citation.id) for entry, citation in found]


def test_a_citation_is_a_use(db: Database) -> None:
    """The source counts one use more, now, with the score of that count."""
    source(db, "A", usage_count=2, role="authority", citation_quality_factor=0.8, last_used="2024-01-01T00:00:00")
    earliest = datetime.now()
    citation = db.link_entry_to_source("E", "url", "https://example.com/page", "A", "section 2")
    used = get(db, "A")
    assert used.last_used is not None
    assert earliest <= used.last_used <= datetime.now()
    assert used.usage_count == 3
    assert used.personal_score == pytest.approx(50 * 1.4 * 1.2 * 1.16)
    assert (len(citation.id), citation.entry_id, citation.source_id) == (26, "E", "A")
    assert (citation.source_type, citation.source_ref, citation.note) == (
        "url",
        "https://example.com/page",
        "section 2",
    )
    ((_, stored),) = db.get_source_backlinks("A")
    assert stored == citation


def test_a_citation_of_no_source(db: Database) -> None:
    """A reference by itself; the same one may be made again."""
    for _ in range(2):
        db.link_entry_to_source("E", "file", "docs/notes.md")
    assert [(one.source, one.source_id, one.note) for one in db.get_entry_sources("E")] == [(None, None, None)] * 2


@pytest.mark.parametrize("source_id", [None, "A", "none"])
def test_a_refused_citation_leaves_no_trace(db: Database, source_id: str | None) -> None:
    """An entry that is not there comes first, then a source that is not there; neither counts a use."""
    source(db, "A")
    before = raw.all_rows(db.db_path)
    with pytest.raises(EntryNotFoundError, match="Entry not found: none"):
        db.link_entry_to_source("none", "url", "https://example.com", source_id)
    with pytest.raises(ValueError, match="invalid source_type"):
        db.link_entry_to_source("E", "book", "https://example.com", source_id)
    with pytest.raises(IntegrityError, match="Source not found: none"):
        db.link_entry_to_source("E", "url", "https://example.com", "none")
    assert raw.all_rows(db.db_path) == before


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(
        st.tuples(
            st.sampled_from("EFGx"), st.sampled_from(["url", "theme", "file", "book"]), st.sampled_from(["A", "B", "x"])
        ),
        max_size=8,
    )
)
def test_uses_are_the_citations_made(db: Database, calls: list[tuple[str, str, str]]) -> None:
    """Whatever is asked for in whatever order: counts, scores and citations tell of those that were made."""
    raw.write(db.db_path, "DELETE FROM entry_sources", "DELETE FROM sources")
    made = []
    for source_id in "AB":
        source(db, source_id)
    for entry_id, kind, source_id in calls:
        if "x" in (entry_id, source_id) or kind == "book":
            with pytest.raises((ValueError, IntegrityError)):
                db.link_entry_to_source(entry_id, kind, "ref", source_id)
        else:
            made.append(db.link_entry_to_source(entry_id, kind, "ref", source_id).id)
    assert {row[0] for row in raw.rows(db.db_path, "SELECT id FROM entry_sources")} == set(made)
    for source_id in "AB":
        used = get(db, source_id)
        assert used.usage_count == db.count_source_backlinks(source_id)
        assert used.personal_score == (scoring.score_v2(used, datetime.now()) if used.usage_count else 50)


def test_processes_lose_no_use(tmp_path: Path) -> None:
    """Four that cite one source thirty times each: every citation is there, counted, and in the score."""
    work = """
with Database(Path(sys.argv[2])) as db:
    for number in range(30):
        db.link_entry_to_source("E", "url", f"https://example.com/{sys.argv[3]}/{number}", "A")
"""
    path = tmp_path / "k.db"
    with Database(path) as db:
        db.add(Entry("E", "title", "bug"))
        source(db, "A", reliability="C")
        processes.run_together(work, [(path, number) for number in range(4)], tmp_path / "gate")
        used = get(db, "A")
        assert (used.usage_count, db.count_source_backlinks("A"), len(db.get_entry_sources("E"))) == (120, 120, 120)
        assert used.personal_score == 80.0


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("DELETE FROM entries WHERE id = 'E'", EntryNotFoundError),
        ("DELETE FROM sources WHERE id = 'A'", IntegrityError),
    ],
)
def test_what_is_gone_when_it_is_written(neighbour: Neighbour, change: str, wanted: type[Exception]) -> None:
    """Another program deletes the entry or the source between the look and the write: nothing is written."""
    with Database(neighbour.file) as db:
        db.add(Entry("E", "title", "bug"))
        source(db, "A")
        neighbour.change, neighbour.times = change, 1
        with pytest.raises(wanted, match="not found"):
            db.link_entry_to_source("E", "url", "https://example.com", "A")
        assert raw.rows(db.db_path, "SELECT count(*) FROM entry_sources") == [(0,)]
        assert raw.rows(db.db_path, "SELECT * FROM sources WHERE usage_count > 0") == []


def test_a_source_used_meanwhile_is_scored_anew(neighbour: Neighbour) -> None:
    """The use of the other program counts too; one that never stops is an error that changed nothing."""
    with Database(neighbour.file) as db:
        db.add(Entry("E", "title", "bug"))
        source(db, "A")
        neighbour.change, neighbour.times = "UPDATE sources SET usage_count = usage_count + 1", 3
        db.link_entry_to_source("E", "url", "https://example.com", "A")
        assert (get(db, "A").usage_count, get(db, "A").personal_score) == (
            4,
            scoring.score_v2(get(db, "A"), datetime.now()),
        )
        neighbour.times = 1000
        with pytest.raises(DatabaseBusyError, match="try again"):
            db.link_entry_to_source("E", "url", "https://example.com", "A")
        neighbour.times = 0
        assert db.count_source_backlinks("A") == 1


def test_a_removed_citation_lowers_nothing(db: Database) -> None:
    """The source was used all the same."""
    source(db, "A")
    citation = db.link_entry_to_source("E", "url", "https://example.com", "A")
    used = get(db, "A")
    assert db.unlink_entry_from_source(citation.id) is True
    assert db.unlink_entry_from_source(citation.id) is False
    assert db.get_entry_sources("E") == []
    assert get(db, "A") == used


def test_an_entry_has_its_sources_whole(db: Database) -> None:
    """With every field, which 0.3 filled in part; newest citation first, of equal times the last one stored."""
    whole = db.add_source(
        Source(domain="github.com", is_seed=True, seed_origin="notes.md", ai_type="blog", ai_tags=["a"], ai_summary="s")
    )
    source(db, "B")
    cite(db, "E", whole.id, "old", days=2)
    cite(db, "E", "B", "new", days=1)
    raw.write(
        db.db_path,
        "INSERT INTO entry_sources SELECT 'first', entry_id, NULL, 'theme', 'python.md', 'n', '2020-01-01T00:00:00'"
        " FROM entry_sources LIMIT 1",
        "INSERT INTO entry_sources SELECT 'last', entry_id, source_id, source_type, source_ref, note, created_at"
        " FROM entry_sources WHERE id = 'first'",
    )
    cite(db, "F", "B", "elsewhere")
    found = db.get_entry_sources("E")
    assert [one.id for one in found] == ["E-B-new", f"E-{whole.id}-old", "last", "first"]
    assert [one.source for one in found] == [get(db, "B"), whole, None, None]
    assert found[3] == EntrySource("first", "E", None, "theme", "python.md", "n", datetime(2020, 1, 1))
    assert db.get_entry_sources("none") == []


@pytest.fixture
def cited(db: Database) -> Database:
    """A is cited by E twice, by F, which is obsolete, and by G; B, of the same domain, by G; C by E."""
    for source_id, domain, pattern in (("A", "a.org", None), ("B", "a.org", "/b/*"), ("C", "c.org", None)):
        source(db, source_id, domain, url_pattern=pattern)
    db.entries.change("F", {"status": "obsolete"}, tags=["x", "y"])
    for days, (entry_id, source_id, ref) in enumerate(
        [("E", "A", "1"), ("F", "A", "2"), ("G", "B", "3"), ("E", "A", "4"), ("E", "C", "5"), ("G", "A", "6")]
    ):
        cite(db, entry_id, source_id, ref, days=days)
    return db


def test_who_cites_a_source(cited: Database) -> None:
    """Newest citation first, an entry once for each; obsolete entries too, whole."""
    of_a = [("E", "E-A-1"), ("F", "F-A-2"), ("E", "E-A-4"), ("G", "G-A-6")]
    assert ids(cited.get_source_backlinks("A")) == of_a
    assert ids(cited.get_source_backlinks("A", 2)) == of_a[:2]
    assert ids(cited.get_source_backlinks("A", 2, 1)) == of_a[1:3]
    assert ids(cited.get_source_backlinks("A", -1, 3)) == of_a[3:]
    assert ids(cited.get_source_backlinks("A", 0)) == ids(cited.get_source_backlinks("none")) == []
    assert [cited.count_source_backlinks(source_id) for source_id in ("A", "B", "none")] == [4, 1, 0]
    entry, _ = cited.get_source_backlinks("A")[1]
    assert entry == cited.get("F", update_access=False)


def test_who_cites_a_domain(cited: Database) -> None:
    """Any source of that very domain."""
    of_domain = [("E", "E-A-1"), ("F", "F-A-2"), ("G", "G-B-3"), ("E", "E-A-4"), ("G", "G-A-6")]
    assert ids(cited.get_backlinks_by_domain("a.org")) == of_domain
    assert ids(cited.get_backlinks_by_domain("a.org", 3)) == of_domain[:3]
    assert ids(cited.get_backlinks_by_domain("org")) == []


def test_a_deleted_entry_cites_nothing(cited: Database) -> None:
    """Its citations go with it, the uses stay."""
    cited.delete("E")
    assert [cited.count_source_backlinks(source_id) for source_id in "ABC"] == [2, 1, 0]


def test_reading_takes_one_query(neighbour: Neighbour) -> None:
    """However many citations there are."""
    with Database(neighbour.file) as db:
        source(db, "A", "a.org")
        for number in range(30):
            db.add(Entry(f"E{number}", "title", "bug", tags=["t"]))
            cite(db, f"E{number}", "A", "1", "2")
        for read in (
            lambda: db.get_entry_sources("E7"),
            lambda: db.get_source_backlinks("A"),
            lambda: db.get_backlinks_by_domain("a.org"),
            lambda: db.count_source_backlinks("A"),
        ):
            neighbour.reset()
            assert read()
            assert neighbour.calls.total() == 1


def test_a_citation_that_cannot_be_read_names_itself(db: Database) -> None:
    """One line with the id."""
    cite(db, "E", None, "ref")
    raw.write(db.db_path, "UPDATE entry_sources SET created_at = 'yesterday'")
    with pytest.raises(CorruptError, match="citation E-None-ref cannot be read"):
        db.get_entry_sources("E")


def test_citations_of_0_3(tmp_path: Path) -> None:
    """The sample of 0.3: who cites what, as 0.3 read it."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        recorded = databases.opened("v12.db")["entry_sources"]
        entries = {row["entry_id"] for row in recorded}
        read = [
            {
                "entry_id": one.entry_id,
                "joined_domain": one.source and one.source.domain,
                "note": one.note,
                "source_id": one.source_id,
                "source_ref": one.source_ref,
                "source_type": one.source_type,
            }
            for entry_id in entries
            for one in db.get_entry_sources(entry_id)
        ]
    assert sorted(map(str, read)) == sorted(map(str, recorded))
