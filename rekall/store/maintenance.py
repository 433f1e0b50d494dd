"""Is the base sound, and how to mend what can be rebuilt."""

from __future__ import annotations

from typing import NamedTuple

from rekall.errors import CorruptError
from rekall.infra.interfaces import Statement
from rekall.store import derived, opening, pending
from rekall.store.session import Session


class IndexHealth(NamedTuple):
    """How the shared full-text table stands to the entries: ids without a row, with several, and rows without entry."""

    missing: int
    doubled: int
    orphaned: int

    @property
    def is_sound(self) -> bool:
        return not (self.missing or self.doubled or self.orphaned)


class Maintenance:
    """Checks and rebuilds; reads only, but for `rebuild`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def integrity_problems(self) -> list[str]:
        """What SQLite's integrity check and foreign key check find; empty when the base is sound."""
        try:
            rows = self._session.fetch_all("PRAGMA integrity_check(10)")
        except CorruptError as error:
            return [str(error)]
        problems = [str(text) for row in rows for text in row.values() if text != "ok"]
        broken = self._session.fetch_all("PRAGMA foreign_key_check")
        return problems + [
            f"{row['table']} row {row['rowid']} names a missing row of {row['parent']}" for row in broken
        ]

    def full_text_health(self) -> IndexHealth:
        """Compare the full-text table with the entries, row by row."""
        row = self._session.fetch_one(
            "WITH indexed AS (SELECT c0 AS id, count(*) AS n FROM entries_fts_content GROUP BY c0) SELECT"
            " (SELECT count(*) FROM entries WHERE id NOT IN (SELECT id FROM indexed)) AS missing,"
            " (SELECT count(*) FROM indexed WHERE n > 1) AS doubled,"
            " (SELECT count(*) FROM indexed WHERE id NOT IN (SELECT id FROM entries)) AS orphaned"
        )
        return IndexHealth(**(row or {"missing": 0, "doubled": 0, "orphaned": 0}))

    def derived_problems(self) -> list[str]:
        """The names of `rekall_*` objects that are missing or out of date; the first write makes them."""
        return opening.derived_problems(self._session.backend)

    def rebuild(self) -> None:
        """Make the derived objects and the full-text table anew from the entries, all or nothing."""
        statements = [*derived.rebuild_full_text(), *derived.build()]
        self._session.backend.execute_batch(map(Statement, statements))
        pending.fill(self._session.backend)
