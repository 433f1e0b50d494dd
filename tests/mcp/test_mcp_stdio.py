"""The server as a process of its own, over real pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.databases import unpack
from support.mcp_client import START, over_stdio

from rekall.backup import restore
from rekall.db import Database
from rekall.mcp.tools import TOOLS

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


class Process:
    """The server, spoken to line by line."""

    def __init__(self, cwd: Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            START,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **environment},
        )

    def send(self, message: dict[str, Any] | bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write((message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n")
        self.process.stdin.flush()

    def ask(self, number: int, tool: str, **arguments: Any) -> dict[str, Any]:
        self.send(
            {
                "jsonrpc": "2.0",
                "id": number,
                "method": "tools/call",
                "params": {"name": tool, "arguments": arguments},
            }
        )
        answer = self.read()
        assert answer["id"] == number
        result: dict[str, Any] = answer["result"]
        return result

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        message: dict[str, Any] = json.loads(line)  # a line that is not the protocol fails here
        assert message["jsonrpc"] == "2.0"
        return message

    def greet(self) -> dict[str, Any]:
        self.send(HELLO)
        answer = self.read()
        self.send(INITIALIZED)
        result: dict[str, Any] = answer["result"]
        return result

    def end(self) -> tuple[int, str]:
        """Close stdin, and give the exit code and what was written to stderr; stdout holds nothing more."""
        rest, errors = self.process.communicate(timeout=60)
        assert rest == b""
        return self.process.returncode, errors.decode()


def test_a_client_finds_what_it_captured(tmp_path: Path) -> None:
    """The whole way over real pipes, in a directory whose .env is none of our business."""
    (tmp_path / ".env").write_text("FASTMCP_LOG_LEVEL=NONSENSE\nFASTMCP_MASK_ERROR_DETAILS=maybe\n", encoding="utf-8")
    log = tmp_path / "log"
    with over_stdio(log, tmp_path) as assistant:
        assert sorted(assistant.tools()) == sorted(spec.name for spec in TOOLS)
        entry_id = assistant.add("Überraschung \N{FIRE}", content="ñ")
        (hit,) = assistant.call("rekall_search", query="uberraschung").data["results"]
        assert hit["id"] == entry_id
        assert hit["title"] == "Überraschung \N{FIRE}"
        assistant.refusal("rekall_show", id="01NOBODY")
        assert assistant.call("rekall_info").data["entries"] == 1
    assert log.read_text(encoding="utf-8") == ""


def test_stdout_holds_the_protocol_alone_and_eof_ends_the_server(tmp_path: Path) -> None:
    """Not a byte else on stdout, nothing on stderr in a quiet session, exit code 0 when the client is done."""
    server = Process(tmp_path)
    assert server.greet()["serverInfo"]["name"] == "rekall"
    added = server.ask(2, "rekall_add", type="bug", title="Printed?", context="print() must not reach the client")
    assert not added.get("isError")
    assert server.ask(3, "rekall_search", query="printed")["structuredContent"]["total_count"] == 1
    assert server.ask(4, "rekall_show", id="nobody")["isError"]
    assert server.end() == (0, "")


def test_a_malformed_line_does_not_stop_the_server(tmp_path: Path) -> None:
    """Garbage on stdin is passed over."""
    server = Process(tmp_path)
    server.greet()
    server.send(b"garbage")
    server.send(b"\xff\xfe")
    assert server.ask(2, "rekall_info")["structuredContent"]["entries"] == 0
    code, _ = server.end()
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_what_was_answered_is_kept(number: signal.Signals, tmp_path: Path) -> None:
    """It ends at once, though a thread waits for stdin; the base is closed and whole."""
    server = Process(tmp_path)
    server.greet()
    server.ask(2, "rekall_add", type="bug", title="Kept", context="Stored before the signal")
    server.process.send_signal(number)
    assert server.process.wait(timeout=60) == 0
    assert server.end() == (0, "")
    again = Process(tmp_path)
    again.greet()
    assert again.ask(2, "rekall_info")["structuredContent"]["entries"] == 1
    assert again.end() == (0, "")


def test_a_client_that_went_away_leaves_no_traceback(tmp_path: Path) -> None:
    """Nobody reads stdout any more: the server ends without a word."""
    server = Process(tmp_path)
    server.greet()
    assert server.process.stdout is not None
    assert server.process.stderr is not None
    server.process.stdout.close()
    server.send({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "rekall_info", "arguments": {}}})
    server.send({"jsonrpc": "2.0", "id": 3, "method": "ping"})
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert server.process.wait(timeout=60) == 0
    assert server.process.stderr.read() == b""
    server.process.stderr.close()


def test_a_broken_base_gives_errors_and_is_left_alone(tmp_path: Path) -> None:
    """The server starts, every tool that needs the base says what is wrong, and a mended base works without restart."""
    path = tmp_path / "broken.db"
    path.write_bytes(b"not a database " * 100)
    with over_stdio(tmp_path / "log", tmp_path, REKALL_DB_PATH=str(path)) as assistant:
        for _ in range(2):
            assert str(path) in assistant.refusal("rekall_search", query="x")
        assistant.refusal("rekall_add", type="bug", title="x", context="situation and solution")
        assert assistant.call("rekall_help").data["topic"] == "all"
        assert path.read_bytes() == b"not a database " * 100
        unpack("v12.db", tmp_path).replace(path)
        assert assistant.call("rekall_info").data["entries"] > 0


def test_a_malformed_configuration_gives_errors(tmp_path: Path) -> None:
    """The assistant can report which file and line; the server is there."""
    home = Path(os.environ["REKALL_HOME"])
    home.mkdir(parents=True)
    (home / "config.toml").write_text("debug = [", encoding="utf-8")
    with over_stdio(tmp_path / "log", tmp_path) as assistant:
        assert "config.toml" in assistant.refusal("rekall_info")
        (home / "config.toml").unlink()
        assert assistant.call("rekall_info").data["entries"] == 0


def test_an_old_base_is_served(tmp_path: Path) -> None:
    """A file of an early 0.3 is migrated by the first call and searched."""
    path = unpack("v04.db", tmp_path)
    with over_stdio(tmp_path / "log", tmp_path, REKALL_DB_PATH=str(path)) as assistant:
        assert assistant.call("rekall_info").data["entries"] > 0
        assert assistant.call("rekall_search", query="retry OR cors OR a*").data["total_count"] > 0


@pytest.mark.parametrize("name", ["v06.db", "v12-enrichment-only.db", "v12.db"])
def test_a_backup_restored_while_the_server_runs(name: str, tmp_path: Path) -> None:
    """The next call works on what was restored, an older schema is migrated behind a backup, and writes stay."""
    path, backup = tmp_path / "base.db", unpack(name, tmp_path)
    with over_stdio(tmp_path / "log", tmp_path, REKALL_DB_PATH=str(path)) as assistant:
        before = assistant.add("Written before")
        restore(backup, path)
        assert assistant.call("rekall_search", query="retry").data["total_count"] > 0
        assert before in assistant.refusal("rekall_show", id=before)
        after = assistant.add("Written after")
    with Database(path) as base:
        assert base.get(after) is not None
        assert base.backup_made is None
    assert len(list(path.parent.glob("backups/*_schema-*.db"))) == (name != "v12.db")


def test_a_base_that_was_replaced_as_a_file(tmp_path: Path) -> None:
    """Nothing is written any more to the file that was there before."""
    path, backup = tmp_path / "base.db", unpack("v12.db", tmp_path)
    with over_stdio(tmp_path / "log", tmp_path, REKALL_DB_PATH=str(path)) as assistant:
        assistant.add("Written before")
        path.unlink()
        restore(backup, path)
        after = assistant.add("Written after")
        assert assistant.call("rekall_search", query="retry").data["total_count"] > 0
    with Database(path) as base:
        assert base.get(after) is not None


def test_debug_logs_to_stderr_and_never_to_stdout(tmp_path: Path) -> None:
    """One event for each back-end call, without the values; the protocol stays clean."""
    server = Process(tmp_path, REKALL_DEBUG="1")
    server.greet()
    assert server.ask(2, "rekall_search", query="hunter2")["structuredContent"]["total_count"] == 0
    code, errors = server.end()
    assert code == 0
    assert "fetch_all" in errors
    assert "hunter2" not in errors
