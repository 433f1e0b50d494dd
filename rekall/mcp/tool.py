"""A tool of `rekall.mcp.tools` as FastMCP serves it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from fastmcp.exceptions import ToolError
from fastmcp.tools import Tool, ToolResult
from mcp.types import TextContent, ToolAnnotations
from pydantic import PrivateAttr, ValidationError
from pydantic_core import to_json

from rekall.deprecation import Rows
from rekall.mcp.calls import Calls, InThreads
from rekall.mcp.failures import Told, answered_as, refusal
from rekall.mcp.older import OLDER_PARAMETERS, with_newer_names
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec, explain

A = TypeVar("A", bound=Arguments)


class _Work(NamedTuple):
    """What a tool does, beside what FastMCP keeps of it: a model takes its time for each private attribute.

    Args:
        spec: describes the tool.
        handler: answers, given what opens the base and the arguments.
        calls: runs the calls.
        told: what the caller is told of an error.
        older: deprecated parameters, and what took their place.
        rows: the register that has them; None: the one that ships.
    """

    spec: ToolSpec[Any]
    handler: Callable[[OpenDatabase, Any], Answer]
    calls: Calls
    told: Told
    older: Mapping[str, str]
    rows: Rows | None

    def result(self, open_database: OpenDatabase, arguments: dict[str, Any]) -> ToolResult:
        """The result of one call.

        Raises:
            ToolError: what the client receives as an error.
        """
        spec = self.spec
        given, notes = with_newer_names(spec.name, arguments, older=self.older, rows=self.rows)
        try:
            valid = spec.arguments.model_validate(given)
        except ValidationError as error:
            raise refusal(ToolError, explain(error)) from error
        with answered_as(ToolError, spec.name, self.told):
            answer = self.handler(open_database, valid)
            structured = _noted(answer.structured, notes, spec) if notes else answer.structured
            return _result((answer.text, *notes), structured, failed=answer.failed)


class RekallTool(Tool):
    """Validates the arguments, runs the handler, and turns every failure into a safe MCP error."""

    _work: _Work = PrivateAttr()

    @classmethod
    def of(
        cls,
        spec: ToolSpec[A],
        open_database: OpenDatabase,
        *,
        local: bool,
        calls: Calls | None = None,
        told: Told = str,
        older: Mapping[str, str] = OLDER_PARAMETERS,
        rows: Rows | None = None,
    ) -> RekallTool:
        """The tool that a specification describes, on the base that `open_database` gives.

        Args:
            spec: describes it.
            open_database: gives an open base.
            local: the caller is on this machine, and may name files of it.
            calls: runs the calls; in worker threads, on that base, if left out.
            told: what the caller is told of an error; its text if left out.
            older: deprecated parameters, and what took their place.
            rows: the register that has them; None: the one that ships.
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
        handler = spec.handler if local else spec.handler_elsewhere or spec.handler
        tool._work = _Work(spec, handler, calls or InThreads(open_database), told, older, rows)
        return tool

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Answer one call.

        Raises:
            ToolError: what the client receives as an error; its text is one line.
        """
        work = self._work
        return await work.calls(work.spec, arguments, work.result)


def _result(texts: Iterable[str], structured: dict[str, Any], *, failed: bool) -> ToolResult:
    """The result as FastMCP makes it, but for turning the data into JSON and back: they are JSON already.

    Raises:
        ToolError: a number is none of JSON's, as of a base in which another program has put an infinite score.
    """
    content = [TextContent(type="text", text=text) for text in texts]
    written = to_json(structured, inf_nan_mode="constants")
    if b"Infinity" in written or b"NaN" in written:  # FastMCP tells the number from the word
        return ToolResult(content=content, structured_content=structured, is_error=failed)
    return ToolResult.model_construct(content=content, structured_content=structured, meta=None, is_error=failed)


def _noted(structured: dict[str, Any], notes: list[str], spec: ToolSpec[Any]) -> dict[str, Any]:
    """The structured content with the notes in its `note`, where the tool declares one."""
    if "note" not in spec.output.model_fields:
        return structured
    return {**structured, "note": " ".join(filter(None, (structured.get("note"), *notes)))}
