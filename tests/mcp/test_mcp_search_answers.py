"""What rekall_search tells an assistant beside its hits, in its text alone and as data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import meaning
from support.embedders import registered
from support.mcp_client import Assistant, in_process

from rekall import embeddings
from rekall.config import get_config
from rekall.db import Database


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


def test_a_corrected_word_is_told_in_the_text(assistant: Assistant) -> None:
    """An assistant that reads the text alone knows what was looked for."""
    entry_id = assistant.add("CORS fails")
    reply = assistant.call("rekall_search", query="corss")
    assert [hit["id"] for hit in reply.data["results"]] == [entry_id]
    assert "Note: no match for 'corss', showing 'cors'" in reply.text.split("\n\n")
    assert reply.data["notes"] == [reply.data["note"]] == ["no match for 'corss', showing 'cors'"]
    assert reply.data["corrections"] == {"corss": ["cors"]}


def test_each_reason_for_nothing_has_its_own_text(assistant: Assistant) -> None:
    """Nothing stored, no match, filtered out, obsolete only, no limit."""
    texts = []

    def nothing(**arguments: object) -> object:
        reply = assistant.call("rekall_search", **arguments)
        assert reply.text.startswith("No entries found: ")
        texts.append(reply.text)
        return reply.data["nothing"]

    assert nothing(query="walrus") == "nothing_stored"
    entry_id = assistant.add("walrus")
    assert nothing(query="giraffe") == "no_match"
    assert nothing(query="walrus", project="zoo") == "filtered_out"
    assert nothing(query="walrus", limit=0) == "limit_is_0"
    assistant.call("rekall_deprecate", id=entry_id)
    assert nothing(query="walrus") == "obsolete_only"
    assert len(set(texts)) == len(texts) == 5


def test_what_took_the_place_of_an_obsolete_entry(assistant: Assistant) -> None:
    """Both ids and titles, in the text and as data, beside hits and without any."""
    old, new = assistant.add("Five connections\nin the pool"), assistant.add("Ten of them")
    assistant.call("rekall_deprecate", id=old, replaced_by=new)
    line = f"- [{old}] Five connections in the pool -> [{new}] Ten of them"
    for _ in range(2):
        reply = assistant.call("rekall_search", query="connections")
        assert line in reply.text.split("\n")
        assert reply.data["superseded"] == [
            {"id": old, "title": "Five connections\nin the pool", "by_id": new, "by_title": "Ten of them"}
        ]
        assistant.add("Other connections")


def test_linked_entries_are_told(assistant: Assistant) -> None:
    """Those that are no hits themselves, five at most."""
    hit = assistant.add("walrus")
    others = [assistant.add(f"Other {number}") for number in range(6)]
    for other in others:
        assistant.call("rekall_link", source_id=other, target_id=hit, relation_type="derived_from", reason="seen")
    reply = assistant.call("rekall_search", query="walrus")
    assert [(one["id"], one["relation"], one["direction"]) for one in reply.data["linked"]] == [
        (other, "derived_from", "incoming") for other in others[:5]
    ]
    assert f"- ← derived_from [{others[0]}] Other 0" in reply.text.split("\n")


def test_exact_is_for_entries_that_hold_all_of_it(assistant: Assistant) -> None:
    """No typing error corrected, no context, not some of the words."""
    both = assistant.add("walrus ice")
    assistant.add("walrus")

    def found(query: str) -> list[str]:
        return [hit["id"] for hit in assistant.call("rekall_search", query=query, exact=True).data["results"]]

    assert found("walrus ice") == [both]
    assert found("walruss") == found("vary header") == []


def test_a_hit_is_explained_on_request(assistant: Assistant) -> None:
    """The three lines of 0.3, then why."""
    entry_id = assistant.add("walrus", content="on ice", tags=["ice"])
    reply = assistant.call("rekall_search", query="walrus ice", explain=True)
    _, hit, *_ = reply.text.split("\n\n")
    lines = hit.split("\n")
    assert lines[:3] == [f"- [{entry_id}] bug: walrus", "  Tags: ice", "  on ice"]
    assert lines[4] == "  words: title: walrus; content: ice; tags: ice"
    assert [line.partition(":")[0] for line in lines[3:]] == ["  score", "  words", "  by words", "  not ranked by"]
    explanation = reply.data["results"][0]["explanation"]
    assert explanation["words"] == {"title": ["walrus"], "content": ["ice"], "tags": ["ice"]}
    assert explanation["lexical_rank"] == 1


def test_with_a_model(assistant: Assistant) -> None:
    """Both places are told; what stands in the way of a search by meaning is the first note."""
    assistant.add("walrus of the ice")
    meaning.configure()
    try:
        with registered():
            reply = assistant.call("rekall_search", query="walruss")
            assert (reply.data["search_mode"], len(reply.data["notes"])) == ("fts", 2)
            assert reply.data["note"] == reply.data["notes"][0]
            assert "rekall embeddings --migrate" in reply.data["note"]
            with Database(get_config().db_path) as db:
                embeddings.embed_entries(db, embeddings.get_embedding_service().embedder)
            reply = assistant.call("rekall_search", query="walruss", explain=True)
            assert (reply.data["search_mode"], reply.data["corrections"]) == ("hybrid", {"walruss": ["walrus"]})
            explanation = reply.data["results"][0]["explanation"]
            assert (explanation["lexical_rank"], explanation["vector_rank"]) == (1, 1)
            assert "\n  by meaning: place 1, similarity 0." in reply.text
    finally:
        embeddings.reset_embedding_service()
