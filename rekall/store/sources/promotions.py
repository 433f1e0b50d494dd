"""The standing of sources: seeds, promoted ones, and their role."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rekall.errors import DatabaseBusyError, GuardFailed, InvalidValueError
from rekall.infra.interfaces import Statement, Value
from rekall.models import PROMOTION_THRESHOLDS, VALID_SOURCE_ROLES, Source
from rekall.store.rows import local_time, utc_now
from rekall.store.session import Session
from rekall.store.sources.domains import KnownDomains

# a NULL as it is read: no use, the score of a new source
_MEETS = (
    "(coalesce(usage_count, 0) >= :usage AND coalesce(personal_score, 50.0) >= :score"
    " AND coalesce(last_used, '') > :unused_since)"
)
_PROMOTED, _SEED = "is_promoted IS 1", "is_seed IS 1"
_TO_PROMOTE = f"NOT {_PROMOTED} AND {_MEETS}"
_TO_DEMOTE = f"{_PROMOTED} AND NOT {_SEED} AND NOT {_MEETS}"
_ATTEMPTS = 5


class Promotions:
    """Promotes and demotes sources, and sets their roles."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._domains = KnownDomains(session)

    def check_promotion_criteria(self, source: Source) -> bool:
        """Whether a source has served enough, well enough and lately; its status does not matter.

        The bounds are `PROMOTION_THRESHOLDS`: at least 3 uses, a score of at least 30, used at most 180 days ago.
        """
        if source.last_used is None:
            return False
        unused = (datetime.now() - local_time(source.last_used)).days
        return (
            source.usage_count >= PROMOTION_THRESHOLDS["min_usage_count"]
            and source.personal_score >= PROMOTION_THRESHOLDS["min_score"]
            and unused <= PROMOTION_THRESHOLDS["max_days_inactive"]
        )

    def classify_source_auto(self, source_id: str) -> str | None:
        """Give a source the role of its domain, unclassified where that is not known; a role given by hand is lost.

        Returns:
            The role, None for an unknown source.
        """
        row = self._session.fetch_one("SELECT domain FROM sources WHERE id = ?", (source_id,))
        if row is None:
            return None
        known = self._domains.get_known_domain(row["domain"])
        role = "unclassified" if known is None else str(known["role"])
        return role if self._set(source_id, {"role": role}) else None

    def classify_source_manual(self, source_id: str, role: str) -> bool:
        """Give a source a role; tell whether there is such a source.

        Raises:
            ValueError: unknown role.
        """
        return self._set(source_id, {"role": _known_role(role)})

    def demote_source(self, source_id: str) -> bool:
        """Take the promotion from a source; False for a seed, and when there is no such source."""
        return self._set(source_id, {"is_promoted": 0, "promoted_at": None}, f"NOT {_SEED}")

    def promote_source(self, source_id: str) -> bool:
        """Promote a source now (UTC), also one that is; tell whether there is such a source."""
        return self._set(source_id, {"is_promoted": 1, "promoted_at": utc_now()})

    def recalculate_all_promotions(self) -> dict[str, Any]:
        """Promote what meets the criteria of `check_promotion_criteria`, demote what does not, seeds excepted.

        Returns:
            How many were `promoted`, `demoted` and left `unchanged`.

        Raises:
            DatabaseBusyError: other programs change sources all the time; nothing was changed.
        """
        for _ in range(_ATTEMPTS):
            # a source whose days, rounded down, are still within the bound
            unused_since = datetime.now() - timedelta(days=PROMOTION_THRESHOLDS["max_days_inactive"] + 1)
            params: dict[str, Value] = {
                "usage": PROMOTION_THRESHOLDS["min_usage_count"],
                "score": PROMOTION_THRESHOLDS["min_score"],
                "unused_since": unused_since.isoformat(),
            }
            row = self._session.fetch_one(
                f"SELECT count(*) AS sources, count(*) FILTER (WHERE {_TO_PROMOTE}) AS promoted,"
                f" count(*) FILTER (WHERE {_TO_DEMOTE}) AS demoted FROM sources",
                params,
            )
            if row is None:
                break
            promote = f"UPDATE sources SET is_promoted = 1, promoted_at = :now WHERE {_TO_PROMOTE}"
            demote = f"UPDATE sources SET is_promoted = 0, promoted_at = NULL WHERE {_TO_DEMOTE}"
            try:
                self._session.write(
                    [
                        Statement(demote, params, expect=row["demoted"]),
                        Statement(promote, {**params, "now": utc_now()}, expect=row["promoted"]),
                    ]
                )
            except GuardFailed:
                continue
            promoted, demoted = row["promoted"], row["demoted"]
            return {"promoted": promoted, "demoted": demoted, "unchanged": row["sources"] - promoted - demoted}
        raise DatabaseBusyError("other programs keep changing sources: try again when they are done")

    def update_source_as_seed(self, source_id: str, seed_origin: str, role: str | None = None) -> bool:
        """Make a source a seed; tell whether there is such a source. Its score stays.

        Args:
            source_id: a full id.
            seed_origin: where it was found first.
            role: its role; None leaves the one that it has.

        Raises:
            ValueError: unknown role.
        """
        changes: dict[str, Value] = {"is_seed": 1, "seed_origin": seed_origin}
        if role:
            changes["role"] = _known_role(role)
        return self._set(source_id, changes)

    def _set(self, source_id: str, changes: dict[str, Value], condition: str = "1") -> bool:
        assignments = ", ".join(f"{column} = :{column}" for column in changes)
        sql = f"UPDATE sources SET {assignments} WHERE id = :id AND {condition}"
        return self._session.execute(sql, {**changes, "id": source_id}).rowcount > 0


def _known_role(role: str) -> str:
    if role not in VALID_SOURCE_ROLES:
        raise InvalidValueError(f"Invalid role '{role}': use one of {', '.join(VALID_SOURCE_ROLES)}")
    return role
