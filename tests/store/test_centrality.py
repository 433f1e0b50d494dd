"""Centrality: one entry, the whole base and the plain formula agree on any network."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.counting import CountingBackend

from rekall.db import Database
from rekall.infra import ServiceContainer
from rekall.infra.interfaces import Statement
from rekall.models import VALID_RELATION_TYPES, Entry
from rekall.store.centrality import Network, Pair

NODES = "ABCDEFGHIJKL"
Triple = tuple[str, str, str]

triples = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES), st.sampled_from(VALID_RELATION_TYPES))
networks = st.sets(triples.filter(lambda link: link[0] != link[1]), max_size=60)


def reference(entry: str, links: set[Triple]) -> float:
    """The formula word for word, on sets of links."""

    def touches(link: Triple) -> bool:
        return entry in link[:2]

    def chained(one: Triple, other: Triple) -> bool:
        return one[1] == other[0] or one[0] == other[1]

    direct = {link for link in links if touches(link)}
    second = {link for link in links - direct if any(chained(link, one) for one in direct)}
    third = {link for link in links - direct if any(chained(link, one) for one in second)}
    return round(min(100.0, 2 * (2 * len(direct) + len({link[:2] for link in second}) + 0.5 * len(third))), 1)


@pytest.fixture
def backend(tmp_path: Path) -> CountingBackend:
    return CountingBackend(tmp_path / "k.db")


@pytest.fixture
def db(backend: CountingBackend, tmp_path: Path) -> Iterator[Database]:
    container = ServiceContainer()
    container.register("database", backend)
    with Database(tmp_path / "k.db", container=container) as opened:
        for node in NODES:
            opened.add(Entry(node, f"title {node}", "bug"))
        yield opened


def connect(db: Database, links: set[Triple]) -> None:
    """Replace all links."""
    insert = "INSERT INTO links(id, source_id, target_id, relation_type, created_at) VALUES (?, ?, ?, ?, '2025-01-01')"
    rows = [Statement(insert, (str(number), *link)) for number, link in enumerate(sorted(links))]
    db.store.session.write([Statement("DELETE FROM links"), *rows])


def scores(db: Database) -> dict[str, float]:
    return {entry.id: entry.centrality_score for entry in db.list_all(include_obsolete=True, limit=-1)}


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(links=networks)
def test_one_entry_and_the_whole_base_follow_the_formula(db: Database, links: set[Triple]) -> None:
    """On any network of several relation types and both directions, sparse or past the cap."""
    connect(db, links)
    wanted = {node: reference(node, links) for node in NODES}
    assert {node: db.calculate_centrality_score(node) for node in NODES} == wanted
    assert db.update_all_centrality_scores() == len(NODES)
    assert scores(db) == wanted


@given(links=networks)
def test_no_score_leaves_its_range(links: set[Triple]) -> None:
    """From 0, which is an entry without links, to 100."""
    pairs = {link[:2] for link in links}
    network = Network(Pair(*pair, sum(link[:2] == pair for link in links)) for pair in pairs)
    for node in NODES:
        score = network.centrality(node)
        assert 0 <= score <= 100
        assert (score == 0) is not any(node in pair for pair in pairs)


def test_a_hub_and_its_neighbours(db: Database) -> None:
    """An entry that three thousand link to, or are linked from, in either kind of computation."""
    leaves = [f"leaf{number}" for number in range(3000)]
    insert = "INSERT INTO entries(id, title, type, created_at, updated_at) VALUES (?, 'leaf', 'bug', ?, ?)"
    db.store.session.write([Statement(insert, (leaf, "2025-01-01", "2025-01-01")) for leaf in leaves])
    connect(
        db, {("A", leaf, "related") if number % 2 else (leaf, "A", "related") for number, leaf in enumerate(leaves)}
    )
    wanted = {"A": 100.0, "B": 0.0, leaves[0]: 100.0, leaves[1]: 100.0}
    assert {entry_id: db.calculate_centrality_score(entry_id) for entry_id in wanted} == wanted
    db.update_all_centrality_scores()
    stored = scores(db)
    assert {entry_id: stored[entry_id] for entry_id in wanted} == wanted


def test_what_has_not_changed_is_not_written(db: Database, backend: CountingBackend) -> None:
    """No batch at all where nothing changed; a score that was never set is set to 0."""
    connect(db, {("A", "B", "related"), ("B", "C", "related")})
    db.store.session.write([Statement("UPDATE entries SET centrality_score = NULL WHERE id = 'L'")])
    db.update_all_centrality_scores()
    assert backend.fetch_one("SELECT centrality_score AS score FROM entries WHERE id = 'L'") == {"score": 0.0}
    backend.reset()
    assert db.update_all_centrality_scores() == len(NODES)
    assert backend.calls == {"fetch_all": 2}
    db.delete_link("B", "C")
    backend.reset()
    db.update_all_centrality_scores()
    assert backend.calls["execute_batch"] == 1
    assert {node: score for node, score in scores(db).items() if score} == {"A": 4.0, "B": 4.0}


def test_progress_is_told_as_done_of_all(db: Database) -> None:
    """Ascending to the number of active entries."""
    insert = "INSERT INTO entries(id, title, type, created_at, updated_at) VALUES (?, 'title', 'bug', ?, ?)"
    db.store.session.write([Statement(insert, (str(n), "2025-01-01", "2025-01-01")) for n in range(2500)])
    db.entries.change("A", {"status": "obsolete"})
    told: list[tuple[int, int]] = []
    assert db.update_all_centrality_scores(on_progress=lambda done, total: told.append((done, total))) == 2511
    assert told == [(1000, 2511), (2000, 2511), (2511, 2511)]


def test_an_empty_base_has_no_progress_and_no_score(tmp_path: Path) -> None:
    """Nothing to do is done."""
    told: list[tuple[int, int]] = []
    with Database(tmp_path / "empty.db") as empty:
        assert empty.update_all_centrality_scores(on_progress=lambda *step: told.append(step)) == 0
    assert told == []


def test_counting_stops_at_the_cap() -> None:
    """The neighbour of a hub looks at no more of its links than the score can count."""
    seen = 0

    class Counted(Network):
        def _chained(self, heads: Collection[str], tails: Collection[str], away_from: str) -> Iterator[Pair]:
            nonlocal seen
            for pair in super()._chained(heads, tails, away_from):
                seen += 1
                yield pair

    network = Counted(
        [Pair("leaf", "hub", 1), *(Pair("hub", str(number), 1) for number in range(100_000)), Pair("a", "b", 1)]
    )
    assert network.centrality("leaf") == 100.0
    assert seen <= 100
