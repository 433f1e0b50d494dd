"""The conformance checks of a cache back end: values, keys, lifetimes, what it refuses, and what it never does."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rekall.errors import BackendError, CacheError, InvalidValueError, RekallError
from rekall.infra.instrument import instrument
from rekall.infra.interfaces import CacheBackend
from rekall.infra.retry import DEADLINE, Retry
from rekall.infra.versions import Supported, check
from rekall.testing.cache_material import CONFUSABLE, KEYS, REFUSED, UNPICKLED, VALUES, Unpickled, UnpickledDict
from rekall.testing.capabilities import Conformance
from rekall.testing.contract import broken, contract, holds, same, shown
from rekall.testing.pressure import THREADS, in_threads, kept_open


class CacheConformance(Conformance):
    """The checks of a cache back end; a subclass states `backend`, and its name begins with Test.

    A back end that keeps files overrides `make` and keeps them in the folder. One whose storage is a server takes the
    prefix of its keys from `folder.name`, which is another one for each check.

    Attributes:
        answer_within: seconds until a call has found that the storage does not answer; all attempts have no more.
    """

    answer_within: ClassVar[float] = DEADLINE

    known_capabilities: ClassVar[Mapping[str, str]] = {
        "bounded": "it may drop a value before its time, to make room for others; 50 small ones always have room",
        "coarse_ttl": "it counts lifetimes in whole seconds",
        "shared": "all who are made for one folder see the same values, as the processes of a server do",
    }

    def make(self, folder: Path) -> Any:
        """A new cache, made with `options`; override it when that does not do.

        Args:
            folder: where it may keep its files, empty at first. Two caches made for one folder see the same values if
                they are `shared`; two made for different folders have nothing in common.
        """
        return self.implementation()(**self.options)

    def made(self, folder: Path) -> Any:
        """What `make` gives, with a message if it raises."""
        with contract("the constructor takes `options`, or what `make` gives it once overridden, and raises nothing"):
            return self.make(folder)

    def wait(self, seconds: float) -> None:
        """Let time go by: override it to set the clock forward of a back end that `make` gave one."""
        time.sleep(seconds)

    def unreachable(self, folder: Path) -> Any:
        """A cache whose storage does not answer (a port where nobody listens, a folder that is a file).

        None, for a cache that has no storage outside this process, leaves out what asks for it.
        """
        return None

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A new folder, whose name no other check has."""
        return _new_folder(tmp_path)

    @pytest.fixture
    def cache(self, folder: Path) -> Iterator[CacheBackend]:
        """A new cache, emptied at the end: its storage may be a server's."""
        cache: CacheBackend = self.made(folder)
        yield cache
        cache.clear()

    @contract("a cache back end derives from CacheBackend and states an interface_version that this Rekall takes")
    def test_it_states_its_interface(self, cache: CacheBackend) -> None:
        holds(isinstance(cache, CacheBackend), f"{type(cache).__name__} does not derive from CacheBackend")
        check(type(cache), "the cache back end", Supported(), stated=True)

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

    @contract("clear removes every key that this cache has set, and clearing an empty one does nothing")
    def test_clearing_empties(self, cache: CacheBackend) -> None:
        cache.clear()
        for key in KEYS.values():
            cache.set(key, key, 60)
        cache.set("for ever", 1)
        cache.clear()
        cache.clear()
        same([key for key in (*KEYS.values(), "for ever") if cache.exists(key)], [], "the keys left")
        cache.set("key", "after")
        same(cache.get("key"), "after", "what get gave for a key set after clear")

    @contract("clear removes the keys of this cache alone: another one over the same service keeps its own")
    def test_clearing_leaves_the_keys_of_others(self, cache: CacheBackend, tmp_path: Path) -> None:
        neighbour: CacheBackend = self.made(_new_folder(tmp_path))
        for key in ("key", "", "*"):
            cache.set(key, "ours")
            neighbour.set(key, "theirs")
        same([cache.get(key) for key in ("key", "", "*")], ["ours"] * 3, "what get gave beside another cache")
        cache.clear()
        same([neighbour.get(key) for key in ("key", "", "*")], ["theirs"] * 3, "what the other cache holds")
        neighbour.clear()

    @contract("what one cache of a shared storage sets or deletes is so for all others of it at once")
    def test_a_shared_storage_is_shared(self, cache: CacheBackend, folder: Path) -> None:
        self.needs("shared")
        other: CacheBackend = self.made(folder)
        cache.set("key", {"by": "one"})
        same(other.get("key"), {"by": "one"}, "what the other got")
        other.set("key", b"other")
        same(cache.get("key"), b"other", "what the one got")
        same(other.delete("key"), True, "delete by the other")
        same(cache.exists("key"), False, "exists for the one")

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
            cache.set(key, "short", self._lifetime)
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
        cache.set("longer", 1, self._lifetime)
        cache.set("longer", 2, 60)
        cache.set("ever", 1, self._lifetime)
        cache.set("ever", 2)
        cache.set("shorter", 1, 60)
        cache.set("shorter", 2, self._lifetime)
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

    @contract("eight threads may use a cache at once, and each gets the values of the keys that it asked for")
    def test_eight_threads_at_once(self, cache: CacheBackend) -> None:
        missing = object()
        wrong: list[str] = []
        barrier = threading.Barrier(THREADS)

        def work(thread: int) -> None:
            barrier.wait()
            for number in range(50):
                key = f"{thread} {number % 4}"
                cache.set(key, [thread, number], 60)
                found = cache.get(key, missing)
                if found != [thread, number] and (found is not missing or "bounded" not in self.capabilities):
                    wrong.append(f"get gave {shown(found)} instead of {[thread, number]}")
                cache.set("of all", [thread] * 50, 60)
                if len(set(cache.get("of all", [0]))) != 1:
                    wrong.append("get gave a value that nobody had set")
                cache.exists(key)
                if number % 7 == 0:
                    cache.delete(key)

        in_threads(work)
        holds(not wrong, wrong[0] if wrong else "")

    @contract("what a cache keeps open does not grow with its calls, whichever thread made them and however they ended")
    def test_nothing_is_left_open(self, cache: CacheBackend) -> None:
        def work(thread: int) -> None:
            for number in range(5):
                cache.set(f"key {number}", [thread])
                cache.get(f"key {number}")
                cache.get("missing")
                with suppress(RekallError):
                    cache.set("refused", object())
            cache.delete("key 0")
            cache.clear()

        in_threads(work)
        before = kept_open()
        for _ in range(4):
            in_threads(work)
        files, threads = (after - earlier for after, earlier in zip(kept_open(), before, strict=True))
        # a pool may have taken one more for each of the threads; a leak has taken four at least
        holds(files <= THREADS, f"{files} more open files or connections after {4 * THREADS * 22} calls")
        holds(threads <= THREADS, f"{threads} more threads")

    @contract("a thread that a cache starts is a daemon: there is no close that could end it with the program")
    def test_no_thread_keeps_the_program_alive(self, folder: Path) -> None:
        before = set(threading.enumerate())
        cache: CacheBackend = self.made(folder)
        cache.set("key", "value", 60)
        cache.get("key")
        started = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
        holds(not started, f"the thread {started[0].name if started else ''} is not")
        cache.clear()

    @contract("an error that trying again cannot mend is permanent: the retry layer makes exactly one attempt")
    def test_a_refusal_is_not_tried_again(self, cache: CacheBackend) -> None:
        slept: list[float] = []
        log = _Attempts()
        retry = Retry(sleep=slept.append, uniform=lambda low, high: low)
        wrapped = instrument(cache, "conformance", retry=retry, log=log)
        with suppress(RekallError):
            wrapped.set("key", object())
        same((log.operations, slept), (["set"], []), "the attempts, and the waits between them,")
        wrapped.set("key", "value", ttl=60)
        same(wrapped.get("key", "default"), "value", "what get gave through the retry layer")
        same(log.operations, ["set", "set", "get"], "the calls of a back end that succeeds")

    @pytest.mark.parametrize("call", ["get", "set", "delete", "clear", "exists"])
    @contract("a storage that does not answer raises a CacheError from the driver's error, soon, and gives no default")
    def test_an_unreachable_storage_is_an_error(self, folder: Path, call: str) -> None:
        cache = self.unreachable(folder)
        if cache is None:
            if "shared" in self.capabilities:
                broken("the conformance class states `shared` but does not override `unreachable`")
            pytest.skip("not checked: the conformance class does not override `unreachable`")
        began = time.monotonic()
        try:
            found = getattr(cache, call)(*{"set": ("key", 1), "clear": ()}.get(call, ("key",)))
        except CacheError as error:
            holds(error.__cause__ is not None, f"{type(error).__name__} without the driver's error as __cause__")
            holds(not isinstance(error.__cause__, BackendError), f"{type(error).__name__} from another of Rekall's")
        else:
            broken(f"{call} gave {shown(found)}")
        took = time.monotonic() - began
        holds(took <= self.answer_within, f"{call} took {took:.1f} seconds instead of {self.answer_within:g} at most")

    @property
    def _lifetime(self) -> float:
        """Seconds of the shortest lifetime that the checks give."""
        return 1 if "coarse_ttl" in self.capabilities else 0.05

    def _outlive(self) -> None:
        """Wait until that lifetime is over: one counted in whole seconds may last one more."""
        self.wait(2.1 if "coarse_ttl" in self.capabilities else 0.08)


class _Attempts:
    """A log that keeps the operation of each attempt."""

    def __init__(self) -> None:
        self.operations: list[str] = []

    def debug(self, event: str, **fields: Any) -> None:
        self.operations.append(fields["operation"])


def _new_folder(parent: Path) -> Path:
    folder = parent / f"cache-{secrets.token_hex(6)}"
    folder.mkdir()
    return folder


def _named(key: str) -> str:
    return f"{key!r}" if len(key) < 50 else f"a text of {len(key)} characters"


def _refused(cache: CacheBackend, value: Any) -> None:
    try:
        cache.set("key", value)
    except InvalidValueError:
        return
    broken(f"set accepted a value of the type {type(value).__name__}")
