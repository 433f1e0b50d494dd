"""What is known of a captured page: kind, language, and its place in the staging area."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import raw

from rekall.db import Database
from rekall.enrichment import (
    CONTENT_TYPE_PATTERNS,
    BatchEnrichmentResult,
    EnrichmentResult,
    classify_content_type,
    detect_language,
    merge_into_staging,
)
from rekall.models import VALID_CONTENT_TYPES, InboxEntry, StagingEntry
from rekall.promotion import calculate_promotion_score

URL = "https://example.com/page"
CAPTURED = datetime(2025, 3, 1, 12)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def captured(number: int = 1, project: str | None = None, url: str = URL) -> InboxEntry:
    return InboxEntry(f"inbox{number}", url, "example.com", "claude", project, captured_at=CAPTURED)


def merge(db: Database, entry: InboxEntry, **known: Any) -> tuple[StagingEntry, bool]:
    values: dict[str, Any] = dict.fromkeys(("title", "description", "content_type", "language"))
    return merge_into_staging(db, entry, **{**values, "is_accessible": True, "http_status": 200, **known})


def test_every_kind_but_other_has_patterns() -> None:
    """In the order in which they are tried."""
    assert [*CONTENT_TYPE_PATTERNS] == ["documentation", "repository", "forum", "blog", "api", "paper"]
    assert {*CONTENT_TYPE_PATTERNS, "other"} == set(VALID_CONTENT_TYPES)


@pytest.mark.parametrize(
    ("url", "title", "kind"),
    [
        ("https://DOCS.python.org/3/", None, "documentation"),
        ("https://requests.readthedocs.io/", None, "documentation"),
        ("https://example.com/guide/x", None, "documentation"),
        ("https://api.github.com/x", None, "documentation"),
        ("https://github.com/a/b", None, "repository"),
        ("https://git.sr.ht/~a/b", None, "repository"),
        ("https://stackoverflow.com/questions/1", None, "forum"),
        ("https://discourse.example.org/t/1", None, "forum"),
        ("https://medium.com/@a/b", None, "blog"),
        ("https://example.com/blog/x.pdf", None, "blog"),
        ("https://example.com/v2/users", None, "api"),
        ("https://example.com/openapi/v9", None, "api"),
        ("https://arxiv.org/abs/1", None, "paper"),
        ("https://example.com/x.PDF", None, "paper"),
        ("https://example.com/x.pdf.html", None, "other"),
        ("https://example.com/x", "User GUIDE", "documentation"),
        ("https://example.com/x", "REST endpoint", "api"),
        ("https://example.com/x", "API reference", "documentation"),
        ("https://example.com/x", "How to act rapidly", "other"),
        ("https://example.com/x", "", "other"),
        ("https://github.com/a", "API reference", "repository"),
    ],
)
def test_the_kind_of_a_page(url: str, title: str | None, kind: str) -> None:
    """By its address in any case, the first kind that fits; else by whole words of its title."""
    assert classify_content_type(url, title) == kind


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ('<!doctype html><html lang="en"><head>', "en"),
        ("<HTML class=x LANG='FR-ca'>", "fr"),
        ("<html lang=de>", "de"),
        ('<html data-note="a > b" lang="es">', "es"),
        ('<html xml:lang="it" dir="ltr">', None),
        ('<html data-lang="it">', None),
        ('<html><body lang="en">', None),
        ('<!-- <html lang="xx"> --><html lang="pl">', "pl"),
        ('<html lang="">', None),
        ("<html lang>", None),
        ("no html", None),
        ("", None),
    ],
)
def test_the_language_of_a_page(html: str, language: str | None) -> None:
    """The attribute of the html tag, however it is written, and of no other."""
    assert detect_language(html) == language


def test_results_start_empty() -> None:
    """Each batch has a list of errors of its own."""
    first, second = BatchEnrichmentResult(), BatchEnrichmentResult()
    first.errors.append("x")
    assert (second.total_processed, second.enriched, second.merged, second.failed, second.errors) == (0, 0, 0, 0, [])
    assert (EnrichmentResult(False).is_accessible, EnrichmentResult(False).is_new) == (True, True)


@pytest.mark.fault(34)
def test_a_new_page(db: Database) -> None:
    """It is stored with what is known; projects and inbox ids as JSON lists."""
    page, is_new = merge(db, captured(project="one, two"), title="T", content_type="blog", language="en")
    assert is_new
    stored = db.get_staging_by_url(URL)
    assert stored == page
    assert (page.title, page.description, page.content_type, page.language) == ("T", None, "blog", "en")
    assert (page.domain, page.citation_count, page.project_count, page.first_seen) == ("example.com", 1, 1, CAPTURED)
    assert page.last_seen == page.last_verified == page.enriched_at
    assert page.last_seen is not None
    assert datetime.now() - page.last_seen < timedelta(minutes=1)
    assert json.loads(page.projects_list or "") == ["one, two"]
    assert json.loads(page.inbox_ids or "") == ["inbox1"]


def test_a_new_page_without_a_project(db: Database) -> None:
    """Its kind is `other` until more is known; the domain comes from the address where the capture lacks it."""
    page, _ = merge(db, InboxEntry("1", "https://Docs.example.com:80/x", None, "claude"))
    assert (page.content_type, page.domain, page.project_count) == ("other", "docs.example.com", 0)


@pytest.mark.fault(42)
def test_a_page_has_its_score_at_once(db: Database) -> None:
    """0.3 left it at 0, so that no page was ever eligible by its stored score."""
    for number, project in enumerate("abcdefghijk"):
        page, _ = merge(db, captured(number, project))
        stored = db.get_staging_by_url(URL)
        assert stored is not None
        assert stored.promotion_score == page.promotion_score
        assert page.promotion_score == pytest.approx(calculate_promotion_score(page), abs=0.05)
    assert [entry.url for entry in db.get_staging_eligible_for_promotion(70)] == [URL]


def test_a_known_page(db: Database) -> None:
    """It counts once more; what is empty is filled in, what is there stays, but for what the last visit found."""
    merge(db, captured(1, "one"), title="T")
    page, is_new = merge(
        db,
        captured(2, "two"),
        title="Other",
        description="D",
        content_type="forum",
        language="fr",
        is_accessible=False,
        http_status=404,
    )
    assert not is_new
    assert page == db.get_staging_by_url(URL)
    assert (page.title, page.description, page.content_type, page.language) == ("T", "D", "forum", "fr")
    assert (page.is_accessible, page.http_status, page.citation_count, page.project_count) == (False, 404, 2, 2)
    assert json.loads(page.projects_list or "") == ["one", "two"]
    assert json.loads(page.inbox_ids or "") == ["inbox1", "inbox2"]
    again, _ = merge(db, captured(3, "one"), content_type="blog", language="en")
    assert (again.content_type, again.language, again.project_count, again.first_seen) == ("forum", "fr", 2, CAPTURED)


@pytest.mark.fault(34)
def test_a_page_of_0_3(db: Database) -> None:
    """Its comma-joined lists become JSON; a count of projects without their names does not shrink."""
    db.add_staging_entry(StagingEntry("1", URL, "example.com"))
    with raw.connection(db.db_path) as opened:
        opened.execute(
            "UPDATE sources_staging SET projects_list = 'a,b', inbox_ids = 'i,j', project_count = 4,"
            " citation_count = 0, promoted_at = '2025-01-01T00:00:00'"
        )
        opened.commit()
    page, is_new = merge(db, captured(1, "c"))
    assert (is_new, page.citation_count, page.project_count) == (False, 2, 4)
    with raw.connection(db.db_path) as opened:
        (row,) = opened.execute("SELECT projects_list, inbox_ids, promoted_at FROM sources_staging").fetchall()
    assert tuple(row) == ('["a", "b", "c"]', '["i", "j", "inbox1"]', "2025-01-01T00:00:00")


def test_a_merge_between_reading_and_writing_is_not_lost(db: Database) -> None:
    """The page that was read first is not written over the other's."""
    merge(db, captured())
    stale = db.get_staging_by_url(URL)
    assert stale is not None
    merge(db, captured(2, "theirs"))
    stale.citation_count += 1
    assert db.staging.cite(stale) is False
    current = db.get_staging_by_url(URL)
    assert current is not None
    assert (current.citation_count, current.projects_list) == (2, '["theirs"]')


def test_captures_merged_at_the_same_time_all_count(tmp_path: Path) -> None:
    """Four threads with a handle each, on one page that none of them finds at first."""
    path = tmp_path / "k.db"
    Database(path).init()
    start, failures = threading.Barrier(4), list[BaseException]()

    def work(worker: int) -> None:
        try:
            with Database(path) as db:
                start.wait()
                for number in range(10):
                    merge(db, captured(100 * worker + number, f"project{worker}"))
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Database(path) as db:
        page = db.get_staging_by_url(URL)
    assert page is not None
    assert (page.citation_count, page.project_count, len(json.loads(page.inbox_ids or ""))) == (40, 4, 40)


def test_what_cannot_be_a_page(db: Database) -> None:
    """No domain, or an unknown kind: refused, nothing stored."""
    with pytest.raises(ValueError, match="domain is required"):
        merge(db, InboxEntry("1", "https://", None, "claude"))
    with pytest.raises(ValueError, match="content_type must be one of"):
        merge(db, captured(), content_type="poem")
    assert db.get_staging_entries() == []
