"""How central an entry is among the links: the formula, and the network of a whole base in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol

HIGHEST = 100
"""The most that a score is; counting stops there, so that a hub costs its neighbours no more than another entry."""


class Pair(NamedTuple):
    """The links from one entry to another: `number` of them, one for each relation type."""

    source: str
    target: str
    number: int


class Chained(Protocol):
    """Finds the next links of a chain."""

    def __call__(self, heads: Collection[str], tails: Collection[str], away_from: str) -> Iterable[Pair]:
        """The pairs that begin at one of `heads` or end at one of `tails`, but for those that touch `away_from`.

        A pair may come twice. Nothing is asked for past the first `HIGHEST` pairs.
        """


def centrality(entry_id: str, direct: Iterable[Pair], chained: Chained) -> float:
    """How central an entry is: min(100, 2 * (2 * d1 + d2 + 0.5 * d3)).

    A degree centrality with a decay over three levels. d1: links of the entry. Two links are chained when the head of
    one is the tail of the other; d2: distinct pairs of links chained to one of the entry's and not touching it; d3:
    distinct links chained to such a one, themselves not touching the entry.

    Args:
        direct: the links of the entry.
        chained: gives the links of the next level.
    """
    score = 0
    heads, tails = set(), set()
    for pair in direct:
        score += 4 * pair.number
        heads.add(pair.target)
        tails.add(pair.source)
        if score >= HIGHEST:
            return float(HIGHEST)
    second: set[Pair] = set()
    for pair in chained(heads - {entry_id}, tails - {entry_id}, entry_id):
        second.add(pair)
        if score + 2 * len(second) >= HIGHEST:
            return float(HIGHEST)
    score += 2 * len(second)
    third: set[Pair] = set()
    for pair in chained({pair.target for pair in second}, {pair.source for pair in second}, entry_id):
        if pair not in third:
            third.add(pair)
            score += pair.number
            if score >= HIGHEST:
                return float(HIGHEST)
    return float(score)


class Network:
    """All links of a base, found by either end.

    The score of one entry takes a bounded number of steps: every pair counts at least 1 of the 100 at which counting
    stops, and comes at most twice.
    """

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._outgoing: defaultdict[str, list[Pair]] = defaultdict(list)
        self._incoming: defaultdict[str, list[Pair]] = defaultdict(list)
        for pair in pairs:
            self._outgoing[pair.source].append(pair)
            self._incoming[pair.target].append(pair)

    def centrality(self, entry_id: str) -> float:
        """The score of an entry; 0 where it has no links."""
        return centrality(entry_id, self._direct(entry_id), self._chained)

    def _direct(self, entry_id: str) -> Iterator[Pair]:
        yield from self._outgoing.get(entry_id, ())
        yield from self._incoming.get(entry_id, ())

    def _chained(self, heads: Collection[str], tails: Collection[str], away_from: str) -> Iterator[Pair]:
        for ends, by_end in ((heads, self._outgoing), (tails, self._incoming)):
            for end in ends:
                for pair in by_end.get(end, ()):
                    if away_from not in (pair.source, pair.target):
                        yield pair
