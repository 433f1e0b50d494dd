"""The frame of the checks of a database back end: how one is opened, what stands in it, and what is asked of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from rekall.errors import OutcomeUnknownError, TransientError
from rekall.infra.interfaces import DatabaseBackend, Row, Statement
from rekall.testing.capabilities import Conformance
from rekall.testing.contract import broken, contract, holds, same, shown

TABLES = (
    "CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, value)",
    "CREATE TABLE IF NOT EXISTS parts (item_id INTEGER NOT NULL REFERENCES items(id) ON DELETE CASCADE, name TEXT)",
)
"""What stands in every base that is checked; `value` has no affinity, so a value keeps its type."""
T = TypeVar("T")
_TRIES = 20
INSERT = "INSERT INTO items (value) VALUES (?)"


class DatabaseFrame(Conformance):
    """What the checks of a database back end share."""

    known_capabilities: ClassVar[Mapping[str, str]] = {
        "backup": "it has `backup`, which copies the whole database to a new SQLite file",
        "limited_batches": "it holds a batch until it is whole, and refuses one beyond its limit before it writes",
        "persistent": "two made for one folder share what they hold, also after both were closed",
    }

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[DatabaseBackend]:
        """A back end, connected to a place of its own with the two tables."""
        backend = self.opened(tmp_path)
        yield backend
        with contract("close gives everything back and raises nothing"):
            backend.close()

    def opened(self, folder: Path) -> DatabaseBackend:
        """A new back end for a folder, connected, with the two tables if they are not there."""
        backend: DatabaseBackend = self.made(folder)
        with contract(
            "connect opens an empty base for a new folder, and makes the folder of its file if that is missing"
        ):
            backend.connect()
        with contract("CREATE TABLE works in a batch"):
            backend.execute_batch([Statement(sql) for sql in TABLES])
        return backend


def tables(backend: DatabaseBackend) -> list[str]:
    """The names of the tables in the base, sorted."""
    found = backend.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [row["name"] for row in found]


def values(backend: DatabaseBackend) -> list[Any]:
    """What stands in the table of items, in the order of their ids."""
    return [row["value"] for row in backend.fetch_all("SELECT value FROM items ORDER BY id")]


def one(row: Row | None) -> Row:
    """A row that must be there."""
    if row is None:
        broken("fetch_one gave None for a query that has a row")
    return row


def methods(backend: DatabaseBackend) -> dict[str, Callable[[str, Any], object]]:
    """The four methods that take a statement, by name, each called with one statement and its parameters."""
    return {
        "execute": lambda sql, params: backend.execute(sql, params),
        "fetch_one": lambda sql, params: backend.fetch_one(sql, params),
        "fetch_all": lambda sql, params: backend.fetch_all(sql, params),
        "execute_batch": lambda sql, params: backend.execute_batch(
            [Statement(INSERT, ("must be undone",)), Statement(sql, params)]
        ),
    }


def refused(what: str, kind: type[Exception], call: Callable[..., object], *arguments: object) -> Exception:
    """The permanent error that a call raises.

    Args:
        what: names the call in the message.
        kind: the class that the error must have.
        call: has to raise it, given the arguments.

    Raises:
        FoundError: no error, one of another class, or one that would be tried again.
    """
    __tracebackhide__ = True
    try:
        result = call(*arguments)
    except Exception as error:  # noqa: BLE001  # judged here
        if not isinstance(error, kind):
            broken(f"{what} raised {type(error).__name__}: {error}", error)
        if isinstance(error, (TransientError, OutcomeUnknownError)):
            broken(f"{what} raised {type(error).__name__}, which is tried again: {error}", error)
        return error
    return broken(f"{what} raised nothing and gave {shown(result)}")


def settled(call: Callable[..., T], *arguments: Any) -> T:
    """What a call gives once the base is not too busy: a TransientError promises that nothing was applied."""
    for _ in range(_TRIES):
        with suppress(TransientError):
            return call(*arguments)
    return call(*arguments)


class Streamed:
    """Statements that can be iterated again and again, made one by one; counts how often and how far they were read.

    Args:
        make: gives a new iterator.
    """

    def __init__(self, make: Callable[[], Iterable[Statement]]) -> None:
        self._make = make
        self.started = 0
        self.read = 0

    def __iter__(self) -> Iterator[Statement]:
        self.started += 1
        for statement in self._make():
            self.read += 1
            yield statement


def nothing_kept(backend: DatabaseBackend, what: str, wanted: list[Any] | None = None) -> None:
    """Go on if the items are what they were (none), and the back end still takes a write."""
    __tracebackhide__ = True
    same(values(backend), wanted or [], f"what the table holds after {what}")
    backend.execute("INSERT INTO parts (item_id, name) SELECT 1, 'still writable' WHERE 0")
    holds(backend.is_connected(), f"is_connected is false after {what}")
