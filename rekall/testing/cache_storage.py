"""Checks of a cache back end: what others see of its storage, what it clears, and what its files are worth."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rekall.infra.interfaces import CacheBackend
from rekall.testing.cache_frame import CacheFrame, new_folder
from rekall.testing.cache_material import FOREIGN, KEYS
from rekall.testing.contract import contract, holds, same, shown
from rekall.testing.pressure import in_threads

_WRITERS, _WRITES, _SIZE = 2, 40, 200_000
"""Threads that write one key at once, how often each does, and the length of a value."""


class StorageChecks(CacheFrame):
    """A storage that others use too."""

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
        neighbour: CacheBackend = self.made(new_folder(tmp_path))
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
        other.set("of the other", 1)
        cache.clear()
        same(other.exists("of the other"), False, "exists for the other after the one was cleared")

    @contract("who reads a shared storage gets the old value or the new one, never a part of one and never none")
    def test_nobody_sees_half_a_value(self, cache: CacheBackend, folder: Path) -> None:
        self.needs("shared")
        at_work = set(range(_WRITERS))
        wrong: list[str] = []
        cache.set("key", b"0" * _SIZE)

        def work(thread: int) -> None:
            own: CacheBackend = self.made(folder)
            if thread in at_work:
                try:
                    for number in range(_WRITES):
                        digit = str((number + thread) % 10)
                        own.set("key", digit * _SIZE if number % 2 else digit.encode() * _SIZE)
                finally:
                    at_work.discard(thread)
                return
            while at_work and not wrong:
                found = own.get("key")
                if found is None and "bounded" in self.capabilities:
                    continue
                whole = isinstance(found, (str, bytes)) and len(found) == _SIZE and len(set(found)) == 1
                if not whole:
                    part = f"{len(found)} characters" if isinstance(found, (str, bytes)) else shown(found)
                    wrong.append(f"get gave {part} while another set one value of {_SIZE} characters after another")

        in_threads(work)
        holds(not wrong, wrong[0] if wrong else "")

    @contract("a cache that keeps files removes none but its own, whatever is in its folder and however old it is")
    def test_the_files_of_others_stay(self, folder: Path) -> None:
        for name in FOREIGN:
            file = folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(name, encoding="utf-8")
            os.utime(file, (time.time() - 10 * 365 * 86_400,) * 2)
        cache: CacheBackend = self.made(folder)
        cache.clear()
        for number in range(300):
            cache.set(f"key {number}", number, 0.001)
        cache.set("key", "value")
        cache.delete("key 1")
        cache.clear()
        left = [name for name in FOREIGN if (folder / name).is_file() and (folder / name).read_text("utf-8") == name]
        same(left, list(FOREIGN), "the list of files that were there before, and are as they were,")

    @pytest.mark.parametrize("value", ["text" * 50, b"bytes" * 50], ids=["text", "bytes"])
    @contract("a damaged value is a miss, for get and exists alike, and the next set mends it")
    def test_a_damaged_value_is_a_miss(self, folder: Path, value: str | bytes) -> None:
        cache: CacheBackend = self.made(folder)
        cache.set("first", "whole")
        before = set(folder.rglob("*"))
        cache.set("key", value)
        files = [file for file in folder.rglob("*") if file not in before and file.is_file()]
        if not files:
            cache.clear()
            pytest.skip("not checked: there is no file in the folder for each value")
        for damage, change in _DAMAGES.items():
            for file in files:
                beside = file.with_name("damaged.part")
                beside.write_bytes(change(file.read_bytes()))
                beside.replace(file)  # not written in place: it may be mapped into memory
            same(cache.get("key", "missing"), "missing", f"what get gave for a value whose file was {damage}")
            same(cache.exists("key"), False, f"exists for a value whose file was {damage}")
            cache.set("key", value)
            same(cache.get("key"), value, "what get gave after the next set")
        same(cache.get("first"), "whole", "what get gave for another key")


_DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "overwritten": lambda content: b"\xff\0" * len(content),
}
"""What a file of a value becomes when a disk was full or a machine stopped, by what was done to it."""
