"""An ASGI application on a real socket, served by uvicorn in a thread of the tests, and raw HTTP to talk to it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn
from starlette.types import ASGIApp

_LONGEST = 20.0


class Answer(NamedTuple):
    """What came back.

    Args:
        status: of HTTP.
        headers: by name in small letters.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Served(NamedTuple):
    """A server that listens.

    Args:
        port: on 127.0.0.1.
        connections: those that the server holds open.
    """

    port: int
    connections: Collection[object]

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request on a connection of its own; a body in parts is sent chunked."""
        return ask(self.port, method, path, body, headers)

    def connect(self) -> socket.socket:
        """A connection on which nothing was sent yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=_LONGEST)


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to one request to a port of this machine, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_LONGEST)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


@contextmanager
def served(app: ASGIApp, **options: Any) -> Iterator[Served]:
    """Serve an application as the server does.

    Args:
        app: the application.
        options: further ones of uvicorn.
    """
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off", **options)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Served(listening.getsockname()[1], server.server_state.connections)
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(_LONGEST)
            assert not thread.is_alive()
