"""What an import would do: told exactly, in few queries, and without a trace in the base."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support import databases, processes, raw
from support.counting import CountingBackend
from support.incoming import FORMS, Given, entry_record, given, link_record, sample, sample_plan

from rekall.db import Database
from rekall.errors import ImportRefusedError, InvalidValueError
from rekall.exchange.limits import Limits
from rekall.exchange.plan import TITLES, Plan, build_plan, check_strategy
from rekall.infra import register_backend
from rekall.models import Entry, StructuredContext
from rekall.store.context_codec import compress_context

CHANGED = {
    "01JT2ZMQH0N86R51EC3QBEHDN3": "UPDATE entries SET title = title || '!', confidence = 0 WHERE id = ?",
    "01JNDMK1H0QWEXWE777X3X1A6Q": "INSERT INTO tags(entry_id, tag) VALUES (?, 'one-more')",
}
"""The two changes of `v12_with_two_changes`."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "k.db"


def conflicts(plan: Plan) -> list[dict[str, object]]:
    return [{"id": one.entry_id, "fields_changed": list(one.fields)} for one in plan.conflicts.values()]


@pytest.mark.parametrize("form", FORMS)
def test_the_sample_into_an_empty_base(form: str, path: Path) -> None:
    """All of it is new."""
    with Database(path) as db:
        plan = build_plan(db, sample(form))
    known = sample_plan("empty_database")
    assert (len(plan.new), len(plan.identical), conflicts(plan)) == (known["new"], known["identical"], [])


@pytest.mark.parametrize("form", FORMS)
def test_the_sample_into_the_base_that_it_is_of(form: str, tmp_path: Path) -> None:
    """All of it is there."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        plan = build_plan(db, sample(form))
    known = sample_plan("v12")
    assert (len(plan.new), len(plan.identical), conflicts(plan)) == (known["new"], known["identical"], [])


@pytest.mark.parametrize("form", FORMS)
def test_the_sample_into_a_base_with_two_changes(form: str, tmp_path: Path) -> None:
    """Which entries differ, and in what."""
    path = databases.unpack("v12.db", tmp_path)
    with raw.connection(path) as opened:
        for entry_id, change in CHANGED.items():
            opened.execute(change, (entry_id,))
        opened.commit()
    with Database(path) as db:
        plan = build_plan(db, sample(form))
    known = sample_plan("v12_with_two_changes")
    assert (len(plan.new), len(plan.identical)) == (known["new"], known["identical"])
    assert conflicts(plan) == known["conflicts"]


@pytest.mark.fault(18)
def test_nothing_is_written_or_counted(tmp_path: Path) -> None:
    """The file is the same, byte by byte, and so are the rows."""
    path = databases.unpack("v12.db", tmp_path)
    before, rows = path.read_bytes(), raw.all_rows(path)
    with Database(path) as db:
        assert len(build_plan(db, sample("rekall")).identical) == 39
    assert path.read_bytes() == before
    assert raw.all_rows(path) == rows
    assert [file.name for file in tmp_path.iterdir()] == ["v12.db"]


@pytest.mark.fault(18)
def test_an_unknown_strategy_is_refused() -> None:
    """On one line, whatever it is."""
    assert check_strategy("merge") == "merge"
    with pytest.raises(InvalidValueError, match=r"^unknown strategy 'mer\\nge': use one of skip, replace, merge$"):
        check_strategy("mer\nge")


def queries_for(number: int, path: Path) -> int:
    """Queries of a plan with that many entries in conflict, half of them because of a successor that is nowhere."""
    backend = CountingBackend(path)
    register_backend("database", backend)
    with Database(path) as db:
        entries = [Entry(f"{each:06}", "Title", "bug", tags=["a"]) for each in range(number)]
        for entry in entries:
            db.add(replace(entry))
        changed = [
            replace(entry, title="Another", superseded_by="nowhere") if place % 2 else replace(entry, confidence=4)
            for place, entry in enumerate(entries)
        ]
        backend.reset()
        plan = build_plan(db, given(*changed))
        assert len(plan.conflicts) == number
        return backend.reads()


def test_queries_are_few(tmp_path: Path) -> None:
    """Two for every 200 entries, and one for those that are named and not there."""
    few, more = queries_for(200, tmp_path / "few.db"), queries_for(800, tmp_path / "more.db")
    assert (few, more) == (2 + 1, 8 + 1)


def test_more_ids_than_a_statement_has_places(path: Path) -> None:
    """SQLite takes 32,766 parameters, or 250,000, or 999: an import has more."""
    with Database(path) as db:
        for number in (0, 39_999):
            db.add(Entry(f"{number:06}", "Title", "bug"))
        incoming = Given(
            *(entry_record(Entry(f"{number:06}", "Title", "bug")) for number in range(40_000)),
            *(link_record(f"{number:06}", f"absent {number}") for number in range(2_000)),
        )
        plan = build_plan(db, incoming)
    assert (len(plan.new), len(plan.identical), len(plan.absent), plan.left_out) == (39_998, 2, 2_000, 2_000)
    assert sum(1 for title in plan.new.values() if title) == TITLES


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({}, ()),
        ({"tags": ["b", "a"]}, ()),
        ({"tags": ["a", "b", "a", "b"]}, ()),
        ({"tags": ["a"]}, ("tags",)),
        ({"tags": ["a", "B"]}, ("tags",)),
        ({"content": "other", "title": "other"}, ("title", "content")),
        ({"status": "obsolete", "type": "pattern", "confidence": 0}, ("type", "confidence", "status")),
        ({"project": "p", "superseded_by": "1"}, ("project", "superseded_by")),
        ({"project": ""}, ("project",)),
        ({"memory_type": "semantic", "access_count": 9, "review_interval": 8, "ease_factor": 2.0}, ()),
        ({"created_at": datetime(2001, 1, 1), "updated_at": datetime(2001, 1, 1)}, ()),
    ],
    ids=str,
)
def test_what_differs(change: dict[str, object], fields: tuple[str, ...], path: Path) -> None:
    """Eight fields are compared; tags in any order and number are the same tags."""
    entry = Entry("1", "Title", "bug", "Content", tags=["a", "b"])
    with Database(path) as db:
        db.add(replace(entry))
        plan = build_plan(db, given(replace(entry, **change)))  # type: ignore[arg-type]  # fields of an entry
    assert tuple(plan.conflicts["1"].fields if plan.conflicts else ()) == fields
    assert plan.identical == (set() if fields else {"1"})


CONTEXT = StructuredContext("A situation", "A solution", ["word"])
TEXT = CONTEXT.to_json()


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        ({}, ()),
        ({"context_structured": TEXT}, ()),
        ({"context_structured": TEXT, "context_compressed": compress_context("free")}, ()),
        ({"context_blob": zlib.compress(TEXT.encode(), 1)}, ()),
        ({"context_structured": json.dumps(json.loads(TEXT), indent=1, sort_keys=True)}, ()),
        ({"context_structured": TEXT.replace("word", "other")}, ("context",)),
        ({"context_structured": "no JSON"}, ("context",)),
        ({"context_structured": TEXT, "context_compressed": compress_context("other")}, ("context",)),
        ({"context_compressed": b"not packed"}, ("context",)),
    ],
    ids=range(9),
)
def test_another_context(columns: dict[str, Any], fields: tuple[str, ...], path: Path) -> None:
    """Is a difference when one comes and one is there; the form that it is stored in is none."""
    entry = Entry("1", "Title", "bug")
    free = "free" if "context_compressed" in columns else None
    with Database(path) as db:
        db.add(replace(entry), context=CONTEXT, context_text=free)
        plan = build_plan(db, Given(entry_record(entry, None, **columns)))
        assert tuple(plan.conflicts["1"].fields if plan.conflicts else ()) == fields


def test_ids_are_compared_letter_by_letter(path: Path) -> None:
    """Two cases are two entries."""
    with Database(path) as db:
        db.add(Entry("abc", "Title", "bug"))
        plan = build_plan(
            db, given(Entry("ABC", "Title", "bug"), Entry("abc", "Title", "bug"), Entry("ab", "T", "bug"))
        )
    assert (list(plan.new), plan.identical) == (["ABC", "ab"], {"abc"})


def test_successors_among_what_comes(path: Path) -> None:
    """A chain, a circle, and an entry that names itself: none of them is absent."""
    with Database(path) as db:
        plan = build_plan(
            db,
            given(
                Entry("1", "T", "bug", superseded_by="2"),
                Entry("2", "T", "bug", superseded_by="3"),
                Entry("3", "T", "bug", superseded_by="1"),
                Entry("4", "T", "bug", superseded_by="4"),
            ),
        )
    assert (len(plan.new), plan.absent, plan.left_out) == (4, set(), 0)


def test_a_successor_that_is_nowhere_is_no_difference(path: Path) -> None:
    """It would come in as none, which is what the base has; where the base has one, it is a difference."""
    with Database(path) as db:
        for entry_id, successor in (("1", None), ("2", None), ("3", "1")):
            db.add(Entry(entry_id, "Title", "bug", superseded_by=successor))
        titles = {"1": "Title", "2": "Other", "3": "Title"}
        incoming = given(*(Entry(each, title, "bug", superseded_by="nowhere") for each, title in titles.items()))
        plan = build_plan(db, incoming)
    assert plan.identical == {"1"}
    assert {one.entry_id: one.fields for one in plan.conflicts.values()} == {"2": ("title",), "3": ("superseded_by",)}
    assert (plan.absent, plan.left_out) == ({"nowhere"}, 3)


def test_titles_are_fit_to_be_shown(path: Path) -> None:
    """On one line and short, both those that come and those that are there."""
    title = "\x1b[2J\n" + "x" * 500
    with Database(path) as db:
        db.add(Entry("1", title, "bug"))
        plan = build_plan(db, given(Entry("1", "other", "bug"), Entry("2", title, "bug")))
    for shown in (plan.new["2"], plan.conflicts["1"].title):
        assert shown.startswith("\\x1b[2J\\nxxx")
        assert len(shown) < 100


@pytest.mark.parametrize(
    ("incoming", "limits", "message"),
    [
        (given(Entry("1", "T", "bug"), Entry("1", "T", "bug")), {}, "the id 1 stands there twice"),
        (given(Entry("1", "T", "bug"), Entry("2", "T", "bug")), {"entries": 1}, "more than 1"),
        (Given(entry_record(Entry("1", "T", "bug")), link_record("1", "2")), {"records": 1}, "more than 1"),
        (given(Entry("1", "T" * 31, "bug")), {"line": 30}, "entry 1: title: has 31 characters"),
        (given(Entry("1", "T", "bug", "T" * 11)), {"text": 10}, "entry 1: content: has 11 characters"),
        (given(Entry("1", "T", "bug", tags=["T" * 31])), {"line": 30}, "entry 1: tags: has 31 characters"),
    ],
)
def test_refused(incoming: Given, limits: dict[str, int], message: str, path: Path) -> None:
    """Before anything is written, on one line that says where."""
    with Database(path) as db, pytest.raises(ImportRefusedError, match=message) as refused:
        build_plan(db, incoming, Limits(**limits))
    assert "\n" not in str(refused.value)


def test_the_state_of_a_conflict_is_older_than_its_comparison(path: Path) -> None:
    """So that a change by another process, of the entry or of its context, can be told later."""
    entry = Entry("1", "Title", "bug")
    context = "StructuredContext('A situation', 'A solution', ['word'])"
    change = "from rekall.db import Database\nfrom rekall.models import *\nfrom pathlib import Path\nimport sys\n"
    states = set()
    with Database(path) as db:
        db.add(replace(entry))
        for call in (
            "get('1')",
            "store_context('1', 'text')",
            f"store_structured_context('1', {context})",
            "delete('1')",
        ):
            states.add(build_plan(db, given(replace(entry, title="Other"))).conflicts["1"].state)
            processes.run(f"{change}with Database(Path(sys.argv[1])) as db:\n    db.{call}", path)
    assert len(states) == 3


def test_progress(path: Path) -> None:
    """Of how many records is told as soon as it is known: of a JSON file at the end, of an archive from the start."""
    incoming = given(*(Entry(str(number), "One", "bug") for number in range(450)))
    told: list[tuple[int, int]] = []
    with Database(path) as db:
        for total, known in ((0, (0, 0, 450)), (400, (400, 401, 450))):
            incoming.total = total
            told.clear()
            build_plan(db, incoming, on_progress=lambda done, of: told.append((done, of)))
            assert told == list(zip((200, 400, 450), known, strict=True))
