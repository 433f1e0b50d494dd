"""Entries that are similar by their words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.counting import CountingBackend
from support.entries import ANY_TEXT, contexts, entries

from rekall.capture import new_entry
from rekall.db import Database
from rekall.errors import EntryNotFoundError
from rekall.infra import register_backend
from rekall.models import Entry, StructuredContext
from rekall.similar import Similar, similar_entries, similar_to_text


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def add(db: Database, title: str, content: str = "", *, tags: tuple[str, ...] = (), keywords: str = "") -> Entry:
    """Store an entry, with a context when keywords are given."""
    entry = new_entry("bug", title, content=content, tags=tags)
    context = StructuredContext("It happened", "It was solved", keywords.split()) if keywords else None
    db.add(entry, context=context)
    return entry


def titles(found: list[Similar]) -> list[str]:
    return [one.entry.title for one in found]


def test_the_nearest_comes_first(db: Database) -> None:
    """More shared words, a higher score; the entry itself and those that share nothing are not there."""
    one = add(db, "Proxy drops long exports", "The proxy closes idle connections", tags=("http",))
    add(db, "Proxy drops long downloads", "Idle connections are closed")
    add(db, "Proxy password")
    add(db, "Otters swim")
    found = similar_entries(db, one.id)
    assert titles(found) == ["Proxy drops long downloads", "Proxy password"]
    assert 0 < found[1].score < found[0].score < 1
    assert found[1].shared == ("proxy",)
    assert set(found[0].shared) >= {"proxy", "drops", "long", "idle"}


def test_the_same_text_scores_one(db: Database) -> None:
    """Two entries that say the same are as similar as entries can be, seen from either."""
    one, two = add(db, "Proxy drops exports", "nginx"), add(db, "Proxy drops exports", "nginx")
    assert [found.score for found in similar_entries(db, one.id)] == [1.0]
    assert [found.score for found in similar_entries(db, two.id)] == [1.0]


def test_the_score_is_the_same_seen_from_either(db: Database) -> None:
    """Similarity has no direction."""
    one = add(db, "Proxy drops exports", "nginx has a limit for idle connections", keywords="proxy idle")
    two = add(db, "Exports are slow", tags=("nginx", "sql"))
    assert similar_entries(db, one.id)[0].score == pytest.approx(similar_entries(db, two.id)[0].score)


def test_contexts_and_tags_count(db: Database) -> None:
    """Entries whose texts share nothing are similar by keyword of the context, or by tag."""
    one = add(db, "Walrus", tags=("nginx",), keywords="backpressure")
    add(db, "Otter", keywords="backpressure")
    add(db, "Heron", tags=("nginx",))
    found = {other.entry.title: other.shared for other in similar_entries(db, one.id)}
    assert found == {"Otter": ("backpressure",), "Heron": ("nginx",)}


def test_endings_and_accents_make_no_difference(db: Database) -> None:
    """A plural or an accent does not hide what two entries share."""
    one = add(db, "Retries of the café proxies")
    add(db, "retry cafe proxy")
    assert [found.score for found in similar_entries(db, one.id)] == [1.0]


def test_obsolete_entries_are_left_out(db: Database) -> None:
    """What no longer holds is proposed to nobody, by text or by keyword."""
    one = add(db, "Proxy drops exports", keywords="idle")
    gone = add(db, "Proxy drops exports", keywords="idle")
    db.entries.change(gone.id, {"status": "obsolete"})
    assert similar_entries(db, one.id) == []
    assert titles(similar_to_text(db, "proxy")) == ["Proxy drops exports"]


def test_limit(db: Database) -> None:
    """As many as asked for; a negative limit is none, 0 gives nothing."""
    one = add(db, "Proxy 0")
    for number in range(1, 5):
        add(db, f"Proxy {number}")
    assert [len(similar_entries(db, one.id, limit)) for limit in (2, 0, -1)] == [2, 0, 4]


def test_nothing_is_counted(db: Database) -> None:
    """Looking for similar entries is no access to any of them."""
    one, two = add(db, "Proxy drops exports"), add(db, "Proxy drops exports")
    similar_entries(db, one.id)
    similar_to_text(db, "proxy")
    assert [entry.access_count for entry in db.entries.get_many([one.id, two.id]).values()] == [0, 0]


def test_unknown_entry(db: Database) -> None:
    """Nothing is similar to an entry that is not there."""
    with pytest.raises(EntryNotFoundError, match="01NOPE"):
        similar_entries(db, "01NOPE")


def test_entry_without_words(db: Database) -> None:
    """A title of signs alone shares nothing with another one."""
    one = add(db, "???")
    add(db, "!!!")
    assert similar_entries(db, one.id) == []


def test_text(db: Database) -> None:
    """The share of the words that an entry holds is its score; function words count when there is nothing else."""
    add(db, "Proxy drops long exports")
    add(db, "Proxy password")
    add(db, "What is this")
    found = similar_to_text(db, "the proxy drops exports")
    assert [(one.entry.title, one.score) for one in found] == [
        ("Proxy drops long exports", 1.0),
        ("Proxy password", pytest.approx(1 / 3)),
    ]
    assert titles(similar_to_text(db, "what is this?")) == ["What is this"]


@pytest.mark.fault(9, 14)
@pytest.mark.parametrize("text", ["user-id", "C++", "what is this?", "", "[x", '"', "NOT", "a:b OR (", "%", "it's"])
def test_any_text_may_be_asked_for(db: Database, text: str) -> None:
    """What is no search expression is read as words."""
    add(db, "The user-id of C++ isn't this")
    assert all(0 < one.score <= 1 for one in similar_to_text(db, text))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(entries(), st.none() | contexts()), min_size=2, max_size=4), ANY_TEXT)
def test_scores_stay_in_their_range(
    tmp_path_factory: pytest.TempPathFactory, stored: list[tuple[Entry, StructuredContext | None]], text: str
) -> None:
    """Whatever is stored and asked for, scores are over 0 and 1 at most, and something is shared."""
    with Database(tmp_path_factory.mktemp("base") / "k.db") as db:
        for entry, context in stored:
            db.add(entry, context=context)
        found = similar_to_text(db, text) + [one for entry, _ in stored for one in similar_entries(db, entry.id)]
    assert all(0 < one.score <= 1 and one.shared and one.entry.status == "active" for one in found)


def test_a_fixed_number_of_queries(tmp_path: Path) -> None:
    """However many candidates there are."""
    backend = CountingBackend(tmp_path / "k.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as db:
        one = add(db, "Proxy drops exports", keywords="proxy")
        counts = []
        for number in range(40):
            add(db, f"Proxy {number}", keywords="proxy")
            if number in (1, 39):
                backend.reset()
                similar_entries(db, one.id, 30)
                counts.append(backend.reads())
    assert counts[0] == counts[1] < 10
