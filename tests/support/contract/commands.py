"""`cli.json` walked: every command with its arguments and options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.main import get_command

from rekall.cli import app
from support.contract.finding import Finding, absent, compared, facts

TREE: dict[str, Any] = facts("cli.json")["tree"]
TYPES = {
    "str": "text",
    "int": "integer",
    "integer range": "integer",
    "int range": "integer",
    "float": "number",
    "float range": "number",
}
"""Names of Typer for the types that were recorded under another."""


def walk() -> Iterator[Finding]:
    """Everything that Rekall 0.3 understood on the command line."""
    yield from _command(TREE, get_command(app))


def _command(known: Mapping[str, Any], found: Any) -> Iterator[Finding]:
    path = known["path"]
    parameters = {each.name: each for each in found.params} if found is not None else {}
    if found is None:
        yield absent(path, known["kind"])
    else:
        names = {each["name"] for each in [*known["arguments"], *known["options"]]}
        added = [name for name, each in parameters.items() if each.required and name not in names]
        yield compared(
            path,
            known["kind"],
            ("kind", known["kind"], "group" if hasattr(found, "get_command") else "command"),
            ("further required parameters", [], added),
            ("arguments", *_order(known["arguments"], found)),
        )
    for fact in known["arguments"]:
        yield _parameter(f"{path} {fact['name']}", "argument", fact, parameters)
    for fact in known["options"]:
        yield _parameter(f"{path} {fact['flags'][0]}", "option", fact, parameters)
    for inner in known.get("commands", ()):
        name = inner["path"].rpartition(" ")[2]
        is_group = hasattr(found, "get_command")
        yield from _command(inner, found.get_command(typer.Context(found), name) if is_group else None)


def _order(known: list[dict[str, Any]], found: Any) -> tuple[list[str], list[str]]:
    return [each["name"] for each in known], [each.name for each in found.params if each.param_type_name == "argument"]


def _parameter(item: str, kind: str, fact: Mapping[str, Any], parameters: Mapping[str, Any]) -> Finding:
    found = parameters.get(fact["name"])
    if found is None or found.param_type_name != kind:
        return absent(item, kind)
    limits = fact.get("range", {})
    pairs: list[tuple[str, Any, Any]] = [
        ("type", fact["type"], _type(found)),
        ("required", fact["required"], found.required),
        ("default", fact["default"], list(found.default) if isinstance(found.default, tuple) else found.default),
        ("lowest", limits.get("min"), getattr(found.type, "min", None)),
        ("highest", limits.get("max"), getattr(found.type, "max", None)),
    ]
    if kind == "argument":
        pairs.append(("variadic", fact["variadic"], found.nargs == -1))
    else:
        pairs += [
            ("flags", sorted(fact["flags"]), sorted(found.opts)),
            ("flags that turn it off", sorted(fact.get("off_flags", ())), sorted(found.secondary_opts)),
            ("is a flag", fact["is_flag"], found.is_flag),
            ("repeatable", fact["repeatable"], found.multiple),
        ]
    return compared(item, kind, *pairs)


def _type(parameter: Any) -> str:
    name = TYPES.get(parameter.type.name, parameter.type.name)
    return f"list of {name}" if parameter.nargs == -1 else name
