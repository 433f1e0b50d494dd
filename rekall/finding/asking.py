"""One question, from the search to the answer."""

from __future__ import annotations

from rekall import config
from rekall.finding.answer import Answer, Question
from rekall.finding.explaining import explanations
from rekall.finding.related import add_related
from rekall.finding.why import why_nothing
from rekall.finding.words import by_words, rescued
from rekall.store import OpenBase
from rekall.store.explaining import shown


def find(db: OpenBase, question: Question) -> Answer:
    """Find entries, and what belongs to them. An access of each hit that satisfies the whole query is counted.

    Where searches by meaning are switched on, it is by words and meaning, else by words alone; never an error for what
    was typed.

    Raises:
        EmbeddingModelUnavailableError: by meaning alone was asked for, and cannot be; the text says what to do.
    """
    terms: tuple[str, ...]
    if question.meaning_only or (config.get_config().smart_embeddings_enabled and not question.exact):
        answer, terms = _by_meaning(db, question)
    else:
        found = by_words(db, question)
        answer, terms = Answer(found.hits), found.terms
        if found.narrowed:
            answer.narrowed = tuple(map(shown, found.narrowed))
            answer.notes.append(_narrowed(answer.narrowed))
        obsolete = found.superseded
        if not question.exact and not any(hit.matched != "some" for hit in found.hits):
            terms, obsolete = rescued(db, question, found, answer)
        add_related(db, answer, obsolete)
    if not answer.hits:
        answer.nothing = why_nothing(db, question)
    elif question.explain:
        answer.explanations = explanations(db, answer, terms)
    return answer


def _by_meaning(db: OpenBase, question: Question) -> tuple[Answer, tuple[str, ...]]:
    from rekall.embeddings import searching
    from rekall.store.query import parse_query

    search = searching.search_by_meaning if question.meaning_only else searching.search
    hits, mode, note = search(db, question.query, question.filters, question.limit, question.context)
    answer = Answer(hits, mode, [] if note is None else [note])
    add_related(db, answer, [])
    return answer, parse_query(question.query).terms


def _narrowed(words: tuple[str, ...]) -> str:
    shown_words = " or ".join(f"'{word}'" for word in words[:5]) + (" ..." if len(words) > 5 else "")
    return f"a broad query: only entries with {shown_words} were ranked; add a rarer word, or quote a phrase"
