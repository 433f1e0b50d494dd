"""Checks of a cache back end in its process: threads, what stays open, what is printed, and how it fails."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from rekall.errors import BackendError, CacheError, RekallError
from rekall.infra.instrument import instrument
from rekall.infra.interfaces import CacheBackend
from rekall.infra.retry import Retry
from rekall.testing.cache_frame import CacheFrame
from rekall.testing.contract import broken, contract, holds, same, shown
from rekall.testing.pressure import THREADS, in_threads, kept_open

_SLACK = 0.5
"""Seconds that a call may take beside the time that it waits for an answer: the machine has other work too."""


class ProcessChecks(CacheFrame):
    """What it does to the process that uses it."""

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
        holds(
            took <= self.answer_within + _SLACK,
            f"{call} took {took:.1f} seconds instead of {self.answer_within:g} at most",
        )

    @contract("a back end prints nothing: standard output belongs to the answers of commands, and to MCP")
    def test_nothing_is_printed(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        cache: CacheBackend = self.made(folder)
        capfd.readouterr()
        cache.set("key", ["value"], 60)
        cache.set("key", b"value")
        cache.get("key")
        cache.get("missing")
        cache.exists("key")
        with suppress(RekallError):
            cache.set("refused", object())
        cache.delete("key")
        cache.clear()
        unreachable: CacheBackend | None = self.unreachable(folder)
        if unreachable is not None:
            with suppress(RekallError):
                unreachable.get("key")
        same(capfd.readouterr().out, "", "what was printed")


class _Attempts:
    """A log that keeps the operation of each attempt."""

    def __init__(self) -> None:
        self.operations: list[str] = []

    def debug(self, event: str, **fields: Any) -> None:
        self.operations.append(fields["operation"])
