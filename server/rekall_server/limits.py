"""What one HTTP request may take, around the whole application.

Three parts belong together: `RequestGuard` around everything, `rekall_server.bodies.BodyGuard` inside the middleware
that authenticates, and `rekall_server.connections.bounded(...)` as uvicorn's `http`. Pure ASGI, for every request
pays for it.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any, Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rekall_server.exchange import Exchange, begin
from rekall_server.log_lines import HTTP_LOGGER

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")
_TOKEN = b"rks_"
"""What a token begins with: one that was sent in the wrong header does not go into the log."""
_DRAINED = 16 * 1024 * 1024
"""Bytes of a refused body that are read and thrown away, so that the client is there to read the answer."""
_LONGEST_PATH = 200
_PROBES = frozenset(("/health", "/ready", "/metrics"))


class Responses(Protocol):
    """Counts answers."""

    def response(self, status: int) -> None:
        """Count one.

        Args:
            status: of HTTP.
        """


class RequestGuard:
    """Gives each request a number, refuses bodies that say that they are too long, and logs and counts the answer.

    The number comes from the client's `X-Request-ID` if that is well formed, goes back in the same header, and stands
    in every line of the log meanwhile (`request_id`).

    Args:
        app: the whole application.
        max_body: bytes of a body.
        metrics: counts the answers.
    """

    def __init__(self, app: ASGIApp, *, max_body: int, metrics: Responses) -> None:
        self._app = app
        self._max_body = max_body
        self._metrics = metrics
        self._log: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        given, length = b"", b""
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value
            elif name == b"content-length":
                length = value
        is_taken = _REQUEST_ID.fullmatch(given) is not None and _TOKEN not in given
        number = given.decode() if is_taken else os.urandom(8).hex()
        exchange = begin(number)
        added = [
            (b"x-request-id", number.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
        ]
        status, ended = 0, False

        async def answer(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                self._metrics.response(status)
                message["headers"] = [*message.get("headers", ()), *added]
            elif not message.get("more_body", False):
                ended = True
            await send(message)

        try:
            if length and _number(length) > self._max_body:
                await refuse(receive, answer, 413, f"the body is too long: {self._max_body} bytes are taken")
            else:
                await self._app(scope, receive, answer)
        except Exception as error:
            self._logger().error("request.failed", exc_info=error)
            if status and not ended:
                raise  # the client has a part of an answer: only the end of the connection can tell it
            if not status:
                await refuse(None, answer, 500, f"internal error: see the log of the server for request {number}")
        finally:
            self._tell(scope, exchange, status, (time.perf_counter() - started) * 1000)

    def _tell(self, scope: Scope, exchange: Exchange, status: int, milliseconds: float) -> None:
        path = scope["path"]
        logger = self._logger()
        # those who ask every few seconds would fill the log
        log = logger.debug if path in _PROBES and status == 200 else logger.info
        fields: dict[str, Any] = {"method": scope["method"], "path": path[:_LONGEST_PATH], "status": status or None}
        user = scope.get("user")
        if user is not None and user.is_authenticated:
            fields["client"] = user.display_name
        if exchange.tool is not None:
            fields["tool"], fields["outcome"] = exchange.tool, exchange.outcome
        log("request", ms=round(milliseconds, 2), **fields)

    def _logger(self) -> Any:
        # bound once, when the log is configured: doing so for each line would take as long as the line
        if self._log is None:
            self._log = structlog.get_logger().bind(logger=HTTP_LOGGER)
        return self._log


async def refuse(
    receive: Receive | None, send: Send, status: int, text: str, *, retry_after: int | None = None
) -> None:
    """Answer a request without doing it, and end its connection.

    A body that still comes is thrown away for a while: a connection that is closed with bytes in it is reset, and the
    client would not see the answer.

    Args:
        receive: gives the rest of the body; None when there is none.
        send: takes the answer.
        status: of the answer.
        text: one line for a person.
        retry_after: seconds after which it may be tried again.
    """
    body = json.dumps({"error": text}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    drained = 0
    while receive is not None and drained < _DRAINED:
        message = await receive()
        drained += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _number(text: bytes) -> int:
    """The number that some bytes write, 0 if none: the server in front has checked them."""
    return int(text) if text.isdigit() else 0
