"""New suggestions out of vectors: pairs that are about the same thing, and groups that one entry could stand for."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from rekall.embeddings import EmbeddingService
from rekall.embeddings.nearest import groups_of_similar
from rekall.embeddings.vectors import unit_rows
from rekall.models import Suggestion, SuggestionType, Vector, generate_ulid
from rekall.store import OpenBase
from rekall.store.vectors import EntryFilter

MOST = 100
"""New suggestions of a kind at once, the best first."""
GROUP_SIMILARITY = 0.8
GROUP_SIZE = 3
_ROWS = 256
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
    them already. Two of such a group get no link suggestion beside it, unless the group was rejected.

    Args:
        service: only vectors of its model and length are compared; the model is not needed.
        on_progress: told how many entries were compared, and of how many: those of groups, then those of pairs.

    Returns:
        The best of each kind, the best last: lists begin with the newest.
    """
    groups = _groups(db, service, on_progress)
    known = db.store.suggestions.get_suggestions(limit=-1)
    decided = [(set(one.entry_ids), one.status) for one in known if one.suggestion_type == "generalize"]
    new = [group for group in _not_generalized(db, groups) if not _is_known(set(group[1]), decided)]
    rejected = [ids for ids, status in decided if status == "rejected"]
    group_of = {
        entry_id: number
        for number, (_, ids) in enumerate(groups)
        if not any(set(ids) <= one for one in rejected)
        for entry_id in ids
    }
    passed_over = {frozenset(one.entry_ids) for one in known if one.suggestion_type == "link"}
    pairs = _pairs(db, service, passed_over, group_of, on_progress)
    return [
        *(_suggestion("link", [one, other], score, "their texts are similar") for score, one, other in sorted(pairs)),
        *(_suggestion("generalize", ids, score, f"{len(ids)} similar texts") for score, ids in sorted(new)[-MOST:]),
    ]


def _pairs(
    db: OpenBase,
    service: EmbeddingService,
    passed_over: set[frozenset[str]],
    group_of: Mapping[str, int],
    on_progress: OnProgress | None,
) -> list[_Pair]:
    """The most similar pairs, but those passed over, linked ones, and those of one group."""
    import numpy as np

    ids, unit = _vectors(db, service, EntryFilter())
    linked = {frozenset((link.source_id, link.target_id)) for link in db.store.links.links_among(ids)}
    passed_over = passed_over | linked

    def is_new(one: str, other: str) -> bool:
        in_one_group = group_of.get(one, one) == group_of.get(other, other)
        return not in_one_group and frozenset((one, other)) not in passed_over

    best: list[_Pair] = []
    for start in range(0, len(ids), _ROWS):
        scores = unit[start : start + _ROWS] @ unit[start:].T
        rows, columns = np.nonzero(np.triu(scores >= service.similarity_threshold, 1))
        found = (
            (float(scores[row, column]), ids[start + row], ids[start + column])
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        )
        new = (pair for pair in found if is_new(*pair[1:]))
        best = heapq.nlargest(MOST, [*best, *heapq.nlargest(MOST, new)])
        if on_progress is not None:
            on_progress(min(start + _ROWS, len(ids)), len(ids))
    return best


def _groups(db: OpenBase, service: EmbeddingService, on_progress: OnProgress | None) -> list[_Group]:
    """Groups of similar episodic entries, each with the mean similarity to its first."""
    ids, unit = _vectors(db, service, EntryFilter(memory_type="episodic"))
    found = []
    for places in groups_of_similar(unit, GROUP_SIMILARITY, on_progress) if ids else []:
        if len(places) >= GROUP_SIZE:
            score = float((unit[places[1:]] @ unit[places[0]]).mean())
            found.append((score, [ids[place] for place in places]))
    return found


def _vectors(db: OpenBase, service: EmbeddingService, where: EntryFilter) -> tuple[list[str], Vector]:
    """Ids, and their vectors as rows of length 1."""
    import numpy as np

    ids: list[str] = []
    parts: list[Vector] = [np.zeros((0, service.dimensions), dtype=np.float32)]
    for some, vectors in db.store.vectors.pages(service.space, where=where):
        ids += some
        parts.append(unit_rows(vectors))
    return ids, np.concatenate(parts)


def _is_known(ids: set[str], decided: Iterable[tuple[set[str], str]]) -> bool:
    """Whether these were proposed before, as part of a group too; or a part of them is still to be decided on."""
    return any(ids <= one or (status == "pending" and one <= ids) for one, status in decided)


def _not_generalized(db: OpenBase, groups: list[_Group]) -> list[_Group]:
    """The groups of which no entry is derived from all."""
    derived: defaultdict[str, set[str]] = defaultdict(set)
    for link in db.store.links.links_among([entry_id for _, ids in groups for entry_id in ids]):
        if link.relation_type == "derived_from":
            derived[link.target_id].add(link.source_id)
    return [group for group in groups if not set.intersection(*(derived[entry_id] for entry_id in group[1]))]


def _suggestion(kind: SuggestionType, ids: list[str], score: float, reason: str) -> Suggestion:
    return Suggestion(generate_ulid(), kind, ids, min(max(score, 0.0), 1.0), reason)
