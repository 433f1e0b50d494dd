"""What every command has in common; that those of 0.3 are there is shown by tests/contract."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.main import get_command

from rekall.cli import app
from rekall.cli.commands import COMMANDS, OTHER_WORDS


def _command(name: str) -> Any:
    group: Any = get_command(app)
    return group.get_command(typer.Context(group), name)


def _option(command: Any, name: str) -> Any:
    return next(parameter for parameter in command.params if parameter.name == name)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_in_json_and_says_what_it_does(name: str) -> None:
    """Each command has --json and --help, and help in the list and help of the command begin with the same line."""
    command = _command(name)
    assert "--json" in _option(command, "json_output").opts
    assert command.name == name
    if name != "mcp-server":
        assert command.help.splitlines()[0] == COMMANDS[name][1]


def test_other_words_lead_to_commands() -> None:
    """A word that people type for a command leads to one that exists, and is none itself."""
    assert set(OTHER_WORDS.values()) <= set(COMMANDS)
    assert not set(OTHER_WORDS) & set(COMMANDS)
