"""The commands, arguments and options of Rekall 0.3 are there, with the same flags, types, defaults and ranges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from rekall.cli import app
from rekall.cli.commands import COMMANDS, OTHER_WORDS

FACTS = json.loads((Path(__file__).parents[1] / "data" / "compat" / "cli.json").read_text(encoding="utf-8"))["tree"]
KNOWN = {command["path"].removeprefix("rekall "): command for command in FACTS["commands"]}
SHARED = [name for name in COMMANDS if name in KNOWN]
TYPES = {
    "str": "text",
    "int": "integer",
    "integer range": "integer",
    "int range": "integer",
    "boolean": "boolean",
    "float": "number",
    "float range": "number",
    "path": "path",
}


def _command(name: str) -> Any:
    group: Any = get_command(app)
    return group.get_command(typer.Context(group), name)


def _option(command: Any, name: str) -> Any:
    return next(parameter for parameter in command.params if parameter.name == name)


def test_every_command_of_this_issue_is_shared_with_0_3() -> None:
    """Only the commands that 0.3 did not have are missing from its list."""
    assert set(COMMANDS) - set(SHARED) == {"backends", "edit", "delete", "doctor", "mcp"}


@pytest.mark.parametrize("name", SHARED)
def test_arguments(name: str) -> None:
    """Positional arguments have the names, order, types and defaults of 0.3."""
    arguments = [each for each in _command(name).params if each.param_type_name == "argument"]
    given = [
        (each.name, ("list of " if each.nargs == -1 else "") + TYPES[each.type.name], each.required, each.default)
        for each in arguments
    ]
    assert given == [
        (each["name"], each["type"], each["required"], each["default"]) for each in KNOWN[name]["arguments"]
    ]


@pytest.mark.parametrize(
    ("name", "fact"),
    [(name, fact) for name in SHARED for fact in KNOWN[name]["options"]],
    ids=lambda value: str(value)[:40],
)
def test_options(name: str, fact: dict[str, Any]) -> None:
    """Options have the flags, types, defaults and ranges of 0.3."""
    option = _option(_command(name), fact["name"])
    assert sorted(option.opts) == sorted(fact["flags"])
    assert (TYPES[option.type.name], option.is_flag, option.multiple, option.default) == (
        fact["type"],
        fact["is_flag"],
        fact["repeatable"],
        fact["default"],
    )
    if "range" in fact:
        assert (option.type.min, option.type.max) == (fact["range"]["min"], fact["range"]["max"])


def test_global_flags() -> None:
    """The flags before the command are those of 0.3."""
    group = get_command(app)
    for fact in FACTS["options"]:
        assert sorted(_option(group, fact["name"]).opts) == sorted(fact["flags"])


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
