"""The debug log of the MCP server: on stderr or in its file, whole at the end, and never on stdout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.debugging import calls_and_summary

SERVE = [sys.executable, "-m", "rekall", "--debug", "mcp"]
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


class Server:
    """`rekall --debug mcp`, which has greeted its client and answered one call."""

    def __init__(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            SERVE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        assert self.ask("initialize", HELLO)["serverInfo"]["name"] == "rekall"
        self.send({"method": "notifications/initialized"})
        arguments = {"type": "bug", "title": "Kept", "context": "Stored before the end"}
        assert not self.ask("tools/call", {"name": "rekall_add", "arguments": arguments}).get("isError")

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of a request; a line on stdout that is not the protocol fails here."""
        self.send({"id": 1, "method": method, "params": params})
        assert self.process.stdout is not None
        result: dict[str, Any] = json.loads(self.process.stdout.readline())["result"]
        return result


def test_the_log_is_whole_when_the_client_closes_stdin() -> None:
    """The calls of the tools, the close of the base, and one summary."""
    server = Server()
    rest, errors = server.process.communicate(timeout=60)
    assert (server.process.returncode, rest) == (0, b"")
    calls, summary = calls_and_summary(errors.decode())
    assert calls[-1]["operation"] == "close"
    assert summary["calls"] == len(calls) > 5


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_log_is_whole_when_a_signal_ends_the_server(number: signal.Signals, tmp_path: Path) -> None:
    """It ends at once, past Python's own ending; in a file too."""
    for environment in ({}, {"REKALL_DEBUG_FILE": str(tmp_path / "calls.log")}):
        server = Server(**environment)
        server.process.send_signal(number)
        assert server.process.wait(timeout=60) == 0
        rest, errors = server.process.communicate(timeout=60)
        assert rest == b""
        if environment:
            assert errors == b""
            errors = (tmp_path / "calls.log").read_bytes()
        calls, summary = calls_and_summary(errors.decode())
        assert calls[-1]["operation"] == "close"
        assert summary["calls"] == len(calls)


def test_the_log_is_whole_when_the_client_has_gone() -> None:
    """Nobody reads stdout any more, and stdin is closed."""
    server = Server()
    assert server.process.stdout is not None
    assert server.process.stderr is not None
    assert server.process.stdin is not None
    server.process.stdout.close()
    server.send({"id": 1, "method": "tools/list", "params": {}})
    server.process.stdin.close()
    calls, summary = calls_and_summary(server.process.stderr.read().decode())
    assert summary["calls"] == len(calls)
    assert server.process.wait(timeout=60) == 0
    server.process.stderr.close()
