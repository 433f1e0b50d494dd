"""The words of an entry that should bring it back: those that name something, the most telling first."""

from __future__ import annotations

import re
from collections import Counter

MIN_KEYWORD_LENGTH = 3
MAX_AUTO_KEYWORDS = 10

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


def _tokenize(text: str) -> list[str]:
    """The words of a text in their own case: camelCase is taken apart, snake_case and version numbers stay whole."""
    tokens: list[str] = []
    for word in _HUMP.sub(" ", text).translate(_SEPARATORS).split():
        tokens += [word] if _VERSION.fullmatch(word) else [part for part in word.split(".") if part]
    return tokens
