"""`rekall deprecate` and `rekall delete`."""

from __future__ import annotations

import pytest
from support.command_line import CommandLine


def test_deprecate(cli: CommandLine) -> None:
    """An obsolete entry is kept, no longer found, and no link is made."""
    old, new = cli.add("Walrus old"), cli.add("Otter new")
    assert cli.ok("deprecate", old, "-r", new).splitlines() == [
        f"Deprecated {old}: Walrus old",
        f"  replaced by: {new}",
    ]
    assert cli.json("search", "walrus")["total_count"] == 0
    shown = cli.json("show", old)
    assert (shown["status"], shown["superseded_by"], shown["links"]) == ("obsolete", new, [])
    assert cli.json("info")["links"] == 0


@pytest.mark.fault(27)
def test_deprecate_with_an_unknown_replacement(cli: CommandLine) -> None:
    """An unknown --replaced-by is one line, and the entry stays active."""
    entry_id = cli.add("T")
    assert "01NOPE" in cli.fails("deprecate", entry_id, "--replaced-by", "01NOPE")
    assert cli.json("show", entry_id)["status"] == "active"


def test_deprecate_by_itself(cli: CommandLine) -> None:
    """An entry does not replace itself."""
    entry_id = cli.add("T")
    assert "itself" in cli.fails("deprecate", entry_id, "-r", entry_id)
    assert cli.json("show", entry_id)["status"] == "active"


def test_deprecate_again_keeps_the_replacement(cli: CommandLine) -> None:
    """Deprecating once more, without a replacement, does not forget the one that was given."""
    old, new = cli.add("Old"), cli.add("New")
    cli.ok("deprecate", old, "-r", new)
    assert cli.json("deprecate", old)["superseded_by"] == new


def test_delete_needs_a_yes(cli: CommandLine) -> None:
    """Without a terminal nothing is deleted unless --yes says so; a piped `y` is no person."""
    entry_id = cli.add("Precious")
    assert "--yes" in cli.fails("delete", entry_id, typed="y\n")
    assert "Precious" in cli.ok("show", entry_id)


@pytest.mark.fault(27)
def test_delete(cli: CommandLine) -> None:
    """With the entry go its links, and entries that it replaced no longer name it."""
    old, new, other = cli.add("Old"), cli.add("New"), cli.add("Other")
    cli.ok("deprecate", old, "-r", new)
    cli.ok("link", new, other)
    assert cli.json("delete", new, "--yes") == {"id": new, "type": "bug", "title": "New", "links_removed": 1}
    assert cli.json("show", old)["superseded_by"] is None
    assert cli.json("show", other)["links"] == []
    assert "no entry has the id" in cli.fails("show", new)


def test_delete_unknown(cli: CommandLine) -> None:
    """An id that nothing has is refused, --yes or not."""
    assert "no entry has the id" in cli.fails("delete", "01NOPE", "--yes")
