"""Addresses as they were captured."""

from __future__ import annotations

from typing import Any, Literal

from rekall.infra.interfaces import Value
from rekall.models import InboxEntry, generate_ulid
from rekall.store.capture_rows import capture_values, captures_from_rows, columns
from rekall.store.rows import select, utc_now
from rekall.store.session import Session

_COLUMNS = columns(InboxEntry)
_SELECT = f"SELECT {select(_COLUMNS, 'sources_inbox')} FROM sources_inbox"
_INSERT = f"INSERT INTO sources_inbox({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
# a NULL reads as valid
_VALID, _QUARANTINED, _ENRICHED = "is_valid IS NOT 0", "is_valid = 0", "enriched_at IS NOT NULL"


class Inbox:
    """Addresses as they were captured: valid ones, and those in quarantine. One address may be there several times."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_inbox_entry(self, entry: InboxEntry) -> str:
        """Store an address; one without an id gets one, on the object too. Returns the id.

        Raises:
            IntegrityError: the id exists.
        """
        entry.id = entry.id or generate_ulid()
        self._session.execute(_INSERT, capture_values(entry))
        return entry.id

    def clear_inbox(self, all_entries: bool = False, quarantine_only: bool = False, enriched_only: bool = False) -> int:
        """Remove all addresses, or those in quarantine, or those enriched; returns how many.

        The first of the three that is set decides; without any, nothing is removed.
        """
        if all_entries:
            return self._session.execute("DELETE FROM sources_inbox").rowcount
        if quarantine_only or enriched_only:
            chosen = _QUARANTINED if quarantine_only else _ENRICHED
            return self._session.execute(f"DELETE FROM sources_inbox WHERE {chosen}").rowcount
        return 0

    def delete_inbox_entry(self, entry_id: str) -> bool:
        """Remove one address; tell whether it was there."""
        return self._session.execute("DELETE FROM sources_inbox WHERE id = ?", (entry_id,)).rowcount > 0

    def get_inbox_entries(
        self,
        cli_source: str | None = None,
        is_valid: bool | None = None,
        valid_only: bool = False,
        quarantine_only: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[InboxEntry]:
        """Addresses, newest first.

        Args:
            cli_source: the tool that an address was captured from; empty or None for all.
            is_valid: valid ones or those in quarantine; None for both.
            valid_only: valid ones, whatever `quarantine_only` and `is_valid` say.
            quarantine_only: those in quarantine, whatever `is_valid` says.
            limit: a negative one lets all pass.
            offset: how many to leave out before.
        """
        params: dict[str, Value] = {"limit": limit, "offset": offset}
        conditions = []
        if cli_source:
            conditions.append("cli_source = :cli_source")
            params["cli_source"] = cli_source
        wanted = True if valid_only else False if quarantine_only else is_valid
        if wanted is not None:
            conditions.append(_VALID if wanted else _QUARANTINED)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._session.fetch_all(
            f"{_SELECT} {where} ORDER BY captured_at DESC, id DESC LIMIT :limit OFFSET :offset", params
        )
        return captures_from_rows(InboxEntry, rows)

    def get_inbox_not_enriched(self, limit: int = 50) -> list[InboxEntry]:
        """The valid addresses that wait to be enriched, oldest first."""
        rows = self._session.fetch_all(
            f"{_SELECT} WHERE {_VALID} AND enriched_at IS NULL ORDER BY captured_at, id LIMIT ?", (limit,)
        )
        return captures_from_rows(InboxEntry, rows)

    def get_inbox_stats(self) -> dict[str, Any]:
        """How many addresses there are: `total`, `pending` (valid, not enriched), `quarantine`, `enriched`."""
        row = self._session.fetch_one(
            f"SELECT count(*) AS total, count(*) FILTER (WHERE {_VALID} AND enriched_at IS NULL) AS pending,"
            f" count(*) FILTER (WHERE {_QUARANTINED}) AS quarantine, count(*) FILTER (WHERE {_ENRICHED}) AS enriched"
            " FROM sources_inbox"
        )
        return dict(row or {})

    def count_by(self, column: Literal["cli_source", "domain"], limit: int = -1) -> dict[str | None, int]:
        """How many addresses there are for each value of a column, most first."""
        rows = self._session.fetch_all(
            f"SELECT {column} AS value, count(*) AS n FROM sources_inbox GROUP BY value ORDER BY n DESC, value LIMIT ?",
            (limit,),
        )
        return {row["value"]: row["n"] for row in rows}

    def mark_inbox_enriched(self, entry_id: str) -> bool:
        """Note that an address was enriched now (UTC); tell whether it is there."""
        sql = "UPDATE sources_inbox SET enriched_at = ? WHERE id = ?"
        return self._session.execute(sql, (utc_now(), entry_id)).rowcount > 0
