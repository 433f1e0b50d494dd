"""What the MCP server of this machine offers: tools with their parameters, resources, prompts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import anyio
from fastmcp import FastMCP

from api_surface.lines import Line, with_facts
from rekall.mcp.server import create_server


def mcp_lines() -> Iterator[Line]:
    """As a client would be told; nothing of it needs a base."""
    yield from anyio.run(_offered, create_server(_no_base, local=True))


def _no_base() -> NoReturn:
    raise AssertionError("listing what the server offers opened a base")


async def _offered(server: FastMCP[None]) -> list[Line]:
    lines: list[Line] = []
    for tool in await server.list_tools():
        item = f"mcp {tool.name}"
        lines.append(Line(item, "tool"))
        lines += _parameters(item, "", tool.parameters)
    lines += [Line(f"mcp {each.uri_template}", "resource") for each in await server.list_resource_templates()]
    lines += [Line(f"mcp {each.uri}", "resource") for each in await server.list_resources()]
    for prompt in await server.list_prompts():
        item = f"mcp prompt {prompt.name}"
        lines.append(Line(item, "prompt"))
        for each in prompt.arguments or ():
            lines.append(with_facts(f"{item}({each.name})", "parameter", type="string", required=each.required))
    return lines


def _parameters(tool: str, outer: str, schema: Mapping[str, Any]) -> Iterator[Line]:
    for name, node in schema.get("properties", {}).items():
        path = f"{outer}{name}"
        branches = [node, *node.get("anyOf", ())]
        types = sorted({each["type"] for each in branches if "type" in each})
        yield with_facts(
            f"{tool}({path})",
            "parameter",
            type=types[0] if len(types) == 1 else types,
            items=node.get("items", {}).get("type"),
            required=name in schema.get("required", ()),
            default=node.get("default"),
            choices=node.get("enum"),
            lowest=node.get("minimum"),
            highest=node.get("maximum"),
        )
        for branch in branches:
            yield from _parameters(tool, f"{path}.", branch)
        yield from _parameters(tool, f"{path}.", node.get("items", {}))
