"""Entries, links and hits as JSON-safe dicts."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekall.models import Entry, Link, MatchKind, SearchResult, StructuredContext
from rekall.records import context_record, entry_record, hit_record, link_record, relevance, with_offset

NOON = datetime(2025, 7, 1, 12)


def entry() -> Entry:
    return Entry("A", "title", "bug", created_at=NOON, updated_at=NOON, next_review=date(2025, 8, 1), tags=["x"])


def test_an_entry_has_all_its_fields() -> None:
    """Whatever a later version adds to `Entry` must be added here."""
    record = entry_record(entry())
    assert set(record) == {field.name for field in fields(Entry)}
    assert json.loads(json.dumps(record)) == record
    assert (record["next_review"], record["tags"], record["last_accessed"]) == ("2025-08-01", ["x"], None)


@pytest.mark.fault(36)
def test_times_carry_the_offset_of_this_machine() -> None:
    """The same moment, told to readers elsewhere; the file has none."""
    text = with_offset(NOON)
    assert text is not None
    moment = datetime.fromisoformat(text)
    assert moment.utcoffset() == NOON.astimezone().utcoffset() is not None
    assert moment.replace(tzinfo=None) == NOON
    assert with_offset(None) is None
    assert entry_record(entry())["created_at"] == text


def test_links_and_contexts() -> None:
    """All fields, times with offset."""
    link = Link("L", "A", "B", "supersedes", NOON, "because")
    assert link_record(link) == {
        "id": "L",
        "source_id": "A",
        "target_id": "B",
        "type": "supersedes",
        "reason": "because",
        "created_at": with_offset(NOON),
    }
    context = StructuredContext("a situation", "a solution", ["k"], created_at=NOON)
    assert context_record(context) == context.to_dict() | {"created_at": with_offset(NOON)}


def test_a_hit_names_its_own_links() -> None:
    """Links of other entries in the same list are left out."""
    links = [Link("1", "A", "B", "related"), Link("2", "C", "A", "supersedes"), Link("3", "B", "C", "related")]
    record = hit_record(SearchResult(entry(), -2.0, matched="context"), iter(links))
    assert record["links"] == {
        "outgoing": [{"target_id": "B", "type": "related"}],
        "incoming": [{"source_id": "C", "type": "supersedes"}],
    }
    assert (record["matched"], record["semantic_score"], record["status"]) == ("context", None, "active")
    assert json.loads(json.dumps(record)) == record


def hit(rank: float, matched: MatchKind) -> SearchResult:
    return SearchResult(entry(), rank, matched=matched)


@pytest.mark.fault(10, 11)
@given(better=st.floats(-50, 0), worse=st.floats(-50, 0))
def test_relevance_is_in_the_order_of_the_search(better: float, worse: float) -> None:
    """From 0 to 1; lower bm25 is never less relevant, and each kind of match is above the next."""
    better, worse = min(better, worse), max(better, worse)
    for matched in ("entry", "context", "some"):
        scores = relevance(hit(better, matched)), relevance(hit(worse, matched))
        assert 1 >= scores[0] >= scores[1] >= 0
    assert relevance(hit(0, "entry")) >= relevance(hit(-50, "context"))
    assert relevance(hit(0, "context")) >= relevance(hit(-50, "some"))


@pytest.mark.fault(10)
@pytest.mark.parametrize("rank", [-1.0, 0.0, 3.0])
def test_relevance_of_odd_ranks(rank: float) -> None:
    """Fault 10: a rank of exactly -1 divided by zero; a positive one cannot go below its kind."""
    assert 2 / 3 - 1e-4 <= relevance(hit(rank, "entry")) <= 1
