"""One list out of three searches: by words, by meaning, and by the keywords of contexts."""

from __future__ import annotations

from dataclasses import dataclass, field

from rekall.models import Entry

_TO_WORDS = 0.6
"""Share of the weight of meaning that goes to words where there is no similarity; the rest goes to keywords."""


@dataclass
class Place:
    """What the searches say of one entry: scores from 0 to 1, the similarity None when it is not known."""

    entry: Entry
    words: float = 0.0
    meaning: float | None = None
    keywords: float = 0.0
    matched: list[str] = field(default_factory=list)


class Ranking:
    """Entries, each once, with what each search says of them.

    Args:
        words: weight of the search by words. Likewise meaning and keywords.
    """

    def __init__(self, words: float, meaning: float, keywords: float) -> None:
        self._words, self._meaning, self._keywords = words, meaning, keywords
        self._places: dict[str, Place] = {}

    def at(self, entry: Entry) -> Place:
        """The place of an entry; a new one comes after those before it where scores are equal."""
        return self._places.setdefault(entry.id, Place(entry))

    def best(self, limit: int) -> list[tuple[Entry, float, float | None, list[str]]]:
        """Entry, score, similarity and matching keywords, best first; nothing without a score.

        Args:
            limit: entries at most; a negative number is no limit.
        """
        scored = [(self._score(place), place) for place in self._places.values()]
        ranked = sorted((one for one in scored if one[0] > 0), key=lambda one: -one[0])
        ranked = ranked if limit < 0 else ranked[:limit]
        return [(place.entry, score, place.meaning, place.matched) for score, place in ranked]

    def _score(self, place: Place) -> float:
        if place.meaning is not None:
            return self._words * place.words + self._meaning * place.meaning + self._keywords * place.keywords
        words = self._words + self._meaning * _TO_WORDS
        return words * place.words + (self._keywords + self._meaning * (1 - _TO_WORDS)) * place.keywords
