"""A real `rekall-server` process on a free port of this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client

_LISTENS = re.compile(r"http://\S+?:(\d+)/mcp")
_START = 40.0


def environment(home: Path, **variables: str) -> dict[str, str]:
    """The environment of a process whose user has nothing but a home folder."""
    kept = {
        name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPYCACHEPREFIX", "TMPDIR")
    }
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": "", **variables}


class RunningServer:
    """A server process that listens.

    Args:
        process: the process.
        home: the home folder of its user.
        output: its lines on stdout so far.
        log: its lines on stderr so far.
    """

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        self.process = process
        self.home = home
        self.output: list[str] = []
        self.log: list[str] = []
        self._readers = [
            threading.Thread(target=_read, args=(stream, lines), daemon=True)
            for stream, lines in ((process.stdout, self.output), (process.stderr, self.log))
        ]
        for reader in self._readers:
            reader.start()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is reached, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until_it_listens(self) -> None:
        """Wait until it says where, and answers there."""
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline:
            found = _LISTENS.search("".join(self.output))
            if found:
                self.port = int(found[1])
                try:
                    if httpx2.get(f"{self.url}/health", timeout=2).status_code == 200:
                        return
                except httpx2.HTTPError:
                    pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"it does not listen: {self.process.poll()} {self.output} {self.log}")

    def stop(self, number: int = signal.SIGTERM, timeout: float = 20) -> int:
        """End it, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout)
        self.close()
        return code

    def post(self, tool: str, arguments: Mapping[str, Any], **headers: str) -> httpx2.Response:
        """The answer to a call of a tool as one request, without the requests that a client makes around it."""
        message = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": dict(arguments)},
        }
        accepted = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}
        return httpx2.post(f"{self.url}/mcp", json=message, headers={**accepted, **headers}, timeout=30)

    def close(self) -> None:
        """Read its last lines; it has ended."""
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def call(self, tool: str, arguments: Mapping[str, Any], token: str | None = None) -> Any:
        """The result of one tool, called by the official client of MCP."""

        async def called() -> Any:
            async with connected(self.url, token) as session:
                return await session.call_tool(tool, dict(arguments))

        return anyio.run(called)


@contextmanager
def running(home: Path, *arguments: str, **variables: str) -> Iterator[RunningServer]:
    """A server for the user of a home folder; it is ended afterwards, whatever happened.

    Args:
        home: made when missing.
        arguments: of `rekall-server`, beside `--port 0`.
        variables: of its environment.
    """
    server = start(home, *arguments, **variables)
    try:
        server.wait_until_it_listens()
        yield server
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
        server.close()


def start(home: Path, *arguments: str, **variables: str) -> RunningServer:
    """The same, not waited for, and for the caller to end."""
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rekall_server", "--port", "0", *arguments]
    process = subprocess.Popen(
        command,
        env=environment(home, **variables),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return RunningServer(process, home)


@contextmanager
def started(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Iterator[RunningServer]:
    """A server that somebody else's command starts; it is ended afterwards, whatever happened.

    Args:
        command: prints where it listens, as `rekall-server` does.
        folder: where it works.
        variables: its whole environment.
    """
    process = subprocess.Popen(
        command,
        env=dict(variables),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    server = RunningServer(process, folder)
    try:
        server.wait_until_it_listens()
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        server.close()


@asynccontextmanager
async def connected(url: str, token: str | None = None) -> AsyncIterator[ClientSession]:
    """A session of the official client.

    Args:
        url: of the server, without a path.
        token: sent with every request.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        streamable_http_client(f"{url}/mcp", http_client=http) as streams,
        ClientSession(streams[0], streams[1]) as opened,
    ):
        await opened.initialize()
        yield opened


def _read(stream: Any, lines: list[str]) -> None:
    for line in stream:
        lines.append(line)


def home_command(home: Path, *arguments: str, **variables: str) -> str:
    """The stdout of a `rekall` command that must succeed, by the same user."""
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "rekall", *arguments],
        env=environment(home, **variables),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
