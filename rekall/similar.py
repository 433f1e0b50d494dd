"""Entries that are about the same things as another one, or as a text: by their vectors where there are some and the
user wants them, else by words in common, without a model. The two scores never stand in one list.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rekall import config
from rekall.context_extractor import extract_keywords
from rekall.errors import EmbeddingModelUnavailableError, EntryNotFoundError
from rekall.models import Entry, StructuredContext
from rekall.store import OpenBase
from rekall.store.query import quote

_CANDIDATES = 50
"""Entries that are compared at least."""
_COMPARED_TEXT = 20_000
"""Characters of a content that are compared."""
_ENDINGS = (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", ""))
_SHORTEST_STEM = 3


@dataclass(frozen=True)
class Similar:
    """An entry, how similar it is (0 to 1), and the words that make it so."""

    entry: Entry
    score: float
    shared: tuple[str, ...]


class Comparison(NamedTuple):
    """What is similar, best first.

    Args:
        found: by vectors, the words in common are not looked at.
        by: what was compared.
        note: on one line, why vectors were not compared though the user wants it, or which were not; else None.
    """

    found: list[Similar]
    by: Literal["vectors", "words"]
    note: str | None = None


def compare_entry(db: OpenBase, entry_id: str, limit: int = 5) -> Comparison:
    """The active entries most similar to one, by vectors if the base has them and `smart_embeddings.enabled` is set.

    Args:
        entry_id: a full id.
        limit: entries at most; a negative number is no limit.

    Raises:
        EntryNotFoundError: there is no such entry.
    """
    if not config.get_config().smart_embeddings_enabled:
        return Comparison(similar_entries(db, entry_id, limit), "words")
    from rekall.embeddings.readiness import readiness

    service, problem, gap = readiness(db, needs_model=False)
    if service is not None and db.store.vectors.of_entry(entry_id, service.space) is None:
        service, problem = None, _without_vector(db, entry_id)
    if service is None:
        return Comparison(similar_entries(db, entry_id, limit), "words", f"compared by words: {problem}")
    found = service.find_similar(entry_id, db, limit=limit, include_obsolete=False)
    return Comparison([Similar(entry, score, ()) for entry, score in found], "vectors", gap)


def _without_vector(db: OpenBase, entry_id: str) -> str:
    entry = db.store.entries.get(entry_id, update_access=False)
    if entry is not None and entry.status != "active":
        return f"{entry_id} is obsolete and has no vector"
    return f"{entry_id} has no vector: run 'rekall embeddings --migrate'"


def compare_text(db: OpenBase, text: str, limit: int = 10) -> Comparison:
    """The same for a text, which needs the model."""
    if not config.get_config().smart_embeddings_enabled:
        return Comparison(similar_to_text(db, text, limit), "words")
    from rekall.embeddings.searching import search_by_meaning

    try:
        found = search_by_meaning(db, text, (None, None, None), limit)
    except EmbeddingModelUnavailableError as error:
        return Comparison(similar_to_text(db, text, limit), "words", f"compared by words: {error}")
    return Comparison([Similar(hit.entry, hit.similarity or 0.0, ()) for hit in found.hits], "vectors", found.note)


def similar_entries(db: OpenBase, entry_id: str, limit: int = 5) -> list[Similar]:
    """The active entries most similar to one, best first, without counting accesses.

    The key words of an entry are the most telling ones of its text, its tags and the keywords of its context. The score
    is the mean of two shares: of its key words, those that the other entry holds; and the other way round.

    Args:
        entry_id: a full id.
        limit: entries at most.

    Raises:
        EntryNotFoundError: there is no such entry.
    """
    entry = db.store.entries.get(entry_id, update_access=False)
    if entry is None:
        raise EntryNotFoundError(entry_id)
    wanted = _of_entry(entry, db.store.contexts.get_structured_context(entry_id))
    candidates = {one.id: one for one in _candidates(db, wanted.key_words, limit) if one.id != entry_id}
    found = []
    for other, words in _described(db, candidates):
        shared = words.held(wanted.key_words)
        if shared:
            mutual = _share(shared, wanted.key_words) + _share(wanted.held(words.key_words), words.key_words)
            found.append(Similar(other, mutual / 2, shared))
    return _best(found, limit)


def similar_to_text(db: OpenBase, text: str, limit: int = 10) -> list[Similar]:
    """The active entries that hold most of a text's words, best first, without counting accesses.

    The score is the share of the words that the entry holds.

    Args:
        text: read as words, whatever it is; function words count only when there are no others.
        limit: entries at most.
    """
    wanted = tuple(extract_keywords("", text, min_length=1, max_keywords=_CANDIDATES)) or tuple(text.lower().split())
    candidates = {one.id: one for one in _candidates(db, wanted, limit)}
    found = [
        Similar(entry, _share(shared, wanted), shared)
        for entry, words in _described(db, candidates)
        if (shared := words.held(wanted))
    ]
    return _best(found, limit)


@dataclass(frozen=True)
class _Words:
    """What an entry is about, and the stems of all that it says."""

    key_words: tuple[str, ...]
    stems: frozenset[str]

    def held(self, words: Iterable[str]) -> tuple[str, ...]:
        """Those of some words that are there; one of several parts when all its parts are."""
        return tuple(word for word in words if (stems := _stems(word)) and stems <= self.stems)


def _of_entry(entry: Entry, context: StructuredContext | None) -> _Words:
    content = entry.content[:_COMPARED_TEXT]
    keywords = context.trigger_keywords if context else []
    names = [word.lower() for word in (*keywords, *entry.tags)]
    says = [entry.title, content, *names]
    if context:
        says += [context.situation, context.solution, context.what_failed or ""]
    key_words = tuple(dict.fromkeys([*names, *extract_keywords(entry.title, content)]))
    return _Words(key_words, frozenset().union(*map(_stems, says)))


def _candidates(db: OpenBase, key_words: Sequence[str], limit: int) -> list[Entry]:
    """Active entries with any of the words, the most telling hits first, then those with one as a keyword."""
    if limit == 0:
        return []
    query = " OR ".join(map(quote, key_words))
    wanted = -1 if limit < 0 else max(_CANDIDATES, limit + 1)
    hits = db.store.search.search(query, limit=wanted, update_access=False)
    by_keyword = db.store.contexts.search_by_keywords(list(key_words), wanted)
    return [hit.entry for hit in hits] + [entry for entry in by_keyword if entry.status == "active"]


def _described(db: OpenBase, candidates: dict[str, Entry]) -> list[tuple[Entry, _Words]]:
    contexts = db.store.contexts.get_structured_contexts(list(candidates))
    return [(entry, _of_entry(entry, contexts.get(entry.id))) for entry in candidates.values()]


def _share(part: Sequence[str], whole: Sequence[str]) -> float:
    return len(part) / len(whole) if whole else 0.0


def _best(found: list[Similar], limit: int) -> list[Similar]:
    ranked = sorted(found, key=lambda one: -one.score)
    return ranked if limit < 0 else ranked[:limit]


def _stems(text: str) -> frozenset[str]:
    """The words of a text without case, accents and common English endings, so that `retries` is found by `retry`."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each if each.isalnum() else " " for each in folded if not unicodedata.combining(each))
    return frozenset(map(_stem, plain.split()))


def _stem(word: str) -> str:
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)] + instead
    return word
