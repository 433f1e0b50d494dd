"""Selections of sources: by score, theme, tag, use and need of a check."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from rekall.infra.interfaces import Params, Value
from rekall.models import Source
from rekall.store.session import Session
from rekall.store.sources.rows import SOURCE_SELECT, source_from_row
from rekall.store.sources.themes import like_text, theme_name, theme_names

_ACTIVE = "sources.status = 'active'"
_TIES = "sources.domain, sources.id"
_BEST_FIRST = f"sources.personal_score DESC, {_TIES}"
_LISTED = "(SELECT value FROM json_each(:{name}))"
_TAGGED = f"sources.id IN (SELECT source_id FROM source_themes WHERE theme IN {_LISTED.format(name='tags')})"
_MONTH = 30
_AGES = 700_000
"""Days; no time in a file is older, and a datetime reaches back so far."""


class SourceOverview(NamedTuple):
    """How many sources of each kind there are.

    Args:
        themes: different themes that sources have.
        avg_score: mean score of the active ones, two decimals, 0 if there are none.
    """

    total: int
    seeds: int
    promoted: int
    inaccessible: int
    themes: int
    avg_score: float
    by_role: dict[str, int]
    by_reliability: dict[str, int]


class SourceLists:
    """Selections of sources. Those that an order leaves equal come by domain, then by id.

    A negative limit lets all pass.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_dormant_sources(self, months: int = 6, limit: int = 20) -> list[Source]:
        """The active sources not used for so many months (of 30 days) or never, longest unused first."""
        return self._select(
            f"WHERE {_ACTIVE} AND (sources.last_used IS NULL OR sources.last_used < ?)"
            f" ORDER BY sources.last_used, {_TIES} LIMIT ?",
            (_days_ago(_MONTH * months), limit),
        )

    def get_emerging_sources(self, min_citations: int = 3, days: int = 30, limit: int = 20) -> list[Source]:
        """The active sources that entries cited at least so often in the last days, most cited first."""
        return self._select(
            "JOIN (SELECT source_id, count(*) AS citations FROM entry_sources WHERE created_at >= ?"
            " GROUP BY source_id HAVING count(*) >= ?) AS recent ON recent.source_id = sources.id"
            f" WHERE {_ACTIVE} ORDER BY recent.citations DESC, {_BEST_FIRST} LIMIT ?",
            (_days_ago(days), min_citations, limit),
        )

    def get_inaccessible_sources(self, limit: int = 50) -> list[Source]:
        """The sources that could not be reached, last checked first."""
        return self._select(
            f"WHERE sources.status = 'inaccessible' ORDER BY sources.last_verified DESC, {_TIES} LIMIT ?", (limit,)
        )

    def get_prioritized_sources_for_theme(self, theme: str, limit: int = 10, min_score: float = 20.0) -> list[Source]:
        """The active sources cited together with a theme file whose name contains `theme`, best first."""
        return self._select(
            f"WHERE {_ACTIVE} AND sources.personal_score >= ? AND sources.id IN (SELECT source_id FROM entry_sources"
            " WHERE source_type = 'theme' AND source_ref LIKE ? ESCAPE '\\')"
            f" ORDER BY {_BEST_FIRST} LIMIT ?",
            (min_score, f"%{like_text(theme)}%", limit),
        )

    def get_promoted_sources(self, limit: int = 100) -> list[Source]:
        """The promoted sources of any status, best first."""
        return self._select(f"WHERE sources.is_promoted = 1 ORDER BY {_BEST_FIRST} LIMIT ?", (limit,))

    def get_seed_sources(self, limit: int = 100) -> list[Source]:
        """The seeds of any status, best first."""
        return self._select(f"WHERE sources.is_seed = 1 ORDER BY {_BEST_FIRST} LIMIT ?", (limit,))

    def get_source_statistics(self) -> dict[str, Any]:
        """Numbers of all sources.

        Returns:
            `total`; `by_status`, the number of each status that occurs; `avg_score` of the active ones (two decimals, 0
            if there are none); `total_usage`; `total_links`, the number of citations by entries.
        """
        rows = self._session.fetch_all(
            "SELECT status, count(*) AS n, sum(usage_count) AS usage, avg(personal_score) AS score FROM sources"
            " GROUP BY status ORDER BY status"
        )
        links = self._session.fetch_one("SELECT count(*) AS n FROM entry_sources")
        mean = next((row["score"] for row in rows if row["status"] == "active"), None)
        return {
            "total": sum(row["n"] for row in rows),
            "by_status": {row["status"]: row["n"] for row in rows},
            "avg_score": round(mean or 0.0, 2),
            "total_usage": sum(row["usage"] or 0 for row in rows),
            "total_links": 0 if links is None else links["n"],
        }

    def overview(self) -> SourceOverview:
        """How many sources of each kind there are."""
        row = self._session.fetch_one(
            "SELECT count(*) AS total, count(*) FILTER (WHERE is_seed = 1) AS seeds,"
            " count(*) FILTER (WHERE is_promoted = 1) AS promoted,"
            " count(*) FILTER (WHERE status = 'inaccessible') AS inaccessible,"
            " avg(coalesce(personal_score, 50.0)) FILTER (WHERE status = 'active') AS score,"
            " (SELECT count(DISTINCT theme) FROM source_themes) AS themes FROM sources"
        )
        found = row or {}
        return SourceOverview(
            total=found["total"],
            seeds=found["seeds"],
            promoted=found["promoted"],
            inaccessible=found["inaccessible"],
            themes=found["themes"],
            avg_score=round(found["score"] or 0.0, 2),
            by_role=self._count_by("coalesce(role, 'unclassified')"),
            by_reliability=self._count_by("coalesce(reliability, 'B')"),
        )

    def _count_by(self, value: str) -> dict[str, int]:
        rows = self._session.fetch_all(
            f"SELECT {value} AS value, count(*) AS n FROM sources GROUP BY 1 ORDER BY n DESC, 1"
        )
        return {row["value"]: row["n"] for row in rows}

    def get_sources_by_tags(self, tags: list[str], limit: int = 100, min_score: float = 0.0) -> list[Source]:
        """The sources that have any of the themes, best first; none for blank tags only."""
        names = theme_names(tags)
        if not names:
            return []
        return self._select(
            f"WHERE {_TAGGED} AND sources.personal_score >= :min_score ORDER BY {_BEST_FIRST} LIMIT :limit",
            {"tags": json.dumps(names), "min_score": min_score, "limit": limit},
        )

    def get_sources_by_theme(
        self,
        theme: str,
        limit: int = 20,
        min_score: float = 0.0,
        include_unclassified: bool = True,
        seeds_only: bool = False,
        promoted_only: bool = False,
    ) -> list[Source]:
        """The sources that have a theme: seeds, then promoted ones, then the rest, each best first.

        Args:
            theme: in any case.
            limit: how many at most.
            min_score: the lowest score.
            include_unclassified: also those without a role.
            seeds_only: seeds alone.
            promoted_only: promoted ones alone.
        """
        conditions = [
            "sources.id IN (SELECT source_id FROM source_themes WHERE theme = ?)",
            "sources.personal_score >= ?",
            *([] if include_unclassified else ["sources.role IN ('hub', 'authority')"]),
            *(["sources.is_seed = 1"] if seeds_only else []),
            *(["sources.is_promoted = 1"] if promoted_only else []),
        ]
        return self._select(
            f"WHERE {' AND '.join(conditions)} ORDER BY sources.is_seed IS 1 DESC,"
            f" sources.is_seed IS NOT 1 AND sources.is_promoted IS 1 DESC, {_BEST_FIRST} LIMIT ?",
            (theme_name(theme), min_score, limit),
        )

    def get_sources_for_domain_boost(self, limit: int = 20, min_score: float = 20.0) -> list[Source]:
        """The best active source of each domain, best first; all of them where several of a domain are equal."""
        return self._select(
            "JOIN (SELECT domain, max(personal_score) AS best FROM sources WHERE status = 'active' GROUP BY domain)"
            " AS top ON top.domain = sources.domain AND top.best = sources.personal_score"
            f" WHERE {_ACTIVE} AND sources.personal_score >= ? ORDER BY {_BEST_FIRST} LIMIT ?",
            (min_score, limit),
        )

    def get_sources_to_verify(
        self, days_since_check: int = 1, limit: int = 100, *, domain: str | None = None
    ) -> list[Source]:
        """The sources of any status not checked for so many days or never, longest unchecked first.

        Args:
            domain: those of this domain only, in any case.
        """
        return self._select(
            "WHERE sources.domain != '' AND (sources.last_verified IS NULL OR sources.last_verified < :since)"
            " AND (:domain IS NULL OR lower(sources.domain) = lower(:domain))"
            f" ORDER BY sources.last_verified, {_TIES} LIMIT :limit",
            {"since": _days_ago(days_since_check), "domain": domain, "limit": limit},
        )

    def search_sources_advanced(
        self,
        tags: list[str] | None = None,
        score_min: float | None = None,
        score_max: float | None = None,
        statuses: list[str] | None = None,
        roles: list[str] | None = None,
        last_used_days: int | None = None,
        text_search: str | None = None,
        limit: int = 100,
    ) -> list[Source]:
        """The sources that pass every filter given, best first; an empty list is no filter.

        Args:
            tags: any of these themes; blank ones only: any theme at all.
            score_min: the lowest score.
            score_max: the highest score.
            statuses: any of these.
            roles: any of these.
            last_used_days: used in the last so many days.
            text_search: part of the domain.
            limit: how many at most.
        """
        names = theme_names(tags or [])
        filters: dict[str, tuple[str, Value]] = {
            "tags": (_TAGGED, _listed(names)),
            "score_min": ("sources.personal_score >= :score_min", score_min),
            "score_max": ("sources.personal_score <= :score_max", score_max),
            "statuses": (f"sources.status IN {_LISTED.format(name='statuses')}", _listed(statuses)),
            "roles": (f"sources.role IN {_LISTED.format(name='roles')}", _listed(roles)),
            "since": ("sources.last_used >= :since", None if last_used_days is None else _days_ago(last_used_days)),
            "text": ("sources.domain LIKE :text ESCAPE '\\'", f"%{like_text(text_search)}%" if text_search else None),
        }
        params = {name: value for name, (_, value) in filters.items() if value is not None}
        conditions = [filters[name][0] for name in params]
        if tags and not names:
            conditions.append("sources.id IN (SELECT source_id FROM source_themes)")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        return self._select(f"{where} ORDER BY {_BEST_FIRST} LIMIT :limit", {**params, "limit": limit})

    def _select(self, rest: str, params: Params) -> list[Source]:
        rows = self._session.fetch_all(f"SELECT {SOURCE_SELECT} FROM sources {rest}", params)
        return [source_from_row(row) for row in rows]


def _listed(wanted: list[str] | None) -> str | None:
    return json.dumps(wanted) if wanted else None


def _days_ago(days: int) -> str:
    return (datetime.now() - timedelta(days=min(days, _AGES))).isoformat()
