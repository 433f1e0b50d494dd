"""Words that were probably meant, out of the base's own words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import databases

from rekall.db import Database
from rekall.models import Entry, StructuredContext
from rekall.store.spelling import edits


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        for number, title in enumerate(["cors headers", "cors policy", "cross compiling", "configuration", "été"]):
            opened.add(Entry(str(number), title, "bug"))
        yield opened


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("corss", ["cors", "cross"]),
        ("croos", ["cross"]),
        ("haeders", ["headers"]),
        ("eaders", ["headers"]),
        ("polucy", ["policy"]),
        ("Configuratoin", ["configuration"]),
        ("policyy", ["policy"]),
    ],
)
def test_one_edit(db: Database, typed: str, meant: list[str]) -> None:
    """A letter too many, missing, wrong, or exchanged; words of more entries come first."""
    found = db.store.spelling.corrections([typed])[typed.lower()]
    assert [word for word in found if word in meant] == meant
    assert found[0] == meant[0]


@pytest.mark.parametrize("word", ["cors", "CORS", "compile", "configurations", "ab", "zzzzzz", "x" * 50, "ete"])
def test_nothing_to_correct(db: Database, word: str) -> None:
    """Words that the base holds, in any form that the index takes for the same; short, long and strange ones."""
    assert db.store.spelling.corrections([word]) == {}


def test_words_of_contexts_count(db: Database) -> None:
    """A context's words are the base's too."""
    db.add(Entry("C", "x", "bug"), context=StructuredContext("the walrus", "a solution", ["keyword"]))
    assert db.store.spelling.corrections(["wlarus"]) == {"wlarus": ["walrus"]}


@pytest.mark.parametrize(
    ("title", "typed"),
    [("привет", "првет"), ("привет", "превет"), ("ёлка", "лка"), ("ταχύτητα", "ταχύτητ"), ("שלום", "שלם")],
)
def test_a_letter_is_missing_or_wrong_in_another_alphabet(db: Database, title: str, typed: str) -> None:
    """One that the typed word does not hold."""
    db.add(Entry("O", title, "bug"))
    assert db.store.spelling.corrections([typed])[typed][0] == title


def test_a_base_that_only_0_3_wrote(tmp_path: Path) -> None:
    """Without the table of contexts the entries' own words are enough, and nothing is written."""
    path = databases.unpack("v12.db", tmp_path)
    before = path.read_bytes()
    with Database(path) as db:
        assert "deadlock" in db.store.spelling.corrections(["deadlok"])["deadlok"]
    assert path.read_bytes() == before


@given(word=st.text("abcdefé", min_size=1, max_size=9) | st.text("абвגд語", min_size=1, max_size=9))
def test_edits_are_one_edit_away(word: str) -> None:
    """Each differs, by a letter in length at most, and comes once."""
    found = edits(word)
    assert len(set(found)) == len(found)
    assert word not in found
    assert all(abs(len(one) - len(word)) <= 1 for one in found)
    assert set(word) <= set("".join(found)) or len(word) == 1
