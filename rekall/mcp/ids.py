"""From the ids or prefixes that an assistant gives to the entries that it means."""

from __future__ import annotations

from collections.abc import Sequence

from rekall.db import Database
from rekall.errors import AmbiguousIdError, EntryNotFoundError
from rekall.models import Entry

_SHOWN = 40


def resolve(db: Database, prefix: str) -> str:
    """The full id of a unique prefix.

    Raises:
        EntryNotFoundError: none, or several (`AmbiguousIdError`, which names five).
    """
    try:
        return db.entries.resolve(prefix)
    except AmbiguousIdError:
        raise
    except EntryNotFoundError as error:
        raise not_found(prefix) from error


def resolve_all(db: Database, prefixes: Sequence[str]) -> dict[str, str | None]:
    """The full id of each prefix, None where no entry has it; all whole ids are found by one query.

    Raises:
        AmbiguousIdError: several begin with one of them.
    """
    whole = db.entries.get_many(prefixes)
    found: dict[str, str | None] = {}
    for prefix in dict.fromkeys(prefixes):
        try:
            found[prefix] = prefix if prefix in whole else resolve(db, prefix)
        except AmbiguousIdError:
            raise
        except EntryNotFoundError:
            found[prefix] = None
    return found


def find(db: Database, prefix: str, *, count: bool = False) -> Entry:
    """The entry of a unique prefix.

    Args:
        count: count this as an access.

    Raises:
        EntryNotFoundError: as `resolve`.
    """
    entry = db.get(resolve(db, prefix), update_access=count)
    if entry is None:  # deleted by another process since
        raise not_found(prefix)
    return entry


def not_found(prefix: str) -> EntryNotFoundError:
    """The error for an id that no entry has, in an assistant's terms."""
    return EntryNotFoundError(prefix, f"no entry has the id {prefix[:_SHOWN]!r}: rekall_search gives ids")
