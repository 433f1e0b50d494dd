"""What the environment and the current directory may say to FastMCP: nothing, this server has settings of its own."""

from __future__ import annotations

import os

from rekall.mcp.server import QUIET

_PREFIX = "FASTMCP_"


def shut_out_environment() -> None:
    """Take every FASTMCP_ variable out of the environment of this process and its workers; before FastMCP is imported.

    It reads them while it is imported, and they could open the guards of the server.
    """
    for name in [name for name in os.environ if name.upper().startswith(_PREFIX)]:
        del os.environ[name]
    os.environ.update(QUIET)
