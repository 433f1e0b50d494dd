"""The store beside the same statements in raw sqlite3, and beside itself on smaller bases."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

from benchmarks.bases import Bases
from benchmarks.measure import Prepare, Row, Times, by_turns, details
from benchmarks.statements import Raw, Recording
from rekall.infra import ServiceContainer
from rekall.store import Store

SECTION = "store"
HITS = 10
GROWTH_LIMIT, RAW_LIMIT, COUNTING_LIMIT = 1.5, 1.3, 0.3
"""Median at the largest size to that at the smallest; to raw sqlite3; ms that counting may add to a search."""

Operation: TypeAlias = Callable[[Store], object]
Timings: TypeAlias = dict[tuple[str, int], tuple[Times, Times]]
"""By operation and size: the times of the store and of raw sqlite3."""

_UNCOUNTED = ", uncounted"
_READS = ("selective", "selective" + _UNCOUNTED, "broad", "broad" + _UNCOUNTED)
_TOGETHER = (("add",), ("update",), _READS[:2], _READS[2:])
"""Operations that take turns: what counting adds is the difference of two of them."""


class _Side:
    """One size: the store and raw sqlite3, each on a file of its own with the same content."""

    def __init__(self, bases: Bases, size: int, container: ServiceContainer) -> None:
        self.size = size
        path = bases.copy(size, f"store-{size}")
        raw = bases.copy(size, f"raw-{size}")
        self.store = Store(container.database(path), path)
        self.raw = Raw(raw)
        self._recordings = (Recording(path), Recording(raw))

    def through_store(self, operation: Operation) -> Callable[[], object]:
        self._recordings[0].of(operation)  # raw sqlite3 begins with caches that recording has warmed: so does the store
        return lambda: operation(self.store)

    def through_raw(self, operation: Operation) -> Callable[[], object]:
        call = self._recordings[1].of(operation)
        return lambda: self.raw.run(call)

    def close(self) -> None:
        for recording in self._recordings:
            recording.close()
        self.raw.close()


def measure(bases: Bases, sizes: Sequence[int], rounds: int) -> list[Row]:
    """Measure adding, updating and searching at every size; the sizes take turns as well.

    Args:
        bases: gives the files.
        sizes: numbers of entries, ascending; the limits apply to the largest.
        rounds: times that each operation is timed at each size.
    """
    container = ServiceContainer()
    sides = [_Side(bases, size, container) for size in sizes]
    try:
        timings: Timings = {}
        for names in _TOGETHER:
            bases.progress.start(f"{names[0]} at {', '.join(f'{size:,}' for size in sizes)} entries", rounds)
            timings |= _timed(names, bases, sides, rounds)
    finally:
        for side in sides:
            side.close()
        container.close()
    return _rows(timings, sizes)


def _timed(names: Sequence[str], bases: Bases, sides: Sequence[_Side], rounds: int) -> Timings:
    calls: dict[str, Prepare] = {}
    for name in names:
        for side in sides:
            operation = _operation(name, bases, side.size)
            calls[f"{name}, store, {side.size}"] = _prepared(side.through_store, operation)
            calls[f"{name}, raw, {side.size}"] = _prepared(side.through_raw, operation)
    times = by_turns(calls, rounds, bases.progress, warm_up=max(5, rounds // 10))
    return {
        (name, side.size): (times[f"{name}, store, {side.size}"], times[f"{name}, raw, {side.size}"])
        for name in names
        for side in sides
    }


def _prepared(through: Callable[[Operation], Callable[[], object]], operation: Callable[[int], Operation]) -> Prepare:
    return lambda number: through(operation(number))


def _operation(name: str, bases: Bases, size: int) -> Callable[[int], Operation]:
    """The operation of each round: the store and raw sqlite3 get the same one."""
    texts = bases.texts

    def some(number: int) -> int:
        return random.Random(number).randrange(size)  # noqa: S311  # chooses an entry to measure with

    def add(number: int) -> Operation:
        entry, context = texts.entry(size + number), texts.context(size + number)
        return lambda store: store.entries.add(entry, context=context)

    def update(number: int) -> Operation:
        entry = texts.entry(some(number), version=1 + number)
        return lambda store: store.entries.update(entry)

    def search(number: int) -> Operation:
        query = texts.selective(some(number)) if name.startswith("selective") else texts.broad(some(number))
        counted = not name.endswith(_UNCOUNTED)
        return lambda store: store.search.search(query, limit=HITS, update_access=counted)

    return {"add": add, "update": update}.get(name, search)


def _rows(timings: Timings, sizes: Sequence[int]) -> list[Row]:
    largest, smallest = sizes[-1], sizes[0]
    rows = []
    for name in ("add", "update"):
        for size in sizes:
            store, raw = timings[name, size]
            numbers = details({"store": store, "raw": raw}, 1000)
            is_limited = size == largest and size != smallest
            rows.append(
                Row(
                    *(SECTION, f"{name}, median at {size:,}", store.median * 1000, "ms"),
                    reference=f"the same at {smallest:,}",
                    base=timings[name, smallest][0].median * 1000,
                    limit=GROWTH_LIMIT if is_limited else None,
                    details=numbers,
                )
            )
            rows.append(
                Row(
                    *(SECTION, f"{name}, mean at {size:,}", store.mean * 1000, "ms"),
                    reference="raw sqlite3",
                    base=raw.mean * 1000,
                    limit=RAW_LIMIT if size == largest else None,
                    details=numbers,
                )
            )
    for name in _READS:
        for size in sizes:
            store, raw = timings[name, size]
            is_limited = size == largest and not name.endswith(_UNCOUNTED)
            rows.append(
                Row(
                    *(SECTION, f"search {name}, median at {size:,}", store.median * 1000, "ms"),
                    reference="raw sqlite3",
                    base=raw.median * 1000,
                    limit=RAW_LIMIT if is_limited else None,
                    details=details({"store": store, "raw": raw}, 1000),
                )
            )
    for name in ("selective", "broad"):
        counted, uncounted = timings[name, largest][0], timings[name + _UNCOUNTED, largest][0]
        # the same query in the same round: the times of different queries differ by much more than counting takes
        added = Times([more - less for more, less in zip(counted.seconds, uncounted.seconds, strict=True)])
        rows.append(
            Row(
                *(SECTION, f"counting {HITS} hits adds ({name}) at {largest:,}", added.median * 1000, "ms"),
                limit=COUNTING_LIMIT,
                details=details({"added": added, "counted": counted, "uncounted": uncounted}, 1000),
            )
        )
    return rows


def sizes_for(*, quick: bool) -> tuple[int, ...]:
    """The numbers of entries to measure at."""
    return (1_000, 10_000) if quick else (1_000, 10_000, 100_000)
