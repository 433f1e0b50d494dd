"""Vectors that can be compared: those of one model and one length, and of one type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rekall.errors import MissingDependencyError, QueryError
from rekall.infra.interfaces import Value
from rekall.models import Vector
from rekall.store import vector_extension
from rekall.store.entries import filter_sql
from rekall.store.session import Session
from rekall.store.stamps import Stamps as Stamps
from rekall.store.stamps import stamps

FLOAT = 4
"""Bytes of one number of a vector."""
PAGE = 10_000
"""Vectors that are read together: memory stays flat however many there are."""
SAME_SPACE = (
    "v.embedding_type = :kind AND v.dimensions = :dimensions AND typeof(v.vector) = 'blob'"
    " AND length(v.vector) = :size AND v.model_name IN (SELECT value FROM json_each(:models))"
)
"""The condition on `embeddings AS v` for a vector of a type and of a space whose bytes are as many as it says."""


class VectorSpace(NamedTuple):
    """What makes vectors comparable.

    Args:
        models: the model's name, in every spelling that it may be stored under.
        dimensions: the length.
    """

    models: tuple[str, ...]
    dimensions: int

    def parameters(self, kind: str) -> dict[str, Value]:
        """The named parameters of `SAME_SPACE`."""
        return {
            "kind": kind,
            "models": json.dumps(self.models),
            "dimensions": self.dimensions,
            "size": self.dimensions * FLOAT,
        }


class EntryFilter(NamedTuple):
    """Which entries a search looks at; an empty text is no filter."""

    entry_type: str | None = None
    project: str | None = None
    memory_type: str | None = None
    include_obsolete: bool = False


EVERY_ENTRY = EntryFilter(include_obsolete=True)
ACTIVE_ENTRIES = EntryFilter()


class Vectors:
    """Reads and compares the vectors of one space. Nothing is kept between two calls."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def stamps(self) -> Stamps | None:
        """The stamps of the base; None where nothing keeps them: a base that no Rekall of this age has written yet."""
        return stamps(self._session)

    def admitted(self, where: EntryFilter, among: Iterable[str] | None = None) -> set[str]:
        """The ids of the entries that a filter lets through.

        Args:
            among: looked at; all if left out.
        """
        conditions, params = filter_sql(*where)
        if among is not None:
            conditions.append("entries.id IN (SELECT value FROM json_each(:among))")
            params["among"] = json.dumps(list(among))
        sql = f"SELECT entries.id AS id FROM entries WHERE {' AND '.join(conditions) or 'true'}"
        return {row["id"] for row in self._session.fetch_all(sql, params)}

    def inactive(self) -> set[str]:
        """The ids of the entries that are not active, by the index on the status."""
        rows = self._session.fetch_all(
            "SELECT id FROM entries WHERE status < 'active' OR status > 'active' OR status IS NULL"
        )
        return {row["id"] for row in rows}

    def of_entry(self, entry_id: str, space: VectorSpace, kind: str = "summary") -> bytes | None:
        """The vector of an entry, None when it has none in this space."""
        row = self._session.fetch_one(
            f"SELECT v.vector AS vector FROM embeddings AS v WHERE v.entry_id = :entry AND {SAME_SPACE}",
            {"entry": entry_id, **space.parameters(kind)},
        )
        return None if row is None else bytes(row["vector"])

    def pages(
        self, space: VectorSpace, kind: str = "summary", where: EntryFilter = EVERY_ENTRY
    ) -> Iterator[tuple[list[str], Vector]]:
        """All vectors of a space in the order of their storing, some thousand at a time.

        Yields:
            The ids of n entries, and an array of shape (n, dimensions) of 32-bit floats.

        Raises:
            MissingDependencyError: numpy is not installed.
        """
        entries, params = _entries_sql(where)
        sql = (
            f"SELECT v.rowid AS place, v.entry_id AS id, v.vector AS vector FROM embeddings AS v{entries}"
            f" AND v.rowid > :after AND {SAME_SPACE} ORDER BY v.rowid LIMIT :page"
        )
        values = {**params, **space.parameters(kind), "page": PAGE, "after": -1}
        while rows := self._session.fetch_all(sql, values):
            yield [row["id"] for row in rows], matrix([row["vector"] for row in rows])
            if len(rows) < PAGE:
                return
            values["after"] = rows[-1]["place"]

    def nearest(
        self,
        query: bytes,
        space: VectorSpace,
        *,
        limit: int,
        threshold: float,
        kind: str = "summary",
        where: EntryFilter = EVERY_ENTRY,
    ) -> list[tuple[str, float]]:
        """Ids and cosine similarities of the vectors most like one, best first; needs what `cannot_compute` tells of.

        Args:
            query: the vector, `dimensions` 32-bit floats; one without length is like nothing.
            limit: results at most; a negative number is no limit.
            threshold: the lowest similarity.
        """
        if not any(query):
            return []
        entries, params = _entries_sql(where)
        rows = self._session.fetch_all(
            "SELECT id, similarity FROM (SELECT v.rowid AS place, v.entry_id AS id,"
            " coalesce(1.0 - vec_distance_cosine(v.vector, :query), 0.0) AS similarity"
            f" FROM embeddings AS v{entries} AND {SAME_SPACE})"
            " WHERE similarity >= :threshold ORDER BY similarity DESC, place LIMIT :limit",
            {**params, **space.parameters(kind), "query": query, "threshold": threshold, "limit": limit},
        )
        return [(row["id"], row["similarity"]) for row in rows]

    def cannot_compute(self) -> str | None:
        """Why `nearest` cannot be used, as a few words; None when it can.

        It loads sqlite-vec into the connection of the base.
        """
        reason = vector_extension.obstacle()
        if reason is not None:
            return reason
        connection = vector_extension.raw_connection(self._session.backend)
        if connection is None:
            return "the database back end has no connection to load sqlite-vec into"
        return None if self._knows_sqlite_vec() else vector_extension.load(connection)

    def _knows_sqlite_vec(self) -> bool:
        try:
            return self._session.fetch_one("SELECT vec_version() AS version") is not None
        except QueryError:
            return False


def _entries_sql(where: EntryFilter) -> tuple[str, dict[str, Value]]:
    """What follows `embeddings AS v` to look at some entries, up to a first condition, and its named parameters."""
    conditions, params = filter_sql(*where)
    if not conditions:
        return " WHERE true", params
    return f" CROSS JOIN entries ON entries.id = v.entry_id WHERE {' AND '.join(conditions)}", params


def matrix(vectors: list[bytes]) -> Vector:
    """Vectors of one length as the rows of an array of 32-bit floats.

    Raises:
        MissingDependencyError: numpy is not installed.
    """
    try:
        import numpy as np
    except ImportError as error:
        raise MissingDependencyError("reading vectors needs numpy: run 'pip install numpy'") from error
    return np.frombuffer(bytearray().join(vectors), dtype="<f4").reshape(len(vectors), -1)
