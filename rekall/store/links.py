"""Links between entries, and how central an entry is among them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

from rekall.errors import IntegrityError
from rekall.infra.interfaces import Row, Statement
from rekall.models import Entry, Link, RelationType, generate_ulid
from rekall.store.entries import Entries
from rekall.store.rows import LINK_COLUMNS, LINK_SELECT, link_from_row
from rekall.store.session import Session

_SELECT = f"SELECT {LINK_SELECT} FROM links"
_ENDS = "SELECT id, source_id, target_id FROM links"
_IDS = "(SELECT value FROM json_each(?))"


class Links:
    """Adds, reads and removes links."""

    def __init__(self, session: Session, entries: Entries) -> None:
        self._session = session
        self._entries = entries

    def add_link(
        self, source_id: str, target_id: str, relation_type: str = "related", reason: str | None = None
    ) -> Link:
        """Link two entries. The same pair may be linked once for each relation type and direction.

        Raises:
            ValueError: an end is missing, the relation type is unknown, both ends are one, or the link exists.
        """
        known = self._session.fetch_all(
            f"SELECT id FROM entries WHERE id IN {_IDS}", (json.dumps([source_id, target_id]),)
        )
        ids = {row["id"] for row in known}
        for end, entry_id in (("Source", source_id), ("Target", target_id)):
            if entry_id not in ids:
                raise ValueError(f"{end} entry not found: {entry_id}")
        link = Link(generate_ulid(), source_id, target_id, cast(RelationType, relation_type), datetime.now(), reason)
        values = (link.id, source_id, target_id, relation_type, link.created_at.isoformat(), reason)
        try:
            self._session.write(
                [Statement(f"INSERT INTO links({', '.join(LINK_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)", values)]
            )
        except IntegrityError as error:
            if "FOREIGN KEY" in str(error):
                raise ValueError(f"entry not found: {source_id} or {target_id} was deleted meanwhile") from error
            raise ValueError(f"Link already exists: {source_id} {relation_type} {target_id}") from error
        return link

    def get_links(self, entry_id: str, relation_type: str | None = None, direction: str = "both") -> list[Link]:
        """The links of an entry, outgoing first.

        Args:
            direction: `outgoing`, `incoming` or `both`; any other word gives none.
        """
        columns = {"outgoing": ["source_id"], "incoming": ["target_id"], "both": ["source_id", "target_id"]}
        found: list[Link] = []
        for column in columns.get(direction, []):
            condition, params = f"{column} = ?", [entry_id]
            if relation_type:
                condition += " AND relation_type = ?"
                params.append(relation_type)
            found += map(link_from_row, self._session.fetch_all(f"{_SELECT} WHERE {condition} ORDER BY rowid", params))
        return found

    def links_among(self, entry_ids: Sequence[str]) -> list[Link]:
        """All links that begin or end at one of many entries, in one query."""
        ids = json.dumps(list(entry_ids))
        rows = self._session.fetch_all(
            f"{_SELECT} WHERE source_id IN {_IDS} OR target_id IN {_IDS} ORDER BY rowid", (ids, ids)
        )
        return [link_from_row(row) for row in rows]

    def get_related_entries(self, entry_id: str, relation_type: str | None = None) -> list[tuple[Entry, Link]]:
        """For every link of an entry, the entry at its other end and the link, outgoing first, obsolete included."""
        links = self.get_links(entry_id, relation_type)
        others = self._entries.get_many([_other_end(link, entry_id) for link in links])
        return [(others[end], link) for link in links if (end := _other_end(link, entry_id)) in others]

    def delete_link(self, source_id: str, target_id: str, relation_type: str | None = None) -> int:
        """Remove the link from source to target, of one type or of every type; returns how many were there."""
        sql, params = "DELETE FROM links WHERE source_id = ? AND target_id = ?", (source_id, target_id)
        if relation_type:
            return self._session.execute(f"{sql} AND relation_type = ?", (*params, relation_type)).rowcount
        return self._session.execute(sql, params).rowcount

    def count_links(self, entry_id: str) -> int:
        """The number of links of an entry, both directions."""
        return sum(self.count_links_by_direction(entry_id))

    def count_links_by_direction(self, entry_id: str) -> tuple[int, int]:
        """(incoming, outgoing) links of an entry."""
        row = self._session.fetch_one(
            "SELECT (SELECT count(*) FROM links WHERE target_id = :id) AS incoming,"
            " (SELECT count(*) FROM links WHERE source_id = :id) AS outgoing",
            {"id": entry_id},
        )
        return (0, 0) if row is None else (row["incoming"], row["outgoing"])

    def count(self) -> int:
        """The number of links in the base."""
        row = self._session.fetch_one("SELECT count(*) AS n FROM links")
        return 0 if row is None else int(row["n"])

    def calculate_centrality_score(self, entry_id: str) -> float:
        """How central an entry is: min(100, 2 * (2 * d1 + d2 + 0.5 * d3)), one decimal.

        A degree centrality with a decay over three levels. d1: links of the entry. Two links are chained when the head
        of one is the tail of the other; d2: distinct pairs of links chained to one of the entry's and not touching it;
        d3: distinct links chained to such a one, themselves not touching the entry.
        """
        direct = self._session.fetch_all(f"{_ENDS} WHERE source_id = ? OR target_id = ?", (entry_id, entry_id))
        return _centrality(entry_id, direct, self._chained)

    def update_centrality_score(self, entry_id: str) -> float:
        """Compute the centrality of an entry, store it and return it; an unknown id gives 0."""
        score = self.calculate_centrality_score(entry_id)
        self._session.write([_store_score(entry_id, score)])
        return score

    def update_all_centrality_scores(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Compute and store the centrality of every active entry; returns how many."""
        ids = [row["id"] for row in self._session.fetch_all("SELECT id FROM entries WHERE status = 'active'")]
        outgoing: dict[str, list[Row]] = {}
        incoming: dict[str, list[Row]] = {}
        for row in self._session.fetch_all(_ENDS):
            outgoing.setdefault(row["source_id"], []).append(row)
            incoming.setdefault(row["target_id"], []).append(row)

        def chained(links: list[Row]) -> list[Row]:
            after = [row for head in {link["target_id"] for link in links} for row in outgoing.get(head, [])]
            return after + [row for tail in {link["source_id"] for link in links} for row in incoming.get(tail, [])]

        self._session.write(
            [
                _store_score(
                    entry_id,
                    _centrality(entry_id, outgoing.get(entry_id, []) + incoming.get(entry_id, []), chained),
                )
                for entry_id in ids
            ]
        )
        return len(ids)

    def _chained(self, links: list[Row]) -> list[Row]:
        tails = json.dumps(sorted({row["source_id"] for row in links}))
        heads = json.dumps(sorted({row["target_id"] for row in links}))
        return self._session.fetch_all(f"{_ENDS} WHERE source_id IN {_IDS} OR target_id IN {_IDS}", (heads, tails))


def _centrality(entry_id: str, direct: list[Row], chained: Callable[[list[Row]], list[Row]]) -> float:
    """The formula of `Links.calculate_centrality_score`.

    Args:
        direct: the links of the entry.
        chained: the links chained to one of those given, at either end.
    """

    def away(links: list[Row]) -> list[Row]:
        return [row for row in links if entry_id not in (row["source_id"], row["target_id"])]

    second = away(chained(direct))
    pairs = {(row["source_id"], row["target_id"]) for row in second}
    third = {row["id"] for row in away(chained(second))}
    return round(min(100.0, 2 * (2 * len(direct) + len(pairs) + 0.5 * len(third))), 1)


def _store_score(entry_id: str, score: float) -> Statement:
    return Statement("UPDATE entries SET centrality_score = ? WHERE id = ?", (score, entry_id))


def _other_end(link: Link, entry_id: str) -> str:
    return link.target_id if link.source_id == entry_id else link.source_id
