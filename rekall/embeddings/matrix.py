"""The vectors of a base as one matrix, kept in the cache back end for as long as no vector changes.

What is kept begins with the stamp of the vectors (`Vectors.stamps`), and counts only while the base has the same one: a
vector that any process adds, changes or removes counts at once, and so does a backup that is put back. A base without
a stamp is read anew for every search.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from rekall.embeddings import kept as cache
from rekall.embeddings.vectors import unit_rows
from rekall.store import OpenBase
from rekall.store.vectors import FLOAT, VectorSpace

if TYPE_CHECKING:
    import numpy as np

LARGEST = 256 * 2**20
"""Bytes of vectors that are kept together at most: 174,000 of 384 numbers. More are read anew, page by page."""
_HEADER = struct.Struct("<32sQQ16x")
"""Stamp, rows, dimensions; vectors, the ends of the ids (64-bit) and the ids (UTF-8) follow, without any gap."""
_END = 8


class UnitVectors(NamedTuple):
    """Vectors of length 1 with the ids of their entries, in the order of their storing.

    Args:
        rows: shape (n, dimensions), 32-bit floats; a vector without length is all zeros.
        ends: shape (n,): where in `ids` each id ends.
        ids: the ids one after the other, UTF-8.
    """

    rows: np.ndarray[Any, Any]
    ends: np.ndarray[Any, Any]
    ids: bytes | memoryview

    def best(self, query: np.ndarray[Any, Any], threshold: float, limit: int) -> list[tuple[str, float]]:
        """Ids and cosine similarities of those most like one, best first; equally good ones in their order.

        Args:
            query: shape (dimensions,), of length 1.
            threshold: the lowest similarity. A damaged vector is like nothing.
            limit: results at most; a negative number is no limit.
        """
        import numpy as np

        with np.errstate(invalid="ignore", over="ignore"):
            scores = self.rows @ query
            if 0 <= limit < len(scores):
                comparable = np.where(np.isnan(scores), -np.inf, scores)
                threshold = max(threshold, float(np.partition(comparable, -limit)[-limit])) if limit else np.inf
            places = np.flatnonzero(scores >= threshold)
        ranked = places[np.argsort(-scores[places], kind="stable")]
        return [(self.id(int(place)), float(scores[place])) for place in (ranked if limit < 0 else ranked[:limit])]

    def id(self, place: int) -> str:
        """The id of the entry that a row belongs to."""
        start = int(self.ends[place - 1]) if place else 0
        return bytes(self.ids[start : int(self.ends[place])]).decode("utf-8", "surrogatepass")


def kept(db: OpenBase, space: VectorSpace, kind: str) -> UnitVectors | None:
    """The vectors as the cache has them, None when it has none that are current."""
    stamp = _stamp(db)
    return None if stamp is None else _unpacked(cache.get(db, _name(space, kind)), stamp, space.dimensions)


def is_worth_keeping(db: OpenBase, space: VectorSpace, kind: str) -> bool:
    """Whether this was asked before about the same vectors: who searches once needs no matrix."""
    stamp = _stamp(db)
    if stamp is None:
        return False
    name = f"{_name(space, kind)}:asked"
    if cache.get(db, name) == stamp:
        return True
    cache.put(db, name, stamp)
    return False


def read(db: OpenBase, space: VectorSpace, kind: str, *, keep: bool = True) -> Iterator[UnitVectors]:
    """All vectors of a base, some thousand at a time.

    Args:
        keep: the cache has them afterwards, if they are not too many. Together they take twice their size for a while.

    Raises:
        MissingDependencyError: numpy is not installed.
    """
    stamp = _stamp(db) if keep else None
    parts: list[UnitVectors] = []
    number = 0
    for ids, vectors in db.store.vectors.pages(space, kind):
        part = _unit_vectors(ids, vectors)
        yield part
        number += len(ids)
        if stamp is not None and number * space.dimensions * FLOAT <= LARGEST:
            parts.append(part)
        else:
            parts, stamp = [], None
    if stamp is not None and stamp == _stamp(db):
        cache.put(db, _name(space, kind), _packed(stamp, parts, space.dimensions))


def _stamp(db: OpenBase) -> str | None:
    """That of the vectors; None where nothing can be kept: without a stamp, and without numpy."""
    stamps = None if find_spec("numpy") is None else db.store.vectors.stamps()
    return None if stamps is None else stamps.vectors


def _unit_vectors(ids: list[str], vectors: np.ndarray[Any, Any]) -> UnitVectors:
    import numpy as np

    encoded = [entry_id.encode("utf-8", "surrogatepass") for entry_id in ids]
    ends = np.fromiter(accumulate(map(len, encoded)), dtype="<u8", count=len(ids))
    return UnitVectors(np.ascontiguousarray(unit_rows(vectors), dtype="<f4"), ends, b"".join(encoded))


def _packed(stamp: str, parts: list[UnitVectors], dimensions: int) -> bytes:
    number = sum(len(part.ends) for part in parts)
    before = accumulate((len(part.ids) for part in parts), initial=0)
    ends = [part.ends + start for part, start in zip(parts, before, strict=False)]
    header = _HEADER.pack(stamp.encode(), number, dimensions)
    return b"".join(
        [header, *(part.rows.data for part in parts), *(each.data for each in ends), *(part.ids for part in parts)]
    )


def _unpacked(value: object, stamp: str, dimensions: int) -> UnitVectors | None:
    if not isinstance(value, bytes) or len(value) < _HEADER.size:
        return None
    of, number, length = _HEADER.unpack_from(value)
    size = number * dimensions * FLOAT
    if of != stamp.encode() or length != dimensions or len(value) < _HEADER.size + size + number * _END:
        return None
    import numpy as np

    rows = np.frombuffer(value, "<f4", number * dimensions, _HEADER.size).reshape(number, dimensions)
    ends = np.frombuffer(value, "<u8", number, _HEADER.size + size)
    return UnitVectors(rows, ends, memoryview(value)[_HEADER.size + size + number * _END :])


def _name(space: VectorSpace, kind: str) -> str:
    return f"vectors:{kind}:{space.dimensions}:{space.models[0]}"
