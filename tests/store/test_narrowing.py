"""Broad queries in a large base: only entries with a rare word are ranked, by all words, and none with one is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.chance import seeded

from rekall.db import Database
from rekall.infra import ServiceContainer
from rekall.infra.interfaces import Statement
from rekall.models import Entry, StructuredContext
from rekall.store.frequencies import RANKED, UNCOUNTED, Frequencies, Plan, most
from rekall.store.query import MAX_TERMS, parse_query

SIZE = 26_000
COMMON = ("linux", "server", "error", "update", "with", "driver", "kernel", "network")
"""In every second, third ... entry."""
RARE = ("hdmi", "dongle", "firmware")
"""In every 400th, 500th, 600th entry."""
BROAD_QUERY = "hdmi dongle linux server error update with driver kernel network"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    chance = seeded(6)
    with Database(tmp_path_factory.mktemp("large") / "k.db", container=ServiceContainer()) as db:
        db.set_metadata("prepared", "yes")
        db.store.session.write(_insert(number, chance.randint(1, 30)) for number in range(SIZE))
        yield db


def _insert(number: int, filling: int) -> Statement:
    words = [word for place, word in enumerate(COMMON) if number % (place + 2) == 0]
    words += [word for place, word in enumerate(RARE) if number % (400 + 100 * place) == 0]
    return Statement(
        "INSERT INTO entries(id, title, content, type, created_at, updated_at)"
        " VALUES (?, ?, ?, 'bug', '2025-01-01T00:00:00', '2025-01-01T00:00:00')",
        (f"E{number:05}", f"note {number}", " ".join(words + [f"filling{number % 7}"] * filling)),
    )


def full_ranking(db: Database, terms: tuple[str, ...], wanted: tuple[str, ...]) -> list[tuple[str, float]]:
    """Ids and bm25 by all terms, in raw SQLite, of the entries that hold one of those wanted."""
    having = "id IN (SELECT id FROM entries_fts WHERE entries_fts MATCH ?)"
    with closing(sqlite3.connect(db.db_path)) as raw:
        rows: list[tuple[str, float]] = raw.execute(
            "SELECT id, rank FROM entries_fts WHERE entries_fts MATCH ? AND rank MATCH 'bm25(0, 2.5, 1, 1)'"
            f" AND {having} ORDER BY rank LIMIT 60",
            (" OR ".join(terms), " OR ".join(wanted)),
        ).fetchall()
    return rows


def test_a_broad_query_is_narrowed_and_ranked_by_all_its_words(large: Database) -> None:
    """The hits are the best of those with a rare word, with the rank that all words together give."""
    found = large.store.search.find(BROAD_QUERY, limit=50, update_access=False)
    assert set(found.narrowed) >= {'"hdmi"', '"dongle"'}
    assert '"linux"' not in found.narrowed
    wanted = full_ranking(large, found.terms, found.narrowed)
    gain = found.hits[0].rank / wanted[0][1]  # all are equally old
    assert 1 <= gain < 1.03
    assert [hit.rank for hit in found.hits] == pytest.approx([gain * rank for _, rank in wanted[:50]], rel=1e-4)
    assert {hit.entry.id for hit in found.hits} <= {entry_id for entry_id, _ in wanted}
    scores = [hit.score or 0.0 for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] <= 1


def test_an_entry_with_rare_words_alone_is_found(large: Database) -> None:
    """That it holds no common word does not hide it."""
    large.add(Entry("ALONE", "hdmi dongle", "bug"))
    for counted in (False, True):
        found = large.store.search.find(BROAD_QUERY, update_access=counted)
        assert found.hits[0].entry.id == "ALONE"
    large.delete("ALONE")


def test_an_entry_added_meanwhile_is_found(large: Database) -> None:
    """Counts of rare words are not kept: a word that no entry held a moment ago is looked for again."""
    query = f"{BROAD_QUERY} quokka"
    assert '"quokka"' not in large.store.search.find(query, update_access=False).narrowed
    large.add(Entry("NEW", "quokka", "bug"))
    found = large.store.search.find(query, update_access=False)
    assert '"quokka"' in found.narrowed
    assert "NEW" in [hit.entry.id for hit in found.hits]
    large.delete("NEW")


def test_filters_come_before_the_cut(large: Database) -> None:
    """The only entry of a project is found among thousands that rank better."""
    large.add(Entry("MINE", "a dongle", "bug", content="x " * 200, project="mine"))
    hits = large.store.search.find(BROAD_QUERY, project="mine", update_access=False).hits
    assert [hit.entry.id for hit in hits] == ["MINE"]
    large.delete("MINE")


@pytest.mark.parametrize("query", ["hdmi dongle", "hdmi", "filling3 hdmi", "dongle NOT linux", '"note 400"'])
def test_selective_queries_are_not_narrowed(large: Database, query: str) -> None:
    """Nothing changes for them."""
    assert large.store.search.find(query, update_access=False).narrowed == ()


def test_common_words_alone_are_ranked_too(large: Database) -> None:
    """A query without a rare word is ranked by its rarest ones."""
    found = large.store.search.find(" ".join(COMMON), update_access=False)
    assert found.narrowed == ('"network"', '"kernel"')
    assert len(found.hits) == 20


def test_all_hits_are_all(large: Database) -> None:
    """Without a limit nothing is left out."""
    found = large.store.search.find(BROAD_QUERY, limit=-1, update_access=False)
    assert found.narrowed == ()
    wanted = set().union(*(range(0, SIZE, step) for step in (2, 3, 4, 5, 6, 7, 8, 9, 400, 500)))
    assert len(found.hits) == len(wanted)


def test_contexts_are_narrowed_alike(large: Database) -> None:
    """An entry whose context alone holds the rare word is found, counted or not."""
    context = StructuredContext("the numbat situation", "a linux server with an update", ["numbat"])
    large.add(Entry("IN CONTEXT", "nothing", "bug"), context=context)
    for counted in (False, True):
        found = large.store.search.find(f"numbat {' '.join(COMMON)}", update_access=counted)
        assert found.hits[0].entry.id == "IN CONTEXT"
    large.delete("IN CONTEXT")


def test_the_plan(large: Database) -> None:
    """Rare terms up to the bound, two at least; the others only rank; those of every second entry do nothing."""
    frequencies = Frequencies(large.store.session)
    terms = parse_query(BROAD_QUERY).terms
    plan = frequencies.plan(terms, SIZE, context=True)
    assert sum(plan.counts[term] for term in plan.ranked) <= RANKED
    assert set(plan.common) == set(terms) - set(plan.ranked) - {'"linux"'}
    assert plan.counts['"linux"'] == SIZE // 2
    assert frequencies.plan(terms, UNCOUNTED // len(terms), context=True) == Plan(terms)
    few = frequencies.plan(parse_query("hdmi linux server").terms, SIZE, context=True)
    assert (few.ranked, few.common) == (('"hdmi"', '"server"'), ())
    assert frequencies.plan(('"linux"',), SIZE, context=True).ranked == ('"linux"',)
    many = (*(f'"word{number}"' for number in range(100)), '"hdmi"')
    assert frequencies.plan(many, 10, context=True).ranked == ('"hdmi"',)
    assert len(frequencies.plan(many[:MAX_TERMS], 10, context=True).ranked) == MAX_TERMS


def test_the_words_of_a_long_text_are_those_at_its_ends(large: Database) -> None:
    """Of a pasted log the rarest words are looked up, and what stands at its very end is among them."""
    log = " ".join(f"frame{number}" for number in range(5000))
    assert large.search(f"{log} firmware", update_access=False)
    assert large.search(f"firmware {log}", update_access=False)
    assert not large.search(log, update_access=False)


@pytest.mark.parametrize("limit", [20, -1])
def test_many_words_that_nothing_holds_find_nothing(limit: int, large: Database) -> None:
    """More of them than are looked up, with a limit and without."""
    query = " ".join(f"nowhere{number}" for number in range(MAX_TERMS + 6))
    assert large.search(query, limit=limit, update_access=False) == []


def test_a_word_of_two_fifths_of_all_entries_and_contexts_still_ranks(tmp_path: Path) -> None:
    """It is no word of every second row: of a long query entries that hold it and a rarer word come first."""
    with Database(tmp_path / "k.db") as db:
        db.set_metadata("prepared", "yes")
        statements = []
        for number in range(1100):
            linux = "linux " if number % 5 < 2 else ""
            context = StructuredContext(f"{linux}situation", "solution", ["k"]).to_json()
            content = f"{linux}{'hdmi ' if 400 <= number < 450 else ''}text"
            values = (f"E{number:04}", "a note", content, context)
            statements.append(
                Statement(
                    "INSERT INTO entries(id, title, content, context_structured, type, created_at, updated_at)"
                    " VALUES (?, ?, ?, ?, 'bug', '2025-01-01T00:00:00', '2025-01-01T00:00:00')",
                    values,
                )
            )
        db.store.session.write(statements)
        hits = db.search("hdmi linux never seen together", limit=10, update_access=False)
        assert len(hits) == 10
        assert all("hdmi" in hit.entry.content and "linux" in hit.entry.content for hit in hits)


def test_the_most_that_bm25_gives() -> None:
    """The sum of idf times 2.2, codes twice; never 0."""
    assert most({'"a"': 1}, 100) == pytest.approx(2.2 * 4.19, rel=0.01)
    assert most({'"e0382"': 1}, 100) == pytest.approx(2 * most({'"a"': 1}, 100))
    assert most({'"a"': 90}, 100) == pytest.approx(2.2e-6)
    assert most({}, 0) > 0


def test_a_word_weighs_in_few_contexts_what_it_weighs_in_the_base(tmp_path: Path) -> None:
    """However few contexts there are; where they are many it is left as it is."""
    with Database(tmp_path / "k.db") as db:
        for number in range(100):
            context = StructuredContext("a numbat, a server", "a solution", ["k"]) if number == 0 else None
            db.add(Entry(f"E{number}", "a server", "bug"), context=context)
        frequencies = Frequencies(db.store.session)
        weights = frequencies.context_weights(['"numbat"', '"server"', '"nowhere"', '"e0382"'], 100, 1) or {}
        assert set(weights) == {'"numbat"', '"server"'}
        assert weights['"numbat"'] > 1000 * weights['"server"']
        assert frequencies.context_weights(['"numbat"'], 100, 30) is None
        assert frequencies.context_weights(['"numbat"'], 100, 0) is None


def test_the_only_context_of_a_base(tmp_path: Path) -> None:
    """It is found by its words before entries that hold the common ones."""
    with Database(tmp_path / "k.db") as db:
        for number in range(60):
            db.add(Entry(f"E{number}", f"a server update {number}", "bug", content="an error of the server"))
        db.add(Entry("C", "x", "bug"), context=StructuredContext("the numbat, on a server", "an update", ["numbat"]))
        for counted in (False, True):
            hits = db.search("error of the numbat after server update", update_access=counted)
            assert hits[0].entry.id == "C"
