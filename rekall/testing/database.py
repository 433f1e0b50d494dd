"""What a database back end promises, checked: an author subclasses `DatabaseConformance` in three lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from rekall.infra.interfaces import DatabaseBackend
from rekall.testing.capabilities import Conformance
from rekall.testing.contract import contract


class DatabaseConformance(Conformance):
    """Checks a database back end; see `Conformance` for what a subclass states."""

    known_capabilities: ClassVar[Mapping[str, str]] = {
        "backup": "it has `backup`, which copies the whole database to a new SQLite file",
        "limited_batches": "it refuses a batch that is too large before anything is written",
        "persistent": "a second back end made for the same place sees what the first wrote, while it is open and after",
    }

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[DatabaseBackend]:
        """A back end, connected to a new and empty place."""
        backend: DatabaseBackend = self.made(tmp_path)
        with contract("connect opens a new base, and makes the folder of its path where there is none"):
            backend.connect()
        yield backend
        with contract("close gives everything back and raises nothing"):
            backend.close()
