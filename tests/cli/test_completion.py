"""Shell completion: commands, types, relations, ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import CommandLine, run_program
from support.databases import unpack

from rekall.db import Database
from rekall.models import Source, StagingEntry, Suggestion


def _complete(*words: str) -> list[str]:
    """What bash would offer after these words."""
    run = run_program(
        environment={
            "_REKALL_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(("rekall", *words)),
            "COMP_CWORD": str(len(words)),
        }
    )
    assert run.stderr == b""
    return run.stdout.decode().split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("br",), ["browse"]),
        (("add", "p"), ["pattern", "pitfall"]),
        (("search", "x", "--type", "de"), ["decision"]),
        (("browse", "--memory-type", "s"), ["semantic"]),
        (("link", "a", "b", "--type", "s"), ["supersedes"]),
        (("edit", "a", "--status", "o"), ["obsolete"]),
        (("mcp", "--print-config", "cu"), ["cursor"]),
        (("edit", "a", "--add"), ["--add-tag"]),
        (("suggest", "--type", "l"), ["link"]),
        (("sources", "cl"), ["classify"]),
        (("backe",), ["backends"]),
        (("backends", "n"), ["new"]),
        (("backends", "--ch"), ["--check"]),
        (("sources", "staging", "pro"), ["promote"]),
        (("sources", "classify", "a", "au"), ["authority", "auto"]),
        (("sources", "list", "--status", "in"), ["inaccessible"]),
        (("sources", "staging", "list", "--type", "b"), ["blog"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_words(words: tuple[str, ...], offered: list[str]) -> None:
    """Commands, options and the values of options are offered."""
    assert _complete(*words) == offered


def test_ids(cli: CommandLine) -> None:
    """Ids are offered by prefix, the newest ones when nothing is typed."""
    first, second = cli.add("First"), cli.add("Second")
    assert _complete("show", "") == [second, first]
    assert _complete("delete", first[:20]) == [first]
    assert sorted(_complete("deprecate", first, "--replaced-by", "01")) == sorted([first, second])
    assert _complete("show", "ZZ") == []
    assert _complete("similar", first[:20]) == [first]


def test_ids_of_suggestions(cli: CommandLine, home: Path) -> None:
    """Those that are pending are offered, by prefix."""
    cli.add("First")
    assert _complete("suggest", "--accept", "") == []
    with Database(home / "knowledge.db") as db:
        for suggestion_id in ("01AB", "01CD", "01CE"):
            db.add_suggestion(Suggestion(suggestion_id, "link", ["A", "B"], 0.5))
        db.update_suggestion_status("01CE", "rejected")
    assert sorted(_complete("suggest", "--reject", "")) == ["01AB", "01CD"]
    assert _complete("suggest", "--accept", "01C") == ["01CD"]


def test_ids_of_sources_and_pages(home: Path) -> None:
    """By prefix; the best ones when nothing is typed; nothing is made where there is no base."""
    assert _complete("sources", "classify", "") == []
    assert not list(home.iterdir())
    with Database(home / "knowledge.db") as db:
        for source_id, score in (("01AB", 10.0), ("01CD", 90.0), ("02EF", 50.0)):
            db.add_source(Source(source_id, f"{source_id}.example", personal_score=score))
        db.add_staging_entry(StagingEntry("01PA", "https://a.example/", "a.example"))
    for command in ("classify", "add-theme", "demote", "recalculate"):
        assert _complete("sources", command, "") == ["01CD", "02EF", "01AB"]
        assert _complete("sources", command, "01C") == ["01CD"]
        assert _complete("sources", command, "09") == []
    for command in ("promote", "drop"):
        assert _complete("sources", "staging", command, "") == ["01PA"]
        assert _complete("sources", "staging", command, "01P") == ["01PA"]


def test_completion_makes_and_breaks_nothing(home: Path) -> None:
    """Without a base, with an older one, or with a useless configuration nothing is offered or written."""
    assert _complete("show", "") == []
    assert not list(home.iterdir())
    file = unpack("v08.db", home).replace(home / "knowledge.db")
    before = file.read_bytes()
    assert _complete("show", "") == []
    (home / "config.toml").write_text("[", encoding="utf-8")
    assert _complete("show", "") == []
    assert file.read_bytes() == before
    assert sorted(path.name for path in home.iterdir()) == ["config.toml", "knowledge.db"]


def test_script_for_a_shell() -> None:
    """--show-completion and --install-completion are there."""
    text = run_program("--help").stdout
    assert b"--install-completion" in text
    assert b"--show-completion" in text
