"""Groups of entries that share so many keywords that one pattern could say what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from rekall.models import Entry
from rekall.store import OpenBase

MIN_SHARED_KEYWORDS = 2
"""Keywords that all entries of a group have to share."""

_TITLE_WORDS = 3
_KEYWORDS = 5
_LISTED_KEYWORDS = 10
_LISTED_ENTRIES = 5
_CHUNK = 1000
"""Contexts read, or entries fetched, by one query."""


@dataclass
class ClusterAnalysis:
    """What a group of entries has in common.

    Args:
        common_keywords: keywords in at least half of the contexts, and in two, most frequent first.
        keyword_frequency: for each keyword how many contexts have it, in order of appearance.
        suggested_title: for the pattern.
        suggested_keywords: for its context.
        consolidation_score: 0 to 1; see `analyze_cluster`.
    """

    entries: list[Entry]
    common_keywords: list[str]
    keyword_frequency: dict[str, int]
    suggested_title: str
    suggested_keywords: list[str]
    consolidation_score: float


def analyze_cluster(entries: list[Entry], db: OpenBase) -> ClusterAnalysis:
    """Say what entries have in common.

    The score is min(1, 0.4 * c / n + 0.4 * f / n + 0.2 * min(1, k / 3)): n entries, c of them with a structured
    context, f the mean frequency of a keyword, k common keywords. No entries give 0.
    """
    contexts = db.store.contexts.get_structured_contexts([entry.id for entry in entries])
    keywords = [contexts[entry.id].trigger_keywords for entry in entries if entry.id in contexts]
    return _analysis(entries, _measure(keywords, len(entries)))


def find_consolidation_opportunities(
    db: OpenBase,
    min_cluster_size: int = 2,
    min_score: float = 0.5,
    *,
    entry_type: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[ClusterAnalysis]:
    """Find the groups of entries that are worth a pattern of their own, the best first.

    The entries that have a keyword in common are a group, obsolete ones included. The largest group comes first, and an
    entry belongs to one group only; what is left of a group counts when all of it share two keywords.

    Args:
        min_cluster_size: entries that a group needs; two at least.
        min_score: see `analyze_cluster`.
        entry_type: among entries of this type alone.
        on_progress: told how many contexts are read, and of how many.
    """
    keywords = _read_keywords(db, entry_type, on_progress)
    clusters = _clusters(keywords, max(2, min_cluster_size))
    measured = [(members, _measure([keywords[entry_id] for entry_id in members], len(members))) for members in clusters]
    found = [(members, measure) for members, measure in measured if measure.score >= min_score]
    found.sort(key=lambda cluster: cluster[1].score, reverse=True)
    entries = _fetch(db, [entry_id for members, _ in found for entry_id in members])
    return [
        _analysis([entries[entry_id] for entry_id in members], measure)
        for members, measure in found
        if all(entry_id in entries for entry_id in members)  # deleted meanwhile: the group is no longer that
    ]


def generate_consolidation_summary(analysis: ClusterAnalysis, db: OpenBase) -> str:
    """The analysis of a group as plain text for a person."""
    shown = analysis.entries[:_LISTED_ENTRIES]
    contexts = db.store.contexts.get_structured_contexts([entry.id for entry in shown])
    lines = [
        f"Consolidation score: {analysis.consolidation_score:.0%}",
        "=" * 50,
        f"Suggested title: {analysis.suggested_title}",
        f"Common keywords: {', '.join(analysis.common_keywords[:_LISTED_KEYWORDS])}",
        f"Entries ({len(analysis.entries)}):",
    ]
    for entry in shown:
        context = contexts.get(entry.id)
        words = f" ({', '.join(context.trigger_keywords[:3])})" if context else ""
        lines.append(f"  [{entry.id[:8]}] {entry.title[:40]}{words}")
    if more := len(analysis.entries) - len(shown):
        lines.append(f"  ... and {more} more")
    lines.append(f"Suggested keywords: {', '.join(analysis.suggested_keywords)}")
    return "\n".join(lines)


@dataclass(frozen=True)
class _Measure:
    """The part of an analysis that needs no entry."""

    frequency: dict[str, int]
    common: list[str]
    score: float


def _analysis(entries: list[Entry], measure: _Measure) -> ClusterAnalysis:
    title = _generate_title(measure.common, entries)
    return ClusterAnalysis(entries, measure.common, measure.frequency, title, measure.common[:_KEYWORDS], measure.score)


def _measure(keywords: Sequence[Collection[str]], size: int) -> _Measure:
    """Measure a group.

    Args:
        keywords: of each entry that has a context.
        size: entries of the group.
    """
    # a keyword that a context names twice is still in one context
    frequency = Counter(word for words in keywords for word in dict.fromkeys(words))
    common = [word for word, count in frequency.most_common() if count >= max(2, size // 2)]
    if not size:
        return _Measure({}, [], 0.0)
    mean = sum(frequency.values()) / len(frequency) if frequency else 0.0
    score = 0.4 * len(keywords) / size + 0.4 * mean / size + 0.2 * min(1.0, len(common) / 3)
    return _Measure(dict(frequency), common, min(1.0, score))


def _read_keywords(
    db: OpenBase, entry_type: str | None, on_progress: Callable[[int, int], None] | None
) -> dict[str, tuple[str, ...]]:
    """The keywords of every entry with a readable context, last updated first; of a context no more is kept."""
    ids = db.store.contexts.ids_with_structured_context(entry_type)
    keywords: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        contexts = db.store.contexts.get_structured_contexts(chunk)
        keywords |= {each: tuple(dict.fromkeys(contexts[each].trigger_keywords)) for each in chunk if each in contexts}
        if on_progress is not None:
            on_progress(start + len(chunk), len(ids))
    return keywords


def _clusters(keywords: dict[str, tuple[str, ...]], min_size: int) -> Iterator[list[str]]:
    """Groups of ids that share keywords, each id in one group.

    A group's rank is its size before other groups took entries from it: ranking once keeps this linear in the pairs of
    entry and keyword.
    """
    groups: dict[str, list[str]] = {}
    for entry_id, words in keywords.items():
        for word in words:
            groups.setdefault(word, []).append(entry_id)
    used: set[str] = set()
    for group in sorted(groups.values(), key=len, reverse=True):
        members = [entry_id for entry_id in group if entry_id not in used]
        if len(members) >= min_size and _share_keywords(keywords[entry_id] for entry_id in members):
            used.update(members)
            yield members


def _share_keywords(keywords: Iterator[tuple[str, ...]]) -> bool:
    """Whether all have enough keywords in common; looks no further than the answer needs."""
    shared = set(next(keywords))
    for words in keywords:
        if len(shared) < MIN_SHARED_KEYWORDS:
            return False
        shared.intersection_update(words)
    return len(shared) >= MIN_SHARED_KEYWORDS


def _fetch(db: OpenBase, entry_ids: list[str]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for start in range(0, len(entry_ids), _CHUNK):
        entries |= db.store.entries.get_many(entry_ids[start : start + _CHUNK])
    return entries


def _generate_title(keywords: list[str], entries: list[Entry]) -> str:
    """A title out of the first common keywords, or else the most frequent words of the titles."""
    words = keywords[:_TITLE_WORDS]
    if not words:
        titles = Counter(word for entry in entries for word in entry.title.lower().split())
        words = [word for word, _ in titles.most_common(_TITLE_WORDS)]
    return f"Pattern: {', '.join(words)}" if words else "Pattern without a title"
