"""`rekall generalize`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import CommandLine, run_in_terminal, run_program


@pytest.fixture
def ids(cli: CommandLine) -> list[str]:
    """Three entries of a project."""
    return [cli.add(f"Pool [/b] {number}", "--tags", f"t{number},sql", "--project", "shop") for number in range(3)]


def entries(cli: CommandLine) -> int:
    """Entries in the base."""
    total: int = cli.json("info")["entries"]["total"]
    return total


def test_draft(cli: CommandLine, ids: list[str]) -> None:
    """What would be made, with full ids and titles as they are stored; nothing is written."""
    text = cli.ok("generalize", *ids[:2], "--dry-run")
    assert text.splitlines()[:6] == [
        "Title:   Pattern: Pool [/b] 0",
        "Kind:    pattern, semantic, confidence 3/5",
        "Project: shop",
        "Tags:    sql, t0, t1",
        f"From:    {ids[0]} Pool [/b] 0",
        f"         {ids[1]} Pool [/b] 1",
    ]
    assert "Keywords in common: export, proxy" in text
    assert text.endswith("Nothing was created: --dry-run.\n")
    answer = cli.json("generalize", *ids[:2], "--dry-run", "-t", "Mine")
    assert (answer["created"], answer["entry"]["id"], answer["entry"]["title"]) == (False, None, "Mine")
    assert (entries(cli), cli.json("info")["links"]) == (3, 0)


def test_create(cli: CommandLine, ids: list[str]) -> None:
    """By prefixes; the entry is there with its links."""
    answer = cli.json("generalize", *(entry_id.lower() for entry_id in ids), "--yes")
    made = cli.json("show", answer["entry"]["id"])
    assert answer["created"]
    assert (made["type"], made["memory_type"], made["project"], made["confidence"]) == (
        "pattern",
        "semantic",
        "shop",
        3,
    )
    assert [(link["target_id"], link["type"], link["reason"]) for link in made["links"]] == [
        (entry_id, "derived_from", None) for entry_id in ids
    ]
    assert answer["derived_from"] == ids


@pytest.mark.parametrize(("answer", "made"), [("y\n", True), ("yes\n", True), ("n\n", False), ("2\n", False)])
def test_an_answer_that_is_piped(cli: CommandLine, ids: list[str], answer: str, made: bool) -> None:
    """A script of 0.3 that answers the question still works; anything but yes creates nothing."""
    result = cli("generalize", *ids, typed=answer)
    assert (result.exit_code, entries(cli)) == ((0, 4) if made else (1, 3))
    assert ("nothing was created" in result.stderr) != made


@pytest.mark.parametrize("stdin", [b"", b"\n", None], ids=["empty", "blank", "none"])
def test_nobody_to_ask(cli: CommandLine, ids: list[str], stdin: bytes | None) -> None:
    """Status 1, one line on stderr that names the way out, and nothing is created."""
    run = run_program("generalize", *ids, stdin=stdin)
    assert run.returncode == 1
    assert run.stderr.decode().count("\n") == 1
    assert "--yes" in run.stderr.decode()
    assert entries(cli) == 3


def test_in_a_terminal(cli: CommandLine, ids: list[str]) -> None:
    """The draft within 80 columns, then the question; no answer is a no."""
    status, text = run_in_terminal(["generalize", *ids], [("[y/N]", "y\n")])
    assert status == 0
    assert max(map(len, text.splitlines())) <= 80
    assert text.index("Pool [/b] 0") < text.index("Create it? [y/N]") < text.index("Created 01")
    assert entries(cli) == 4
    status, text = run_in_terminal(["generalize", *ids], [("[y/N]", "\n")])
    assert (status, entries(cli)) == (1, 4)
    assert text.endswith("rekall: nothing was created\n")


def test_json_does_not_ask_a_person(cli: CommandLine, ids: list[str]) -> None:
    """The draft was not shown, so there is nothing to agree to: --yes says so beforehand."""
    status, text = run_in_terminal(["generalize", *ids, "--json"])
    assert (status, entries(cli)) == (1, 3)
    assert "--yes" in text


@pytest.mark.fault(49)
def test_a_repeated_id(cli: CommandLine, ids: list[str]) -> None:
    """It counts once, also when one is a prefix of the other; alone it is refused."""
    assert len(cli.json("generalize", ids[0], ids[0], ids[1], "--yes")["links"]) == 2
    assert "two different entries" in cli.fails("generalize", ids[0], ids[0].lower(), "--yes")
    assert "two different entries" in cli.fails("generalize", ids[0], "--yes")
    assert entries(cli) == 4


def test_semantic_entries(cli: CommandLine, ids: list[str]) -> None:
    """They are generalized with a warning."""
    made = cli.json("generalize", *ids[:2], "--yes")["entry"]["id"]
    result = cli("generalize", made, ids[2], "--yes")
    assert result.exit_code == 0
    assert result.stderr == f"rekall: warning: semantic already, not a single experience: {made}\n"


def test_refused(cli: CommandLine, ids: list[str], home: Path) -> None:
    """An unknown id, an empty title, no id at all; nothing is created."""
    assert "01NOPE" in cli.fails("generalize", ids[0], "01NOPE", "--yes")
    assert "title is empty" in cli.fails("generalize", *ids, "--title", " ", "--yes")
    assert "--help" in cli.fails("generalize", status=2)
    assert entries(cli) == 3
