"""`rekall suggest`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import CommandLine, run_in_terminal

from rekall.db import Database
from rekall.models import Suggestion, generate_ulid


class Proposed:
    """A base with three entries, and one suggestion of each kind for them.

    Args:
        cli: adds the entries.
        path: the base.
    """

    def __init__(self, cli: CommandLine, path: Path) -> None:
        self.ids = [cli.add(f"Title [/b] {number}") for number in range(3)]
        self.path = path
        self.merge = self.propose("generalize", self.ids, "alike")
        self.link = self.propose("link", self.ids[:2], "one [bold] keyword")

    def propose(self, kind: str, ids: list[str], reason: str = "") -> str:
        """Store a suggestion; returns its id."""
        made = Suggestion(generate_ulid(), kind, ids, 0.75, reason)  # type: ignore[arg-type]  # link or generalize
        with Database(self.path) as db:
            db.add_suggestion(made)
        return made.id

    def status(self, suggestion_id: str) -> str:
        """What was decided."""
        with Database(self.path) as db:
            found = db.get_suggestion(suggestion_id)
        assert found is not None
        return found.status


@pytest.fixture
def proposed(cli: CommandLine, home: Path) -> Proposed:
    return Proposed(cli, home / "knowledge.db")


def test_nothing_pending(cli: CommandLine) -> None:
    """One line and success."""
    assert cli.ok("suggest") == "No suggestion is pending.\n"
    assert cli.json("suggest") == {"suggestions": [], "total_count": 0}


def test_piped(cli: CommandLine, proposed: Proposed) -> None:
    """Newest first, all ids whole."""
    one, two, three = proposed.ids
    rows = [
        f"{proposed.link}\tlink\t75%\t{one},{two}\tone [bold] keyword",
        f"{proposed.merge}\tgeneralize\t75%\t{one},{two},{three}\talike",
    ]
    assert cli.ok("suggest").splitlines() == rows
    assert cli.ok("suggest", "--type", "generalize").splitlines() == rows[1:]
    assert cli.ok("suggest", "-l", "1").splitlines() == rows[:1]
    assert cli.ok("suggest", "-l", "0") == "Nothing to list: --limit is 0.\n"


def test_json(cli: CommandLine, proposed: Proposed) -> None:
    """With the titles of the entries; that of a deleted one is null."""
    cli.ok("delete", proposed.ids[1], "--yes")
    found = cli.json("suggest", "-t", "link")["suggestions"][0]
    assert (found["id"], found["type"], found["score"], found["status"]) == (proposed.link, "link", 0.75, "pending")
    assert [entry["title"] for entry in found["entries"]] == ["Title [/b] 0", None]


@pytest.mark.fault(38, 40)
def test_the_id_shown_in_a_terminal_can_be_accepted(cli: CommandLine, proposed: Proposed) -> None:
    """Within 80 columns, texts as they are stored, and the id that stands there is enough to decide."""
    status, text = run_in_terminal(["suggest"])
    assert status == 0
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("Title [/b] ") == 5
    shown = next(line.split()[0] for line in text.splitlines() if "one [bold] keyword" in line)
    assert f"Accepted {proposed.link}." in cli.ok("suggest", "--accept", shown)
    assert proposed.status(proposed.link) == "accepted"


def test_accepting_a_link_makes_it(cli: CommandLine, proposed: Proposed) -> None:
    """From the first entry to the second, related, without a reason."""
    one, two, _ = proposed.ids
    assert cli.ok("suggest", "-a", proposed.link).splitlines() == [
        f"Accepted {proposed.link}.",
        f"Linked {one} related → {two}",
    ]
    (link,) = cli.json("show", one)["links"]
    assert (link["type"], link["reason"]) == ("related", None)
    assert len(cli.ok("suggest").splitlines()) == 1


def test_accepting_a_generalization_tells_the_command(cli: CommandLine, proposed: Proposed) -> None:
    """The command, which works as it stands there."""
    answer = cli.json("suggest", "--accept", proposed.merge)
    assert answer["command"] == f"rekall generalize {' '.join(proposed.ids)}"
    assert (answer["status"], answer["link"]) == ("accepted", None)
    again = proposed.propose("generalize", proposed.ids)
    assert cli.ok("suggest", "-a", again).splitlines()[1] == f"Make the entry with: {answer['command']}"


def test_rejecting(cli: CommandLine, proposed: Proposed) -> None:
    """No link, and no longer listed."""
    assert cli.ok("suggest", "--reject", proposed.link) == f"Rejected {proposed.link}.\n"
    assert cli.json("info")["links"] == 0
    assert proposed.status(proposed.link) == "rejected"


def test_what_is_decided_is_refused(cli: CommandLine, proposed: Proposed) -> None:
    """Accepting a rejected one makes no link."""
    cli.ok("suggest", "--reject", proposed.link)
    assert "not pending" in cli.fails("suggest", "--accept", proposed.link)
    assert cli.json("info")["links"] == 0


def test_a_link_that_fails_leaves_it_pending(cli: CommandLine, proposed: Proposed) -> None:
    """It says why, and what to do with the suggestion."""
    cli.ok("link", *proposed.ids[:2])
    assert "linked already" in cli.fails("suggest", "--accept", proposed.link)
    assert proposed.status(proposed.link) == "pending"


def test_refused(cli: CommandLine, proposed: Proposed) -> None:
    """An unknown id and an unknown kind with status 1; both decisions at once are wrong usage."""
    assert "no suggestion has the id 01NOPE" in cli.fails("suggest", "--accept", "01NOPE")
    assert "no suggestion has the id" in cli.fails("suggest", "--reject", "")
    assert "link, generalize" in cli.fails("suggest", "--type", "merge")
    assert "not both" in cli.fails("suggest", "-a", "0", "-r", "0", status=2)
