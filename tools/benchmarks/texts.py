"""The entries that the bases are made of: real questions when there are some, made-up text otherwise."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rekall.models import VALID_TYPES, Entry, EntryType, StructuredContext

GROUP = 10
"""Entries that share one marker word: a selective query finds so many."""
NO_WORDS = "system"
"""The broad query of an entry whose title has no long words."""

_TAGS = tuple(f"topic{number}" for number in range(40))
_WORD = re.compile(r"[a-z]{5,}")
_TYPES: tuple[EntryType, ...] = tuple(VALID_TYPES)  # type: ignore[arg-type]  # the literals of EntryType, as text
_START = datetime(2024, 1, 1, 9, 0)


@dataclass(frozen=True)
class Texts:
    """Titles and contents, as many as are asked for.

    Args:
        source: where they come from, for the report.
        items: title and content; taken again with another word at the end when they do not suffice.
    """

    source: str
    items: Sequence[tuple[str, str]]

    def entry(self, number: int, *, version: int = 0) -> Entry:
        """Entry `number`; a higher version has another title, content and tag under the same id."""
        title, content = self.items[(number + 7 * version) % len(self.items)]
        turn = number // len(self.items)
        if turn or version:
            title = f"{title} {_made_up_word(turn + 1000 * version)}"
        made = _START + timedelta(minutes=number)
        return Entry(
            id=f"01JBENCH{number:018d}",
            title=title,
            type=_TYPES[number % len(_TYPES)],
            content=f"{content} {marker(number)}",
            tags=[_TAGS[number % 40], _TAGS[(number // 40 + version) % 40]],
            created_at=made,
            updated_at=made,
        )

    def context(self, number: int) -> StructuredContext | None:
        """The context of entry `number`: every third has one."""
        if number % 3:
            return None
        title, content = self.items[(number * 31 + 5) % len(self.items)]
        words = list(dict.fromkeys(_WORD.findall(title.lower())))[:4] or ["none"]
        return StructuredContext(
            situation=f"When it happened: {title}",
            solution=f"What helped: {content[:200]}",
            trigger_keywords=words,
            created_at=_START,
        )

    def selective(self, number: int) -> str:
        """A query that finds the `GROUP` entries around entry `number`."""
        return marker(number)

    def broad(self, number: int) -> str:
        """A query of the two longest words in the title of entry `number`."""
        words = dict.fromkeys(_WORD.findall(self.items[number % len(self.items)][0].lower()))
        return " ".join(sorted(words, key=len, reverse=True)[:2]) or NO_WORDS


def marker(number: int) -> str:
    """The word that entry `number` shares with its group."""
    return f"ref{number // GROUP}k"


def real_texts(file: Path) -> Texts:
    """Texts from a file with one JSON object a line: `title` and `content`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else, or nothing.
    """
    items = []
    with file.open(encoding="utf-8") as lines:
        for place, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                items.append((str(record["title"])[:400], str(record["content"])))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{file}, line {place}: not an object with title and content ({error})") from error
    if not items:
        raise ValueError(f"{file} is empty")
    return Texts(f"{len(items):,} real texts of {file.name}, taken again with a made-up word beyond that number", items)


def made_up_texts(count: int = 5000) -> Texts:
    """Texts of made-up words, which occur as unevenly as words do (Zipf's law); the same ones at every run."""
    draw = random.Random(12)  # noqa: S311  # text to measure with, no secret
    words = [_made_up_word(number) for number in range(8000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]

    def text(length: int) -> str:
        return " ".join(draw.choices(words, weights, k=length))

    return Texts("made-up text (give real text with --data)", [(text(8), text(90)) for _ in range(count)])


def _made_up_word(number: int) -> str:
    return "".join(_syllables(number + 2000))


def _syllables(number: int) -> Iterator[str]:
    while number:
        number, rest = divmod(number, 75)
        yield "bdfgklmnprstvwz"[rest % 15] + "aeiou"[rest // 15]
