"""What the cache keeps in Redis: its keys, their lifetimes, and who shares them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from server_support.redis import RedisServer
from support.processes import run, start

from rekall import config
from rekall.config import get_config
from rekall.errors import CacheError, ConfigError, InvalidValueError
from rekall.store.schema import CURRENT_SCHEMA_VERSION
from rekall_server.backends import redis_cache
from rekall_server.backends.redis_cache import RedisCacheBackend


@pytest.fixture
def cache(redis_server: RedisServer) -> Iterator[RedisCacheBackend]:
    """A cache of a base of its own."""
    made = RedisCacheBackend(redis_server.url, prefix="base")
    yield made
    made.close()


def test_the_version_in_the_keys_is_that_of_rekalls_schema() -> None:
    """Else a Rekall of another schema would take what this one computed for its own."""
    assert redis_cache.SCHEMA_VERSION == CURRENT_SCHEMA_VERSION


def test_what_stands_in_redis(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """The prefix, the version and the key; a byte that says what the value is, and the value as bytes or JSON."""
    cache.set("a:key é", {"a": [1, None, "é"]})
    cache.set("bytes", b"\0\xff", ttl=60)
    assert redis_server.keys() == ["base:12:a:key é", "base:12:bytes"]
    assert redis_server.command("GET", "base:12:a:key é") == b'j{"a":[1,null,"\\u00e9"]}'
    assert redis_server.command("GET", "base:12:bytes") == b"b\0\xff"
    assert redis_server.command("PTTL", "base:12:a:key é") == -1
    assert 55_000 < redis_server.command("PTTL", "base:12:bytes") <= 60_000


def test_lifetimes_are_milliseconds(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """Fractions count; a second set without one has no end; a lifetime beyond what Redis counts has none either."""
    cache.set("key", 1, ttl=59.5)
    assert 55_000 < redis_server.command("PTTL", "base:12:key") <= 59_500
    cache.set("key", 2)
    assert redis_server.command("PTTL", "base:12:key") == -1
    for ttl in (float("inf"), 1e11, 1e300):
        cache.set("key", 3, ttl=1)
        cache.set("key", 3, ttl=ttl)
        assert redis_server.command("PTTL", "base:12:key") == -1
    cache.set("key", 4, ttl=9.9e10)
    assert redis_server.command("PTTL", "base:12:key") > 9e13
    cache.set("key", 5, ttl=1e-9)  # over before anybody asks, or a moment later
    assert redis_server.command("PTTL", "base:12:key") in (-2, 0, 1)


def test_a_value_of_somebody_else_is_none(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """What is damaged, or was never written by this cache, is a miss; what is no value at all is an error."""
    for stored in (b"", b"j", b"j{", b"x1", b"1", b"\x80\x04N.", b"j" + b"[" * 100_000):
        redis_server.command("SET", "base:12:key", stored)
        assert cache.get("key", "miss") == "miss"
    cache.set("key", 1)
    assert cache.get("key") == 1
    redis_server.command("LPUSH", "base:12:list", "x")
    with pytest.raises(CacheError, match="refuses GET: WRONGTYPE"):
        cache.get("list")


def test_a_value_that_is_too_large(cache: RedisCacheBackend) -> None:
    """It would keep Redis from everybody else: it is refused as what is no value is, and what was there stays."""
    cache.set("key", "before")
    with pytest.raises(InvalidValueError, match="a value of 67108865 bytes is too large for Redis: 67108864 at most"):
        cache.set("key", bytes(redis_cache.LARGEST))
    assert cache.get("key") == "before"
    cache.set("key", bytes(8 * 2**20))
    assert cache.get("key") == bytes(8 * 2**20)


def test_clear_removes_its_own_keys_alone(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """In blocks, among many of others, whose prefixes look like a pattern or like a part of its own."""
    others = ["base", "base:12", "base:1", "base:120:key", "bas:12:key", "basee:12:key", "Base:12:key", "x:base:12:key"]
    for key in others:
        redis_server.command("SET", key, "other")
    with redis_server.client() as client:
        client.mset({f"other:{number}": "x" for number in range(3000)})
        client.mset({f"base:12:{number}": "j1" for number in range(2500)})
    assert cache.exists("2499")
    cache.clear()
    left = redis_server.keys()
    assert len(left) == 3000 + len(others)
    assert set(others) < set(left)


@pytest.mark.parametrize("prefix", ["a*", "a?c", "[ab]", "[^a]", "a\\*", "a-c", "{a}", "a b", "é:*"])
def test_a_prefix_is_no_pattern(redis_server: RedisServer, prefix: str) -> None:
    """Whatever it looks like, it stands for itself."""
    others = [f"{other}:12:key" for other in ("ab", "abc", "a", "b", "c", "a\\b", "a\\", "é:x", "[", "^", "]")]
    for key in others:
        redis_server.command("SET", key, "j1")
    cache = RedisCacheBackend(redis_server.url, prefix=prefix)
    cache.set("key", 1)
    cache.clear()
    cache.close()
    assert redis_server.keys() == sorted(others)


def test_each_base_has_a_prefix_of_its_own(redis_server: RedisServer, tmp_path: Path) -> None:
    """By its file, however that is written; clearing the cache of one leaves that of another."""
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    caches = {}
    for name in ("one", "two", "link/one"):
        config.reset_config()
        get_config(tmp_path / f"{name}.db")
        caches[name] = RedisCacheBackend(redis_server.url)
        caches[name].set("key", name)
    keys = redis_server.keys()
    assert len(keys) == 2
    assert all(re.fullmatch(r"rekall:[0-9a-f]{12}:12:key", key) for key in keys)
    assert caches["one"].get("key") == "link/one"
    caches["one"].clear()
    assert (caches["link/one"].exists("key"), caches["two"].get("key")) == (False, "two")
    for cache in caches.values():
        cache.close()


@pytest.mark.parametrize("prefix", ["", "a\nb", "\0"])
def test_a_prefix_that_is_none(prefix: str) -> None:
    """It is refused before anything is connected."""
    with pytest.raises(ConfigError, match=r"^prefix "):
        RedisCacheBackend(prefix=prefix)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), 3.1, float("inf")])
def test_a_time_out_that_is_none(timeout: float) -> None:
    """Three attempts must fit into the time that the retry layer gives."""
    with pytest.raises(ConfigError, match=r"^timeout "):
        RedisCacheBackend(timeout=timeout)


def test_a_key_that_is_no_text(cache: RedisCacheBackend) -> None:
    """Lone surrogates are refused before anything is sent."""
    with pytest.raises(InvalidValueError, match="key"):
        cache.get("\ud800")


_WRITER = """
import sys
from rekall_server.backends.redis_cache import RedisCacheBackend

cache = RedisCacheBackend(sys.argv[1], prefix="base")
cache.set("of the child", {"by": "child"}, 60)
print(cache.get("of the parent"))
cache.close()
"""


def test_processes_share_values(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """What one sets the other gets."""
    cache.set("of the parent", ["by", "parent"])
    assert run(_WRITER, redis_server.url) == "['by', 'parent']\n"
    assert cache.get("of the child") == {"by": "child"}


_FORKING = """
import json, os, sys
from rekall_server.backends.redis_cache import RedisCacheBackend

cache = RedisCacheBackend(sys.argv[1], prefix="base")
cache.set("key", "before")
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        right = all(cache.get("key") == "before" for _ in range(200))
        cache.set(f"of {number}", number)
        os._exit(0 if right and cache.get(f"of {number}") == number else 1)
    children.append(child)
right = all(cache.get("key") == "before" for _ in range(200))
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
print(json.dumps([right, codes, [cache.get(f"of {number}") for number in range(4)]]))
cache.close()
"""


def test_a_forked_process_has_connections_of_its_own(redis_server: RedisServer) -> None:
    """Answers would else reach the wrong process; and the parent's connections stay open."""
    assert json.loads(run(_FORKING, redis_server.url)) == [True, [0] * 4, [0, 1, 2, 3]]


def test_a_killed_process_leaves_whole_values(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """A set that was cut off is not there, or there as a whole."""
    code = """
import sys
from rekall_server.backends.redis_cache import RedisCacheBackend

cache = RedisCacheBackend(sys.argv[1], prefix="base")
print("ready", flush=True)
while True:
    for digit in "0123456789":
        cache.set("key", digit * 2_000_000)
"""
    for _ in range(3):
        process = start(code, redis_server.url)
        assert process.stdout is not None
        process.stdout.readline()
        cache.set("first", 1)
        process.kill()
        process.communicate(timeout=30)
        found = cache.get("key")
        assert found is None or (len(found), len(set(found))) == (2_000_000, 1)


def test_check_says_nothing_and_leaves_nothing(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """When all is well."""
    cache.check()
    assert redis_server.keys() == []


def test_closing_gives_back_what_is_open(redis_server: RedisServer, cache: RedisCacheBackend) -> None:
    """A call afterwards opens a new connection, and a second close does nothing."""
    cache.set("key", 1)
    assert _clients(redis_server) == 1
    cache.close()
    cache.close()
    deadline = time.monotonic() + 10
    while _clients(redis_server) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _clients(redis_server) == 0
    assert cache.get("key") == 1


def _clients(server: RedisServer) -> int:
    """The connections of others than the test's own."""
    return int(server.command("CLIENT", "LIST").count(b"user=default"))
