"""A deliberate fault of a database back end: its class, a check that must catch it, and what that check must say."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from rekall.infra import DatabaseBackend
from rekall.testing import DatabaseConformance

Database = TypeVar("Database", bound=type[DatabaseBackend])
STATED = ("backup", "persistent")


class Fault(NamedTuple):
    """A back end that is wrong.

    Args:
        database: its class.
        check: the one that must catch it.
        says: stands in the message of that check.
        capabilities: what its conformance class states.
    """

    database: type[DatabaseBackend]
    check: str
    says: str
    capabilities: tuple[str, ...]


class Faults(list[Fault]):
    """Faults, each noted where its class stands; one class may be caught by several checks."""

    def caught_by(self, check: str, says: str, *, states: tuple[str, ...] = STATED) -> Callable[[Database], Database]:
        """Note a class; the arguments are those of `Fault`."""

        def note(database: Database) -> Database:
            self.append(Fault(database, check, says, states))
            return database

        return note


def conformance_class(database: type[DatabaseBackend], capabilities: tuple[str, ...]) -> type[DatabaseConformance]:
    """The class that an author would write for a back end."""
    stated = {"backend": database, "capabilities": capabilities}
    return type(f"Test{database.__name__}", (DatabaseConformance,), stated)
