"""The entries that searches are measured on: questions, and beyond their number notes of drawn words."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from benchmarks.quality import Query
from benchmarks.texts import Texts, made_up_texts, real_texts
from rekall.models import Entry, StructuredContext

CONTENT_WORDS, TITLE_WORDS = (10, 60), (4, 12)
"""Fewest and most words of a note that is drawn."""
MADE_UP, MADE_UP_QUERIES = 1_804, 464
"""Texts and queries where none are given."""
PROJECTS = 12
_START = datetime(2024, 1, 1, 9, 0)
_YEARS = timedelta(days=3 * 365)


@dataclass(frozen=True)
class Questions(Texts):
    """Questions, then notes: words drawn one by one from the words of all questions, as often as they occur there.

    The title of a note is of words of its content, as titles are: drawn from other titles, titles would mislead more
    often than they do. A note is neither a duplicate of a question nor holds a sentence of one, so it is no answer to
    a query.

    Args:
        ids: of the questions, as many as items.
        scattered: entries get a random project and random dates; otherwise none, and one minute after another.
    """

    ids: Sequence[str] = ()
    scattered: bool = False

    def entry(self, number: int, *, version: int = 0) -> Entry:
        """Entry `number`; there is only one version of it."""
        # each note has a draw of its own: a larger base begins with the smaller one
        draw = random.Random(number)  # noqa: S311  # text to measure with, no secret
        if number < len(self.items):
            entry_id, (title, content) = self.ids[number], self.items[number]
        else:
            entry_id = f"note{number:08d}"
            words = draw.choices(self._words, k=draw.randint(*CONTENT_WORDS))
            title = " ".join(draw.sample(words, min(draw.randint(*TITLE_WORDS), len(words))))
            content = " ".join(words)
        made, project = _START + timedelta(minutes=number), None
        if self.scattered:
            made, project = _START + _YEARS * draw.random(), project_of(draw.randrange(PROJECTS))
        return Entry(entry_id, title, "reference", content, project=project, created_at=made, updated_at=made, tags=[])

    def context(self, number: int) -> StructuredContext | None:
        """No entry has one: the plain index beside it knows none."""
        return None

    @cached_property
    def _words(self) -> list[str]:
        return [word for title, content in self.items for word in (content or title).split()]

    def scatter(self) -> Questions:
        """The same entries with random projects and dates."""
        return replace(self, scattered=True)


def project_of(number: int) -> str:
    """One of the projects that scattered entries have."""
    return f"project{number % PROJECTS}"


def questions(file: Path | None) -> Questions:
    """The questions of a file with `id`, `title` and `content`, or made-up ones.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else, or nothing.
    """
    if file is None:
        made_up = made_up_texts(MADE_UP)
        return Questions(made_up.source, made_up.items, [f"text{number:08d}" for number in range(MADE_UP)])
    read = real_texts(file)
    with file.open(encoding="utf-8") as lines:
        ids = [str(json.loads(line).get("id", f"text{number:08d}")) for number, line in enumerate(lines)]
    source = f"{len(ids):,} real texts of {file.name}, beyond that number notes of words drawn from them"
    return Questions(source, read.items, ids)


def titles_as_queries(texts: Questions) -> list[Query]:
    """Titles of questions as queries that nobody has judged."""
    step = max(1, len(texts.items) // MADE_UP_QUERIES)
    return [Query(texts.ids[number], texts.items[number][0]) for number in range(0, len(texts.items), step)]


class Asked(NamedTuple):
    """What is asked.

    Args:
        texts: the entries.
        queries: one or more.
        judged: it is known what they should find.
        whole: all queries are asked, so that limits on quality apply.
    """

    texts: Questions
    queries: Sequence[Query]
    judged: bool
    whole: bool
