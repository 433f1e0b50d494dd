"""What is kept in the cache of a base, and what happens when the cache fails."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from support.failing import FakeTime

from rekall import config
from rekall.config import Config
from rekall.errors import CacheError, CacheUnavailableError, InvalidValueError
from rekall.infra.defaults import DefaultCacheBackend
from rekall.store.kept import REST, Kept, digest


class Script(DefaultCacheBackend):
    """A cache that raises errors in turn, one a call, and counts its calls."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)
        self.calls: list[str] = []
        self.lifetimes: list[float | None] = []

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.errors:
            raise self.errors.pop(0)

    def get(self, key: str, default: Any = None) -> Any:
        self._called("get")
        return super().get(key, default)

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self._called("set")
        self.lifetimes.append(ttl)
        super().set(key, value, ttl)


def kept(cache: Script, time: FakeTime | None = None) -> Kept:
    return Kept(lambda: cache, clock=(time or FakeTime()).clock)


def get(of: Kept, key: str = "key") -> Any:
    return of.get(key, instead="the base is read")


def put(of: Kept, value: Any = "value", key: str = "key") -> None:
    of.put(key, value, what="values")


def test_a_value_is_kept_for_the_configured_time() -> None:
    """`performance.cache_ttl_seconds`, as it is at that moment."""
    of = kept(cache := Script())
    assert get(of) is None
    put(of)
    config.set_config(Config(perf_cache_ttl_seconds=5))
    put(of)
    assert get(of) == "value"
    assert cache.lifetimes == [600, 5]


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_lifetime_of_nothing_switches_it_off(seconds: int) -> None:
    """Nothing is asked of the cache, and nothing is held in the process."""
    config.set_config(Config(perf_cache_ttl_seconds=seconds))
    of = kept(cache := Script())
    put(of)
    of.hold("name", "stamp", "value")
    assert (get(of), of.held("name", "stamp"), cache.calls) == (None, None, [])


def test_without_a_cache_nothing_is_kept() -> None:
    """As for a look at a base that is not the user's own."""
    of = Kept(None)
    put(of)
    of.hold("name", "stamp", "value")
    assert (get(of), of.held("name", "stamp"), of.lifetime) == (None, None, 0)


def test_the_cache_is_made_when_it_is_first_needed() -> None:
    """A program that keeps nothing resolves none."""
    made: list[Script] = []

    def make() -> Script:
        made.append(Script())
        return made[-1]

    of = Kept(make)
    of.hold("name", "stamp", "value")
    assert made == []
    get(of)
    assert len(made) == 1


GONE = CacheUnavailableError("no cache at port 1: start it")
TOLD = ["the base is read, not from the cache: no cache at port 1: start it"]
TOLD_BOTH = [*TOLD, "values are not kept in the cache: no cache at port 1: start it"]


def test_a_cache_that_failed_is_not_asked_again_for_a_moment(caplog: pytest.LogCaptureFixture) -> None:
    """Neither by the same search nor by the next one; then it is, and if it works again all is as before."""
    time = FakeTime()
    of = kept(cache := Script(GONE), time)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert get(of) is None
            put(of)
        assert (cache.calls, caplog.messages) == (["get"], TOLD_BOTH)
        time.now += REST - 0.01
        put(of)
        assert cache.calls == ["get"]
        time.now += 0.01
        put(of)
        assert get(of) == "value"
    assert cache.calls == ["get", "set", "get"]
    assert caplog.messages == TOLD_BOTH


def test_each_failure_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """With its own text, and again when the cache fails again after its rest."""
    time = FakeTime()
    of = kept(cache := Script(GONE, CacheError("wrong password")), time)
    with caplog.at_level(logging.WARNING):
        put(of)
        put(of)
        time.now += REST
        assert get(of) is get(of) is None
    assert cache.calls == ["set", "get"]
    assert caplog.messages == [TOLD_BOTH[1], "the base is read, not from the cache: wrong password"]


def test_where_it_is_wanted_every_failure_is_an_error() -> None:
    """The very object, at every call: the cache itself may say no at once, and has no rest."""
    config.set_config(Config(cache_on_error="raise"))
    of = kept(cache := Script(GONE, GONE, GONE))
    for call in (get, put, get):
        with pytest.raises(CacheError) as caught:
            call(of)
        assert caught.value is GONE
    put(of)
    assert get(of) == "value"
    assert cache.calls == ["get", "set", "get", "set", "get"]


def test_a_change_of_the_policy_counts_at_once() -> None:
    """A rest ends when errors are wanted."""
    of = kept(cache := Script(GONE, GONE))
    assert get(of) is None
    config.set_config(Config(cache_on_error="raise"))
    with pytest.raises(CacheError):
        get(of)
    assert cache.calls == ["get", "get"]


@pytest.mark.parametrize("policy", ["bypass", "raise"])
def test_a_value_that_does_not_fit_is_no_failure_of_the_cache(policy: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is told, and the cache is asked for others."""
    config.set_config(Config(cache_on_error=policy))
    of = kept(cache := Script(InvalidValueError("a value has 10 bytes at most")))
    with caplog.at_level(logging.WARNING):
        put(of)
        put(of)
    assert get(of) == "value"
    assert cache.calls == ["set", "set", "get"]
    assert caplog.messages == ["values are not kept in the cache: a value has 10 bytes at most"]


def test_a_value_is_held_for_one_state() -> None:
    """And for the configured time; another state's value takes its place, and one that is outdated is let go."""
    time = FakeTime()
    of = kept(Script(), time)
    of.hold("name", "one", "first")
    assert (of.held("name", "one"), of.held("another", "one")) == ("first", None)
    assert of.held("name", "two") is None
    assert of.held("name", "one") is None
    of.hold("name", "two", "second")
    time.now += 599
    assert of.held("name", "two") == "second"
    time.now += 1
    assert of.held("name", "two") is None


def test_a_digest_tells_values_apart() -> None:
    """Of any text, also one that is no Unicode; the same in every process."""
    values: list[tuple[object, ...]] = [
        ("a", "b"),
        ("ab",),
        ("a", None, "b"),
        ("a", "b", 1),
        ("a", ("b",)),
        ("\ud800",),
    ]
    assert len({digest(*one) for one in values}) == len(values)
    assert digest("a", 1) == "dac56d83ddfd473fb03baa849a43e568"
