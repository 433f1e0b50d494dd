"""Citations of sources by entries."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from rekall.errors import EntryNotFoundError, GuardFailed, IntegrityError
from rekall.infra.interfaces import Params, Statement
from rekall.models import Entry, EntrySource, generate_ulid
from rekall.models.sources import SourceType
from rekall.store.rows import ENTRY_SELECT, entry_from_row
from rekall.store.session import Session
from rekall.store.sources.rows import (
    CITATION_COLUMNS,
    CITATION_SELECT,
    SOURCE_SELECT,
    citation_from_row,
    citation_values,
    source_from_row,
)
from rekall.store.sources.scores import Scores

_INSERT = (
    f"INSERT INTO entry_sources({', '.join(CITATION_COLUMNS)})"
    f" SELECT {', '.join(f':{column}' for column in CITATION_COLUMNS)}"
    " WHERE EXISTS (SELECT 1 FROM entries WHERE id = :entry_id)"
)
_NEWEST_FIRST = "ORDER BY entry_sources.created_at DESC, entry_sources.rowid DESC"


class Citations:
    """Adds, reads and removes citations of sources by entries. A negative limit lets all pass."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scores = Scores(session)

    def link_entry_to_source(
        self, entry_id: str, source_type: str, source_ref: str, source_id: str | None = None, note: str | None = None
    ) -> EntrySource:
        """Let an entry cite a source; that counts as a use of the source: see `Scores.update_source_usage`.

        Args:
            entry_id: a full id.
            source_type: what `source_ref` is: theme, url or file.
            source_ref: a theme file, an address or a path.
            source_id: the source; None for a reference that belongs to none.
            note: where in it, or why.

        Raises:
            ValueError: no such entry, or an unknown source type; nothing was changed.
            IntegrityError: no such source; nothing was changed.
        """
        kind = cast(SourceType, source_type)
        citation = EntrySource(generate_ulid(), entry_id, source_id, kind, source_ref, note, datetime.now())
        insert = Statement(_INSERT, citation_values(citation), expect=1)
        try:
            if source_id is None:
                self._session.write([insert])
            elif self._scores.use(source_id, insert) is None:
                self._refuse(entry_id, source_id)
        except GuardFailed as error:
            raise _no_entry(entry_id) from error
        return citation

    def unlink_entry_from_source(self, entry_source_id: str) -> bool:
        """Remove a citation; tell whether there was one. The use of the source stays counted."""
        return self._session.execute("DELETE FROM entry_sources WHERE id = ?", (entry_source_id,)).rowcount > 0

    def get_entry_sources(self, entry_id: str) -> list[EntrySource]:
        """The citations of an entry, newest first, each with its source."""
        rows = self._session.fetch_all(
            f"SELECT {SOURCE_SELECT}, {CITATION_SELECT} FROM entry_sources"
            " LEFT JOIN sources ON sources.id = entry_sources.source_id"
            f" WHERE entry_sources.entry_id = ? {_NEWEST_FIRST}",
            (entry_id,),
        )
        return [citation_from_row(row, None if row["id"] is None else source_from_row(row)) for row in rows]

    def get_source_backlinks(self, source_id: str, limit: int = 50, offset: int = 0) -> list[tuple[Entry, EntrySource]]:
        """The entries that cite a source, obsolete ones too, each with its citation; newest citation first."""
        return self._backlinks(
            f"WHERE entry_sources.source_id = ? {_NEWEST_FIRST} LIMIT ? OFFSET ?", (source_id, limit, offset)
        )

    def get_backlinks_by_domain(self, domain: str, limit: int = 50) -> list[tuple[Entry, EntrySource]]:
        """The entries that cite any source of a domain, each with its citation; newest citation first."""
        return self._backlinks(
            f"WHERE entry_sources.source_id IN (SELECT id FROM sources WHERE domain = ?) {_NEWEST_FIRST} LIMIT ?",
            (domain, limit),
        )

    def count_source_backlinks(self, source_id: str) -> int:
        """The number of citations of a source."""
        row = self._session.fetch_one("SELECT count(*) AS n FROM entry_sources WHERE source_id = ?", (source_id,))
        return 0 if row is None else int(row["n"])

    def _backlinks(self, rest: str, params: Params) -> list[tuple[Entry, EntrySource]]:
        rows = self._session.fetch_all(
            f"SELECT {ENTRY_SELECT}, {CITATION_SELECT} FROM entry_sources"
            f" JOIN entries ON entries.id = entry_sources.entry_id {rest}",
            params,
        )
        return [(entry_from_row(row), citation_from_row(row)) for row in rows]

    def _refuse(self, entry_id: str, source_id: str) -> None:
        if self._session.fetch_one("SELECT 1 FROM entries WHERE id = ?", (entry_id,)) is None:
            raise _no_entry(entry_id)
        raise IntegrityError(f"Source not found: {source_id}; list_sources and get_source_by_domain find ids")


def _no_entry(entry_id: str) -> EntryNotFoundError:
    return EntryNotFoundError(entry_id, f"Entry not found: {entry_id}; 'rekall search' or 'rekall browse' lists ids")
