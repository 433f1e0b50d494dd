"""Proposals to link or to generalize entries."""

from __future__ import annotations

from rekall.models import Suggestion
from rekall.store.session import Session


class Suggestions:
    """Proposals to link or to generalize entries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_suggestion(self, suggestion: Suggestion) -> None:
        raise NotImplementedError

    def get_suggestion(self, suggestion_id: str) -> Suggestion | None:
        raise NotImplementedError

    def get_suggestions(
        self, status: str | None = None, suggestion_type: str | None = None, limit: int = 100
    ) -> list[Suggestion]:
        raise NotImplementedError

    def suggestion_exists(self, entry_ids: list[str], suggestion_type: str) -> bool:
        raise NotImplementedError

    def update_suggestion_status(self, suggestion_id: str, status: str) -> bool:
        raise NotImplementedError
