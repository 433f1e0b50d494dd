"""Checks of a cache back end: its class, the values and keys that it takes, and what it refuses."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from rekall.errors import InvalidValueError
from rekall.infra.interfaces import CacheBackend
from rekall.infra.versions import Supported, check
from rekall.testing.cache_frame import CacheFrame
from rekall.testing.cache_material import (
    CHANGED,
    CONFUSABLE,
    KEYS,
    LONE_SURROGATES,
    NEAR_SURROGATES,
    REFUSED,
    UNPICKLED,
    VALUES,
    Unpickled,
    UnpickledDict,
)
from rekall.testing.contract import broken, contract, holds, same, shown

_PARAMETERS = {
    "get": ("key", "default"),
    "set": ("key", "value", "ttl"),
    "delete": ("key",),
    "clear": (),
    "exists": ("key",),
}
"""What each method takes, in this order and by these names."""
_REQUIRED = {"get": 1, "set": 2, "delete": 1, "clear": 0, "exists": 1}
"""How many of them have no default."""


class ValueChecks(CacheFrame):
    """What comes back, and what is refused."""

    @contract("a cache back end derives from CacheBackend and states an interface_version that this Rekall takes")
    def test_it_states_its_interface(self, cache: CacheBackend) -> None:
        holds(isinstance(cache, CacheBackend), f"{type(cache).__name__} does not derive from CacheBackend")
        check(type(cache), "the cache back end", Supported(), stated=True)

    @contract("every method is a plain one, no coroutine, and takes the interface's parameters by position and by name")
    def test_methods_have_the_signatures_of_the_interface(self, folder: Path) -> None:
        cache = self.made(folder)
        for name, parameters in _PARAMETERS.items():
            method = getattr(cache, name)
            holds(not inspect.iscoroutinefunction(method), f"{name} is a coroutine")
            signature = inspect.signature(method)
            by_name: dict[str, Any] = dict.fromkeys(parameters)
            first = parameters[: _REQUIRED[name]]
            for given, named in ((parameters, {}), ((), by_name), (first, {}), ((), dict.fromkeys(first))):
                try:
                    signature.bind(*given, **named)
                except TypeError as error:
                    broken(f"{name}{signature} instead of {name}({', '.join(parameters)}): {error}", error)

    @pytest.mark.parametrize("value", list(VALUES.values()), ids=list(VALUES))
    @contract("bytes and what JSON holds come back equal and of the very same type, all the way down")
    def test_values_come_back_as_they_went(self, cache: CacheBackend, value: Any) -> None:
        cache.set("key", value)
        same(cache.get("key"), value, "what get gave")

    @contract("a stored None is a value, and a key that is not there gives the caller's own default object")
    def test_a_miss_is_not_a_stored_none(self, cache: CacheBackend) -> None:
        default = object()
        cache.set("none", None)
        same(cache.get("none", default), None, "what get gave for a stored None")
        same(cache.exists("none"), True, "exists for a stored None")
        same(cache.get("missing"), None, "what get gave for a missing key")
        holds(cache.get("missing", default) is default, "another object than the default that was given")
        holds(cache.get("missing", default=default) is default, "another object than the default given by name")
        same(cache.exists("missing"), False, "exists for a missing key")

    @contract("exists tells what get would find, False and other empty values included")
    def test_exists_tells_what_get_would_find(self, cache: CacheBackend) -> None:
        same(cache.exists("key"), False, "exists before set")
        values: tuple[Any, ...] = (False, 0, "", b"", [], {}, "text")
        for value in values:
            cache.set("key", value)
            same(cache.exists("key"), True, f"exists after set of {value!r}")
        cache.delete("key")
        same(cache.exists("key"), False, "exists after delete")

    @contract("delete removes a key, tells by True or False whether it was there, and touches no other key")
    def test_deleting_tells_whether_it_was_there(self, cache: CacheBackend) -> None:
        cache.set("key", 1)
        cache.set("none", None)
        cache.set("other", 2)
        same(cache.delete("key"), True, "delete of a key")
        same(cache.delete("key"), False, "delete of the same key again")
        same(cache.delete("none"), True, "delete of a key that holds None")
        same(cache.delete("never"), False, "delete of a key that never was")
        same(cache.get("key", "gone"), "gone", "what get gave for the deleted key")
        same(cache.get("other"), 2, "what get gave for another key")

    @contract("the last set of a key is what get gives, whatever it held before")
    def test_writing_again_replaces(self, cache: CacheBackend) -> None:
        for value in (b"bytes", "text", None, [1], 5):
            cache.set("key", value)
            same(cache.get("key"), value, "what get gave")

    @contract("a stored value is nobody's to change: neither what was given nor what was got is the value itself")
    def test_values_cannot_be_changed_from_outside(self, cache: CacheBackend) -> None:
        given: dict[str, list[int]] = {"list": [1]}
        cache.set("key", given)
        given["list"].append(2)
        same(cache.get("key"), {"list": [1]}, "what get gave after the given value was changed")
        cache.get("key")["list"].append(3)
        same(cache.get("key"), {"list": [1]}, "what get gave after a value that was got was changed")

    @pytest.mark.parametrize("make", list(REFUSED.values()), ids=list(REFUSED))
    @contract("a value that is neither bytes nor JSON-safe raises InvalidValueError and leaves what was there")
    def test_other_values_are_refused(self, cache: CacheBackend, make: Callable[[], Any]) -> None:
        cache.set("key", "before")
        _refused(cache, make())
        same(cache.get("key"), "before", "what get gave afterwards")

    @pytest.mark.parametrize(("value", "wanted"), list(CHANGED.values()), ids=list(CHANGED))
    @contract("what JSON itself changes comes back as JSON gives it, or is refused with InvalidValueError")
    def test_what_json_changes_is_changed_or_refused(self, cache: CacheBackend, value: Any, wanted: Any) -> None:
        cache.set("key", "before")
        try:
            cache.set("key", value)
        except InvalidValueError:
            wanted = "before"
        same(cache.get("key"), wanted, "what get gave")

    @pytest.mark.parametrize("text", LONE_SURROGATES, ids=ascii)
    @contract("a lone surrogate, in a key or a value, is kept like other text or refused with InvalidValueError")
    def test_lone_surrogates_are_kept_or_refused(self, cache: CacheBackend, text: str) -> None:
        with suppress(InvalidValueError):
            cache.set("key", [text])
            same(cache.get("key"), [text], "what get gave for a value that holds one")
        for key in NEAR_SURROGATES:
            cache.set(key, "near")
        with suppress(InvalidValueError):
            cache.set(text, "own")
            same(cache.get(text), "own", f"what get gave for the key {text!r}")
            same(cache.exists(text), True, f"exists for the key {text!r}")
            same(cache.delete(text), True, f"delete of the key {text!r}")
        for call in (cache.exists, cache.delete, cache.get):
            with suppress(InvalidValueError):
                holds(not call(text), f"{call.__name__} found the key {text!r}, which is not there")
        found = [cache.get(key) for key in NEAR_SURROGATES]
        same(found, ["near"] * len(NEAR_SURROGATES), "what get gave for the keys that are nearly it")

    @contract("values are never pickled: reading a cache must not run what somebody wrote into its storage")
    def test_values_are_never_pickled(self, cache: CacheBackend) -> None:
        UNPICKLED.clear()
        values: tuple[Any, ...] = (Unpickled(), UnpickledDict(a=1))
        for value in values:
            with suppress(InvalidValueError):
                cache.set("key", value)
            cache.get("key")
        holds(not UNPICKLED, "set and get brought a value back by pickle")

    @pytest.mark.parametrize("key", list(KEYS.values()), ids=list(KEYS))
    @contract("any text is a key: empty, with blanks, slashes, dots or wildcards, of any script and any length")
    def test_any_text_is_a_key(self, cache: CacheBackend, key: str) -> None:
        same(cache.exists(key), False, "exists before set")
        cache.set(key, [key])
        same(cache.get(key), [key], "what get gave")
        same(cache.exists(key), True, "exists")
        same(cache.delete(key), True, "delete")
        same(cache.get(key), None, "what get gave after delete")

    @contract("keys are compared character by character: no case, blank, normal form or length makes two of them one")
    def test_keys_that_look_alike_are_different(self, cache: CacheBackend) -> None:
        for key in CONFUSABLE:
            cache.set(key, f"value of {key}")
        for key in CONFUSABLE:
            found = cache.get(key)
            owner = next((each for each in CONFUSABLE if found == f"value of {each}"), None)
            holds(owner is not None, f"get gave {shown(found)} for {_named(key)}")
            holds(owner == key, f"get gave for {_named(key)} what was set for {_named(owner or '')}")
        for number, key in enumerate(CONFUSABLE):
            cache.delete(key)
            gone = [each for each in CONFUSABLE[number + 1 :] if not cache.exists(each)]
            holds(not gone, f"after delete of {_named(key)} {_named(gone[0]) if gone else ''} was gone too")


def _named(key: str) -> str:
    return f"{key!r}" if len(key) < 50 else f"a text of {len(key)} characters"


def _refused(cache: CacheBackend, value: Any) -> None:
    try:
        cache.set("key", value)
    except InvalidValueError:
        return
    literal = f": {value}" if isinstance(value, float) else ""
    broken(f"set accepted a value of the type {type(value).__name__}{literal}")
