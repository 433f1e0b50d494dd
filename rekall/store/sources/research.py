"""Many sources at once, out of research notes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from rekall.infra.interfaces import Statement
from rekall.models import generate_ulid
from rekall.store.rows import iso
from rekall.store.session import Session

# nothing in the schema makes them unique: another process may have added one since they were looked for
_INSERT = (
    "INSERT INTO sources(id, domain, url_pattern, created_at, is_seed, seed_origin, role)"
    " SELECT :id, :domain, :pattern, :now, 1, :origin,"
    " coalesce((SELECT role FROM known_domains WHERE domain = :domain), 'unclassified')"
    " WHERE NOT EXISTS (SELECT 1 FROM sources WHERE domain = :domain AND url_pattern IS :pattern)"
)
_ADD_THEME = (
    "INSERT OR IGNORE INTO source_themes(source_id, theme)"
    " SELECT id, :theme FROM sources WHERE domain = :domain AND url_pattern IS :pattern ORDER BY id LIMIT 1"
)
_MAKE_SEED = (
    "UPDATE sources SET is_seed = 1, seed_origin = :origin WHERE id ="
    " (SELECT min(id) FROM sources WHERE domain = :domain AND url_pattern IS :pattern)"
)


class SourceKey(NamedTuple):
    """What makes a source itself: its domain, and the pattern of its pages (None for all of them)."""

    domain: str
    pattern: str | None


class KnownSource(NamedTuple):
    """What the base has of a source."""

    seed_origin: str | None
    themes: frozenset[str]


class ResearchSource(NamedTuple):
    """What the notes have of a source.

    Args:
        origin: the file that named it first.
        is_new: not in the base: to be added, as a seed.
        as_seed: in the base: to be marked as a seed from that file.
        themes: to be added to it.
    """

    key: SourceKey
    origin: str
    is_new: bool
    as_seed: bool
    themes: Collection[str]


class Research:
    """Finds and stores the sources of research notes; of several rows of one source the first id speaks for all."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def known(self, keys: Iterable[SourceKey]) -> dict[SourceKey, KnownSource]:
        """Those of many sources that the base has, in one query."""
        wanted = set(keys)
        rows = self._session.fetch_all(
            "SELECT domain, url_pattern, is_seed, seed_origin,"
            " (SELECT json_group_array(theme) FROM source_themes WHERE source_id = sources.id) AS themes"
            " FROM sources WHERE domain IN (SELECT value FROM json_each(?)) ORDER BY id DESC",
            (json.dumps(sorted({key.domain for key in wanted})),),
        )
        known = {
            SourceKey(row["domain"], row["url_pattern"]): KnownSource(
                row["seed_origin"] if row["is_seed"] else None, frozenset(json.loads(row["themes"]))
            )
            for row in rows  # the first id comes last, and stays
        }
        return {key: source for key, source in known.items() if key in wanted}

    def store(self, sources: Iterable[ResearchSource]) -> None:
        """Store all of it in one batch. What another process stored meanwhile is kept, and added to."""
        now = iso(datetime.now())
        statements = [statement for source in sources for statement in _statements(source, now)]
        self._session.write(statements, idempotent=True)


def _statements(source: ResearchSource, now: str | None) -> Iterator[Statement]:
    key = {"domain": source.key.domain, "pattern": source.key.pattern}
    if source.is_new:
        yield Statement(_INSERT, {**key, "id": generate_ulid(), "now": now, "origin": source.origin})
    if source.as_seed:
        yield Statement(_MAKE_SEED, {**key, "origin": source.origin})
    for theme in source.themes:
        yield Statement(_ADD_THEME, {**key, "theme": theme})
