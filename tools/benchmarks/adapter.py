"""What the adapter layer costs on a call: a back end as the container hands it out beside the bare one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.bases import Bases
from benchmarks.measure import Prepare, Progress, Row, Times, by_turns, details
from benchmarks.statements import Recording
from rekall.infra import CacheBackend, DatabaseBackend, ServiceContainer
from rekall.infra.interfaces import Params, Result
from rekall.infra.interfaces import Row as Found
from rekall.store import Store

SECTION = "adapter"
CALL_LIMIT, SEARCH_LIMIT = 0.3, 1.02
"""Microseconds that a call may cost more; a full-text search through the layer to the bare one."""
BLOCK = 1000
SEARCHED = 10_000


class NoDatabase(DatabaseBackend):
    """Answers at once, so that what is left is the cost of calling."""

    def connect(self) -> None:
        pass

    def close(self) -> None:
        pass

    def is_connected(self) -> bool:
        return True

    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        return _DONE

    def fetch_one(self, query: str, params: Params | None = None) -> Found | None:
        return _FOUND

    def fetch_all(self, query: str, params: Params | None = None) -> list[Found]:
        return _ALL


class NoCache(CacheBackend):
    """Answers at once."""

    def get(self, key: str, default: Any = None) -> Any:
        return default

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        pass

    def delete(self, key: str) -> bool:
        return True

    def clear(self) -> None:
        pass

    def exists(self, key: str) -> bool:
        return True


_DONE = Result(1)
_FOUND: Found = {"n": 1}
_ALL = [_FOUND]


def measure(bases: Bases, calls: int, searches: int) -> list[Row]:
    """Measure calls that do nothing, and a full-text search.

    Args:
        bases: gives the base that is searched.
        calls: how often each method is called, bare and wrapped.
        searches: how often the search is run, bare and wrapped.
    """
    return [*_calls(calls, bases.progress), _search(bases, searches)]


def _calls(calls: int, progress: Progress) -> list[Row]:
    container = ServiceContainer()
    container.register("database", NoDatabase())
    container.register("cache", NoCache())
    database, cache = container.database(), container.cache()
    bare_database, bare_cache = _bare(database), _bare(cache)
    loops: Mapping[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "fetch_one": (lambda: _fetch_one(bare_database), lambda: _fetch_one(database)),
        "execute": (lambda: _execute(bare_database), lambda: _execute(database)),
        "cache get": (lambda: _get(bare_cache), lambda: _get(cache)),
    }
    rows = []
    for name, (bare, wrapped) in loops.items():
        progress.start(f"{name}, bare and through the adapter layer", calls // BLOCK)
        times = by_turns({"bare": _always(bare), "wrapped": _always(wrapped)}, calls // BLOCK, progress, warm_up=5)
        more = [many - one for many, one in zip(times["wrapped"].seconds, times["bare"].seconds, strict=True)]
        per_call = 1e6 / BLOCK
        rows.append(
            Row(
                *(SECTION, f"{name}: a call costs more by", Times(more).median * per_call, "us"),
                reference=f"bare: {times['bare'].median * per_call:.3f} us",
                limit=CALL_LIMIT,
                details={**details(times, per_call), **details({"more": Times(more)}, per_call), "calls": calls},
            )
        )
    container.close()
    return rows


def _search(bases: Bases, searches: int) -> Row:
    """The query of one search, on one connection, through the layer and past it."""
    path = bases.copy(SEARCHED, "adapter")
    recording = Recording(path)
    queries = [
        query
        for number in range(0, SEARCHED, 97)
        for query in recording.of(_searching_for(bases.texts.selective(number))).queries
        if "MATCH" in query[0]
    ]
    recording.close()
    container = ServiceContainer()
    wrapped = container.database(path)
    bare = _bare(wrapped)
    bases.progress.start(f"full-text search at {SEARCHED:,}, bare and through the adapter layer", searches)
    times = by_turns(
        {"bare": _searching(bare, queries), "wrapped": _searching(wrapped, queries)},
        searches,
        bases.progress,
        warm_up=50,
    )
    container.close()
    return Row(
        *(SECTION, f"full-text search at {SEARCHED:,}, median", times["wrapped"].median * 1e6, "us"),
        reference="the bare back end",
        base=times["bare"].median * 1e6,
        limit=SEARCH_LIMIT,
        details=details(times, 1e6),
    )


def _searching_for(query: str) -> Callable[[Store], object]:
    return lambda store: store.search.search(query)


def _searching(backend: DatabaseBackend, queries: Sequence[tuple[str, Params]]) -> Prepare:
    def prepare(number: int) -> Callable[[], object]:
        query, params = queries[number % len(queries)]
        return lambda: backend.fetch_all(query, params)

    return prepare


def _bare(wrapped: Any) -> Any:
    return wrapped.wrapped


def _always(call: Callable[[], object]) -> Prepare:
    return lambda _number: call


def _fetch_one(backend: DatabaseBackend) -> None:
    for _ in range(BLOCK):
        backend.fetch_one("SELECT 1", ())


def _execute(backend: DatabaseBackend) -> None:
    for _ in range(BLOCK):
        backend.execute("DELETE FROM t", ())


def _get(backend: CacheBackend) -> None:
    for _ in range(BLOCK):
        backend.get("key")
