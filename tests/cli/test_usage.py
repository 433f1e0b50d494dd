"""Help, mistakes in the command line, and `rekall` alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.command_line import CommandLine

from rekall.cli.commands import COMMANDS


def test_help_lists_every_command(cli: CommandLine) -> None:
    """--help names all commands with what they do."""
    text = " ".join(cli.ok("--help").split())
    for name, (_, line) in COMMANDS.items():
        assert f"{name} {line}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(cli: CommandLine, name: str) -> None:
    """The help of a command begins with its usage."""
    assert cli.ok(name, "--help").startswith(f"Usage: rekall {name} ")


def test_without_arguments_on_no_base(cli: CommandLine) -> None:
    """`rekall` alone shows help and that there is nothing yet."""
    text = cli.ok()
    assert "Usage: rekall" in text
    assert "0 entries" in text.splitlines()[-1]


def test_without_arguments_creates_nothing(cli: CommandLine) -> None:
    """Looking at a base that is not there does not make it."""
    cli.ok()
    assert not Path(os.environ["REKALL_HOME"]).exists()


def test_without_arguments_counts(cli: CommandLine) -> None:
    """`rekall` alone says how many entries the base holds."""
    cli.add("One")
    assert "holds 1 active entry." in cli.ok().splitlines()[-1]


@pytest.mark.parametrize(
    ("typed", "meant"), [("serch", "search"), ("list", "browse"), ("rm", "delete"), ("depreciate", "deprecate")]
)
def test_unknown_command_names_the_nearest(cli: CommandLine, typed: str, meant: str) -> None:
    """A misspelt command, or another word for it, is answered with the one that exists."""
    line = cli.fails(typed, "x", status=2)
    assert f"'{typed}' (did you mean {meant}?)" in line
    assert "--help" in line


def test_a_command_of_0_3_that_is_pending_says_so(cli: CommandLine) -> None:
    """Not 'unknown': its user knows that it exists."""
    assert "not in this development version yet" in cli.fails("install", "claude", status=2)


def test_unknown_command_with_nothing_near(cli: CommandLine) -> None:
    """Nothing is suggested for a word that resembles nothing."""
    assert cli.fails("qqqq", status=2) == "unknown command 'qqqq'; see 'rekall --help'"


def test_unknown_option_names_the_nearest(cli: CommandLine) -> None:
    """A misspelt option is answered with the one that exists, and with the place of its help."""
    line = cli.fails("search", "--tpye", "bug", "x", status=2)
    assert line == "unknown option --tpye (did you mean --type?); see 'rekall search --help'"


@pytest.mark.parametrize(
    "args",
    [
        ("show",),
        ("search",),
        ("search", "x", "--limit", "many"),
        ("add", "bug"),
        ("add", "bug", "x", "-c", "6"),
        ("graph", "x", "--depth", "0"),
        ("related", "x", "--depth", "4"),
        ("link", "x"),
        ("--nowhere",),
    ],
)
def test_wrong_usage_is_status_2(cli: CommandLine, args: tuple[str, ...]) -> None:
    """What the parser refuses is one line on stderr and status 2."""
    assert "--help" in cli.fails(*args, status=2)


def test_two_letter_flags(cli: CommandLine, context_optional: None) -> None:
    """The short flags of two letters are read as one option each."""
    stored = cli.json(
        "add", "bug", "Flags", "-cj", '{"situation": "a long one", "solution": "the other", "trigger_keywords": ["k"]}'
    )
    assert stored["context"]["trigger_keywords"] == ["k"]
    assert "no such option" not in cli("add", "bug", "Flags", "-ci").stderr.lower()
