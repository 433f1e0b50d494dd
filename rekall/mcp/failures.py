"""How any failure of a tool, a resource or a prompt reaches the client: as one line, and never as a traceback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fastmcp.exceptions import FastMCPError

from rekall import config as configuration
from rekall.errors import RekallError
from rekall.hiding import hide_passwords
from rekall.tracing import place, trace

logger = logging.getLogger("rekall.mcp")
Told = Callable[[RekallError], str]


@contextmanager
def answered_as(kind: type[FastMCPError], name: str, told: Told = str) -> Iterator[None]:
    """Turn whatever is raised inside into an error of the protocol.

    Args:
        kind: the error that FastMCP passes on with its text.
        name: of the tool, resource or prompt, for an error that should not have been.
        told: what the caller is told of an error of Rekall; its text, which may name files, if left out.
    """
    try:
        yield
    except RekallError as error:
        raise refusal(kind, told(error)) from error
    except Exception as error:
        logger.error("%s failed: %s%s", name, place(error), trace(error) if _debug() else "")
        raise refusal(kind, f"internal error in {name}: see the log of the server (its stderr)") from error


def refusal(kind: type[FastMCPError], text: str) -> FastMCPError:
    """The error with one line of text. FastMCP logs an error at the level it carries; a refusal is an answer."""
    return kind(hide_passwords(" ".join(text.split())), log_level=logging.DEBUG)


def _debug() -> bool:
    try:
        return configuration.get_config().debug
    except RekallError:
        return False
