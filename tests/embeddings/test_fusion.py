"""Two rankings made one: the scores, and what comes first whatever they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekall.embeddings.fusion import ranked_together, reciprocal_ranks, results
from rekall.models import Entry, MatchKind, SearchResult
from rekall.store.query import parse_query

LONG = "one two three four five words"


def hits(ids: str, matched: MatchKind = "some", rank: float = -1.0, score: float = 0.5) -> list[SearchResult]:
    return [SearchResult(Entry(entry_id, entry_id, "bug"), rank, matched=matched, score=score) for entry_id in ids]


def order(query: str, by_words: list[SearchResult], by_meaning: str) -> str:
    return "".join(entry_id for entry_id, _ in ranked_together(parse_query(query), by_words, list(by_meaning)))


def test_the_score_of_a_rank() -> None:
    """Weights over the constant and the rank, as a share of the first place in all rankings."""
    scores = reciprocal_ranks([(3, ["A", "B"]), (1, ["B", "C"])], smoothing=10)
    assert list(scores) == ["B", "A", "C"]
    most = 4 / 11
    assert scores == pytest.approx({"B": (3 / 12 + 1 / 11) / most, "A": 3 / 11 / most, "C": 1 / 12 / most})
    assert reciprocal_ranks([(3, ["A"]), (1, ["A"])]) == {"A": pytest.approx(1)}
    assert reciprocal_ranks([(3, []), (1, [])]) == {}


_IDS = st.lists(st.sampled_from("ABCDEFGHIJ"), unique=True)


@given(
    _IDS,
    _IDS,
    st.sampled_from(["one", LONG, "one OR two", "title:one"]),
    st.lists(st.booleans(), min_size=10, max_size=10),
)
def test_scores_order_the_list(by_words: list[str], by_meaning: list[str], query: str, exact: list[bool]) -> None:
    """Every entry of both rankings once, from 1 down to above 0; what holds the words is at 0.5 or above."""
    kinds: list[MatchKind] = ["entry" if one else "some" for one in exact]
    found = [hits(entry_id, kind)[0] for entry_id, kind in zip(by_words, kinds, strict=False)]
    ranked = ranked_together(parse_query(query), found, by_meaning)
    assert sorted(entry_id for entry_id, _ in ranked) == sorted({*by_words, *by_meaning})
    scores = [score for _, score in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    if query != LONG and len(found) > 1 and any(hit.matched == "entry" for hit in found):
        holding = {hit.entry.id for hit in found if hit.matched == "entry"}
        assert {entry_id for entry_id, score in ranked if score > 0.5} == holding


def test_meaning_weighs_more_than_words() -> None:
    """Its first comes before that of the words; what both find comes before either."""
    assert order(LONG, hits("XA"), "BA") == "ABX"


def test_what_holds_every_word_of_a_short_query_comes_first() -> None:
    """In the order of both searches, of words alone when there is a symbol; what holds some is among the others."""
    by_words = [*hits("PQ", "entry"), *hits("R", "context"), *hits("S")]
    assert order("connection refused", by_words, "ABCRQ") == "RQPABCS"
    for code in ("user-id connection", "connection E1129"):
        assert order(code, by_words, "ABCRQ") == "PQRABCS"


@pytest.mark.parametrize("query", ["title:lock", "lock NOT retry", "lock OR wait", '"a lock" OR "a wait"'])
def test_what_satisfies_an_expression_comes_first_as_words_rank_it(query: str) -> None:
    """Who writes one knows what is wanted."""
    assert order(query, hits("PQR", "entry"), "ARQ") == "PQRA"


def test_a_pasted_line_is_found_where_it_was_stored() -> None:
    """Of a long query, the entries with all of its words come first, if they are the first three by words."""
    assert order(LONG, [*hits("PQ", "entry"), *hits("S")], "ABQ") == "QPABS"
    behind = [*hits("STU"), *hits("P", "entry")]
    assert order(LONG, behind, "ABCDEF").index("P") > 3


@pytest.mark.parametrize(
    ("query", "ranks", "score", "is_first"),
    [
        (LONG, (-3.0, -2.0), 0.5, True),
        (LONG, (-2.9, -2.0), 0.5, False),
        (f"{LONG} E1129", (-2.5, -2.0), 0.5, True),
        (f"{LONG} user-id", (-2.5, -2.0), 0.5, True),
        (f"{LONG} E1129", (-2.3, -2.0), 0.5, False),
        (LONG, (-3.0,), 0.5, True),
        (LONG, (-3.0,), 0.04, False),
        ("few words", (-3.0, -2.0), 0.5, True),
    ],
)
def test_the_first_by_words_comes_first_when_it_is_far_ahead(
    query: str, ranks: tuple[float, ...], score: float, is_first: bool
) -> None:
    """A little less far when the query holds a code; not when it has next to nothing of the query."""
    by_words = [hits(entry_id, rank=rank, score=score)[0] for entry_id, rank in zip("PQ", ranks, strict=False)]
    assert (order(query, by_words, "ABC")[0] == "P") is is_first


def test_no_hit_by_words() -> None:
    """Then it is meaning alone."""
    assert order(LONG, [], "AB") == "AB"


def test_what_each_search_says_of_a_hit() -> None:
    """Rank, similarity and kind; an entry that was removed meanwhile is left out."""
    by_words = [*hits("P", "context"), *hits("Q")]
    entries = {"A": Entry("A", "title", "bug")}
    found = results([("P", 1.0), ("A", 0.5), ("GONE", 0.4), ("Q", 0.3)], by_words, {"A": 0.9, "P": 0.8}, entries)
    shown = [(hit.entry.id, hit.score, hit.matched, hit.similarity, hit.vector_rank, hit.lexical_rank) for hit in found]
    assert shown == [
        ("P", 1.0, "context", 0.8, 2, 1),
        ("A", 0.5, "meaning", 0.9, 1, None),
        ("Q", 0.3, "some", None, None, 2),
    ]
    assert [hit.rank for hit in found] == [-1.0, 0.0, -1.0]
