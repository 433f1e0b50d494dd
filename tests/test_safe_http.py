"""Pages asked for their status on real servers: what is answered, what is refused, and what a hostile one can do."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.web import Web, serving, trusting

from rekall import __version__
from rekall.errors import ConfigError, FetchError
from rekall.safe_http import MAX_URL_LENGTH, SafeHttp, parse


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as running:
        yield running


def here(timeout: float = 10, ask: Callable[[str, int], list[str]] | None = None) -> SafeHttp:
    """A client that may contact this machine."""
    at = {} if ask is None else {"ask": ask}
    return SafeHttp(allow_private=True, timeout=timeout, ssl_context=trusting(), **at)


def at_home(host: str, port: int) -> list[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


def reason(client: SafeHttp, url: str) -> str:
    """Why a page could not be asked for."""
    with pytest.raises(FetchError) as error:
        client.status(url)
    assert len(str(error.value).splitlines()) == 1
    return error.value.reason


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 401, 403, 404, 410, 429, 500, 503])
def test_the_status_comes_back(web: Web, status: int) -> None:
    """By one HEAD request that says who asks."""
    assert here().status(web.url(f"/status/{status}")) == status
    (asked,) = web.asked
    assert (asked.method, asked.path) == ("HEAD", f"/status/{status}")
    assert asked.headers["User-Agent"] == f"Rekall/{__version__} (link check)"
    assert asked.headers["Host"] == f"127.0.0.1:{web.port}"


@pytest.mark.parametrize("refusal", [405, 501])
def test_a_server_without_head_is_asked_with_get(web: Web, refusal: int) -> None:
    """Its answer to GET counts."""
    assert here().status(web.url(f"/get-only/{refusal}")) == 200
    assert [one.method for one in web.asked] == ["HEAD", "GET"]


@pytest.mark.fault(51)
def test_a_redirect_is_not_followed(web: Web) -> None:
    """It is the answer, wherever it points: nothing is asked there."""
    with serving() as target:
        for location in (target.url("/private"), "//127.0.0.1/", "file:///etc/passwd", "/status/404"):
            assert here().status(web.url(f"/to?{location}")) == 302
        assert target.asked == []
    assert all(path.startswith("/to?") for path in web.paths())


@pytest.mark.fault(51)
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "localhost", "localhost."]
)
def test_a_private_address_is_not_contacted(web: Web, host: str) -> None:
    """The server hears nothing, however its address is written."""
    assert reason(SafeHttp(), web.url("/", host)) == "refused"
    assert web.asked == []


def test_an_address_of_the_other_kind_is_not_contacted(web: Web) -> None:
    """A name with a public address first and a private one behind it, the classic way around a check of the first."""
    mixed = SafeHttp(ask=lambda host, port: ["93.184.216.34", "127.0.0.1"])
    assert reason(mixed, web.url("/", "mixed.test")) == "refused"
    assert web.asked == []


def test_the_address_checked_is_the_address_connected_to(web: Web) -> None:
    """A name is resolved once for a connection, so that one which changes (DNS rebinding) gains nothing.

    The name, which the system does not know, is sent as the Host: a server with many names answers for the right one.
    """
    asked: list[str] = []

    def once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    assert here(ask=once).status(web.url("/get-only/405", "many.test")) == 200
    assert [one.headers["Host"] for one in web.asked] == [f"many.test:{web.port}"] * 2
    assert asked == ["many.test", "many.test"]  # once for each connection
    assert here(ask=at_home).status(web.url("/", "BÜCHER.test.")) == 200
    assert web.asked[-1].headers["Host"] == f"xn--bcher-kva.test:{web.port}"


def test_the_next_address_is_tried(web: Web) -> None:
    """Where the first one refuses."""
    both = here(ask=lambda host, port: ["127.0.0.2", "::1", "127.0.0.1"])
    assert both.status(web.url("/", "two.test")) == 200


def test_tls_is_for_the_name() -> None:
    """The certificate and the name asked for in the handshake are those of the host, not of its number."""
    with serving(tls=True) as web:
        assert here(ask=at_home).status(web.url("/status/404", "pinned.test")) == 404
        assert web.names == ["pinned.test"]
        assert here(ask=at_home).status(web.url("/", "localhost.")) == 200
        assert reason(here(ask=at_home), web.url("/", "other.test")) == "connection"
        assert reason(here(), web.url("/", "127.0.0.1")) == "connection"
        assert reason(SafeHttp(allow_private=True), web.url("/", "localhost")) == "connection"  # not a known authority
        assert reason(SafeHttp(ssl_context=trusting()), web.url("/", "localhost")) == "refused"
        assert len(web.asked) == 2


@pytest.mark.parametrize("text", [None, "no certificate\n"])
def test_authorities_that_cannot_be_read_are_one_clear_error(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable that names them may be older than the file."""
    path = tmp_path / "authorities.pem"
    if text:
        path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(ConfigError, match="unset SSL_CERT_FILE"):
        SafeHttp()


def test_no_proxy_of_the_environment_is_used(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be one more host to be led to, and would resolve the names itself."""
    with serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        assert here().status(web.url("/")) == 200
        assert proxy.asked == []


@pytest.mark.parametrize("path", ["/slow/30", "/drip"])
def test_the_time_limit_is_for_all_of_it(web: Web, path: str) -> None:
    """A server that waits, and one that sends a byte now and then for ever."""
    began = time.monotonic()
    assert reason(here(timeout=0.4), web.url(path)) == "timeout"
    assert time.monotonic() - began < 10


def test_one_limit_for_two_requests(web: Web) -> None:
    """HEAD and the GET after it share the time."""
    began = time.monotonic()
    assert reason(here(timeout=0.5), web.url("/late/0.3")) == "timeout"
    assert time.monotonic() - began < 10
    assert [one.method for one in web.asked] == ["HEAD", "GET"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_speaks(scheme: str) -> None:
    """Connected, then silence: in the handshake too."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        began = time.monotonic()
        assert reason(here(timeout=0.3), f"{scheme}://localhost:{listening.getsockname()[1]}/") == "timeout"
        assert time.monotonic() - began < 10


@pytest.mark.fault(51)
def test_a_body_is_not_read(web: Web) -> None:
    """A page without end costs what the sockets buffer, and no more."""
    began = time.monotonic()
    assert here().status(web.url("/huge")) == 200
    assert time.monotonic() - began < 5
    assert web.sent["/huge"] < 50_000_000


@pytest.mark.parametrize("path", ["/garbage", "/headers"])
def test_what_is_not_http(web: Web, path: str) -> None:
    """Another protocol on the port, and headers without end."""
    assert reason(here(), web.url(path)) == "connection"


def test_nobody_is_there() -> None:
    """A port on which nothing listens, and a name that does not exist."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert reason(here(), f"http://127.0.0.1:{taken.getsockname()[1]}/") == "connection"
    assert reason(SafeHttp(), "https://no-such-host.invalid/") == "unresolved"


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "/x", "//h/x", "ftp://h/", "file:///etc/passwd", "javascript:alert(1)", " http://h/", "http:///x"),
        *(
            "http://user:secret@h/",
            "http://user:secret@h:x/",
            "http://user@h/",
            "http://h\\@127.0.0.1/",
            "http://a b/",
            "http://%31.0.0.1/",
        ),
        *("http://h:0/", "http://h:65536/", "http://h:-1/", "http://h:x/", "http://[::1/", "http://[1:2]/"),
        *("http://\ud800/", "http:\ud800", "http://h/\ud800"),
        *("http://h\r\nHost: x/", "http://h/\x00", "http://*.h/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/"),
        *("http://./", "http://ⓔxample.com/", "http://\uff11\uff12\uff17.0.0.1/", "http://h/" + "x" * MAX_URL_LENGTH),
    ],
)
def test_what_is_no_address_of_a_page(url: str) -> None:
    """Refused before any name is resolved; a password in an address goes nowhere, the message included."""

    def never(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    assert reason(SafeHttp(ask=never), url) == "invalid"
    with pytest.raises(FetchError) as error:
        parse(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("HTTP://Example.COM", (b"http", b"example.com", None, b"/")),
        ("https://example.com:8443/a%20b?q=1#part", (b"https", b"example.com", 8443, b"/a%20b?q=1")),
        ("https://bücher.example/ä ö", (b"https", b"xn--bcher-kva.example", None, b"/%C3%A4%20%C3%B6")),
        ("http://[2606:4700::1]:80/x", (b"http", b"2606:4700::1", None, b"/x")),
        ("http://example.com./", (b"http", b"example.com", None, b"/")),
    ],
)
def test_the_parts_of_an_address(url: str, parts: tuple[bytes, bytes, int | None, bytes]) -> None:
    """As they are sent; the fragment stays here."""
    target = parse(url)
    assert (target.scheme, target.host, target.port, target.target) == parts
