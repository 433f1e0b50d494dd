"""Groups of entries that share keywords: the algorithm of 0.3, for bases of every size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import raw
from support.counting import CountingBackend

from rekall.consolidation import (
    ClusterAnalysis,
    analyze_cluster,
    find_consolidation_opportunities,
    generate_consolidation_summary,
)
from rekall.db import Database
from rekall.infra import register_backend
from rekall.infra.interfaces import Statement
from rekall.models import Entry, StructuredContext
from rekall.store.context_codec import structured_statements

NEWEST = datetime(2025, 6, 1)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "k.db") as opened:
        yield opened


def fill(db: Database, keywords: list[list[str]]) -> None:
    """An entry for each list of keywords, newest first, named by its number; without a context for an empty one."""
    statements = [Statement("DELETE FROM entries", ())]
    for number, words in enumerate(keywords):
        moment = (NEWEST - timedelta(minutes=number)).isoformat()
        statements.append(
            Statement(
                "INSERT INTO entries(id, title, type, created_at, updated_at) VALUES (?, ?, 'bug', ?, ?)",
                (str(number), f"Title of {number}", moment, moment),
            )
        )
        if words:
            statements += structured_statements(str(number), context(*words))
    db.store.session.write(statements)


def context(*keywords: str) -> StructuredContext:
    return StructuredContext("the situation", "the solution", list(keywords))


def entries(db: Database, *ids: str) -> list[Entry]:
    """Entries in the order of their ids given."""
    found = db.entries.get_many(ids)
    return [found[entry_id] for entry_id in ids]


def ids(analysis: ClusterAnalysis) -> list[str]:
    return [entry.id for entry in analysis.entries]


def specified(keywords: list[list[str]], min_size: int, min_score: float) -> list[tuple[list[str], float]]:
    """The algorithm as it is written down, step by step, without regard to time."""
    contexts = [(str(number), list(dict.fromkeys(words))) for number, words in enumerate(keywords) if words]
    groups: list[list[tuple[str, list[str]]]] = []
    for keyword in dict.fromkeys(word for _, words in contexts for word in words):
        groups.append([each for each in contexts if keyword in each[1]])
    found: list[tuple[list[str], float]] = []
    used: list[str] = []
    for group in sorted(groups, key=lambda group: -len(group)):
        rest = [each for each in group if each[0] not in used]
        shared = [word for word in (rest[0][1] if rest else []) if all(word in words for _, words in rest)]
        if len(rest) < max(2, min_size) or len(shared) < 2:
            continue
        used += [entry_id for entry_id, _ in rest]
        n = len(rest)
        frequency = Counter(word for _, words in rest for word in words)
        common = [word for word in frequency if frequency[word] >= max(2, n // 2)]
        mean = sum(frequency.values()) / len(frequency)
        score = min(1.0, 0.4 * n / n + 0.4 * mean / n + 0.2 * min(1.0, len(common) / 3))
        if score >= min_score:
            found.append(([entry_id for entry_id, _ in rest], score))
    return sorted(found, key=lambda cluster: -cluster[1])


KEYWORDS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=14)


@given(keywords=KEYWORDS, min_size=st.integers(0, 4), min_score=st.sampled_from([0.0, 0.5, 0.7, 0.9]))
@settings(max_examples=150, deadline=None)
def test_the_groups_are_those_specified(
    keywords: list[list[str]], min_size: int, min_score: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same groups with the same scores in the same order as the steps written down give."""
    with Database(tmp_path_factory.getbasetemp() / "specified.db") as db:
        fill(db, keywords)
        found = find_consolidation_opportunities(db, min_size, min_score)
        expected = specified(keywords, min_size, min_score)
        assert [ids(analysis) for analysis in found] == [members for members, _ in expected]
        assert [analysis.consolidation_score for analysis in found] == pytest.approx([score for _, score in expected])
        for analysis in found:
            assert analysis == analyze_cluster(analysis.entries, db)


def test_an_entry_is_in_one_group(db: Database) -> None:
    """The largest group comes first; what it leaves of others has to share two keywords as well."""
    fill(db, [["a", "b"], ["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c", "d"], ["c", "x"]])
    # c has four members and only c in common; a has three and b in common; of d's three one is used
    found = find_consolidation_opportunities(db)
    assert [ids(analysis) for analysis in found] == [["3", "4"], ["0", "1", "2"]]
    assert [analysis.consolidation_score for analysis in found] == pytest.approx([14 / 15, 0.8])


def test_no_more_than_one_keyword_shared_is_no_group(db: Database) -> None:
    """Nor are two entries that share two with a third, but one with each other."""
    fill(db, [["a", "x"], ["a", "y"]])
    assert find_consolidation_opportunities(db) == []


def test_groups_have_two_entries_at_least(db: Database) -> None:
    """One entry shares nothing with itself, whatever size is asked for."""
    fill(db, [["a", "b", "c"]])
    assert find_consolidation_opportunities(db, min_cluster_size=1, min_score=0) == []


def test_an_empty_base(db: Database) -> None:
    """No group, and no progress to tell of."""
    told: list[tuple[int, int]] = []
    assert find_consolidation_opportunities(db, on_progress=lambda *numbers: told.append(numbers)) == []
    assert told == []


def test_unreadable_contexts_are_passed_over(db: Database) -> None:
    """As everywhere, they count as none."""
    fill(db, [["a", "b"], ["a", "b"], ["a", "b"]])
    with raw.connection(db.db_path) as opened:
        opened.execute("UPDATE entries SET context_structured = '{', context_blob = x'00' WHERE id = '1'")
        opened.commit()
    (analysis,) = find_consolidation_opportunities(db)
    assert ids(analysis) == ["0", "2"]


def test_obsolete_entries_count(db: Database) -> None:
    """As in 0.3: what a pattern replaces is often obsolete already."""
    fill(db, [["a", "b"], ["a", "b"]])
    with raw.connection(db.db_path) as opened:
        opened.execute("UPDATE entries SET status = 'obsolete' WHERE id = '1'")
        opened.commit()
    (analysis,) = find_consolidation_opportunities(db)
    assert ids(analysis) == ["0", "1"]


def test_an_entry_deleted_meanwhile_takes_its_group_along(db: Database) -> None:
    """What was measured is no longer there; other groups are."""
    fill(db, [["a", "b"], ["a", "b"], ["c", "d"], ["c", "d"]])
    (analysis,) = find_consolidation_opportunities(db, on_progress=lambda *_: db.delete("0"))
    assert ids(analysis) == ["2", "3"]


def test_the_analysis_of_a_group(db: Database) -> None:
    """Frequencies in order of appearance, common keywords the most frequent first, and the score of the formula."""
    fill(db, [["nginx", "proxy", "nginx", "docker"], ["nginx", "proxy"], ["timeout", "nginx"], []])
    analysis = analyze_cluster(entries(db, "0", "1", "2", "3"), db)
    assert list(analysis.keyword_frequency.items()) == [("nginx", 3), ("proxy", 2), ("docker", 1), ("timeout", 1)]
    assert analysis.common_keywords == analysis.suggested_keywords == ["nginx", "proxy"]
    assert analysis.suggested_title == "Pattern: nginx, proxy"
    # three of four have a context, a keyword is in 7/4 of four, two common ones
    assert analysis.consolidation_score == pytest.approx(0.4 * 3 / 4 + 0.4 * (7 / 4) / 4 + 0.2 * 2 / 3)


def test_a_common_keyword_is_in_half_of_the_contexts(db: Database) -> None:
    """At least two of five, three of six; five are suggested, three make the title."""
    fill(db, [["a", "b"], ["a", "b"], ["c"], ["d"], ["e"], ["a", "c"]])
    assert analyze_cluster(entries(db, "0", "1", "2", "3", "4"), db).common_keywords == ["a", "b"]
    assert analyze_cluster(entries(db, "0", "1", "2", "3", "4", "5"), db).common_keywords == ["a"]
    fill(db, [list("abcdefg"), list("abcdefg")])
    analysis = analyze_cluster(entries(db, "0", "1"), db)
    assert (analysis.suggested_title, analysis.suggested_keywords) == ("Pattern: a, b, c", list("abcde"))
    assert analysis.consolidation_score == 1.0


def test_a_group_without_contexts(db: Database) -> None:
    """Its title comes from the titles; it scores nothing, as no group at all does."""
    fill(db, [[], []])
    analysis = analyze_cluster(entries(db, "0", "1"), db)
    assert (analysis.suggested_title, analysis.consolidation_score) == ("Pattern: title, of, 0", 0.0)
    empty = analyze_cluster([], db)
    assert (empty.entries, empty.common_keywords, empty.keyword_frequency, empty.suggested_keywords) == ([], [], {}, [])
    assert empty.consolidation_score == 0.0
    assert empty.suggested_title


def test_the_summary(db: Database) -> None:
    """Score, rule, title, keywords, five entries with three keywords each, how many more, suggestions."""
    words = [f"word{number:02}" for number in range(12)]
    fill(db, [words] * 6 + [[]])
    with raw.connection(db.db_path) as opened:
        opened.execute("UPDATE entries SET title = ? WHERE id = '0'", ("x" * 39 + "yz",))
        opened.commit()
    group = entries(db, "6", "0", "1", "2", "3", "4", "5")
    assert generate_consolidation_summary(analyze_cluster(group, db), db).splitlines() == [
        "Consolidation score: 89%",
        "=" * 50,
        "Suggested title: Pattern: word00, word01, word02",
        f"Common keywords: {', '.join(words[:10])}",
        "Entries (7):",
        "  [6] Title of 6",
        f"  [0] {'x' * 39}y (word00, word01, word02)",
        "  [1] Title of 1 (word00, word01, word02)",
        "  [2] Title of 2 (word00, word01, word02)",
        "  [3] Title of 3 (word00, word01, word02)",
        "  ... and 2 more",
        "Suggested keywords: word00, word01, word02, word03, word04",
    ]


def test_every_entry_is_looked_at(db: Database) -> None:
    """0.3 looked at the 500 newest: the group here is the oldest of 1200, and progress tells of them all."""
    fill(db, [[f"lone{number}", f"word{number}"] for number in range(1198)] + [["a", "b"], ["a", "b"]])
    told: list[tuple[int, int]] = []
    (analysis,) = find_consolidation_opportunities(db, on_progress=lambda *numbers: told.append(numbers))
    assert ids(analysis) == ["1198", "1199"]
    assert told == [(1000, 1200), (1200, 1200)]


def test_there_is_no_query_for_each_entry(tmp_path: Path) -> None:
    """One for the ids, then one for each thousand contexts and for each thousand entries of groups."""
    backend = CountingBackend(tmp_path / "k.db")
    register_backend("database", backend)
    with Database(tmp_path / "k.db") as db:
        fill(db, [[f"a{number // 3}", f"b{number // 3}"] for number in range(2100)])
        backend.reset()
        found = find_consolidation_opportunities(db)
        assert (len(found), backend.reads()) == (700, 1 + 3 + 3)
        backend.reset()
        analyze_cluster(found[0].entries, db)
        generate_consolidation_summary(found[0], db)
        assert backend.reads() == 2
