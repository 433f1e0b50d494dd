"""Every command of the program with its arguments and options, global flags included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from api_surface.lines import Line, with_facts
from rekall.cli import app

_TYPES = {
    "str": "text",
    "int": "integer",
    "int range": "integer",
    "integer range": "integer",
    "float": "number",
    "float range": "number",
}
"""What Typer calls a type, and what the snapshot calls it; limits are said beside it."""


def command_lines() -> Iterator[Line]:
    """The whole tree; an option by each of its spellings, an argument by its place."""
    program = get_command(app)
    yield from _command("$ rekall", program, typer.Context(program, info_name="rekall"))


def _command(item: str, command: Any, context: typer.Context) -> Iterator[Line]:
    is_group = hasattr(command, "list_commands")
    yield with_facts(item, "group" if is_group else "command", hidden=command.hidden)
    place = 0
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            place += 1
            yield _argument(f"{item} <{place}>", parameter)
        else:
            yield from _option(item, parameter)
    if is_group:
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            yield from _command(f"{item} {name}", inner, typer.Context(inner, info_name=name, parent=context))


def _argument(item: str, parameter: Any) -> Line:
    return with_facts(
        item,
        "argument",
        name=parameter.name,
        several=parameter.nargs == -1,
        **_facts(parameter),
    )


def _option(command: str, parameter: Any) -> Iterator[Line]:
    longest = max(parameter.opts, key=len)
    item = f"{command} {longest}"
    flag = parameter.is_flag or parameter.count
    facts = {**_facts(parameter), "type": "flag"} if flag else _facts(parameter)
    yield with_facts(item, "option", repeatable=parameter.multiple or parameter.count, hidden=parameter.hidden, **facts)
    for spelling in parameter.opts:
        if spelling != longest:
            yield Line(f"{command} {spelling}", "name of", item)
    for spelling in parameter.secondary_opts:
        yield with_facts(f"{command} {spelling}", "option", type="flag", turns_off=longest)


def _facts(parameter: Any) -> dict[str, Any]:
    name = parameter.type.name
    default = parameter.default
    return {
        "type": _TYPES.get(name, name),
        "required": parameter.required,
        "default": list(default) if isinstance(default, tuple) else default,
        "choices": list(getattr(parameter.type, "choices", ())) or None,
        "lowest": getattr(parameter.type, "min", None),
        "highest": getattr(parameter.type, "max", None),
        "environment": parameter.envvar,
    }
