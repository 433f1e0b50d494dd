"""The standing of sources: seeds, promoted ones, and their role."""

from __future__ import annotations

from typing import Any

from rekall.models import Source
from rekall.store.session import Session


class Promotions:
    """The standing of sources: seeds, promoted ones, and their role."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def check_promotion_criteria(self, source: Source) -> bool:
        raise NotImplementedError

    def classify_source_auto(self, source_id: str) -> str | None:
        raise NotImplementedError

    def classify_source_manual(self, source_id: str, role: str) -> bool:
        raise NotImplementedError

    def demote_source(self, source_id: str) -> bool:
        raise NotImplementedError

    def promote_source(self, source_id: str) -> bool:
        raise NotImplementedError

    def recalculate_all_promotions(self) -> dict[str, Any]:
        raise NotImplementedError

    def update_source_as_seed(self, source_id: str, seed_origin: str, role: str | None = None) -> bool:
        raise NotImplementedError
