"""`rekall sources`: what sources there are, their role, their themes, their scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import raw, sources
from support.command_line import CommandLine, one_error_line, run_in_terminal

from rekall.cli.commands import CommandGroup
from rekall.cli.sources.table import INBOX, SOURCES, STAGING
from rekall.config import get_config
from rekall.db import Database
from rekall.models import StagingEntry

HOSTILE = "[bold]x[/bold] [/b] " + "y" * 300


@pytest.fixture
def db() -> Any:
    CommandLine().ok("init")
    with Database(get_config().db_path) as opened:
        yield opened


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine()


def refused(cli: CommandLine, *args: str, status: int) -> dict[str, Any]:
    """The document of a refusal, which also says its one line on stderr."""
    result = cli("sources", *args)
    assert result.exit_code == status, result.output
    document = json.loads(result.stdout)
    assert document["status"] == "error"
    assert document["code"]
    assert document["message"] == one_error_line(result.stderr)
    return dict(document)


def answer(cli: CommandLine, *args: str) -> Any:
    """The document of a command in a pipe; --json changes nothing."""
    text = cli.ok("sources", *args)
    return json.loads(text)


def test_stats_have_the_keys_of_0_3(cli: CommandLine, db: Database) -> None:
    """An empty base gives noughts."""
    assert answer(cli, "stats")["total_sources"] == 0
    sources.source(db, "S1", "a.org", "web", "cors", is_seed=1, role="hub", reliability="A", personal_score=80)
    sources.source(db, "S2", "b.org", "web", is_promoted=1, personal_score=40.5)
    sources.source(db, "S3", "c.org", status="inaccessible", role=None)
    assert answer(cli, "stats") == {
        "total_sources": 3,
        "seeds": 1,
        "promoted": 1,
        "by_role": {"unclassified": 2, "hub": 1},
        "by_reliability": {"B": 2, "A": 1},
        "avg_score": 60.25,
        "themes_count": 2,
        "inaccessible": 1,
    }


def test_list_and_suggest(cli: CommandLine, db: Database) -> None:
    """Best first; a theme in any case; seeds and promoted ones can be left out."""
    sources.source(db, "S1", "a.org", "web", personal_score=10, is_seed=1)
    sources.source(db, "S2", "b.org", "web", personal_score=90)
    sources.source(db, "S3", "c.org", "web", personal_score=20, is_promoted=1, status="archived")
    listed = answer(cli, "list")
    assert (listed["count"], [one["id"] for one in listed["sources"]]) == (3, ["S2", "S3", "S1"])
    assert [one["id"] for one in answer(cli, "list", "--status", "archived", "--limit", "1")["sources"]] == ["S3"]
    assert "archived" in cli.fails("sources", "list", "--status", "gone")

    def suggested(*options: str) -> list[str]:
        return [one["id"] for one in answer(cli, "suggest", "--theme", "WEB", *options)["sources"]]

    assert suggested() == ["S1", "S3", "S2"]
    assert suggested("--no-seeds") == ["S3", "S2"]
    assert suggested("--no-promoted") == ["S1", "S2"]
    assert suggested("-l", "1") == ["S1"]
    assert answer(cli, "suggest", "-t", "other")["count"] == 0
    assert "theme" in cli.fails("sources", "suggest", status=2)


def test_themes(cli: CommandLine, db: Database) -> None:
    """Added in lower case, once; listed with their number and mean score."""
    sources.source(db, "S1ABC", "a.org", personal_score=80)
    sources.source(db, "S2", "b.org", "web", personal_score=41)
    assert answer(cli, "add-theme", "s1a", "  Web ") == {
        "status": "success",
        "source_id": "S1ABC",
        "domain": "a.org",
        "theme_added": "web",
        "all_themes": ["web"],
    }
    assert answer(cli, "list-themes")["themes"] == [{"theme": "web", "count": 2, "avg_score": 60.5}]
    assert answer(cli, "list-themes", "-m", "3") == {"themes": []}
    assert refused(cli, "add-theme", "S1ABC", "WEB", status=2)["code"] == "already_there"
    assert refused(cli, "add-theme", "S1ABC", "  ", status=2)["code"] == "invalid_theme"
    assert refused(cli, "add-theme", "NOBODY", "x", status=2)["code"] == "not_found"


def test_classify(cli: CommandLine, db: Database) -> None:
    """By hand, or by what is known of the domain."""
    sources.source(db, "S1", "github.com")
    document = {"status": "success", "source_id": "S1", "domain": "github.com"}
    assert answer(cli, "classify", "S1", "authority") == document | {
        "old_role": "unclassified",
        "new_role": "authority",
    }
    assert answer(cli, "classify", "S1", "auto") == document | {"old_role": "authority", "new_role": "hub"}
    assert "authority" in refused(cli, "classify", "S1", "king", status=2)["message"]
    assert refused(cli, "classify", "S9", "hub", status=2)["code"] == "not_found"


@pytest.mark.fault(5)
def test_recalculate(cli: CommandLine, db: Database) -> None:
    """One or all: 0.3 raised without an id, and computed no score; promotions can be left alone."""
    sources.source(db, "S1", "a.org", usage_count=3, last_used=sources.ago(0), personal_score=1)
    one = answer(cli, "recalculate", "S1", "-v")
    assert (one["source_id"], one["old_score"]) == ("S1", 1)
    assert one["new_score"] > 60
    assert {"usage_count", "reliability", "decay_rate", "role", "citation_quality"} <= set(one)
    raw.write(db.db_path, "UPDATE sources SET personal_score = 1")
    assert answer(cli, "recalculate", "--no-promotions") == {"status": "success", "recalculated": 1}
    assert raw.rows(db.db_path, "SELECT personal_score > 60, is_promoted FROM sources") == [(1, 0)]
    assert answer(cli, "recalculate") == {
        "status": "success",
        "recalculated": 1,
        "promoted": 1,
        "demoted": 0,
        "unchanged": 0,
    }
    assert refused(cli, "recalculate", "S9", status=2)["code"] == "not_found"


def test_demote(cli: CommandLine, db: Database) -> None:
    """A promotion is taken back; what was none is refused as in 0.3, with exit status 1."""
    sources.source(db, "S1", "a.org", is_promoted=1)
    assert answer(cli, "demote", "S1")["status"] == "success"
    assert raw.rows(db.db_path, "SELECT is_promoted FROM sources") == [(0,)]
    assert "not promoted" in refused(cli, "demote", "S1", status=1)["message"]
    assert refused(cli, "demote", "S9", status=1)["code"] == "not_found"


@pytest.mark.fault(32)
def test_migrate_reads_research_notes(cli: CommandLine, db: Database, tmp_path: Path) -> None:
    """A dry run writes nothing; a folder that is not there is refused."""
    (tmp_path / "cors.md").write_text("See https://developer.mozilla.org/en-US/docs/Web/HTTP/CORS\n", encoding="utf-8")
    sources.source(db, "S1", "developer.mozilla.org", url_pattern="/en-US/docs/*")
    planned = answer(cli, "migrate", "--path", str(tmp_path), "--dry-run")
    assert (planned["dry_run"], planned["updated"], planned["themes"]) == (True, 1, ["cors"])
    assert raw.rows(db.db_path, "SELECT * FROM source_themes") == []
    done = answer(cli, "migrate", "--path", str(tmp_path))
    assert (done["status"], done["imported"], done["updated"], done["errors"]) == ("success", 0, 1, [])
    assert raw.rows(db.db_path, "SELECT theme FROM source_themes") == [("cors",)]
    assert refused(cli, "migrate", "--path", str(tmp_path / "nowhere"), status=2)["code"] == "path_not_found"
    assert ".speckit" in refused(cli, "migrate", status=2)["message"]


@pytest.mark.fault(37)
def test_json_is_json_whatever_the_text(cli: CommandLine, db: Database) -> None:
    """0.3 wrapped long values at 80 columns, swallowed [bold] and crashed on [/b]."""
    sources.source(db, "S1", HOSTILE, HOSTILE.lower(), url_pattern=HOSTILE)
    (listed,) = answer(cli, "list")["sources"]
    assert (listed["domain"], listed["url_pattern"]) == (HOSTILE, HOSTILE)
    assert answer(cli, "list-themes")["themes"][0]["theme"] == HOSTILE.lower()
    assert answer(cli, "classify", "S1", "hub")["domain"] == HOSTILE
    url = f"https://example.com/{HOSTILE}"
    assert answer(cli, "inbox", "add", url)["url"] == url
    assert answer(cli, "inbox", "list")["entries"][0]["url"] == url


def test_in_a_terminal_it_is_text(db: Database) -> None:
    """Tables of 80 columns, names and values; a document on request; a refusal is one line."""
    sources.source(db, "S1", HOSTILE, "web", role="hub", is_seed=1)
    for command in (
        *(["list"], ["stats"], ["list-themes"], ["suggest", "-t", "web"], ["recalculate"], ["recalculate", "S1"]),
        *(["classify", "S1", "authority"], ["add-theme", "S1", "css"], ["promotion-config"], ["autoscan-config"]),
        *(["inbox", "stats"], ["inbox", "list"], ["staging", "stats"], ["staging", "list"], ["verify", "-l", "0"]),
    ):
        status, shown = run_in_terminal(["sources", *command])
        assert status == 0, (command, shown)
        assert not shown.lstrip().startswith("{"), command
        told_in_one_sentence = command[0] in ("classify", "add-theme", "recalculate") and "S1" in command
        assert told_in_one_sentence or max(map(len, shown.splitlines())) <= 80, command
    assert json.loads(run_in_terminal(["sources", "stats", "--json"])[1])["total_sources"] == 1
    status, shown = run_in_terminal(["sources", "classify", "S9", "hub"])
    assert (status, shown.count("\n")) == (2, 1)
    assert shown.startswith("rekall: no source has the id S9")


@pytest.mark.fault(37)
def test_every_column_is_seen_however_long_the_texts(cli: CommandLine, db: Database) -> None:
    """On 80 columns: heads, ids, numbers and the beginning and end of each text; markup is text."""
    long = "[bold]x[/bold] [/b] " + "y" * 200
    sources.source(db, "S1", f"domain {long} END", f"theme {long} END", role="authority", is_seed=1)
    sources.source(db, "S2", "other.example", url_pattern="https://other.example/page", status="inaccessible")
    page = StagingEntry("P1", f"https://x.example/{long}/END", "x.example", f"Title {long} OVER", None, "documentation")
    db.add_staging_entry(page)
    cli.ok("sources", "inbox", "add", f"http://10.0.0.1/{long}/END", "--cli", f"tool {long} OVER")
    expected = {
        "list": ("ID", "Source", "Score", "Standing", "S1", "domain", "END", "50", "authority, seed", "inaccessible"),
        "list-themes": ("Theme", "Sources", "Score", "theme", "END", "50.0"),
        "inbox list": ("Captured", "Tool", "URL", "State", "tool", "OVER", "END", "quarantine", "not a public address"),
        "staging list": ("ID", "Score", "Type", "Page", "P1", "documentation", "https://", "END", "Title", "OVER"),
    }
    for command, words in expected.items():
        status, shown = run_in_terminal(["sources", *command.split()])
        assert status == 0, shown
        assert max(map(len, shown.splitlines())) <= 80
        assert [word for word in (*words, "[bold]x[/bold]", "[/b]") if word not in shown] == [], (command, shown)
    shown = run_in_terminal(["sources", "list"])[1]
    assert shown.count("other.example") == 1, "a pattern that is a whole address stands for itself"


def _commands(table: CommandGroup, *words: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command of a group and of the groups in it, with its line in help."""
    for section in table.sections.values():
        for name, (_, line) in section.items():
            inner = {"inbox": INBOX, "staging": STAGING}.get(name)
            if inner is None:
                yield (*words, name), line
            else:
                yield from _commands(inner, *words, name)


@pytest.mark.parametrize(("words", "line"), list(_commands(SOURCES)), ids=str)
def test_each_command_has_help_and_json(words: tuple[str, ...], line: str, cli: CommandLine) -> None:
    """The line in the list of commands begins its own help."""
    shown = cli.ok("sources", *words, "--help")
    assert line in " ".join(shown.split())
    assert "--json" in shown


def test_the_group_explains_itself(cli: CommandLine) -> None:
    """Help lists the commands with their lines; no command, or an unknown one, is wrong usage."""
    shown = cli.ok("sources", "--help")
    assert "Give a source a theme." in shown
    assert "add " in cli.ok("sources", "inbox", "--help")
    assert "--domain" in cli.ok("sources", "verify", "--help")
    assert "sources" in cli.fails("sources", status=2)
    assert "did you mean stats" in cli.fails("sources", "stat", status=2)
    assert "pending" in cli.fails("sources", "scan", status=2)
    assert "pending" in cli.fails("sources", "staging", "enrich", status=2)


def test_an_ambiguous_id_names_those_meant(cli: CommandLine, db: Database) -> None:
    """Up to five; nothing is changed."""
    for number in range(7):
        sources.source(db, f"S{number}", "a.org")
    document = refused(cli, "classify", "S", "hub", status=2)
    assert "S0, S1, S2, S3, S4" in document["message"]
    assert "S5" not in document["message"]
