"""What a developer pastes finds the entry that is about it: error messages, tracebacks, paths, symbols, versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pasted import Pasted, Query

from rekall.db import Database
from rekall.models import Entry

REQUIRED = 0.95


class Base:
    """The base of the set, and what a search of it gives first."""

    def __init__(self, db: Database, pasted: Pasted) -> None:
        self._db = db
        self._keys = pasted.fill(db)

    def found(self, query: str) -> list[str]:
        """The keys of the first ten hits."""
        return [self._keys[hit.entry.id] for hit in self._db.search(query, limit=10)]

    def missed(self, queries: list[Query]) -> list[tuple[Query, list[str]]]:
        """The queries whose entry did not come first, and what came."""
        found = [(query, self.found(query.pasted)) for query in queries]
        return [(query, keys) for query, keys in found if keys[:1] != [query.entry]]


@pytest.fixture
def pasted() -> Pasted:
    return Pasted()


@pytest.fixture
def base(tmp_path: Path, pasted: Pasted) -> Iterator[Base]:
    """The set in a base."""
    with Database(tmp_path / "pasted.db") as db:
        db.init()
        yield Base(db, pasted)


def test_the_right_entry_comes_first(base: Base, pasted: Pasted) -> None:
    """For 95 % of all that is pasted."""
    missed = base.missed(pasted.queries)
    parts = {"tuning": pasted.tuning, "held out": pasted.held_out, "later": pasted.later}
    wrong = [query for query, _ in missed]
    told = [f"{name} {sum(query not in wrong for query in part)}/{len(part)}" for name, part in parts.items()]
    first = 1 - len(missed) / len(pasted.queries)
    assert first >= REQUIRED, f"{first:.1%} ({', '.join(told)}); missed:\n" + "\n".join(
        f"  {query.pasted[-70:]!r}: {query.entry}, found {keys[:3]}" for query, keys in missed
    )


def test_the_right_entry_is_among_the_first_ten(base: Base, pasted: Pasted) -> None:
    """For 98 %."""
    found = [query.entry in base.found(query.pasted) for query in pasted.queries]
    assert sum(found) >= 0.98 * len(found), [query for query, hit in zip(pasted.queries, found, strict=True) if not hit]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("blob", ["x" * 100_000, "_" * 100_000 + "qqzz", "x1" * 50_000, "1.1" * 30_000])
def test_a_pasted_blob_is_one_word(blob: str, base: Base) -> None:
    """Reading it takes time in proportion to its length, not to the square of that: it would be minutes."""
    assert base.found(f"{blob} connection") == base.found("nowhere connection") != []


def test_the_set_is_whole(pasted: Pasted) -> None:
    """Each query is there once and means an entry; the set has the size that was asked for."""
    keys = [entry["key"] for entry in pasted.entries]
    assert len(keys) == len(set(keys)) >= 120
    assert len(pasted.queries) == len({query.pasted for query in pasted.queries}) >= 80
    assert {query.entry for query in pasted.queries} <= set(keys)


def test_the_colours_of_a_message_are_no_part_of_it(tmp_path: Path) -> None:
    """Escape sequences of a terminal stick to words, and would be words of their own."""
    with Database(tmp_path / "k.db") as db:
        db.add(Entry("COLOUR", "mypy: error: Incompatible types", "bug"))
        found = db.search("\x1b[1mmypy:\x1b[0m \x1b[1;31merror:\x1b[0m Incompatible")
        assert [(hit.entry.id, hit.matched) for hit in found] == [("COLOUR", "entry")]
