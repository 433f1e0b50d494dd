"""What one request may take: its number, its body, its nesting, its time, how many at once; each on a real socket."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import anyio
import pytest
from server_support.asgi import Served, served
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from rekall_server.bodies import BodyGuard
from rekall_server.connections import bounded
from rekall_server.exchange import request_id
from rekall_server.limits import RequestGuard

MAX_BODY = 100_000
MUCH = 50_000_000


class Counted:
    """Counts answers by status."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()

    def response(self, status: int) -> None:
        """Count one."""
        self.answers[status] += 1


class ByToken(AuthenticationBackend):
    """Knows one token."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        """Who has it is anna."""
        if conn.headers.get("authorization") != "Bearer right":
            return None
        return AuthCredentials(), SimpleUser("anna")


@contextmanager
def guarded(*, tokens: bool = False, read_timeout: float = 20, **limits: Any) -> Iterator[tuple[Served, Counted]]:
    """An application behind the guards: it echoes, fails, or waits until it is let go."""
    release = threading.Event()

    async def echo(request: Request) -> Response:
        if tokens and not request.user.is_authenticated:
            return PlainTextResponse("no", 401)
        body = await request.body()
        return JSONResponse({"bytes": len(body), "number": request_id.get()})

    async def fail(request: Request) -> Response:
        raise ValueError("the secret text of an error")

    async def wait(request: Request) -> Response:
        await anyio.to_thread.run_sync(release.wait, 20)
        release.clear()
        return PlainTextResponse("done")

    async def much(request: Request) -> Response:
        return PlainTextResponse("x" * MUCH)

    async def let_go(request: Request) -> Response:
        release.set()
        return PlainTextResponse("let go")

    middleware = [Middleware(AuthenticationMiddleware, backend=ByToken())] if tokens else []
    app = Starlette(
        routes=[
            Route("/mcp", echo, methods=["POST"]),
            Route("/fail", fail),
            Route("/wait", wait, methods=["POST"]),
            Route("/much", much, methods=["POST"]),
            Route("/let-go", let_go),
        ],
        middleware=[*middleware, Middleware(BodyGuard, max_body=MAX_BODY, **limits)],
    )
    counted = Counted()
    try:
        with served(RequestGuard(app, max_body=MAX_BODY, metrics=counted), http=bounded(read_timeout)) as server:
            yield server, counted
            release.set()
    finally:
        release.set()


def received(connection: socket.socket) -> bytes:
    """All that comes until the other end closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_the_number_of_a_request() -> None:
    """A client's own is taken over if it is well formed, else the request gets one; work on it knows it."""
    with guarded() as (server, _):
        answer = server.ask("POST", "/mcp", b"{}", {"X-Request-ID": "trace-7.a_B"})
        assert answer.headers["x-request-id"] == answer.json["number"] == "trace-7.a_B"
        for wrong in ("", "a b", "x" * 65, "a;b", "<script>", "caf\u00e9", "rks_0123456789abc"):
            answer = server.ask("POST", "/mcp", b"{}", {"X-Request-ID": wrong})
            assert answer.headers["x-request-id"] == answer.json["number"]
            assert len(answer.json["number"]) == 16
        numbers = {server.ask("POST", "/mcp", b"{}").json["number"] for _ in range(20)}
        assert len(numbers) == 20


def test_answers_are_not_to_be_guessed_at_nor_kept() -> None:
    """Browsers and proxies are told so, also with an answer of the guard itself."""
    with guarded() as (server, _):
        for body in (b"{}", b"x" * (MAX_BODY + 1)):
            headers = server.ask("POST", "/mcp", body).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert headers["x-request-id"]


@pytest.mark.parametrize("size", [1, MAX_BODY - 1, MAX_BODY])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_within_the_limit(size: int, chunked: bool) -> None:
    """They arrive whole, however they come."""
    body = b"x" * size
    with guarded() as (server, counted):
        answer = server.ask("POST", "/mcp", [body[:10], body[10:]] if chunked and size > 10 else body)
        assert (answer.status, answer.json["bytes"]) == (200, size)
        assert counted.answers == {200: 1}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [MAX_BODY + 1, 5 * 1024**2])
def test_bodies_beyond_the_limit(size: int, chunked: bool) -> None:
    """They are refused with 413, which the client is there to read; the next request is served."""
    with guarded() as (server, counted):
        body = (b"x" * 50_000 for _ in range(size // 50_000 + 1)) if chunked else b"x" * size
        answer = server.ask("POST", "/mcp", body)
        assert answer.status == 413
        assert "too long" in answer.json["error"]
        assert server.ask("POST", "/mcp", b"{}").status == 200
        assert counted.answers == {413: 1, 200: 1}


def test_a_length_beyond_the_limit_is_refused_before_the_body() -> None:
    """The answer comes while not one byte of the body was sent."""
    with guarded() as (server, _), server.connect() as connection:
        connection.sendall(b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_json_that_is_nested_deeply() -> None:
    """Ten thousand levels are refused; a hundred are not, nor are brackets in a text."""
    with guarded() as (server, _):
        answer = server.ask("POST", "/mcp", b"[" * 10_000 + b"]" * 10_000)
        assert answer.status == 400
        assert "nested" in answer.json["error"]
        assert server.ask("POST", "/mcp", b"[" * 100 + b"]" * 100).status == 200
        assert server.ask("POST", "/mcp", b'"' + b"[" * 10_000 + b'"').status == 200


def test_json_that_is_not_utf8() -> None:
    """UTF-16, in which brackets could hide behind quotes that are none, is refused."""
    with guarded() as (server, _):
        assert server.ask("POST", "/mcp", '{"a": 1}'.encode("utf-16-le")).status == 400


def test_who_is_not_known_sends_no_body() -> None:
    """Without the right token the answer is there while the body is not; with it the body is waited for."""
    with guarded(tokens=True) as (server, _):
        head = b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        with server.connect() as connection:
            connection.sendall(head + b"Authorization: Bearer wrong\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        with server.connect() as connection:
            connection.sendall(head + b"Authorization: Bearer right\r\n\r\n")
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(20)
            connection.sendall(b"x" * 1000)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"POST /mcp HT",
        b"POST /mcp HTTP/1.1\r\nHost: x\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
        b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
    ],
)
def test_a_request_that_does_not_arrive_ends_its_connection(beginning: bytes) -> None:
    """Wherever it stops: before its first byte, in the header, in the body."""
    with guarded(read_timeout=0.3) as (server, _), server.connect() as connection:
        connection.sendall(beginning)
        assert received(connection) == b""
        assert server.ask("POST", "/mcp", b"{}").status == 200


def test_a_request_byte_by_byte_ends_its_connection() -> None:
    """Bytes that come now and then do not extend the time."""

    def drip(connection: socket.socket) -> None:
        for byte in b"POST /" + b"m" * 400:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with guarded(read_timeout=0.5) as (server, _), server.connect() as connection, pytest.raises(ConnectionError):
        drip(connection)


def test_a_slow_answer_is_waited_for() -> None:
    """The time is the client's: once the request is there, the server may take longer; and so for each request."""
    with guarded(read_timeout=0.3) as (server, _):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        with closing(connection):
            for _ in range(2):
                later = threading.Timer(0.8, server.ask, ("GET", "/let-go"))
                later.start()
                connection.request("POST", "/wait", b"{}")
                assert connection.getresponse().read() == b"done"
                later.join(20)


def test_an_answer_that_is_not_read_ends_its_connection() -> None:
    """A client that asks for much and takes none of it is cut off; one that takes it gets all."""
    with guarded(read_timeout=0.5) as (server, counted), server.connect() as connection:
        connection.sendall(b"POST /much HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        deadline = time.monotonic() + 20
        while server.connections or not counted.answers[200]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert len(received(connection)) < MUCH
        assert len(server.ask("POST", "/much", b"{}").body) == MUCH


def test_the_second_request_has_its_time_too() -> None:
    """On a connection that has served one, the header of the next must arrive in time as well."""
    with guarded(read_timeout=0.3) as (server, _), server.connect() as connection:
        connection.sendall(b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        connection.sendall(b"POST /mcp HT")
        received(connection)
        assert time.monotonic() - began < 4  # uvicorn's own time of five seconds ends with the first byte


def test_more_requests_than_one_process_works_on() -> None:
    """They are sent away, to come again, while those that are worked on end well."""
    with guarded(most_requests=3) as (server, counted):
        answers: list[int] = []
        waiting = [
            threading.Thread(target=lambda: answers.append(server.ask("POST", "/wait", b"{}").status)) for _ in range(8)
        ]
        for thread in waiting:
            thread.start()
        deadline = time.monotonic() + 20
        while counted.answers[503] < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        busy = server.ask("POST", "/mcp", b"{}")
        assert (busy.status, busy.headers["retry-after"]) == (503, "1")
        server.ask("GET", "/let-go")
        for thread in waiting:
            thread.join(20)
        assert Counter(answers) == {200: 3, 503: 5}
        assert server.ask("POST", "/mcp", b"{}").status == 200


def test_an_error_of_the_application_is_masked() -> None:
    """The client is told which request it was, and nothing of the error."""
    with guarded() as (server, counted):
        answer = server.ask("GET", "/fail", headers={"X-Request-ID": "seven"})
        assert (answer.status, answer.headers["x-request-id"]) == (500, "seven")
        assert b"secret" not in answer.body
        assert counted.answers == {500: 1}


def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    """In the middle of a body: nothing is answered, and its place is free again."""
    with guarded(most_requests=1) as (server, _):
        for _ in range(5):
            with server.connect() as connection:
                connection.sendall(b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123")
        assert server.ask("POST", "/mcp", b"{}").status == 200
