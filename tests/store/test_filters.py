"""Saved filters: a name, a dict, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from rekall.db import Database
from rekall.errors import IntegrityError
from rekall.models import SavedFilter


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


@pytest.mark.parametrize(
    "filters", [{}, {"tags": ["été", 'quo"te'], "min_score": 12.5, "statuses": [], "roles": None, "last_used_days": 30}]
)
def test_a_filter_comes_back_as_it_was_given(db: Database, filters: dict[str, Any]) -> None:
    """By its id and in the list, as a row that `SavedFilter` reads."""
    filter_id = db.save_filter("mine", filters)
    row = db.get_saved_filter_by_id(filter_id)
    assert row is not None
    assert list(row) == ["id", "name", "filter_json", "created_at"]
    assert (row["id"], row["name"], json.loads(row["filter_json"])) == (filter_id, "mine", filters)
    assert db.get_saved_filters() == [row]
    assert SavedFilter.from_dict(row).get_filters() == filters


def test_the_time_is_utc_as_every_row_of_this_table(db: Database) -> None:
    """In the form of SQL's datetime('now'), which 0.3 relied on."""
    row = db.get_saved_filter_by_id(db.save_filter("mine", {}))
    assert row is not None
    made = datetime.strptime(row["created_at"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    assert timedelta(seconds=-1) < datetime.now(timezone.utc) - made < timedelta(minutes=1)


def test_filters_come_by_name_each_with_an_id_of_its_own(db: Database) -> None:
    """Unknown ids are None; an id is never given twice."""
    ids = {name: db.save_filter(name, {}) for name in ("b", "c", "a")}
    assert [row["name"] for row in db.get_saved_filters()] == ["a", "b", "c"]
    assert db.get_saved_filter_by_id(max(ids.values()) + 1) is None
    assert db.delete_saved_filter(ids["a"])
    assert not db.delete_saved_filter(ids["a"])
    assert db.save_filter("a", {}) not in ids.values()
    assert len(db.get_saved_filters()) == 3


def test_a_name_is_taken_once(db: Database) -> None:
    """The first filter stays; the message names it."""
    db.save_filter("mine", {"kept": True})
    with pytest.raises(IntegrityError, match="'mine' exists"):
        db.save_filter("mine", {"kept": False})
    (row,) = db.get_saved_filters()
    assert json.loads(row["filter_json"]) == {"kept": True}
