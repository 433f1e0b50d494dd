"""The names of 0.3's `rekall.mcp_server` lead to the server of today."""

from __future__ import annotations

import sys
from pathlib import Path

from fastmcp.client.transports import StdioTransport
from support.mcp_client import connected
from support.transcripts import claude_transcript

from rekall import mcp_server
from rekall.config import get_config
from rekall.mcp.tools import TOOLS
from rekall.models import Entry, generate_ulid


def test_get_db_opens_the_configured_base() -> None:
    """An open Database on the path that the configuration names."""
    with mcp_server.get_db() as db:
        assert db.db_path == get_config().db_path
        assert db.list_all() == []


def test_create_mcp_server_offers_every_tool_on_the_configured_base() -> None:
    """What get_db stores, a tool of the server finds."""
    with mcp_server.get_db() as db:
        db.add(Entry(generate_ulid(), "Zebra crossing", "bug"))
    with connected(mcp_server.create_mcp_server()) as assistant:
        assert set(assistant.tools()) == {spec.name for spec in TOOLS}
        assert "Zebra crossing" in assistant.call("rekall_search", query="zebra").text


def test_run_server_serves_over_stdio(tmp_path: Path) -> None:
    """As a program of 0.3 started it: asyncio.run(run_server())."""
    script = "import asyncio; from rekall.mcp_server import run_server; asyncio.run(run_server())"
    transport = StdioTransport(
        sys.executable, ["-c", script], cwd=str(tmp_path), keep_alive=False, log_file=tmp_path / "log"
    )
    transcript = claude_transcript(tmp_path / "session.jsonl", "a", "b", "c")
    with connected(transport) as assistant:
        assert assistant.call("rekall_help").text == mcp_server.REKALL_HELP
        offered = assistant.call(
            "rekall_add", type="bug", title="x", auto_capture_conversation=True, _transcript_path=str(transcript)
        )
        assert offered.data["total_exchanges"] == 3


def test_it_is_always_available() -> None:
    """No optional package is asked for any more."""
    assert mcp_server.MCP_AVAILABLE is True
    assert issubclass(mcp_server.MCPNotAvailable, Exception)
