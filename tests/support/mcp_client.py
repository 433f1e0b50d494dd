"""A real MCP client for tests, speaking to a server in this process or to one over stdio."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from mcp.types import Prompt, ResourceTemplate, TextContent, TextResourceContents, Tool

from rekall.config import get_config
from rekall.db import Database
from rekall.mcp.server import create_server
from rekall.mcp.spec import OpenDatabase
from rekall.mcp.tools import TOOLS

START = [sys.executable, "-c", "from rekall.mcp.server import serve_stdio; serve_stdio()"]
CONTEXT = {"situation": "Safari refused the request", "solution": "Send the Vary header", "trigger_keywords": ["cors"]}
_OUTPUTS = {spec.name: spec.output for spec in TOOLS}


@dataclass(frozen=True)
class Reply:
    """What a tool answered."""

    text: str
    data: dict[str, Any]


class Assistant:
    """A connected client. It checks every answer against the output that its tool declares."""

    def __init__(self, portal: BlockingPortal, client: Client[Any]) -> None:
        self._portal = portal
        self.client = client

    def tools(self) -> dict[str, Tool]:
        """The tools that the server offers, by name."""
        return {tool.name: tool for tool in self._portal.call(self.client.list_tools)}

    def call(self, name: str, **arguments: Any) -> Reply:
        """Call a tool that answers; the client has validated the answer against the advertised schema."""
        failed, text, data = self._call(name, arguments)
        assert not failed, text
        assert data is not None
        declared = _OUTPUTS[name].model_validate(data, strict=True)
        assert declared.model_dump(mode="json") == data  # nothing is undeclared
        return Reply(text, data)

    def refusal(self, name: str, **arguments: Any) -> str:
        """Call a tool that gives an error, and return its one line."""
        failed, text, data = self._call(name, arguments)
        assert failed, f"{name} answered: {text}"
        assert data is None
        assert "\n" not in text
        assert "Traceback" not in text
        return text

    def failure(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool whose error is data; its text is the same as JSON."""
        failed, text, data = self._call(name, arguments)
        assert failed, f"{name} answered: {text}"
        assert data is not None
        assert json.loads(text) == data
        _OUTPUTS[name].model_validate(data, strict=True)
        return data

    def _call(self, name: str, arguments: dict[str, Any]) -> tuple[bool, str, dict[str, Any] | None]:
        result = self._portal.call(partial(self.client.call_tool, name, arguments, raise_on_error=False))
        (content,) = result.content
        assert isinstance(content, TextContent)
        return result.is_error, content.text, result.structured_content

    def resource_templates(self) -> list[ResourceTemplate]:
        """The resource templates that the server offers."""
        return list(self._portal.call(self.client.list_resource_templates))

    def read(self, uri: str) -> str:
        """The text of a resource."""
        (content,) = self._portal.call(self.client.read_resource, uri)
        assert isinstance(content, TextResourceContents)
        return content.text

    def prompts(self) -> list[Prompt]:
        """The prompts that the server offers."""
        return list(self._portal.call(self.client.list_prompts))

    def prompt(self, name: str, **arguments: str) -> str:
        """The text of a prompt."""
        (message,) = self._portal.call(self.client.get_prompt, name, arguments).messages
        assert isinstance(message.content, TextContent)
        return message.content.text

    def add(self, title: str, **arguments: Any) -> str:
        """Capture an entry and return its id."""
        entry_id = self.call("rekall_add", **{"type": "bug", "title": title, "context": CONTEXT, **arguments}).data[
            "id"
        ]
        assert isinstance(entry_id, str)
        return entry_id


@contextmanager
def connected(transport: Any) -> Iterator[Assistant]:
    """A client of whatever FastMCP's `Client` takes."""
    with start_blocking_portal() as portal:
        client: Client[Any] = Client(transport)
        with portal.wrap_async_context_manager(client):
            yield Assistant(portal, client)


@contextmanager
def in_process(open_database: OpenDatabase | None = None, *, local: bool = True) -> Iterator[Assistant]:
    """A client of a server in this process, on the configured base and on its machine unless told otherwise."""
    if open_database is not None:
        with connected(create_server(open_database, local=local)) as assistant:
            yield assistant
        return
    with Database(get_config().db_path) as database:
        server = create_server(lambda: database, local=local)
        with connected(server) as assistant:
            yield assistant


@contextmanager
def over_stdio(log: Path, cwd: Path, **environment: str) -> Iterator[Assistant]:
    """A client of a server process of its own.

    Args:
        log: where the stderr of the server goes.
        cwd: where the server runs.
        environment: added to that of the test.
    """
    passed = {name: os.environ[name] for name in ("HOME", "PATH")}
    if "REKALL_DB_PATH" not in environment:  # the home would win over it
        passed["REKALL_HOME"] = os.environ["REKALL_HOME"]
    transport = StdioTransport(
        START[0], START[1:], env={**passed, **environment}, cwd=str(cwd), keep_alive=False, log_file=log
    )
    with connected(transport) as assistant:
        yield assistant
