"""Asking pages on the web for their status without being led anywhere else.

Only http and https, only public addresses unless allowed. The address that is checked is the address that is connected
to: the check is made where a connection is made, so that a name which changes meanwhile gains nothing. Redirects are
not followed, proxies of the environment are not used, no body is read, and one time limit holds for all of it.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

from rekall import __version__
from rekall.addresses import Resolve, ask_system, resolve
from rekall.errors import ConfigError, FetchError

USER_AGENT = f"Rekall/{__version__} (link check)"
MAX_URL_LENGTH = 8192
_TRIED_ADDRESSES = 4
_HEAD_REFUSED = (405, 501)


class SafeHttp:
    """Asks for the status of pages; threads may share one.

    Args:
        timeout: seconds for one page: resolving, connecting, and every request together.
        allow_private: contact addresses that are not public too (loopback, a company's network ...).
        ssl_context: how certificates are verified; against the authorities that the system trusts if left out.
        ask: resolves names.

    Raises:
        ConfigError: the authorities that the system trusts cannot be read.
    """

    def __init__(
        self,
        *,
        timeout: float = 10.0,
        allow_private: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        ask: Resolve = ask_system,
    ) -> None:
        self._timeout = timeout
        self._allow_private = allow_private
        self._ssl_context = ssl_context or _system_trust()
        self._ask = ask

    def status(self, url: str) -> int:
        """The HTTP status of a page: by HEAD, and by GET where HEAD is not implemented.

        Raises:
            FetchError: there was no answer.
        """
        target = parse(url)
        network = _CheckedNetwork(time.monotonic() + self._timeout, self._allow_private, self._ask)
        status = self._request("HEAD", target, network)
        return self._request("GET", target, network) if status in _HEAD_REFUSED else status

    def _request(self, method: str, target: httpcore2.URL, network: _CheckedNetwork) -> int:
        headers: list[tuple[bytes | str, bytes | str]] = [
            ("User-Agent", USER_AGENT),
            ("Accept", "*/*"),
            ("Connection", "close"),
        ]
        try:
            with (
                httpcore2.ConnectionPool(ssl_context=self._ssl_context, network_backend=network) as pool,
                pool.stream(method, target, headers=headers) as response,
            ):
                return int(response.status)
        except httpcore2.TimeoutException as error:
            raise FetchError(f"{_host(target)} did not answer within {self._timeout:g} s", "timeout") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise FetchError(f"{_host(target)} could not be reached: {error}", "connection") from error


def _system_trust() -> ssl.SSLContext:
    try:
        return httpcore2.default_ssl_context()
    except OSError as error:  # also what OpenSSL raises
        raise ConfigError(
            f"the certificate authorities cannot be read ({error}): correct or unset SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error


def parse(url: str) -> httpcore2.URL:
    """The parts of the address of a page, its host as it is sent: in ASCII, without a final dot.

    Raises:
        FetchError: it is none, or has a user name or password in it, which are not sent anywhere.
    """
    try:
        parsed = httpx2.URL(url) if len(url) <= MAX_URL_LENGTH else httpx2.URL()
    except (httpx2.InvalidURL, UnicodeError) as error:  # UnicodeError: half of a surrogate pair
        raise FetchError(f"{_shown(url)} is no address: {error}", "invalid") from error
    if parsed.scheme not in ("http", "https") or parsed.userinfo:
        raise FetchError(
            f"{_shown(url)} is not checked: give an http or https address without a user name,"
            f" {MAX_URL_LENGTH} characters at most",
            "invalid",
        )
    host = parsed.raw_host.decode("ascii").removesuffix(".")
    port = parsed.port if parsed.port is not None else {"http": 80, "https": 443}[parsed.scheme]
    if not host or set(host) & set("%*\\ ") or not 0 < port < 65536:
        raise FetchError(f"{_shown(url)} has no usable host or port", "invalid")
    return httpcore2.URL(scheme=parsed.raw_scheme, host=host.encode("ascii"), port=parsed.port, target=parsed.raw_path)


def _shown(url: str) -> str:
    """The address for a message: on one line, cut, and without a password."""
    return repr(re.sub(r"//[^/@]*@", "//***@", url)[:80])


def _host(target: httpcore2.URL) -> str:
    return target.host.decode("ascii")


class _CheckedNetwork(httpcore2.NetworkBackend):
    """Makes connections for httpcore: to addresses that were checked, within a deadline."""

    def __init__(self, deadline: float, allow_private: bool, ask: Resolve) -> None:
        self._deadline = deadline
        self._allow_private = allow_private
        self._ask = ask
        self._system = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._deadline - time.monotonic()
        addresses = resolve(host, port, timeout=left, allow_private=self._allow_private, ask=self._ask)
        *others, last = addresses[:_TRIED_ADDRESSES]
        for tried, address in enumerate(others):
            # one address that swallows packets must not use up the time of the others
            share = _left(self._deadline, httpcore2.ConnectTimeout) / (len(others) + 1 - tried)
            with contextlib.suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return self._connect(address, port, share, local_address, socket_options)
        left = _left(self._deadline, httpcore2.ConnectTimeout)
        return self._connect(last, port, left, local_address, socket_options)

    def _connect(
        self,
        address: str,
        port: int,
        timeout: float,
        local_address: str | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None,
    ) -> httpcore2.NetworkStream:
        stream = self._system.connect_tcp(address, port, timeout, local_address, socket_options)
        return _TimedStream(stream, self._deadline)


class _TimedStream(httpcore2.NetworkStream):
    """A connection of which every step ends at one deadline; httpcore's own limits begin anew at each read."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(self._deadline, httpcore2.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, error: type[httpcore2.TimeoutException]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise error("the time is up")
    return left
