"""A question, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Literal, NamedTuple

from rekall.models import Entry, Link, SearchResult

Mode = Literal["fts", "hybrid", "semantic"]


class Question(NamedTuple):
    """What is asked.

    Args:
        query: whatever was typed.
        entry_type: only this type, exactly; an empty text is no filter. Likewise project and memory_type.
        limit: hits at most; a negative number is no limit.
        exact: only entries whose title, content and tags satisfy the whole query: the hits of Rekall 0.3.
        context: what it is about, for a search by meaning.
        meaning_only: by meaning alone; an error where there is no search by meaning.
        explain: say for each hit why it stands where it does.
        here: the project at hand: its entries come a little earlier where some of the words are enough.
    """

    query: str
    entry_type: str | None = None
    project: str | None = None
    memory_type: str | None = None
    limit: int = 20
    exact: bool = False
    context: str | None = None
    meaning_only: bool = False
    explain: bool = False
    here: str | None = None

    @property
    def filters(self) -> tuple[str | None, str | None, str | None]:
        """What the search is narrowed to: type, project, memory type."""
        return self.entry_type, self.project, self.memory_type


class Nothing(Enum):
    """Why nothing was found."""

    NOTHING_STORED = "nothing_stored"
    NO_MATCH = "no_match"
    FILTERED_OUT = "filtered_out"
    OBSOLETE_ONLY = "obsolete_only"
    NO_LIMIT = "limit_is_0"


class Linked(NamedTuple):
    """An entry that a hit is linked to, and the link."""

    entry: Entry
    link: Link


class Superseded(NamedTuple):
    """An entry that the query finds, and the active one that it leads to by its successors."""

    entry: Entry
    by: Entry


class Explanation(NamedTuple):
    """Why a hit stands where it does.

    Args:
        words: those of the query that it holds, by field: title, content, tags, and of its context situation, solution,
            what_failed, keywords, errors, and context_text, which is one without fields.
        bm25: of the hit, above 0, higher is better; None when words did not find it.
        lexical_rank: its place among the hits by words, from 1 on; None when words did not find it.
        vector_rank: its place among the hits by meaning; None when meaning did not find it.
        similarity: cosine of the angle to the query, -1 to 1; None when meaning did not find it.
        links: links that begin or end at it. They do not move it, nor does what follows.
        consolidation: how well it is remembered, 0 to 1.
        accesses: how often it was looked at before.
    """

    words: Mapping[str, Sequence[str]]
    bm25: float | None
    lexical_rank: int | None
    vector_rank: int | None
    similarity: float | None
    links: int
    consolidation: float
    accesses: int


class Answer(NamedTuple):
    """What was found.

    Args:
        hits: best first.
        mode: `fts`: by words alone; `semantic`: by meaning alone; `hybrid`: by both.
        notes: what was done to find it, or could not be done, each on one line.
        problem: of the notes the one that says why it was not searched by meaning although that is switched on, or
            what such a search missed, and what to do; None when there is no such thing.
        corrections: by word that no entry holds, the words that were looked for instead.
        narrowed: for a broad query in a large base, the rare words, one of which each hit has; else empty.
        links: of all hits, in the order of their making.
        linked: entries that hits are linked to and that are no hits.
        superseded: obsolete entries that match, with what superseded them.
        explanations: by id of a hit, when they were asked for.
        nothing: why there is no hit, None when there is one.
    """

    hits: list[SearchResult]
    mode: Mode
    notes: list[str]
    problem: str | None
    corrections: dict[str, list[str]]
    narrowed: tuple[str, ...]
    links: list[Link]
    linked: list[Linked]
    superseded: list[Superseded]
    explanations: dict[str, Explanation]
    nothing: Nothing | None
