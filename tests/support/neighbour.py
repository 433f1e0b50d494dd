"""Another program that writes at the worst moment: after a value was read, before what follows from it is written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rekall.infra import Statement
from support import raw
from support.counting import CountingBackend


class Neighbour(CountingBackend):
    """A back end on a file that another connection changes just before a batch.

    Attributes:
        change: what it does.
        times: before how many of the next batches.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.file = path
        self.change = ""
        self.times = 0

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        if self.times:
            self.times -= 1
            raw.write(self.file, "PRAGMA foreign_keys = ON", self.change)
        return super().execute_batch(statements, idempotent=idempotent)
