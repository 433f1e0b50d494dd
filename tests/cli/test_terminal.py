"""What a person sees and answers in a terminal of 80 columns."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.command_line import CONTEXT, CommandLine, run_in_terminal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals of POSIX")

LONG = "A title of more than eighty characters that must be there to its very last word: walrus"


def _words(screen: str) -> str:
    """The text of a screen with its line breaks and frames undone."""
    return " ".join(screen.replace("│", " ").split())


def test_search_fits_and_cuts_nothing(cli: CommandLine) -> None:
    """Ids, type, stars, project and the whole title are there in 80 columns; the id shown is usable."""
    entry_id = cli.add(LONG, "-p", "marine-life", "-c", "3")
    other = cli.add("Other [/etc/hosts]")
    cli.ok("link", entry_id, other)
    status, screen = run_in_terminal(["search", "walrus"])
    assert status == 0
    assert max(map(len, screen.splitlines())) <= 80
    assert 'Search: "walrus"' in screen
    for part in (entry_id[:13], "bug", "★★★☆☆", "marine-life", other[:13]):
        assert part in screen
    for word in LONG.split():
        assert word in screen
    assert "1 result;" in screen
    assert "Other [/etc/hosts]" in screen
    assert entry_id in cli.ok("show", entry_id[:13])


def test_ids_that_begin_alike_are_longer(cli: CommandLine) -> None:
    """Of ids that share 13 characters as many are shown as tell them apart."""
    from rekall.config import load_config
    from rekall.db import Database
    from rekall.models import Entry

    ids = [f"01JNNBS6H0P0MTJA95JJT3HQ{end}" for end in ("AA", "AB", "BA")]
    with Database(load_config().db_path) as base:
        for entry_id in ids:
            base.add(Entry(id=entry_id, title="Twin", type="bug"))
    for command in (["search", "twin"], ["browse"]):
        shown = {line.split()[0] for line in run_in_terminal(command)[1].splitlines() if "Twin" in line}
        assert shown == {ids[0], ids[1], ids[2][:25]}


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_every_table_fits(cli: CommandLine, columns: int) -> None:
    """No line is wider than the terminal."""
    entry_id, other = cli.add(LONG, "-p", "marine-life", "--content", "word " * 50), cli.add("Other")
    cli.ok("link", entry_id, other, "-t", "derived_from", "-r", "a reason of some length, as reasons are")
    commands = [["browse"], ["show", entry_id], ["related", entry_id, "-d", "2"], ["config", "--show"], ["doctor"]]
    for command in commands:
        status, screen = run_in_terminal(command, columns=columns)
        assert status == 0
        assert max(map(len, screen.splitlines())) <= columns, command


def test_show(cli: CommandLine) -> None:
    """The frame holds the fields; content, context and links follow."""
    entry_id = cli.add("[bold]Title[/bold] [/b]", "--content", "The content [/x].", "-t", "one,two")
    status, screen = run_in_terminal(["show", entry_id])
    assert status == 0
    for part in ("[bold]Title[/bold] [/b]", entry_id, "★★☆☆☆ 2/5", "episodic", "one, two", "active", "░"):
        assert part in screen
    assert "The content [/x]." in screen
    assert "Situation" in screen
    assert "export, proxy" in screen


def test_graph_has_no_markup(cli: CommandLine) -> None:
    """The tree is drawn, not its markup."""
    one, two = cli.add("One [/b]"), cli.add("Two [red]")
    cli.ok("link", one, two, "-r", "why [/i]")
    status, screen = run_in_terminal(["graph", one])
    assert status == 0
    for part in ("One [/b]", "Two [red]", "why [/i]", two):
        assert part in screen
    assert "[/bold" not in screen


def test_add_asks_for_a_missing_context(cli: CommandLine) -> None:
    """In a terminal a required context is asked for, a short answer once more, keywords proposed from the title."""
    status, screen = run_in_terminal(
        ["add", "bug", "Walrus export stalls"],
        [
            ("situation", "abc\n"),
            ("characters or more", ""),
            ("situation", "it stood still\n"),
            ("solution", "it runs again\n"),
            ("failed", "\n"),
            ("keywords", "\n"),
        ],
    )
    assert status == 0, screen
    assert "Added 01" in screen
    context = cli.json("show", "01")["context"]
    assert (context["situation"], context["solution"]) == ("it stood still", "it runs again")
    assert "walrus" in context["trigger_keywords"]


def test_add_refuses_before_it_asks(cli: CommandLine) -> None:
    """A title that will be refused is refused before a person has typed a context."""
    status, screen = run_in_terminal(["add", "bug", " "])
    assert (status, screen) == (1, "rekall: the title is empty: give 1 to 500 characters\n")


def test_cancelled_questions_store_nothing(cli: CommandLine) -> None:
    """Ctrl-D or Ctrl-C at a question ends the command with nothing stored."""
    for key in ("\x04", "\x03"):
        status, screen = run_in_terminal(["add", "bug", "Walrus"], [("situation", key)])
        assert status in (1, 130)
        assert screen.splitlines()[-1].strip() in ("rekall: cancelled", "rekall: interrupted")
    assert cli.json("browse")["total_count"] == 0


@pytest.mark.parametrize(("answer", "status", "left"), [("y\n", 0, 0), ("n\n", 1, 1), ("\n", 1, 1)])
def test_delete_asks(cli: CommandLine, answer: str, status: int, left: int) -> None:
    """What would go is named, and only a yes deletes it."""
    entry_id, other = cli.add("Walrus"), cli.add("Other")
    cli.ok("link", entry_id, other)
    ended, screen = run_in_terminal(["delete", entry_id], [("with 1 link?", answer)])
    assert ended == status
    assert entry_id in screen
    assert "Walrus" in screen
    assert cli.json("search", "walrus")["total_count"] == left


def test_migrate_asks(cli: CommandLine, home: Path) -> None:
    """In a terminal a migration is confirmed; a no leaves the file as it is."""
    from support.databases import unpack

    file = unpack("v08.db", home).replace(home / "knowledge.db")
    file.chmod(0o600)
    before = file.read_bytes()
    status, screen = run_in_terminal(["migrate"], [("schema 8", "n\n")])
    assert (status, screen.splitlines()[-1].strip()) == (1, "rekall: nothing was migrated")
    assert file.read_bytes() == before
    status, screen = run_in_terminal(["migrate"], [("schema 8", "y\n")])
    assert status == 0
    assert "Backup: " in screen


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program as $VISUAL, with arguments of its own, that runs the Python code put into this file on the text."""
    code = tmp_path / "edit.py"
    monkeypatch.setenv("VISUAL", f"{sys.executable} '{code}'")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return code


def _replaces(old: str, new: str) -> str:
    return (
        "import sys, pathlib\nfile = pathlib.Path(sys.argv[1])\ntext = file.read_text(encoding='utf-8')\n"
        f"assert {old!r} in text, text\nfile.write_text(text.replace({old!r}, {new!r}), encoding='utf-8')\n"
    )


def test_edit_in_an_editor(cli: CommandLine, editor: Path, tmp_path: Path) -> None:
    """What was changed in the text is changed in the entry, and nothing else; the text is removed."""
    entry_id = cli.add("Old title", "-t", "a,b", "--content", "Line 1\n---\nLine 2")
    editor.write_text(_replaces("title: Old title\ntype: bug", "title: New: title\ntype: pattern"))
    status, screen = run_in_terminal(["edit", entry_id])
    assert (status, screen) == (0, f"Changed {entry_id}: title, type\n")
    shown = cli.json("show", entry_id)
    assert (shown["title"], shown["type"], shown["tags"]) == ("New: title", "pattern", ["a", "b"])
    assert shown["content"] == "Line 1\n---\nLine 2"
    assert [path.name for path in tmp_path.iterdir()] == ["edit.py"]


def test_edit_that_changes_nothing(cli: CommandLine, editor: Path) -> None:
    """A text that is left as it was changes nothing, a title of two lines included."""
    entry_id = cli.add("Two\nlines", "--content", "Text\n\n")
    editor.write_text("")
    status, screen = run_in_terminal(["edit", entry_id])
    assert (status, screen.split()[:3]) == (0, ["Nothing", "to", "change"])
    assert cli.json("show", entry_id)["title"] == "Two\nlines"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("confidence: 2", "confidence: 9", "out of range"),
        ("confidence: 2", "confidence: much", "not a number"),
        ("type: bug", "type: bugg", "did you mean bug?"),
        ("type: bug", "tpye: bug", "no field"),
        ("---", "", "is gone"),
    ],
)
def test_refused_text_is_kept(cli: CommandLine, editor: Path, old: str, new: str, named: str) -> None:
    """When the text is not accepted nothing changes, and the line says where the text is."""
    entry_id = cli.add("Title", "--content", "What I typed")
    before = cli.json("browse")["results"]
    editor.write_text(_replaces(old, new))
    status, screen = run_in_terminal(["edit", entry_id])
    assert status == 1
    assert named in screen
    kept = Path(screen.strip().rpartition(" ")[2])
    assert "What I typed" in kept.read_text(encoding="utf-8")
    assert cli.json("browse")["results"] == before


def test_an_editor_that_fails(cli: CommandLine, editor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that ends with an error, or is not there, changes nothing."""
    entry_id = cli.add("Title")
    editor.write_text("raise SystemExit(3)")
    status, screen = run_in_terminal(["edit", entry_id])
    assert status == 1
    assert "status 3" in screen
    monkeypatch.setenv("VISUAL", "/nowhere/editor")
    status, screen = run_in_terminal(["edit", entry_id])
    assert status == 1
    assert "cannot be started" in screen


def test_tables_on_a_terminal_only(cli: CommandLine) -> None:
    """With JSON asked for, a terminal gets JSON."""
    cli.ok("add", "bug", "Walrus", "-cj", CONTEXT)
    assert run_in_terminal(["search", "walrus", "--json"])[1].startswith("{")
