"""Bases of a given size, built once for all sections through the store's own `add`."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from benchmarks.measure import Progress
from benchmarks.texts import Texts
from rekall.infra import DefaultDatabaseBackend
from rekall.infra.interfaces import Statement
from rekall.store import Store

BATCH = 5000
"""Entries written in one transaction while a base is built."""


class Collecting(DefaultDatabaseBackend):
    """Puts the batches of many entries into one transaction."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._collected: list[Statement] = []
        self.is_collecting = False

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        if not self.is_collecting:
            return super().execute_batch(statements)
        self._collected.extend(statements)
        return 0

    def flush(self) -> None:
        """Write what was collected."""
        collected, self._collected = self._collected, []
        super().execute_batch(collected)


class Bases:
    """Makes the bases.

    Args:
        folder: holds them.
        texts: what the entries are made of.
        progress: told of every batch.
    """

    def __init__(self, folder: Path, texts: Texts, progress: Progress) -> None:
        self.texts = texts
        self.progress = progress
        self._folder = folder
        self._built: dict[int, Path] = {}

    def beside(self, name: str, texts: Texts) -> Bases:
        """Bases of other texts, in a folder of that name."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return Bases(folder, texts, self.progress)

    def copy(self, size: int, name: str) -> Path:
        """A file of one's own with the first `size` entries."""
        target = self._folder / f"{name}.db"
        shutil.copyfile(self._built.get(size) or self._build(size), target)
        return target

    def _build(self, size: int) -> Path:
        path = self._folder / f"base-{size}.db"
        smaller = max((known for known in self._built if known < size), default=0)
        if smaller:
            shutil.copyfile(self._built[smaller], path)
        self.progress.start(f"build a base of {size:,} entries", size - smaller)
        backend = Collecting(path)
        backend.connect()
        store = Store(backend, path)
        store.session.prepare()
        backend.is_collecting = True
        for first in range(smaller, size, BATCH):
            last = min(first + BATCH, size)
            for number in range(first, last):
                store.entries.add(self.texts.entry(number), context=self.texts.context(number))
            backend.flush()
            self.progress.step(last - first)
        backend.close()
        self._built[size] = path
        return path
