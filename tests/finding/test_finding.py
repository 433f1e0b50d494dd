"""One question, answered: how it was read, what was found, what belongs to it, and why nothing was found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases, meaning
from support.embedders import registered

from rekall import embeddings
from rekall.db import Database
from rekall.embeddings import embed_entries
from rekall.finding import Answer, Nothing, Question, find
from rekall.models import Entry, StructuredContext

ALL = 10_000
CONTEXT = StructuredContext(
    "The export stalled behind the proxy",
    "Stream the rows",
    ["backlog"],
    what_failed="Larger buffers",
    error_messages=["E_TIMEOUT 504"],
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        opened.init()
        yield opened


def add(db: Database, entry_id: str, title: str, **more: Any) -> str:
    """Store an entry; `context` is its context."""
    context = more.pop("context", None)
    db.add(Entry(entry_id, title, "bug", **more), context=context)
    return entry_id


def replace(db: Database, old: str, new: str | None = None) -> None:
    """Mark an entry as obsolete, and name its successor."""
    db.entries.change(old, {"status": "obsolete", "superseded_by": new})


def ids(answer: Answer) -> list[str]:
    return [hit.entry.id for hit in answer.hits]


def accesses(db: Database, entry_id: str) -> int:
    entry = db.get(entry_id, update_access=False)
    assert entry is not None
    return entry.access_count


# how a query is read


def test_a_typing_error_is_told_and_the_rest_of_the_query_still_counts(db: Database) -> None:
    """Entries with the meant words come first, then those that have some of the words as they were typed."""
    both = add(db, "BOTH", "CORS fails in Safari")
    some = add(db, "SOME", "Safari loses the session")
    add(db, "OTHER", "Retry with jitter")
    answer = find(db, Question("corss safari"))
    assert ids(answer) == [both, some]
    assert answer.notes == ["no match for 'corss', showing 'cors'"]
    assert answer.corrections == {"corss": ["cors"]}
    assert [hit.matched for hit in answer.hits] == ["entry", "some"]
    scores = [hit.score or 0 for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)
    assert (accesses(db, both), accesses(db, some)) == (1, 0)
    assert ids(find(db, Question("corss safari", limit=1))) == [both]
    assert ids(find(db, Question("corss safari", limit=-1))) == [both, some]


def test_a_word_of_a_longer_query_is_corrected_when_nothing_is_found(db: Database) -> None:
    """Five words, none of which the base holds."""
    entry_id = add(db, "ONE", "Kubernetes pods evicted")
    answer = find(db, Question("kuberntes podz evictet nothing else"))
    assert ids(answer) == [entry_id]
    assert set(answer.corrections) == {"kuberntes", "podz", "evictet"}


def test_a_word_that_is_known_is_never_corrected(db: Database) -> None:
    """Even where another one has more entries; nor is a word of three letters that nothing is like."""
    add(db, "ONE", "cord")
    for number in range(5):
        add(db, f"CORS{number}", "cors")
    assert ids(find(db, Question("cord"))) == ["ONE"]
    assert find(db, Question("xyz")).nothing is Nothing.NO_MATCH


def test_an_expression_that_nothing_satisfies_is_loosened_and_said_so(db: Database) -> None:
    """The words of a phrase or of a field that are there, but not so; what NOT excludes stays out."""
    entry_id = add(db, "ONE", "walrus on ice")
    for query in ('"ice walrus"', "tags:walrus"):
        answer = find(db, Question(query))
        assert ids(answer) == [entry_id], query
        assert len(answer.notes) == 1, query
        assert "as it was typed" in answer.notes[0]
    assert find(db, Question("seal NOT walrus")).nothing is Nothing.NO_MATCH


def test_exact_reads_a_query_in_one_way(db: Database) -> None:
    """No typing error is corrected, no context searched, and every word must be there."""
    both = add(db, "BOTH", "walrus ice")
    add(db, "SOME", "walrus", context=CONTEXT)
    assert ids(find(db, Question("walrus ice", exact=True))) == [both]
    for query in ("walruss", "streaming proxy", "walrus giraffe", '"ice walrus"'):
        answer = find(db, Question(query, exact=True))
        assert (ids(answer), answer.notes, answer.nothing) == ([], [], Nothing.NO_MATCH), query


def test_the_project_at_hand_decides_between_equals(db: Database) -> None:
    """Among entries that hold the same words of a longer query, and not when a project is asked for."""
    for project in ("zoo", "sea", "ice"):
        add(db, project, "walrus stands still", project=project)
    query = "walrus what makes it stop in the water"
    for here in ("zoo", "sea", "ice"):
        assert ids(find(db, Question(query, here=here)))[0] == here
    assert ids(find(db, Question(query, project="zoo", here="sea"))) == ["zoo"]


# why nothing


def test_why_nothing_was_found(db: Database) -> None:
    """Nothing stored, no match, filtered out, obsolete only, a limit of 0; found is none of them."""

    def reason(query: str, **more: Any) -> Nothing | None:
        return find(db, Question(query, **more)).nothing

    assert reason("walrus") is Nothing.NOTHING_STORED
    add(db, "ONE", "walrus", project="zoo")
    assert reason("walrus") is None
    assert reason("giraffe") is Nothing.NO_MATCH
    assert reason("walrus", project="sea") is Nothing.FILTERED_OUT
    assert reason("giraffe", project="sea") is Nothing.NO_MATCH
    assert reason("walrus", entry_type="", project="zoo") is None
    assert reason("walrus", limit=0) is Nothing.NO_LIMIT
    replace(db, "ONE")
    assert reason("walrus") is Nothing.OBSOLETE_ONLY
    assert accesses(db, "ONE") == 2


# what belongs to hits


def test_an_obsolete_entry_leads_to_the_active_one_at_the_end_of_its_successors(db: Database) -> None:
    """However many lie between; a circle, and successors that are all obsolete, lead nowhere."""
    for entry_id in ("A", "B", "C"):
        add(db, entry_id, f"walrus {entry_id}")
    add(db, "NOW", "the seal")
    for old, new in (("A", "B"), ("B", "C"), ("C", "NOW")):
        replace(db, old, new)
    answer = find(db, Question("walrus"))
    assert (ids(answer), answer.nothing) == ([], Nothing.OBSOLETE_ONLY)
    assert {(old.id, by.id) for old, by in answer.superseded} == {("A", "NOW"), ("B", "NOW"), ("C", "NOW")}
    replace(db, "NOW", "A")
    assert find(db, Question("walrus")).superseded == []


def test_an_active_hit_that_a_link_supersedes(db: Database) -> None:
    """It stays a hit, and is told with what supersedes it, once, however many links it has."""
    old, new = add(db, "OLD", "walrus"), add(db, "NEW", "seal")
    others = [add(db, f"O{number}", f"Other {number}") for number in range(6)]
    for other in others:
        db.add_link(old, other)
    db.add_link(new, old, "supersedes")
    db.add_link(others[0], old, "supersedes")
    answer = find(db, Question("walrus"))
    assert ids(answer) == [old]
    assert [(one.id, by.id) for one, by in answer.superseded] == [(old, new)]
    assert [linked.entry.id for linked in answer.linked] == others[:5]


# explanations


def test_the_words_are_told_by_field(db: Database) -> None:
    """Of the entry and of every part of its context, stems included, as they were asked for."""
    entry_id = add(db, "ONE", "Exports stall", content="the proxy", tags=["proxy"], context=CONTEXT)
    answer = find(db, Question("export proxy rows buffers backlog 504", explain=True))
    assert dict(answer.explanations[entry_id].words) == {
        "title": ["export"],
        "content": ["proxy"],
        "tags": ["proxy"],
        "situation": ["export", "proxy"],
        "solution": ["rows"],
        "what_failed": ["buffers"],
        "keywords": ["backlog"],
        "errors": ["504"],
    }
    add(db, "TWO", "proxy: walrus")
    phrase = find(db, Question('"proxy : walrus"', explain=True)).explanations["TWO"]
    assert phrase.words == {"title": ["proxy : walrus"]}


def test_words_of_a_context_without_fields(db: Database) -> None:
    """A free text, as 0.3 stored it."""
    entry_id = add(db, "ONE", "Title")
    db.store_context(entry_id, "the walrus swims")
    answer = find(db, Question("walrus", explain=True))
    assert answer.explanations[entry_id].words == {"context_text": ["walrus"]}


def test_places_scores_and_what_does_not_rank(db: Database) -> None:
    """Places count from 1 on, bm25 is positive; links and accesses are those of the hit."""
    for number in range(3):
        add(db, f"E{number}", f"walrus {'ice ' * number}")
    db.add_link("E0", "E1")
    answer = find(db, Question("walrus ice", explain=True))
    whys = [answer.explanations[entry_id] for entry_id in ids(answer)]
    assert [why.lexical_rank for why in whys] == [1, 2, 3]
    assert all(why.bm25 is not None and why.bm25 > 0 for why in whys)
    assert {(why.vector_rank, why.similarity) for why in whys} == {(None, None)}
    assert (answer.explanations["E0"].links, answer.explanations["E2"].links) == (1, 0)
    assert find(db, Question("walrus")).explanations == {}


def test_a_corrected_word_is_explained_by_what_was_looked_for(db: Database) -> None:
    """The explanation names the word that stands in the entry."""
    add(db, "ONE", "cors")
    assert find(db, Question("corss", explain=True)).explanations["ONE"].words == {"title": ["cors"]}


WORDS = ["walrus", "walrs", "ice", "C++", "user-id", "AND", "OR", "NOT", "NEAR(", "title:", "tags:", '"', "*", "^", "-"]
QUERIES = st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join))
# the base is only searched, so the examples may share it
SHARED_BASE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def _answers(db: Database, query: str) -> None:
    answer = find(db, Question(query, explain=True))
    scores = [hit.score for hit in answer.hits]
    assert all(score is not None and 0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert set(answer.explanations) == set(ids(answer))
    assert (answer.nothing is None) == bool(answer.hits)
    assert all("\n" not in note for note in answer.notes)
    assert ids(find(db, Question(query, exact=True))) == [
        hit.entry.id for hit in find(db, Question(query)).hits if hit.matched == "entry" and not answer.notes
    ]


@pytest.fixture
def some(db: Database) -> Database:
    """A base of a few entries."""
    for number, title in enumerate(("Walrus on ice", "C++ user-id", "ice, walrus, seal", "the walrus")):
        add(db, f"E{number}", title, content="walrus " * number, context=CONTEXT if number % 2 else None)
    return db


@given(QUERIES)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=SHARED_BASE)
def test_any_text_is_answered_and_explained(some: Database, query: str) -> None:
    """Scores from 0 to 1 order the hits, each hit is explained, and --exact gives those that satisfy the query."""
    _answers(some, query)


@pytest.mark.long
@given(QUERIES)
@settings(max_examples=3000, deadline=None, database=None, suppress_health_check=SHARED_BASE)
def test_many_texts_are_answered_and_explained(some: Database, query: str) -> None:
    """The same three thousand times."""
    _answers(some, query)


# what 0.3 gave


@pytest.mark.parametrize("name", databases.NAMES)
def test_hits_of_0_3_come_first_and_exact_gives_them_alone(name: str, tmp_path: Path) -> None:
    """Every recorded query, in 0.3's order of rank."""
    with Database(databases.unpack(name, tmp_path)) as db:
        for query, recorded in databases.opened(name)["search"].items():
            wanted = [hit["id"] for hit in recorded]
            assert ids(find(db, Question(query, limit=ALL)))[: len(wanted)] == wanted, query
            assert ids(find(db, Question(query, limit=ALL, exact=True))) == wanted, query


# with a model


@pytest.fixture
def by_meaning() -> Iterator[None]:
    meaning.configure()
    with registered():
        yield
    embeddings.reset_embedding_service()


@pytest.fixture
def meant(by_meaning: None, db: Database) -> Database:
    """A base with vectors."""
    add(db, "CORS", "CORS fails in Safari", context=CONTEXT)
    add(db, "SEA", "the ice of the sea")
    add(db, "OLD", "preflight answered")
    add(db, "NEW", "OPTIONS is routed")
    embed_entries(db, embeddings.get_embedding_service().embedder)
    replace(db, "OLD", "NEW")
    return db


def test_both_places_are_told(meant: Database) -> None:
    """By words and by meaning; a hit that only one of them found has one."""
    answer = find(meant, Question("cors of the sea", explain=True))
    assert answer.mode == "hybrid"
    whys = answer.explanations
    assert {whys[one].lexical_rank for one in ("CORS", "SEA")} == {1, 2}
    assert {whys[one].vector_rank for one in ("CORS", "SEA")} == {1, 2}
    assert all(0 < (whys[one].similarity or 0) <= 1 for one in ("CORS", "SEA"))
    (why,) = find(meant, Question("the sea", meaning_only=True, limit=1, explain=True)).explanations.values()
    assert (why.bm25, why.lexical_rank, why.vector_rank) == (None, None, 1)
    assert why.words["title"] == ["the", "sea"]


def test_with_a_model_a_typing_error_is_corrected_when_no_word_is_found(meant: Database) -> None:
    """What is meant is the corrected text; where a word is found, meaning has to do with the others."""
    answer = find(meant, Question("safarii"))
    assert (answer.mode, ids(answer)[0], answer.notes) == (
        "hybrid",
        "CORS",
        ["no match for 'safarii', showing 'safari'"],
    )
    assert answer.hits[0].similarity
    assert accesses(meant, "CORS") == 1
    assert find(meant, Question("safarii sea")).notes == []


def test_with_a_model_a_word_that_is_meant_is_not_corrected(meant: Database) -> None:
    """What was typed is nearer to an entry than the text with a word of the base."""
    add(meant, "LOGIC", "logic of the long title that has many words beside what is looked for here")
    embed_entries(meant, embeddings.get_embedding_service().embedder)
    answer = find(meant, Question("login", context="OPTIONS is routed"))
    assert (ids(answer)[0], answer.notes) == ("NEW", [])


def test_with_a_model_superseded_entries_are_told(meant: Database) -> None:
    """Which have no vector that is looked at, and are found by words."""
    answer = find(meant, Question("preflight"))
    assert [(old.id, by.id) for old, by in answer.superseded] == [("OLD", "NEW")]


@pytest.mark.parametrize("enabled", [True, False])
def test_an_obsolete_entry_far_below_the_hits_is_not_told(enabled: bool, meant: Database) -> None:
    """One that would be no hit if it were active, by words alone and with a model."""
    for number in range(5):
        add(meant, f"E{number}", "preflight preflight answered")
    embed_entries(meant, embeddings.get_embedding_service().embedder)
    meaning.configure(enabled=enabled)
    query = "preflight answered preflight"
    assert find(meant, Question(query, limit=2)).superseded == []
    assert [old.id for old, _ in find(meant, Question(query, limit=20)).superseded] == ["OLD"]


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("query", ["walrus", "walrus ashore", "what does a walrus do ashore"])
def test_superseded_entries_do_not_take_the_places_of_hits(enabled: bool, query: str, meant: Database) -> None:
    """However many rank above the one that holds, by words alone and with a model, at every limit."""
    now = add(meant, "NOW", "One of many long titles that speak of a walrus", content="and more " * 30)
    for number in range(120):
        replace(meant, add(meant, f"W{number}", f"Walrus {number}"), now)
    embed_entries(meant, embeddings.get_embedding_service().embedder)
    meaning.configure(enabled=enabled)
    for limit in (1, 20, 101):
        answer = find(meant, Question(query, limit=limit))
        assert (ids(answer)[0], answer.nothing) == (now, None), limit
        assert len(answer.superseded) == 3
    assert accesses(meant, now) == (3 if query == "walrus" else 0)


def test_with_a_model_exact_is_by_words(meant: Database) -> None:
    """Nothing else satisfies a query."""
    answer = find(meant, Question("sea", exact=True))
    assert (answer.mode, ids(answer)) == ("fts", ["SEA"])


def test_with_a_model_a_filter_that_hides_what_is_meant_is_told(meant: Database) -> None:
    """Found by meaning outside the filter, though no word of it."""
    for query in ("sea", "ice of a lake"):
        assert find(meant, Question(query, project="none")).nothing is Nothing.FILTERED_OUT
        answer = find(meant, Question(query, project="none", meaning_only=True))
        assert answer.nothing is Nothing.FILTERED_OUT


def test_without_vectors_it_is_by_words_and_the_first_note_says_so(by_meaning: None, db: Database) -> None:
    """As complete as where no model is wanted: corrections, related entries, one access each."""
    entry_id = add(db, "CORS", "CORS fails", context=CONTEXT)
    answer = find(db, Question("corss", context="behind a proxy", explain=True))
    assert (answer.mode, ids(answer)) == ("fts", [entry_id])
    assert answer.notes == [answer.problem, "no match for 'corss', showing 'cors'"]
    assert "rekall embeddings --migrate" in (answer.problem or "")
    assert answer.explanations[entry_id].lexical_rank == 1
    assert accesses(db, entry_id) == 1
