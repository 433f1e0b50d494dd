"""A base with words that many entries hold, and programs that search it for long, here and in other processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rekall.db import Database
from rekall.handle import SessionOptions
from rekall.infra import CacheBackend, ServiceContainer, Statement
from rekall.infra.defaults import DefaultCacheBackend
from support import processes

ENTRIES = 700
"""Of which each holds `common`: more rows than those from which on a result is kept."""
TYPES = ("bug", "pattern", "decision", "pitfall", "config", "reference")
_INSERT = (
    "INSERT INTO entries(id, title, content, type, project, memory_type, status, superseded_by, context_structured,"
    " created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Recording(DefaultCacheBackend):
    """The cache of this process, which tells what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.stored: list[str] = []

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.append(key)
        return super().get(key, default)

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        self.stored.append(key)
        super().set(key, value, ttl)


def make(path: Path, number: int = ENTRIES) -> Path:
    """Write the base: `common` in every entry, `third` in every third, `w0` to `w39` in fewer, `rare` in a few."""
    with Database(path) as db:
        db.set_metadata("made", "for a test")
        db.store.session.backend.execute_batch(_statements(number))
    return path


def _statements(number: int) -> Iterator[Statement]:
    for n in range(number):
        entry_id = f"E{n:05}"
        words = [f"w{k}" for k in range(40) if n % (k + 2) == 0]
        title = f"{'third ' if n % 3 == 0 else ''}case user-id{n % 7} {' '.join(words[:2])}"
        content = f"common {' '.join(words)} {'rare' if n % 211 == 5 else ''} of number {n}"
        context = None
        if n % 5 == 0:
            situation = f"when common w{n % 40} appears"
            keywords = [f"key{n % 9}", "usual"]
            context = json.dumps({"situation": situation, "solution": "look again", "trigger_keywords": keywords})
        old = n % 17 == 3
        yield Statement(
            _INSERT,
            (
                *(entry_id, title, content, TYPES[n % 6], f"p{n % 4}", "semantic" if n % 8 == 0 else "episodic"),
                *("obsolete" if old else "active", "E00000" if old and n % 2 else None, context),
                *("2025-01-01T10:00:00", f"2025-0{1 + n % 9}-01T10:00:00"),
            ),
        )
        yield Statement("INSERT INTO tags(entry_id, tag) VALUES (?, ?)", (entry_id, f"tag{n % 6}"))


@contextmanager
def opened(path: Path, cache: CacheBackend, *, counting: bool = False) -> Iterator[Database]:
    """The base as a program that searches more than once has it."""
    container = ServiceContainer()
    container.register("cache", cache)
    options = SessionOptions(counting=counting, keep_searches=True)
    with Database(path, container=container, options=options) as db:
        yield db


def answer(db: Database, query: str, **more: Any) -> dict[str, Any]:
    """All that a search says, in data that can be compared; without the counts of accesses, which are no result."""
    found = db.store.search.find(query, **{"update_access": False, **more})
    hits = [
        [hit.entry.id, hit.entry.title, hit.entry.status, hit.entry.tags, hit.matched, hit.rank, hit.score]
        for hit in found.hits
    ]
    superseded = [entry.id for entry in found.superseded]
    return {"hits": hits, "terms": list(found.terms), "narrowed": list(found.narrowed), "superseded": superseded}


def uncached(path: Path, query: str, **more: Any) -> dict[str, Any]:
    """What a command answers, which opens the base for this one search."""
    with Database(path, container=ServiceContainer()) as db:
        return answer(db, query, **more)


_SEARCHER = """
import json, sys
from pathlib import Path
from rekall.infra.defaults import DefaultCacheBackend
from support.right_caches import RightInFolder
from support.searchers import answer, opened
path, folder, counting = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "True"
with opened(path, RightInFolder(Path(folder)) if folder else DefaultCacheBackend(), counting=counting) as db:
    for line in sys.stdin:
        query, more = json.loads(line)
        print(json.dumps(answer(db, query, update_access=counting, **more)), flush=True)
"""


class Searcher:
    """A process that has the base open and searches when it is told to.

    Args:
        cache: the folder of a cache that several processes share; None: each has its own.
        counting: it counts accesses, and so prepares the base.
    """

    def __init__(self, path: Path, *, cache: Path | None = None, counting: bool = False) -> None:
        # the folder of the tests, from which support is imported
        code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{_SEARCHER}"
        self._process = processes.start(code, path, cache or "", counting, stdin=subprocess.PIPE)

    def search(self, query: str, **more: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([query, more]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(self._process.communicate(timeout=60)[1])
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End the process; it has to end well."""
        _, error = self._process.communicate(timeout=60)
        assert (self._process.returncode, error) == (0, "")


@contextmanager
def searching(path: Path, *, cache: Path | None = None, counting: bool = False) -> Iterator[Searcher]:
    """A searcher that is ended at the end, whatever happens."""
    searcher = Searcher(path, cache=cache, counting=counting)
    try:
        yield searcher
        searcher.close()
    finally:
        searcher._process.kill()
        searcher._process.communicate(timeout=60)
