"""How any failure of a tool, a resource or a prompt reaches the client: as one line, and never as a traceback."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from fastmcp.exceptions import FastMCPError

from rekall import config as configuration
from rekall.errors import RekallError
from rekall.urls import hide_passwords

logger = logging.getLogger("rekall.mcp")

_DEEPEST = 10
"""Errors of a chain that are traced; a chain may lead back to its beginning."""


@contextmanager
def answered_as(kind: type[FastMCPError], name: str) -> Iterator[None]:
    """Turn whatever is raised inside into an error of the protocol.

    Args:
        kind: the error that FastMCP passes on with its text.
        name: of the tool, resource or prompt, for an error that should not have been.
    """
    try:
        yield
    except RekallError as error:
        raise refusal(kind, str(error)) from error
    except Exception as error:
        logger.error("%s failed: %s%s", name, _place(error), _trace(error) if _debug() else "")
        raise refusal(kind, f"internal error in {name}: see the log of the server (its stderr)") from error


def refusal(kind: type[FastMCPError], text: str) -> FastMCPError:
    """The error with one line of text. FastMCP logs an error at the level it carries; a refusal is an answer."""
    return kind(hide_passwords(" ".join(text.split())), log_level=logging.DEBUG)


def _place(error: BaseException) -> str:
    """The class of an error and where it was raised; its text may hold what somebody has stored, and is left out."""
    *_, last = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{type(error).__name__} in {last.name} ({last.filename}:{last.lineno})"


def _trace(raised: BaseException) -> str:
    """The calls that led to an error, and to those behind it, without texts of errors, values or lines of code."""
    lines = []
    error: BaseException | None = raised
    for _ in range(_DEEPEST):
        if error is None:
            break
        lines.append(f"\n{type(error).__name__}, most recent call last:")
        for frame in traceback.extract_tb(error.__traceback__):
            lines.append(f'\n  File "{frame.filename}", line {frame.lineno}, in {frame.name}')
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(lines)


def _debug() -> bool:
    try:
        return configuration.get_config().debug
    except RekallError:
        return False
