"""Links of hits are read where there are some; a search whose hits have none asks for none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rekall.db import Database
from rekall.finding import Question, find
from rekall.handle import SessionOptions
from rekall.models import Entry


@pytest.fixture(params=[False, True], ids=["command", "server"])
def db(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """Three entries that a query finds, and one that it does not; searched as a command does, and as a server."""
    with Database(tmp_path / "base.db", options=SessionOptions(keep_searches=request.param)) as opened:
        for name in ("first", "second", "third"):
            opened.add(Entry(id=name, title=f"proxy {name}", type="bug", content=""))
        opened.add(Entry(id="other", title="nothing of it", type="bug", content=""))
        yield opened


def asked(db: Database, monkeypatch: pytest.MonkeyPatch, query: str = "proxy") -> tuple[list[str], int]:
    """The entries that are linked to the hits, and how often links were asked for."""
    number = 0
    links_among = db.store.links.links_among

    def counted(ids: list[str]) -> object:
        nonlocal number
        number += 1
        return links_among(ids)

    with monkeypatch.context() as patched:
        patched.setattr(db.store.links, "links_among", counted)
        answer = find(db, Question(query))
    return [linked.entry.id for linked in answer.linked], number


def test_without_links_none_is_asked_for(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement of the search has seen it."""
    assert asked(db, monkeypatch) == ([], 0)


@pytest.mark.parametrize(("source", "target"), [("second", "other"), ("other", "third")])
def test_a_link_of_one_hit_is_told(db: Database, monkeypatch: pytest.MonkeyPatch, source: str, target: str) -> None:
    """Whichever end the hit is, and as soon as it is there; again none, when it is gone."""
    assert asked(db, monkeypatch) == ([], 0)
    db.add_link(source, target)
    assert asked(db, monkeypatch) == (["other"], 1)
    db.delete_link(source, target)
    assert asked(db, monkeypatch) == ([], 0)


def test_links_of_entries_that_are_no_hits_do_not_count(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of another reading of the query, what it finds does."""
    db.add_link("first", "other")
    assert asked(db, monkeypatch, "third") == ([], 0)
    assert asked(db, monkeypatch, "frist") == (["other"], 1)
