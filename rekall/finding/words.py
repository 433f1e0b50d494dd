"""Finding by words: as they were typed, and when no entry holds all of it, other readings, each of which is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rekall.finding.answer import Answer, Question
from rekall.models import Entry, SearchResult
from rekall.store import OpenBase
from rekall.store.explaining import shown
from rekall.store.query import SHORT, ParsedQuery, parse_query, quote, verbatim
from rekall.store.search import Found
from rekall.store.spelling import OFFERED

_LOOSENED = "nothing matches this as it was typed: entries with some of its words are shown"


def by_words(db: OpenBase, question: Question, query: str | None = None) -> Found:
    """The search by words alone.

    Args:
        query: in place of what was typed.
    """
    return db.store.search.find(
        question.query if query is None else query,
        *question.filters,
        limit=question.limit,
        exact=question.exact,
        superseded=True,
        here=question.here,
    )


def rescued(db: OpenBase, question: Question, found: Found, answer: Answer) -> tuple[tuple[str, ...], list[Entry]]:
    """Try the words of an expression that nothing satisfies, and words that were probably meant.

    Args:
        found: what the query finds as it was typed: nothing, or entries that hold some of its words.
        answer: gets the hits, and notes that say how they were found.

    Returns:
        The terms that were looked for in the end, and the obsolete entries that match them.
    """
    parsed, terms, obsolete = parse_query(question.query), found.terms, found.superseded
    plain = " ".join(word.replace('"', " ") for word in parsed.words)
    if not found.hits and plain != question.query and "NOT" not in question.query.split():
        parsed, loose = parse_query(plain), by_words(db, question, plain)
        if loose.hits:
            answer.hits = loose.hits
            answer.notes.append(_LOOSENED)
            return loose.terms, loose.superseded
    if parsed.is_plain and 0 < len(parsed.words) <= SHORT:
        corrected = _corrected(db, question, parsed, answer)
        if corrected is not None:
            if not parse_query(question.query).is_plain:
                answer.notes.insert(0, _LOOSENED)
            return corrected.terms, corrected.superseded
    return terms, obsolete


def _corrected(db: OpenBase, question: Question, parsed: ParsedQuery, answer: Answer) -> Found | None:
    """What is found when words that no entry holds are taken for similar ones; None when that finds nothing better."""
    words = [shown(term) for term in parsed.terms]
    meant = {word: known[: 4 * OFFERED] for word, known in db.store.spelling.corrections(words).items()}
    if not meant:
        return None
    found = by_words(db, question, " AND ".join(_alternatives(word, meant) for word in words))
    if not found.hits and not answer.hits:
        found = by_words(db, question, " OR ".join(_alternatives(word, meant) for word in words))
    if not found.hits:
        return None
    answer.hits = found.hits
    answer.corrections = {word: _in_hits(known, found.hits) for word, known in meant.items()}
    for word, known in answer.corrections.items():
        answer.notes.append(f"no match for '{word}', showing {_listed(known)}")
    return found


def _alternatives(word: str, meant: Mapping[str, Sequence[str]]) -> str:
    return f"({' OR '.join(map(quote, meant.get(word, [word])))})"


def _in_hits(words: Sequence[str], hits: Sequence[SearchResult]) -> list[str]:
    """Of several words those that the hits hold as they are; words that only stem like one of the base are none."""
    texts = [" ".join((hit.entry.title, hit.entry.content, *hit.entry.tags)) for hit in hits]
    held = [word for word in words if any(verbatim(word, text) for text in texts)]
    return (held or list(words))[:OFFERED]


def _listed(words: Sequence[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
