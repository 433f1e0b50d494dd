"""What `tools/bench server` compares with: a tool that does nothing, served in the way that Rekall's tools are.

The processes, the middleware, the garbage collector and the base that is open are those of rekall-server, by the same
functions. The tool is a function, as FastMCP's users declare one; it runs on the event loop, for a thread would take
longer than it does.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fastmcp import FastMCP
from starlette.types import ASGIApp

from rekall_server import logs, metrics, serving
from rekall_server.app import http_app, lifespan
from rekall_server.listening import bound
from rekall_server.process import Process
from rekall_server.settings import Settings, load


def create_empty(settings: Settings) -> ASGIApp:
    """The application of one process.

    Args:
        settings: as of rekall-server.
    """
    process = Process(settings)
    logs.configure(settings)
    server: FastMCP[Any] = FastMCP("empty", mask_error_details=True, auth=process.verifier, lifespan=lifespan(process))

    @server.tool(run_in_thread=False)
    def nothing(query: str) -> str:
        """Does nothing."""
        return "ok"

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
