"""Proposals to link or to generalize entries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from rekall.errors import CorruptError
from rekall.infra.interfaces import Row, Statement, Value
from rekall.models import Suggestion
from rekall.store.rows import iso
from rekall.store.session import Session

_COLUMNS = ("id", "suggestion_type", "entry_ids", "reason", "score", "status", "created_at", "resolved_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM suggestions"
_INSERT = f"INSERT INTO suggestions({', '.join(_COLUMNS)})"
_VALUES = ", ".join(f":{column}" for column in _COLUMNS)

_STORED = "json_each(CASE WHEN json_valid(entry_ids) THEN entry_ids ELSE '[]' END)"
_WANTED = "json_each(:wanted)"
# two sets are equal when neither has anything that the other lacks; the order in which they are stored says nothing
_PENDING = (
    "EXISTS (SELECT 1 FROM suggestions WHERE status = 'pending' AND suggestion_type = :suggestion_type"
    f" AND NOT EXISTS (SELECT value FROM {_STORED} EXCEPT SELECT value FROM {_WANTED})"
    f" AND NOT EXISTS (SELECT value FROM {_WANTED} EXCEPT SELECT value FROM {_STORED}))"
)


class Suggestions:
    """Proposals to link or to generalize entries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_suggestion(self, suggestion: Suggestion) -> None:
        """Store a suggestion, with its ids in their order.

        Raises:
            IntegrityError: the id exists.
        """
        self._session.write([Statement(f"{_INSERT} VALUES ({_VALUES})", _values(suggestion))])

    def add_if_new(self, suggestion: Suggestion) -> bool:
        """Store a suggestion unless one of the same type for the same entries is pending; tell whether it was stored.

        One statement: of two processes that propose the same thing at the same time, one stores it.

        Raises:
            IntegrityError: the id exists.
        """
        values = {**_values(suggestion), "wanted": suggestion.entry_ids_json()}
        return self._session.write([Statement(f"{_INSERT} SELECT {_VALUES} WHERE NOT {_PENDING}", values)]) > 0

    def get_suggestion(self, suggestion_id: str) -> Suggestion | None:
        """The suggestion of a full id, None if there is none."""
        row = self._session.fetch_one(f"{_SELECT} WHERE id = ?", (suggestion_id,))
        return None if row is None else _suggestion_from_row(row)

    def get_suggestions(
        self, status: str | None = None, suggestion_type: str | None = None, limit: int = 100
    ) -> list[Suggestion]:
        """Suggestions, the newest first; an empty or absent filter lets all pass, a negative limit too."""
        wanted = {"status": status, "suggestion_type": suggestion_type}
        params: dict[str, Value] = {column: value for column, value in wanted.items() if value}
        where = f"WHERE {' AND '.join(f'{column} = :{column}' for column in params)}" if params else ""
        rows = self._session.fetch_all(
            f"{_SELECT} {where} ORDER BY created_at DESC, rowid DESC LIMIT :limit", {**params, "limit": limit}
        )
        return [_suggestion_from_row(row) for row in rows]

    def suggestion_exists(self, entry_ids: Sequence[str], suggestion_type: str) -> bool:
        """Whether a suggestion of this type for these entries is pending, in whatever order the ids are given."""
        row = self._session.fetch_one(
            f"SELECT {_PENDING} AS found",
            {"wanted": json.dumps(list(entry_ids)), "suggestion_type": suggestion_type},
        )
        return row is not None and bool(row["found"])

    def update_suggestion_status(self, suggestion_id: str, status: str) -> bool:
        """Set the status, and the time of the decision: now, or none for `pending`.

        Returns:
            False when there is no such suggestion.

        Raises:
            IntegrityError: the status is not pending, accepted or rejected.
        """
        resolved = None if status == "pending" else datetime.now().isoformat()
        sql = "UPDATE suggestions SET status = ?, resolved_at = ? WHERE id = ?"
        return self._session.execute(sql, (status, resolved, suggestion_id)).rowcount > 0


def _values(suggestion: Suggestion) -> dict[str, Value]:
    return {
        "id": suggestion.id,
        "suggestion_type": suggestion.suggestion_type,
        "entry_ids": suggestion.entry_ids_json(),
        "reason": suggestion.reason,
        "score": suggestion.score,
        "status": suggestion.status,
        "created_at": iso(suggestion.created_at),
        "resolved_at": iso(suggestion.resolved_at),
    }


def _suggestion_from_row(row: Row) -> Suggestion:
    try:
        return Suggestion.from_row(row)
    except (ValueError, TypeError) as error:
        raise CorruptError(f"suggestion {row['id']} cannot be read ({error}): restore a backup") from error
