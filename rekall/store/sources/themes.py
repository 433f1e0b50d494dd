"""The themes that sources have."""

from __future__ import annotations

from typing import Any

from rekall.store.session import Session


class Themes:
    """The themes that sources have."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_source_theme(self, source_id: str, theme: str) -> bool:
        raise NotImplementedError

    def get_all_tags_with_counts(self, min_sources: int = 1) -> list[dict[str, Any]]:
        raise NotImplementedError

    def get_source_themes(self, source_id: str) -> list[str]:
        raise NotImplementedError

    def get_tags_suggestions(self, prefix: str, limit: int = 10) -> list[str]:
        raise NotImplementedError

    def list_themes_with_counts(self, min_sources: int = 1) -> list[dict[str, Any]]:
        raise NotImplementedError

    def remove_source_theme(self, source_id: str, theme: str) -> bool:
        raise NotImplementedError
