"""How the calls of tools are run: in worker threads at home; a server of many decides for each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import anyio.to_thread
from fastmcp.tools import ToolResult

from rekall.mcp.spec import OpenDatabase, ToolSpec

Work = Callable[[OpenDatabase, dict[str, Any]], ToolResult]
"""The work of one call, given what opens the base and the arguments. It raises ToolError for every failure."""


class Calls(Protocol):
    """Runs the calls of tools."""

    async def __call__(self, spec: ToolSpec[Any], arguments: dict[str, Any], work: Work) -> ToolResult:
        """Answer one call.

        Args:
            spec: the tool.
            arguments: what the client gave, not validated yet.
            work: does it; it blocks until it is done.

        Raises:
            ToolError: what the client receives as an error; its text is one line.
        """


class InThreads:
    """Each call in a worker thread, on one base.

    Args:
        open_database: gives an open base.
    """

    def __init__(self, open_database: OpenDatabase) -> None:
        self._open_database = open_database

    async def __call__(self, spec: ToolSpec[Any], arguments: dict[str, Any], work: Work) -> ToolResult:
        return await anyio.to_thread.run_sync(work, self._open_database, arguments)
