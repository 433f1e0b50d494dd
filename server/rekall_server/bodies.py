"""The body of a request: read once, within limits, and handed on whole."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rekall_server.limits import refuse
from rekall_server.nesting import is_nested_deeper

DEEPEST = 100
"""Levels of arrays and objects in a JSON text; the arguments of the tools have four."""
MOST_REQUESTS = 1000
"""Requests that one process works on at a time: each holds its body and answer in memory."""


class BodyGuard:
    """Middleware inside the one that authenticates: who is not authenticated sends no body to it.

    Refuses bodies over `max_body` bytes however they come (413), JSON that is nested too deeply or is not UTF-8 (400),
    and requests beyond what one process works on at a time (503). A client that is too slow is the connection's
    business (`rekall_server.connections`).

    Args:
        app: what is inside.
        max_body: bytes of a body.
        deepest: levels of nesting.
        most_requests: at a time.
    """

    def __init__(
        self, app: ASGIApp, *, max_body: int, deepest: int = DEEPEST, most_requests: int = MOST_REQUESTS
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._deepest = deepest
        self._most_requests = most_requests
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or _is_stranger(scope):
            await self._app(scope, receive, send)
            return
        message = await receive()
        body = message.get("body", b"")
        if message.get("more_body", False):
            parts, size = [body], len(body)
            while message.get("more_body", False) and size <= self._max_body:
                message = await receive()
                parts.append(message.get("body", b""))
                size += len(parts[-1])
            body = b"".join(parts)
        if message["type"] == "http.disconnect":
            return
        if len(body) > self._max_body:
            rest = receive if message["more_body"] else None
            await refuse(rest, send, 413, f"the body is too long: {self._max_body} bytes are taken")
        elif b"\0" in body:
            await refuse(None, send, 400, "the body is not JSON in UTF-8")
        elif is_nested_deeper(body, self._deepest):
            await refuse(None, send, 400, f"the body is nested too deeply: {self._deepest} levels are taken")
        elif self._requests >= self._most_requests:
            await refuse(None, send, 503, "the server is busy: try again in a moment", retry_after=1)
        else:
            self._requests += 1
            try:
                await self._app(scope, _given(body, receive), send)
            finally:
                self._requests -= 1


def _given(body: bytes, receive: Receive) -> Receive:
    """Gives the whole body first, then whatever comes, which is the end of the connection."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def given() -> Message:
        return whole.pop() if whole else await receive()

    return given


def _is_stranger(scope: Scope) -> bool:
    """Whether tokens are asked for and this request has none that counts: it is refused without its body."""
    user = scope.get("user")
    return user is not None and not user.is_authenticated
