"""`rekall similar`."""

from __future__ import annotations

import pytest
from support.command_line import CommandLine, run_in_terminal


@pytest.fixture
def ids(cli: CommandLine) -> list[str]:
    """Two entries that share words, and one that shares the keywords of its context alone."""
    return [cli.add("Walrus pool leaks [/b]", "-c", "4"), cli.add("Walrus pool is full"), cli.add("Heron")]


def test_an_entry(cli: CommandLine, ids: list[str]) -> None:
    """Found by a prefix of its id; the nearest first, itself left out, nothing counted."""
    first, second = (line.split("\t") for line in cli.ok("similar", ids[0]).splitlines())
    assert (first[0], second[0]) == (ids[1], ids[2])
    assert first[4] == "export, proxy, walrus, pool"
    assert int(first[1].rstrip("%")) > int(second[1].rstrip("%")) > 0
    assert cli.ok("similar", ids[0].lower()) == cli.ok("similar", ids[0])
    assert [one["access_count"] for one in cli.json("browse")["results"]] == [0, 0, 0]


@pytest.mark.fault(14)
def test_a_text(cli: CommandLine, ids: list[str]) -> None:
    """Any text is words: entries that hold more of them come first, those with it in their context too."""
    found = cli.json("similar", "how full is the walrus pool?")
    assert found["entry_id"] is None
    assert [(one["id"], one["similarity"]) for one in found["results"]] == [(ids[1], 1.0), (ids[0], 0.6667)]
    assert [line.split("\t")[0] for line in cli.ok("similar", "stalled behind", "-l", "2").splitlines()]


@pytest.mark.fault(9)
@pytest.mark.parametrize("text", ["user-id", "C++", "what is this?", "", "[x", "{notice}"])
def test_nothing_similar(cli: CommandLine, text: str) -> None:
    """One line and success, whatever was asked for."""
    cli.add("Otter")
    assert cli.ok("similar", text) == f'No entry has the id or a word of "{text}".\n'
    assert cli.json("similar", text)["results"] == []


def test_nothing_similar_to_an_entry(cli: CommandLine, context_optional: None) -> None:
    """It says which entry."""
    entry_id = cli.json("add", "bug", "Alone")["id"]
    assert cli.ok("similar", entry_id) == f"No entry has words in common with {entry_id}.\n"
    assert cli.ok("similar", entry_id, "-l", "0") == "Nothing to list: --limit is 0.\n"


def test_a_prefix_of_several(cli: CommandLine, ids: list[str]) -> None:
    """It is no text either, so more characters are asked for."""
    assert "give more characters" in cli.fails("similar", ids[0][:2])


@pytest.mark.fault(38)
def test_in_a_terminal(cli: CommandLine, ids: list[str]) -> None:
    """A table within 80 columns, titles as they are stored, and the words in common."""
    status, text = run_in_terminal(["similar", ids[1]])
    assert status == 0
    assert max(map(len, text.splitlines())) <= 80
    assert "Walrus pool leaks [/b]" in text
    assert "walrus" in text
    assert "2 entries; 'rekall show ID' shows one" in text
