"""Words that are taken for others: which ones, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rekall.db import Database
from rekall.finding import Question, find
from rekall.models import Entry, StructuredContext


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        for number, title in enumerate(("cors headers", "cross compiling", "core dumped", "a build")):
            context = StructuredContext("the ci was slow", "layers", ["build"]) if title == "a build" else None
            opened.add(Entry(str(number), title, "bug"), context=context)
        yield opened


@pytest.mark.parametrize(
    ("typed", "found", "told"),
    [("corss", ["0", "1"], ["cors", "cross"]), ("crs", ["0"], ["cors"]), ("coer", ["2"], ["core"])],
)
def test_a_word_that_only_stems_like_one_of_the_base_finds_nothing(
    db: Database, typed: str, found: list[str], told: list[str]
) -> None:
    """`cores` and `cis` are one error away, and stem like `core` and `ci`: but no entry holds them."""
    answer = find(db, Question(typed))
    assert sorted(hit.entry.id for hit in answer.hits) == found
    assert {word: sorted(meant) for word, meant in answer.corrections.items()} == {typed: told}


def test_every_hit_is_counted_once(db: Database) -> None:
    """However many readings were tried."""
    find(db, Question("corss"))
    assert [entry.access_count for entry in sorted(db.list_all(), key=lambda entry: entry.id)] == [1, 1, 0, 0]


def test_words_that_stand_in_no_entry_together(db: Database) -> None:
    """Each is told, and finds what holds it."""
    answer = find(db, Question("haeders copmiling"))
    assert sorted(hit.entry.id for hit in answer.hits) == ["0", "1"]
    assert answer.corrections == {"haeders": ["headers"], "copmiling": ["compiling"]}
