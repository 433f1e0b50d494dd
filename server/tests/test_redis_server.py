"""The redis-server of the tests does what the tests of the back end rely on."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from server_support.redis import RedisServer


def test_it_answers_and_keeps_nothing_over_a_restart(redis_server: RedisServer) -> None:
    """The same port, another process, no keys."""
    port, pid = redis_server.port, redis_server.pid
    redis_server.command("SET", "key", "value")
    assert redis_server.keys() == ["key"]
    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        redis_server.keys()
    redis_server.restart()
    assert (redis_server.keys(), redis_server.port) == ([], port)
    assert redis_server.pid != pid


def test_it_can_be_stopped_and_goes_on(redis_server: RedisServer) -> None:
    """A stopped one takes connections and answers nobody."""
    redis_server.stop()
    client = redis.Redis(port=redis_server.port, socket_timeout=0.2, retry=Retry(NoBackoff(), 0), protocol=2)
    began = time.monotonic()
    with pytest.raises(redis.TimeoutError):
        client.ping()
    assert time.monotonic() - began >= 0.2
    redis_server.go_on()
    assert redis_server.command("PING") is True
    client.close()


def test_a_password_does_not_lock_the_test_out(redis_server: RedisServer) -> None:
    """The user of the tests is another one than `default`."""
    redis_server.config("requirepass", "secret")
    redis_server.disconnect_clients()
    with redis.Redis(port=redis_server.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert redis_server.command("PING") is True


def test_without_a_redis_server_a_test_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install: a run that skips what it is for proves nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(RuntimeError, match="these tests need a redis-server: install it"):
        RedisServer(tmp_path)
