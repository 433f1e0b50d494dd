"""Clients that are slow, or say nothing, or are many: the others are served as if they were not there."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest
from server_support.mcp_http import Caller
from server_support.server import RunningServer, running

SLOW = 60
IDLE = 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with something to find."""
    with running(tmp_path_factory.mktemp("crowd")) as server:
        caller = Caller(server.port)
        for number in range(20):
            caller.add(f"deadlock number {number}", content="two transactions wait for each other")
        yield server


@contextmanager
def many_files() -> Iterator[None]:
    """This process may have as many connections as it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def slow_clients(port: int) -> Iterator[None]:
    """Clients that send the header and the body of a request byte by byte, and begin again when they are cut off."""
    ended = threading.Event()
    request = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 300\r\n\r\n"
    request += b'{"jsonrpc": "2.0"' + b" " * 200

    def drip() -> None:
        clients: dict[socket.socket, Iterator[int]] = {}
        while not ended.wait(0.02):
            while len(clients) < SLOW:
                # each somewhere else in its request: most of it comes at once, the rest byte by byte
                client, begin = socket.create_connection(("127.0.0.1", port)), len(clients) * 3
                client.sendall(request[:begin])
                clients[client] = iter(request[begin:])
            for client, rest in list(clients.items()):
                try:
                    client.sendall(bytes([next(rest)]))
                except (OSError, StopIteration):
                    client.close()
                    del clients[client]
        for client in clients:
            client.close()

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)


def seconds_of_searches(server: RunningServer, number: int) -> list[float]:
    """How long searches took, one after the other."""
    caller = Caller(server.port)
    took = []
    for _ in range(number):
        began = time.perf_counter()
        result = caller.tool("rekall_search", query="deadlock", limit=20)
        took.append(time.perf_counter() - began)
        assert len(result["structuredContent"]["results"]) == 20
    return took


def p99(samples: list[float]) -> float:
    """The 99th percentile."""
    return sorted(samples)[int(len(samples) * 0.99)]


def test_slow_clients_slow_nobody_down(server: RunningServer) -> None:
    """With sixty clients that send byte by byte, the p99 of the others stays under twice what it is without them."""
    seconds_of_searches(server, 100)
    ratios = []
    for _ in range(3):  # a machine that does other things meanwhile disturbs one of them, not all
        alone: list[float] = []
        beside: list[float] = []
        for _ in range(6):  # in turns, so that what else happens meets both
            alone += seconds_of_searches(server, 60)
            with slow_clients(server.port):
                beside += seconds_of_searches(server, 60)
        ratios.append(p99(beside) / p99(alone))
        if ratios[-1] < 2:
            break
    assert min(ratios) < 2, ratios


def test_a_thousand_idle_connections(server: RunningServer) -> None:
    """Others are served while a thousand are open that say nothing; and new ones are taken."""
    with many_files(), ExitStack() as opened:
        for _ in range(IDLE):
            opened.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)))
        wait_until(lambda: _connections(server) >= IDLE)
        assert len(seconds_of_searches(server, 50)) == 50
        assert Caller(server.port).ask("GET", "/ready").status == 200
        assert _connections(server) >= IDLE


def test_idle_connections_are_closed(tmp_path: Path) -> None:
    """Those that never ask anything are closed after the time that a request may take to arrive."""
    with running(tmp_path, "--read-timeout", "1") as server, ExitStack() as opened:
        before = _connections(server)
        idle = [opened.enter_context(closing(server_connection(server))) for _ in range(50)]
        for connection in idle:
            assert connection.recv(1) == b""
        wait_until(lambda: _connections(server) <= before)
        Caller(server.port).add("still here")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what must come."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def server_connection(server: RunningServer) -> socket.socket:
    """A connection on which nothing is sent."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def _connections(server: RunningServer) -> int:
    """Sockets that the process has open."""
    found = 0
    for link in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found += "socket:" in str(link.readlink())
    return found
