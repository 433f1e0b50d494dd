"""A tool of `rekall.mcp.tools` as FastMCP serves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import anyio.to_thread
from fastmcp.exceptions import ToolError
from fastmcp.tools import Tool, ToolResult
from mcp.types import ToolAnnotations
from pydantic import PrivateAttr, ValidationError

from rekall.mcp.failures import answered_as, refusal
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec, explain

A = TypeVar("A", bound=Arguments)


class RekallTool(Tool):
    """Validates the arguments, runs the handler in a worker thread, and turns every failure into a safe MCP error."""

    _spec: ToolSpec[Any] = PrivateAttr()
    _open_database: OpenDatabase = PrivateAttr()
    _handler: Callable[[OpenDatabase, Any], Answer] = PrivateAttr()

    @classmethod
    def of(cls, spec: ToolSpec[A], open_database: OpenDatabase, *, local: bool) -> RekallTool:
        """The tool that a specification describes, on the base that `open_database` gives.

        Args:
            spec: describes it.
            open_database: gives an open base.
            local: the caller is on this machine, and may name files of it.
        """
        tool = cls(
            name=spec.name,
            description=spec.description,
            parameters=spec.input_schema(),
            output_schema=spec.output_schema(),
            annotations=ToolAnnotations(
                read_only_hint=spec.read_only,
                destructive_hint=spec.destructive,
                idempotent_hint=spec.idempotent,
                open_world_hint=spec.open_world,
            ),
        )
        tool._spec = spec
        tool._open_database = open_database
        tool._handler = spec.handler if local else spec.handler_elsewhere or spec.handler
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
            raise refusal(ToolError, explain(error)) from error
        with answered_as(ToolError, self.name):
            answer = self._handler(self._open_database, valid)
            return ToolResult(content=answer.text, structured_content=answer.structured, is_error=answer.failed)
