"""What the server offers: names and parameters of Rekall 0.3, few characters, honest hints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.types import Tool
from support.mcp_client import Assistant, in_process

import rekall
from rekall.mcp.tools import TOOLS

FACTS = json.loads((Path(__file__).parents[1] / "data/compat/mcp_tools.json").read_text(encoding="utf-8"))
KNOWN: dict[str, list[dict[str, Any]]] = {tool["name"]: tool["params"] for tool in FACTS["tools"]}
NAMES = [spec.name for spec in TOOLS]
ADDED = {"rekall_search": ["exact", "explain"]}
"""Parameters that 0.3 did not have; they follow its own."""
LARGEST = 14_000
"""Characters of compact JSON that the tools may cost an assistant, about 3,500 tokens."""


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


@pytest.fixture
def tools(assistant: Assistant) -> dict[str, Tool]:
    return assistant.tools()


def parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The properties of a schema in the form of the recorded facts."""
    required = schema.get("required", [])
    found = []
    for name, node in schema["properties"].items():
        one: dict[str, Any] = {"name": name, "type": node.get("type"), "required": name in required}
        one |= {key: node[key] for key in ("default", "enum") if key in node}
        if "items" in node:
            one["items"] = {"type": node["items"]["type"]}
        found.append(one)
    return found


def test_the_seventeen_tools_are_offered(tools: dict[str, Tool]) -> None:
    """No tool is missing, and none goes by another name than in 0.3."""
    assert sorted(tools) == sorted(NAMES) == sorted(KNOWN)
    assert len(NAMES) == 17


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_0_3(name: str, tools: dict[str, Tool]) -> None:
    """Name, order, type, default, enum and necessity of every parameter are as 0.3 declared them, context apart."""
    expected = [parameter for parameter in KNOWN[name] if parameter["type"] != "object"]
    found = [one for one in parameters(tools[name].input_schema) if one["name"] != "context" or one["type"]]
    assert found[: len(expected)] == expected
    assert [one["name"] for one in found[len(expected) :]] == ADDED.get(name, [])
    assert not any(one["required"] for one in found[len(expected) :])


@pytest.mark.fault(48)
def test_context_may_be_an_object_or_a_text_and_may_be_left_out(tools: dict[str, Tool]) -> None:
    """The one intended difference: 0.3 wanted an object always, whatever the configured mode."""
    (known,) = [parameter for parameter in KNOWN["rekall_add"] if parameter["name"] == "context"]
    schema = tools["rekall_add"].input_schema
    structured, text = schema["properties"]["context"]["anyOf"]
    assert text == {"type": "string"}
    assert structured["type"] == known["type"]
    assert parameters(structured) == known["properties"]
    assert known["required"]
    assert "context" not in schema["required"]


def test_the_declaration_is_small(tools: dict[str, Tool]) -> None:
    """An assistant reads all declarations in every session: names, descriptions and input schemas stay short."""
    declared = [
        {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
        for tool in tools.values()
    ]
    size = len(json.dumps(declared, separators=(",", ":"), ensure_ascii=False))
    assert 3_000 < size < LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_schemas_hold_no_noise(name: str, tools: dict[str, Tool]) -> None:
    """No generated titles, references, null branches or class docstrings: they inform nobody."""

    def check(node: Any) -> None:
        if isinstance(node, dict):
            assert not {"$ref", "$defs", "discriminator"} & set(node)
            assert not isinstance(node.get("title"), str)
            assert node.get("type") != "null"
            assert node.get("default", 0) is not None
            for value in node.values():
                check(value)
        elif isinstance(node, list):
            for value in node:
                check(value)

    check(tools[name].input_schema)
    assert "description" not in tools[name].input_schema


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_says_when_to_use_it_and_what_it_returns(name: str, tools: dict[str, Tool]) -> None:
    """The description is one an assistant can choose by, the output an object with declared properties."""
    tool = tools[name]
    assert tool.description is not None
    assert 40 < len(tool.description) < 300
    assert tool.output_schema is not None
    assert tool.output_schema["type"] == "object"
    shapes = tool.output_schema.get("anyOf", [tool.output_schema])
    assert all(shape["properties"] for shape in shapes)


def test_hints_tell_what_a_tool_may_do(tools: dict[str, Tool]) -> None:
    """Reading needs no permission, deleting is destructive, adding does more when repeated, one asks the network."""
    hints = {name: tool.annotations for name, tool in tools.items()}

    def having(hint: str) -> set[str]:
        return {name.removeprefix("rekall_") for name, given in hints.items() if getattr(given, hint)}

    reading = {
        "help",
        "search",
        "show",
        "related",
        "get_context",
        "info",
        "similar",
        "suggest",
        "stale",
        "sources_suggest",
    }
    assert having("read_only_hint") == reading
    assert having("destructive_hint") == {"unlink", "delete"}
    assert having("idempotent_hint") == {name.removeprefix("rekall_") for name in NAMES} - {
        *("add", "generalize", "sources_verify")
    }
    assert having("open_world_hint") == {"sources_verify"}


@pytest.mark.fault(49)
def test_the_server_introduces_itself(assistant: Assistant) -> None:
    """Name and version are Rekall's own (0.3 announced those of its SDK), with instructions for the assistant."""
    server, instructions = assistant.client.server_info, assistant.client.instructions
    assert server is not None
    assert (server.name, server.version) == ("rekall", rekall.__version__)
    assert instructions is not None
    assert "rekall_search" in instructions
    assert "rekall_add" in instructions
