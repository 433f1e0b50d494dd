"""Sources: their records, their status and what enrichment proposed."""

from __future__ import annotations

from datetime import datetime

from rekall.models import Source
from rekall.store.session import Session


class Sources:
    """Sources: their records, their status and what enrichment proposed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_source(self, source: Source) -> Source:
        raise NotImplementedError

    def count_enriched_sources(self) -> dict[str, int]:
        raise NotImplementedError

    def delete_source(self, source_id: str) -> bool:
        raise NotImplementedError

    def get_enriched_sources(self, status: str | None = None, limit: int = 500) -> list[Source]:
        raise NotImplementedError

    def get_source(self, source_id: str) -> Source | None:
        raise NotImplementedError

    def get_source_by_domain(self, domain: str, url_pattern: str | None = None) -> Source | None:
        raise NotImplementedError

    def get_source_by_url(self, url: str) -> Source | None:
        raise NotImplementedError

    def get_top_sources(self, limit: int = 20, min_score: float = 0.0) -> list[Source]:
        raise NotImplementedError

    def list_sources(
        self, status: str | None = None, min_score: float | None = None, limit: int = 100, offset: int = 0
    ) -> list[Source]:
        raise NotImplementedError

    def reject_enrichment(self, source_id: str) -> bool:
        raise NotImplementedError

    def update_source(self, source: Source) -> bool:
        raise NotImplementedError

    def update_source_status(self, source_id: str, status: str, last_verified: datetime | None = None) -> bool:
        raise NotImplementedError

    def validate_enrichment(self, source_id: str) -> bool:
        raise NotImplementedError
