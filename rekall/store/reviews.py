"""Entries to go over again: due by their schedule, or long unused."""

from __future__ import annotations

from rekall.models import Entry, ReviewItem
from rekall.store.session import Session


class Reviews:
    """Entries to go over again: due by their schedule, or long unused."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_due_entries(self, limit: int = 10, project: str | None = None) -> list[ReviewItem]:
        raise NotImplementedError

    def get_stale_entries(self, days: int = 30, limit: int = 20) -> list[Entry]:
        raise NotImplementedError

    def update_review_schedule(self, entry_id: str, quality: int) -> None:
        raise NotImplementedError
