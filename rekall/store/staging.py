"""Pages on their way to becoming sources."""

from __future__ import annotations

from typing import Literal

from rekall.infra.interfaces import Value
from rekall.models import StagingEntry, generate_ulid
from rekall.store.capture_rows import capture_from_row, capture_values, captures_from_rows, columns
from rekall.store.ids import beginning_with, the_one
from rekall.store.rows import select
from rekall.store.session import Session

_COLUMNS = columns(StagingEntry)
_SELECT = f"SELECT {select(_COLUMNS, 'sources_staging')} FROM sources_staging"
_INSERT = f"INSERT INTO sources_staging({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
_CHANGED = ", ".join(f"{name} = :{name}" for name in _COLUMNS if name not in ("id", "url", "domain"))
_NOT_CAPTURED = ("url", "domain", "first_seen", "promoted_at", "promoted_to")
_CAPTURED = ", ".join(f"{name} = :{name}" for name in _COLUMNS if name not in ("id", *_NOT_CAPTURED))
_BEST_FIRST = "ORDER BY promotion_score DESC, domain, id"


class Staging:
    """Pages with what is known of them, once for each address.

    `projects_list` and `inbox_ids` are JSON arrays in the file and on the object; the comma-joined form of 0.3 is read.
    A count of 0 reads as 1, as in 0.3.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_staging_entry(self, entry: StagingEntry) -> str:
        """Store a page; one without an id gets one, on the object too. Returns the id.

        Raises:
            IntegrityError: the address or the id exists, or `promoted_to` names no source.
        """
        entry.id = entry.id or generate_ulid()
        self._session.execute(_INSERT, capture_values(entry))
        return entry.id

    def get_staging_by_url(self, url: str) -> StagingEntry | None:
        """The page of an address, None if there is none."""
        row = self._session.fetch_one(f"{_SELECT} WHERE url = ?", (url,))
        return None if row is None else _page(capture_from_row(StagingEntry, row))

    def resolve(self, url_or_id: str) -> StagingEntry:
        """The page of an address, or of an id or the one id that begins so.

        Raises:
            InvalidValueError: none, or several.
        """
        page = self.get_staging_by_url(url_or_id)
        if page is not None:
            return page
        rows = beginning_with(self._session, _SELECT, url_or_id)
        row = the_one(rows, url_or_id, "staged page", "rekall sources staging list")
        return _page(capture_from_row(StagingEntry, row))

    def beginning_with(self, prefix: str) -> list[StagingEntry]:
        """The pages whose id begins so, a few at most; none for an empty prefix."""
        return [
            _page(page) for page in captures_from_rows(StagingEntry, beginning_with(self._session, _SELECT, prefix))
        ]

    def delete_staging_entry(self, entry_id: str) -> bool:
        """Remove a page; tell whether it was there. A source that it became stays."""
        return self._session.execute("DELETE FROM sources_staging WHERE id = ?", (entry_id,)).rowcount > 0

    def get_staging_eligible_for_promotion(self, threshold: float) -> list[StagingEntry]:
        """The accessible pages that are not promoted and whose stored score reaches the threshold, best first."""
        rows = self._session.fetch_all(
            f"{_SELECT} WHERE promotion_score >= ? AND is_accessible IS NOT 0 AND promoted_at IS NULL {_BEST_FIRST}",
            (threshold,),
        )
        return [_page(entry) for entry in captures_from_rows(StagingEntry, rows)]

    def get_staging_entries(
        self, promoted: bool | None = None, content_type: str | None = None, limit: int = 100, offset: int = 0
    ) -> list[StagingEntry]:
        """Pages, best score first.

        Args:
            promoted: promoted ones or the others; None for both.
            content_type: one of `VALID_CONTENT_TYPES`; empty or None for all.
            limit: a negative one lets all pass.
            offset: how many to leave out before.
        """
        params: dict[str, Value] = {"limit": limit, "offset": offset}
        conditions = []
        if promoted is not None:
            conditions.append(f"promoted_at IS {'NOT ' if promoted else ''}NULL")
        if content_type:
            conditions.append("content_type = :content_type")
            params["content_type"] = content_type
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = self._session.fetch_all(f"{_SELECT} {where} {_BEST_FIRST} LIMIT :limit OFFSET :offset", params)
        return [_page(entry) for entry in captures_from_rows(StagingEntry, rows)]

    def count_by(self, column: Literal["content_type", "domain"], limit: int = -1) -> dict[str | None, int]:
        """How many pages there are for each value of a column, most first."""
        rows = self._session.fetch_all(
            f"SELECT {column} AS value, count(*) AS n FROM sources_staging GROUP BY value ORDER BY n DESC, value"
            " LIMIT ?",
            (limit,),
        )
        return {row["value"]: row["n"] for row in rows}

    def update_staging(self, entry: StagingEntry) -> bool:
        """Write a page anew, but for its address and its domain, which never change; tell whether it is there.

        Raises:
            IntegrityError: `promoted_to` names no source.
        """
        values = capture_values(entry)
        del values["url"], values["domain"]
        return self._session.execute(f"UPDATE sources_staging SET {_CHANGED} WHERE id = :id", values).rowcount > 0

    def cite(self, entry: StagingEntry) -> bool:
        """Write what another capture adds to a page; False, and nothing written, when another one came between.

        Args:
            entry: as it was read, with one citation more. Whether it is promoted stays as the file has it.
        """
        values = capture_values(entry)
        for column in _NOT_CAPTURED:
            del values[column]
        return (
            self._session.execute(
                f"UPDATE sources_staging SET {_CAPTURED}"
                " WHERE id = :id AND coalesce(nullif(citation_count, 0), 1) = :citation_count - 1",
                values,
            ).rowcount
            > 0
        )


def _page(entry: StagingEntry) -> StagingEntry:
    entry.citation_count = entry.citation_count or 1
    entry.project_count = entry.project_count or 1
    return entry
