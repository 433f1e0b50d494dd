"""What a server finds before it begins: the schema of a base, looked at without changing it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rekall.infra.interfaces import DatabaseBackend
from rekall.store.opening import read_state, refuse


class BaseState(NamedTuple):
    """The schema of a base.

    Args:
        name: what it is called in a sentence.
        is_empty: there is none yet: opening the base creates it.
        is_current: opening the base changes nothing.
    """

    name: str
    is_empty: bool
    is_current: bool


def look(backend: DatabaseBackend, path: Path) -> BaseState:
    """The schema of a base that a server may open; nothing is created or migrated.

    Args:
        backend: connected.
        path: the database file, for messages.

    Raises:
        NewerSchemaError: written by a newer Rekall.
        NotARekallError: some other program's database.
    """
    state = read_state(backend)
    if not state.is_empty and not state.is_current:
        refuse(state, path)
    return BaseState(state.name, state.is_empty, state.is_current)
