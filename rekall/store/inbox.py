"""Addresses as they were captured."""

from __future__ import annotations

from typing import Any

from rekall.models import InboxEntry
from rekall.store.session import Session


class Inbox:
    """Addresses as they were captured."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_inbox_entry(self, entry: InboxEntry) -> str:
        raise NotImplementedError

    def clear_inbox(self, all_entries: bool = False, quarantine_only: bool = False, enriched_only: bool = False) -> int:
        raise NotImplementedError

    def delete_inbox_entry(self, entry_id: str) -> bool:
        raise NotImplementedError

    def get_inbox_entries(
        self,
        cli_source: str | None = None,
        is_valid: bool | None = None,
        valid_only: bool = False,
        quarantine_only: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[InboxEntry]:
        raise NotImplementedError

    def get_inbox_not_enriched(self, limit: int = 50) -> list[InboxEntry]:
        raise NotImplementedError

    def get_inbox_stats(self) -> dict[str, Any]:
        raise NotImplementedError

    def mark_inbox_enriched(self, entry_id: str) -> bool:
        raise NotImplementedError
