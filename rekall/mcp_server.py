"""The MCP server at the names of Rekall 0.3; `rekall.mcp.server` is the one that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rekall import config as configuration
from rekall.db import Database
from rekall.errors import RekallError
from rekall.mcp.tools.guide import GUIDE as REKALL_HELP

if TYPE_CHECKING:
    from fastmcp import FastMCP

__all__ = ["MCP_AVAILABLE", "REKALL_HELP", "MCPNotAvailable", "create_mcp_server", "get_db", "run_server"]

MCP_AVAILABLE = True
"""What the server needs comes with Rekall, so it always is."""


class MCPNotAvailable(RekallError):  # noqa: N818 - the name of 0.3
    """What 0.3 raised without its optional MCP package; never raised any more."""


def get_db() -> Database:
    """The configured base, opened; whoever asks closes it.

    Raises:
        RekallError: it cannot be configured or opened.
    """
    database = Database(configuration.get_config().db_path)
    database.init()
    return database


def create_mcp_server() -> FastMCP[None]:
    """A server with every tool, on one base that the first call which needs it opens.

    Returns:
        A FastMCP server; 0.3 gave that of its SDK. It may be served to others, so it reads no transcript or repository
        that a caller names: `create_server(..., local=True)` of `rekall.mcp.server` gives one that does.
    """
    from rekall.mcp.base import ConfiguredBase
    from rekall.mcp.server import create_server

    return create_server(ConfiguredBase().open)


async def run_server() -> None:
    """Serve the configured base over stdin and stdout until the client closes stdin."""
    from rekall.mcp.base import ConfiguredBase
    from rekall.mcp.server import create_server

    base = ConfiguredBase()
    try:
        await create_server(base.open, local=True).run_async("stdio", show_banner=False)
    finally:
        base.close()
