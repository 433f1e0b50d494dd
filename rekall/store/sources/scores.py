"""The scores of sources."""

from __future__ import annotations

from collections.abc import Callable

from rekall.models import Source
from rekall.store.session import Session


class Scores:
    """The scores of sources."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def calculate_citation_quality(self, source_id: str) -> float:
        raise NotImplementedError

    def calculate_source_score(self, source: Source) -> float:
        raise NotImplementedError

    def calculate_source_score_v2(self, source: Source) -> float:
        raise NotImplementedError

    def recalculate_all_scores(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        raise NotImplementedError

    def recalculate_source_score(self, source_id: str, update_citation_quality: bool = True) -> float | None:
        raise NotImplementedError

    def update_citation_quality(self, source_id: str) -> float | None:
        raise NotImplementedError

    def update_source_usage(self, source_id: str) -> Source | None:
        raise NotImplementedError
