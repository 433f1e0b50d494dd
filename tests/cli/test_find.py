"""`rekall search` and `rekall browse` outside a terminal, and ids by prefix."""

from __future__ import annotations

import pytest
from support.command_line import CommandLine


def test_one_line_for_each_hit_with_its_full_id(cli: CommandLine) -> None:
    """A pipe gets tab-separated lines that begin with the full id, then the count."""
    first = cli.add("Walrus on ice", "-p", "zoo", "-c", "4")
    second = cli.add("Walrus in water and a much longer title, which ranks lower")
    lines = cli.ok("search", "walrus").splitlines()
    assert lines[0] == f"{first}\tbug\t4/5\tzoo\tWalrus on ice"
    assert lines[1].split("\t")[:4] == [second, "bug", "2/5", "-"]
    assert lines[2] == "# 2 results"


def test_a_line_stays_one_line(cli: CommandLine) -> None:
    """A line end, a tab or an escape sequence in a title does not break the line, nor reach the terminal."""
    cli.add("Walrus\nsecond\tthird \x1b[2Jend")
    line = cli.ok("search", "walrus").splitlines()[0]
    assert line.split("\t")[4] == "Walrus second third \N{REPLACEMENT CHARACTER}[2Jend"


def test_where_it_matched(cli: CommandLine) -> None:
    """A hit in the context, or with only some of the words, says so."""
    cli.add("Walrus")
    assert cli.ok("search", "streaming proxy").splitlines()[0].endswith("\t(in context)")
    assert cli.ok("search", "walrus giraffe").splitlines()[0].endswith("\t(some words)")


def test_linked_entries_follow(cli: CommandLine) -> None:
    """Up to five entries that are linked to hits, and no hits themselves, are listed after them."""
    hit = cli.add("Walrus")
    others = [cli.add(f"Other {number}") for number in range(7)]
    for other in others:
        cli.ok("link", hit, other)
    linked = [line for line in cli.ok("search", "walrus").splitlines() if line.startswith("# linked")]
    assert [line.split("\t")[2] for line in linked] == others[:5]


def test_json(cli: CommandLine) -> None:
    """The JSON has the keys of 0.3, and every hit its links."""
    hit, other = cli.add("Walrus café", "-t", "a", "--content", "C"), cli.add("Other")
    cli.ok("link", hit, other, "-t", "supersedes")
    answer = cli.json("search", "walrus", "--type", "bug")
    assert answer["query"] == "walrus"
    assert (answer["total_count"], answer["search_mode"]) == (1, "fts")
    assert answer["context_matches"] == {"project": False, "type": "bug", "memory_type": None}
    (result,) = answer["results"]
    assert (result["id"], result["title"], result["content"], result["tags"]) == (hit, "Walrus café", "C", ["a"])
    assert result["links"] == {"outgoing": [{"target_id": other, "type": "supersedes"}], "incoming": []}
    assert 0 < result["relevance_score"] <= 1
    assert "café" in cli.ok("search", "walrus", "--json")


def test_a_hit_counts_as_an_access(cli: CommandLine) -> None:
    """Each search that finds an entry is one access."""
    cli.add("Walrus")
    counts = [cli.json("search", "walrus")["results"][0]["access_count"] for _ in range(3)]
    assert counts == [0, 1, 2]


def test_filters(cli: CommandLine) -> None:
    """--type, --project and --memory-type narrow a search; values that nothing has find nothing."""
    cli.add("Walrus bug", "-p", "zoo")
    cli.add("Walrus pattern", "-m", "semantic", entry_type="pattern")
    for options, title in (
        (("-t", "pattern"), "Walrus pattern"),
        (("-p", "zoo"), "Walrus bug"),
        (("-m", "semantic"), "Walrus pattern"),
    ):
        for command in (("search", "walrus"), ("browse",)):
            found = cli.json(*command, *options)["results"]
            assert [entry["title"] for entry in found] == [title]


@pytest.mark.parametrize(("limit", "number"), [("1", 1), ("0", 0), ("-1", 3), ("20", 3)])
def test_limit(cli: CommandLine, limit: str, number: int) -> None:
    """A limit of 0 gives nothing, a negative one everything."""
    for name in ("one", "two", "three"):
        cli.add(f"Walrus {name}")
    for command in (("search", "walrus"), ("browse",)):
        assert cli.json(*command, "--limit", limit)["total_count"] == number


def test_why_nothing_was_found(cli: CommandLine) -> None:
    """An empty base, a filter, obsolete entries and a plain miss are told apart, all with status 0."""
    assert "Nothing is stored yet" in cli.ok("search", "walrus")
    entry_id = cli.add("Walrus")
    assert cli.ok("search", "giraffe") == 'No entry matches "giraffe".\n'
    assert "leave out --type or --project" in cli.ok("search", "walrus", "-t", "pattern", "-p", "zoo")
    for command in (("search", "walrus"), ("browse",)):
        assert "--limit is 0" in cli.ok(*command, "--limit", "0")
    cli.ok("deprecate", entry_id)
    assert "Only obsolete entries" in cli.ok("search", "walrus")
    assert "--obsolete" in cli.ok("browse")
    assert "passes your filter" in cli.ok("browse", "-t", "pattern")


def test_looking_for_a_reason_counts_no_access(cli: CommandLine) -> None:
    """A search that found nothing through its filter is no access to what it would have found."""
    entry_id = cli.add("Walrus")
    cli.ok("search", "walrus", "-t", "pattern")
    assert cli.json("show", entry_id)["access_count"] == 0


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    "query",
    [
        "C++",
        "user-id",
        "what is this?",
        "foo(bar)",
        "'",
        '"',
        "*",
        "",
        " ",
        "\0",
        "🦭",
        "x" * 10_000,
        "AND",
        "\udcff",
        "[/b]",
    ],
)
def test_any_text_is_answered(cli: CommandLine, query: str) -> None:
    """Whatever is typed, the answer is a result and never an error, as text and as JSON."""
    cli.add("Walrus")
    assert cli.ok("search", query).count("\n") >= 1
    assert cli.json("search", query)["query"] == query


def test_a_query_that_begins_with_a_dash(cli: CommandLine) -> None:
    """After `--` an option is a query."""
    assert cli.ok("search", "--", "--type").startswith("Nothing is stored yet")


def test_semantic_only_without_a_model(cli: CommandLine) -> None:
    """Search by meaning alone needs a model, and says so."""
    assert "model" in cli.fails("search", "walrus", "--semantic-only")


def test_context_of_a_search_is_accepted(cli: CommandLine) -> None:
    """--context changes nothing without a model, and is no error."""
    entry_id = cli.add("Walrus")
    assert cli.json("search", "walrus", "--context", "at sea")["results"][0]["id"] == entry_id


def test_browse_newest_first(cli: CommandLine) -> None:
    """browse lists active entries, newest first, one line each; --obsolete the others too."""
    first, second = cli.add("First"), cli.add("Second")
    assert [line.split("\t")[0] for line in cli.ok("browse").splitlines()] == [second, first]
    cli.ok("deprecate", first)
    assert cli.json("browse")["total_count"] == 1
    assert cli.ok("browse", "--obsolete").splitlines()[1].endswith("First\t(obsolete)")


ID_COMMANDS = [
    ("show",),
    ("edit", "--title", "New"),
    ("deprecate",),
    ("delete", "--yes"),
    ("related",),
    ("graph",),
    ("centrality",),
]


@pytest.mark.fault(44)
@pytest.mark.parametrize("command", ID_COMMANDS, ids=lambda command: command[0])
def test_ids_by_prefix(cli: CommandLine, command: tuple[str, ...]) -> None:
    """A prefix that one entry has stands for its id, in lower case too; several or none are refused."""
    name, *options = command
    entry_id, other = cli.add("One"), cli.add("Two")
    shared = entry_id[:3]
    assert other.startswith(shared)
    line = cli.fails(name, shared, *options)
    assert entry_id in line
    assert other in line
    assert "no entry has the id ZZZ" in cli.fails(name, "ZZZ", *options)
    assert "no entry" in cli.fails(name, "", *options)
    assert entry_id in cli.ok(name, entry_id[:20].lower(), *options)


@pytest.mark.parametrize("command", ["link", "unlink"])
def test_both_ends_by_prefix(cli: CommandLine, command: str) -> None:
    """link and unlink take prefixes for both of their ends."""
    source, target = cli.add("One"), cli.add("Two")
    cli.ok("link", source, target)
    args = (source[:20], target[:20].lower())
    if command == "link":
        args = args[::-1]
    assert source in cli.ok(command, *args)
    assert "several ids begin" in cli.fails(command, source, "01")
