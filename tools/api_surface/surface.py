"""The whole public surface of the Rekall in a checkout."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from api_surface.commands import command_lines
from api_surface.distribution import deprecation_lines, distribution_lines
from api_surface.lines import printed
from api_surface.python_names import PythonNames
from api_surface.settings import key_lines, variable_lines
from api_surface.tools_of_mcp import mcp_lines


def surface(root: Path) -> str:
    """The text of the snapshot.

    Args:
        root: the checkout. Its Rekall is the one that is installed: signatures come from the source, the commands,
            tools and keys from the program.
    """
    names = PythonNames(root)
    return printed(
        chain(
            names.lines(),
            command_lines(),
            key_lines(),
            variable_lines(root),
            mcp_lines(),
            distribution_lines(root / "pyproject.toml"),
            deprecation_lines(names.places),
        )
    )
