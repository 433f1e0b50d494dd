"""What programs of Rekall 0.3 imported from `rekall.cli`; only deprecated names of that package lead here."""

from __future__ import annotations

from importlib import import_module

from rekall import get_version_string
from rekall.cli import output
from rekall.cli.commands import CommandGroup
from rekall.cli.program import CommandTable, group


def show_banner() -> None:
    """Print the name and the version."""
    output.write(get_version_string())


def _inside(table: CommandGroup, name: str) -> CommandGroup:
    """The group of that name in a table of commands."""
    target = next(commands[name][0] for commands in table.sections.values() if name in commands)
    module, _, attribute = target.partition(":")
    found: CommandGroup = getattr(import_module(f"rekall.cli.{module}"), attribute)
    return found


_SOURCES = _inside(CommandTable.table, "sources")

console = output.console()
sources_app = group(_SOURCES)
inbox_app = group(_inside(_SOURCES, "inbox"))
staging_app = group(_inside(_SOURCES, "staging"))
