"""`rekall review`: with keys in a terminal, and by lines that are piped in."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CommandLine, run_in_terminal, run_program

from rekall.cli.review_round import Round, ToReview
from rekall.db import Database

RECALL = "any key shows it"
RATE = "Press 1 to 5"


class Due:
    """A base whose entries are due, the most urgent first.

    Args:
        cli: adds the entries.
        path: the base.
        number: of entries.
    """

    def __init__(self, cli: CommandLine, path: Path, number: int) -> None:
        self.path = path
        self.ids = [cli.add(f"Title [/b] {each}", "--content", f"secret {each}") for each in range(number)]
        for each, entry_id in enumerate(self.ids):
            self.set(entry_id, review_interval=6, next_review=_in(each - number))

    def set(self, entry_id: str, **columns: Any) -> None:
        """Write columns of an entry."""
        with Database(self.path) as db:
            db.entries.change(entry_id, columns)

    def next_reviews(self) -> list[str]:
        """The date of the next review of each entry."""
        with Database(self.path) as db:
            entries = db.entries.get_many(self.ids)
        return [str(entries[entry_id].next_review) for entry_id in self.ids]


def _in(days: int) -> str:
    return str(date.today() + timedelta(days=days))


@pytest.fixture
def due(cli: CommandLine, home: Path) -> Due:
    return Due(cli, home / "knowledge.db", 3)


def test_rating_in_a_terminal(cli: CommandLine, due: Due) -> None:
    """The title alone comes first, the rest after a key, and what each rating will do; the rating is stored."""
    keys = [(RECALL, " "), (RATE, "4"), (RECALL, "x"), (RATE, "1"), (RECALL, "\r"), (RATE, "\r")]
    status, text = run_in_terminal(["review"], keys)
    assert status == 0
    assert max(map(len, text.splitlines())) <= 80
    assert due.next_reviews() == [_in(15), _in(1), _in(15)]
    first = text[text.index("1 of 3") : text.index("2 of 3")]
    assert "3 days overdue" in first
    assert first.index("Title [/b] 0") < first.index(RECALL) < first.index("secret 0") < first.index(RATE)
    assert "1  forgotten    again tomorrow" in first
    assert "5  at once      again in 16 days" in first
    assert f"4 well: next review {_in(15)}" in first
    assert "The export stalled behind the proxy" in first
    assert "Rated 3 of 3 entries: 2 known, 1 to see again tomorrow." in text


@pytest.mark.parametrize("end", ["q", "\x03", "\x04"], ids=["q", "Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("shown", [False, True], ids=["before", "after"])
def test_ending_keeps_the_ratings(cli: CommandLine, due: Due, end: str, shown: bool) -> None:
    """Before or after an entry is shown: the one that was rated stays rated, and the summary is there."""
    before = due.next_reviews()
    keys = [(RECALL, " "), (RATE, "5"), (RECALL, " " if shown else end), *([(RATE, end)] if shown else [])]
    status, text = run_in_terminal(["review"], keys)
    assert status == 0
    assert due.next_reviews() == [_in(16), *before[1:]]
    assert "Rated 1 of 3 entries: 1 known, 0 to see again tomorrow. 2 left." in text
    assert "rekall:" not in text


def test_the_terminal_is_given_back(cli: CommandLine, due: Due) -> None:
    """After an interruption what is typed is echoed, and read by lines, again."""
    program = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "rekall", "review"], check=False)
import termios
mode = termios.tcgetattr(0)[3]
print("echo and lines:", bool(mode & termios.ECHO), bool(mode & termios.ICANON))
"""
    _, text = run_in_terminal((), [(RECALL, "q")], program=program)
    assert text.endswith("echo and lines: True True\n")


def test_other_keys_are_asked_again(cli: CommandLine, due: Due) -> None:
    """A number outside 1 to 5, a letter, an arrow and a letter with an accent rate nothing."""
    before = due.next_reviews()
    keys = [(RECALL, " "), *((RATE, key) for key in ("9", "0", "x", "\x1b[A", "\u00e9")), (RATE, "q")]
    _, text = run_in_terminal(["review"], keys)
    assert text.count(RATE) >= 6
    assert due.next_reviews() == before


def test_keys_typed_ahead_count(cli: CommandLine, due: Due) -> None:
    """Whoever knows what comes need not wait for it."""
    run_in_terminal(["review"], [(RECALL, " 4 1q")])
    assert due.next_reviews() == [_in(15), _in(1), _in(-1)]


def test_skipping(cli: CommandLine, due: Due) -> None:
    """A skipped entry stays due."""
    before = due.next_reviews()
    status, text = run_in_terminal(["review"], [(RECALL, "s"), (RECALL, " "), (RATE, "s"), (RECALL, " "), (RATE, "2")])
    assert (status, due.next_reviews()) == (0, [*before[:2], _in(1)])
    assert "Rated 1 of 3 entries: 0 known, 1 to see again tomorrow. 2 left." in text


def test_an_entry_deleted_meanwhile(cli: CommandLine, due: Due) -> None:
    """It has no next review, and the others can still be rated."""
    with Database(due.path) as db:
        going = Round(db, [ToReview(item.entry, item.days_overdue) for item in db.get_due_entries()])
        db.delete(due.ids[0])
        dates = [going.rate(one, 4).next_review for one in going.entries]
    assert [str(next_review) for next_review in dates] == ["None", _in(15), _in(15)]


def test_redirected_output(cli: CommandLine, due: Due) -> None:
    """A person whose output goes to a file is told so, instead of being asked where nobody sees it."""
    program = """
import os, subprocess, sys
run = subprocess.run([sys.executable, "-m", "rekall", "review"], stdout=subprocess.PIPE, check=False)
print(run.returncode, run.stdout)
"""
    _, text = run_in_terminal((), program=program)
    assert text.splitlines()[0].startswith("rekall: the output of a review is for a terminal")
    assert text.endswith("1 b''\n")


def test_piped_ratings(cli: CommandLine, due: Due) -> None:
    """One on a line; an empty line is a 3, as in 0.3; each result with the full id."""
    assert cli.ok("review", typed="5\n\n2\n").splitlines() == [
        f"{due.ids[0]}\t5\t{_in(16)}\tTitle [/b] 0",
        f"{due.ids[1]}\t3\t{_in(15)}\tTitle [/b] 1",
        f"{due.ids[2]}\t2\t{_in(1)}\tTitle [/b] 2",
        "# Rated 3 of 3 entries: 2 known, 1 to see again tomorrow.",
    ]
    assert due.next_reviews() == [_in(16), _in(15), _in(1)]


@pytest.mark.parametrize("word", ["q", "Q", "stop"])
def test_a_word_ends(cli: CommandLine, due: Due, word: str) -> None:
    """With success; what was rated is kept, and skipped entries stay due."""
    before = due.next_reviews()
    assert cli.ok("review", typed=f"s\n4\n{word}\n").splitlines()[-1].startswith("# Rated 1 of 3 entries")
    assert due.next_reviews() == [before[0], _in(15), before[2]]


@pytest.mark.parametrize("number", ["0", "6", "-1", "33"])
def test_a_number_out_of_range_is_refused(cli: CommandLine, due: Due, number: str) -> None:
    """0.3 took it for a 3; what came before is kept."""
    before = due.next_reviews()
    result = cli("review", typed=f"4\n{number}\n4\n")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert f"{number} is no rating for {due.ids[1]}" in result.stderr
    assert due.next_reviews() == [_in(15), *before[1:]]


@pytest.mark.parametrize("stdin", [b"", None], ids=["empty", "none"])
def test_nobody_to_ask(cli: CommandLine, due: Due, stdin: bytes | None) -> None:
    """Status 1 and one line on stderr; nothing on stdout."""
    before = due.next_reviews()
    run = run_program("review", stdin=stdin)
    assert (run.returncode, run.stdout) == (1, b"")
    assert run.stderr.decode().startswith(f"rekall: no rating for {due.ids[0]}")
    assert run.stderr.count(b"\n") == 1
    assert due.next_reviews() == before


def test_lines_that_end_too_early(cli: CommandLine, due: Due) -> None:
    """What was rated is kept, and the status tells that it was not all."""
    result = cli("review", typed="4\n")
    assert result.exit_code == 1
    assert due.ids[1] in result.stderr
    assert due.next_reviews()[0] == _in(15)


def test_json_lists_and_rates_nothing(cli: CommandLine, due: Due) -> None:
    """What is due, whole, with what each rating would do."""
    before = due.next_reviews()
    found = cli.json("review", "--limit", "2", typed="5\n5\n")
    assert [(one["id"], one["days_overdue"]) for one in found["results"]] == [(due.ids[0], 3), (due.ids[1], 2)]
    assert found["results"][0]["days_until_next_review"] == {"1": 1, "2": 1, "3": 15, "4": 15, "5": 16}
    assert due.next_reviews() == before


def test_limit_and_project(cli: CommandLine, due: Due) -> None:
    """Only so many, only those of a project."""
    due.set(due.ids[2], project="shop")
    assert [one["id"] for one in cli.json("review", "-p", "shop")["results"]] == [due.ids[2]]
    assert [one["id"] for one in cli.json("review", "-l", "1")["results"]] == [due.ids[0]]
    assert cli.json("review", "--limit", "-1")["total_count"] == 3
    assert cli.ok("review", "-l", "0") == "Nothing to review: --limit is 0.\n"
    assert cli.ok("review", "-p", "none") == "Nothing is due for review in the project none.\n"


def test_beginning(cli: CommandLine) -> None:
    """What was never rated is never due: it says how to begin, and --new does, the oldest first."""
    assert cli.ok("review") == "Nothing is due for review.\n"
    first, second = cli.add("First"), cli.add("Second")
    assert "'rekall review --new'" in cli.ok("review")
    assert [(one["id"], one["days_overdue"]) for one in cli.json("review", "--new")["results"]] == [
        (first, None),
        (second, None),
    ]
    rows = cli.ok("review", "--new", typed="4\n1\n").splitlines()
    assert rows[:2] == [f"{first}\t4\t{_in(2)}\tFirst", f"{second}\t1\t{_in(1)}\tSecond"]
    assert cli.ok("review", "--new") == "Nothing is due, and every entry has been reviewed.\n"


def test_new_ones_come_after_those_due(cli: CommandLine, due: Due) -> None:
    """Within the limit."""
    new = [cli.add(f"New {number}") for number in range(3)]
    assert [one["id"] for one in cli.json("review", "--new", "-l", "5")["results"]] == [*due.ids, *new[:2]]
    assert [one["id"] for one in cli.json("review", "--new", "-l", "2")["results"]] == due.ids[:2]


def test_a_review_is_no_access(cli: CommandLine, due: Due) -> None:
    """Being asked is not looking something up: the access count stays, as in 0.3."""
    cli.ok("review", typed="4\n4\n4\n")
    with Database(due.path) as db:
        assert {entry.access_count for entry in db.list_all()} == {0}
