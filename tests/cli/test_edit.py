"""`rekall edit` by options."""

from __future__ import annotations

import pytest
from support.command_line import CommandLine


def test_each_option_changes_its_field(cli: CommandLine) -> None:
    """Every option is written, and what was not named stays."""
    entry_id = cli.add("Old", "-t", "a,b", "-p", "shop", "--content", "Text")
    changed = cli.json(
        "edit",
        entry_id,
        *("--title", "New", "--type", "pattern", "--add-tag", "c", "--remove-tag", "a", "-c", "5"),
        *("-m", "semantic", "--status", "obsolete"),
    )
    assert changed["changed"] == ["title", "type", "confidence", "memory_type", "status", "tags"]
    shown = cli.json("show", entry_id)
    assert (shown["title"], shown["type"], shown["tags"]) == ("New", "pattern", ["b", "c"])
    assert (shown["confidence"], shown["memory_type"], shown["status"]) == (5, "semantic", "obsolete")
    assert (shown["project"], shown["content"]) == ("shop", "Text")
    assert shown["context"] is not None


def test_the_new_text_is_found(cli: CommandLine) -> None:
    """Search knows the new title and tags, and no longer the old ones."""
    entry_id = cli.add("Walrus", "-t", "tusk")
    cli.ok("edit", entry_id, "--title", "Otter", "--tags", "fur")
    assert cli.json("search", "walrus OR tusk")["total_count"] == 0
    assert cli.json("search", "otter fur")["total_count"] == 1


def test_empty_values_clear(cli: CommandLine) -> None:
    """An empty project or tag list takes them away."""
    entry_id = cli.add("T", "-t", "a", "-p", "shop")
    cli.ok("edit", entry_id, "--project", "", "--tags", "")
    shown = cli.json("show", entry_id)
    assert (shown["project"], shown["tags"]) == (None, [])


def test_content_from_stdin(cli: CommandLine) -> None:
    """`--content -` reads the new text from stdin."""
    entry_id = cli.add("T")
    cli.ok("edit", entry_id, "--content", "-", typed="piped\n")
    assert cli.json("show", entry_id)["content"] == "piped"


def test_nothing_different_writes_nothing(cli: CommandLine) -> None:
    """Saying what the entry says already leaves its time of change alone."""
    entry_id = cli.add("T", "-t", "b,a")
    before = cli.json("show", entry_id)["updated_at"]
    assert cli.ok("edit", entry_id, "--title", "T", "--tags", "a,b").startswith("Nothing to change")
    assert cli.json("show", entry_id)["updated_at"] == before


def test_active_again_is_superseded_by_nothing(cli: CommandLine) -> None:
    """An obsolete entry made active loses the entry that replaced it."""
    old, new = cli.add("Old"), cli.add("New")
    cli.ok("deprecate", old, "--replaced-by", new)
    cli.ok("edit", old, "--status", "active")
    shown = cli.json("show", old)
    assert (shown["status"], shown["superseded_by"]) == ("active", None)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--title", ""), "title is empty"),
        (("--type", "bugs"), "did you mean bug?"),
        (("--status", "gone"), "active, obsolete"),
        (("-m", "eternal"), "episodic, semantic"),
        (("--add-tag", "x" * 101), "101 characters"),
        (("--title", "New", "--content", "x" * 1_000_001), "1000001 characters"),
    ],
)
def test_refused_values_change_nothing(cli: CommandLine, options: tuple[str, ...], named: str) -> None:
    """One value that is not accepted leaves the whole entry as it was."""
    entry_id = cli.add("T")
    before = cli.json("browse")["results"]
    assert named in cli.fails("edit", entry_id, *options)
    assert cli.json("browse")["results"] == before


def test_without_options_and_terminal(cli: CommandLine) -> None:
    """Where no editor can be opened, an edit without options is wrong usage."""
    assert "--title" in cli.fails("edit", cli.add("T"), status=2)


def test_unknown_id(cli: CommandLine) -> None:
    """An id that nothing has is refused."""
    assert "no entry has the id 01NOPE" in cli.fails("edit", "01NOPE", "--title", "T")
