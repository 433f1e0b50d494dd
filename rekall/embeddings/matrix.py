"""The vectors of a base as one matrix, kept in the cache back end for as long as no vector changes.

What is kept begins with the stamp of the vectors (`Vectors.stamps`), and counts only while the base has the same one: a
vector that any process adds, changes or removes counts at once, and so does a backup that is put back. A base without
a stamp is read anew for every search.

The key names the base and not its state, so that a new matrix takes the place of the one before: it may be large. The
process that unpacked it holds it: a cache outside the process would send all of it for every search.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from rekall.embeddings.vectors import unit_rows
from rekall.store import OpenBase
from rekall.store.stamps import Stamps
from rekall.store.vectors import FLOAT, VectorSpace

if TYPE_CHECKING:
    import numpy as np

LARGEST = 256 * 2**20
"""Bytes of vectors that are kept together at most: 174,000 of 384 numbers. More are read anew, page by page."""
_HEADER = struct.Struct("<32sQQ16x")
"""Stamp, rows, dimensions; vectors, the ends of the ids (64-bit) and the ids (UTF-8) follow, without any gap."""
_END = 8
_INSTEAD = "vectors are read from the base"


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
    """The vectors as this process or the cache has them, None when neither has any that are current."""
    stamps = _stamps(db)
    if stamps is None:
        return None
    name = _name(space, kind)
    held: UnitVectors | None = db.store.kept.held(name, stamps.vectors)
    if held is not None:
        return held
    key = _key(stamps, name)
    # of an older state it would be fetched for nothing
    if db.store.kept.get(f"{key}:of", instead=_INSTEAD) != stamps.vectors:
        return None
    fetched = _unpacked(db.store.kept.get(key, instead=_INSTEAD), stamps.vectors, space.dimensions)
    if fetched is not None:
        db.store.kept.hold(name, stamps.vectors, fetched)
    return fetched


def is_worth_keeping(db: OpenBase, space: VectorSpace, kind: str) -> bool:
    """Whether this was asked before about the same vectors: who searches once needs no matrix."""
    stamps = _stamps(db)
    if stamps is None:
        return False
    key = f"{_key(stamps, _name(space, kind))}:asked"
    if db.store.kept.get(key, instead=_INSTEAD) == stamps.vectors:
        return True
    db.store.kept.put(key, stamps.vectors, what="vectors")
    return False


def read(db: OpenBase, space: VectorSpace, kind: str, *, keep: bool = True) -> Iterator[UnitVectors]:
    """All vectors of a base, some thousand at a time.

    Args:
        keep: the cache has them afterwards, if they are not too many. Together they take twice their size for a while.

    Raises:
        MissingDependencyError: numpy is not installed.
    """
    stamps = _stamps(db) if keep else None
    parts: list[UnitVectors] = []
    number = 0
    for ids, vectors in db.store.vectors.pages(space, kind):
        part = _unit_vectors(ids, vectors)
        yield part
        number += len(ids)
        if stamps is not None and number * space.dimensions * FLOAT <= LARGEST:
            parts.append(part)
        else:
            parts, stamps = [], None
    now = None if stamps is None else _stamps(db)
    if stamps is not None and now is not None and stamps.vectors == now.vectors:
        name, packed = _name(space, kind), _packed(stamps.vectors, parts, space.dimensions)
        parts.clear()
        if db.store.kept.put(_key(stamps, name), packed, what="vectors"):
            db.store.kept.put(f"{_key(stamps, name)}:of", stamps.vectors, what="vectors")
        db.store.kept.hold(name, stamps.vectors, _unpacked(packed, stamps.vectors, space.dimensions))


def _stamps(db: OpenBase) -> Stamps | None:
    """Those of the base; None where nothing can be kept: without stamps, and without numpy."""
    return None if find_spec("numpy") is None else db.store.vectors.stamps()


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
    return f"{kind}:{space.dimensions}:{space.models[0]}"


def _key(stamps: Stamps, name: str) -> str:
    return f"vectors:{stamps.base}:{name}"
