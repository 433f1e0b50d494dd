"""One question, from the search to the answer."""

from __future__ import annotations

from rekall.finding.answer import Answer, Explanation, Mode, Question
from rekall.finding.related import Related, related_to
from rekall.finding.searches import Tried, search
from rekall.store import OpenBase


def find(db: OpenBase, question: Question) -> Answer:
    """Find entries, and what belongs to them. An access of each hit that satisfies the whole query is counted.

    Where searches by meaning are switched on, it is by words and meaning, else by words alone; never an error for what
    was typed.

    Raises:
        EmbeddingModelUnavailableError: by meaning alone was asked for, and cannot be; the text says what to do.
    """
    tried = search(db, question)
    hits = tried.hits
    notes: list[str] = []
    corrections: dict[str, list[str]] = {}
    if _is_lost(question, tried):
        from rekall.finding.rescuing import rescued

        tried, hits, notes, corrections = rescued(db, question, tried)
    narrowed: tuple[str, ...] = ()
    if tried.words.narrowed:
        from rekall.store.explaining import shown

        narrowed = tuple(map(shown, tried.words.narrowed))
        notes.append(_narrowed(narrowed, tried.mode))
    if tried.problem is not None:
        notes.insert(0, tried.problem)
    related = Related([], [], [])
    if hits or tried.words.superseded:
        may_link = tried.words.linked or hits is not tried.words.hits  # by words alone it is known of the hits
        related = related_to(db, [hit.entry for hit in hits], tried.words.superseded, may_link=may_link)
    why: dict[str, Explanation] = {}
    nothing = None
    if not hits:
        from rekall.finding.why import why_nothing

        nothing = why_nothing(db, question, tried.mode)
    elif question.explain:
        from rekall.finding.explaining import explanations

        why = explanations(db, hits, tried, related.links)
    return Answer(hits, tried.mode, notes, tried.problem, corrections, narrowed, *related, why, nothing)


def _is_lost(question: Question, tried: Tried) -> bool:
    """Whether the query needs another reading: no entry satisfies it; by meaning, no word of it is known either."""
    if question.exact or question.meaning_only:
        return False
    return not tried.words.hits or (tried.mode == "fts" and all(hit.matched == "some" for hit in tried.words.hits))


def _narrowed(words: tuple[str, ...], mode: Mode) -> str:
    quoted = " or ".join(f"'{word}'" for word in words[:5]) + (" ..." if len(words) > 5 else "")
    how = "ranked" if mode == "fts" else "ranked by words"
    return f"a broad query: only entries with {quoted} were {how}; add a rarer word, or quote a phrase"
