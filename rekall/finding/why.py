"""Why a search found nothing."""

from __future__ import annotations

from rekall.finding.answer import Mode, Nothing, Question
from rekall.store import OpenBase


def why_nothing(db: OpenBase, question: Question, mode: Mode) -> Nothing:
    """Nothing is stored, all was filtered out, only obsolete entries match, or nothing matches; counts no access."""
    if question.limit == 0:
        return Nothing.NO_LIMIT
    if db.store.entries.count(include_obsolete=True) == 0:
        return Nothing.NOTHING_STORED
    search = db.store.search
    if any(question.filters):
        if search.find(question.query, limit=1, exact=question.exact, update_access=False).hits:
            return Nothing.FILTERED_OUT
        if mode != "fts":
            from rekall.embeddings.searching import excludes, search_by_meaning

            by_meaning = mode == "semantic" or not excludes(question.query)
            if by_meaning and search_by_meaning(db, question.query, (None, None, None), 1, question.context).hits:
                return Nothing.FILTERED_OUT
    obsolete = search.find(question.query, include_obsolete=True, limit=1, exact=question.exact, update_access=False)
    if obsolete.hits:
        return Nothing.OBSOLETE_ONLY
    return Nothing.NO_MATCH
