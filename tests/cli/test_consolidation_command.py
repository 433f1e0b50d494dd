"""`rekall consolidation`."""

from __future__ import annotations

import json

import pytest
from support.command_line import CommandLine, run_in_terminal


def add(cli: CommandLine, title: str, *keywords: str, entry_type: str = "bug") -> str:
    """Store an entry whose context has these keywords."""
    context = {"situation": "it happened", "solution": "it was solved", "trigger_keywords": keywords}
    return str(cli.json("add", entry_type, title, "--context-json", json.dumps(context))["id"])


@pytest.fixture
def group(cli: CommandLine) -> list[str]:
    """Seven entries that share three keywords, last updated first, beside one that shares none."""
    add(cli, "Heron", "lake", "reed")
    return [add(cli, f"Pool [/b] {number}", "pool", "timeout", "postgres") for number in range(7)][::-1]


def test_nothing_alike(cli: CommandLine) -> None:
    """One line and success, on an empty base and on one without groups."""
    assert "No entries are alike enough" in cli.ok("consolidation")
    add(cli, "Heron", "lake", "reed")
    assert "score of 0.75" in cli.ok("consolidation")
    assert cli.json("consolidation") == {"groups": [], "total_count": 0}


def test_piped(cli: CommandLine, group: list[str]) -> None:
    """A line for each group, with all ids."""
    ids = ",".join(group)
    assert cli.ok("consolidation") == f"100%\t7\tPattern: pool, timeout, postgres\tpool, timeout, postgres\t{ids}\n"
    assert cli.ok("consolidation", "-l", "0") == "Nothing to list: --limit is 0.\n"


@pytest.mark.fault(7)
def test_analyze(cli: CommandLine, group: list[str]) -> None:
    """Each entry, how often each keyword occurs, and a command that works as it stands there."""
    head, *rows, command = cli.ok("consolidation", "--analyze").splitlines()
    assert "pool (7), timeout (7), postgres (7)" in head
    assert rows == [f"\t{entry_id}\tbug\tPool [/b] {6 - number}" for number, entry_id in enumerate(group)]
    assert command == f"# rekall generalize {' '.join(group)}"
    assert "Created" in cli.ok(*command.split()[2:], "--yes")


def test_json(cli: CommandLine, group: list[str]) -> None:
    """All that the analysis says."""
    (found,) = cli.json("consolidation")["groups"]
    assert (found["score"], found["keyword_frequency"]) == (1.0, {"pool": 7, "timeout": 7, "postgres": 7})
    assert [entry["id"] for entry in found["entries"]] == group


def test_min_similarity_and_type(cli: CommandLine) -> None:
    """A lower score lets looser groups pass; a type groups entries of it alone."""
    for number in range(2):
        add(cli, f"One {number}", "pool", "timeout", f"a{number}", f"b{number}")
        add(cli, f"Two {number}", "pool", "timeout", f"c{number}", f"d{number}", entry_type="config")
    assert cli.json("consolidation", "--min-similarity", "0.99")["groups"] == []
    assert [len(one["entries"]) for one in cli.json("consolidation", "-s", "0.5")["groups"]] == [4]
    (found,) = cli.json("consolidation", "-s", "0.5", "--type", "config")["groups"]
    assert {entry["type"] for entry in found["entries"]} == {"config"}
    assert cli.json("consolidation", "-s", "0.5", "-t", "nothing")["groups"] == []


@pytest.mark.fault(38)
def test_in_a_terminal(cli: CommandLine, group: list[str]) -> None:
    """Within 80 columns, titles as they are stored; five entries, with --analyze all."""
    status, text = run_in_terminal(["consolidation"])
    assert status == 0
    assert max(map(len, text.splitlines())) <= 80
    assert (text.count("Pool [/b]"), "and 2 more" in text) == (5, True)
    assert text.endswith("1 group; 'rekall generalize ID ID ...' makes one entry\n")
    _, text = run_in_terminal(["consolidation", "--analyze"])
    assert (text.count("Pool [/b]"), "more" in text) == (7, False)
