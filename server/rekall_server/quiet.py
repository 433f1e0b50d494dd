"""What the environment and the current directory may say to FastMCP: nothing, this server has settings of its own."""

from __future__ import annotations

import os

_PREFIX = "FASTMCP_"
_QUIET = {
    "FASTMCP_ENV_FILE": os.devnull,  # else the .env of whatever directory the server is started in
    "FASTMCP_CHECK_FOR_UPDATES": "off",
    "FASTMCP_SHOW_SERVER_BANNER": "false",
    "FASTMCP_ENABLE_RICH_LOGGING": "false",
    "FASTMCP_LOG_LEVEL": "WARNING",
}


def shut_out_environment() -> None:
    """Take every FASTMCP_ variable out of the environment of this process and its workers; before FastMCP is imported.

    It reads them while it is imported, and they could open the guards of the server.
    """
    for name in [name for name in os.environ if name.upper().startswith(_PREFIX)]:
        del os.environ[name]
    os.environ.update(_QUIET)
