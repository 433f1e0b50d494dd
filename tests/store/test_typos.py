"""A typing error in a title does not keep its entry from being found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import typos
from support.typos import Typo

from rekall.db import Database

REQUIRED = 0.9
TYPOS = typos.typos()

Find = Callable[[str], list[str]]


@pytest.fixture
def find(tmp_path: Path) -> Iterator[Find]:
    """Titles of the first ten hits in a base that holds all of the titles."""
    with Database(tmp_path / "typos.db") as db:
        db.init()
        titles = typos.fill(db)
        yield lambda query: [titles[hit.entry.id] for hit in db.search(query, limit=10)]


def found(find: Find, cases: list[tuple[Typo, str]]) -> tuple[float, list[str]]:
    """The share of queries that find the entry of their title, and those that do not."""
    missed = [f"{query!r} ({typo.word}): {typo.title}" for typo, query in cases if typo.title not in find(query)]
    return 1 - len(missed) / len(cases), missed


def test_200_titles_have_one_edit_each() -> None:
    """The drill has the size that was asked for; each error changes the title by a letter or two."""
    assert len({typo.title for typo in TYPOS}) == len(TYPOS) >= 200
    assert all(abs(len(typo.typed) - len(typo.word)) <= 1 and typo.typed != typo.word for typo in TYPOS)
    assert all(typo.typed in typo.typed_title != typo.title for typo in TYPOS)


def test_a_title_with_one_error(find: Find) -> None:
    """The whole title, one word of which has an error, finds the entry in 90 %."""
    share, missed = found(find, [(typo, typo.typed_title) for typo in TYPOS])
    assert share >= REQUIRED, f"{share:.1%}, missed: " + "; ".join(missed)
