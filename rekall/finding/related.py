"""What belongs to hits: linked entries, and what supersedes an old one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rekall.finding.answer import Linked, Superseded
from rekall.models import Entry, Link
from rekall.store import OpenBase

LINKED = 5
"""Linked entries that were not hits themselves, given at most."""
_LONGEST_CHAIN = 10


class Related(NamedTuple):
    """Links of hits, and what they lead to: see `Answer`."""

    links: list[Link]
    linked: list[Linked]
    superseded: list[Superseded]


def related_to(db: OpenBase, found: Sequence[Entry], obsolete: Sequence[Entry], *, may_link: bool = True) -> Related:
    """The links of hits, the entries that they lead to, and the successors of superseded ones.

    Args:
        found: the hits.
        obsolete: entries that match as well, and that another one supersedes.
        may_link: hits may have links; otherwise none is looked for.
    """
    hits = {entry.id: entry for entry in found}
    links = db.store.links.links_among(list(hits)) if hits and may_link else []
    old = [*obsolete, *(hit for hit in found if hit.superseded_by)]
    if not links and not old:
        return Related([], [], [])
    ways: dict[str, Link] = {}
    for link in links:
        for end in (link.source_id, link.target_id):
            if end not in hits:
                ways.setdefault(end, link)
    superseding = [link for link in links if link.relation_type == "supersedes" and link.target_id in hits]
    wanted = [
        *list(ways)[:LINKED],
        *(entry.superseded_by for entry in obsolete if entry.superseded_by),
        *(link.source_id for link in superseding if link.source_id not in hits),
    ]
    others = hits | (db.store.entries.get_many(wanted) if wanted else {})
    linked = [Linked(others[end], ways[end]) for end in list(ways)[:LINKED] if end in others]
    told = {entry.id: by for entry in old if (by := _successor(db, entry, others)) is not None}
    for link in superseding:
        if link.source_id in others and others[link.source_id].status == "active":
            told.setdefault(link.target_id, others[link.source_id])
    entries = hits | {entry.id: entry for entry in obsolete}
    return Related(links, linked, [Superseded(entries[entry_id], by) for entry_id, by in told.items()])


def _successor(db: OpenBase, entry: Entry, known: dict[str, Entry]) -> Entry | None:
    """The active entry at the end of the successors of one, None when there is none."""
    current, seen = entry, {entry.id}
    for _ in range(_LONGEST_CHAIN):
        following = current.superseded_by
        if following is None or following in seen:
            break
        seen.add(following)
        found = known.get(following) or db.store.entries.get_many([following]).get(following)
        if found is None:
            break
        known[following] = current = found
    return current if current.status == "active" and current is not entry else None
