"""Every file that some Rekall 0.3 wrote opens from a copy and holds what 0.3 read from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support import databases, raw

from rekall.db import Database
from rekall.models import Entry, SearchResult

ALL = 10_000


@pytest.fixture(params=databases.NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def expected(name: str) -> dict[str, Any]:
    return databases.opened(name)


@pytest.fixture
def db(name: str, tmp_path: Path) -> Iterator[Database]:
    with Database(databases.unpack(name, tmp_path)) as opened:
        yield opened


def as_recorded(entry: Entry, recorded: dict[str, Any]) -> dict[str, Any]:
    """The fields of an entry in the form in which they were recorded."""
    fields: dict[str, Any] = {}
    for key in recorded:
        if key == "content_sha256":
            fields[key] = hashlib.sha256(entry.content.encode()).hexdigest()
        elif key == "content_length":
            fields[key] = len(entry.content)
        elif key == "content_start":
            fields[key] = entry.content[: len(recorded[key])]
        else:
            value = getattr(entry, key)
            fields[key] = value.isoformat() if isinstance(value, date) else value
    return fields


def ids(hits: list[SearchResult]) -> list[str]:
    return [hit.entry.id for hit in hits]


def test_entries_with_all_their_fields_and_tags(db: Database, expected: dict[str, Any]) -> None:
    """Every recorded entry comes back field by field, with get and in the list."""
    listed = {entry.id: entry for entry in db.list_all(include_obsolete=True, limit=ALL)}
    assert len(listed) == expected["row_counts"]["entries"] == 42
    assert sum(len(entry.tags) for entry in listed.values()) == expected["row_counts"]["tags"]
    for recorded in expected["entries"].values():
        entry = db.get(recorded["id"], update_access=False)
        assert entry is not None
        assert as_recorded(entry, recorded) == recorded
        assert entry == listed[entry.id]


def test_lists_are_in_the_recorded_order(db: Database, expected: dict[str, Any]) -> None:
    """Newest first, with and without obsolete entries."""
    wanted = expected["list_all_ids_newest_first"]
    active = db.list_all(limit=ALL)
    assert [entry.id for entry in active] == wanted["active"]
    everything = db.list_all(include_obsolete=True, limit=ALL)
    assert len(everything) == wanted["count_with_obsolete"]
    assert [entry for entry in everything if entry.status == "active"] == active
    assert [entry.id for entry in db.list_all(limit=5, offset=9)] == wanted["active"][9:14]


def test_links_with_all_their_fields(db: Database, expected: dict[str, Any]) -> None:
    """Source, target, type, reason and time of every link."""
    found = [link for entry in db.list_all(include_obsolete=True, limit=ALL) for link in db.get_links(entry.id)]
    links = {link.id: link for link in found}
    as_dicts = [
        {
            "created_at": link.created_at.isoformat(),
            "reason": link.reason,
            "relation_type": link.relation_type,
            "source_id": link.source_id,
            "target_id": link.target_id,
        }
        for link in links.values()
    ]
    wanted = [{"reason": None, **link} for link in expected.get("links", [])]
    key = ("source_id", "target_id", "relation_type")
    order = [tuple(link[part] for part in key) for link in wanted]
    assert sorted(as_dicts, key=lambda link: order.index(tuple(link[part] for part in key))) == wanted
    assert len(found) == 2 * len(links)


def test_related_entries_link_counts_and_centrality(db: Database, expected: dict[str, Any]) -> None:
    """What is computed from the links is what 0.3 computed."""
    facts = databases.opened("v12.db")
    if "links" not in expected:
        assert db.update_all_centrality_scores() == 39
        assert {entry.centrality_score for entry in db.list_all(limit=ALL)} == {0.0}
        return
    for entry_id, wanted in facts["link_counts_in_out"].items():
        assert list(db.count_links_by_direction(entry_id)) == wanted
        assert db.count_links(entry_id) == sum(wanted)
    for entry_id, pairs in facts["related"].items():
        related = db.get_related_entries(entry_id)
        assert sorted([entry.id, link.relation_type] for entry, link in related) == pairs
    for entry_id, score in facts["centrality"].items():
        assert db.calculate_centrality_score(entry_id) == score
    assert db.update_all_centrality_scores() == 39
    for entry in db.list_all(limit=ALL):
        assert entry.centrality_score == facts["centrality"].get(entry.id, entry.centrality_score)
        assert entry.centrality_score == db.calculate_centrality_score(entry.id)


def test_structured_contexts(db: Database, expected: dict[str, Any]) -> None:
    """Every key of every structured context, one by one and all together."""
    recorded = expected.get("structured_contexts", {})
    for entry_id, wanted in recorded.items():
        context = db.get_structured_context(entry_id)
        assert context is not None
        assert {key: context.to_dict()[key] for key in wanted} == wanted
    together = {entry.id: context for entry, context in db.get_entries_with_structured_context(ALL)}
    assert set(together) == set(recorded)
    assert db.count_entries_without_context_blob() == 0


def test_free_text_contexts(db: Database, expected: dict[str, Any]) -> None:
    """The texts of the older context column, by their hash."""
    wanted = expected.get("legacy_context_sha256", {})
    texts = db.get_contexts_for_verification([entry.id for entry in db.list_all(include_obsolete=True, limit=ALL)])
    found = {key: hashlib.sha256(text.encode()).hexdigest() for key, text in texts.items() if text is not None}
    assert found == wanted
    assert all(db.get_context(entry_id) == texts[entry_id] for entry_id in wanted)


@pytest.mark.fault(20)
def test_keywords(db: Database, expected: dict[str, Any]) -> None:
    """The keyword search finds what it found; for v06, whose keywords 0.3 never indexed, what it found in v07."""
    searched = expected.get("search_by_keywords", [])
    for wanted in searched:
        assert sorted(entry.id for entry in db.search_by_keywords(wanted["keywords"])) == wanted["ids_sorted"]
    assert any(wanted["ids_sorted"] for wanted in searched) or "structured_contexts" not in expected


def test_metadata(db: Database, expected: dict[str, Any]) -> None:
    """Every recorded key and value."""
    for key, value in expected.get("metadata", {}).items():
        assert db.get_metadata(key) == value


@pytest.mark.parametrize("counted", [False, True], ids=["uncounted", "counted"])
def test_searches_give_all_hits_of_0_3_in_its_order_and_first(
    db: Database, expected: dict[str, Any], counted: bool
) -> None:
    """All of 0.3's hits in its order of rank, before any hit that 0.3 would not give; also under a small limit."""
    for query, recorded in expected["search"].items():
        wanted = [hit["id"] for hit in recorded]
        hits = db.search(query, limit=ALL, update_access=counted)
        assert ids(hits)[: len(wanted)] == wanted, query
        assert all(hit.matched != "entry" for hit in hits[len(wanted) :]), query
        assert all(hit.matched == "entry" and hit.rank < 0 for hit in hits[: len(wanted)]), query
        assert ids(db.search(query, limit=2, update_access=counted))[: len(wanted)] == wanted[:2]


@pytest.mark.parametrize("counted", [False, True], ids=["uncounted", "counted"])
def test_searches_with_filters(db: Database, expected: dict[str, Any], counted: bool) -> None:
    """Each filter keeps 0.3's hits first, and lets nothing else through."""
    for wanted in databases.opened("v12.db")["search_with_filters"]:
        filters = dict(wanted["filters"])
        hits = db.search(wanted["query"], **filters, update_access=counted)
        if "memory_type" in filters and not raw.rows(
            db.db_path, "SELECT 1 FROM entries WHERE memory_type = 'semantic'"
        ):
            assert hits == []
            continue
        assert ids(hits)[: len(wanted["ids"])] == wanted["ids"]
        for hit in hits:
            assert hit.entry.type == filters.get("entry_type", hit.entry.type)
            assert hit.entry.project == filters.get("project", hit.entry.project)
            assert hit.entry.memory_type == filters.get("memory_type", hit.entry.memory_type)
            assert hit.entry.status == "active" or filters.get("include_obsolete")


@pytest.mark.parametrize("counted", [False, True], ids=["uncounted", "counted"])
def test_queries_that_made_0_3_raise_answer(db: Database, counted: bool) -> None:
    """A text that is no FTS5 expression is read as words."""
    for query in databases.opened("v12.db")["search_queries_that_raise"]:
        assert isinstance(db.search(query, update_access=counted), list)
    assert ids(db.search("C++", update_access=counted))


def test_no_row_of_any_table_is_lost_or_added(name: str, tmp_path: Path) -> None:
    """Row for row what the file held, and the counts that 0.3 had after its own migration (v06: and its keywords)."""
    path = databases.unpack(name, tmp_path)
    before = raw.all_rows(path)
    recorded = databases.expected()["files"][name]["row_counts"]
    assert {table: len(rows) for table, rows in before.items() if table in recorded} == recorded
    with Database(path):
        pass
    after = raw.all_rows(path)
    wanted = dict(databases.opened(name)["row_counts"])
    if name == "v06.db":
        wanted["context_keywords"] = 35
    assert {table: len(after[table]) for table in wanted} == wanted
    for table, rows in before.items():
        if table != "entries":  # its columns grow
            width = len(rows[0]) if rows else 0
            assert [row[:width] for row in after[table]][: len(rows)] == rows, table


@pytest.mark.parametrize("counted", [False, True], ids=["uncounted", "counted"])
def test_contexts_are_searched_in_every_form(counted: bool, tmp_path: Path) -> None:
    """Structured (v12, v06) and the older free text (v05): words that stand in no entry are found in its context."""
    facts = databases.opened("v12.db")
    for name in ("v06.db", "v12.db"):
        with Database(databases.unpack(name, tmp_path)) as db:
            for entry_id, context in facts["structured_contexts"].items():
                words = context["situation"].split()
                hits = db.search('"' + " ".join(words[:5]) + '"', update_access=counted, include_obsolete=True)
                assert entry_id in ids(hits)
    with Database(databases.unpack("v05.db", tmp_path)) as db:
        for entry_id in facts["legacy_context_sha256"]:
            text = db.get_context(entry_id) or ""
            hits = db.search('"' + " ".join(text.split()[:6]).replace('"', "") + '"', update_access=counted)
            assert [hit.matched for hit in hits if hit.entry.id == entry_id] in (["context"], ["entry"])
