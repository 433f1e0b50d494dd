"""A deliberate fault of a cache: its class, the check that must catch it, and what that check must say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rekall.infra import CacheBackend, DefaultCacheBackend
from rekall.testing import CacheConformance
from support.failing import FakeTime
from support.right_caches import RightInFile, RightInFolder

Cache = TypeVar("Cache", bound=type[CacheBackend])


class Fault(NamedTuple):
    """A cache that is wrong.

    Args:
        cache: its class.
        check: the one that must catch it.
        says: stands in the message of that check.
        capabilities: what its conformance class states.
    """

    cache: type[CacheBackend]
    check: str
    says: str
    capabilities: tuple[str, ...]


class Faults(list[Fault]):
    """Faults, each noted where its class stands."""

    def caught_by(self, check: str, says: str, *capabilities: str) -> Callable[[Cache], Cache]:
        """Note a class; the arguments are those of `Fault`."""

        def note(cache: Cache) -> Cache:
            self.append(Fault(cache, check, says, capabilities))
            return cache

        return note


class InProcess(CacheConformance):
    """The checks of a cache in this process."""


class InFile(CacheConformance):
    """The checks of a cache in a file."""

    answer_within = 1.0

    def make(self, folder: Path) -> Any:
        return self.implementation()(folder / "cache.db")

    def unreachable(self, folder: Path) -> Any:
        return self.implementation()(folder)  # a folder, no file


class InFolder(CacheConformance):
    """The checks of a cache with a file for each value."""

    def make(self, folder: Path) -> Any:
        return self.implementation()(folder)

    def unreachable(self, folder: Path) -> Any:
        file = folder / "file"
        file.touch()
        return self.implementation()(file)  # a file, no folder


class OnAClock(CacheConformance):
    """The checks of a cache in this process, whose clock they set forward."""

    time = FakeTime()

    def make(self, folder: Path) -> Any:
        return self.implementation()(clock=self.time.clock)

    def wait(self, seconds: float) -> None:
        self.time.now += seconds


def conformance_class(cache: type[CacheBackend], capabilities: tuple[str, ...] = ()) -> type[CacheConformance]:
    """The class that an author would write for a cache."""
    by_class: dict[type[CacheBackend], type[CacheConformance]] = {
        RightInFile: InFile,
        RightInFolder: InFolder,
        DefaultCacheBackend: OnAClock,
    }
    base = next((base for right, base in by_class.items() if issubclass(cache, right)), InProcess)
    return type(f"Test{cache.__name__}", (base,), {"backend": cache, "capabilities": capabilities})
