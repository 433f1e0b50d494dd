"""The frame of the checks of a cache back end: how one is made, and how time goes by."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rekall.infra.interfaces import CacheBackend
from rekall.testing.capabilities import Conformance
from rekall.testing.contract import contract


class CacheFrame(Conformance):
    """Makes the back ends of the checks.

    A back end that keeps files overrides `make` and keeps them in the folder. One whose storage is a server takes the
    prefix of its keys from `folder.name`, which is another one for each check.

    Attributes:
        answer_within: seconds until a call has found that the storage does not answer: three attempts of so many fit
            into the time that the retry layer gives.
    """

    answer_within: ClassVar[float] = 3.0

    known_capabilities: ClassVar[Mapping[str, str]] = {
        "bounded": "it may drop a value before its time, to make room for others; 50 small ones always have room",
        "coarse_ttl": "it counts lifetimes in whole seconds",
        "shared": "all who are made for one folder see the same values, as the processes of a server do",
    }

    def make(self, folder: Path) -> Any:
        """A new cache, made with `options`; override it when that does not do.

        Args:
            folder: where it may keep its files; what is there already is somebody else's. Two caches made for one
                folder see the same values if they are `shared`; two made for different folders have nothing in common.
        """
        return self.implementation()(**self.options)

    def made(self, folder: Path) -> Any:
        """What `make` gives, with a message if it raises."""
        with contract("the constructor takes `options`, or what `make` gives it once overridden, and raises nothing"):
            return self.make(folder)

    def wait(self, seconds: float) -> None:
        """Let time go by: override it to set the clock forward of a back end that `make` gave one.

        One that returns at once is asked for days, too.
        """
        time.sleep(seconds)

    def unreachable(self, folder: Path) -> Any:
        """A cache whose storage does not answer (a port where nobody listens, a folder that is a file).

        None, for a cache that has no storage outside this process, leaves out what asks for it.
        """
        return None

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A new folder, whose name no other check has."""
        return new_folder(tmp_path)

    @pytest.fixture
    def cache(self, folder: Path) -> Iterator[CacheBackend]:
        """A new cache, emptied at the end: its storage may be a server's."""
        cache: CacheBackend = self.made(folder)
        yield cache
        cache.clear()

    @property
    def _shortest(self) -> float:
        """Seconds of the shortest lifetime that the checks give."""
        return 1 if "coarse_ttl" in self.capabilities else 0.05

    def _outlive(self) -> None:
        """Wait until that lifetime is over: one counted in whole seconds may last one more."""
        self.wait(2.1 if "coarse_ttl" in self.capabilities else 0.08)


def new_folder(parent: Path) -> Path:
    """A new folder of a name that no other has."""
    folder = parent / f"cache-{secrets.token_hex(6)}"
    folder.mkdir()
    return folder
