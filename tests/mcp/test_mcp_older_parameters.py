"""Deprecated parameters of tools: taken as the newer ones, with a word to the assistant and one in the log."""

from __future__ import annotations

import asyncio
import logging
import warnings
from typing import Any

import pytest
from fastmcp import Client, FastMCP
from mcp.types import TextContent
from pydantic import BaseModel, Field
from support.mcp_client import connected

from rekall.db import Database
from rekall.deprecation import Deprecation, RekallDeprecationWarning
from rekall.mcp.older import OLDER_PARAMETERS, with_newer_names
from rekall.mcp.server import create_server
from rekall.mcp.spec import Answer, Arguments, ToolSpec
from rekall.mcp.tool import RekallTool
from rekall.mcp.tools import TOOLS

OLDER = {"shop_buy(article)": "thing", "shop_look(article)": "thing"}
ROWS = {name: Deprecation(name, "MCP parameter", "1.0", "3.0", f"`{new}`") for name, new in OLDER.items()}
NOTE = "shop_buy(article) is deprecated since Rekall 1.0 and goes in 3.0: use `thing`"


class Wanted(Arguments):
    """What is bought."""

    thing: str
    number: int = Field(1, le=9)


class Bought(BaseModel):
    """What was bought."""

    thing: str
    note: str | None = None


class Looked(BaseModel):
    """An output without a note."""

    thing: str


def _unused() -> Database:
    raise AssertionError("no base is opened")


def _shop() -> FastMCP[None]:
    """A server of two tools whose parameter `thing` was called `article`."""

    def buy(_: Any, wanted: Wanted) -> Answer:
        note = "out of stock" if wanted.number > 1 else None
        return Answer(f"bought {wanted.thing}", {"thing": wanted.thing, "note": note})

    def look(_: Any, wanted: Wanted) -> Answer:
        return Answer(f"saw {wanted.thing}", {"thing": wanted.thing}, failed=wanted.number > 1)

    specs = [
        ToolSpec("shop_buy", "Buy a thing.", Wanted, Bought, buy),
        ToolSpec("shop_look", "Look at a thing.", Wanted, Looked, look),
    ]
    return FastMCP("shop", tools=[RekallTool.of(spec, _unused, local=True, older=OLDER, rows=ROWS) for spec in specs])


def _answer(name: str, **arguments: Any) -> tuple[list[str], dict[str, Any] | None, bool]:
    """The texts, the data and whether it is an error, of one call by a real client."""

    async def call() -> Any:
        async with Client(_shop()) as client:
            return await client.call_tool(name, arguments, raise_on_error=False)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RekallDeprecationWarning)
        result = asyncio.run(call())
    texts = [block.text for block in result.content if isinstance(block, TextContent)]
    return texts, result.structured_content, result.is_error


def test_the_older_name_is_taken_and_the_answer_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """The answer stays as it is, the note is a text after it and in `note`; the log of the server has it too."""
    with caplog.at_level(logging.WARNING, "rekall.mcp"):
        assert _answer("shop_buy", article="hat") == (["bought hat", NOTE], {"thing": "hat", "note": NOTE}, False)
    assert [record.getMessage() for record in caplog.records] == [NOTE]


def test_a_note_of_the_tool_itself_stays() -> None:
    """Before ours."""
    texts, data, _ = _answer("shop_buy", article="hat", number=2)
    assert texts == ["bought hat", NOTE]
    assert data == {"thing": "hat", "note": f"out of stock {NOTE}"}


def test_the_newer_name_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """One text, as for every tool."""
    assert _answer("shop_buy", thing="hat") == (["bought hat"], {"thing": "hat", "note": None}, False)
    assert caplog.records == []


def test_the_newer_name_wins() -> None:
    """And it is said."""
    texts, data, _ = _answer("shop_buy", article="hat", thing="coat")
    note = f"{NOTE}; it is ignored, thing is given too"
    assert (texts, data) == (["bought coat", note], {"thing": "coat", "note": note})


def test_an_output_without_a_note_and_an_answer_that_failed() -> None:
    """The data keep to what the tool declares; an error that is an answer has the note too."""
    texts, data, failed = _answer("shop_look", article="hat", number=2)
    assert texts == ["saw hat", NOTE.replace("shop_buy", "shop_look")]
    assert (data, failed) == ({"thing": "hat"}, True)


def test_a_refusal_names_the_newer_parameter() -> None:
    """It is the one to mend."""
    texts, data, failed = _answer("shop_buy", article=3)
    assert (texts, data, failed) == (["invalid arguments: thing: Input should be a valid string"], None, True)


def test_the_declaration_shows_the_newer_name_alone() -> None:
    """An assistant that reads it learns no older name."""
    with connected(_shop()) as assistant:
        assert list(assistant.tools()["shop_buy"].input_schema["properties"]) == ["thing", "number"]


def test_python_s_warning_carries_the_row() -> None:
    """For whoever embeds the server; equal values under both names are no reason to be silent."""
    with pytest.warns(RekallDeprecationWarning) as caught:
        given, (note,) = with_newer_names("shop_buy", {"article": "a", "thing": "a"}, older=OLDER, rows=ROWS)
    assert given == {"thing": "a"}
    assert note.endswith("; it is ignored, thing is given too")
    (warning,) = caught
    assert isinstance(warning.message, RekallDeprecationWarning)
    assert warning.message.row is ROWS["shop_buy(article)"]


def test_every_older_parameter_is_one_of_a_tool() -> None:
    """Its tool exists and has the newer name, and not the older one too."""
    parameters = {spec.name: spec.arguments.model_fields for spec in TOOLS}
    for old, new in OLDER_PARAMETERS.items():
        tool, _, name = old.rstrip(")").partition("(")
        assert new in parameters[tool]
        assert name not in parameters[tool]


def test_an_argument_that_no_table_names_is_ignored() -> None:
    """As in 0.3, without a word."""
    with connected(create_server(_unused)) as assistant:
        assert assistant.call("rekall_help", article="hat").text
