"""Keywords out of titles and texts."""

from __future__ import annotations

import pytest

from rekall.context_extractor import (
    MAX_AUTO_KEYWORDS,
    MIN_KEYWORD_LENGTH,
    STOPWORDS,
    _tokenize,
    extract_keywords,
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
