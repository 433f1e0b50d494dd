"""Sources: every field survives, each is there once, and what 0.3 wrote is read as 0.3 read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from support import databases, processes, raw
from support.sources import any_source, cite, insert, source
from support.zones import local_zone

from rekall.db import Database
from rekall.errors import CorruptError, IntegrityError
from rekall.models import Entry, Source

FILES = [name for name in databases.NAMES if "sources" in databases.opened(name)]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def get(db: Database, source_id: str) -> Source:
    found = db.get_source(source_id)
    assert found is not None
    return found


def ids(sources: list[Source]) -> str:
    return "".join(one.id for one in sources)


@pytest.mark.fault(29)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=any_source(), second=any_source())
def test_every_field_survives(db: Database, first: Source, second: Source) -> None:
    """As added, and as updated to any other value; only the id and the time of creation stay."""
    known = db.get_known_domain(first.domain)
    role = first.role if known is None or first.role != "unclassified" else known["role"]
    assert db.add_source(first) is first
    assert (len(first.id), first.role) == (26, role)
    assert db.get_source(first.id) == first
    second.id = first.id
    assert db.update_source(second) is True
    assert db.get_source(first.id) == replace(second, created_at=first.created_at)
    assert db.delete_source(first.id) is True


@pytest.mark.fault(29)
@pytest.mark.parametrize(("stored", "read"), [(0, 0.0), (0.0, 0.0), (None, 50.0), (12.5, 12.5)])
def test_a_score_of_zero_is_zero(db: Database, stored: float | None, read: float) -> None:
    """0.3 read 50; that is what a missing score reads as."""
    source(db, "A", personal_score=stored)
    assert get(db, "A").personal_score == read


def test_a_row_of_nothing_reads_as_a_new_source(db: Database) -> None:
    """Every NULL reads as the default of its field; an empty list of tags is stored as none."""
    columns = [field.name for field in fields(Source) if field.name not in ("id", "domain", "created_at")]
    insert(db.db_path, "sources", id="A", domain="a", created_at="2025-01-01T00:00:00", **dict.fromkeys(columns))
    assert get(db, "A") == Source("A", "a", created_at=datetime(2025, 1, 1))
    db.add_source(Source("B", "b", ai_tags=[]))
    assert raw.rows(db.db_path, "SELECT ai_tags FROM sources WHERE id = 'B'") == [(None,)]


@pytest.mark.parametrize(
    ("domain", "given_role", "role"),
    [
        ("github.com", "unclassified", "hub"),
        ("GitHub.com", "unclassified", "hub"),
        ("github.com", "authority", "authority"),
        ("www.github.com", "unclassified", "unclassified"),
    ],
)
def test_a_new_source_takes_the_role_of_its_domain(db: Database, domain: str, given_role: Any, role: str) -> None:
    """In any case of letters, of the very domain, and only if it has none."""
    added = db.add_source(Source(domain=domain, role=given_role))
    assert (added.role, get(db, added.id).role) == (role, role)


@pytest.mark.fault(30)
@pytest.mark.parametrize("pattern", [None, "/docs/*", ""])
def test_a_source_is_there_once(db: Database, pattern: str | None) -> None:
    """The same domain and pattern are refused, as a repeated id is; the object refused stays as it was."""
    first = db.add_source(Source(domain="github.com", url_pattern=pattern))
    before = raw.all_rows(db.db_path)
    for again in (Source(domain="github.com", url_pattern=pattern), Source(first.id, "other.example.com")):
        untouched = replace(again)
        with pytest.raises(ValueError, match="Source already exists"):
            db.add_source(again)
        assert again == untouched
    assert raw.all_rows(db.db_path) == before
    for domain, other in (("github.com", "/other/*"), ("example.com", pattern)):
        assert db.add_source(Source(domain=domain, url_pattern=other)).id


@pytest.mark.fault(30)
def test_of_many_writers_one_adds_a_source(tmp_path: Path) -> None:
    """Four processes that add the same twenty: each is there once, and one of them was told that it added it."""
    work = """
from rekall.models import Source
added = 0
with Database(Path(sys.argv[2])) as db:
    for number in range(20):
        try:
            db.add_source(Source(domain=f"d{number}.example.com"))
            added += 1
        except ValueError as error:
            assert "Source already exists" in str(error)
print(added)
"""
    path = tmp_path / "k.db"
    outputs = processes.run_together(work, [(path,)] * 4, tmp_path / "gate")
    assert sum(map(int, outputs)) == 20
    assert raw.rows(path, "SELECT count(*), count(DISTINCT domain) FROM sources") == [(20, 20)]


def test_an_update_makes_no_duplicate(db: Database) -> None:
    """Of another source; those that 0.3 left twice can be changed all the same."""
    for source_id, pattern in (("A", "/a/*"), ("B", "/b/*"), ("C", None), ("D", None)):
        source(db, source_id, url_pattern=pattern)
    before = raw.all_rows(db.db_path)
    for pattern in ("/b/*", None):
        with pytest.raises(ValueError, match="Source already exists"):
            db.update_source(replace(get(db, "A"), url_pattern=pattern, usage_count=9))
    assert raw.all_rows(db.db_path) == before
    assert db.update_source(replace(get(db, "D"), usage_count=9)) is True
    assert get(db, "D").usage_count == 9
    assert db.update_source(replace(get(db, "D"), url_pattern="/d/*")) is True


def test_an_update_of_no_source(db: Database) -> None:
    """Is told, and adds none."""
    assert db.update_source(Source("none", "example.com")) is False
    assert db.list_sources() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("personal_score", 100.5),
        ("personal_score", float("nan")),
        ("citation_quality_factor", -0.1),
        ("role", "boss"),
        ("status", "gone"),
        ("ai_confidence", 2.0),
        ("enrichment_status", "maybe"),
    ],
)
def test_what_could_not_be_read_again_is_refused(db: Database, name: str, value: object) -> None:
    """A value set after construction; nothing is written."""
    db.add_source(Source("A", "example.com"))
    before = raw.all_rows(db.db_path)
    wrong, changed = Source(domain="example.org"), get(db, "A")
    for one in (wrong, changed):
        setattr(one, name, value)
    with pytest.raises(ValueError, match=name):
        db.add_source(wrong)
    with pytest.raises(ValueError, match=name):
        db.update_source(changed)
    assert raw.all_rows(db.db_path) == before


@pytest.mark.parametrize(
    ("column", "value"),
    [("last_used", "yesterday"), ("promoted_at", "2025-13-01"), ("ai_tags", "[broken"), ("role", "boss")],
)
def test_a_row_that_cannot_be_read_names_itself(db: Database, column: str, value: str) -> None:
    """One line with the id, not a traceback of a parser."""
    source(db, "A", **{column: value})
    with pytest.raises(CorruptError, match="source A cannot be read"):
        db.get_source("A")


@pytest.mark.parametrize("zone", ["JST-9", "PST8", "UTC0"])
def test_times_with_a_zone_are_stored_without(db: Database, zone: str) -> None:
    """Local, and UTC in the two columns that hold UTC: 0.3 cannot read a stored offset."""
    moment = datetime(2025, 12, 1, 10, tzinfo=timezone(timedelta(hours=9)))
    columns = ("created_at", "last_used", "last_verified", "promoted_at", "enrichment_validated_at")
    with local_zone(zone):
        db.add_source(Source("A", "a", **dict.fromkeys(columns, moment)))  # type: ignore[arg-type]  # five times
        local, utc = moment.astimezone().replace(tzinfo=None).isoformat(), "2025-12-01T01:00:00"
    stored = raw.rows(db.db_path, f"SELECT {', '.join(columns)} FROM sources")
    assert stored == [(local, local, local, utc, utc)]


def test_deletion_keeps_citations(db: Database) -> None:
    """Its themes go; an entry that cited it keeps the reference."""
    source(db, "A", "example.com", "python")
    db.add(Entry("E", "title", "bug"))
    cite(db, "E", "A", "https://example.com/page")
    assert db.delete_source("A") is True
    assert db.delete_source("A") is False
    assert db.get_source("A") is None
    assert raw.rows(db.db_path, "SELECT count(*) FROM source_themes") == [(0,)]
    assert [(one.source_ref, one.source_id) for one in db.get_entry_sources("E")] == [
        ("https://example.com/page", None)
    ]


def test_a_source_is_found_by_domain_and_pattern(db: Database) -> None:
    """Without a pattern the one of the whole domain; of several rows of one source the first id."""
    for source_id, pattern in (("3", None), ("2", None), ("1", "/docs/*"), ("4", "https://example.com/page")):
        source(db, source_id, url_pattern=pattern)
    found = [db.get_source_by_domain("example.com", pattern) for pattern in (None, "/docs/*", "/none/*")]
    assert [one and one.id for one in found] == ["2", "1", None]
    assert db.get_source_by_domain("example.org") is None
    page = db.get_source_by_url("https://example.com/page")
    assert page is not None
    assert page.id == "4"
    assert db.get_source_by_url("https://example.com/docs/a") is None


@pytest.fixture
def scored(db: Database) -> Database:
    """Five sources: B and C alike but for their use, D and E alike in all."""
    for source_id, score, usage, status in (
        ("A", 10, 0, "active"),
        ("B", 50, 1, "active"),
        ("C", 50, 2, "archived"),
        ("E", 20, 0, "active"),
        ("D", 20, 0, "active"),
    ):
        source(db, source_id, personal_score=score, usage_count=usage, status=status)
    return db


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        (lambda db: db.get_top_sources(), "BDEA"),
        (lambda db: db.get_top_sources(2), "BD"),
        (lambda db: db.get_top_sources(min_score=20), "BDE"),
        (lambda db: db.list_sources(), "CBDEA"),
        (lambda db: db.list_sources("archived"), "C"),
        (lambda db: db.list_sources(""), "CBDEA"),
        (lambda db: db.list_sources("none"), ""),
        (lambda db: db.list_sources(min_score=20.0), "CBDE"),
        (lambda db: db.list_sources("active", 20.5), "B"),
        (lambda db: db.list_sources(limit=2, offset=1), "BD"),
        (lambda db: db.list_sources(limit=0), ""),
        (lambda db: db.list_sources(limit=-1), "CBDEA"),
    ],
)
def test_lists(scored: Database, listed: Callable[[Database], list[Source]], wanted: str) -> None:
    """Best first, then the most used, then by domain and id."""
    assert ids(listed(scored)) == wanted


def test_a_status_with_its_time(db: Database) -> None:
    """Local, now unless given; an unknown status changes nothing, an unknown source is told."""
    source(db, "A")
    moment = datetime(2025, 2, 3, 4, 5, 6)
    assert db.update_source_status("A", "inaccessible", moment) is True
    assert (get(db, "A").status, get(db, "A").last_verified) == ("inaccessible", moment)
    with pytest.raises(IntegrityError):
        db.update_source_status("A", "gone")
    assert (get(db, "A").status, get(db, "A").last_verified) == ("inaccessible", moment)
    with local_zone("JST-9"):
        earliest = datetime.now()
        assert db.update_source_status("A", "archived") is True
        checked = get(db, "A").last_verified
        assert checked is not None
        assert earliest <= checked <= datetime.now()
    assert db.update_source_status("none", "active") is False


@pytest.fixture
def enriched(db: Database) -> Database:
    """Proposals of several confidences, validated ones, and one that was never enriched."""
    for source_id, status, confidence in (
        ("A", "validated", 0.9),
        ("B", "proposed", None),
        ("C", "proposed", 0.2),
        ("D", "none", 0.99),
        ("E", "proposed", 0.8),
        ("F", "validated", None),
    ):
        source(db, source_id, enrichment_status=status, ai_confidence=confidence, ai_summary="s", ai_type="blog")
    return db


def test_what_is_enriched(enriched: Database) -> None:
    """Proposed first, the surest first, those without a confidence last."""
    assert ids(enriched.get_enriched_sources()) == "ECBAF"
    assert ids(enriched.get_enriched_sources("proposed")) == "ECB"
    assert ids(enriched.get_enriched_sources("validated")) == "AF"
    assert ids(enriched.get_enriched_sources(limit=2)) == "EC"
    assert enriched.count_enriched_sources() == {"total": 5, "proposed": 3, "validated": 2}
    for wrong in ("none", "", "Proposed"):
        with pytest.raises(ValueError, match="Invalid status"):
            enriched.get_enriched_sources(wrong)


def test_nothing_is_enriched(db: Database) -> None:
    """Zeros, not gaps."""
    assert db.count_enriched_sources() == {"total": 0, "proposed": 0, "validated": 0}


def test_a_proposal_is_accepted_or_turned_down(enriched: Database) -> None:
    """Once; the time of acceptance is UTC; what was proposed stays either way."""
    with local_zone("JST-9"):
        earliest = datetime.now(timezone.utc).replace(microsecond=0, tzinfo=None)
        assert enriched.validate_enrichment("E") is True
        accepted = get(enriched, "E")
        latest = datetime.now(timezone.utc).replace(tzinfo=None)
    assert (accepted.enrichment_status, accepted.enrichment_validated_by) == ("validated", "human")
    assert accepted.enrichment_validated_at is not None
    assert earliest <= accepted.enrichment_validated_at <= latest
    raw.write(enriched.db_path, "UPDATE sources SET enrichment_validated_by = 'auto' WHERE id = 'C'")
    assert enriched.reject_enrichment("C") is True
    refused = get(enriched, "C")
    assert (refused.enrichment_status, refused.enrichment_validated_by) == ("none", None)
    assert (refused.ai_summary, refused.ai_type, refused.ai_confidence) == ("s", "blog", 0.2)
    before = raw.all_rows(enriched.db_path)
    for source_id in ("A", "C", "D", "E", "none"):
        assert enriched.validate_enrichment(source_id) is False
        assert enriched.reject_enrichment(source_id) is False
    assert raw.all_rows(enriched.db_path) == before


@pytest.mark.parametrize("name", FILES)
def test_sources_of_0_3_are_read_as_it_read_them(name: str, tmp_path: Path) -> None:
    """Field by field, in files of every schema that has sources."""
    with Database(databases.unpack(name, tmp_path)) as db:
        recorded = {row["id"]: row for row in databases.opened(name)["sources"]}
        read = {one.id: asdict(one) for one in db.list_sources(limit=-1)}
    assert set(read) == set(recorded)
    for source_id, row in recorded.items():
        values = {
            column: value.isoformat() if isinstance(value, date) else value for column, value in read[source_id].items()
        }
        assert {column: values[column] for column in row} == row


def test_another_program_puts_in_what_it_likes(db: Database) -> None:
    """An id that is NULL, which the schema lets pass, is read as an empty one."""
    insert(db.db_path, "sources", domain="example.com", created_at="2025-01-01T00:00:00")
    assert [one.id for one in db.list_sources()] == [""]
