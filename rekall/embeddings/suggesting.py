"""New suggestions out of vectors: pairs that are about the same thing, and groups that one entry could stand for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rekall.embeddings import EmbeddingService
from rekall.embeddings.nearest import groups_of_similar
from rekall.models import Suggestion, SuggestionType, generate_ulid
from rekall.store import OpenBase
from rekall.store.vectors import EntryFilter

if TYPE_CHECKING:
    import numpy as np

MOST = 100
"""New suggestions of a kind at once, the best first."""
GROUP_SIMILARITY = 0.8
GROUP_SIZE = 3
_ROWS = 512
"""Entries that are compared with all others at once."""
OnProgress = Callable[[int, int], None]
_Pair = tuple[float, str, str]
_Group = tuple[float, list[str]]


def find_suggestions(
    db: OpenBase, service: EmbeddingService, on_progress: OnProgress | None = None
) -> list[Suggestion]:
    """What could be suggested about the active entries and was not suggested before; nothing is stored.

    A link for two entries that are as similar as `similarity_threshold` of the service says and not linked yet. A
    generalization for three episodic ones or more that are like the first of them, unless one entry is derived from
    them already. Two of such a group get no link suggestion beside it.

    Args:
        service: only vectors of its model and length are compared; the model is not needed.
        on_progress: told how many entries were compared, and of how many.

    Returns:
        The best of each kind, links first.
    """
    known = {
        (one.suggestion_type, frozenset(one.entry_ids)) for one in db.store.suggestions.get_suggestions(limit=-1)
    }
    groups = [
        group
        for group in _groups(db, service)
        if ("generalize", frozenset(group[1])) not in known and not _is_generalized(db, group[1])
    ]
    together = {frozenset(pair) for _, ids in groups for pair in _pairs_of(ids)}
    passed_over = together | {ids for kind, ids in known if kind == "link"}
    pairs = _pairs(db, service, passed_over, on_progress)
    best_groups = sorted(groups, key=lambda group: -group[0])[:MOST]
    return [
        *(_suggestion("link", [one, other], score, "similar texts") for score, one, other in pairs),
        *(_suggestion("generalize", ids, score, f"{len(ids)} similar texts") for score, ids in best_groups),
    ]


def _pairs(
    db: OpenBase, service: EmbeddingService, passed_over: set[frozenset[str]], on_progress: OnProgress | None
) -> list[_Pair]:
    import numpy as np

    ids, unit = _vectors(db, service, EntryFilter())
    linked = {frozenset((link.source_id, link.target_id)) for link in db.store.links.links_among(ids)}
    passed_over = passed_over | linked
    best: list[_Pair] = []
    for start in range(0, len(ids), _ROWS):
        scores = unit[start : start + _ROWS] @ unit[start:].T
        rows, columns = np.nonzero(np.triu(scores >= service.similarity_threshold, 1))
        found = (
            (float(scores[row, column]), ids[start + row], ids[start + column])
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        )
        new = (pair for pair in found if frozenset(pair[1:]) not in passed_over)
        best = heapq.nlargest(MOST, [*best, *heapq.nlargest(MOST, new)])
        if on_progress is not None:
            on_progress(min(start + _ROWS, len(ids)), len(ids))
    return best


def _groups(db: OpenBase, service: EmbeddingService) -> list[_Group]:
    """Groups of similar episodic entries, each with the mean similarity to its first."""
    ids, unit = _vectors(db, service, EntryFilter(memory_type="episodic"))
    found = []
    for places in groups_of_similar(unit, GROUP_SIMILARITY) if ids else []:
        if len(places) >= GROUP_SIZE:
            score = float((unit[places[1:]] @ unit[places[0]]).mean())
            found.append((score, [ids[place] for place in places]))
    return found


def _vectors(db: OpenBase, service: EmbeddingService, where: EntryFilter) -> tuple[list[str], np.ndarray]:
    """Ids, and their vectors as rows of length 1."""
    import numpy as np

    ids: list[str] = []
    parts = [np.zeros((0, service.dimensions), dtype=np.float32)]
    for some, vectors in db.store.vectors.pages(service.space, where=where):
        ids += some
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        parts.append(vectors / np.where(lengths == 0, 1, lengths))
    return ids, np.concatenate(parts)


def _is_generalized(db: OpenBase, ids: Iterable[str]) -> bool:
    """Whether one entry is derived from all of these."""
    wanted = set(ids)
    derived: dict[str, set[str]] = {}
    for link in db.store.links.links_among(list(wanted)):
        if link.relation_type == "derived_from":
            derived.setdefault(link.source_id, set()).add(link.target_id)
    return any(wanted <= sources for sources in derived.values())


def _pairs_of(ids: list[str]) -> Iterable[tuple[str, str]]:
    return ((one, other) for place, one in enumerate(ids) for other in ids[place + 1 :])


def _suggestion(kind: SuggestionType, ids: list[str], score: float, reason: str) -> Suggestion:
    return Suggestion(generate_ulid(), kind, ids, min(max(score, 0.0), 1.0), f"{score:.0%}: {reason}")
