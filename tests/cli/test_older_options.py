"""Deprecated spellings of options: they work, are in no help, and whoever uses one is told in one line."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner, Result

from rekall.cli.older_options import OLDER_OPTIONS, with_older_options
from rekall.cli.program import app as program
from rekall.deprecation import Deprecation, RekallDeprecationWarning

OLDER = {
    "shop --open": "--all",
    "shop buy --colour": "--color",
    "shop buy -C": "--color",
    "shop buy --tagged": "--tag",
    "shop buy --gift-wrap": "--wrap",
    "shop buy --plain": "--no-wrap",
    "shop buy --loud": "--verbose",
    "shop buy --box": "--size",
    "shop sell --colour": "--color",
}
ROWS = {name: Deprecation(name, "CLI option", "1.0", "3.0", new) for name, new in OLDER.items()}


def _shop() -> typer.Typer:
    """An application with an option of each sort."""
    app = typer.Typer(
        cls=with_older_options(TyperGroup, "shop", older=OLDER, rows=ROWS), add_completion=False, rich_markup_mode=None
    )

    @app.callback()
    def shop(everything: Annotated[bool, typer.Option("--all", "-a")] = False) -> None:
        if everything:
            typer.echo("everything")

    @app.command(cls=with_older_options(TyperCommand, "shop buy", older=OLDER, rows=ROWS))
    def buy(
        thing: str,
        color: Annotated[str, typer.Option("--color", "-c")] = "red",
        tag: Annotated[list[str] | None, typer.Option("--tag")] = None,
        wrap: Annotated[bool | None, typer.Option("--wrap/--no-wrap")] = None,
        verbose: Annotated[int, typer.Option("--verbose", "-v", count=True)] = 0,
        size: Annotated[tuple[int, int], typer.Option("--size")] = (0, 0),
    ) -> None:
        typer.echo(f"{thing} {color} {tag} {wrap} {verbose} {size}")

    return app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(_shop(), ["buy", "hat", *arguments])


def line(name: str) -> str:
    return f"rekall: warning: {name} is deprecated since Rekall 1.0 and goes in 3.0: use {OLDER[name]}\n"


@pytest.mark.parametrize(
    ("arguments", "name", "printed"),
    [
        (["--colour", "blue"], "shop buy --colour", "hat blue None None 0 (0, 0)"),
        (["--colour=blue"], "shop buy --colour", "hat blue None None 0 (0, 0)"),
        (["-C", "blue"], "shop buy -C", "hat blue None None 0 (0, 0)"),
        (["-vCblue"], "shop buy -C", "hat blue None None 1 (0, 0)"),
        (["--tag", "a", "--tagged", "b"], "shop buy --tagged", "hat red ['a', 'b'] None 0 (0, 0)"),
        (["--gift-wrap"], "shop buy --gift-wrap", "hat red None True 0 (0, 0)"),
        (["--plain"], "shop buy --plain", "hat red None False 0 (0, 0)"),
        (["--loud", "-v"], "shop buy --loud", "hat red None None 2 (0, 0)"),
        (["--box", "3", "4"], "shop buy --box", "hat red None None 0 (3, 4)"),
    ],
)
def test_an_older_spelling_works_and_is_told(arguments: list[str], name: str, printed: str) -> None:
    """Options of every sort: with a value, short, repeated, flags and their opposite, counted, with two values."""
    with pytest.warns(RekallDeprecationWarning) as caught:
        result = run(*arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{printed}\n", line(name))
    (warning,) = caught
    assert isinstance(warning.message, RekallDeprecationWarning)
    assert warning.message.row is ROWS[name]


def test_one_line_for_each_spelling_however_often_it_is_given() -> None:
    """In the order in which they are given; of one value the last counts, as ever."""
    with pytest.warns(RekallDeprecationWarning) as caught:
        result = run("--tagged", "a", "--colour", "blue", "--tagged", "b", "--color", "green")
    assert len(caught) == 2
    assert result.stdout == "hat green ['a', 'b'] None 0 (0, 0)\n"
    assert result.stderr == line("shop buy --tagged") + line("shop buy --colour")


@pytest.mark.parametrize(
    "arguments",
    [["--color", "blue"], ["-c", "--colour"], ["--tag", "--tagged"], ["--color=--colour"], ["-c-C"]],
)
def test_the_newer_spelling_says_nothing(arguments: list[str]) -> None:
    """Nor does a value that looks like the older one."""
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")


def test_what_follows_two_dashes_is_no_option() -> None:
    """As for every option."""
    result = CliRunner().invoke(_shop(), ["buy", "--", "--colour"])
    assert (result.stdout, result.stderr) == ("--colour red None None 0 (0, 0)\n", "")


def test_help_shows_the_newer_spelling_alone() -> None:
    """Of commands and of the program."""
    shown = CliRunner().invoke(_shop(), ["buy", "--help"]).stdout + CliRunner().invoke(_shop(), ["--help"]).stdout
    assert "--color" in shown
    assert "--all" in shown
    assert not [name for name in OLDER if f"{name.split()[-1]} " in shown.replace(",", " ")]


def test_a_wrong_use_is_told_of_the_spelling_that_was_typed() -> None:
    """And nothing else is: the command did not run."""
    result = run("--colour")
    assert result.exit_code == 2
    assert "'--colour' requires an argument" in result.stderr
    assert "deprecated" not in result.stderr


def test_completion_knows_them_and_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It looks at a command that is not finished, at every key."""
    command = get_command(_shop())
    context = command.make_context("shop", ["buy"], resilient_parsing=True)
    buy = command.get_command(context, "buy")  # type: ignore[attr-defined]  # it is a group
    typed = buy.make_context("buy", ["hat", "--colour", "blue"], parent=context, resilient_parsing=True)
    assert typed.params["color"] == "blue"
    assert capsys.readouterr().err == ""


def test_an_option_before_the_command() -> None:
    """The program's own options, as `--global`, are deprecated in the same way."""
    with pytest.warns(RekallDeprecationWarning):
        result = CliRunner().invoke(_shop(), ["--open", "buy", "hat"])
    assert result.stdout.startswith("everything\nhat ")
    assert result.stderr == line("shop --open")


def test_a_command_without_older_options_keeps_its_class() -> None:
    """Nobody pays for what is not deprecated, and other commands' spellings are not taken."""
    assert with_older_options(TyperCommand, "shop look", older=OLDER, rows=ROWS) is TyperCommand


def test_every_older_option_is_one_of_the_program() -> None:
    """Its command exists and has the newer spelling, and no option has the older one as its own."""
    for name, new in OLDER_OPTIONS.items():
        command, _, old = name.rpartition(" ")
        words = command.split()[1:]
        shown = CliRunner().invoke(program, [*words, "--help"]).stdout
        assert new in shown
        assert old not in shown.replace(",", " ").split()
