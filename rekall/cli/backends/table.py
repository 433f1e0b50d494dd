"""The commands of `rekall backends` by name; without one it lists."""

from __future__ import annotations

from rekall.cli.commands import CommandGroup

BACKENDS = CommandGroup(
    "backends",
    "List the back ends there are, or try those that are selected.",
    {},
    alone="backends.listing:backends",
)
