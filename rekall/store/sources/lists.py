"""Selections of sources: by score, theme, tag, use and need of a check."""

from __future__ import annotations

from typing import Any

from rekall.models import Source
from rekall.store.session import Session


class SourceLists:
    """Selections of sources: by score, theme, tag, use and need of a check."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_dormant_sources(self, months: int = 6, limit: int = 20) -> list[Source]:
        raise NotImplementedError

    def get_emerging_sources(self, min_citations: int = 3, days: int = 30, limit: int = 20) -> list[Source]:
        raise NotImplementedError

    def get_inaccessible_sources(self, limit: int = 50) -> list[Source]:
        raise NotImplementedError

    def get_prioritized_sources_for_theme(self, theme: str, limit: int = 10, min_score: float = 20.0) -> list[Source]:
        raise NotImplementedError

    def get_promoted_sources(self, limit: int = 100) -> list[Source]:
        raise NotImplementedError

    def get_seed_sources(self, limit: int = 100) -> list[Source]:
        raise NotImplementedError

    def get_source_statistics(self) -> dict[str, Any]:
        raise NotImplementedError

    def get_sources_by_tags(self, tags: list[str], limit: int = 100, min_score: float = 0.0) -> list[Source]:
        raise NotImplementedError

    def get_sources_by_theme(
        self,
        theme: str,
        limit: int = 20,
        min_score: float = 0.0,
        include_unclassified: bool = True,
        seeds_only: bool = False,
        promoted_only: bool = False,
    ) -> list[Source]:
        raise NotImplementedError

    def get_sources_for_domain_boost(self, limit: int = 20, min_score: float = 20.0) -> list[Source]:
        raise NotImplementedError

    def get_sources_to_verify(self, days_since_check: int = 1, limit: int = 100) -> list[Source]:
        raise NotImplementedError

    def search_sources_advanced(
        self,
        tags: list[str] | None = None,
        score_min: float | None = None,
        score_max: float | None = None,
        statuses: list[str] | None = None,
        roles: list[str] | None = None,
        last_used_days: int | None = None,
        text_search: str | None = None,
        limit: int = 100,
    ) -> list[Source]:
        raise NotImplementedError
