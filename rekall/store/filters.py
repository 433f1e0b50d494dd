"""Searches of sources, saved under a name."""

from __future__ import annotations

import json
from typing import Any

from rekall.errors import IntegrityError
from rekall.store.rows import utc_now
from rekall.store.session import Session

_SELECT = "SELECT id, name, filter_json, created_at FROM saved_filters"


class Filters:
    """Searches of sources, saved under a name.

    A filter is a dict as its row is: id, name, filter_json (the JSON text) and created_at (UTC).
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def delete_saved_filter(self, filter_id: int) -> bool:
        """Remove a filter; tell whether it was there."""
        return self._session.execute("DELETE FROM saved_filters WHERE id = ?", (filter_id,)).rowcount > 0

    def get_saved_filter_by_id(self, filter_id: int) -> dict[str, Any] | None:
        """The filter of an id, None if there is none."""
        return self._session.fetch_one(f"{_SELECT} WHERE id = ?", (filter_id,))

    def get_saved_filters(self) -> list[dict[str, Any]]:
        """All filters, by name."""
        return self._session.fetch_all(f"{_SELECT} ORDER BY name")

    def save_filter(self, name: str, filter_dict: dict[str, Any]) -> int:
        """Save a filter under a new name.

        Args:
            name: not yet taken.
            filter_dict: the arguments of `Database.search_sources_advanced`; JSON-safe.

        Returns:
            The id of the filter.

        Raises:
            IntegrityError: the name is taken; the filter of that name stays as it is.
        """
        try:
            result = self._session.execute(
                "INSERT INTO saved_filters(name, filter_json, created_at) VALUES (?, ?, ?)",
                (name, json.dumps(filter_dict), utc_now()),
            )
        except IntegrityError as error:
            raise IntegrityError(f"a filter named '{name}' exists: choose another name, or delete it first") from error
        return int(result.lastrowid or 0)
