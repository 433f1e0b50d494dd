"""A load generator for a server of MCP over HTTP: many clients that each wait for an answer and then ask again.

What it does itself takes CPU from the server on the same machine, so requests are made before, and of an answer no more
is read than its length, its status and whether it is an error; a sample is kept for whoever wants to look at it.
"""

from __future__ import annotations

import gc
import itertools
import json
import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

PROTOCOL = "2026-07-28"
"""What the official client speaks with a server that knows it: each request says who asks, nothing goes before it."""
OLDER_PROTOCOL = "2025-11-25"
"""What a client speaks that begins with `initialize`."""
SAMPLE = 40
"""Answers that are kept of one load."""
_WAIT = 30.0
_LENGTH = b"\r\ncontent-length: "
_STATUS, _RESULT, _FAILED = b"HTTP/1.1 200", b'"result":{', b'"isError":true'
_READ = 1 << 18


class Load(NamedTuple):
    """What a load gave.

    Args:
        seconds: from the first request to the last answer.
        latencies: seconds of each answered call, in no order.
        errors: calls that failed: no answer, another status than 200, or one that the tool itself calls an error.
        sample: some of the answers, also of those that are errors, as JSON.
    """

    seconds: float
    latencies: Sequence[float]
    errors: int
    sample: Sequence[Mapping[str, Any]]

    @property
    def throughput(self) -> float:
        """Calls a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds that this share of the calls took at most."""
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def call(tool: str, arguments: Mapping[str, Any], *, number: int = 1, protocol: str = PROTOCOL) -> bytes:
    """The HTTP request of one call of a tool, as the official client sends it.

    Args:
        tool: its name.
        arguments: of the call.
        number: of the request, which its answer has too.
        protocol: version of MCP.
    """
    params: dict[str, Any] = {"name": tool, "arguments": arguments}
    headers: dict[str, str] = {}
    if protocol == PROTOCOL:
        headers = {"mcp-method": "tools/call", "mcp-name": tool}
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": protocol,
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    return _post({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}, protocol, headers)


def initialize() -> bytes:
    """The HTTP request that a client of the older protocol begins with, once, whatever it does then."""
    about = {"protocolVersion": OLDER_PROTOCOL, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
    return _post({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}, OLDER_PROTOCOL, {})


def _post(message: Mapping[str, Any], protocol: str, headers: Mapping[str, str]) -> bytes:
    body = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
    sent = {
        "host": "127.0.0.1",
        "accept-encoding": "gzip, deflate",
        "connection": "keep-alive",
        "user-agent": "rekall-bench",
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": protocol,
        **headers,
        "content-length": str(len(body)),
    }
    lines = ["POST /mcp HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode() + body


class _Client:
    """One connection, on which a request is answered before the next is sent."""

    __slots__ = ("answer", "needed", "number", "sent", "socket")

    def __init__(self, port: int, number: int) -> None:
        self.number = number
        self.sent = 0.0
        self.answer = b""
        self.needed = 0
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    def send(self, request: bytes) -> None:
        """Send a request, which the buffer of the connection takes whole."""
        self.answer, self.needed = b"", 0
        self.sent = time.perf_counter()
        if self.socket.send(request) != len(request):
            raise ConnectionError("a request is larger than what a connection takes at once")

    def take(self) -> bytes | None:
        """The answer when it is complete, else None; an empty one when the server has hung up."""
        try:
            received = self.socket.recv(_READ)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        if not received:
            return b""
        answer = self.answer = self.answer + received if self.answer else received
        if not self.needed:
            end = answer.find(b"\r\n\r\n")
            if end < 0:
                return None
            place = answer.find(_LENGTH, 0, end)
            length = int(answer[place + len(_LENGTH) : answer.find(b"\r\n", place + 2)]) if place >= 0 else 0
            self.needed = end + 4 + length
        return answer if len(answer) >= self.needed else None

    def close(self) -> None:
        self.socket.close()


class Clients:
    """Clients that are connected, for one load: a server hangs up on those that say nothing for a while.

    Args:
        port: of the server, on this machine.
        number: of clients.
    """

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._clients = [self._connected(place) for place in range(number)]
        self._latencies: list[float] = []
        self._sample: list[bytes] = []
        self._errors = 0

    def run(self, requests: Sequence[bytes], seconds: float) -> Load:
        """Every client asks and waits, again and again; then all hang up.

        Args:
            requests: taken in turn, begun again when they are used up.
            seconds: how long requests are sent; those that are under way then are waited for.
        """
        following = itertools.cycle(requests)
        with _uncollected():
            started = time.perf_counter()
            self._ask_until(started + seconds, following)
            ended = time.perf_counter()
        for client in self._clients:
            client.close()
        self._selector.close()
        sample = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in self._sample]
        return Load(ended - started, self._latencies, self._errors, sample)

    def _ask_until(self, until: float, following: Iterator[bytes]) -> None:
        for client in self._clients:
            client.send(next(following))
        waiting = len(self._clients)
        while waiting:
            events = self._selector.select(_WAIT)
            if not events:  # the server answers nobody any more
                self._errors += waiting
                return
            for key, _ in events:
                client = key.data
                answer = client.take()
                if answer is None:
                    continue
                now = time.perf_counter()
                self._judge(answer, now - client.sent)
                if not answer:
                    client = self._again(client)
                if now < until:
                    client.send(next(following))
                else:
                    waiting -= 1

    def _judge(self, answer: bytes, seconds: float) -> None:
        if answer.startswith(_STATUS) and _RESULT in answer and _FAILED not in answer:
            self._latencies.append(seconds)
        else:
            self._errors += 1
        if answer and len(self._sample) < SAMPLE:
            self._sample.append(answer)

    def _connected(self, place: int) -> _Client:
        client = _Client(self._port, place)
        self._selector.register(client.socket, selectors.EVENT_READ, client)
        return client

    def _again(self, client: _Client) -> _Client:
        self._selector.unregister(client.socket)
        client.close()
        again = self._clients[client.number] = self._connected(client.number)
        return again


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would be felt as a slow server; nothing here makes cycles."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
