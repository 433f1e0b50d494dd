"""Searches of sources, saved under a name."""

from __future__ import annotations

from typing import Any

from rekall.store.session import Session


class Filters:
    """Searches of sources, saved under a name."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def delete_saved_filter(self, filter_id: int) -> bool:
        raise NotImplementedError

    def get_saved_filter_by_id(self, filter_id: int) -> dict[str, Any] | None:
        raise NotImplementedError

    def get_saved_filters(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def save_filter(self, name: str, filter_dict: dict[str, Any]) -> int:
        raise NotImplementedError
