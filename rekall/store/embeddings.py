"""The vectors of entries."""

from __future__ import annotations

from collections.abc import Iterable

from rekall.errors import CorruptError
from rekall.infra.interfaces import Row, Statement, Value
from rekall.models import Embedding, Entry, Vector
from rekall.store.rows import ENTRY_SELECT, entry_from_row, iso, moment
from rekall.store.session import Session
from rekall.store.vectors import FLOAT, matrix

_COLUMNS = ("id", "entry_id", "embedding_type", "vector", "dimensions", "model_name", "created_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM embeddings"
_LATEST_LENGTH = (
    f"(SELECT length(vector) FROM embeddings WHERE embedding_type = :type AND typeof(vector) = 'blob'"
    f" AND length(vector) % {FLOAT} = 0 AND length(vector) > 0 ORDER BY created_at DESC, rowid DESC LIMIT 1)"
)


class Embeddings:
    """The vectors of entries: one of each type for an entry."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add_embedding(self, embedding: Embedding) -> None:
        """Store the vector of an entry, in place of the one of the same type before.

        Raises:
            IntegrityError: there is no such entry.
        """
        self._session.write(_replacement(embedding), idempotent=True)

    def add_embeddings(self, embeddings: Iterable[Embedding]) -> None:
        """Store many vectors, each in place of the one of the same type before, all or none.

        Those of an entry that was removed meanwhile are passed over.
        """
        self._session.write(
            [one for each in embeddings for one in _replacement(each, of_any_entry=False)], idempotent=True
        )

    def count_embeddings(self) -> int:
        """The number of vectors, of every type."""
        row = self._session.fetch_one("SELECT count(*) AS n FROM embeddings")
        return 0 if row is None else int(row["n"])

    def delete_embedding(self, entry_id: str, embedding_type: str | None = None) -> int:
        """Remove the vector of one type, or of every type; returns how many there were."""
        sql = "DELETE FROM embeddings WHERE entry_id = ?"
        if embedding_type:
            return self._session.execute(f"{sql} AND embedding_type = ?", (entry_id, embedding_type)).rowcount
        return self._session.execute(sql, (entry_id,)).rowcount

    def get_all_embeddings(self, embedding_type: str | None = None) -> list[Embedding]:
        """All vectors of one type, or of every type, in the order of their storing."""
        if embedding_type:
            return self._select("WHERE embedding_type = ?", embedding_type)
        return self._select("")

    def get_all_vectors_batch(
        self, embedding_type: str = "summary", *, dimensions: int | None = None
    ) -> tuple[list[str], Vector] | None:
        """All vectors of one type as a matrix, of obsolete entries as well.

        A base may hold vectors of several lengths, from before and after a change of model. They cannot be compared
        with each other, so those of one length are given.

        Args:
            dimensions: the length; if left out, that of the vector added last, which is of the model now in use.

        Returns:
            The ids of N entries, and an array of shape (N, dimensions) of 32-bit floats; None when there is no vector.

        Raises:
            MissingDependencyError: numpy is not installed.
        """
        length = None if dimensions is None else dimensions * FLOAT
        rows = self._session.fetch_all(
            "SELECT entry_id, vector FROM embeddings WHERE embedding_type = :type AND typeof(vector) = 'blob'"
            f" AND length(vector) = coalesce(:length, {_LATEST_LENGTH}) ORDER BY rowid",
            {"type": embedding_type, "length": length},
        )
        if not rows:
            return None
        return [row["entry_id"] for row in rows], matrix([row["vector"] for row in rows])

    def get_embedding(self, entry_id: str, embedding_type: str) -> Embedding | None:
        """The vector of one type of an entry, None if there is none."""
        found = self._select("WHERE entry_id = ? AND embedding_type = ?", entry_id, embedding_type)
        return found[0] if found else None

    def get_embeddings(self, entry_id: str) -> list[Embedding]:
        """The vectors of an entry."""
        return self._select("WHERE entry_id = ?", entry_id)

    def kinds(self, entry_id: str) -> list[tuple[str, str, int]]:
        """Type, model and length of the vectors of an entry, whether or not they can be read."""
        sql = "SELECT embedding_type, model_name, dimensions FROM embeddings WHERE entry_id = ? ORDER BY rowid"
        rows = self._session.fetch_all(sql, (entry_id,))
        return [(row["embedding_type"], row["model_name"], row["dimensions"]) for row in rows]

    def get_entries_without_embeddings(self, embedding_type: str = "summary") -> list[Entry]:
        """Active entries that have no vector of this type, in the order of their storing."""
        rows = self._session.fetch_all(
            f"SELECT {ENTRY_SELECT} FROM entries WHERE +status = 'active' AND NOT EXISTS (SELECT 1 FROM embeddings"
            " WHERE entry_id = entries.id AND embedding_type = ?) ORDER BY entries.rowid",
            (embedding_type,),
        )
        return [entry_from_row(row) for row in rows]

    def _select(self, where: str, *params: str) -> list[Embedding]:
        rows = self._session.fetch_all(f"{_SELECT} {where} ORDER BY rowid", params)
        return [_embedding_from_row(row) for row in rows]


def _replacement(embedding: Embedding, *, of_any_entry: bool = True) -> list[Statement]:
    """The batch that stores a vector in place of the one before.

    Args:
        of_any_entry: an entry that is not there is an error; otherwise it is passed over.
    """
    values: tuple[Value, ...] = (
        *(embedding.id, embedding.entry_id, embedding.embedding_type, embedding.vector, embedding.dimensions),
        *(embedding.model_name, iso(embedding.created_at)),
    )
    row = f"VALUES ({', '.join('?' * len(_COLUMNS))})"
    if not of_any_entry:
        row = f"SELECT * FROM ({row}) WHERE EXISTS (SELECT 1 FROM entries WHERE id = ?)"
        values += (embedding.entry_id,)
    return [
        Statement(
            "DELETE FROM embeddings WHERE entry_id = ? AND embedding_type = ?",
            (embedding.entry_id, embedding.embedding_type),
        ),
        Statement(f"INSERT INTO embeddings({', '.join(_COLUMNS)}) {row}", values),
    ]


def _embedding_from_row(row: Row) -> Embedding:
    try:
        return Embedding(**{**row, "created_at": moment(row["created_at"])})
    except (ValueError, TypeError) as error:
        raise CorruptError(f"embedding {row['id']} cannot be read ({error}): restore a backup") from error
