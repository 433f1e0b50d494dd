"""The URL of Redis: what it may say, and what is told of a wrong one before anything is connected."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from server_support.redis import RedisServer
from server_support.tls import Tls

from rekall.errors import CacheError, ConfigError
from rekall_server.backends.redis_cache import RedisCacheBackend
from rekall_server.backends.redis_url import address


@pytest.mark.parametrize(
    ("url", "place", "arguments"),
    [
        ("redis://cache.example.org", "cache.example.org:6379", {"host": "cache.example.org"}),
        ("redis://cache:7000/3", "cache:7000", {"host": "cache", "port": 7000, "db": 3}),
        ("redis://cache/?db=4", "cache:6379", {"host": "cache", "db": 4}),
        ("redis://[::1]:7000/0", "[::1]:7000", {"host": "::1", "port": 7000, "db": 0}),
        ("redis://:pass@cache/0", "cache:6379", {"host": "cache", "password": "pass", "db": 0}),
        (
            "redis://us%3Aer:p%40%2F%3F%23%25@cache/0",
            "cache:6379",
            {"host": "cache", "username": "us:er", "password": "p@/?#%", "db": 0},
        ),
    ],
)
def test_what_a_url_says(url: str, place: str, arguments: dict[str, object]) -> None:
    """Host, port, user, password and database."""
    assert address(url) == (place, Connection, arguments)


def test_a_unix_socket(redis_server: RedisServer) -> None:
    """The path of one, with the database after it."""
    found = address(f"unix://user:word@{redis_server.socket}?db=2")
    assert (found.place, found.connection_class) == (str(redis_server.socket), UnixDomainSocketConnection)
    cache = RedisCacheBackend(f"unix://{redis_server.socket}?db=2", prefix="base")
    cache.set("key", 1)
    assert redis_server.keys(database=2) == ["base:12:key"]
    cache.close()
    redis_server.close()
    with pytest.raises(CacheError, match=f"Redis at {redis_server.socket} cannot be reached"):
        cache.get("key")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "begins with none of redis://, rediss:// and unix://"),
        ("localhost:6379", "begins with none"),
        ("redis:localhost", "begins with none"),
        ("http://SECRET@localhost", "begins with none"),
        ("redis://", "no host"),
        ("redis://:SECRET@/0", "no host"),
        ("redis://localhost:port/0", "a port is a number from 1 to 65535"),
        ("redis://localhost:99999/0", "a port is a number from 1 to 65535"),
        ("redis://localhost:-1/0", "a port is a number from 1 to 65535"),
        ("redis://localhost:0/0", "its port is 0"),
        ("redis://[::1/0", "host or port cannot be read"),
        ("redis://localhost/zero", "database is not a number"),
        ("redis://localhost/-1", "database is not a number"),
        ("redis://localhost/1/2", "database is not a number"),
        ("redis://localhost?db=x", "database is not a number"),
        ("redis://localhost/٣", "database is not a number"),
        ("redis://:SEC/RET@localhost:6379/0", "a port is a number"),
        ("redis://:SEC#RET@localhost:6379/0", "cannot be read"),
        ("redis://user:1#SECRET@localhost:6379/0", "it has a '#'"),
        ("redis://user:1?SECRET@localhost:6379/0", "what it has after '?' is not known: it takes db"),
        ("redis://localhost?socket_timeout=3", "socket_timeout after '?' is not known: it takes db"),
        ("redis://localhost?ssl_ca_certs=/x", "ssl_ca_certs after '?' is not known"),
        ("rediss://localhost?ssl_ca_cert=/x", "ssl_ca_cert after '?' is not known"),
        ("rediss://localhost?ssl_ca_certs=/does/not/exist", "no such file as its ssl_ca_certs names"),
        ("rediss://localhost?ssl_cert_reqs=SECRET", "a value that redis-py does not take"),
        ("rediss://localhost?ssl_min_version=SECRET", "a value that redis-py does not take"),
        ("unix://", "no path of a socket"),
        ("unix:///run/redis.sock?db=one", "database is not a number"),
    ],
)
def test_a_wrong_url(url: str, says: str) -> None:
    """One line: what is wrong, which setting, and the right form; no part of the URL, which may be the password."""
    with pytest.raises(ConfigError) as caught:
        RedisCacheBackend(url, prefix="base")
    text = str(caught.value)
    assert says in text
    assert text.startswith("url is no URL of Redis: ")
    assert "redis://USER:PASSWORD@HOST:PORT/DATABASE" in text
    assert "\n" not in text
    assert not any(part in text for part in ("SECRET", "SEC/", "RET@", "/does"))
    # nor does a traceback: what Python says of a port repeats it
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_the_parameters_of_tls(tmp_path: Path) -> None:
    """Those of redis-py, read as what they are."""
    (tmp_path / "ca.pem").touch()
    found = address(f"rediss://u:p@cache:6380/1?ssl_ca_certs={tmp_path}/ca.pem&ssl_check_hostname=no")
    assert (found.place, found.connection_class) == ("cache:6380", SSLConnection)
    assert found.arguments == {
        "host": "cache",
        "port": 6380,
        "username": "u",
        "password": "p",
        "db": 1,
        "ssl_ca_certs": f"{tmp_path}/ca.pem",
        "ssl_check_hostname": False,
    }


def test_over_tls(redis_server: RedisServer, tls: Tls) -> None:
    """With the certificate of its authority, and a user and password, over a real connection."""
    redis_server.command("ACL", "SETUSER", "few", "on", ">word", "~base:*", "+@all")
    with tls.in_front_of(redis_server.port) as port:
        cache = RedisCacheBackend(f"rediss://few:word@127.0.0.1:{port}/1?ssl_ca_certs={tls.authority}", prefix="base")
        cache.check()
        cache.set("key", "x" * 100_000, 60)
        assert cache.get("key") == "x" * 100_000
        cache.close()
    assert redis_server.keys(database=1) == ["base:12:key"]


def test_a_certificate_that_is_not_trusted(redis_server: RedisServer, tls: Tls) -> None:
    """It is an error for good, which says what to check; unless the URL says that it does not matter."""
    with tls.in_front_of(redis_server.port) as port:
        cache = RedisCacheBackend(f"rediss://127.0.0.1:{port}/0", prefix="base")
        for _ in range(4):
            with pytest.raises(CacheError) as caught:
                cache.get("key")
            assert type(caught.value) is CacheError
            assert f"Redis at 127.0.0.1:{port} cannot be spoken to over TLS (" in str(caught.value)
            assert "ssl_ca_certs" in str(caught.value)
            assert any(isinstance(cause, ssl.SSLError) for cause in _causes(caught.value))
        cache.close()
        trusting = RedisCacheBackend(f"rediss://127.0.0.1:{port}/0?ssl_cert_reqs=none", prefix="base")
        trusting.set("key", 1)
        assert trusting.get("key") == 1
        trusting.close()


def _causes(error: BaseException) -> list[BaseException]:
    following = error.__cause__ or error.__context__
    return [error, *(_causes(following) if following else ())]
