"""Pages on their way to becoming sources."""

from __future__ import annotations

from rekall.models import StagingEntry
from rekall.store.session import Session


class Staging:
    """Pages on their way to becoming sources."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_staging_entry(self, entry: StagingEntry) -> str:
        raise NotImplementedError

    def get_staging_by_url(self, url: str) -> StagingEntry | None:
        raise NotImplementedError

    def get_staging_eligible_for_promotion(self, threshold: float) -> list[StagingEntry]:
        raise NotImplementedError

    def get_staging_entries(
        self, promoted: bool | None = None, content_type: str | None = None, limit: int = 100, offset: int = 0
    ) -> list[StagingEntry]:
        raise NotImplementedError

    def update_staging(self, entry: StagingEntry) -> bool:
        raise NotImplementedError
