"""Sources: their records, their status and what enrichment proposed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rekall.errors import GuardFailed, InvalidValueError
from rekall.infra.interfaces import Params, Row, Statement, Value
from rekall.models import Source, generate_ulid
from rekall.store.ids import beginning_with, the_one
from rekall.store.rows import iso, utc_now
from rekall.store.session import Session
from rekall.store.sources.domains import KnownDomains
from rekall.store.sources.rows import SOURCE_COLUMNS, SOURCE_SELECT, source_from_row, source_values

# nothing in the schema makes a domain and pattern unique, so the statement itself looks
_INSERT = (
    f"INSERT INTO sources({', '.join(SOURCE_COLUMNS)}) SELECT {', '.join(f':{column}' for column in SOURCE_COLUMNS)}"
    " WHERE NOT EXISTS (SELECT 1 FROM sources WHERE id = :id OR domain = :domain AND url_pattern IS :url_pattern)"
)
_CHANGEABLE = [column for column in SOURCE_COLUMNS if column not in ("id", "created_at")]
# one that a file of 0.3 holds twice can still be changed
_UPDATE = (
    f"UPDATE sources SET {', '.join(f'{column} = :{column}' for column in _CHANGEABLE)}"
    " WHERE id = :id AND (domain = :domain AND url_pattern IS :url_pattern OR NOT EXISTS"
    " (SELECT 1 FROM sources AS other WHERE other.domain = :domain AND other.url_pattern IS :url_pattern))"
)
_TIES = "domain, id"
_PROPOSALS = ("proposed", "validated")


class Sources:
    """Adds, reads, changes and removes sources. Those that an order leaves equal come by domain, then by id.

    A negative limit lets all pass.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._domains = KnownDomains(session)

    def add_source(self, source: Source) -> Source:
        """Store a new source. The object takes an id if it has none, and the role of its domain if that is known.

        Args:
            source: a role other than unclassified stays.

        Returns:
            The same object.

        Raises:
            ValueError: a source has this id, or this domain and pattern; or a value is one that `Source` refuses.
        """
        _refuse_unreadable(source)
        new_id, role = source.id or generate_ulid(), source.role
        if role == "unclassified" and (known := self._domains.get_known_domain(source.domain)) is not None:
            role = known["role"]
        values = {**source_values(source), "id": new_id, "role": role}
        try:
            self._session.write([Statement(_INSERT, values, expect=1)])
        except GuardFailed as error:
            raise _exists(source) from error
        source.id, source.role = new_id, role
        return source

    def get_source(self, source_id: str) -> Source | None:
        """The source of a full id."""
        return self._first("id = ?", (source_id,))

    def resolve(self, prefix: str) -> Source:
        """The source that `prefix` stands for: its id, or the one id that begins with it, in any case.

        Raises:
            InvalidValueError: none, or several.
        """
        return source_from_row(the_one(self._beginning_with(prefix), prefix, "source", "rekall sources list"))

    def beginning_with(self, prefix: str) -> list[Source]:
        """The sources that `prefix` may stand for, a few at most; none for an empty one."""
        return [source_from_row(row) for row in self._beginning_with(prefix)]

    def get_source_by_domain(self, domain: str, url_pattern: str | None = None) -> Source | None:
        """The source of a domain and pattern; without a pattern the one of the whole domain."""
        return self._first("domain = ? AND url_pattern IS ?", (domain, url_pattern))

    def get_source_by_url(self, url: str) -> Source | None:
        """The source whose pattern is this whole address, as that of a promoted page is."""
        return self._first("url_pattern = ?", (url,))

    def get_top_sources(self, limit: int = 20, min_score: float = 0.0) -> list[Source]:
        """The active sources of at least this score, best first."""
        return self._select(
            f"WHERE status = 'active' AND personal_score >= ? ORDER BY personal_score DESC, {_TIES} LIMIT ?",
            (min_score, limit),
        )

    def list_sources(
        self, status: str | None = None, min_score: float | None = None, limit: int = 100, offset: int = 0
    ) -> list[Source]:
        """The sources of a status, or of any, with at least this score: best first, then the most used."""
        return self._select(
            "WHERE (:status IS NULL OR status = :status) AND (:min_score IS NULL OR personal_score >= :min_score)"
            f" ORDER BY personal_score DESC, usage_count DESC, {_TIES} LIMIT :limit OFFSET :offset",
            {"status": status or None, "min_score": min_score, "limit": limit, "offset": offset},
        )

    def update_source(self, source: Source) -> bool:
        """Write a source anew, all but `created_at`; tell whether there is such a source.

        Raises:
            ValueError: another source has this domain and pattern; or a value is one that `Source` refuses.
        """
        _refuse_unreadable(source)
        if self._session.execute(_UPDATE, source_values(source)).rowcount:
            return True
        if self.get_source(source.id) is not None:
            raise _exists(source)
        return False

    def update_source_status(self, source_id: str, status: str, last_verified: datetime | None = None) -> bool:
        """Note what a check found; tell whether there is such a source.

        Args:
            source_id: a full id.
            status: active, inaccessible or archived.
            last_verified: when it was checked; None is now.

        Raises:
            IntegrityError: unknown status.
        """
        return self._change(
            "status = :status, last_verified = :checked",
            "id = :id",
            {"id": source_id, "status": status, "checked": iso(last_verified or datetime.now())},
        )

    def delete_source(self, source_id: str) -> bool:
        """Remove a source with its themes; tell whether there was one. Citations of it stay, without a source."""
        return self._session.execute("DELETE FROM sources WHERE id = ?", (source_id,)).rowcount > 0

    def count_enriched_sources(self) -> dict[str, int]:
        """How many sources there are whose enrichment is `proposed`, `validated`, and in `total` either."""
        rows = self._session.fetch_all(
            "SELECT enrichment_status AS status, count(*) AS n FROM sources"
            " WHERE enrichment_status IN ('proposed', 'validated') GROUP BY enrichment_status"
        )
        counts = dict.fromkeys(_PROPOSALS, 0) | {row["status"]: row["n"] for row in rows}
        return {"total": sum(counts.values()), **counts}

    def get_enriched_sources(self, status: str | None = None, limit: int = 500) -> list[Source]:
        """The sources whose enrichment is proposed, or validated, or either: proposed and surest first.

        Raises:
            ValueError: another status.
        """
        if status is not None and status not in _PROPOSALS:
            raise InvalidValueError(f"Invalid status '{status}': use one of {', '.join(_PROPOSALS)}")
        return self._select(
            "WHERE enrichment_status IN ('proposed', 'validated') AND (:status IS NULL OR enrichment_status = :status)"
            " ORDER BY enrichment_status, ai_confidence IS NULL, ai_confidence DESC,"
            f" {_TIES} LIMIT :limit",
            {"status": status, "limit": limit},
        )

    def validate_enrichment(self, source_id: str) -> bool:
        """Accept what enrichment proposed, now (UTC); False where nothing is proposed."""
        return self._change(
            "enrichment_status = 'validated', enrichment_validated_at = :now, enrichment_validated_by = 'human'",
            "id = :id AND enrichment_status = 'proposed'",
            {"id": source_id, "now": utc_now()},
        )

    def reject_enrichment(self, source_id: str) -> bool:
        """Turn down what enrichment proposed; False where nothing is proposed. The ai_ fields stay."""
        return self._change(
            "enrichment_status = 'none', enrichment_validated_at = NULL, enrichment_validated_by = NULL",
            "id = :id AND enrichment_status = 'proposed'",
            {"id": source_id},
        )

    def _beginning_with(self, prefix: str) -> list[Row]:
        return beginning_with(self._session, f"SELECT {SOURCE_SELECT} FROM sources", prefix)

    def _first(self, condition: str, params: Params) -> Source | None:
        # a file of 0.3 may hold the same source several times: the first id speaks for all
        found = self._select(f"WHERE {condition} ORDER BY id LIMIT 1", params)
        return found[0] if found else None

    def _select(self, rest: str, params: Params) -> list[Source]:
        return [
            source_from_row(row)
            for row in self._session.fetch_all(f"SELECT {SOURCE_SELECT} FROM sources {rest}", params)
        ]

    def _change(self, assignments: str, condition: str, params: dict[str, Value]) -> bool:
        return self._session.execute(f"UPDATE sources SET {assignments} WHERE {condition}", params).rowcount > 0


def _refuse_unreadable(source: Source) -> None:
    """Refuse a value set after construction that could not be read back."""
    try:
        replace(source)
    except ValueError as error:
        raise InvalidValueError(f"source {source.domain}: {error}") from error


def _exists(source: Source) -> InvalidValueError:
    where = f"{source.domain} {source.url_pattern or ''}".strip()
    return InvalidValueError(f"Source already exists: {where}; change that one with update_source")
