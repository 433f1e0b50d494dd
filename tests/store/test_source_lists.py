"""Selections of sources, by the table of 0.3: what is in each, and in which order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases, raw
from support.counting import CountingBackend
from support.sources import ago, cite, source

from rekall.db import Database
from rekall.infra import register_backend
from rekall.models import Entry, Source


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        opened.add(Entry("E", "an entry", "bug"))
        yield opened


def ids(sources: list[Source]) -> str:
    return "".join(found.id for found in sources)


@pytest.mark.parametrize("name", [name for name in databases.NAMES if name >= "v08"])
def test_what_0_3_wrote_is_read_whole(name: str, tmp_path: Path) -> None:
    """Every value of every source, the numbers, and the sources of each tag, as 0.3 read them."""
    recorded = databases.opened(name)
    with Database(databases.unpack(name, tmp_path)) as db:
        rows = {found.id: dataclasses.asdict(found) for found in db.search_sources_advanced(limit=-1)}
        statistics = db.get_source_statistics()
        tagged = {
            tag: [found.domain for found in db.get_sources_by_tags([tag])]
            for tag in recorded.get("sources_by_tags", {})
        }
    for row in rows.values():
        for column, value in row.items():
            row[column] = value.isoformat() if isinstance(value, datetime) else value
    assert rows == {row["id"]: row for row in recorded["sources"]}
    assert statistics == recorded.get("source_statistics", statistics)
    assert tagged == recorded.get("sources_by_tags", {})


def test_dormant_ones_are_the_longest_unused(db: Database) -> None:
    """Never used first; a month has 30 days; only active ones; equal ones by domain."""
    source(db, "A", "a.example", last_used=ago(400))
    source(db, "B", "b.example", last_used=ago(179.9))
    source(db, "C", "d.example")
    source(db, "D", "c.example")
    source(db, "E", "e.example", last_used=ago(180.1))
    source(db, "F", "f.example", last_used=ago(900), status="archived")
    assert ids(db.get_dormant_sources()) == "DCAE"
    assert ids(db.get_dormant_sources(limit=3)) == "DCA"
    assert ids(db.get_dormant_sources(5)) == "DCAEB"
    assert ids(db.get_dormant_sources(10**9)) == "DC"


def test_emerging_ones_are_cited_lately(db: Database) -> None:
    """Counted are the citations of the last days; most first, then best first; only active ones."""
    for source_id, score, status, recent, old in (
        ("A", 10.0, "active", 3, 0),
        ("B", 90.0, "active", 3, 9),
        ("C", 10.0, "active", 4, 0),
        ("D", 99.0, "active", 2, 9),
        ("E", 99.0, "inaccessible", 9, 0),
        ("F", 99.0, "active", 0, 0),
    ):
        source(db, source_id, personal_score=score, status=status)
        cite(db, "E", source_id, *(f"https://{n}/" for n in range(recent)), days=29)
        cite(db, "E", source_id, *(f"https://old/{n}" for n in range(old)), days=31)
    cite(db, "E", None, *(f"https://{n}/" for n in range(9)))
    assert ids(db.get_emerging_sources()) == "CBA"
    assert ids(db.get_emerging_sources(limit=2)) == "CB"
    assert ids(db.get_emerging_sources(2)) == "CBAD"
    assert ids(db.get_emerging_sources(10, 40)) == "BD"
    assert ids(db.get_emerging_sources(3, 10)) == ""


def test_inaccessible_ones_are_the_last_checked(db: Database) -> None:
    """Never checked last."""
    for source_id, days, status in (("A", 5, "inaccessible"), ("B", 1, "inaccessible"), ("C", 0, "active")):
        source(db, source_id, last_verified=ago(days), status=status)
    source(db, "D", status="inaccessible")
    assert ids(db.get_inaccessible_sources()) == "BAD"
    assert ids(db.get_inaccessible_sources(1)) == "B"


def test_those_to_verify_are_the_longest_unchecked(db: Database) -> None:
    """Of any status, never checked first, and only those that have a domain."""
    source(db, "A", last_verified=ago(1.1), status="archived")
    source(db, "B", last_verified=ago(9), status="inaccessible")
    source(db, "C", last_verified=ago(0.9))
    source(db, "D")
    source(db, "E", "")
    assert ids(db.get_sources_to_verify()) == "DBA"
    assert ids(db.get_sources_to_verify(0)) == "DBAC"
    assert ids(db.get_sources_to_verify(5, 1)) == "D"


def test_those_prioritized_for_a_theme(db: Database) -> None:
    """Active, cited with a theme file that contains the text, each once, best first."""
    for source_id, score, status in (("A", 30.0, "active"), ("B", 50.0, "active"), ("C", 19.0, "active")):
        source(db, source_id, personal_score=score, status=status)
        cite(db, "E", source_id, "security.md", "security-web.md", kind="theme")
    source(db, "D", status="archived")
    cite(db, "E", "D", "security.md", kind="theme")
    source(db, "E")
    cite(db, "E", "E", "https://security.md/")
    assert ids(db.get_prioritized_sources_for_theme("SECUR")) == "BA"
    assert ids(db.get_prioritized_sources_for_theme("web", min_score=0)) == "BAC"
    assert ids(db.get_prioritized_sources_for_theme("web", limit=1)) == "B"
    assert ids(db.get_prioritized_sources_for_theme("testing")) == ""


def test_a_text_stands_for_itself(db: Database) -> None:
    """Percent signs, underscores and backslashes of the user are no wildcards."""
    for source_id, ref in (("A", "100%.md"), ("B", "a_b.md"), ("C", "axb.md"), ("D", "a\\b.md")):
        source(db, source_id, ref)
        cite(db, "E", source_id, ref, kind="theme")
    for text, wanted in (("%", "A"), ("a_b", "B"), ("\\", "D"), ("axb", "C"), (".md", "ADBC")):
        assert ids(db.get_prioritized_sources_for_theme(text)) == wanted
        assert ids(db.search_sources_advanced(text_search=text)) == wanted


def test_seeds_and_promoted_ones(db: Database) -> None:
    """By their flag, whatever their status; best first, then by domain, then by id."""
    source(db, "A", "b.example", is_seed=1, status="archived", personal_score=10.0)
    source(db, "B", "b.example", is_seed=1, personal_score=10.0)
    source(db, "C", "a.example", is_seed=1, is_promoted=1, personal_score=10.0)
    source(db, "D", "z.example", is_promoted=1, personal_score=90.0)
    source(db, "E")
    assert ids(db.get_seed_sources()) == "CAB"
    assert ids(db.get_seed_sources(1)) == "C"
    assert ids(db.get_promoted_sources()) == "DC"


def test_those_of_a_theme(db: Database) -> None:
    """Seeds, promoted ones, the rest, each best first; and the three options."""
    source(db, "A", "a", "python", personal_score=90.0)
    source(db, "B", "b", "python", personal_score=40.0, is_promoted=1, role="hub")
    source(db, "C", "c", "python", personal_score=60.0, is_promoted=1)
    source(db, "D", "d", "python", personal_score=10.0, is_seed=1, role="authority")
    source(db, "E", "e", "python", personal_score=20.0, is_seed=1, is_promoted=1)
    source(db, "F", "f", "pythons")
    assert ids(db.get_sources_by_theme("Python")) == "EDCBA"
    assert ids(db.get_sources_by_theme("python", limit=2)) == "ED"
    assert ids(db.get_sources_by_theme("python", min_score=40)) == "CBA"
    assert ids(db.get_sources_by_theme("python", include_unclassified=False)) == "DB"
    assert ids(db.get_sources_by_theme("python", seeds_only=True)) == "ED"
    assert ids(db.get_sources_by_theme("python", promoted_only=True)) == "ECB"
    assert ids(db.get_sources_by_theme("python", seeds_only=True, promoted_only=True)) == "E"
    assert ids(db.get_sources_by_theme("")) == ""


def test_those_of_any_tag(db: Database) -> None:
    """Each once, best first; blank tags give none."""
    source(db, "A", "a", "python", "web", personal_score=10.0)
    source(db, "B", "b", "web", personal_score=20.0, status="archived")
    source(db, "C", "c", "other")
    assert ids(db.get_sources_by_tags(["PYTHON ", "web"])) == "BA"
    assert ids(db.get_sources_by_tags(["python", "web"], limit=1)) == "B"
    assert ids(db.get_sources_by_tags(["python", "web"], min_score=20)) == "B"
    assert ids(db.get_sources_by_tags([])) == ids(db.get_sources_by_tags([" ", ""])) == ""


def test_the_best_of_each_domain(db: Database) -> None:
    """Among the active ones from a score on; equal ones all; a better one that is not active hides nothing."""
    for source_id, domain, score, status in (
        ("A", "a.example", 50.0, "active"),
        ("B", "a.example", 40.0, "active"),
        ("C", "a.example", 50.0, "archived"),
        ("D", "b.example", 80.0, "active"),
        ("E", "b.example", 80.0, "active"),
        ("F", "c.example", 19.9, "active"),
        ("G", "d.example", 30.0, "active"),
        ("H", "d.example", 90.0, "inaccessible"),
    ):
        source(db, source_id, domain, personal_score=score, status=status)
    assert ids(db.get_sources_for_domain_boost()) == "DEAG"
    assert ids(db.get_sources_for_domain_boost(1)) == "D"
    assert ids(db.get_sources_for_domain_boost(min_score=19.9)) == "DEAGF"


def test_statistics(db: Database) -> None:
    """Of an empty base too; the mean is that of the active ones, the citations are those without a source too."""
    assert db.get_source_statistics() == {
        "total": 0,
        "by_status": {},
        "avg_score": 0,
        "total_usage": 0,
        "total_links": 0,
    }
    source(db, "A", personal_score=10.0, usage_count=2)
    source(db, "B", personal_score=10.005, usage_count=3)
    source(db, "C", personal_score=90.0, usage_count=4, status="archived")
    cite(db, "E", "A", "https://a/", "https://b/")
    cite(db, "E", None, "https://c/")
    assert db.get_source_statistics() == {
        "total": 3,
        "by_status": {"active": 2, "archived": 1},
        "avg_score": 10.0,
        "total_usage": 9,
        "total_links": 3,
    }


FACTS = st.tuples(
    st.sampled_from(["a.example", "A.example", "b_example", "b%"]),
    st.lists(st.sampled_from(["x", "y", "z"]), unique=True),
    st.sampled_from([0.0, 10.0, 50.0, 100.0]),
    st.sampled_from(["active", "archived", "inaccessible"]),
    st.sampled_from(["hub", "authority", "unclassified"]),
    st.none() | st.sampled_from([0.5, 5.0, 50.0]),
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.none() | st.lists(st.sampled_from(["x", " Y", "", " "]), max_size=3),
        "score_min": st.none() | st.sampled_from([0, 10, 50.5]),
        "score_max": st.none() | st.sampled_from([0, 50, 99]),
        "statuses": st.none() | st.lists(st.sampled_from(["active", "archived"])),
        "roles": st.none() | st.lists(st.sampled_from(["hub", "authority", "nonsense"])),
        "last_used_days": st.none() | st.sampled_from([0, 1, 10, 10**9]),
        "text_search": st.none() | st.sampled_from(["", "a.EX", "_", "%", "none"]),
    },
)


def passes(facts: tuple[Any, ...], filters: dict[str, Any]) -> bool:
    """The sentence of 0.3 about each filter, in Python."""
    domain, themes, score, status, role, days = facts
    tags, statuses, roles = (filters.get(name) or [] for name in ("tags", "statuses", "roles"))
    names = [tag.strip().lower() for tag in tags if tag.strip()]
    least, most, since = (filters.get(name) for name in ("score_min", "score_max", "last_used_days"))
    return (
        (not tags or (bool(set(names) & set(themes)) if names else bool(themes)))
        and (least is None or score >= least)
        and (most is None or score <= most)
        and (not statuses or status in statuses)
        and (not roles or role in roles)
        and (since is None or (days is not None and days <= since))
        and (filters.get("text_search") or "").lower() in domain.lower()
    )


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FACTS, min_size=1, max_size=6), FILTERS)
def test_an_advanced_search_applies_every_filter(
    db: Database, rows: list[tuple[Any, ...]], filters: dict[str, Any]
) -> None:
    """And only those given; best first, equal ones by domain, then by id."""
    raw.write(db.db_path, "DELETE FROM source_themes", "DELETE FROM sources")
    for number, (domain, themes, score, status, role, days) in enumerate(rows):
        last_used = None if days is None else ago(days)
        source(db, str(number), domain, *themes, personal_score=score, status=status, role=role, last_used=last_used)
    wanted = [(-row[2], row[0], str(number)) for number, row in enumerate(rows) if passes(row, filters)]
    assert ids(db.search_sources_advanced(**filters)) == "".join(number for _, _, number in sorted(wanted))
    assert len(db.search_sources_advanced(**filters, limit=2)) == min(2, len(wanted))


LISTS: list[Callable[[Database], list[Source]]] = [
    lambda db: db.get_dormant_sources(limit=-1),
    lambda db: db.get_emerging_sources(1, limit=-1),
    lambda db: db.get_prioritized_sources_for_theme("x", limit=-1),
    lambda db: db.get_seed_sources(),
    lambda db: db.get_sources_by_tags(["x"]),
    lambda db: db.get_sources_by_theme("x", limit=-1),
    lambda db: db.get_sources_for_domain_boost(limit=-1),
    lambda db: db.get_sources_to_verify(),
    lambda db: db.search_sources_advanced(["x"], 0, 100, ["active"], ["unclassified"], text_search="example"),
]


@pytest.mark.parametrize("listed", LISTS)
def test_a_list_is_one_query(listed: Callable[[Database], list[Source]], tmp_path: Path) -> None:
    """However many sources it gives."""
    backend = CountingBackend(tmp_path / "k.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as db:
        db.add(Entry("E", "an entry", "bug"))
        for number in range(20):
            source(db, str(number), "example.com", "x", is_seed=1)
            cite(db, "E", str(number), "x.md", kind="theme")
        backend.reset()
        assert len(listed(db)) == 20
        assert backend.reads() == 1
        assert backend.calls["execute_batch"] == backend.calls["execute"] == 0


def test_the_overview(db: Database) -> None:
    """Each kind counted, in any status; what is null counts as its default; the score is that of active ones."""
    nothing = db.source_lists.overview()
    assert (nothing.total, nothing.avg_score, nothing.by_role, nothing.by_reliability) == (0, 0.0, {}, {})
    source(db, "A", "a.example", "x", "y", is_seed=1, role="hub", reliability="A", personal_score=33.333)
    source(db, "B", "b.example", "x", is_promoted=1, is_seed=1, role=None, personal_score=None)
    source(db, "C", "c.example", status="inaccessible", reliability=None, personal_score=99)
    found = db.source_lists.overview()
    assert (found.total, found.seeds, found.promoted, found.inaccessible, found.themes) == (3, 2, 1, 1, 2)
    assert found.avg_score == 41.67
    assert list(found.by_role.items()) == [("unclassified", 2), ("hub", 1)]
    assert list(found.by_reliability.items()) == [("B", 2), ("A", 1)]


def test_the_overview_takes_few_queries(tmp_path: Path) -> None:
    """As many for 200 sources as for none."""
    backend = CountingBackend(tmp_path / "k.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as db:
        backend.reset()
        db.source_lists.overview()
        for_none = backend.reads()
        for number in range(200):
            source(db, str(number), f"{number}.example", f"theme {number}")
        backend.reset()
        assert db.source_lists.overview().themes == 200
        assert backend.reads() == for_none <= 3
