"""Whatever is in a base comes out of it and into another, row by row."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases
from support.entries import ANY_TEXT, MOMENTS, WORDS, contexts, entries
from support.exchange import exported, imported, reader, rows

from rekall.db import Database
from rekall.exchange.dump import Selection
from rekall.exchange.plan import STRATEGIES, build_plan
from rekall.models import VALID_RELATION_TYPES, Entry, Source, StructuredContext, generate_ulid

FORMS = ("rekall", "json")
_EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", databases.NAMES)
def test_every_real_base(name: str, form: str, tmp_path: Path) -> None:
    """Of each schema, once it is current: each row of each table, and it is all there a second time."""
    there, here = databases.unpack(name, tmp_path), tmp_path / "other.db"
    with Database(there) as db:
        content = exported(db, form)
    with Database(here) as db:
        report = imported(db, content, form)
        assert (report.added, report.skipped, report.left_out) == (42, 0, 0)
        again = imported(db, content, form)
        assert (again.added, again.identical) == (0, 42)
        assert not any(again.others.values())
        assert [hit.entry.id for hit in db.search("retry", update_access=False)]
    assert rows(there) == rows(here)


def sources() -> st.SearchStrategy[Source]:
    return st.builds(
        Source,
        id=st.builds(generate_ulid),
        domain=WORDS,
        url_pattern=st.none() | WORDS,
        usage_count=st.integers(0, 10**6),
        last_used=st.none() | MOMENTS,
        personal_score=st.floats(0, 100),
        reliability=st.sampled_from("ABC"),
        decay_rate=st.sampled_from(["fast", "medium", "slow"]),
        last_verified=st.none() | MOMENTS,
        status=st.sampled_from(["active", "inaccessible", "archived"]),
        created_at=MOMENTS,
        is_seed=st.booleans(),
        is_promoted=st.booleans(),
        promoted_at=st.none() | MOMENTS,
        role=st.sampled_from(["unclassified", "hub", "authority"]),
        seed_origin=st.none() | ANY_TEXT,
        ai_tags=st.none() | st.lists(WORDS, max_size=2),
        ai_summary=st.none() | ANY_TEXT,
    )


class Content(NamedTuple):
    """What a base is filled with.

    Args:
        entries: each with its context, and as free text.
        links: places in `entries`, and the relation.
        sources: cited by every entry.
    """

    entries: list[tuple[Entry, StructuredContext | None, str | None]]
    links: list[tuple[int, int, str]]
    sources: list[Source]

    def into(self, db: Database) -> None:
        for number, (entry, context, text) in enumerate(self.entries):
            entry.superseded_by = self.entries[number - 1][0].id if number else None
            db.entries.add(entry, context=context, context_text=text)
        for one, other, relation in self.links:
            if one != other:
                db.add_link(self.entries[one][0].id, self.entries[other][0].id, relation, "because\nof that")
        for source in self.sources:
            db.add_source(source)
            db.add_source_theme(source.id, "A Theme")
            for entry, _, _ in self.entries:
                db.link_entry_to_source(entry.id, "url", source.domain, source.id, "a note")


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Entries with contexts, links between them, and sources."""
    drawn = draw(st.lists(st.tuples(entries(), st.none() | contexts(), st.none() | ANY_TEXT), max_size=5))
    places = st.integers(0, max(len(drawn) - 1, 0))
    links = draw(st.lists(st.tuples(places, places, st.sampled_from(VALID_RELATION_TYPES)), max_size=5, unique=True))
    unlike = st.lists(sources(), max_size=3, unique_by=lambda one: (one.domain, one.url_pattern))
    return Content(drawn, links if drawn else [], draw(unlike))


@_EXAMPLES
@given(contents())
def test_any_base(content: Content) -> None:
    """Through an archive and through JSON, exactly."""
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder) / "there.db"
        with Database(there) as db:
            content.into(db)
            exports = {form: exported(db, form) for form in FORMS}
        for form, exported_as in exports.items():
            here = Path(folder) / f"{form}.db"
            with Database(here) as db:
                report = imported(db, exported_as, form)
                assert (report.added, report.left_out) == (len(content.entries), 0)
            assert rows(there) == rows(here)


@_EXAMPLES
@given(contents(), contents(), st.sampled_from(STRATEGIES))
def test_into_a_base_that_has_something(mine: Content, theirs: Content, strategy: str) -> None:
    """What was there is still there, what comes is there beside it."""
    with tempfile.TemporaryDirectory() as folder:
        with Database(Path(folder) / "theirs.db") as db:
            theirs.into(db)
            content = exported(db, "json")
        with Database(Path(folder) / "mine.db") as db:
            mine.into(db)
            before = {entry.id: entry for entry in db.list_all(include_obsolete=True, limit=-1)}
            plan = build_plan(db, reader(content, "json"))
            assert len(plan.new) == len(theirs.entries)
            imported(db, content, "json", strategy)
            after = {entry.id: entry for entry in db.list_all(include_obsolete=True, limit=-1)}
            assert {entry_id: after[entry_id] for entry_id in before} == before
            assert set(after) == set(before) | {entry.id for entry, _, _ in theirs.entries}
            for entry, context, text in theirs.entries:
                assert after[entry.id] == entry
                assert db.get_structured_context(entry.id) == context
                assert db.get_context(entry.id) == text


def test_a_part_brings_what_belongs_to_it(tmp_path: Path) -> None:
    """Entries of one type or project with their links among each other and the sources that they cite."""
    with Database(databases.unpack("v12.db", tmp_path)) as db:
        whole = {entry.id: entry for entry in db.list_all(include_obsolete=True, limit=-1)}
        content = exported(db, "json", Selection("bug", None, embeddings=True))
    with Database(tmp_path / "part.db") as db:
        imported(db, content, "json")
        part = {entry.id: entry for entry in db.list_all(include_obsolete=True, limit=-1)}
        wanted = {entry_id for entry_id, entry in whole.items() if entry.type == "bug"}
        assert set(part) == wanted
        found = rows(tmp_path / "part.db")
        for _, source_id, target_id, *_ in found["links"]:
            assert {source_id, target_id} <= wanted
        assert {row[1] for row in found["entry_sources"]} <= wanted
        assert {row[0] for row in found["sources"]} == {row[2] for row in found["entry_sources"]} - {None}
        assert (found["sources_inbox"], found["saved_filters"]) == ([], [])
