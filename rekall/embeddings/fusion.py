"""Two rankings made one: that of a search by words and that of a search by meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rekall.models import Entry, SearchResult
from rekall.store.query import ParsedQuery, is_code

CANDIDATES = 100
"""Entries of each ranking that are looked at, at least."""
WEIGHT_OF_MEANING, WEIGHT_OF_WORDS = 3.0, 1.0
SMOOTHING = 10
"""The constant k below. Cormack et al. use 60, which makes little difference between the first place and the tenth: an
entry far down both lists passes the first of one. On questions that people had marked as duplicates, nDCG@10 is .583
with 10 and .563 with 60."""
_LEADING = 3
"""Entries found by words first, of a long query, that come first when they hold all of its words."""
_AHEAD, _AHEAD_WITH_CODE = 1.5, 1.2
"""Times the bm25 of the second by words that the first needs, to come first; the latter when the query holds a code or
a word with punctuation. On questions it costs .003 nDCG@10. Of pasted error messages, paths and symbols the right entry
is then first in 95 %, and in 87 % without this; in 97 % by words alone and in 75 % by meaning alone."""
_SUBSTANTIAL = 0.05
"""The score by words that it needs: one common word in common says nothing."""


def reciprocal_ranks(rankings: Sequence[tuple[float, Sequence[str]]], smoothing: float = SMOOTHING) -> dict[str, float]:
    """Fuse rankings: the sum of weight / (k + rank), as a share of the most that it can be: 1 is first in all of them.

    Reciprocal rank fusion of Cormack, Clarke & Buettcher, "Reciprocal Rank Fusion Outperforms Condorcet and Individual
    Rank Learning Methods" (2009), with weights.

    Args:
        rankings: each with its weight, ids without repetition, best first.
        smoothing: k, above -1.

    Returns:
        The score of each id, above 0 to 1, best first; equally good ones in the order of the rankings.
    """
    most = sum(weight for weight, _ in rankings) / (smoothing + 1)
    scores: dict[str, float] = {}
    for weight, ranking in rankings:
        for rank, entry_id in enumerate(ranking, start=1):
            scores[entry_id] = scores.get(entry_id, 0.0) + weight / (smoothing + rank) / most
    best_first = sorted(scores.items(), key=lambda one: -one[1])
    return {entry_id: min(score, 1.0) for entry_id, score in best_first}  # a sum may be off by the last digit


def ranked_together(
    parsed: ParsedQuery, by_words: Sequence[SearchResult], by_meaning: Sequence[str]
) -> list[tuple[str, float]]:
    """Ids of all entries that either search found with a score from 0 to 1, best first.

    Entries that hold what was asked for word by word are not buried by those that mean it. They come before all others,
    with scores above 0.5, the others below:

    - of a query of one to four words: all that hold every word; likewise all that satisfy operators or fields;
    - of more words: those of the first three by words that hold every word;
    - the first by words when it is far ahead of the second: a pasted error message.

    Words alone give their order when the query has operators, or holds a code or a word with punctuation.

    Args:
        parsed: the query.
        by_words: best first.
        by_meaning: ids, best first.
    """
    words = [hit.entry.id for hit in by_words]
    scores = reciprocal_ranks([(WEIGHT_OF_MEANING, by_meaning), (WEIGHT_OF_WORDS, words)])
    near = by_words if parsed.is_short else by_words[:_LEADING]
    first = [hit.entry.id for hit in near if hit.matched != "some"]
    by_words_alone = not parsed.is_plain or _has_code(parsed)
    if not by_words_alone:
        first = [entry_id for entry_id in scores if entry_id in set(first)]
    if _is_ahead(parsed, by_words) and not (parsed.is_short and words[0] in first):
        first = [words[0], *(entry_id for entry_id in first if entry_id != words[0])]
    if not first:
        return list(scores.items())
    leading = reciprocal_ranks([(1.0, first)])
    others = [(entry_id, score / 2) for entry_id, score in scores.items() if entry_id not in leading]
    return [(entry_id, (1 + score) / 2) for entry_id, score in leading.items()] + others


def _has_code(parsed: ParsedQuery) -> bool:
    return bool(parsed.compounds) or any(map(is_code, parsed.words))


def _is_ahead(parsed: ParsedQuery, by_words: Sequence[SearchResult]) -> bool:
    """Whether the first by words is far better than the second, as one is that a pasted text was stored with."""
    if not by_words or (by_words[0].score or 0.0) < _SUBSTANTIAL:
        return False
    second = by_words[1].rank if len(by_words) > 1 else 0.0
    return by_words[0].rank <= (_AHEAD_WITH_CODE if _has_code(parsed) else _AHEAD) * second


def results(
    ranked: Sequence[tuple[str, float]],
    by_words: Sequence[SearchResult],
    by_meaning: Mapping[str, float],
    entries: Mapping[str, Entry],
) -> list[SearchResult]:
    """The hits of a fused ranking: what each search says of them.

    Args:
        ranked: ids with their scores, best first.
        by_words: best first.
        by_meaning: ids with their similarities, best first.
        entries: those that were not found by words; one that is missing, removed meanwhile, is left out.
    """
    words = {hit.entry.id: (rank, hit) for rank, hit in enumerate(by_words, start=1)}
    places = {entry_id: rank for rank, entry_id in enumerate(by_meaning, start=1)}
    hits = []
    for entry_id, score in ranked:
        lexical_rank, hit = words.get(entry_id, (None, None))
        entry = entries.get(entry_id) if hit is None else hit.entry
        if entry is None:
            continue
        hits.append(
            SearchResult(
                entry,
                0.0 if hit is None else hit.rank,
                matched="meaning" if hit is None else hit.matched,
                score=score,
                similarity=by_meaning.get(entry_id),
                vector_rank=places.get(entry_id),
                lexical_rank=lexical_rank,
            )
        )
    return hits
