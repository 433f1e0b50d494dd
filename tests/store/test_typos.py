"""A typing error in a title does not keep its entry from being found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import typos
from support.typos import Typo

from rekall.db import Database
from rekall.finding import Answer, Question, find

REQUIRED = 0.9
TYPOS = typos.typos()

Ask = Callable[[str], Answer]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """The first ten hits in a base that holds all of the titles."""
    with Database(tmp_path / "typos.db") as db:
        db.init()
        typos.fill(db)
        yield lambda query: find(db, Question(query, limit=10))


def share(cases: list[tuple[Typo, str]], right: Callable[[Typo, str], bool]) -> tuple[float, str]:
    """The share of queries with the right answer, and those with another one."""
    missed = [f"{query!r} ({typo.word}): {typo.title}" for typo, query in cases if not right(typo, query)]
    return 1 - len(missed) / len(cases), f"{len(missed)} of {len(cases)} missed: " + "; ".join(missed)


def test_200_titles_have_one_edit_each() -> None:
    """The drill has the size that was asked for; each error changes the title by a letter or two."""
    assert len({typo.title for typo in TYPOS}) == len(TYPOS) >= 200
    assert all(abs(len(typo.typed) - len(typo.word)) <= 1 and typo.typed != typo.word for typo in TYPOS)
    assert all(typo.typed in typo.typed_title != typo.title for typo in TYPOS)


def test_a_title_with_one_error(ask: Ask) -> None:
    """The whole title, one word of which has an error, finds the entry in 90 %."""
    found, missed = share(
        [(typo, typo.typed_title) for typo in TYPOS],
        lambda typo, query: typo.title in [hit.entry.title for hit in ask(query).hits],
    )
    assert found >= REQUIRED, missed


def test_two_words_one_of_them_with_an_error(ask: Ask) -> None:
    """The word with the error and one other word of the title, as common as it may be, find the entry in 90 %."""
    found, missed = share(
        [(typo, f"{typo.other} {typo.typed}") for typo in TYPOS if typo.other],
        lambda typo, query: typo.title in [hit.entry.title for hit in ask(query).hits],
    )
    assert found >= REQUIRED, missed


def test_the_word_alone(ask: Ask) -> None:
    """For a word that no entry holds, the right one is among those that are offered in 90 %, and the answer says so."""
    tried = TYPOS[::2]
    answers = {typo.typed: ask(typo.typed) for typo in tried}
    corrected = [(typo, typo.typed) for typo in tried if answers[typo.typed].corrections]
    assert len(corrected) >= REQUIRED * len(tried)
    offered, missed = share(
        corrected, lambda typo, typed: typo.word.lower() in answers[typed].corrections[typed.lower()]
    )
    assert offered >= REQUIRED, missed
    assert all(any(f"'{typed.lower()}'" in note for note in answers[typed].notes) for _, typed in corrected)
