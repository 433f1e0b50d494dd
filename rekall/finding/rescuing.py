"""Other readings of a query that no entry satisfies, each of which is told."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rekall.finding.answer import Question
from rekall.finding.searches import Tried, search
from rekall.models import SearchResult
from rekall.store import OpenBase
from rekall.store.explaining import shown
from rekall.store.query import SHORT, ParsedQuery, parse_query, quote, verbatim
from rekall.store.spelling import OFFERED

_LOOSENED = "nothing matches this as it was typed: entries with some of its words are shown"
_MOST_WORDS = 2 * SHORT
"""Words of a query that finds nothing at all, of which some are taken for others, at most."""

_LOOKED_AT = 100
"""Entries whose words say which ones were meant."""
_ROUNDING = 1e-5
"""Of similarities: those of one search may be computed by sqlite-vec, those of the next by numpy."""


class Rescued(NamedTuple):
    """What another reading of a query found.

    Args:
        tried: the search that found it, or the first one where no reading finds more.
        hits: best first.
        notes: see `Answer`; likewise corrections.
    """

    tried: Tried
    hits: list[SearchResult]
    notes: list[str]
    corrections: dict[str, list[str]]


def rescued(db: OpenBase, question: Question, tried: Tried) -> Rescued:
    """Try the words of an expression that nothing satisfies, and words that were probably meant.

    Args:
        tried: what the query finds as it was typed: by words nothing, or entries that hold some of them.
    """
    found, parsed, notes = tried.words.hits, parse_query(question.query), list[str]()
    plain = " ".join(word.replace('"', " ") for word in parsed.words)
    if not found and plain != question.query and "NOT" not in question.query.split():
        notes = [] if parsed.is_plain else [_LOOSENED]
        parsed, loose = parse_query(plain), search(db, question, plain)
        if loose.words.hits:
            return Rescued(loose, loose.hits, [_LOOSENED], {})
    if parsed.is_plain and 0 < len(parsed.words) <= (SHORT if found else _MOST_WORDS):
        corrected = _corrected(db, question, parsed, tried)
        if corrected is not None:
            return corrected._replace(notes=notes + corrected.notes)
    return Rescued(tried, tried.hits, [], {})


def _corrected(db: OpenBase, question: Question, parsed: ParsedQuery, tried: Tried) -> Rescued | None:
    """What is found when words that no entry holds are taken for similar ones; None when that finds nothing better."""
    words = {term: shown(term) for term in parsed.terms}
    known = db.store.spelling.corrections(words.values())
    meant = {word: known[word.lower()][: 4 * OFFERED] for word in words.values() if word.lower() in known}
    if not meant:
        return None
    meant = _held(db, question, words, meant, (" AND ",) if tried.words.hits else (" AND ", " OR "))
    text = " ".join(meant[word][0] if word in meant else word for word in words.values())
    if tried.mode == "hybrid" and not _is_nearer(db, question, text, tried):
        return None
    wanted = _wanted(words, meant)
    found = search(db, question, " AND ".join(wanted), text)
    if not found.words.hits and not tried.words.hits:
        found = search(db, question, " OR ".join(wanted), text)
    if not found.words.hits:
        return None
    corrections = {word: several[:OFFERED] for word, several in meant.items()}
    notes = [f"no match for '{word}', showing {_listed(several)}" for word, several in corrections.items()]
    hits = found.hits if found.mode == "hybrid" else _followed(found.hits, tried.hits, question.limit)
    return Rescued(found, hits, notes, corrections)


def _held(
    db: OpenBase,
    question: Question,
    words: Mapping[str, str],
    meant: Mapping[str, list[str]],
    operators: Sequence[str],
) -> dict[str, list[str]]:
    """Of the words that may have been meant those that entries hold as they are, where there are some.

    The index takes words that stem alike for the same: what holds `core` is no match for `cores`, which nobody wrote.

    Args:
        operators: that join the words; the next one where nothing satisfies them all.
    """
    hits: list[SearchResult] = []
    for operator in operators:
        if not hits:
            query = operator.join(_wanted(words, meant))
            hits = db.store.search.find(query, *question.filters, limit=_LOOKED_AT, update_access=False).hits
    return {word: _in_hits(several, hits) for word, several in meant.items()}


def _wanted(words: Mapping[str, str], meant: Mapping[str, Sequence[str]]) -> list[str]:
    return [_alternatives(meant[word]) if word in meant else term for term, word in words.items()]


def _is_nearer(db: OpenBase, question: Question, text: str, tried: Tried) -> bool:
    """Whether an entry means another text more than any means what was typed: a word may be none of the base's own."""
    from rekall.embeddings.searching import search_by_meaning

    nearest = search_by_meaning(db, text, question.filters, 1, question.context).hits
    best = max((hit.similarity or 0.0 for hit in tried.hits), default=0.0)
    return any((hit.similarity or 0.0) > best + _ROUNDING for hit in nearest)


def _alternatives(words: Sequence[str]) -> str:
    return f"({' OR '.join(map(quote, words))})"


def _followed(hits: list[SearchResult], others: Sequence[SearchResult], limit: int) -> list[SearchResult]:
    """Hits, and with them those that the query finds as it was typed, with some of its words; the best first."""
    known = {hit.entry.id for hit in hits}
    both = hits + [hit for hit in others if hit.entry.id not in known]
    both.sort(key=lambda hit: -(hit.score or 0.0))
    return both if limit < 0 else both[:limit]


def _in_hits(words: Sequence[str], hits: Sequence[SearchResult]) -> list[str]:
    """Of several words those that the hits hold as they are; words that only stem like one of the base are none."""
    texts = [_unaccented(" ".join((hit.entry.title, hit.entry.content, *hit.entry.tags))) for hit in hits]
    held = [word for word in words if any(verbatim(_unaccented(word), text) for text in texts)]
    return held or list(words)


def _unaccented(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def _listed(words: Sequence[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
