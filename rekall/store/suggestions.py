"""Proposals to link or to generalize entries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from rekall.errors import CorruptError, GuardFailed, IntegrityError, InvalidValueError
from rekall.infra.interfaces import Row, Statement, Value
from rekall.models import Link, Suggestion, SuggestionStatus
from rekall.store.ids import beginning_with, the_one
from rekall.store.linking import link_statement
from rekall.store.rows import iso
from rekall.store.session import Session

_COLUMNS = ("id", "suggestion_type", "entry_ids", "reason", "score", "status", "created_at", "resolved_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM suggestions"
_SELECT_PENDING = f"SELECT {', '.join(_COLUMNS)} FROM (SELECT * FROM suggestions WHERE status = 'pending')"
_INSERT = f"INSERT INTO suggestions({', '.join(_COLUMNS)})"
_VALUES = ", ".join(f":{column}" for column in _COLUMNS)

_SET_STATUS = "UPDATE suggestions SET status = ?, resolved_at = ?"

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
        return self.add_all_new([suggestion]) > 0

    def add_all_new(self, suggestions: Sequence[Suggestion]) -> int:
        """Store those suggestions that are new in the same sense, all or none; tell how many were stored.

        Raises:
            IntegrityError: an id exists.
        """
        sql = f"{_INSERT} SELECT {_VALUES} WHERE NOT {_PENDING}"
        return self._session.write(
            [Statement(sql, {**_values(one), "wanted": one.entry_ids_json()}) for one in suggestions]
        )

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
        return self._session.execute(f"{_SET_STATUS} WHERE id = ?", (status, resolved, suggestion_id)).rowcount > 0

    def resolve(self, prefix: str) -> Suggestion:
        """The suggestion that `prefix` stands for: its id, or the one id that begins with it, in any case.

        Those that are pending come first: an id that was shown as unique among them is enough.

        Raises:
            InvalidValueError: none, or several.
        """
        rows = beginning_with(self._session, _SELECT_PENDING, prefix) or beginning_with(self._session, _SELECT, prefix)
        return _suggestion_from_row(the_one(rows, prefix, "suggestion", "rekall suggest"))

    def decide(self, suggestion_id: str, status: SuggestionStatus, *, link: Link | None = None) -> None:
        """Accept or reject a suggestion that is pending, and store the link that it proposed, all or nothing.

        Args:
            suggestion_id: a full id.

        Raises:
            InvalidValueError: it is not pending, an end of the link is not there, or the link exists.
        """
        values = (status, datetime.now().isoformat(), suggestion_id)
        decision = Statement(f"{_SET_STATUS} WHERE id = ? AND status = 'pending'", values, expect=1)
        try:
            self._session.write([decision] if link is None else [decision, link_statement(link)])
        except GuardFailed as error:
            if link is None or error.index == 0:
                raise InvalidValueError(f"suggestion {suggestion_id} is not pending (any more)") from error
            ends = f"{link.source_id} or {link.target_id}"
            raise InvalidValueError(f"{ends} is no entry any more: reject the suggestion {suggestion_id}") from error
        except IntegrityError as error:
            raise InvalidValueError(
                f"these entries are linked already: reject the suggestion {suggestion_id}"
            ) from error


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
