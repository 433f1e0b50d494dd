"""A tool of `rekall.mcp.tools` as FastMCP serves it."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

import anyio.to_thread
from fastmcp.exceptions import ToolError
from fastmcp.tools import Tool, ToolResult
from mcp.types import ToolAnnotations
from pydantic import PrivateAttr, ValidationError

from rekall import config as configuration
from rekall.errors import RekallError
from rekall.mcp.spec import Arguments, OpenDatabase, ToolSpec, explain

logger = logging.getLogger("rekall.mcp")

A = TypeVar("A", bound=Arguments)


class RekallTool(Tool):
    """Validates the arguments, runs the handler in a worker thread, and turns every failure into a safe MCP error."""

    _spec: ToolSpec[Any] = PrivateAttr()
    _open_database: OpenDatabase = PrivateAttr()

    @classmethod
    def of(cls, spec: ToolSpec[A], open_database: OpenDatabase) -> RekallTool:
        """The tool that a specification describes, on the base that `open_database` gives."""
        tool = cls(
            name=spec.name,
            description=spec.description,
            parameters=spec.input_schema(),
            output_schema=spec.output_schema(),
            annotations=ToolAnnotations(
                read_only_hint=spec.read_only,
                destructive_hint=spec.destructive,
                idempotent_hint=spec.idempotent,
                open_world_hint=False,  # one knowledge base, nothing beyond it
            ),
        )
        tool._spec = spec
        tool._open_database = open_database
        return tool

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call.

        Raises:
            ToolError: what the client receives as an error; its text is one line.
        """
        return await anyio.to_thread.run_sync(self._result, arguments)

    def _result(self, arguments: dict[str, Any]) -> ToolResult:
        try:
            valid = self._spec.arguments.model_validate(arguments)
        except ValidationError as error:
            raise _tool_error(explain(error)) from error
        try:
            answer = self._spec.handler(self._open_database, valid)
            return ToolResult(content=answer.text, structured_content=answer.structured)
        except RekallError as error:
            raise _tool_error(str(error)) from error
        except Exception as error:
            logger.error("%s failed: %s: %s", self.name, type(error).__name__, error, exc_info=_debug())
            raise _tool_error(f"internal error in {self.name}: see the log of the server (its stderr)") from error


def _tool_error(text: str) -> ToolError:
    # FastMCP logs every tool error at the level that it carries; a refusal is an answer, not an event.
    return ToolError(" ".join(text.split()), log_level=logging.DEBUG)


def _debug() -> bool:
    try:
        return configuration.get_config().debug
    except RekallError:
        return False
