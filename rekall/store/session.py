"""An open base as its repositories see it: reads go through, the first write prepares the base."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rekall.errors import QueryError, ReadOnlyError
from rekall.infra.interfaces import CacheBackend, DatabaseBackend, Params, Result, Statement
from rekall.store import opening, pending
from rekall.store.access import Access, count_statements

if TYPE_CHECKING:
    from rekall.store.kept import Kept

_WAITING = "SELECT 1 FROM rekall_context_pending LIMIT 1"


class SessionOptions(NamedTuple):
    """How a program uses a base.

    Args:
        counting: looking at an entry counts as an access. Without it a search and a show write nothing.
        count_later: takes the accesses of an answer and returns at once, for a program whose answers do not wait for
            their being counted, with `Session.count_now`; None: counted before the answer is given.
        keep_searches: the results of expensive searches are kept in the cache back end, for a program that searches
            more than once.
        fresh: seconds for which what was seen of the schema, and of contexts that wait, counts, for a program with many
            calls a second.
    """

    counting: bool = True
    count_later: Callable[[Sequence[Access]], None] | None = None
    keep_searches: bool = False
    fresh: float = 0.0


AS_A_COMMAND = SessionOptions()


class Session:
    """One open base.

    Args:
        backend: connected.
        path: the database file, for messages and for backups beside it.
        options: how it is used.
        cache: gives the cache back end when something is to be kept; None: nothing is.
    """

    def __init__(
        self,
        backend: DatabaseBackend,
        path: Path,
        options: SessionOptions = AS_A_COMMAND,
        cache: Callable[[], CacheBackend] | None = None,
    ) -> None:
        self.backend = backend
        self.path = path
        self.options = options
        self._cache = cache
        self.fetch_one = backend.fetch_one
        self.fetch_all = backend.fetch_all
        self._prepared = False
        self._seen_prepared = -math.inf
        self._read_only = False

    @cached_property
    def kept(self) -> Kept:
        """What is kept of this base in the cache."""
        from rekall.store.kept import Kept

        return Kept(self._cache)

    def write(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        """Apply one batch, all or none; returns the rows changed together."""
        self._prepare_to_write()
        return self.backend.execute_batch(statements, idempotent=idempotent)

    def execute(self, query: str, params: Params = ()) -> Result:
        """Run one write by itself."""
        self._prepare_to_write()
        result: Result = self.backend.execute(query, params)
        return result

    def prepare(self) -> None:
        """Before a write: make the derived objects that are missing, read the contexts that wait to be read.

        After the first time that is one small query: another program may have left a context that only Python can read.
        Threads that come together all do it. One that waited here for another could be one whose turn to write that
        other waits for, or an event loop, that may not wait.
        """
        if not self.is_prepared():
            opening.ensure_derived(self.backend)
            pending.fill(self.backend)
            self._prepared = True

    def _prepare_to_write(self) -> None:
        if not self._prepared or time.monotonic() - self._seen_prepared >= self.options.fresh:
            self.prepare()
            self._seen_prepared = time.monotonic()

    @property
    def was_prepared(self) -> bool:
        """Whether it was prepared once; what another program has written since may wait."""
        return self._prepared

    def is_waiting(self) -> bool:
        """Whether contexts wait to be read into the index."""
        return self.fetch_one(_WAITING) is not None

    def is_prepared(self) -> bool:
        """Whether nothing is missing and nothing waits."""
        try:
            return self._prepared and not self.is_waiting()
        except QueryError:
            return False  # the derived objects were dropped meanwhile

    def can_count(self) -> bool:
        """Prepare for counting accesses; False where none is counted, as on a base that cannot be written."""
        if not self.options.counting:
            return False
        if not (self._prepared or self._read_only):
            try:
                self.prepare()
            except ReadOnlyError:
                self._read_only = True
        return not self._read_only

    def count(self, accesses: Sequence[Access]) -> None:
        """Count accesses, now or later; a base that cannot be written keeps its counts."""
        if not self.can_count():
            return
        if self.options.count_later is not None:
            self.options.count_later(accesses)
            return
        try:
            self.count_now(accesses)
        except ReadOnlyError:
            self._read_only = True

    def count_now(self, accesses: Sequence[Access]) -> None:
        """Count accesses, of any number of answers, in one batch.

        Raises:
            ReadOnlyError: the base cannot be written.
        """
        self.backend.execute_batch(count_statements(accesses))
