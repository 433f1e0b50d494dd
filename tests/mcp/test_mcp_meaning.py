"""Searching, comparing and capturing by meaning, as an assistant sees it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import meaning
from support.command_line import run_program
from support.embedders import MODEL, registered
from support.mcp_client import CONTEXT, Assistant, in_process, over_stdio
from support.transcripts import claude_transcript

from rekall import embeddings
from rekall.config import get_config
from rekall.db import Database
from rekall.transcript.session_manager import get_session_manager


@pytest.fixture(autouse=True)
def _switched_on() -> Iterator[None]:
    """The user has switched searches by meaning on, and the model is there."""
    meaning.configure()
    with registered():
        yield
    embeddings.reset_embedding_service()
    get_session_manager().clear_all()
    get_session_manager().stop_cleanup()


@pytest.fixture
def assistant(_switched_on: None) -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


def accesses(entry_id: str) -> int:
    with Database(get_config().db_path) as db:
        entry = db.get(entry_id, update_access=False)
        assert entry is not None
        return entry.access_count


def test_a_search_with_context_is_by_meaning_too(assistant: Assistant) -> None:
    """Each hit says how similar it is and which keywords it has; without a context it is what the query means alone."""
    both = assistant.add("walrus on the ice", context={**CONTEXT, "trigger_keywords": ["walrus"]})
    meant = assistant.add("the ice of the sea", context="as a text")
    reply = assistant.call("rekall_search", query="walrus", context="the ice of the sea")
    assert (reply.data["search_mode"], reply.data["note"]) == ("hybrid", None)
    hits = {hit["id"]: hit for hit in reply.data["results"]}
    assert list(hits) == [both, meant]
    assert (hits[both]["matched"], hits[both]["keywords"]) == ("entry", ["walrus"])
    assert (hits[meant]["matched"], hits[meant]["keywords"]) == ("meaning", [])
    assert 0 < hits[both]["semantic_score"] < hits[meant]["semantic_score"] < 1
    similar = [f"{hits[one]['semantic_score']:.0%}" for one in (both, meant)]
    assert f"- [{both}] bug: walrus on the ice (semantic: {similar[0]}; keywords: walrus)\n" in reply.text
    assert f"- [{meant}] bug: the ice of the sea (semantic: {similar[1]})\n" in reply.text
    assert (accesses(both), accesses(meant)) == (1, 0)
    reply = assistant.call("rekall_search", query="walrus", context=" ")
    assert (reply.data["search_mode"], reply.data["total_count"]) == ("hybrid", 1)


def test_a_search_without_context_is_by_meaning_too(assistant: Assistant) -> None:
    """As on the command line; by words alone, and a note, where that cannot be."""
    by_words, meant = assistant.add("walrus"), assistant.add("the ice of the sea")
    reply = assistant.call("rekall_search", query="the sea, a walrus on the ice")
    assert (reply.data["search_mode"], reply.data["note"]) == ("hybrid", None)
    assert {hit["id"] for hit in reply.data["results"]} == {by_words, meant}
    assert all(hit["semantic_score"] > 0 for hit in reply.data["results"])
    meaning.configure(dimensions=128)
    reply = assistant.call("rekall_search", query="walrus")
    assert (reply.data["search_mode"], [hit["id"] for hit in reply.data["results"]]) == ("fts", [by_words])
    assert "rekall embeddings --migrate" in reply.data["note"]


def test_filters_and_limit_of_a_search_with_context(assistant: Assistant) -> None:
    """As without one: exact, obsolete entries left out, a negative limit is none."""
    ids = [assistant.add(f"walrus {number}", project=f"p{number % 2}") for number in range(5)]
    assistant.call("rekall_deprecate", id=ids[0])

    def found(**more: object) -> set[str]:
        data = assistant.call("rekall_search", query="walrus", context="walrus at sea", **more).data
        return {hit["id"] for hit in data["results"]}

    assert found() == set(ids[1:])
    assert found(project="p1") == {ids[1], ids[3]}
    assert found(type="decision") == set()
    assert (len(found(limit=2)), len(found(limit=0)), len(found(limit=-1))) == (2, 0, 4)


@pytest.mark.parametrize(
    ("model", "dimensions", "note"),
    [
        ("all-MiniLM-L6-v2", 384, "rekall embeddings --download"),
        (MODEL, 128, "rekall embeddings --migrate"),
        (MODEL, 100, "smart_embeddings.dimensions is 100"),
    ],
)
def test_without_vectors_a_search_with_context_is_by_words_and_keywords(
    model: str, dimensions: int, note: str, assistant: Assistant
) -> None:
    """A model that is not here, vectors of another length, a wrong setting: the answer says what to do."""
    by_keyword = assistant.add("Nothing of it", context={**CONTEXT, "trigger_keywords": ["walrus"]})
    by_word = assistant.add("walrus")
    meaning.configure(model, dimensions)
    reply = assistant.call("rekall_search", query="walrus", context="at sea")
    assert {hit["id"] for hit in reply.data["results"]} == {by_keyword, by_word}
    assert reply.data["search_mode"] == "hybrid"
    assert {hit["semantic_score"] for hit in reply.data["results"]} == {None}
    assert note in reply.data["note"]
    assert f"Note: {reply.data['note']}" in reply.text.split("\n\n")
    reply = assistant.call("rekall_search", query="proxy", context="at sea")
    assert reply.text.startswith("No entries found")
    assert note in reply.text


def test_switched_off_a_context_changes_nothing(assistant: Assistant) -> None:
    """As in 0.3."""
    assistant.add("walrus")
    meaning.configure(enabled=False)
    data = assistant.call("rekall_search", query="walrus", context="at sea").data
    assert (data["search_mode"], data["note"], data["total_count"]) == ("fts", None, 1)


def test_add_lists_similar_entries(assistant: Assistant) -> None:
    """Up to three, the most similar first, each with its title and a hint what to do with them."""
    context = {**CONTEXT, "trigger_keywords": ["x"]}
    ids = [assistant.add(f"the walrus swims in the sea {word}", context=context) for word in ("one", "two", "ten")]
    nearest = assistant.add("the walrus swims in the sea")
    reply = assistant.call("rekall_add", type="bug", title="the walrus swims in the sea", context=context)
    similar = reply.data["similar"]
    assert len(similar) == 3
    assert similar[0] == {"id": nearest, "title": "the walrus swims in the sea", "score": pytest.approx(1)}
    assert {one["id"] for one in similar} < {nearest, *ids}
    lines = reply.text.split("\n")
    assert f"- [{nearest}] the walrus swims in the sea (100% similar)" in lines
    assert "rekall_link" in reply.text
    assert reply.data["vector_note"] is None
    alone = assistant.call("rekall_add", type="bug", title="proxy", context=context)
    assert (alone.data["similar"], alone.data["vector_note"]) == ([], None)
    assert "imilar" not in alone.text


def test_an_entry_is_stored_without_a_model(assistant: Assistant) -> None:
    """The answer says why it cannot be found by meaning."""
    meaning.configure("all-MiniLM-L6-v2")
    reply = assistant.call("rekall_add", type="bug", title="walrus", context=CONTEXT)
    assert reply.data["similar"] == []
    assert "rekall embeddings --download" in reply.data["vector_note"]
    assert f"Note: {reply.data['vector_note']}" in reply.text.split("\n")
    assert assistant.call("rekall_search", query="walrus").data["total_count"] == 1
    other = assistant.add("seal")
    made = assistant.call("rekall_generalize", entry_ids=[reply.data["id"], other])
    assert "rekall embeddings --download" in made.data["note"]
    assert f"Note: {made.data['note']}" in made.text


def test_a_captured_entry_lists_similar_ones(assistant: Assistant, tmp_path: Path) -> None:
    """After the JSON object of the second step, as in 0.3, and as data."""
    similar = assistant.add("CORS in Safari")
    transcript = claude_transcript(tmp_path / "t.jsonl", "one", "two")
    given = {"type": "bug", "title": "CORS in Safari", "context": CONTEXT}
    offered = assistant.call(
        "rekall_add", **given, auto_capture_conversation=True, _transcript_path=str(transcript)
    ).data
    reply = assistant.call("rekall_add", **given, _session_id=offered["session_id"], conversation_excerpt_indices=[0])
    document, end = json.JSONDecoder().raw_decode(reply.text)
    assert reply.data == {
        **document,
        "similar": [{"id": similar, "title": "CORS in Safari", "score": pytest.approx(1)}],
        "vector_note": None,
    }
    assert f"\n- [{similar}] CORS in Safari (100% similar)\n" in reply.text[end:]


def test_similar(assistant: Assistant) -> None:
    """By vectors where there are some, by words where not, never both; the answer says which."""
    one, near = assistant.add("walrus at the sea"), assistant.add("walrus at sea")
    reply = assistant.call("rekall_similar", entry_id=one)
    assert (reply.data["compared_by"], reply.data["note"]) == ("vectors", None)
    (found,) = reply.data["similar"]
    assert (found["id"], found["shared"]) == (near, [])
    assert "(87% similar)" in reply.text
    meaning.configure(dimensions=128)
    reply = assistant.call("rekall_similar", entry_id=one)
    assert reply.data["compared_by"] == "words"
    assert reply.data["similar"][0]["shared"]
    assert reply.data["note"].startswith("compared by words: 2 of 2 entries have vectors of")
    assert f"Note: {reply.data['note']}" in reply.text.split("\n")
    meaning.configure(enabled=False)
    data = assistant.call("rekall_similar", entry_id=one).data
    assert (data["compared_by"], data["note"]) == ("words", None)


def test_info_counts_vectors(assistant: Assistant) -> None:
    """How many entries can be found by meaning, and why not all; nothing of it where that is switched off."""
    assistant.add("walrus")
    reply = assistant.call("rekall_info")
    assert reply.data["vectors"] == {"model": MODEL, "dimensions": 384, "embedded": 1, "note": None}
    assert f"## Vectors: 1 ({MODEL}, 384 numbers)" in reply.text.split("\n")
    meaning.configure(dimensions=128)
    reply = assistant.call("rekall_info")
    assert reply.data["vectors"]["embedded"] == 0
    assert f"- {reply.data['vectors']['note']}" in reply.text.split("\n")
    meaning.configure(enabled=False)
    assert "Vectors" not in assistant.call("rekall_info").text


@pytest.mark.fault(12)
@pytest.mark.skipif(os.name == "nt", reason="PYTHONPATH of POSIX")
def test_a_server_that_runs_finds_what_the_command_line_added(tmp_path: Path) -> None:
    """At once, by meaning: a new entry and a changed one; and what it added is found by the command line."""
    environment = meaning.installed_embedder(tmp_path)
    with over_stdio(tmp_path / "log", tmp_path, **environment) as assistant:

        def found() -> list[str]:
            data = assistant.call("rekall_search", query="the sea", context="walrus").data
            assert (data["search_mode"], data["note"]) == ("hybrid", None)
            return [hit["id"] for hit in data["results"]]

        first = assistant.add("a seal of the harbour")
        assert found() == [first]
        added = run_program("add", "bug", "walrus at the sea", "--json", environment=environment)
        second = json.loads(added.stdout)["id"]
        assert found() == [second, first]
        assert run_program("edit", first, "--title", "the walrus, the sea", environment=environment).returncode == 0
        assert found() == [first, second]
        third = assistant.add("proxy")
        run = run_program("search", "proxy", "--semantic-only", "--json", environment=environment)
        assert [hit["id"] for hit in json.loads(run.stdout)["results"]] == [third]
    assert (tmp_path / "log").read_text() == ""
