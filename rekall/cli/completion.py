"""Entry ids for shell completion."""

from __future__ import annotations

from typing import Any

from rekall.cli.opening import is_missing, open_backend, settings
from rekall.errors import AmbiguousIdError, RekallError

SHOWN = 20
"""Ids offered when nothing is typed yet."""


def entry_ids(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    """Ids that begin so, with their titles: at most five, or the newest ones when nothing is typed.

    Nothing is created or migrated, and a base that cannot be read offers nothing: an error would spoil the prompt.
    """
    from rekall.store.entries import Entries
    from rekall.store.opening import read_state
    from rekall.store.session import Session

    try:
        config = settings(ctx, quiet=True)
        if is_missing(config):
            return []
        with open_backend(config.db_path) as backend:
            if not read_state(backend).is_current:
                return []
            entries = Entries(Session(backend, config.db_path))
            if not incomplete:
                return [(entry.id, entry.title) for entry in entries.list_all(limit=SHOWN)]
            try:
                found = entries.get_many([entries.resolve(incomplete)])
            except AmbiguousIdError as error:
                return list(error.candidates)
            return [(entry.id, entry.title) for entry in found.values()]
    except RekallError:
        return []
