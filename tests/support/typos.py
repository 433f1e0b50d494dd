"""Titles with a typing error: one edit in one word."""

from __future__ import annotations

import json
import re
import string
import zlib
from pathlib import Path
from random import Random
from typing import NamedTuple

from rekall.db import Database
from rekall.models import Entry, generate_ulid
from support.chance import seeded
from support.pasted import Pasted

_KNOWLEDGE = Path(__file__).parents[2] / "docs" / "knowledge.json"
_WORD = re.compile(r"[^\W\d_]+")
_LONG = 4


class Typo(NamedTuple):
    """A title, one of its words, how it was typed instead, and another word of the title."""

    title: str
    word: str
    typed: str
    other: str

    @property
    def typed_title(self) -> str:
        """The whole title with the error in it."""
        return re.sub(rf"(?<![^\W\d_]){self.word}(?![^\W\d_])", self.typed, self.title, count=1)


def titles() -> list[tuple[str, str]]:
    """Titles and contents of all entries of the set of pasted queries and of `docs/knowledge.json`."""
    entries = [*Pasted().entries, *json.loads(_KNOWLEDGE.read_text("utf-8"))]
    return [(entry["title"], entry["content"]) for entry in entries]


def typos() -> list[Typo]:
    """An error for each title that has a word of four letters; the same ones on every run."""
    return [typo for title, _ in titles() for typo in _typo(title)]


def fill(db: Database) -> dict[str, str]:
    """Store the entries of the titles, the set of pasted queries with its contexts.

    Returns:
        Their titles by their ids.
    """
    pasted = Pasted()
    by_key = {entry["key"]: entry["title"] for entry in pasted.entries}
    stored = {entry_id: by_key[key] for entry_id, key in pasted.fill(db).items()}
    for title, content in titles()[len(pasted.entries) :]:
        entry = Entry(generate_ulid(), title, "decision", content)
        db.add(entry)
        stored[entry.id] = title
    return stored


def _typo(title: str) -> list[Typo]:
    chance = seeded(zlib.crc32(title.encode()))  # a title that is added changes no other one's error
    words = _WORD.findall(title)
    long = [word for word in words if len(word) >= _LONG]
    if not long:
        return []
    word = chance.choice(long)
    others = [other for other in words if other != word and len(other) > 1]
    return [Typo(title, word, _misspelt(word, chance), chance.choice(others) if others else "")]


def _misspelt(word: str, chance: Random) -> str:
    """The word with a letter inserted, deleted, replaced, or exchanged with the next one."""
    letter = chance.choice(string.ascii_lowercase)
    at = chance.randrange(len(word) - 1)
    edited = chance.choice(
        (
            word[:at] + letter + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
    )
    return _misspelt(word, chance) if edited.lower() == word.lower() else edited
