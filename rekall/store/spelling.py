"""Words that were probably meant: the base's own, one typing error away from a word that it does not hold."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Iterator, Sequence

from rekall.errors import QueryError
from rekall.store.query import quote
from rekall.store.session import Session

SHORTEST, LONGEST = 3, 40
"""Characters of a word that is corrected."""
OFFERED = 3
"""Words that are offered for one at most."""

_LETTERS = string.ascii_lowercase + string.digits
_BLOCK = 0x80
_ALPHABETS = range(0x380 // _BLOCK, 0x1200 // _BLOCK)
"""Blocks of 128 characters, from Greek to Georgian; accents do not count, so of Latin those of English are enough."""
_TABLES = ("entries_fts", "rekall_context_fts")
_COUNT = "(SELECT count(*) FROM {0} WHERE {0} MATCH word.match)"
_ANY = "EXISTS (SELECT 1 FROM {0} WHERE {0} MATCH word.match)"


class Spelling:
    """Looks for words in the base's own vocabulary."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def corrections(self, words: Iterable[str]) -> dict[str, list[str]]:
        """What may have been meant by each word that no entry holds.

        A candidate is one edit away: a letter too many, missing, wrong, or exchanged with the next one
        (Damerau 1964). Every possible one is looked up, so the time does not grow with the base.

        Args:
            words: single words; those that are too short, or that the base holds, are passed over.

        Returns:
            By word: what the base holds, in how many entries it stands deciding the order. Words that stem alike stand
            in as many entries, and follow each other.
        """
        asked = [word for word in dict.fromkeys(map(str.lower, words)) if SHORTEST <= len(word) <= LONGEST]
        held = self._known(asked) if asked else {}
        meant = {word: self._known(edits(word)) for word in asked if word not in held}
        return {word: sorted(known, key=lambda one: -known[one]) for word, known in meant.items() if known}

    def _known(self, words: Iterable[str]) -> dict[str, int]:
        """Those of some words that entries hold, each with the number of its rows."""
        asked = json.dumps([{"word": word, "match": quote(word)} for word in words])
        try:
            return self._look_up(asked, _TABLES)
        except QueryError:  # a base that only 0.3 wrote has no table of contexts
            return self._look_up(asked, _TABLES[:1])

    def _look_up(self, asked: str, tables: Sequence[str]) -> dict[str, int]:
        rows = self._session.fetch_all(
            "WITH word(word, match) AS"
            " (SELECT json_extract(value, '$.word'), json_extract(value, '$.match') FROM json_each(?))"
            f" SELECT word.word AS word, {' + '.join(map(_COUNT.format, tables))} AS n"
            f" FROM word WHERE {' OR '.join(map(_ANY.format, tables))}",
            (asked,),
        )
        return {row["word"]: row["n"] for row in rows}


def edits(word: str) -> list[str]:
    """All texts that are one edit away from a word, in lower case.

    Args:
        word: in lower case. Letters that are put in are those of English, digits, those of the word itself, and the
            alphabet that it is written in.
    """
    letters = "".join(dict.fromkeys(_LETTERS + word + "".join(map(_alphabet, set(map(_block, word))))))
    return list(dict.fromkeys(one for one in _edits(word, letters) if one and one != word))


def _block(letter: str) -> int:
    return ord(letter) // _BLOCK


def _alphabet(block: int) -> str:
    """The small letters of a block of Unicode; none of one with Latin letters or with signs for syllables or words."""
    if block not in _ALPHABETS:
        return ""
    letters = map(chr, range(block * _BLOCK, (block + 1) * _BLOCK))
    return "".join(letter for letter in letters if letter.isalpha() and letter == letter.lower())


def _edits(word: str, letters: str) -> Iterator[str]:
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in letters)
        yield from (before + letter + after for letter in letters)
