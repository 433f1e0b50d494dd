"""One question, from the search to the answer."""

from __future__ import annotations

from rekall.finding.answer import Answer, Question
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
    answer = Answer(tried.hits, tried.mode, problem=tried.problem)
    if _is_lost(question, tried):
        from rekall.finding.rescuing import rescued

        tried = rescued(db, question, tried, answer)
    if tried.words.narrowed:
        from rekall.store.explaining import shown

        answer.narrowed = tuple(map(shown, tried.words.narrowed))
        answer.notes.append(_narrowed(answer.narrowed))
    if answer.problem is not None:
        answer.notes.insert(0, answer.problem)
    if answer.hits or tried.words.superseded:
        from rekall.finding.related import add_related

        add_related(db, answer, tried.words.superseded)
    if not answer.hits:
        from rekall.finding.why import why_nothing

        answer.nothing = why_nothing(db, question, answer.mode)
    elif question.explain:
        from rekall.finding.explaining import explanations

        answer.explanations = explanations(db, answer, tried.words.terms)
    return answer


def _is_lost(question: Question, tried: Tried) -> bool:
    """Whether the query needs another reading: no entry satisfies it; by meaning, no word of it is known either."""
    if question.exact or question.meaning_only:
        return False
    return not tried.words.hits or (tried.mode == "fts" and all(hit.matched == "some" for hit in tried.words.hits))


def _narrowed(words: tuple[str, ...]) -> str:
    shown_words = " or ".join(f"'{word}'" for word in words[:5]) + (" ..." if len(words) > 5 else "")
    return f"a broad query: only entries with {shown_words} were ranked; add a rarer word, or quote a phrase"
