"""rekall_search, rekall_show and rekall_get_context."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.counting import CountingBackend
from support.mcp_client import CONTEXT, Assistant, in_process

from rekall.config import get_config
from rekall.db import Database
from rekall.infra import register_backend
from rekall.models import Entry


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


BESIDE: dict[str, object] = {
    "notes": [],
    "corrections": {},
    "narrowed": [],
    "nothing": None,
    "superseded": [],
    "linked": [],
}
"""What is said beside the hits when there is nothing to say."""

AWKWARD = [
    "",
    " ",
    "C++",
    "user-id",
    "what is this?",
    "foo(bar)",
    "'",
    '"',
    '"open',
    "*",
    "**",
    "a*b",
    "AND",
    "OR OR",
    "NOT",
    "NOT x",
    "NEAR(a b)",
    "title:",
    "nosuch:word",
    "-x",
    "+x",
    "^x",
    "{a}",
    "a/b\\c",
    "100%",
    "_",
    "a\0b",
    "emoji \N{FIRE}\N{ZERO WIDTH JOINER}",
    "日本語",
    "'; DROP TABLE entries; --",
    "x" * 10_000,
    "word " * 2_000,
]


def test_a_hit_takes_three_lines(assistant: Assistant) -> None:
    """Count first, then id, type, title, tags and the beginning of the content, then a hint: the shape of 0.3."""
    long = "Send the header\n" + "x" * 200
    entry_id = assistant.add("CORS fails\non Safari", content=long, tags=["Web", "http"], project="shop", confidence=4)
    reply = assistant.call("rekall_search", query="safari")
    first, hit, last = reply.text.split("\n\n")
    assert first.startswith("Found 1 result")
    beginning = long[:100].replace("\n", " ") + "..."
    assert hit.split("\n") == [f"- [{entry_id}] bug: CORS fails on Safari", "  Tags: http, web", f"  {beginning}"]
    assert "rekall_show" in last
    assert reply.data == {
        "results": [
            {
                "id": entry_id,
                "type": "bug",
                "title": "CORS fails\non Safari",
                "tags": ["http", "web"],
                "project": "shop",
                "status": "active",
                "confidence": 4,
                "snippet": beginning,
                "relevance_score": reply.data["results"][0]["relevance_score"],
                "matched": "entry",
                "semantic_score": None,
                "keywords": [],
                "explanation": None,
            }
        ],
        "total_count": 1,
        "search_mode": "fts",
        "note": None,
        **BESIDE,
    }


def test_nothing_is_cut_from_short_content(assistant: Assistant) -> None:
    """Dots mean that something is missing (0.3 always added them)."""
    assistant.add("Short", content="y" * 100)
    assert f"  {'y' * 100}\n" in assistant.call("rekall_search", query="short").text
    assistant.add("Without")
    assert "Tags: none\n\n" in assistant.call("rekall_search", query="without").text


@pytest.mark.fault(14)
def test_what_stands_in_the_context_is_found_too(assistant: Assistant) -> None:
    """The hit says that the words are in the context, not in the entry."""
    entry_id = assistant.add("Request refused")
    (hit,) = assistant.call("rekall_search", query="vary header").data["results"]
    assert (hit["id"], hit["matched"]) == (entry_id, "context")


def test_filters_and_limit(assistant: Assistant) -> None:
    """Type and project are exact; a limit of 0 gives nothing, a negative one everything."""
    for number in range(12):
        assistant.add(f"retry {number}", type="bug" if number % 2 else "pattern", project=f"p{number % 3}")

    def count(**arguments: object) -> int:
        found = assistant.call("rekall_search", query="retry", **arguments).data["total_count"]
        assert isinstance(found, int)
        return found

    assert count() == 10
    assert count(limit=-1) == count(limit=10**30) == 12
    assert count(limit=0) == 0
    assert count(type="bug") == 6
    assert count(type="bug", project="p1") == 2
    assert count(type="nosuch") == 0
    assert count(context="what I am doing") == 10


def test_an_obsolete_entry_is_not_found(assistant: Assistant) -> None:
    """What is no longer true is left out of searches."""
    entry_id = assistant.add("retry")
    assistant.call("rekall_deprecate", id=entry_id)
    reply = assistant.call("rekall_search", query="retry")
    empty = {"results": [], "total_count": 0, "search_mode": "fts", "note": None}
    assert reply.data == {**empty, **BESIDE, "nothing": "obsolete_only"}
    assert reply.text.startswith("No entries found")


@pytest.mark.fault(9)
@pytest.mark.parametrize("query", AWKWARD, ids=lambda query: repr(query[:20]))
def test_any_query_gets_an_answer(query: str, assistant: Assistant) -> None:
    """What 0.3 passed raw to MATCH crashed it; nothing that is typed is an error here."""
    assistant.add("C++ and what this is")
    assistant.call("rekall_search", query=query)


@pytest.mark.long
def test_two_thousand_generated_queries_get_an_answer() -> None:
    """Operators, quotes and characters of every script, as they come."""
    pieces = st.one_of(st.text(max_size=30), st.sampled_from([*AWKWARD[:-2], "retry", "cors*", "title:retry"]))
    with in_process() as assistant:
        assistant.add("retry of cors")

        @settings(max_examples=2_000, deadline=None, database=None)
        @given(st.lists(pieces, max_size=6).map(" ".join))
        def search(query: str) -> None:
            assistant.call("rekall_search", query=query)

        search()


def test_show_gives_the_whole_entry(assistant: Assistant) -> None:
    """The headings and lines of 0.3 in its order, then what 0.3 did not show."""
    other = assistant.add("The newer one")
    entry_id = assistant.add("CORS fails", content="First\nSecond", tags=["web"], project="shop")
    assistant.call("rekall_link", source_id=entry_id, target_id=other, relation_type="derived_from", reason="seen")
    assistant.call("rekall_link", source_id=other, target_id=entry_id, reason="both")
    assistant.call("rekall_deprecate", id=entry_id, replaced_by=other)
    reply = assistant.call("rekall_show", id=entry_id)
    entry = reply.data["entry"]
    assert reply.text.split("\n") == [
        "# CORS fails",
        "",
        f"ID: {entry_id}",
        "Type: bug",
        "Memory: episodic",
        "Confidence: ★★☆☆☆",
        "Tags: web",
        "Project: shop",
        f"Created: {entry['created_at'][:16].replace('T', ' ')}",
        "Status: obsolete",
        f"Superseded by: {other}",
        "",
        "## Content",
        "First",
        "Second",
        "",
        "## Links",
        f"→ [derived_from] {other} The newer one (reason: seen)",
        f"← [related] {other} The newer one (reason: both)",
        "",
        "## Context",
        f"Situation: {CONTEXT['situation']}",
        f"Solution: {CONTEXT['solution']}",
        "Keywords: cors",
        f"When: {reply.data['context']['day_of_week']} {reply.data['context']['time_of_day']}",
    ]
    assert entry["superseded_by"] == other
    assert reply.data["context"]["situation"] == CONTEXT["situation"]
    assert [link["direction"] for link in reply.data["links"]] == ["outgoing", "incoming"]


def test_show_of_a_bare_entry(assistant: Assistant) -> None:
    """Without content, links or context there is a placeholder and no empty section."""
    entry = Entry("01BARE", "Bare", "config")
    with Database(get_config().db_path) as database:
        database.add(entry)
    reply = assistant.call("rekall_show", id="01BARE")
    assert "Tags: none\nProject: none\n" in reply.text
    assert reply.text.endswith("## Content\n[no content]")
    assert reply.data["context"] is None
    assert reply.data["links"] == []


def test_reading_counts_and_the_answer_holds_the_count_before(assistant: Assistant) -> None:
    """A search and a show each count one access, as in 0.3."""
    entry_id = assistant.add("Counted")
    assistant.call("rekall_search", query="counted")
    assert assistant.call("rekall_show", id=entry_id[:20]).data["entry"]["access_count"] == 1
    assert assistant.call("rekall_show", id=entry_id).data["entry"]["access_count"] == 2
    assistant.call("rekall_get_context", entry_ids=[entry_id])
    assert assistant.call("rekall_show", id=entry_id).data["entry"]["access_count"] == 3


def test_get_context_reads_several(assistant: Assistant) -> None:
    """The structured context is given (0.3 read the free text only), a long free text is cut at 2000 characters."""
    structured = assistant.add("One", context={**CONTEXT, "what_failed": "Cache off", "error_messages": ["E1", "E2"]})
    text = assistant.add("Two", context="z" * 2001)
    with Database(get_config().db_path) as database:
        database.add(Entry("01BARE", "Bare", "config"))
        database.store_context(structured, "An older note")
    reply = assistant.call("rekall_get_context", entry_ids=[structured[:25], text, structured, "01BARE", "01NOBODY"])
    title, one, two, three, unknown = reply.text.split("\n\n")
    assert title.startswith("# ")
    when = one.split("\n")[-1]
    assert one.split("\n") == [
        f"## Entry {structured[:12]}... One",
        "An older note",
        f"Situation: {CONTEXT['situation']}",
        f"Solution: {CONTEXT['solution']}",
        "What failed: Cache off",
        "Keywords: cors",
        "Errors: E1; E2",
        when,
    ]
    assert when.startswith("When: ")
    assert two.split("\n")[1] == "z" * 2000 + "..."
    assert three.split("\n")[1] == "[no context stored]"
    assert unknown == "## Entry 01NOBODY...\n[no entry has this id]"
    assert [record["id"] for record in reply.data["contexts"]] == [structured, text, "01BARE"]
    assert reply.data["contexts"][1]["context_text"] == "z" * 2001
    assert reply.data["not_found"] == ["01NOBODY"]


def test_get_context_tells_an_unclear_id_from_an_unknown_one(assistant: Assistant) -> None:
    """The entries are there: to say that none has the id would be wrong."""
    one = assistant.add("One")
    with Database(get_config().db_path) as database:
        for entry_id in ("01AAB", "01AAC"):
            database.add(Entry(entry_id, "Title", "bug"))
    assert "several ids begin with 01AA" in assistant.refusal("rekall_get_context", entry_ids=[one, "01AA"])


def test_whole_ids_take_few_queries(tmp_path: Path) -> None:
    """However many there are."""
    backend = CountingBackend(tmp_path / "counted.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as database:
        ids = [f"01ID{number:03}" for number in range(100)]
        for entry_id in ids:
            database.add(Entry(entry_id, "Title", "bug"))
        with in_process(lambda: database) as assistant:
            backend.reset()
            assert len(assistant.call("rekall_get_context", entry_ids=ids).data["contexts"]) == 100
            assert len(assistant.call("rekall_generalize", entry_ids=ids).data["derived_from"]) == 100
    assert backend.reads() <= 10


def test_get_context_of_nothing_known_is_an_error(assistant: Assistant) -> None:
    """An answer without a single context would look like success."""
    assert "01NOBODY" in assistant.refusal("rekall_get_context", entry_ids=["01NOBODY"])
    assert "entry_ids" in assistant.refusal("rekall_get_context", entry_ids=[])


def test_ids_are_taken_by_unique_prefix_in_any_case(assistant: Assistant) -> None:
    """An ambiguous beginning names the candidates, an unknown one says where ids come from."""
    with Database(get_config().db_path) as database:
        for entry_id, title in (("01AAB", "First"), ("01AAC", "Second")):
            database.add(Entry(entry_id, title, "bug"))
    assert assistant.call("rekall_show", id="01aab").data["entry"]["title"] == "First"
    refused = assistant.refusal("rekall_show", id="01AA")
    assert "01AAB (First)" in refused
    assert "01AAC (Second)" in refused
    assert "rekall_search" in assistant.refusal("rekall_show", id="01X")
    assert len(assistant.refusal("rekall_show", id="9" * 10_000)) < 200
    assistant.refusal("rekall_show", id="")
    assistant.refusal("rekall_get_context", entry_ids=["01AA"])
