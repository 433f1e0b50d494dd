"""Small facts about the base itself: text to text."""

from __future__ import annotations

from datetime import date

from rekall.infra.interfaces import Statement
from rekall.store.session import Session

WEEKLY_CHECK = "last_weekly_check"


class Metadata:
    """Reads and writes metadata."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_metadata(self, key: str) -> str | None:
        """The value of a key, None when it was never set."""
        row = self._session.fetch_one("SELECT value FROM metadata WHERE key = ?", (key,))
        return None if row is None else str(row["value"])

    def set_metadata(self, key: str, value: str) -> None:
        """Set a key, in place of the value before."""
        sql = "INSERT INTO metadata(key, value) VALUES (?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"
        self._session.write([Statement(sql, (key, value))], idempotent=True)

    def delete_metadata(self, key: str) -> bool:
        """Remove a key; tell whether it was set."""
        return self._session.execute("DELETE FROM metadata WHERE key = ?", (key,)).rowcount > 0

    def is_first_weekly_call(self) -> bool:
        """Whether the weekly check has not been done in this ISO week; writes nothing."""
        stored = self.get_metadata(WEEKLY_CHECK)
        try:
            last = date.fromisoformat(stored or "")
        except ValueError:
            return True
        return last.isocalendar()[:2] != date.today().isocalendar()[:2]

    def update_weekly_check(self) -> None:
        """Note that the weekly check was done today."""
        self.set_metadata(WEEKLY_CHECK, date.today().isoformat())
