"""Links between entries, and centrality, by the rules of 0.3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rekall.db import Database
from rekall.models import Entry


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        for entry_id in "ABCDEF":
            opened.add(Entry(entry_id, f"title {entry_id}", "bug"))
        yield opened


def link(db: Database, *pairs: str) -> None:
    for pair in pairs:
        db.add_link(pair[0], pair[1])


@pytest.mark.parametrize(
    ("source", "target", "relation", "words"),
    [
        ("none", "B", "related", "Source entry not found"),
        ("none", "nobody", "nonsense", "Source entry not found"),
        ("A", "none", "nonsense", "Target entry not found"),
        ("A", "A", "nonsense", "invalid relation_type"),
        ("A", "A", "related", "cannot link entry to itself"),
        ("A", "B", "related", "Link already exists"),
    ],
)
def test_what_is_refused_and_in_which_order(db: Database, source: str, target: str, relation: str, words: str) -> None:
    """Every refusal is a ValueError with 0.3's key words, and stores nothing."""
    link(db, "AB")
    with pytest.raises(ValueError, match=words):
        db.add_link(source, target, relation)
    assert db.links.count() == 1


def test_one_pair_may_have_a_link_of_each_type_in_each_direction(db: Database) -> None:
    """Eight links between two entries."""
    for relation in ("related", "supersedes", "derived_from", "contradicts"):
        db.add_link("A", "B", relation)
        db.add_link("B", "A", relation, "back")
    assert db.count_links("A") == 8
    assert db.count_links_by_direction("A") == (4, 4)
    assert [one.reason for one in db.get_links("A", "related")] == [None, "back"]


def test_links_of_a_direction(db: Database) -> None:
    """Outgoing first; a type filters; any other word for the direction gives none."""
    link(db, "BA", "AC", "DA")
    ends = [(one.source_id, one.target_id) for one in db.get_links("A")]
    assert ends == [("A", "C"), ("B", "A"), ("D", "A")]
    assert [one.target_id for one in db.get_links("A", direction="outgoing")] == ["C"]
    assert [one.source_id for one in db.get_links("A", direction="incoming")] == ["B", "D"]
    assert db.get_links("A", direction="sideways") == []
    assert db.get_links("A", "supersedes") == []
    assert db.get_links("none") == []


def test_related_entries_are_one_for_each_link(db: Database) -> None:
    """The other end, obsolete ones included, not counted as accesses."""
    link(db, "AB", "CA")
    db.add_link("A", "B", "supersedes")
    db.entries.change("C", {"status": "obsolete"})
    related = db.get_related_entries("A")
    assert [(entry.id, one.relation_type) for entry, one in related] == [
        *(("B", "related"), ("B", "supersedes"), ("C", "related")),
    ]
    assert [entry.id for entry, _ in db.get_related_entries("A", "supersedes")] == ["B"]
    assert {entry.access_count for entry, _ in related} == {0}


def test_removing_links(db: Database) -> None:
    """In the given direction only; one type or all; the number removed."""
    for relation in ("related", "supersedes"):
        db.add_link("A", "B", relation)
        db.add_link("B", "A", relation)
    assert db.delete_link("A", "B", "contradicts") == 0
    assert db.delete_link("A", "B", "related") == 1
    assert db.delete_link("B", "A") == 2
    assert [one.relation_type for one in db.get_links("A")] == ["supersedes"]


def test_links_go_with_their_entry(db: Database) -> None:
    """Both directions."""
    link(db, "AB", "CA", "BC")
    db.delete("A")
    assert db.links.count() == 1


def test_centrality_of_the_recorded_example(db: Database) -> None:
    """A to B, B to C, B to D, E to A, C to F."""
    link(db, "AB", "BC", "BD", "EA", "CF")
    wanted = {"A": 13.0, "B": 16.0, "C": 12.0, "D": 8.0, "E": 8.0, "F": 7.0}
    assert {entry_id: db.calculate_centrality_score(entry_id) for entry_id in wanted} == wanted
    assert [entry.centrality_score for entry in db.list_all()] == [0.0] * 6
    assert db.update_centrality_score("A") == 13.0
    stored = db.get("A", update_access=False)
    assert stored is not None
    assert stored.centrality_score == 13.0
    assert db.update_all_centrality_scores() == 6
    assert {entry.id: entry.centrality_score for entry in db.list_all()} == wanted


def test_centrality_at_its_edges(db: Database) -> None:
    """Unknown ids give 0, a hundred is the most, obsolete neighbours count and obsolete entries keep their score."""
    assert db.calculate_centrality_score("none") == db.update_centrality_score("none") == 0.0
    for number in range(30):
        db.add(Entry(f"N{number}", "title", "bug", status="obsolete"))
        db.add_link("A", f"N{number}")
    assert db.calculate_centrality_score("A") == 100.0
    assert db.update_all_centrality_scores() == 6
    obsolete = db.get("N1", update_access=False)
    assert obsolete is not None
    assert obsolete.centrality_score == 0.0


def test_links_among_many_entries_are_one_list(db: Database) -> None:
    """Those that begin or end at one of them, each once."""
    link(db, "AB", "BC", "DE", "EF")
    among = {(one.source_id, one.target_id) for one in db.links.links_among(["A", "B", "F"])}
    assert among == {("A", "B"), ("B", "C"), ("E", "F")}
    assert db.links.links_among([]) == []
