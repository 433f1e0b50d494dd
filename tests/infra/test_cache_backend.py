"""The cache in this process: bound, order of leaving, lifetime, isolation, and what it refuses."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.failing import FakeTime

from rekall.deprecation import RekallDeprecationWarning
from rekall.errors import ConfigError, InvalidValueError
from rekall.infra import DefaultCacheBackend


def _cache(max_size: int = 3) -> tuple[DefaultCacheBackend, FakeTime]:
    time = FakeTime()
    return DefaultCacheBackend(max_size, clock=time.clock), time


@pytest.mark.parametrize(
    "value",
    ["text", "", b"bytes", b"", 0, -1, 1.5, True, False, None, [1, "a", None], {"a": {"b": [1.5]}}, []],
    ids=repr,
)
def test_values_come_back_as_they_went(value: Any) -> None:
    """Bytes, and everything that JSON holds; falsy values are values."""
    cache, _ = _cache()
    cache.set("k", value)
    assert (type(cache.get("k")), cache.get("k"), cache.exists("k")) == (type(value), value, True)


def test_a_miss_is_not_a_stored_none() -> None:
    """`default` comes back for the one and None for the other."""
    cache, _ = _cache()
    marker = object()
    cache.set("none", None)
    assert cache.get("none", marker) is None
    assert cache.get("miss", marker) is marker
    assert cache.get("miss") is None
    assert (cache.exists("none"), cache.exists("miss")) == (True, False)


def test_the_least_recently_used_leaves_first() -> None:
    """Reading and writing a key are uses; asking whether it exists is none."""
    cache, _ = _cache(3)
    for key in "abc":
        cache.set(key, key)
    cache.get("a")
    cache.set("b", "again")
    cache.exists("c")
    cache.set("d", "d")
    assert {key: cache.get(key) for key in "abcd"} == {"a": "a", "b": "again", "c": None, "d": "d"}
    cache.set("e", "e")
    assert [key for key in "abde" if cache.exists(key)] == ["b", "d", "e"]


def test_no_more_than_the_bound_is_kept() -> None:
    """Also with a bound of 1, and when the same key is written again and again."""
    cache, _ = _cache(1)
    for n in range(100):
        cache.set("same", n)
        assert cache.get("same") == n
    cache.set("other", 1)
    assert (cache.exists("same"), cache.exists("other")) == (False, True)


@pytest.mark.parametrize("max_size", [0, -1])
def test_a_bound_below_one_is_refused(max_size: int) -> None:
    """A cache that holds nothing is a mistake of the configuration."""
    with pytest.raises(ConfigError, match=f"max_size is {max_size}: give 1 or more"):
        DefaultCacheBackend(max_size)


@pytest.mark.parametrize(("after", "there"), [(0, True), (9.999, True), (10, False), (11, False)])
def test_a_value_is_gone_when_its_lifetime_is_over(after: float, there: bool) -> None:
    """At the very second, for `get`, `exists` and `delete` alike."""
    asking: list[Callable[[DefaultCacheBackend], bool]] = [
        lambda cache: cache.get("k") == "v",
        lambda cache: cache.exists("k"),
        lambda cache: cache.delete("k"),
    ]
    for ask in asking:
        cache, time = _cache()
        cache.set("k", "v", 10)
        time.sleep(after)
        assert ask(cache) is there


def test_without_a_lifetime_a_value_never_expires() -> None:
    """None means never; in 0.3 it meant 600 seconds."""
    cache, time = _cache()
    cache.set("k", "v")
    cache.set("j", "v", None)
    time.sleep(1e9)
    assert (cache.get("k"), cache.get("j")) == ("v", "v")


@pytest.mark.parametrize("ttl", [0, -1, -0.5])
def test_a_lifetime_of_nothing_removes_the_key(ttl: float) -> None:
    """A value that was there before goes too."""
    cache, _ = _cache()
    cache.set("k", "before")
    cache.set("k", "after", ttl)
    assert (cache.get("k"), cache.exists("k")) == (None, False)


def test_writing_again_gives_a_new_lifetime() -> None:
    """The last `set` alone counts."""
    cache, time = _cache()
    cache.set("k", 1, 10)
    time.sleep(9)
    cache.set("k", 2, 10)
    time.sleep(9)
    assert cache.get("k") == 2
    cache.set("k", 3)
    time.sleep(1000)
    assert cache.get("k") == 3


def test_a_cached_value_is_nobody_s_to_change() -> None:
    """Neither what was given nor what was got is the value itself."""
    cache, _ = _cache()
    given = {"list": [1]}
    cache.set("k", given)
    given["list"].append(2)
    cache.get("k")["list"].append(3)
    assert cache.get("k") == {"list": [1]}


def _circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def _deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "make",
    [
        *(object, set, lambda: {"b": b"bytes"}, lambda: {(1, 2): 3}, lambda: bytearray(b"x"), _circular, _deep),
        *(lambda: math.nan, lambda: math.inf, lambda: -math.inf, lambda: [{"a": math.nan}]),
    ],
)
def test_what_json_cannot_hold_is_refused(make: Callable[[], Any]) -> None:
    """It could live in no other cache; what was under the key stays."""
    cache, _ = _cache()
    cache.set("k", "before")
    with pytest.raises(InvalidValueError, match=r"cannot be cached .*give bytes, or what JSON can hold"):
        cache.set("k", make())
    assert cache.get("k") == "before"


def test_a_value_comes_back_as_json_gives_it() -> None:
    """A tuple as a list, a number that is a key as text, and a class derived from a plain one as the plain one."""

    class Text(str):
        pass

    class Number(float):
        pass

    class Bytes(bytes):
        pass

    cache, _ = _cache()
    for value, found in (
        ((1, (2,)), [1, [2]]),
        ({1: 2, None: 3}, {"1": 2, "null": 3}),
        (Text("text"), "text"),
        (Number(1.5), 1.5),
        (Bytes(b"bytes"), b"bytes"),
    ):
        cache.set("k", value)
        assert (type(cache.get("k")), cache.get("k")) == (type(found), found)


def test_deleting_tells_whether_it_was_there() -> None:
    """And clearing empties."""
    cache, _ = _cache()
    cache.set("a", 1)
    cache.set("b", 2)
    assert (cache.delete("a"), cache.delete("a"), cache.delete("never")) == (True, False, False)
    cache.clear()
    cache.clear()
    assert not cache.exists("b")


def test_the_lifetime_that_0_3_took_for_all_values_still_works() -> None:
    """By position and by name, with a warning at the caller's line; a `ttl` given to `set` outranks it."""
    with pytest.warns(RekallDeprecationWarning, match=r"DefaultCacheBackend\(default_ttl=\)") as caught:
        DefaultCacheBackend(10, 60)
    assert caught[0].filename == __file__
    time = FakeTime()
    with pytest.warns(RekallDeprecationWarning):
        cache = DefaultCacheBackend(default_ttl=60, clock=time.clock)
    cache.set("k", "v")
    cache.set("long", "v", 100)
    time.sleep(59)
    assert cache.get("k") == "v"
    time.sleep(1)
    assert (cache.get("k"), cache.get("long")) == (None, "v")


def test_eight_threads_at_once() -> None:
    """The bound holds, and no thread sees the value of another's key."""
    cache = DefaultCacheBackend(50)
    wrong: list[Any] = []
    barrier = threading.Barrier(8)

    def work(thread: int) -> None:
        barrier.wait()
        for n in range(2000):
            key = f"{thread}-{n % 20}"
            cache.set(key, [key], 60)
            if cache.get(key) not in ([key], None):
                wrong.append(key)
            cache.exists(key)
            if n % 7 == 0:
                cache.delete(key)
            if n % 501 == 0:
                cache.clear()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(cache.exists(f"{thread}-{n}") for thread in range(8) for n in range(20)) <= 50
