"""The vector table of sqlite-vec that Rekall 0.3 knew, `embeddings_vec`, in a connection of the caller's.

It is a copy of summary vectors, made on request. Rekall's own searches compare the vectors themselves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

TABLE = "embeddings_vec"


def create(connection: sqlite3.Connection, dimensions: int) -> None:
    """Make the table; one that is there stays.

    Args:
        connection: knows sqlite-vec.
        dimensions: length of the vectors.

    Raises:
        sqlite3.Error: it cannot be made.
    """
    connection.execute(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} USING vec0("
        f"entry_id TEXT PRIMARY KEY, vector FLOAT[{int(dimensions)}])"
    )


def replace(connection: sqlite3.Connection, rows: Iterable[tuple[str, bytes]]) -> None:
    """Store vectors by the ids of their entries, in place of those before.

    Raises:
        sqlite3.Error: one has another length; the caller's transaction is left to the caller.
    """
    for entry_id, vector in rows:
        connection.execute(f"DELETE FROM {TABLE} WHERE entry_id = ?", (entry_id,))
        connection.execute(f"INSERT INTO {TABLE}(entry_id, vector) VALUES (?, ?)", (entry_id, vector))


def remove(connection: sqlite3.Connection, entry_id: str) -> None:
    """Remove the vector of an entry.

    Raises:
        sqlite3.Error: there is no such table.
    """
    connection.execute(f"DELETE FROM {TABLE} WHERE entry_id = ?", (entry_id,))


def rebuild(
    connection: sqlite3.Connection, dimensions: int, models: tuple[str, ...], unit: Callable[[bytes], bytes]
) -> int:
    """Fill the table anew with the summary vectors of one model and length.

    Args:
        models: the name of the model in every spelling.
        unit: makes a vector one of length 1.

    Returns:
        How many there are.

    Raises:
        sqlite3.Error: the table cannot be filled; the caller's transaction is left to the caller.
    """
    rows = connection.execute(
        "SELECT entry_id, vector FROM embeddings WHERE embedding_type = 'summary' AND dimensions = ?"
        " AND typeof(vector) = 'blob' AND length(vector) = 4 * dimensions"
        f" AND model_name IN ({', '.join('?' * len(models))}) ORDER BY rowid",
        (dimensions, *models),
    ).fetchall()
    connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
    create(connection, dimensions)
    replace(connection, ((entry_id, unit(vector)) for entry_id, vector in rows))
    return len(rows)


def nearest(connection: sqlite3.Connection, query: bytes, k: int) -> list[tuple[str, float]]:
    """Ids and Euclidean distances of the vectors nearest to one, nearest first.

    Raises:
        sqlite3.Error: there is no such table, or its vectors have another length.
    """
    found = connection.execute(
        f"SELECT entry_id, distance FROM {TABLE} WHERE vector MATCH ? AND k = ? ORDER BY distance", (query, k)
    )
    return [(str(entry_id), float(distance)) for entry_id, distance in found]
