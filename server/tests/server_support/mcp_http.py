"""MCP over HTTP by hand, for what no client would send; every answer is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from server_support.asgi import Answer, ask
from server_support.server import environment

HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
CONTEXT = {
    "situation": "the export stalls behind the proxy",
    "solution": "stream the rows",
    "trigger_keywords": ["export", "proxy"],
}


def new_token(home: Path, name: str, *options: str) -> str:
    """A token made by the command line of the server, for the server of this home folder."""
    done = subprocess.run(
        [sys.executable, "-m", "rekall_server", "token", "new", name, *options],
        env=environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


class Caller:
    """Somebody who calls a server by hand.

    Args:
        port: of the server.
        token: sent with every request; None: none is.

    Attributes:
        answers: all that came back, as it came.
    """

    def __init__(self, port: int, token: str | None = None) -> None:
        self.port = port
        self.token = token
        self.answers: list[Answer] = []

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request with the token."""
        own = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        answer = ask(self.port, method, path, body, {**own, **(headers or {})})
        self.answers.append(answer)
        return answer

    def rpc(self, method: str, params: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        """One request of JSON-RPC."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        return self.ask("POST", "/mcp", body, {**HEADERS, **(headers or {})})

    def tool(self, name: str, headers: Mapping[str, str] | None = None, /, **arguments: Any) -> Any:
        """The result of a tool, which must be one, be it an error of the tool."""
        answer = self.rpc("tools/call", {"name": name, "arguments": arguments}, headers)
        assert answer.status == 200, answer
        return answer.json["result"]

    def add(self, title: str, **more: Any) -> str:
        """The id of an entry that was added."""
        result = self.tool("rekall_add", type="bug", title=title, context=CONTEXT, **more)
        assert not result.get("isError"), result
        return str(result["structuredContent"]["id"])


def text_of(result: Mapping[str, Any]) -> str:
    """What a result says."""
    return "\n".join(part["text"] for part in result["content"])
