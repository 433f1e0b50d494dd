"""Links between entries, and how central an entry is among them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import cast

from rekall.errors import GuardFailed, IntegrityError
from rekall.infra.interfaces import Statement, Value
from rekall.models import Entry, Link, RelationType, generate_ulid
from rekall.store.centrality import HIGHEST, Network, Pair, centrality
from rekall.store.entries import Entries
from rekall.store.linking import link_statement
from rekall.store.rows import LINK_SELECT, link_from_row
from rekall.store.session import Session

_SELECT = f"SELECT {LINK_SELECT} FROM links"
_IDS = "(SELECT value FROM json_each(?))"
_STEP = 1000
"""Entries between two reports of progress; scores stored by one statement."""


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
        try:
            self._session.write([link_statement(link)])
        except GuardFailed as error:
            raise ValueError(f"entry not found: {source_id} or {target_id} was deleted meanwhile") from error
        except IntegrityError as error:
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
        """How central an entry is, from 0 to 100: see `rekall.store.centrality.centrality`."""
        direct = self._pairs("source_id = :id OR target_id = :id", {"id": entry_id})
        return centrality(entry_id, direct, self._chained)

    def update_centrality_score(self, entry_id: str) -> float:
        """Compute the centrality of an entry, store it and return it; an unknown id gives 0."""
        score = self.calculate_centrality_score(entry_id)
        self._session.write([_store_scores([(entry_id, score)])])
        return score

    def update_all_centrality_scores(self, *, on_progress: Callable[[int, int], None] | None = None) -> int:
        """Compute the centrality of every active entry and store those that changed; returns how many were computed.

        The time is linear in entries + links.

        Args:
            on_progress: told now and then how many entries are done, and of how many.
        """
        entries = self._session.fetch_all("SELECT id, centrality_score FROM entries WHERE status = 'active'")
        network = Network(self._pairs("true", {}, limit=-1))
        changed: list[tuple[str, float]] = []
        for start in range(0, len(entries), _STEP):
            for row in entries[start : start + _STEP]:
                score = network.centrality(row["id"])
                if score != row["centrality_score"]:
                    changed.append((row["id"], score))
            if on_progress is not None:
                on_progress(min(start + _STEP, len(entries)), len(entries))
        if changed:
            self._session.write(_Storing(changed), idempotent=True)
        return len(entries)

    def _pairs(self, condition: str, params: dict[str, Value], limit: int = HIGHEST) -> Iterator[Pair]:
        rows = self._session.fetch_all(
            f"SELECT source_id, target_id, count(*) AS n FROM links WHERE {condition}"
            " GROUP BY source_id, target_id LIMIT :limit",
            {**params, "limit": limit},
        )
        return (Pair(row["source_id"], row["target_id"], row["n"]) for row in rows)

    def _chained(self, heads: Collection[str], tails: Collection[str], away_from: str) -> Iterator[Pair]:
        ends = "(SELECT value FROM json_each(:{}))".format
        return self._pairs(
            f"(source_id IN {ends('heads')} OR target_id IN {ends('tails')}) AND :away NOT IN (source_id, target_id)",
            {"heads": json.dumps(list(heads)), "tails": json.dumps(list(tails)), "away": away_from},
        )


class _Storing:
    """The batch that stores scores, made anew each time that it is begun."""

    def __init__(self, scores: Sequence[tuple[str, float]]) -> None:
        self._scores = scores

    def __iter__(self) -> Iterator[Statement]:
        for start in range(0, len(self._scores), _STEP):
            yield _store_scores(self._scores[start : start + _STEP])


def _store_scores(scores: Sequence[tuple[str, float]]) -> Statement:
    return Statement(
        "WITH computed AS (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS score"
        " FROM json_each(?)) UPDATE entries SET centrality_score = computed.score FROM computed"
        " WHERE entries.id = computed.id AND centrality_score IS NOT computed.score",
        (json.dumps(scores),),
    )


def _other_end(link: Link, entry_id: str) -> str:
    return link.target_id if link.source_id == entry_id else link.source_id
