"""An open base as its repositories see it: reads go through, the first write prepares the base."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from rekall.errors import QueryError, ReadOnlyError
from rekall.infra.interfaces import DatabaseBackend, Params, Result, Statement
from rekall.store import opening, pending

_WAITING = "SELECT 1 FROM rekall_context_pending LIMIT 1"


class Session:
    """One open base.

    Args:
        backend: connected.
        path: the database file, for messages and for backups beside it.
    """

    def __init__(self, backend: DatabaseBackend, path: Path) -> None:
        self.backend = backend
        self.path = path
        self.fetch_one = backend.fetch_one
        self.fetch_all = backend.fetch_all
        self._lock = threading.Lock()
        self._prepared = False
        self._read_only = False

    def write(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        """Apply one batch, all or none; returns the rows changed together."""
        self.prepare()
        return self.backend.execute_batch(statements, idempotent=idempotent)

    def execute(self, query: str, params: Params = ()) -> Result:
        """Run one write by itself."""
        self.prepare()
        result: Result = self.backend.execute(query, params)
        return result

    def prepare(self) -> None:
        """Before a write: make the derived objects that are missing, read the contexts that wait to be read.

        After the first time that is one small query: another program may have left a context that only Python can read.
        """
        if self.is_prepared():
            return
        with self._lock:
            if not self.is_prepared():
                opening.ensure_derived(self.backend)
                pending.fill(self.backend)
                self._prepared = True

    def is_prepared(self) -> bool:
        """Whether nothing is missing and nothing waits."""
        try:
            return self._prepared and self.fetch_one(_WAITING) is None
        except QueryError:
            return False  # the derived objects were dropped meanwhile

    def can_count(self) -> bool:
        """Prepare for counting accesses; False on a base that cannot be written, which is searched all the same."""
        if not (self._prepared or self._read_only):
            try:
                self.prepare()
            except ReadOnlyError:
                self._read_only = True
        return not self._read_only

    def count(self, statements: Iterable[Statement]) -> None:
        """Apply the batch of an access count; a base that cannot be written keeps its counts."""
        if not self.can_count():
            return
        try:
            self.backend.execute_batch(statements)
        except ReadOnlyError:
            self._read_only = True
