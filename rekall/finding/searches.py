"""One search, by words and meaning where that is switched on, else by words alone."""

from __future__ import annotations

from typing import NamedTuple

from rekall import config
from rekall.finding.answer import Mode, Question
from rekall.models import SearchResult
from rekall.store import OpenBase
from rekall.store.query import parse_query
from rekall.store.search import Found


class Tried(NamedTuple):
    """What one search found.

    Args:
        hits: best first.
        mode: see `Answer`.
        problem: see `Answer`.
        words: what words alone found, and how.
    """

    hits: list[SearchResult]
    mode: Mode
    problem: str | None
    words: Found


def search(db: OpenBase, question: Question, query: str | None = None, meant: str | None = None) -> Tried:
    """Search once.

    Args:
        query: in place of what was typed.
        meant: the text whose meaning is searched for, in place of that.

    Raises:
        EmbeddingModelUnavailableError: by meaning alone was asked for, and cannot be.
    """
    query = question.query if query is None else query
    by_meaning = question.meaning_only or config.get_config().smart_embeddings_enabled
    if not by_meaning or (question.exact and not question.meaning_only):
        words = _by_words(db, question, query)
        return Tried(words.hits, "fts", None, words)
    from rekall.embeddings import searching

    if question.meaning_only:
        found = searching.search_by_meaning(db, query, question.filters, question.limit, question.context)
        return Tried(found.hits, found.mode, found.note, Found(terms=parse_query(query).terms))
    found = searching.search(
        db, query, question.filters, question.limit, question.context, meant=meant, here=question.here
    )
    words = found.words or Found()
    if found.mode == "fts" and question.context and question.context.strip():
        searching.name_keywords(db, query, found.hits)
    if found.mode == "hybrid" and words.superseded:  # of many more candidates than there are hits
        words.superseded = _by_words(db, question, query, update_access=False).superseded
    return Tried(found.hits, found.mode, found.note, words)


def _by_words(db: OpenBase, question: Question, query: str, *, update_access: bool = True) -> Found:
    return db.store.search.find(
        query,
        *question.filters,
        limit=question.limit,
        exact=question.exact,
        superseded=True,
        here=question.here,
        update_access=update_access,
    )
