"""Sources that fit an entry."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rekall.models import Source
from rekall.store.session import Session
from rekall.store.sources.rows import SOURCE_SELECT, source_from_row
from rekall.store.sources.themes import theme_names

_THEMES = (
    "(SELECT json_group_array(theme) FROM"
    " (SELECT theme FROM source_themes WHERE source_id = sources.id ORDER BY theme))"
)


class Matches:
    """Finds sources by what an entry is about."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def for_entry(
        self, entry_id: str, themes: Sequence[str], domains: Sequence[str], limit: int
    ) -> list[tuple[Source, list[str]]]:
        """The active sources of one of these themes or domains that the entry does not cite yet, best first.

        Returns:
            Each source with its themes.
        """
        rows = self._session.fetch_all(
            f"SELECT {SOURCE_SELECT}, {_THEMES} AS themes FROM sources WHERE status = 'active'"
            " AND (id IN (SELECT source_id FROM source_themes WHERE theme IN (SELECT value FROM json_each(:themes)))"
            " OR lower(domain) IN (SELECT value FROM json_each(:domains)))"
            " AND id NOT IN (SELECT source_id FROM entry_sources WHERE entry_id = :entry AND source_id IS NOT NULL)"
            " ORDER BY personal_score DESC, domain, id LIMIT :limit",
            {
                "themes": json.dumps(theme_names(themes)),
                "domains": json.dumps([domain.lower() for domain in domains]),
                "entry": entry_id,
                "limit": limit,
            },
        )
        return [(source_from_row(row), json.loads(row["themes"])) for row in rows]
