"""An entry made of several."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rekall.capture import new_entry
from rekall.db import Database
from rekall.errors import EntryNotFoundError, IntegrityError, InvalidValueError
from rekall.generalize import Draft, create, draft
from rekall.models import Entry, Link, StructuredContext


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def add(db: Database, title: str, *, keywords: str = "", **fields: Any) -> Entry:
    """Store an entry, with a context when keywords are given."""
    entry = new_entry("bug", title, **fields)
    context = StructuredContext("It happened", "It was solved", keywords.split()) if keywords else None
    db.add(entry, context=context)
    return entry


def everything(db: Database) -> list[Any]:
    """The tables that a generalization writes."""
    fetch = db.store.session.fetch_all
    return [fetch(f"SELECT * FROM {table} ORDER BY rowid") for table in ("entries", "tags", "links")]


def test_the_draft_of_0_3(db: Database) -> None:
    """Title and project of the first entry, confidence 3, semantic, five tags, and nothing is stored."""
    one = add(db, "A title that is far longer than forty characters", project="shop", tags=["b", "a", "c"])
    two = add(db, "Two", project="other", tags=["a", "d", "e", "f"])
    before = everything(db)
    drafted = draft(db, [one.id, two.id])
    entry = drafted.entry
    assert entry.title == "Pattern: A title that is far longer than forty ch..."
    assert (entry.type, entry.project, entry.confidence, entry.memory_type) == ("pattern", "shop", 3, "semantic")
    assert len(entry.tags) == 5
    assert "a" in entry.tags
    assert [source.id for source in drafted.sources] == [one.id, two.id]
    assert everything(db) == before


def test_tags_of_several_entries(db: Database) -> None:
    """What an assistant generalizes takes only tags that two entries have."""
    one, two = add(db, "One", tags=["a", "b", "c"]), add(db, "Two", tags=["b", "c"])
    assert draft(db, [one.id, two.id], tag_uses=2).entry.tags == ["b", "c"]


def test_the_content_says_where_it_was_seen(db: Database) -> None:
    """Each entry with the beginning of its content and its solution, and the keywords that two share."""
    one = add(db, "One", content="x" * 400, keywords="proxy idle")
    two = add(db, "Two", content="short\ntext", keywords="proxy nginx")
    content = draft(db, [one.id, two.id]).entry.content
    assert f"- One (bug)\n  {'x' * 300}...\n  It was solved\n- Two (bug)\n  short text\n" in content
    assert content.endswith("Keywords in common: proxy")


def test_title_and_type_are_taken(db: Database) -> None:
    """What is given is not drafted; a refused one is refused before anything is stored."""
    ids = [add(db, "One").id, add(db, "Two").id]
    assert draft(db, ids, title=" Mine ", entry_type="decision").entry.title == "Mine"
    assert draft(db, ids, entry_type="decision").entry.title == "Decision: One"
    with pytest.raises(InvalidValueError, match="title"):
        draft(db, ids, title=" ")
    with pytest.raises(InvalidValueError, match="'idea'"):
        draft(db, ids, entry_type="idea")


def test_created_with_its_links(db: Database) -> None:
    """The entry is there with one derived_from link to each source, found by its text and its tags."""
    one, two = add(db, "One", tags=["otter"]), add(db, "Two")
    drafted = draft(db, [one.id, two.id])
    links = create(db, drafted, reason="because")
    assert db.get_links(drafted.entry.id) == links
    assert [(link.target_id, link.relation_type, link.reason) for link in links] == [
        (one.id, "derived_from", "because"),
        (two.id, "derived_from", "because"),
    ]
    stored = db.get(drafted.entry.id, update_access=False)
    assert stored is not None
    assert (stored.title, stored.tags, stored.memory_type) == ("Pattern: One", ["otter"], "semantic")
    assert drafted.entry.id in {hit.entry.id for hit in db.search("otter")}


@pytest.mark.fault(49)
def test_a_repeated_id_counts_once(db: Database) -> None:
    """It makes no second link; twice the same entry alone is refused, and nothing is written."""
    one, two = add(db, "One"), add(db, "Two")
    drafted = draft(db, [one.id, two.id, one.id])
    create(db, drafted)
    assert [link.target_id for link in db.get_links(drafted.entry.id)] == [one.id, two.id]
    before = everything(db)
    for ids in ([one.id, one.id], [one.id], []):
        with pytest.raises(InvalidValueError, match="two different entries"):
            draft(db, ids)
    assert everything(db) == before


def test_unknown_entry(db: Database) -> None:
    """An id that no entry has is named."""
    with pytest.raises(EntryNotFoundError, match="01NOPE"):
        draft(db, [add(db, "One").id, "01NOPE"])


def test_a_source_deleted_meanwhile_leaves_no_trace(db: Database) -> None:
    """The entry, its tags and its other links are not there either."""
    one, two, three = add(db, "One", tags=["x"]), add(db, "Two"), add(db, "Three")
    drafted = draft(db, [one.id, two.id, three.id])
    db.delete(two.id)
    before = everything(db)
    with pytest.raises(EntryNotFoundError, match=two.id):
        create(db, drafted)
    assert everything(db) == before


def test_a_link_that_is_refused_leaves_no_trace(db: Database) -> None:
    """Whatever refuses the batch, all of it is undone."""
    one, two = add(db, "One"), add(db, "Two")
    before = everything(db)
    entry = new_entry("pattern", "New", tags=["t"])
    twice = [Link(str(number), entry.id, one.id, "derived_from") for number in range(2)]
    with pytest.raises(IntegrityError):
        db.entries.add(entry, links=twice)
    with pytest.raises(IntegrityError):
        create(db, Draft(one, (two,)))  # its id exists
    assert everything(db) == before


def test_deletion_and_creation_race(db: Database) -> None:
    """While a source is being deleted, the entry comes into being with all its links or not at all."""
    for _ in range(10):
        one, two = add(db, "One"), add(db, "Two")
        drafted = draft(db, [one.id, two.id])
        deleting = threading.Thread(target=db.delete, args=[two.id])
        deleting.start()
        try:
            create(db, drafted)
            made = True
        except EntryNotFoundError:
            made = False
        deleting.join()
        found = db.get(drafted.entry.id, update_access=False)
        assert (found is not None) == made
        assert [link.target_id for link in db.get_links(drafted.entry.id)] == ([one.id] if made else [])
