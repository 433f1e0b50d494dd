"""A `rekall-server` for the demo, on a free port, and the client of the official MCP package that talks to it."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

START = 30.0
"""Seconds that it has to say where it listens."""
STOP = 20.0


class Listening(NamedTuple):
    """A server that listens.

    Args:
        process: its first process.
        url: where its tools are.
        said: what it has printed.
    """

    process: subprocess.Popen[str]
    url: str
    said: str


@contextmanager
def listening(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[Listening | None]:
    """Start a server, and end it by SIGTERM.

    Args:
        command: starts it.
        environment: its whole environment.
        folder: where it works; its log is written there.

    Yields:
        the server; None when it ended instead, its log says why.
    """
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    impatient = threading.Timer(START, process.kill)
    impatient.start()
    try:
        said = ""
        for line in process.stdout or ():
            said += line
            if line.startswith("Stop with"):  # its last line
                break
        impatient.cancel()
        found = re.search(r"http://\S+/mcp", said)
        yield Listening(process, found[0], said) if found and process.poll() is None else None
    finally:
        impatient.cancel()
        process.terminate()
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Any]:
    """A session of the official client.

    Args:
        url: where the tools are.
    """
    from mcp.client.session import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with streamable_http_client(url) as streams, ClientSession(streams[0], streams[1]) as opened:
        await opened.initialize()
        yield opened
