"""`rekall link`, `unlink`, `related`, `graph` and `centrality`."""

from __future__ import annotations

from itertools import pairwise

import pytest
from support.command_line import CommandLine


@pytest.fixture
def chain(cli: CommandLine) -> list[str]:
    """Five entries: 0 → 1 → 2 → 3 by `related`, and 4 supersedes 1."""
    ids = [cli.add(f"Entry {number}") for number in range(5)]
    for source, target in pairwise(ids[:4]):
        cli.ok("link", source, target)
    cli.ok("link", ids[4], ids[1], "-t", "supersedes")
    return ids


def test_link_and_unlink(cli: CommandLine) -> None:
    """A link has its type and reason, and goes again."""
    source, target = cli.add("One"), cli.add("Two")
    made = cli.json("link", source, target, "-t", "contradicts", "-r", "why")
    assert (made["source_id"], made["target_id"], made["type"], made["reason"]) == (
        source,
        target,
        "contradicts",
        "why",
    )
    assert "No such link" in cli.ok("unlink", source, target, "-t", "related")
    assert "No such link" in cli.ok("unlink", target, source)
    assert cli.json("unlink", source, target)["removed"] == 1
    assert cli.json("info")["links"] == 0


@pytest.mark.parametrize("command", ["link", "unlink", "related"])
def test_unknown_relation(cli: CommandLine, command: str) -> None:
    """A relation that does not exist is refused with those that do."""
    source, target = cli.add("One"), cli.add("Two")
    ends = (source,) if command == "related" else (source, target)
    line = cli.fails(command, *ends, "--type", "releated")
    assert "did you mean related?" in line
    assert "supersedes, derived_from, contradicts" in line


def test_link_that_exists_or_leads_nowhere(cli: CommandLine) -> None:
    """A second link of one kind, a link to itself, or to nothing, is one line."""
    source, target = cli.add("One"), cli.add("Two")
    cli.ok("link", source, target)
    assert "already exists" in cli.fails("link", source, target)
    assert "itself" in cli.fails("link", source, source)
    assert "no entry has the id" in cli.fails("link", source, "01NOPE")
    assert cli.json("info")["links"] == 1


@pytest.mark.fault(41)
@pytest.mark.parametrize(("depth", "reached"), [("1", [1]), ("2", [1, 2, 4]), ("3", [1, 2, 4, 3])])
def test_related_follows_links(cli: CommandLine, chain: list[str], depth: str, reached: list[int]) -> None:
    """--depth counts links in both directions, nearest entries first."""
    found = cli.json("related", chain[0], "--depth", depth)["related"]
    assert [one["entry"]["id"] for one in found] == [chain[number] for number in reached]
    assert [one["distance"] for one in found] == sorted(one["distance"] for one in found)


def test_related_of_one_type(cli: CommandLine, chain: list[str]) -> None:
    """--type follows links of that type alone."""
    found = cli.json("related", chain[1], "-t", "supersedes", "-d", "3")["related"]
    assert [one["entry"]["id"] for one in found] == [chain[4]]


def test_related_lists_every_link_of_a_pair(cli: CommandLine) -> None:
    """Two links between the same entries are two lines."""
    source, target = cli.add("One"), cli.add("Two")
    cli.ok("link", source, target)
    cli.ok("link", target, source, "-t", "derived_from")
    lines = cli.ok("related", source).splitlines()
    assert [line.split("\t")[2] for line in lines] == ["related →", "← derived_from"]
    assert cli.json("related", source, "-d", "2")["total_count"] == 2


def test_related_in_a_circle_ends(cli: CommandLine) -> None:
    """A circle of links lists each entry once, and not the start."""
    ids = [cli.add(f"Entry {number}") for number in range(3)]
    for source, target in zip(ids, [*ids[1:], ids[0]], strict=True):
        cli.ok("link", source, target)
    found = cli.json("related", ids[0], "-d", "3")["related"]
    assert sorted(one["entry"]["id"] for one in found) == sorted(ids[1:])


def test_related_to_nothing(cli: CommandLine) -> None:
    """An entry without links is one line and status 0."""
    assert cli.ok("related", cli.add("One")).startswith("No entry is linked")


def test_graph(cli: CommandLine, chain: list[str]) -> None:
    """The tree has relations, titles and full ids, and no markup."""
    text = cli.ok("graph", chain[0], "--depth", "4")
    assert text.index("Entry 0") < text.index("Entry 1") < text.index("Entry 2") < text.index("Entry 3")
    assert f"({chain[3]})" in text
    assert "[/" not in text


def test_graph_in_one_direction(cli: CommandLine, chain: list[str]) -> None:
    """--outgoing and --incoming leave the other direction out; both together leave none out."""
    assert "Entry 0" not in cli.ok("graph", chain[1], "--outgoing")
    assert "Entry 2" not in cli.ok("graph", chain[1], "-i")
    both = cli.ok("graph", chain[1], "-o", "-i")
    assert "Entry 0" in both
    assert "Entry 2" in both


def test_graph_as_json(cli: CommandLine, chain: list[str]) -> None:
    """The JSON of a graph holds the entries that are reached and the links between them."""
    graph = cli.json("graph", chain[0], "--depth", "2")
    assert [entry["id"] for entry in graph["entries"]] == chain[:3]
    assert [(link["source_id"], link["target_id"]) for link in graph["links"]] == [tuple(chain[:2]), tuple(chain[1:3])]


def test_centrality(cli: CommandLine) -> None:
    """The scores are those of 0.3 for its example, one by one and all together."""
    ids = {name: cli.add(f"Entry {name}") for name in "ABCDEF"}
    for source, target in ("AB", "BC", "BD", "EA", "CF"):
        cli.ok("link", ids[source], ids[target])
    expected = {"A": 13, "B": 16, "C": 12, "D": 8, "E": 8, "F": 7}
    assert cli.json("centrality", ids["A"]) == {"id": ids["A"], "centrality_score": 13.0}
    assert cli.ok("centrality") == "Computed the centrality of 6 entries.\n"
    stored = {entry["id"]: entry["centrality_score"] for entry in cli.json("browse")["results"]}
    assert stored == {ids[name]: score for name, score in expected.items()}
