"""The commands of `rekall backends` by name; without one it lists."""

from __future__ import annotations

from rekall.cli.commands import CommandGroup

BACKENDS = CommandGroup(
    "backends",
    "List the back ends there are, or try those that are selected.",
    {
        "Commands": {
            "new": ("backends.new:new", "Write a plug-in project with a working back end and its conformance test."),
        }
    },
    {"init": "new", "create": "new", "check": "--check", "list": "rekall backends", "ls": "rekall backends"},
    alone="backends.listing:backends",
)
