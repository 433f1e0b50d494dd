"""Older names of the parameters of tools: each is taken as the newer one, and the answer and the log say so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from rekall.deprecation import RekallDeprecationWarning, Rows, row_of, warn_deprecated_at

logger = logging.getLogger("rekall.mcp")

OLDER_PARAMETERS: Mapping[str, str] = {}
"""Deprecated parameters, as `rekall_add(old)`, each with the one that took its place and a row in the register."""


def with_newer_names(
    tool: str, arguments: Mapping[str, Any], *, older: Mapping[str, str] = OLDER_PARAMETERS, rows: Rows | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The arguments of a call by the names that parameters have now.

    Args:
        tool: its name.
        arguments: what the client sent.
        older: deprecated parameters, and what took their place.
        rows: the register that has them; None: the one that ships.

    Returns:
        The arguments, and a line for the assistant about each older name that it used.
    """
    given, notes = dict(arguments), []
    for name in list(given):
        old = f"{tool}({name})"
        if old not in older:
            continue
        new, value, row = older[old], given.pop(name), row_of(old, rows)
        note = str(RekallDeprecationWarning(row))
        if new in given:
            note += f"; it is ignored, {new} is given too"
        given.setdefault(new, value)
        warn_deprecated_at(row, f"<call of {tool}>", 1, "rekall.mcp")
        logger.warning("%s", note)
        notes.append(note)
    return given, notes
