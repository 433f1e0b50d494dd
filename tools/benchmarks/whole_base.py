"""Computations over a whole base: the time for each row must stay, and the calls of the back end must not follow it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TypeAlias

from benchmarks.bases import Bases
from benchmarks.measure import Prepare, Row, Times, by_turns, details
from rekall.consolidation import find_consolidation_opportunities
from rekall.db import Database
from rekall.infra import DefaultDatabaseBackend, ServiceContainer
from rekall.infra.interfaces import Params, Statement
from rekall.infra.interfaces import Row as Found
from rekall.models import VALID_RELATION_TYPES, StructuredContext
from rekall.store.context_codec import structured_statements

SECTION = "whole-base"
GROWTH_LIMITS = {10: 3.0, 100: 4.0}
"""How much more a row may cost in a base so many times larger; what is quadratic costs as many times more."""
CALLS_LIMIT = 2
"""Calls of the back end that 1,000 more entries may take: some computations read and write in parts."""
ROUNDS = 2
CLUSTER = 5
"""Entries that could become one pattern."""

Computation: TypeAlias = Callable[[Database], object]

COMPUTATIONS: Mapping[str, Computation] = {
    "centrality": lambda db: db.update_all_centrality_scores(),
    "consolidation": find_consolidation_opportunities,
    "stale": lambda db: db.get_stale_entries(30, -1),
    "due": lambda db: db.get_due_entries(-1),
    "sources": lambda db: db.recalculate_all_scores(),
}
"""Each over all rows, without a limit on the answer."""

_UNITS = ("entries", "links", "context_keywords", "sources", "entry_sources")


class Counting(DefaultDatabaseBackend):
    """Counts its calls."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.calls: Counter[str] = Counter()

    def fetch_one(self, query: str, params: Params | None = None) -> Found | None:
        self.calls["read"] += 1
        return super().fetch_one(query, params)

    def fetch_all(self, query: str, params: Params | None = None) -> list[Found]:
        self.calls["read"] += 1
        return super().fetch_all(query, params)

    def execute_batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> int:
        self.calls["write"] += 1
        return super().execute_batch(statements)


class Side:
    """A base of one size, with links, sources and citations in proportion to its entries."""

    def __init__(self, bases: Bases, size: int) -> None:
        self.size = size
        path = bases.copy(size, f"whole-base-{size}")
        self.backend = Counting(path)
        self._container = ServiceContainer()
        self._container.register("database", self.backend)
        self.db = Database(path, container=self._container)
        self.db.init()
        ids = [entry.id for entry in self.db.list_all(limit=-1)]
        due = Statement("UPDATE entries SET next_review = ? WHERE rowid % 2", (_days_ago(7),))
        self.db.store.session.write([*_connections(ids), *_clusters(ids), due])
        rows = self.backend.fetch_one(f"SELECT {' + '.join(f'(SELECT count(*) FROM {name})' for name in _UNITS)} AS n")
        self.units = 0 if rows is None else int(rows["n"])

    def prepare(self, computation: Computation) -> Callable[[], object]:
        """The computation on a base whose stored scores are all wrong, so that it has to write them."""
        self.backend.execute_batch(
            [
                Statement("UPDATE entries SET centrality_score = -1"),
                Statement("UPDATE sources SET personal_score = 1, citation_quality_factor = 0"),
            ]
        )
        self.backend.calls.clear()
        return lambda: computation(self.db)

    def close(self) -> None:
        """Close the base."""
        self.db.close()
        self._container.close()


def measure(bases: Bases, sizes: Sequence[int], rounds: int = ROUNDS) -> list[Row]:
    """Measure every computation at every size; the sizes take turns.

    Args:
        bases: gives the entries and their contexts.
        sizes: numbers of entries, ascending; the limits apply to the largest.
        rounds: times that each computation is timed at each size.
    """
    bases.progress.start("connect entries with links and sources", len(sizes))
    sides = []
    try:
        for size in sizes:
            sides.append(Side(bases, size))
            bases.progress.step()
        return [row for name in COMPUTATIONS for row in _measured(name, sides, bases, rounds)]
    finally:
        for side in sides:
            side.close()


def _measured(name: str, sides: Sequence[Side], bases: Bases, rounds: int) -> Iterator[Row]:
    calls: dict[int, int] = {}

    def prepared(side: Side) -> Prepare:
        def prepare(_number: int) -> Callable[[], object]:
            run = side.prepare(COMPUTATIONS[name])

            def counted() -> None:
                run()
                calls[side.size] = side.backend.calls.total()

            return counted

        return prepare

    bases.progress.start(f"{name} at {', '.join(f'{side.size:,}' for side in sides)} entries", rounds)
    timed = by_turns({str(side.size): prepared(side) for side in sides}, rounds, bases.progress)
    times = {side.size: timed[str(side.size)] for side in sides}
    for side in sides:
        numbers = {**details({"whole": times[side.size]}, 1000), "rows": side.units, "calls": calls[side.size]}
        yield Row(SECTION, f"{name}, all of {side.size:,}", times[side.size].least * 1000, "ms", details=numbers)
    largest = sides[-1]
    for side in sides[:-1]:
        yield Row(
            *(SECTION, f"{name}, a row at {largest.size:,}", _per_row(largest, times[largest.size]), "us"),
            reference=f"the same at {side.size:,}",
            base=_per_row(side, times[side.size]),
            limit=GROWTH_LIMITS.get(largest.size // side.size),
        )
    more = largest.size - sides[0].size
    yield Row(
        *(SECTION, f"{name}, back-end calls for 1,000 more entries"),
        *(1000 * (calls[largest.size] - calls[sides[0].size]) / more, "calls"),
        limit=CALLS_LIMIT,
    )


def _per_row(side: Side, times: Times) -> float:
    return times.least * 1e6 / side.units


def _connections(ids: Sequence[str]) -> Iterator[Statement]:
    """Two links and one citation for each entry, and a link and a citation of every other one to one and the same."""
    draw = random.Random(len(ids))  # noqa: S311  # connections to measure with, no secret
    sources = 1 + len(ids) // 10
    for number in range(sources):
        yield Statement(
            "INSERT INTO sources(id, domain, usage_count, last_used, created_at) VALUES (?, ?, ?, ?, ?)",
            (f"S{number}", f"site{number}.example", number % 40, _days_ago(number % 700), _days_ago(800)),
        )
    for number, entry_id in enumerate(ids):
        ends = {draw.randrange(len(ids)): VALID_RELATION_TYPES[number % 3] for _ in range(2)}
        cited = {draw.randrange(sources)}
        if number % 2:
            ends[0] = VALID_RELATION_TYPES[3]
            cited.add(0)
        for end, relation in ends.items():
            if end != number:
                yield Statement(
                    "INSERT INTO links(id, source_id, target_id, relation_type, created_at) VALUES (?, ?, ?, ?, ?)",
                    (f"{number}-{end}", entry_id, ids[end], relation, _days_ago(1)),
                )
        for source in cited:
            yield Statement(
                "INSERT INTO entry_sources(id, entry_id, source_id, source_type, source_ref, created_at)"
                " VALUES (?, ?, ?, 'url', ?, ?)",
                (f"{number}-{source}", entry_id, f"S{source}", f"https://site{source}.example/", _days_ago(1)),
            )


def _clusters(ids: Sequence[str]) -> Iterator[Statement]:
    """Contexts for a third of the entries: one keyword for all of them, two more for each `CLUSTER` of them."""
    for number, entry_id in enumerate(ids[1::3]):
        keywords = ["everywhere", f"topic{number // CLUSTER}", f"tool{number // CLUSTER}"]
        yield from structured_statements(entry_id, StructuredContext("a situation", "a solution", keywords))


def _days_ago(days: int) -> str:
    return (date.today() - timedelta(days=days)).isoformat()
