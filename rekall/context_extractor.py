"""The words of an entry that should bring it back, how well such words match, and what a context still lacks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

MIN_KEYWORD_LENGTH = 3
MAX_AUTO_KEYWORDS = 10
ADVISED_TEXT = 20
"""Characters, after trimming, that a situation and a solution should have; see `validate_context`."""

_ENGLISH = """
a an the
and or but if because as until while
of at by for with about against between into through during before after to from up in out on over under
is are was were be been being have has had do does did will would could should may might must can
need get got use used
i you he she it we they me him her us them my your his its our their this that these those
what which who when where why how
not no only so than too very just also then there here all any each more most other some
"""
_FRENCH = """
le la les un une des du de au aux
et ou mais donc
dans sur sous avec sans pour par vers chez entre
je tu il elle nous vous ils elles
ce cette ces se leur
qui que
est sont ont fait faire
"""
_PROGRAMMING = """
function method class def return import var let const new true false null none value data result output input file line
"""

STOPWORDS = set(f"{_ENGLISH} {_FRENCH} {_PROGRAMMING}".split())
"""Words that name nothing: function words of English and French, and what every program is full of."""

_GENERIC = {"error", "bug", "fix", "issue", "problem", "solution"}

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS = str.maketrans(dict.fromkeys("/\\:;,()[]{}<>\"'`", " "))
_VERSION = re.compile(r"[0-9]+\.[0-9]+(\.[0-9]+)?")


def extract_keywords(
    title: str, content: str = "", min_length: int = MIN_KEYWORD_LENGTH, max_keywords: int = MAX_AUTO_KEYWORDS
) -> list[str]:
    """The most telling words of a text, in lower case.

    A word weighs as often as it occurs, in the title three times as much; twice as much with a digit in it (versions,
    error numbers), half as much again with an underscore (identifiers), twice as much when the title holds it.

    Args:
        title: the heading of the text.
        content: the rest of it.
        min_length: characters that a keyword needs.
        max_keywords: keywords at most.

    Returns:
        The keywords, heaviest first, equally heavy ones as they come in the text.
    """
    heading = title.lower()
    words = (word.lower() for word in _tokenize(" ".join((title, title, title, content))))
    counts = Counter(word for word in words if len(word) >= min_length and word not in STOPWORDS)

    def weight(word: str) -> float:
        factor = 2.0 if any(character.isdigit() for character in word) else 1.0
        if "_" in word:
            factor *= 1.5
        return counts[word] * factor * (2.0 if word in heading else 1.0)

    return sorted(counts, key=weight, reverse=True)[:max_keywords]


def suggest_keywords(
    title: str, content: str = "", existing_keywords: list[str] | None = None, max_suggestions: int = 5
) -> list[str]:
    """The most telling words of a text that are not keywords already.

    Args:
        title: the heading of the text.
        content: the rest of it.
        existing_keywords: in any case.
        max_suggestions: words at most.
    """
    existing = _lowered(existing_keywords or [])
    words = extract_keywords(title, content, max_keywords=MAX_AUTO_KEYWORDS + max_suggestions)
    return [word for word in words if word not in existing][:max_suggestions]


def calculate_keyword_score(query_keywords: list[str], entry_keywords: list[str]) -> float:
    """How well the keywords of an entry answer a query: 0.7 * (x + p) / |q| + 0.3 * x / |e|.

    The first term is the share of the query that is found, the second the share of the entry that was asked for. x:
    words that both have; p: half a point for each other word of the query that contains a word of the entry or is
    contained in one.

    Returns:
        A score from 0 to 1; the case of the words and repeated words make no difference.
    """
    query, entry = _lowered(query_keywords), _lowered(entry_keywords)
    if not query or not entry:
        return 0.0
    exact = len(query & entry)
    partial = 0.5 * sum(_overlaps(word, entry) for word in query - entry)
    return 0.7 * ((exact + partial) / len(query)) + 0.3 * (exact / len(entry))


def get_matching_keywords(query_keywords: list[str], entry_keywords: list[str]) -> list[str]:
    """The keywords of an entry that equal, contain or are contained in a word of the query, as the entry has them."""
    query = _lowered(query_keywords)
    return [word for word in entry_keywords if _overlaps(word.lower(), query)]


def validate_context(situation: str, solution: str, trigger_keywords: list[str]) -> list[str]:
    """What would make a context easier to find again, one sentence each; none of it is an error."""
    advice = []
    if len(situation.strip()) < ADVISED_TEXT:
        advice.append(f"Situation is short: {ADVISED_TEXT} characters or more say what was going on")
    if len(solution.strip()) < ADVISED_TEXT:
        advice.append(f"Solution is short: {ADVISED_TEXT} characters or more say what helped")
    if len(trigger_keywords) < 2:
        advice.append("Only 1 keyword or none: give 3 or more")
    elif len(trigger_keywords) == 2:
        advice.append("2 keywords: add 1-2 more")
    if short := [word for word in trigger_keywords if len(word) < MIN_KEYWORD_LENGTH]:
        advice.append(f"Keywords that are very short: {', '.join(short)}")
    if generic := [word for word in trigger_keywords if word.lower() in _GENERIC]:
        advice.append(f"Generic keywords, which fit any problem: {', '.join(generic)}")
    return advice


def _lowered(words: Iterable[str]) -> set[str]:
    return {word.lower() for word in words}


def _overlaps(word: str, others: Iterable[str]) -> bool:
    return any(word in other or other in word for other in others)


def _tokenize(text: str) -> list[str]:
    """The words of a text in their own case: camelCase is taken apart, snake_case and version numbers stay whole."""
    tokens: list[str] = []
    for word in _HUMP.sub(" ", text).translate(_SEPARATORS).split():
        tokens += [word] if _VERSION.fullmatch(word) else [part for part in word.split(".") if part]
    return tokens
