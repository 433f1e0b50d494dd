"""Real HTTP servers on this machine that answer as a path says, and remember what they were asked."""

from __future__ import annotations

import http.server
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CERTIFICATE = Path(__file__).parents[1] / "data" / "tls" / "localhost.pem"
"""For localhost and pinned.test, with its key; the certificate is its own authority."""


def trusting() -> ssl.SSLContext:
    """Verifies as ever, and trusts `CERTIFICATE` alone."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


@dataclass
class Asked:
    """One request, as it arrived."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Web:
    """A running server.

    Args:
        asked: every request, in their order.
        busiest: the most requests that it had at one moment.
        sent: bytes of bodies, by path.
        names: the names that TLS clients asked for.
    """

    port: int
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    busiest: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    names: list[str | None] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path, such as `/status/404`, `/to?<location>`, `/slow/<seconds>` or `/get-only/405`."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        """The paths asked for, in their order."""
        return [one.path for one in self.asked]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        web, lock = self.server.web, self.server.lock
        with lock:
            web.asked.append(Asked(self.command, self.path, dict(self.headers)))
            web.starts.append(time.monotonic())
            self.server.now += 1
            web.busiest = max(web.busiest, self.server.now)
        try:
            _, _, rest = self.path.partition("?")
            kind, _, value = self.path.partition("?")[0].strip("/").partition("/")
            self._reply(kind, value, rest)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # the client has gone, as some tests want
        finally:
            self.close_connection = True
            with lock:
                self.server.now -= 1

    def _reply(self, kind: str, value: str, rest: str) -> None:
        if kind == "status":
            self._head(int(value))
        elif kind == "to":
            self._head(302, Location=rest)
        elif kind == "slow":
            time.sleep(float(value))
            self._head(200)
        elif kind == "late":
            time.sleep(float(value))
            self._head(405)
        elif kind == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
            self._pour(b"x", 0.05)
        elif kind == "get-only" and self.command == "HEAD":
            self._head(int(value))
        elif kind == "huge":
            if self.command == "HEAD":
                self._head(405)
            else:
                self._head(200, Content_Length=str(10**12))
                self._pour(b"x" * 65536, 0)
        elif kind == "garbage":
            self.wfile.write(b"220 mail.example ESMTP\r\n\r\n")
        elif kind == "headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            self._pour(b"X-One: " + b"x" * 1000 + b"\r\n", 0)
        else:
            self._head(200)

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content_Length": "0"} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _pour(self, piece: bytes, pause: float) -> None:
        """Send until the client goes away or the server is closed."""
        while not self.server.closing.is_set():
            self.server.web.sent[self.path] += self.wfile.write(piece)
            self.server.closing.wait(pause)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.web = Web(self.server_address[1])
        self.lock = threading.Lock()
        self.now = 0
        self.closing = threading.Event()

    def handle_error(self, *_: Any) -> None:
        """A client that refuses the certificate is no fault of the server."""


@contextmanager
def serving(*, tls: bool = False) -> Iterator[Web]:
    """A server on a free port of 127.0.0.1."""
    server = _Server()
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        context.sni_callback = lambda _socket, name, _context: server.web.names.append(name)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.web.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.web
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
