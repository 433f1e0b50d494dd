"""The link graph as text: its shape, its limits, its markup."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from rich.text import Text

from rekall.db import Database
from rekall.models import Entry


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def add(db: Database, *entry_ids: str) -> None:
    for entry_id in entry_ids:
        db.add(Entry(entry_id, f"title {entry_id}", "bug"))


def drawn(db: Database, entry_id: str, **options: object) -> list[str]:
    """The lines as a terminal shows them."""
    text = db.render_graph_ascii(entry_id, **options)  # type: ignore[arg-type]  # options of any kind
    assert isinstance(text, str)
    return Text.from_markup(text).plain.split("\n")


def test_the_shape(db: Database) -> None:
    """Root, outgoing links first, then incoming; reasons; a bar as long as branches follow."""
    add(db, *"ABCDEFGH")
    db.add_link("A", "B", "supersedes", "because of B")
    db.add_link("B", "C", "related", "below")
    db.add_link("B", "D", "contradicts")
    db.add_link("C", "E")
    db.add_link("A", "F", "derived_from")
    db.add_link("G", "A")
    db.add_link("B", "H")
    assert drawn(db, "A", max_depth=3) == [
        "title A",
        "A",
        "",
        " ├─→  supersedes  title B",
        " │   (B)",
        " │   → because of B",
        " │ ├─→  related  title C",
        " │ │    (C)",
        " │ │    → below",
        " │ │  ╰─→  related  title E",
        " │ │       (E)",
        " │ ├─→  contradicts  title D",
        " │ │    (D)",
        " │ ╰─→  related  title H",
        " │      (H)",
        " ├─→  derived_from  title F",
        " │   (F)",
        " ╰─←  related  title G",
        "     (G)",
    ]


def test_a_branch_keeps_the_direction_of_its_first_link(db: Database) -> None:
    """Below an incoming link only incoming ones are followed; below the last branch no bar is drawn."""
    add(db, *"ABCD")
    db.add_link("B", "A")
    db.add_link("C", "B", "related", "why")
    db.add_link("B", "D")
    assert drawn(db, "A") == [
        *("title A", "A", "", " ╰─←  related  title B", "     (B)", "   ╰─←  related  title C", "        (C)"),
        "        → why",
    ]


@pytest.mark.parametrize(("depth", "levels"), [(0, "B"), (1, "B"), (2, "BC"), (3, "BCD"), (99, "BCD"), (10**9, "BCD")])
def test_depth_counts_levels(db: Database, depth: int, levels: str) -> None:
    """0 and 1 both draw the direct links only."""
    add(db, *"ABCD")
    for source, target in pairwise("ABCD"):
        db.add_link(source, target)
    shown = drawn(db, "A", max_depth=depth)
    assert [line.strip() for line in shown if line.strip().startswith("(")] == [f"({entry_id})" for entry_id in levels]


def test_directions_can_be_left_out(db: Database) -> None:
    """Either, both or none."""
    add(db, *"ABC")
    db.add_link("A", "B")
    db.add_link("C", "A")
    assert "title C" not in "".join(drawn(db, "A", show_incoming=False))
    assert "title B" not in "".join(drawn(db, "A", show_outgoing=False))
    assert drawn(db, "A", show_incoming=False, show_outgoing=False)[3:] == ["(no links)"]


def test_no_links_is_one_dim_line(db: Database) -> None:
    """It says so, in brackets."""
    add(db, "A")
    assert db.render_graph_ascii("A") == "[bold cyan]title A[/bold cyan]\n[dim]A[/dim]\n\n[dim](no links)[/dim]"


def test_cycles_end_and_no_entry_is_expanded_twice(db: Database) -> None:
    """Two links to one entry are two branches, one of them expanded; further down nothing is drawn again."""
    add(db, *"ABCD")
    db.add_link("A", "B", "related")
    db.add_link("A", "B", "supersedes")
    db.add_link("B", "C")
    db.add_link("C", "A")
    db.add_link("A", "D")
    db.add_link("C", "D")
    ends = [line.strip(" │") for line in drawn(db, "A", max_depth=9, show_incoming=False) if line.endswith(")")]
    assert ends == ["(B)", "(C)", "(D)", "(B)", "(D)"]


@pytest.mark.parametrize("clickable", [False, True])
def test_an_unknown_id_is_plain_text(db: Database, clickable: bool) -> None:
    """Never a pair."""
    assert db.render_graph_ascii("none", make_clickable=clickable) == "Entry not found: none"


def test_clickable_branches_are_numbered_up_to_nine(db: Database) -> None:
    """The pair of text and ids in the order drawn; the others keep their id in brackets."""
    add(db, "A", *(f"N{number:02}" for number in range(12)))
    for number in range(12):
        db.add_link("A", f"N{number:02}")
    answer = db.render_graph_ascii("A", make_clickable=True)
    assert isinstance(answer, tuple)
    text, ids = answer
    assert ids == [f"N{number:02}" for number in range(9)]
    shown = Text.from_markup(text).plain
    assert all(f"[{number + 1}] N{number:02}" in shown for number in range(9))
    assert "(N09)" in shown
    assert "[10]" not in shown


@pytest.mark.fault(38)
def test_titles_reasons_and_ids_are_no_markup(db: Database) -> None:
    """Fault 38: what stands in brackets is shown, not interpreted, and never raises; titles end at 40 characters."""
    title = "see [/etc/hosts] and [bold]this[/bold] \\"
    db.add(Entry("A[red]", title, "bug"))
    db.add(Entry("B[/x]", "[/b] " + "long " * 20, "bug"))
    db.add_link("A[red]", "B[/x]", "related", "why [not] \\")
    shown = drawn(db, "A[red]")
    assert shown[:2] == [title, "A[red]"]
    assert shown[3] == " ╰─→  related  " + ("[/b] " + "long " * 20)[:40]
    assert shown[4:] == ["     (B[/x])", "     → why [not] \\"]


def test_relations_stand_on_their_colours(db: Database) -> None:
    """Each type on its own background."""
    add(db, *"ABCDE")
    colours = {
        "related": "white on blue",
        "supersedes": "black on yellow",
        "derived_from": "white on green",
        "contradicts": "white on red",
    }
    for target, relation in zip("BCDE", colours, strict=True):
        db.add_link("A", target, relation)
    text = db.render_graph_ascii("A")
    assert all(f"[{colour}] {relation} [/{colour}]" in text for relation, colour in colours.items())


def test_a_long_chain_is_drawn_to_a_limit(db: Database) -> None:
    """More levels than a screen has are not followed, whatever is asked for."""
    names = [f"E{number:04}" for number in range(200)]
    add(db, *names)
    for source, target in pairwise(names):
        db.add_link(source, target)
    text = "".join(drawn(db, "E0000", max_depth=5_000))
    assert "E0100" in text
    assert "E0101" not in text
