"""The scores of sources, and the quality of what is cited beside them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from rekall.errors import DatabaseBusyError, GuardFailed
from rekall.infra.interfaces import Row, Statement, Value
from rekall.models import Source
from rekall.store.rows import select
from rekall.store.session import Session
from rekall.store.sources import scoring
from rekall.store.sources.rows import SOURCE_SELECT, source_from_row

# all that a score depends on, but for the day: the guard of every write of a score
_FACTORS = ("id", "usage_count", "last_used", "reliability", "decay_rate", "role", "is_seed", "citation_quality_factor")

_WEIGHT = (
    f"CASE WHEN sources.is_seed IS 1 THEN {scoring.WEIGHTS['seed']}"
    f" WHEN sources.role = 'authority' THEN {scoring.WEIGHTS['authority']}"
    f" WHEN sources.is_promoted IS 1 THEN {scoring.WEIGHTS['promoted']} ELSE {scoring.WEIGHTS['other']} END"
)
# What the entries that cite a source cite beside it is, entry by entry, all that the entry cites less what it cites of
# the source itself: sums over citations, where pairs of them would be a square of their number.
_NEIGHBOURS = (
    "SELECT source_id, sum(all_weight - weight) AS weight, sum(all_cited - cited) AS cited FROM"
    " (SELECT source_id, weight, cited, sum(weight) OVER entry AS all_weight, sum(cited) OVER entry AS all_cited FROM"
    f" (SELECT entry_id, source_id, sum({_WEIGHT}) AS weight, count(*) AS cited"
    " FROM entry_sources JOIN sources ON sources.id = entry_sources.source_id WHERE {citations}"
    " GROUP BY entry_id, source_id) WINDOW entry AS (PARTITION BY entry_id))"
    " GROUP BY source_id"
)
_SELECT = (
    f"SELECT {select((*_FACTORS, 'personal_score'), 'sources')}, beside.weight, beside.cited FROM sources"
    f" LEFT JOIN ({_NEIGHBOURS}) AS beside ON beside.source_id = sources.id WHERE {{sources}}"
)
_SELECT_ACTIVE = _SELECT.format(citations="true", sources="sources.status = 'active'")
_SELECT_ONE = _SELECT.format(
    citations="entry_id IN (SELECT entry_id FROM entry_sources WHERE source_id = :id)", sources="sources.id = :id"
)

_USE = (
    "UPDATE sources SET usage_count = coalesce(usage_count, 0) + 1, last_used = :now, personal_score = :score"
    f" WHERE {' AND '.join(f'{column} IS :{column}' for column in _FACTORS)}"
)
_STEP = 1000
"""Sources between two reports of progress, and stored by one statement: SQLite takes 32,766 parameters."""
_ATTEMPTS = 50
"""Times that a score is computed anew because another process changed the source in between."""


class Scores:
    """Computes the scores of sources and stores them. What another process changed meanwhile is never overwritten."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def calculate_citation_quality(self, source_id: str) -> float:
        """How good the sources are that entries cite beside this one: 0.667 to 1, and 0 where there are none.

        The mean weight of all citations of other sources by the entries that cite this one, divided by the highest
        weight: a seed counts 1.5, else an authority 1.3, else a promoted source 1.2, any other 1.
        """
        row = self._session.fetch_one(_SELECT_ONE, {"id": source_id})
        return 0.0 if row is None else scoring.citation_quality(row["weight"], row["cited"])

    def calculate_source_score(self, source: Source) -> float:
        """The score by use, recency and reliability: see `rekall.store.sources.scoring.score`."""
        return scoring.score(source, datetime.now())

    def calculate_source_score_v2(self, source: Source) -> float:
        """The score that is stored, with role, seed and citations: see `rekall.store.sources.scoring.score_v2`."""
        return scoring.score_v2(source, datetime.now())

    def recalculate_all_scores(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Compute citation quality and score of every active source, store what changed; returns how many there are.

        One query and one batch; the time is linear in sources + citations. A source used meanwhile keeps the score of
        that use.

        Args:
            on_progress: told now and then how many sources are done, and of how many.
        """
        now = datetime.now()
        rows = self._session.fetch_all(_SELECT_ACTIVE)
        changed: list[list[Value]] = []
        for start in range(0, len(rows), _STEP):
            for row in rows[start : start + _STEP]:
                quality, score = _computed(row, now)
                if (quality, score) != (row["citation_quality_factor"], row["personal_score"]):
                    changed.append(_result(row, quality, score))
            if on_progress is not None:
                on_progress(min(start + _STEP, len(rows)), len(rows))
        if changed:
            self._session.write(_Storing(changed), idempotent=True)
        return len(rows)

    def recalculate_source_score(self, source_id: str, update_citation_quality: bool = True) -> float | None:
        """Compute the score of a source, store it and return it; None for an unknown source.

        Args:
            source_id: a full id.
            update_citation_quality: compute that first; else take the stored one.

        Raises:
            DatabaseBusyError: others kept changing this source; nothing was changed.
        """
        for _ in range(_ATTEMPTS):
            row = self._session.fetch_one(_SELECT_ONE, {"id": source_id})
            if row is None:
                return None
            quality, score = _computed(row, datetime.now(), update_citation_quality)
            try:
                self._session.write([_store([_result(row, quality, score)])._replace(expect=1)])
            except GuardFailed:
                continue
            return score
        raise _busy(source_id)

    def update_citation_quality(self, source_id: str) -> float | None:
        """Compute the citation quality of a source, store it and return it; None for an unknown source."""
        quality = self.calculate_citation_quality(source_id)
        sql = "UPDATE sources SET citation_quality_factor = ? WHERE id = ?"
        return quality if self._session.execute(sql, (quality, source_id)).rowcount else None

    def update_source_usage(self, source_id: str) -> Source | None:
        """Count one use of a source, now, and store its score with the stored citation quality.

        Returns:
            The source as it is now, None for an unknown one.

        Raises:
            DatabaseBusyError: others kept changing this source; nothing was changed.
        """
        return self.use(source_id)

    def use(self, source_id: str, *reasons: Statement) -> Source | None:
        """What `update_source_usage` does, in one batch with the statements that are the reason for the use.

        Raises:
            GuardFailed: a guard of `reasons` failed; nothing was changed.
        """
        for _ in range(_ATTEMPTS):
            row = self._session.fetch_one(f"SELECT {SOURCE_SELECT} FROM sources WHERE id = ?", (source_id,))
            if row is None:
                return None
            source, now = source_from_row(row), datetime.now()
            source.usage_count, source.last_used = source.usage_count + 1, now
            source.personal_score = scoring.score_v2(source, now)
            read = {column: row[column] for column in _FACTORS}
            use = Statement(_USE, {**read, "now": now.isoformat(), "score": source.personal_score}, expect=1)
            try:
                self._session.write([use, *reasons])
            except GuardFailed as error:
                if error.index > 0:
                    raise
                continue
            return source
        raise _busy(source_id)


class _Storing:
    """The batch that stores scores, made anew each time that it is begun."""

    def __init__(self, results: Sequence[list[Value]]) -> None:
        self._results = results

    def __iter__(self) -> Iterator[Statement]:
        for start in range(0, len(self._results), _STEP):
            yield _store(self._results[start : start + _STEP])


def _computed(row: Row, now: datetime, with_quality: bool = True) -> tuple[float, float]:
    """The citation quality and the score of a row of `_SELECT`."""
    source = source_from_row(row)
    if with_quality:
        source.citation_quality_factor = scoring.citation_quality(row["weight"], row["cited"])
    return source.citation_quality_factor, scoring.score_v2(source, now)


def _result(row: Row, quality: float, score: float) -> list[Value]:
    """What `_store` takes of one source: the factors as they were read, and what came out."""
    return [*(row[column] for column in _FACTORS), quality, score]


def _store(results: Sequence[list[Value]]) -> Statement:
    """The statement that stores quality and score where the factors are still as they were read."""
    return Statement(_store_sql(len(results)), [value for result in results for value in result])


@functools.lru_cache(maxsize=4)
def _store_sql(sources: int) -> str:
    columns = (*_FACTORS, "quality", "score")
    places = f"({', '.join('?' * len(columns))})"
    named = ", ".join(f"column{number} AS {column}" for number, column in enumerate(columns, 1))
    # not WITH: the driver counts no rows of a statement that begins so, and a guard needs them
    return (
        "UPDATE sources SET citation_quality_factor = computed.quality, personal_score = computed.score"
        f" FROM (SELECT {named} FROM (VALUES {', '.join([places] * sources)})) AS computed"
        f" WHERE {' AND '.join(f'sources.{column} IS computed.{column}' for column in _FACTORS)}"
    )


def _busy(source_id: str) -> DatabaseBusyError:
    return DatabaseBusyError(f"source {source_id} was changed by others {_ATTEMPTS} times meanwhile: try again")
