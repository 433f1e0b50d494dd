"""Citations of sources by entries."""

from __future__ import annotations

from rekall.models import Entry, EntrySource
from rekall.store.session import Session


class Citations:
    """Citations of sources by entries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def count_source_backlinks(self, source_id: str) -> int:
        raise NotImplementedError

    def get_backlinks_by_domain(self, domain: str, limit: int = 50) -> list[tuple[Entry, EntrySource]]:
        raise NotImplementedError

    def get_entry_sources(self, entry_id: str) -> list[EntrySource]:
        raise NotImplementedError

    def get_source_backlinks(self, source_id: str, limit: int = 50, offset: int = 0) -> list[tuple[Entry, EntrySource]]:
        raise NotImplementedError

    def link_entry_to_source(
        self, entry_id: str, source_type: str, source_ref: str, source_id: str | None = None, note: str | None = None
    ) -> EntrySource:
        raise NotImplementedError

    def unlink_entry_from_source(self, entry_source_id: str) -> bool:
        raise NotImplementedError
