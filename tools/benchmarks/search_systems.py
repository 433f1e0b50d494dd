"""What answers the queries: Rekall, plain FTS5 and grep, in one process and by turns."""

from __future__ import annotations

import re
import shutil
import sqlite3
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks.bases import Bases
from benchmarks.measure import Prepare, Progress, Times, by_turns
from benchmarks.quality import DEPTH, Quality, Query, quality
from benchmarks.search_texts import Questions
from rekall.db import Database
from rekall.errors import RekallError
from rekall.finding import Question, find
from rekall.infra import ServiceContainer

LIMIT = DEPTH + 1
"""Hits that are asked for: the query's own question is one."""
USUAL = 20
"""Hits that the command line asks for."""
REKALL, WHOLE, PLAIN, GREP, TYPED = "Rekall", "Rekall, whole answer", "plain FTS5", "grep -ci", "as typed"
"""The whole answer is that of the command line: its hits are counted, and what they are linked to is read."""
_WORD = re.compile(r"\w+")

Answer: TypeAlias = list[str] | None
"""Ids that were found, best first; None for an error."""
Key: TypeAlias = tuple[str, int]
"""System and number of entries."""


@dataclass(frozen=True)
class Found:
    """What came out, for the rows and the plot.

    Args:
        sizes: ascending.
        queries: those that were asked.
        answers: one for each query.
        times: likewise.
        lines: by size, the mean number of lines in which grep finds any of the words.
    """

    sizes: Sequence[int]
    queries: Sequence[Query]
    answers: Mapping[Key, Sequence[Answer]]
    times: Mapping[Key, Times]
    lines: Mapping[int, float]

    def quality(self, system: str, size: int) -> Quality:
        """How good the answers of a system are."""
        return quality(self.queries, self.answers[system, size])


class Grep:
    """The entries of a base as the lines of a text file.

    Raises:
        RuntimeError: there is no grep.
    """

    def __init__(self, texts: Questions, size: int, file: Path) -> None:
        program = shutil.which("grep")
        if program is None:
            raise RuntimeError("the search is measured beside grep, which is not on the PATH: install it")
        self._command = [program, "-ciF"]
        self._file = file
        with file.open("w", encoding="utf-8") as lines:
            for number in range(size):
                entry = texts.entry(number)
                lines.write(" ".join(f"{entry.title} {entry.content}".split()) + "\n")

    def count(self, text: str) -> int:
        """Lines that hold any of the words of a text."""
        words = [argument for word in words_of(text) for argument in ("-e", word)]
        if not words:
            return 0
        done = subprocess.run([*self._command, *words, self._file], stdout=subprocess.PIPE, check=False)
        return int(done.stdout)


class Side:
    """One size: every system on a file of its own with the same entries."""

    def __init__(self, bases: Bases, texts: Questions, size: int, container: ServiceContainer) -> None:
        self.size = size
        names = ("uncounted", "counted")
        self._bases = [Database(bases.copy(size, f"{name}-{size}"), container=container) for name in names]
        for db in self._bases:
            db.init()
        plain = bases.copy(size, f"plain-{size}")
        self._plain = sqlite3.connect(plain)
        self.grep = Grep(texts, size, plain.with_suffix(".txt"))
        self.lines: list[int] = []

    def systems(self) -> dict[str, Callable[[str], Answer]]:
        """What answers a query, by name; grep ranks nothing, so it answers nothing."""
        uncounted, counted = self._bases
        return {
            REKALL: lambda text: rekall(uncounted, text),
            WHOLE: lambda text: whole_answer(counted, Question(text, limit=USUAL)),
            PLAIN: lambda text: self._match(any_of(text)),
            GREP: self._grep,
        }

    def as_typed(self, text: str) -> Answer:
        """What FTS5 makes of a text that nobody prepared for it."""
        return self._match(text)

    def close(self) -> None:
        """Close all bases."""
        for db in self._bases:
            db.close()
        self._plain.close()

    def _match(self, expression: str) -> Answer:
        sql = "SELECT id FROM entries_fts WHERE entries_fts MATCH ? ORDER BY rank LIMIT ?"
        try:
            return [row[0] for row in self._plain.execute(sql, (expression, LIMIT))] if expression else []
        except sqlite3.Error:
            return None

    def _grep(self, text: str) -> Answer:
        self.lines.append(self.grep.count(text))
        return []


def rekall(db: Database, text: str, *, here: str | None = None) -> Answer:
    """Search with nothing configured, without counting.

    Args:
        here: the project at hand.
    """
    try:
        found = db.store.search.find(text, limit=LIMIT, here=here, update_access=False)
    except RekallError:
        return None
    return [hit.entry.id for hit in found.hits]


def whole_answer(db: Database, question: Question) -> Answer:
    """Answer a question as the command line does."""
    try:
        return [hit.entry.id for hit in find(db, question).hits]
    except RekallError:
        return None


def words_of(text: str) -> list[str]:
    """The words of a text, each once."""
    return list(dict.fromkeys(_WORD.findall(text.lower())))


def any_of(text: str) -> str:
    """The expression of FTS5 for any of the words."""
    return " OR ".join(f'"{word}"' for word in words_of(text))


def run(bases: Bases, texts: Questions, queries: Sequence[Query], sizes: Sequence[int], *, warm_up: int = 10) -> Found:
    """Ask every system every query at every size.

    Args:
        bases: of these texts.
        queries: one or more.
        sizes: numbers of entries, ascending; the first is that of the questions.
        warm_up: queries before that are not timed.
    """
    container = ServiceContainer()
    sides = [Side(bases, texts, size, container) for size in sizes]
    try:
        systems = {(name, side.size): system for side in sides for name, system in side.systems().items()}
        bases.progress.start(f"search {', '.join(f'{size:,}' for size in sizes)} entries", len(queries))
        answers, times = ask(systems, queries, bases.progress, warm_up=warm_up)
        answers[TYPED, sizes[0]] = [sides[0].as_typed(query.text) for query in queries]
        lines = {side.size: statistics.fmean(side.lines[-len(queries) :]) for side in sides}
    finally:
        for side in sides:
            side.close()
        container.close()
    return Found(sizes, queries, answers, times, lines)


def ask(
    systems: Mapping[Key, Callable[[str], Answer]], queries: Sequence[Query], progress: Progress, *, warm_up: int
) -> tuple[dict[Key, list[Answer]], dict[Key, Times]]:
    """Time every system on every query, by turns, and keep the answers of the same calls."""
    answers: dict[Key, list[Answer]] = {key: [None] * len(queries) for key in systems}
    keys = {f"{name} at {size}": (name, size) for name, size in systems}

    def prepared(key: Key) -> Prepare:
        def call(place: int) -> None:
            answers[key][place] = systems[key](queries[place].text)

        return lambda number: lambda: call(number % len(queries))

    times = by_turns({name: prepared(key) for name, key in keys.items()}, len(queries), progress, warm_up=warm_up)
    return answers, {keys[name]: taken for name, taken in times.items()}
