"""What a back end must provide: two small abstract classes, and the values that travel through them.

A database back end runs Rekall's storage language, which is SQLite's SQL with FTS5, somewhere: in one file, through a
pool, on a cluster. There are no interactive transactions; an atomic batch is the unit of writing, and the unit that
can be tried again as a whole.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeAlias

from rekall.errors import NotSupportedError, QueryError

INTERFACE_VERSION = 1
"""The version of these interfaces; a back end states the one it was written for as `interface_version`."""

Value: TypeAlias = str | int | float | bytes | None
Params: TypeAlias = Sequence[Value] | Mapping[str, Value]
Row: TypeAlias = dict[str, Any]

# not a regular expression: compiling one costs more than all that a search does here
_BLANKS = "; \t\r\n\f\ufeff"
_TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE")


class Statement(NamedTuple):
    """One SQL statement of a batch.

    Args:
        sql: the statement, with `?` or `:name` placeholders.
        params: a sequence for `?`, a mapping for `:name`.
        expect: the guard: the number of rows that the statement must change, else the whole batch is undone.
    """

    sql: str
    params: Params = ()
    expect: int | None = None


class Result(NamedTuple):
    """What one write did: rows changed, and the row id of the last INSERT (both named as in the DB-API)."""

    rowcount: int
    lastrowid: int | None = None


class CallGivenUp(BaseException):
    """A call that a back end gave up because its caller had bounded it, as a server does on its event loop.

    Nothing was applied. No layer between the two catches it, which is why it is no `Exception`.
    """


def refuse_transaction_control(sql: str) -> None:
    """Refuse BEGIN, COMMIT, END, ROLLBACK, SAVEPOINT and RELEASE, as every back end must.

    Raises:
        QueryError: the statement would open, close or nest a transaction.
    """
    word = _transaction_control(sql)
    if word is not None:
        raise QueryError(
            f"transaction control is refused ({word}): write with execute_batch, which applies all or none"
        )


@functools.lru_cache(maxsize=512)
def _transaction_control(sql: str) -> str | None:
    rest = sql.lstrip(_BLANKS)
    while rest.startswith(("--", "/*")):
        end = "\n" if rest.startswith("--") else "*/"
        rest = rest.partition(end)[2].lstrip(_BLANKS)
    # no other statement of SQLite begins with the letters of one of these words
    return next((word for word in _TRANSACTION_CONTROL if rest[:9].upper().startswith(word)), None)


class DatabaseBackend(ABC):
    """Runs SQL. Every method may be called from any thread.

    Back ends raise only errors of `rekall.errors`, `from` the driver's error. `TransientError` promises that nothing
    was applied; `OutcomeUnknownError` says that something may have been.

    Attributes:
        interface_version: the version of this interface that the back end was written for.
        options: what `[backends.database_options]` in config.toml may give, by name, each with its type; None takes
            whatever the constructor takes.
    """

    interface_version: ClassVar[int] = INTERFACE_VERSION
    options: ClassVar[Mapping[str, type] | None] = None

    @abstractmethod
    def connect(self) -> None:
        """Open what is needed; a second call does nothing."""

    @abstractmethod
    def close(self) -> None:
        """Give everything back; a second call does nothing, and any other call afterwards raises `ClosedError`.

        A call of another thread that runs meanwhile ends as usual or raises `ClosedError`.
        """

    @abstractmethod
    def is_connected(self) -> bool:
        """Tell whether `connect` has been called and `close` has not."""

    @abstractmethod
    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        """Run one write, atomically by itself.

        Args:
            query: one statement.
            params: its parameters.
            idempotent: applying it twice is the same as once, so it may be tried again when the outcome is unknown.
                Read by the retry layer, which keeps it to itself: a back end never receives it.

        Returns:
            The rows that the statement changed itself, without those of triggers and cascades, also when it begins with
            WITH (0 if none, never -1: `rekall.infra.sqlite_writes` counts them); and the row id of an INSERT.
        """

    @abstractmethod
    def fetch_one(self, query: str, params: Params | None = None) -> Row | None:
        """Return the first row as a dict from column name to value, or None.

        Raises:
            QueryError: the query writes; a read may be tried again, so it only reads (`rekall.infra.reading`).
        """

    @abstractmethod
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        """Return all rows, each a dict from column name to value.

        Raises:
            QueryError: as in `fetch_one`.
        """

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        """Apply all statements in order, or none of them.

        Args:
            statements: read once per attempt and never held in memory. An iterator, which can be read only once, is
                the exception: the retry layer makes a list of it, so that no attempt begins in the middle.
            idempotent: as in `execute`.

        Returns:
            The number of rows that the statements changed together.

        Raises:
            GuardFailed: a statement changed another number of rows than its `expect`; nothing was kept.
        """
        raise NotSupportedError(
            f"the database back end {type(self).__name__} has no execute_batch, which every write of Rekall uses: "
            "implement it (docs/backends.md) or choose another back end"
        )

    def backup(self, target: Path) -> None:
        """Write a consistent copy of the whole database, with what its log still holds, to the new file `target`.

        Optional: a back end that has no file to copy leaves it out. A migration of an old file needs it.
        """
        raise NotSupportedError(f"the database back end {type(self).__name__} cannot back up to a file")


class CacheBackend(ABC):
    """Keeps values for a while. Keys are text; values are bytes or JSON-safe data. Safe to call from any thread.

    JSON-safe is None, bool, int, a finite float, text, and lists and dicts of such values with text as keys.

    Attributes:
        interface_version: the version of this interface that the back end was written for.
        options: as `DatabaseBackend.options`, for `[backends.cache_options]`.
    """

    interface_version: ClassVar[int] = INTERFACE_VERSION
    options: ClassVar[Mapping[str, type] | None] = None

    @abstractmethod
    def get(self, key: str, default: Any = None) -> Any:
        """Return the value, or `default` when there is none: a stored None is not a miss."""

    @abstractmethod
    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        """Store a value for `ttl` seconds; None means that it never expires, 0 or less that it is gone at once.

        Raises:
            InvalidValueError: the value is neither bytes nor JSON-safe.
        """

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Remove a key; tell whether it was there."""

    @abstractmethod
    def clear(self) -> None:
        """Remove every key that caches made for the same place have set, and nothing else there."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Tell whether `get` would find the key."""


KINDS: Mapping[str, type] = {"database": DatabaseBackend, "cache": CacheBackend}
"""What can be resolved, and the interface that it must have; `rekall.backends.<kind>` is its group of entry points."""
