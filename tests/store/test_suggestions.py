"""Suggestions: stored as given, found again whatever the order of their entries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from support import processes, raw

from rekall.db import Database
from rekall.errors import CorruptError, IntegrityError, InvalidValueError
from rekall.models import Entry, Link, Suggestion, SuggestionType


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def suggestion(suggestion_id: str, *entry_ids: str, minutes: int = 0) -> Suggestion:
    kind: SuggestionType = "link" if len(entry_ids) == 2 else "generalize"
    return Suggestion(
        suggestion_id, kind, list(entry_ids), 0.5, created_at=datetime(2025, 1, 1) + timedelta(minutes=minutes)
    )


def test_a_suggestion_comes_back_as_it_was_given(db: Database) -> None:
    """Every field, the ids in their order."""
    given = Suggestion(
        "S", "generalize", ["C", "A", "B"], 0.75, "alike", "rejected", datetime(2025, 1, 2), datetime(2025, 1, 3, 4)
    )
    db.add_suggestion(given)
    assert db.get_suggestion("S") == given
    assert db.get_suggestion("none") is None


def test_a_time_with_a_zone_is_stored_local(db: Database) -> None:
    """0.3 cannot read a stored offset."""
    given = suggestion("S", "A", "B")
    given.created_at = datetime(2025, 1, 2, tzinfo=timezone.utc)
    db.add_suggestion(given)
    stored = db.get_suggestion("S")
    assert stored is not None
    assert stored.created_at == datetime(2025, 1, 2, tzinfo=timezone.utc).astimezone().replace(tzinfo=None)


def test_an_id_is_taken_once(db: Database) -> None:
    """The first stays."""
    db.add_suggestion(suggestion("S", "A", "B"))
    for add in (db.add_suggestion, db.suggestions.add_if_new):
        with pytest.raises(IntegrityError):
            add(suggestion("S", "C", "D"))
    stored = db.get_suggestion("S")
    assert stored is not None
    assert stored.entry_ids == ["A", "B"]


def test_newest_first_filtered_and_cut(db: Database) -> None:
    """By status and type; an empty filter lets all pass."""
    for number, ids in enumerate((("A", "B"), ("A", "B", "C"), ("C", "D"))):
        db.add_suggestion(suggestion(f"S{number}", *ids, minutes=number))
    db.update_suggestion_status("S0", "accepted")

    def found(status: str | None = None, kind: str | None = None, limit: int = 100) -> list[str]:
        return [one.id for one in db.get_suggestions(status, kind, limit)]

    assert found() == found("", "") == found(limit=-1) == ["S2", "S1", "S0"]
    assert found("pending") == ["S2", "S1"]
    assert found("pending", "link") == ["S2"]
    assert found(None, "link") == ["S2", "S0"]
    assert found(limit=1) == ["S2"]
    assert found("nonsense") == []


def test_the_status_and_the_time_of_the_decision(db: Database) -> None:
    """Now for a decision, none for pending; False for an unknown id; a wrong word changes nothing."""
    db.add_suggestion(suggestion("S", "A", "B"))
    before = datetime.now()
    assert db.update_suggestion_status("S", "accepted")
    accepted = db.get_suggestion("S")
    assert accepted is not None
    assert accepted.status == "accepted"
    assert accepted.resolved_at is not None
    assert before <= accepted.resolved_at <= datetime.now()
    with pytest.raises(IntegrityError):
        db.update_suggestion_status("S", "perhaps")
    assert db.get_suggestion("S") == accepted
    assert db.update_suggestion_status("S", "pending")
    pending = db.get_suggestion("S")
    assert pending is not None
    assert (pending.status, pending.resolved_at) == ("pending", None)
    assert not db.update_suggestion_status("none", "accepted")


@pytest.mark.fault(31)
@pytest.mark.parametrize("stored", [("C", "A", "B"), ("B", "A")])
def test_a_pending_suggestion_is_found_in_any_order(db: Database, stored: tuple[str, ...]) -> None:
    """Fault 31 of 0.3: it compared text, and let duplicates pass whose ids were not stored sorted."""
    one = suggestion("S", *stored)
    db.add_suggestion(one)
    for ids in itertools.permutations(stored):
        assert db.suggestion_exists(list(ids), one.suggestion_type)
        assert not db.suggestions.add_if_new(suggestion("T", *ids))
    assert db.get_suggestion("T") is None


def test_many_are_stored_at_once(db: Database) -> None:
    """Those that are new, each once; none when one of them cannot be stored."""
    db.add_suggestion(suggestion("S", "A", "B"))
    many = [
        suggestion("T", "B", "A"),
        suggestion("U", "A", "C"),
        suggestion("V", "C", "A"),
        suggestion("W", "A", "B", "C"),
    ]
    assert db.suggestions.add_all_new(many) == 2
    assert [one.id for one in db.get_suggestions()] == ["W", "U", "S"]
    with pytest.raises(IntegrityError):
        db.suggestions.add_all_new([suggestion("X", "B", "C"), suggestion("S", "B", "D")])
    assert db.get_suggestion("X") is None
    assert db.suggestions.add_all_new([]) == 0


@pytest.mark.fault(31)
@pytest.mark.parametrize("text", ['["C","A", "B"]', '["C", "\\u0041", "B"]', '[ "B", "C", "A", "A" ]'])
def test_what_another_program_stored_is_found(db: Database, text: str) -> None:
    """However it wrote the array."""
    raw.write(
        db.db_path,
        "INSERT INTO suggestions(id, suggestion_type, entry_ids, score, created_at)"
        f" VALUES ('S', 'generalize', '{text}', 0.5, '2025-01-01T00:00:00')",
    )
    assert db.suggestion_exists(["A", "B", "C"], "generalize")


def test_other_entries_another_type_or_a_decision_are_another_suggestion(db: Database) -> None:
    """Neither fewer nor more entries, nor what was decided, nor a row that cannot be read."""
    db.add_suggestion(suggestion("S", "A", "B", "C"))
    raw.write(
        db.db_path,
        "INSERT INTO suggestions(id, suggestion_type, entry_ids, score, created_at)"
        " VALUES ('damaged', 'generalize', '[\"A\"', 0.5, '2024-01-01')",
    )
    assert not db.suggestion_exists(["A", "B"], "generalize")
    assert not db.suggestion_exists(["A", "B", "C", "D"], "generalize")
    assert not db.suggestion_exists(["A", "B", "C"], "link")
    assert db.suggestion_exists(["A", "B", "C"], "generalize")
    db.update_suggestion_status("S", "rejected")
    assert not db.suggestion_exists(["A", "B", "C"], "generalize")
    assert db.suggestions.add_if_new(suggestion("T", "A", "B", "C"))
    with pytest.raises(CorruptError, match="suggestion damaged cannot be read"):
        db.get_suggestions()


_PROPOSING = """
from rekall.models import Suggestion
db = Database(Path(sys.argv[2]))
db.init()
ids = ["A", "B"] if int(sys.argv[3]) % 2 else ["B", "A"]
print(db.suggestions.add_if_new(Suggestion(sys.argv[3], "link", ids, 0.5)))
db.close()
"""


def test_of_those_who_propose_the_same_at_once_one_is_heard(tmp_path: Path) -> None:
    """Six processes, either order of the ids."""
    path = tmp_path / "k.db"
    Database(path).init()
    answers = processes.run_together(_PROPOSING, [(path, number) for number in range(6)], tmp_path / "gate")
    assert sorted(answer.strip() for answer in answers) == ["False"] * 5 + ["True"]


def entries(db: Database, *ids: str) -> None:
    """Entries with these ids."""
    for entry_id in ids:
        db.add(Entry(entry_id, f"Title of {entry_id}", "bug"))


@pytest.mark.fault(40)
def test_a_prefix_is_enough(db: Database) -> None:
    """Any that one id has, in any case; of several the only pending one is meant, and a whole id is that id."""
    for suggestion_id in ("01AB", "01ABC", "01XY"):
        db.add_suggestion(suggestion(suggestion_id, "A", "B"))
    assert [db.suggestions.resolve(prefix).id for prefix in ("01x", "01AB", " 01abc ")] == ["01XY", "01AB", "01ABC"]
    with pytest.raises(InvalidValueError, match="several of the suggestions begin with 01A: 01AB, 01ABC;"):
        db.suggestions.resolve("01A")
    db.update_suggestion_status("01AB", "rejected")
    assert db.suggestions.resolve("01A").id == "01ABC"
    for prefix in ("", "02", "\udcff"):
        with pytest.raises(InvalidValueError, match="no suggestion has the id"):
            db.suggestions.resolve(prefix)


def test_accepting_stores_the_link(db: Database) -> None:
    """The link and the decision come together."""
    entries(db, "A", "B")
    db.add_suggestion(suggestion("S", "A", "B"))
    link = Link("L", "A", "B", "related")
    db.suggestions.decide("S", "accepted", link=link)
    assert db.get_links("A") == [link]
    stored = db.get_suggestion("S")
    assert stored is not None
    assert stored.status == "accepted"
    assert stored.resolved_at is not None


def test_a_link_that_fails_leaves_it_pending(db: Database) -> None:
    """Because an entry is gone, or because the link is there already."""
    entries(db, "A", "B")
    db.add_link("A", "B")
    for suggestion_id, target, why in (("S", "gone", "gone is no entry any more"), ("T", "B", "linked already")):
        db.add_suggestion(suggestion(suggestion_id, "A", target))
        with pytest.raises(InvalidValueError, match=why):
            db.suggestions.decide(suggestion_id, "accepted", link=Link(suggestion_id, "A", target, "related"))
    assert {one.id: one.status for one in db.get_suggestions()} == {"S": "pending", "T": "pending"}
    assert len(db.get_links("A")) == 1


def test_what_is_decided_stays_decided(db: Database) -> None:
    """A second decision is refused, and makes no link."""
    entries(db, "A", "B")
    db.add_suggestion(suggestion("S", "A", "B"))
    db.suggestions.decide("S", "rejected")
    for suggestion_id in ("S", "none"):
        with pytest.raises(InvalidValueError, match="not pending"):
            db.suggestions.decide(suggestion_id, "accepted", link=Link("L", "A", "B", "related"))
    assert db.get_links("A") == []
    stored = db.get_suggestion("S")
    assert stored is not None
    assert stored.status == "rejected"
