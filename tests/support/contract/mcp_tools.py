"""`mcp_tools.json` walked: every tool with its parameters, those inside an object included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rekall.mcp.tools import TOOLS
from support.contract.finding import Finding, absent, compared, facts

RECORDED: list[dict[str, Any]] = facts("mcp_tools.json")["tools"]


def walk() -> Iterator[Finding]:
    """Everything that Rekall 0.3 offered to an assistant."""
    schemas = {spec.name: spec.input_schema() for spec in TOOLS}
    for tool in RECORDED:
        schema = schemas.get(tool["name"])
        yield absent(tool["name"], "tool") if schema is None else _tool(tool, schema)
        yield from _parameters(tool["name"], tool["params"], schema or {})


def _tool(tool: Mapping[str, Any], schema: Mapping[str, Any]) -> Finding:
    names = [each["name"] for each in tool["params"]]
    added = [name for name in schema.get("required", ()) if name not in names]
    return compared(tool["name"], "tool", ("further required parameters", [], added))


def _parameters(item: str, known: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> Iterator[Finding]:
    for fact in known:
        name = fact["name"]
        node = schema.get("properties", {}).get(name)
        inner = f"{item}({name})"
        if node is None:
            yield absent(inner, "parameter")
        else:
            yield compared(
                inner,
                "parameter",
                ("type", fact["type"], node.get("type", [each.get("type") for each in node.get("anyOf", ())])),
                ("required", fact["required"], name in schema.get("required", ())),
                ("default", fact.get("default"), node.get("default")),
                ("enum", fact.get("enum"), node.get("enum")),
                ("items", fact.get("items", {}).get("type"), node.get("items", {}).get("type")),
            )
        if "properties" in fact:
            yield from _parameters(inner, fact["properties"], _object(node or {}))


def _object(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of an object, also where another type may stand in its place."""
    branches: Sequence[Mapping[str, Any]] = [node, *node.get("anyOf", ())]
    return next((branch for branch in branches if "properties" in branch), {})
