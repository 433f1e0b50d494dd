"""Staged pages that become sources, and the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from rekall.infra.interfaces import Row, Statement
from rekall.models import StagingEntry, generate_ulid
from rekall.store.rows import iso, utc_now
from rekall.store.session import Session

_NEW_SCORE = 50.0
_BEST_SCORE = 100.0
# the role is that of a known domain, as for every new source
_BECOME = (
    "INSERT INTO sources(id, domain, url_pattern, usage_count, last_used, personal_score, created_at, is_promoted,"
    " promoted_at, role) SELECT ?, domain, url, coalesce(citation_count, 1), last_seen, ?, ?, 1, ?,"
    " coalesce((SELECT role FROM known_domains WHERE known_domains.domain = lower(sources_staging.domain)),"
    " 'unclassified') FROM sources_staging WHERE id = ?"
    " AND NOT EXISTS (SELECT 1 FROM sources WHERE url_pattern = sources_staging.url)"
)
_NOTE = (
    "UPDATE sources_staging SET promoted_at = ?, promoted_to = ?, promotion_score = ?"
    " WHERE id = ? AND EXISTS (SELECT 1 FROM sources WHERE id = ?)"
)
_WAS_PAGE = (
    "(promoted_to = :source OR promoted_to IS NULL AND promoted_at IS NOT NULL"
    " AND url = (SELECT url_pattern FROM sources WHERE id = :source))"
)
_IDS = "(SELECT value FROM json_each(?))"


class StagedPages:
    """Makes sources of pages of the staging area, and pages of sources again."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def sources_at(self, urls: Sequence[str]) -> dict[str, str]:
        """The ids of the sources that have one of these addresses as their pattern, by address."""
        rows = self._session.fetch_all(
            f"SELECT url_pattern, id FROM sources WHERE url_pattern IN {_IDS} ORDER BY id DESC", (json.dumps(urls),)
        )
        return {row["url_pattern"]: row["id"] for row in rows}

    def count_promoted(self) -> int:
        """How many pages have become sources."""
        row = self._session.fetch_one("SELECT count(*) AS n FROM sources_staging WHERE promoted_at IS NOT NULL")
        return 0 if row is None else int(row["n"])

    def promote(self, pages: Sequence[StagingEntry]) -> list[str | None]:
        """Make a source of each page, all in one batch, and note it on the page, in the file and on the object.

        The source has the whole address as its pattern, as in 0.3, and the score of the page, which is stored too.

        Returns:
            The id of each page's source; None where the page is gone or a source has its address.
        """
        now, utc = datetime.now(), utc_now()
        ids = [generate_ulid() for _ in pages]
        statements = []
        for page, source_id in zip(pages, ids, strict=True):
            score = min(page.promotion_score, _BEST_SCORE) or _NEW_SCORE
            statements += [
                Statement(_BECOME, (source_id, score, iso(now), utc, page.id)),
                Statement(_NOTE, (iso(now), source_id, page.promotion_score, page.id, source_id)),
            ]
        self._session.write(statements)
        rows = self._session.fetch_all(f"SELECT id FROM sources WHERE id IN {_IDS}", (json.dumps(ids),))
        made = {row["id"] for row in rows}
        for page, source_id in zip(pages, ids, strict=True):
            if source_id in made:
                page.promoted_at, page.promoted_to = now, source_id
        return [source_id if source_id in made else None for source_id in ids]

    def standing(self, source_id: str) -> Row | None:
        """Of a source: `is_promoted`, `is_seed`, and `page`, the id of the page that it was."""
        return self._session.fetch_one(
            "SELECT is_promoted IS 1 AS is_promoted, is_seed IS 1 AS is_seed,"
            f" (SELECT id FROM sources_staging WHERE {_WAS_PAGE} ORDER BY rowid LIMIT 1) AS page"
            " FROM sources WHERE id = :source",
            {"source": source_id},
        )

    def demote(self, source_id: str) -> None:
        """Make the page of a promoted source a staged one again and delete the source, both or neither.

        Raises:
            GuardFailed: the source is no promoted one, or a seed, any more.
        """
        reset = f"UPDATE sources_staging SET promoted_at = NULL, promoted_to = NULL WHERE {_WAS_PAGE}"
        delete = "DELETE FROM sources WHERE id = :source AND is_promoted IS 1 AND is_seed IS NOT 1"
        self._session.write([Statement(reset, {"source": source_id}), Statement(delete, {"source": source_id}, 1)])
