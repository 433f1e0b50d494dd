"""Checks of a cache back end: how long its values stay."""

from __future__ import annotations

import time

import pytest

from rekall.infra.interfaces import CacheBackend
from rekall.testing.cache_frame import CacheFrame
from rekall.testing.contract import contract, holds, same, shown

_DAY = 86_400.0
"""Seconds."""


class LifetimeChecks(CacheFrame):
    """How long a value stays."""

    @contract("a value stays until its lifetime is over or it is removed, unless the flag `bounded` says otherwise")
    def test_many_values_stay(self, cache: CacheBackend) -> None:
        keys = [f"key {number}" for number in range(1200)]
        for key in keys:
            cache.set(key, key, 600)
        found = [cache.get(key) for key in keys]
        allowed = (None,) if "bounded" in self.capabilities else ()
        wrong = [key for key, value in zip(keys, found, strict=True) if value != key and value not in allowed]
        holds(not wrong, f"{len(wrong)} of 1200 keys without their value, {shown(wrong[:1])} among them")
        same(cache.get(keys[-1]), keys[-1], "what get gave for the key set last")

    @contract("a value whose lifetime is over is gone for get, exists and delete alike, and a longer one is not")
    def test_a_value_goes_with_its_lifetime(self, cache: CacheBackend) -> None:
        for key in ("get", "exists", "delete"):
            cache.set(key, "short", self._shortest)
        cache.set("long", "long", ttl=60)
        cache.set("months", "long", ttl=60 * 86_400)
        cache.set("ever", "long", ttl=None)
        self._outlive()
        same(cache.get("get", "gone"), "gone", "what get gave")
        same(cache.exists("exists"), False, "exists")
        same(cache.delete("delete"), False, "delete")
        for key in ("long", "months", "ever"):
            same(cache.get(key), "long", f"what get gave for the key {key!r}")

    @contract("a lifetime of 0 or less is over at once, and the set removes what was there before")
    def test_a_lifetime_of_nothing_removes_the_key(self, cache: CacheBackend) -> None:
        for ttl in (0, -1, -0.5, 0.0):
            cache.set("key", "before")
            cache.set("key", "after", ttl)
            same(cache.get("key", "gone"), "gone", f"what get gave after a lifetime of {ttl}")
            same(cache.exists("key"), False, f"exists after a lifetime of {ttl}")
            same(cache.delete("key"), False, f"delete after a lifetime of {ttl}")

    @contract("each set gives a new lifetime and nothing of the older one is left")
    def test_writing_again_gives_a_new_lifetime(self, cache: CacheBackend) -> None:
        cache.set("longer", 1, self._shortest)
        cache.set("longer", 2, 60)
        cache.set("ever", 1, self._shortest)
        cache.set("ever", 2)
        cache.set("shorter", 1, 60)
        cache.set("shorter", 2, self._shortest)
        self._outlive()
        same(cache.get("longer"), 2, "what get gave after a second, longer lifetime")
        same(cache.get("ever"), 2, "what get gave after a second set without lifetime")
        same(cache.get("shorter", "gone"), "gone", "what get gave after a second, shorter lifetime")

    @contract("a lifetime is a number of seconds with its fraction, unless the flag `coarse_ttl` says otherwise")
    def test_a_lifetime_has_fractions_of_a_second(self, cache: CacheBackend) -> None:
        if "coarse_ttl" in self.capabilities:
            pytest.skip("not checked: the flag coarse_ttl is stated")
        for _ in range(5):
            began = time.monotonic()
            cache.set("key", "value", 0.2)
            there = cache.exists("key")
            if there or time.monotonic() - began < 0.2:  # else the machine stood still: once more
                break
        same(there, True, "exists within a lifetime of 0.2 seconds")
        self.wait(0.25)
        same(cache.exists("key"), False, "exists 0.25 seconds after a lifetime of 0.2 began")

    @contract("a value without a lifetime never expires, and one of months stays for months and no longer")
    def test_no_lifetime_is_set_by_the_cache(self, cache: CacheBackend) -> None:
        if type(self).wait is CacheFrame.wait:
            pytest.skip("not checked: the conformance class does not override `wait`, and nobody waits for months")
        cache.set("ever", "long")
        cache.set("none", "long", None)
        cache.set("months", "long", 60 * _DAY)
        began = time.monotonic()
        self.wait(1)
        if time.monotonic() - began > 0.5:
            pytest.skip("not checked: `wait` lets real time go by, and nobody waits for months")
        self.wait(59 * _DAY)
        same(cache.get("months"), "long", "what get gave after 59 of 60 days")
        self.wait(2 * _DAY)
        same(cache.get("months", "gone"), "gone", "what get gave after 61 of 60 days")
        self.wait(1000 * _DAY)
        for key in ("ever", "none"):
            same(cache.get(key), "long", "what get gave years after a set without lifetime")
