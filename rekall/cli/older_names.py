"""What programs of Rekall 0.3 imported from `rekall.cli`; only deprecated names of that package lead here."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rekall import get_version_string
from rekall.cli import output
from rekall.cli.commands import CommandGroup
from rekall.cli.program import CommandTable, group

console = output.console()

_GROUPS = {
    "sources_app": ("sources",),
    "inbox_app": ("sources", "inbox"),
    "staging_app": ("sources", "staging"),
}
"""The words before the commands of each application."""


def show_banner() -> None:
    """Print the name and the version."""
    output.write(get_version_string())


def __getattr__(name: str) -> Any:
    """The Typer application of a group of commands, made when it is asked for."""
    table: CommandGroup | None = CommandTable.table if name in _GROUPS else None
    for word in _GROUPS.get(name, ()):
        table = _inside(table, word)
    if table is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = group(table)  # the same object whenever it is asked for
    return made


def _inside(table: CommandGroup | None, name: str) -> CommandGroup | None:
    """The group of that name in a table of commands."""
    for commands in table.sections.values() if table else ():
        if name in commands:
            module, _, attribute = commands[name][0].partition(":")
            found: CommandGroup = getattr(import_module(f"rekall.cli.{module}"), attribute)
            return found
    return None
