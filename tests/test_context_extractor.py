"""Keywords out of titles and texts, how they match, and advice on contexts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekall.context_extractor import (
    MAX_AUTO_KEYWORDS,
    MIN_KEYWORD_LENGTH,
    STOPWORDS,
    _tokenize,
    calculate_keyword_score,
    extract_keywords,
    get_matching_keywords,
    suggest_keywords,
    validate_context,
)


def test_the_constants_are_those_of_0_3() -> None:
    """Programs read them."""
    assert (MIN_KEYWORD_LENGTH, MAX_AUTO_KEYWORDS, len(STOPWORDS)) == (3, 10, 171)


def test_stop_words_are_of_three_families() -> None:
    """English, French and programming; what names a problem is none."""
    assert {"the", "with", "what", "need", "get", "got", "use", "used", "being"} <= STOPWORDS
    assert {"les", "dans", "est", "sont", "ont", "fait", "faire"} <= STOPWORDS
    programming = "function method class def return import var let const new true false null none value data result"
    assert {*programming.split(), "output", "input", "file", "line"} <= STOPWORDS
    assert not {"fix", "bug", "code", "error", "api"} & STOPWORDS
    assert all(word == word.lower() for word in STOPWORDS)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("camelCase HTTPServer aB", ["camel", "Case", "HTTPServer", "a", "B"]),
        ("a/b\\c:d;e,f(g)[h]{i}<j>\"k'l`m", list("abcdefghijklm")),
        ("3.11 1.2.3 1.2.3.4 v1.2 file.txt. ...", ["3.11", "1.2.3", "1", "2", "3", "4", "v1", "2", "file", "txt"]),
        ("snake_case kebab-case a@b what? x=1 no!", ["snake_case", "kebab-case", "a@b", "what?", "x=1", "no!"]),
        ("éÉ dÉ", ["éÉ", "dÉ"]),
        ("", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    """Humps and separators part words, version numbers stay whole, other signs stay in the word."""
    assert _tokenize(text) == tokens


def test_the_title_weighs_most() -> None:
    """Three occurrences in it, and twice the weight: six times are needed elsewhere to draw level."""
    assert extract_keywords("nginx", "proxy " * 5) == ["nginx", "proxy"]
    assert extract_keywords("nginx", "proxy " * 6) == ["nginx", "proxy"]  # level: as they come
    assert extract_keywords("nginx", "proxy " * 7) == ["proxy", "nginx"]


def test_digits_and_underscores_weigh_more() -> None:
    """Twice for a digit, half as much again for an underscore, both together threefold."""
    assert extract_keywords("", "word wo_rd wor1d wo_r1d") == ["wo_r1d", "wor1d", "wo_rd", "word"]
    assert extract_keywords("", "word word wo_rd") == ["word", "wo_rd"]


def test_a_part_of_the_title_counts_as_in_it() -> None:
    """`time` is found inside `timeout`."""
    assert extract_keywords("timeout", "zone time") == ["timeout", "time", "zone"]


def test_short_and_empty_words_are_left_out() -> None:
    """Less than the least length, and stop words in any case."""
    assert extract_keywords("The DB is on", "ab abc Return") == ["abc"]
    assert extract_keywords("ab", min_length=2) == ["ab"]
    assert extract_keywords("", "") == []


def test_no_more_than_asked_for() -> None:
    """Ten by default."""
    words = " ".join(f"word{number}" for number in range(20))
    assert len(extract_keywords(words)) == 10
    assert extract_keywords(words, max_keywords=2) == ["word0", "word1"]
    assert extract_keywords(words, max_keywords=0) == []


def test_suggestions_leave_out_what_is_there() -> None:
    """In any case; five at most, the heaviest first."""
    assert suggest_keywords("nginx timeout", "proxy", ["NGINX"]) == ["timeout", "proxy"]
    words = [f"word{number}" for number in range(30)]
    assert suggest_keywords(" ".join(words), existing_keywords=words[:10]) == words[10:15]
    assert suggest_keywords(" ".join(words), existing_keywords=words[:12], max_suggestions=2) == []
    assert suggest_keywords("") == []


@pytest.mark.parametrize(
    ("query", "entry", "score"),
    [
        (["nginx", "time"], ["nginx", "timeout", "proxy"], 0.625),
        (["NGINX"], ["nginx"], 1.0),
        (["timeout"], ["time"], 0.35),
        (["other"], ["nginx"], 0.0),
        (["nginx", "nginx"], ["nginx", "Nginx"], 1.0),
        ([], ["nginx"], 0.0),
        (["nginx"], [], 0.0),
    ],
)
def test_the_score_of_keywords(query: list[str], entry: list[str], score: float) -> None:
    """0.7 for the share of the query that is found, half of it for parts of words, 0.3 for the share of the entry."""
    assert calculate_keyword_score(query, entry) == pytest.approx(score)


WORDS = st.lists(st.text(st.characters(codec="utf-8"), max_size=6), max_size=6)


@given(WORDS, WORDS)
def test_the_score_stays_in_its_range(query: list[str], entry: list[str]) -> None:
    """Above 0 exactly when a keyword matches."""
    score = calculate_keyword_score(query, entry)
    assert 0 <= score <= 1
    assert (score > 0) == bool(get_matching_keywords(query, entry))


def test_matching_keywords_are_those_of_the_entry() -> None:
    """In its order and case, repeated ones too."""
    assert get_matching_keywords(["time"], ["Timeout", "nginx", "IM", "Timeout"]) == ["Timeout", "IM", "Timeout"]
    assert get_matching_keywords([], ["nginx"]) == get_matching_keywords(["nginx"], []) == []


LONG = "long enough to be found again"


@pytest.mark.parametrize(
    ("situation", "solution", "keywords", "key_words"),
    [
        (LONG, LONG, ["nginx", "timeout", "proxy"], []),
        (f"   {'x' * 19}   ", LONG, ["nginx", "timeout", "proxy"], ["Situation is short"]),
        (LONG, "x" * 19, ["nginx", "timeout", "proxy"], ["Solution is short"]),
        ("x" * 20, "x" * 20, [], ["Only 1 keyword"]),
        (LONG, LONG, ["nginx"], ["Only 1 keyword"]),
        (LONG, LONG, ["nginx", "timeout"], ["1-2 more"]),
        (LONG, LONG, ["nginx", "db", "proxy"], ["very short: db"]),
        (LONG, LONG, ["nginx", "Bug", "fix"], ["Generic keywords, which fit any problem: Bug, fix"]),
        ("", "", ["ab"], ["Situation is short", "Solution is short", "Only 1 keyword", "very short: ab"]),
    ],
)
def test_advice_on_a_context(situation: str, solution: str, keywords: list[str], key_words: list[str]) -> None:
    """One sentence for each thing that could be better, in a fixed order."""
    advice = validate_context(situation, solution, keywords)
    assert len(advice) == len(key_words)
    assert all(words in sentence for words, sentence in zip(key_words, advice, strict=True))
