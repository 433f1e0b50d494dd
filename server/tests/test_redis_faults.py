"""What goes wrong with a real Redis: each fault is the right error, soon, with the mend, and ends by itself."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
import redis
from server_support.redis import RedisServer, free_port

from rekall.errors import (
    BackendError,
    CacheError,
    CacheOutcomeUnknownError,
    CacheUnavailableError,
    TransientError,
)
from rekall.infra.instrument import instrument
from rekall.infra.retry import Retry
from rekall_server.backends.redis_cache import RedisCacheBackend
from rekall_server.hide import without_secrets

SLACK = 1.0
"""Seconds that a loaded machine may add."""
CALLS: dict[str, tuple[Any, ...]] = {
    "get": ("key",),
    "set": ("key", 1),
    "delete": ("key",),
    "exists": ("key",),
    "clear": (),
}


@contextmanager
def cache_of(url: str, **options: Any) -> Iterator[RedisCacheBackend]:
    """A cache with a short time-out."""
    cache = RedisCacheBackend(url, **{"prefix": "test", "timeout": 0.3, **options})
    try:
        yield cache
    finally:
        cache.close()


def refused(call: Callable[[], object]) -> CacheError:
    """The error of a call, which is one line that ends well."""
    with pytest.raises(CacheError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return caught.value


def is_permanent(error: BackendError) -> bool:
    """Whether the retry layer lets it pass."""
    return not isinstance(error, (TransientError, CacheOutcomeUnknownError))


@pytest.fixture
def cache(redis_server: RedisServer) -> Iterator[RedisCacheBackend]:
    """A cache in a Redis of the test's own."""
    with cache_of(redis_server.url) as made:
        yield made


@pytest.mark.parametrize("call", CALLS)
def test_nobody_listens(call: str) -> None:
    """A refused connection: nothing was applied, and the message says where and what to do."""
    port = free_port()
    with cache_of(f"redis://user:hidden@127.0.0.1:{port}/0") as cache:
        error = refused(lambda: getattr(cache, call)(*CALLS[call]))
    assert isinstance(error, CacheUnavailableError)
    assert str(error) == (
        f"Redis at 127.0.0.1:{port} cannot be reached (connection refused): start it, or correct redis_url "
        "(in config.toml: url under [backends.cache_options])"
    )
    assert isinstance(error.__cause__, redis.ConnectionError)


def test_killed_and_started_again(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """The same back end recovers by itself, without an error once the server answers on its port again."""
    cache.set("key", "before")
    redis_server.kill()
    assert isinstance(refused(lambda: cache.get("key")), CacheUnavailableError)
    redis_server.restart()
    assert cache.get("key", "gone") == "gone"
    cache.set("key", "after")
    assert cache.get("key") == "after"


def test_restarted_between_two_calls(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """A connection that the server has closed is noticed before anything is sent over it: no error at all."""
    cache.set("key", "before")
    redis_server.restart()
    cache.set("key", "after")
    assert cache.get("key") == "after"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("how", ["stopped", "paused"])
def test_it_does_not_answer(redis_server: RedisServer, cache: RedisCacheBackend, call: str, how: str) -> None:
    """After the time-out nobody knows whether a write was applied; a read can be said to be unavailable."""
    cache.set("key", 1)
    if how == "stopped":
        redis_server.stop()
    else:
        redis_server.pause(1500)
    began = time.monotonic()
    error = refused(lambda: getattr(cache, call)(*CALLS[call]))
    assert 0.3 <= time.monotonic() - began < 0.3 + SLACK
    assert type(error) is (CacheOutcomeUnknownError if call in ("set", "delete") else CacheUnavailableError)
    assert f"127.0.0.1:{redis_server.port}" in str(error)
    assert "no answer within 0.3 s" in str(error)
    if how == "stopped":
        redis_server.go_on()
    assert comes_back(lambda: cache.get("other", "missing")) == "missing"


def test_a_write_after_the_time_out_may_have_been_applied(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """That is what the error says, and it can be so."""
    cache.set("key", "before")
    redis_server.stop()
    assert isinstance(refused(lambda: cache.set("key", "after")), CacheOutcomeUnknownError)
    redis_server.go_on()
    assert comes_back(lambda: cache.get("key")) == "after"


def test_a_new_password(redis_server: RedisServer) -> None:
    """Not tried again, no password shown, and the mend is named; the pause of the unreachable does not begin."""
    slept: list[float] = []
    with cache_of(redis_server.url_of("default", "old-secret")) as cache:
        redis_server.config("requirepass", "old-secret")
        wrapped = instrument(cache, "redis", retry=Retry(sleep=slept.append))
        wrapped.set("key", 1)
        redis_server.config("requirepass", "new-secret")
        redis_server.disconnect_clients()
        for _ in range(4):
            error = refused(lambda: wrapped.get("key"))
            assert is_permanent(error)
            assert str(error).startswith(f"Redis at 127.0.0.1:{redis_server.port} refuses the user or the password")
            assert "redis_url" in str(error)
            assert "secret" not in str(error)
        assert slept == []
        redis_server.config("requirepass", "old-secret")
        assert wrapped.get("key") == 1


def test_a_password_where_there_was_none(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """The URL has none: the same error, which the log tells whole: no word of it is taken for a password."""
    redis_server.config("requirepass", "secret")
    error = refused(lambda: cache.get("key"))
    assert is_permanent(error)
    assert "refuses the user or the password; correct redis_url" in without_secrets(str(error))


def test_no_memory_left(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """What is there can be read and removed; a write is refused for good, without a pause."""
    cache.set("key", "value")
    redis_server.config("maxmemory-policy", "noeviction")
    redis_server.config("maxmemory", "100kb")
    for _ in range(4):
        error = refused(lambda: cache.set("more", "x" * 1000))
        assert is_permanent(error)
        assert "has no memory left for SET: raise its maxmemory" in str(error)
        assert cache.get("key") == "value"
    assert cache.delete("key") is True
    redis_server.config("maxmemory", 0)
    cache.set("more", "x" * 1000)


def test_a_replica(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """It answers reads; a write says that the primary is wanted."""
    cache.set("key", "value")
    redis_server.command("REPLICAOF", "127.0.0.1", free_port())
    assert cache.get("key") == "value"
    error = refused(lambda: cache.set("key", "other"))
    assert is_permanent(error)
    assert "is a replica, which takes no SET: name the primary in redis_url" in str(error)
    assert is_permanent(refused(cache.check))
    redis_server.command("REPLICAOF", "NO", "ONE")
    cache.set("key", "other")
    cache.check()


def test_a_replica_without_its_primary(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """One that serves nothing while it has no primary may do so later: worth trying again."""
    redis_server.config("replica-serve-stale-data", "no")
    redis_server.command("REPLICAOF", "127.0.0.1", free_port())
    error = refused(lambda: cache.get("key"))
    assert isinstance(error, CacheUnavailableError)
    assert "takes no calls now" in str(error)


def test_a_script_that_does_not_end(start_redis: Callable[..., RedisServer]) -> None:
    """Redis says that it is busy: worth trying again."""
    server = start_redis("lua-time-limit 50")
    with cache_of(server.url, timeout=2) as cache:
        cache.set("key", 1)
        endless = threading.Thread(target=_run_endless_script, args=(server,))
        endless.start()
        try:
            error = comes_true(lambda: _error_of(lambda: cache.get("key")))
        finally:
            server.command("SCRIPT", "KILL")
            endless.join(10)
        assert isinstance(error, CacheUnavailableError)
        assert "takes no calls now: BUSY Redis is busy running a script" in str(error)
        assert cache.get("key") == 1


def test_a_user_with_few_rights(redis_server: RedisServer) -> None:
    """The error names the command, and what a user needs; with that it works, and `check` finds nothing wrong."""
    redis_server.command("ACL", "SETUSER", "few", "on", ">word", "~other:*", "+get")
    with cache_of(redis_server.url_of("few", "word")) as cache:
        assert "does not permit GET to this user" in str(refused(lambda: cache.get("key")))
        error = refused(lambda: cache.set("key", 1))
        assert is_permanent(error)
        assert "does not permit SET to this user" in str(error)
        assert "does not permit PING" in str(refused(cache.check))
        advice = re.search(r"ACL SETUSER NAME ~PREFIX:\* ([+a-z ]+)\)", str(error))
        assert advice
        redis_server.command("ACL", "SETUSER", "few", "resetkeys", "~test:*", *advice[1].split())
        cache.check()
        for call, arguments in CALLS.items():
            getattr(cache, call)(*arguments)
    with cache_of(redis_server.url_of("few", "wrong")) as cache:
        assert "refuses the user or the password" in str(refused(lambda: cache.get("key")))


def test_a_database_that_there_is_not(redis_server: RedisServer) -> None:
    """Redis has 16 of them, and says so when it is asked for another one."""
    with cache_of(redis_server.url_of(database=99)) as cache:
        error = refused(lambda: cache.get("key"))
    assert is_permanent(error)
    assert "refuses the connection that redis_url" in str(error)
    assert "DB index is out of range" in str(error)


def test_a_command_that_was_taken_away(start_redis: Callable[..., RedisServer]) -> None:
    """What Redis says of it repeats the key and the value, which no message may show."""
    server = start_redis('rename-command SET ""')
    with cache_of(server.url) as cache:
        error = refused(lambda: cache.set("confidential key", "confidential value"))
    assert is_permanent(error)
    assert "refuses SET: unknown command" in str(error)
    assert "confidential" not in str(error)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 mail.example.org ESMTP\r\n",
        b"$many\r\n",
        b":x\r\n",
        b"\0" * 40 + b"\r\n",
        b"*1\r\n" * 3000,
        b"$99999999999999999999\r\n",
        b"*2\r\n:1\r\n:1\r\n",
        b"*0\r\n",
    ],
    ids=lambda answer: ascii(answer[:12]),
)
def test_another_service_on_the_port(answer: bytes, call: str) -> None:
    """It is told from Redis, and the mend is the port."""
    with service(lambda connection: connection.sendall(answer)) as port, cache_of(f"redis://127.0.0.1:{port}") as cache:
        error = refused(lambda: getattr(cache, call)(*CALLS[call]))
        assert is_permanent(error)
        assert str(error).startswith(f"what answers at 127.0.0.1:{port} is not Redis: correct redis_url")


def test_a_service_that_hangs_up() -> None:
    """Whether a write was applied is not known."""
    with service(lambda connection: None) as port, cache_of(f"redis://127.0.0.1:{port}") as cache:
        assert isinstance(refused(lambda: cache.get("key")), CacheUnavailableError)
        assert type(refused(lambda: cache.set("key", 1))) is CacheOutcomeUnknownError


@pytest.mark.parametrize("password", ["", ":word@"], ids=["the command", "the password"])
def test_each_call_asks_once(password: str) -> None:
    """What is tried again is the retry layer's business: the driver sends nothing twice."""
    asked: list[str] = []
    with (
        service(lambda connection: asked.append("once")) as port,
        cache_of(f"redis://{password}127.0.0.1:{port}") as cache,
    ):
        for number, (call, arguments) in enumerate(CALLS.items(), 1):
            refused(partial(getattr(cache, call), *arguments))
            assert len(asked) == number


def test_a_service_that_speaks_no_tls(redis_server: RedisServer) -> None:
    """A plain Redis asked over TLS: an error that trying again does not mend, or none that takes longer than it may."""
    with cache_of(redis_server.url_of(scheme="rediss")) as cache:
        began = time.monotonic()
        error = refused(lambda: cache.get("key"))
        assert time.monotonic() - began < 0.3 + SLACK
    assert isinstance(error, CacheError)
    assert f"127.0.0.1:{redis_server.port}" in str(error)


def test_an_interrupted_call_leaves_its_answer_to_nobody(
    redis_server: RedisServer, cache: RedisCacheBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted between question and answer: the next question has its own answer, not the one that was left."""
    cache.set("first", "of the first")
    cache.set("second", "of the second")

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    redis_server.stop()
    with monkeypatch.context() as patched:
        patched.setattr("redis.connection.AbstractConnection.read_response", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.get("first")
    going_on = threading.Timer(0.1, redis_server.go_on)
    going_on.start()
    assert cache.get("second") == "of the second"
    going_on.join()


def test_more_threads_than_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds none free within the time-out is told so, and no pause begins."""
    monkeypatch.setattr("rekall_server.backends.redis_cache.CONNECTIONS", 1)
    asked, enough = threading.Event(), threading.Event()

    def answer_slowly(connection: socket.socket) -> None:
        asked.set()
        connection.sendall(b"$1000\r\n")
        while not enough.wait(0.1):
            connection.sendall(b"x")

    with service(answer_slowly) as port, cache_of(f"redis://127.0.0.1:{port}", timeout=0.5) as cache:
        holding = threading.Thread(target=_error_of, args=(lambda: cache.get("key"),))
        holding.start()
        try:
            assert asked.wait(10)
            for _ in range(4):
                error = refused(lambda: cache.get("key"))
                assert isinstance(error, CacheUnavailableError)
                assert "became free within 0.5 s: too many calls at once" in str(error)
        finally:
            enough.set()
            holding.join(10)


def comes_back(call: Callable[[], Any]) -> Any:
    """What a call gives once it raises no more, within 10 s."""
    return comes_true(lambda: _result_of(call))


def comes_true(ask: Callable[[], Any]) -> Any:
    """The first answer that is not None, within 10 s."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.01)
    raise AssertionError("it did not come true within 10 s")


@contextmanager
def service(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port on which something answers to the first thing that it is told, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1000)
                        answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _result_of(call: Callable[[], Any]) -> Any:
    with suppress(CacheError):
        return call()
    return None


def _error_of(call: Callable[[], object]) -> CacheError | None:
    try:
        call()
    except CacheError as error:
        return error
    return None


def _run_endless_script(server: RedisServer) -> None:
    with suppress(redis.RedisError):
        server.command("EVAL", "while true do end", 0)
