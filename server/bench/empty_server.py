"""What `tools/bench server` compares with: a tool that does nothing, served in the way that Rekall's tools are.

The processes, the middleware, the garbage collector and the base that is open are those of rekall-server, by the same
functions. The call of a tool ends where Rekall's own work would begin.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fastmcp import FastMCP
from fastmcp.tools import Tool, ToolResult
from mcp.types import TextContent
from starlette.types import ASGIApp

from rekall_server import logs, metrics, serving
from rekall_server.app import http_app, lifespan
from rekall_server.listening import bound
from rekall_server.process import Process
from rekall_server.settings import Settings, load

NAME = "nothing"
"""The tool; it takes a query, so that the request is that of a search."""


class Nothing(Tool):
    """The least that FastMCP takes for a tool: no function whose arguments it would look at, no thread."""

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Answer at once."""
        return ToolResult(content=[TextContent(type="text", text="ok")])


def create_empty(settings: Settings) -> ASGIApp:
    """The application of one process.

    Args:
        settings: as of rekall-server.
    """
    process = Process(settings)
    logs.configure(settings)
    parameters = {"type": "object", "properties": {"query": {"type": "string"}}}
    server: FastMCP[Any] = FastMCP(
        "empty",
        tools=[Nothing(name=NAME, description="Does nothing.", parameters=parameters)],
        mask_error_details=True,
        auth=process.verifier,
        lifespan=lifespan(process),
    )
    return http_app(server, process)


def main() -> int:
    """Serve until SIGTERM, on a free port, which is told as rekall-server tells it."""
    parser = argparse.ArgumentParser(prog="empty_server", description=__doc__)
    parser.add_argument("--database", type=Path, required=True, help="the base that is open and not asked")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    options = parser.parse_args()
    settings = load({"port": 0, "database": options.database, "workers": options.workers}).settings
    with metrics.shared_folder(), bound(settings) as listening:
        print(f"http://{settings.host}:{listening.getsockname()[1]}/mcp", flush=True)  # noqa: T201  # for who started it
        return serving.run(create_empty, settings, listening)


if __name__ == "__main__":
    sys.exit(main())
