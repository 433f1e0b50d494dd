"""The staging area: pages on their way to becoming sources, by the rules of 0.3."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import databases, raw

from rekall.db import Database
from rekall.errors import IntegrityError
from rekall.models import VALID_CONTENT_TYPES, StagingEntry
from rekall.models.captures import read_list, write_list

NOW = datetime(2025, 12, 1, 10)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(min_size=1).filter(str.strip)
PAGES = st.builds(
    StagingEntry,
    id=st.uuids().map(str),
    url=TEXTS.filter(bool),
    domain=TEXTS.filter(bool),
    title=st.none() | TEXTS,
    content_type=st.none() | st.sampled_from(VALID_CONTENT_TYPES),
    last_verified=st.none() | st.datetimes(),
    is_accessible=st.booleans(),
    http_status=st.none() | st.integers(100, 599),
    citation_count=st.integers(1, 10**6),
    project_count=st.integers(1, 10**6),
    projects_list=st.none() | st.lists(NAMES, unique=True).map(write_list),
    first_seen=st.none() | st.datetimes(),
    promotion_score=st.floats(0, 100),
    inbox_ids=st.none() | st.lists(NAMES, unique=True).map(write_list),
    promoted_at=st.none() | st.datetimes(),
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


@pytest.fixture
def five(db: Database) -> Database:
    """Two with one score, one promoted, one that cannot be reached, one of another type."""
    for letter, domain, score, accessible, promoted, kind in (
        ("A", "b.example", 70.0, True, None, "blog"),
        ("B", "a.example", 70.0, True, None, "blog"),
        ("C", "c.example", 90.0, True, NOW, "blog"),
        ("D", "d.example", 80.0, False, None, "other"),
        ("E", "e.example", 69.99, True, None, "paper"),
    ):
        db.add_staging_entry(
            StagingEntry(
                letter,
                f"https://{domain}/{letter}",
                domain,
                content_type=kind,
                promotion_score=score,
                is_accessible=accessible,
                promoted_at=promoted,
            )
        )
    return db


def ids(entries: list[StagingEntry]) -> str:
    return "".join(entry.id for entry in entries)


@pytest.mark.fault(34)
def test_what_0_3_wrote_is_read_whole(tmp_path: Path) -> None:
    """Every value in 0.3's order; the lists that it joined by commas come as the JSON that it documents."""
    for name in ("v11.db", "v12.db", "v12-centrality-only.db", "v12-enrichment-only.db"):
        with Database(databases.unpack(name, tmp_path)) as db:
            rows = [dataclasses.asdict(entry) for entry in db.get_staging_entries()]
        wanted = [dict(row) for row in databases.opened("v12.db")["staging"]]
        for row, recorded in zip(rows, wanted, strict=True):
            for column in ("last_verified", "first_seen", "last_seen", "enriched_at", "promoted_at"):
                row[column] = row[column] and row[column].isoformat()
            for column in ("projects_list", "inbox_ids"):
                joined = recorded.pop(column)
                text = row.pop(column)
                assert (text and json.loads(text)) == (joined and joined.split(","))
            assert row == recorded


@settings(deadline=None, max_examples=60)
@given(PAGES)
def test_any_page_survives(tmp_path_factory: pytest.TempPathFactory, entry: StagingEntry) -> None:
    """What is stored is what is read."""
    with Database(tmp_path_factory.getbasetemp() / "any-page.db") as db:
        raw.write(db.db_path, "DELETE FROM sources_staging")
        assert db.add_staging_entry(entry) == entry.id
        assert db.get_staging_by_url(entry.url) == entry


@settings(deadline=None, max_examples=60)
@given(PAGES, PAGES)
def test_an_update_keeps_address_and_domain(
    tmp_path_factory: pytest.TempPathFactory, stored: StagingEntry, changed: StagingEntry
) -> None:
    """Everything else is what the changed object says."""
    changed.id = stored.id
    with Database(tmp_path_factory.getbasetemp() / "any-update.db") as db:
        raw.write(db.db_path, "DELETE FROM sources_staging")
        assert db.update_staging(changed) is False
        db.add_staging_entry(stored)
        assert db.update_staging(changed) is True
        wanted = dataclasses.replace(changed, url=stored.url, domain=stored.domain)
        assert db.get_staging_entries() == [wanted]


def test_an_address_is_there_once(db: Database) -> None:
    """The second is refused as sqlite3.IntegrityError, and changes nothing; a page without an id gets one."""
    first = StagingEntry("", "https://example.com/", "example.com", "first")
    assert db.add_staging_entry(first) == first.id != ""
    with pytest.raises(IntegrityError):
        db.add_staging_entry(StagingEntry("", "https://example.com/", "example.com", "second"))
    found = db.get_staging_by_url("https://example.com/")
    assert found is not None
    assert found.title == "first"
    assert db.get_staging_by_url("https://example.com") is None


def test_a_promotion_to_an_unknown_source_is_refused(five: Database) -> None:
    """By the foreign key, and the page stays as it was."""
    (page,) = (entry for entry in five.get_staging_entries() if entry.id == "A")
    page.promoted_to, page.title = "none", "changed"
    with pytest.raises(IntegrityError):
        five.update_staging(page)
    assert raw.rows(five.db_path, "SELECT title, promoted_to FROM sources_staging WHERE id = 'A'") == [(None, None)]


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({}, "CDBAE"),
        ({"promoted": True}, "C"),
        ({"promoted": False}, "DBAE"),
        ({"content_type": "blog"}, "CBA"),
        ({"content_type": ""}, "CDBAE"),
        ({"promoted": False, "content_type": "blog"}, "BA"),
        ({"limit": 2, "offset": 1}, "DB"),
        ({"limit": 0}, ""),
    ],
)
def test_which_pages_are_listed(five: Database, filters: dict[str, object], wanted: str) -> None:
    """Best score first; equal scores in the order of their domains."""
    assert ids(five.get_staging_entries(**filters)) == wanted  # type: ignore[arg-type]  # one case, one filter


@pytest.mark.parametrize(("threshold", "wanted"), [(70, "BA"), (70.01, ""), (0, "BAE"), (69.99, "BAE")])
def test_which_pages_are_eligible(five: Database, threshold: float, wanted: str) -> None:
    """The threshold is included; a page that is promoted or cannot be reached is not."""
    assert ids(five.get_staging_eligible_for_promotion(threshold)) == wanted


def test_counts_by_column(five: Database) -> None:
    """Most first, equal ones in their order."""
    assert list(five.staging.count_by("content_type").items()) == [("blog", 3), ("other", 1), ("paper", 1)]
    assert list(five.staging.count_by("domain", 2)) == ["a.example", "b.example"]


def test_a_count_of_0_reads_as_1(db: Database) -> None:
    """As in 0.3, whose merge writes a project_count of 0."""
    db.add_staging_entry(StagingEntry("A", "https://a/", "a", citation_count=0, project_count=0))
    (entry,) = db.get_staging_entries()
    assert (entry.citation_count, entry.project_count) == (1, 1)


@pytest.mark.fault(34)
def test_lists_are_stored_as_json(db: Database) -> None:
    """Also when a program gives the comma-joined form; what it never gave stays NULL."""
    entry = StagingEntry("A", "https://a/", "a", projects_list="billing, école,billing", inbox_ids='["1"]')
    db.add_staging_entry(entry)
    columns = "SELECT projects_list, inbox_ids FROM sources_staging"
    assert [json.loads(text) for text in raw.rows(db.db_path, columns)[0]] == [["billing", "école"], ["1"]]
    entry.projects_list, entry.inbox_ids = "x", None
    db.update_staging(entry)
    assert raw.rows(db.db_path, columns) == [('["x"]', None)]


@given(st.lists(NAMES, unique=True))
def test_a_list_survives_as_json(names: list[str]) -> None:
    """Whatever the names hold: commas, quotes, brackets."""
    assert read_list(write_list(names)) == names


@given(st.lists(st.text("abz-_. 019", min_size=1).map(str.strip).filter(bool), unique=True))
def test_the_form_of_0_3_is_read(names: list[str]) -> None:
    """Names joined by commas, once each, and rewritten as JSON without a loss."""
    joined = ",".join(names)
    assert read_list(joined) == names
    assert read_list(joined + "," + joined) == names
    assert read_list(write_list(read_list(joined))) == names


@given(st.lists(st.text("abé-_. 01\"'[]\\", min_size=1).filter(str.strip), unique=True), st.booleans())
def test_what_0_3_adds_to_json_is_read(names: list[str], in_order: bool) -> None:
    """It splits the text at the commas, adds a name and joins, in its order or sorted."""
    pieces = [*write_list(names).split(","), "from-0.3"]
    text = ",".join(pieces if in_order else sorted(pieces))
    assert set(read_list(text)) == {*names, "from-0.3"}


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (None, []),
        ("", []),
        (" , ", []),
        ("[]", []),
        ("12", ["12"]),
        ("null", ["null"]),
        ("[1]", ["[1]"]),
        ('["a", "a", " "]', ["a"]),
    ],
)
def test_texts_that_are_hardly_a_list(text: str | None, items: list[str]) -> None:
    """Nothing is no item, and what is JSON by accident is a name."""
    assert read_list(text) == items
