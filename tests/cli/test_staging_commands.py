"""`sources staging`: pages on their way to becoming sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from support import raw
from support.command_line import CommandLine, one_error_line, run_in_terminal

from rekall.config import get_config
from rekall.db import Database
from rekall.models import StagingEntry, generate_ulid


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine()


@pytest.fixture
def db() -> Iterator[Database]:
    CommandLine().ok("init")
    with Database(get_config().db_path) as opened:
        yield opened


def page(db: Database, name: str, citations: int = 1, **more: Any) -> StagingEntry:
    """A page; with 10 citations, 5 projects and seen today its score is 100."""
    entry = StagingEntry(
        generate_ulid(),
        f"https://example.com/{name}",
        "example.com",
        title=f"Page {name}",
        citation_count=citations,
        project_count=5 if citations > 5 else 1,
        last_seen=datetime.now(),
        **more,
    )
    db.add_staging_entry(entry)
    return entry


def answer(cli: CommandLine, *args: str) -> Any:
    return json.loads(cli.ok("sources", "staging", *args))


def test_list_is_ordered_by_the_score_of_today(cli: CommandLine, db: Database) -> None:
    """What is stored may be old: 0.3 left it at 0."""
    low, high = page(db, "low", content_type="blog"), page(db, "high", 10)
    listed = answer(cli, "list")
    assert (listed["count"], [one["id"] for one in listed["entries"]]) == (2, [high.id, low.id])
    assert listed["entries"][0] == {
        "id": high.id,
        "url": high.url,
        "domain": "example.com",
        "title": "Page high",
        "content_type": None,
        "citation_count": 10,
        "project_count": 5,
        "promotion_score": 100.0,
        "is_accessible": True,
        "promoted": False,
    }
    assert [one["id"] for one in answer(cli, "list", "-t", "blog")["entries"]] == [low.id]
    assert answer(cli, "list", "--promoted")["count"] == 0
    assert answer(cli, "list", "--not-promoted", "-l", "1")["count"] == 1
    assert "documentation" in cli.fails("sources", "staging", "list", "--type", "novel")


@pytest.mark.fault(42)
def test_stats_go_by_the_configuration(cli: CommandLine, db: Database) -> None:
    """0.3 counted from a fixed 75 on scores that were never computed."""
    page(db, "low", content_type="blog", is_accessible=False), page(db, "high", 10)
    found = answer(cli, "stats")
    assert {name: found[name] for name in ("total", "promoted", "accessible", "inaccessible")} == {
        "total": 2,
        "promoted": 0,
        "accessible": 1,
        "inaccessible": 1,
    }
    assert found["eligible_for_promotion"] == 1
    assert found["top_domains"] == [{"domain": "example.com", "count": 2}]
    assert {"content_type": "blog", "count": 1} in found["by_content_type"]
    cli.ok("sources", "promotion-config", "--threshold", "100", "--recency-weight", "0")
    assert answer(cli, "stats")["eligible_for_promotion"] == 0


@pytest.mark.fault(42)
def test_promote_all_that_have_earned_it(cli: CommandLine, db: Database) -> None:
    """A dry run counts only."""
    page(db, "low"), page(db, "high", 10)
    expected = {"status": "success", "mode": "auto", "total_eligible": 1, "failed": 0, "errors": []}
    planned = {"dry_run": True, "promoted": 0, "already_promoted": 0}
    assert answer(cli, "promote", "--auto", "--dry-run") == expected | planned
    assert raw.rows(db.db_path, "SELECT * FROM sources") == []
    done = {"dry_run": False, "promoted": 1, "already_promoted": 0}
    assert answer(cli, "promote", "-a") == expected | done
    assert raw.rows(db.db_path, "SELECT url_pattern, is_promoted FROM sources") == [("https://example.com/high", 1)]
    assert answer(cli, "promote", "-a")["already_promoted"] == 1


@pytest.mark.fault(44)
def test_promote_one_page(cli: CommandLine, db: Database) -> None:
    """By address or by a part of its id; a known address is an error, with exit status 1 (0.3: 0)."""
    one = page(db, "one")
    planned = answer(cli, "promote", one.url, "-n")
    assert (planned["dry_run"], planned["source_id"]) == (True, None)
    done = answer(cli, "promote", one.id[:24])
    assert (done["status"], done["staging_id"]) == ("success", one.id)
    assert [row[0] for row in raw.rows(db.db_path, "SELECT id FROM sources")] == [done["source_id"]]
    for arguments, code in (
        ([one.url], "not_promoted"),
        ([one.url, "--dry-run"], "not_promoted"),
        (["https://nowhere.example/"], "not_found"),
        ([], "no_target"),
        ([one.url, "--auto"], "no_target"),
    ):
        result = cli("sources", "staging", "promote", *arguments)
        assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, code)
        assert one_error_line(result.stderr) == json.loads(result.stdout)["message"]
    known = cli("sources", "staging", "promote", one.url)
    assert "already exists" in known.stderr
    assert json.loads(known.stdout)["source_id"] == done["source_id"]


def test_a_promoted_page_can_be_demoted(cli: CommandLine, db: Database) -> None:
    """The source goes, and the page is a staged one again."""
    one = page(db, "one")
    source_id = answer(cli, "promote", one.url)["source_id"]
    demoted = json.loads(cli.ok("sources", "demote", source_id))
    assert demoted["staging_id"] == one.id
    assert answer(cli, "list", "--promoted")["count"] == 0
    assert raw.rows(db.db_path, "SELECT * FROM sources") == []


def test_drop_asks(cli: CommandLine, db: Database) -> None:
    """Without a terminal --force must say so."""
    one, two = page(db, "one"), page(db, "two")
    assert "--force" in cli.fails("sources", "staging", "drop", one.url)
    assert answer(cli, "drop", one.url, "-f") == {"status": "success", "id": one.id, "url": one.url}
    status, shown = run_in_terminal(["sources", "staging", "drop", two.id], [("Remove https", "n\n")])
    assert (status, "nothing was removed" in shown) == (1, True)
    assert answer(cli, "list")["count"] == 1
    status, _ = run_in_terminal(["sources", "staging", "drop", two.id], [("Remove https", "y\n")])
    assert (status, answer(cli, "list")["count"]) == (0, 0)
    result = cli("sources", "staging", "drop", two.id, "-f")
    assert (result.exit_code, json.loads(result.stdout)["code"]) == (1, "not_found")
