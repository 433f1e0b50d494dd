"""How many entries hold a term: which words of a query are rare, and what bm25 could give at most.

Most of the time of a search goes into ranking rows that hold nothing but common words. A term that every second row
holds has no weight in bm25, and is left out unless it is all there is. Where the others still have many rows together,
only rows with one of the rare ones are ranked, by all of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rekall.infra.interfaces import Row, Value
from rekall.store.query import MAX_TERMS, is_code
from rekall.store.session import Session

UNCOUNTED = 5_000
"""Rows that the terms of a query may have together before they are counted."""
BROAD = 30_000
"""Rows that the terms of a query may have together before it is narrowed."""
RANKED = 6_000
"""Rows of the rare terms that are ranked then; the two rarest terms are taken however many they have."""
SIZE_SQL = "SELECT max(id) AS size FROM entries_fts_content"
"""Rows of the full-text table at most, without counting them."""
_FEW_CONTEXTS, _SPARSE = 1000, 4
"""In so many contexts at most, of so many times as many entries, a word weighs what it weighs in the whole base."""
SIZES_SQL = (
    "SELECT max(id) AS size,"
    f" (SELECT count(*) FROM (SELECT 1 FROM rekall_context_fts_docsize LIMIT {_FEW_CONTEXTS})) AS contexts,"
    " (SELECT max(id) FROM rekall_context_fts_content) AS most_contexts FROM entries_fts_content"
)
"""The same, and the rows of the table of contexts: exactly, as long as they are few, and at most."""

APART = 4
"""Terms at most that are counted by a parameter each, which FTS5 looks up faster than the value of a row."""

_K1 = 1.2
_LOWEST_IDF = 1e-6
_FRESH = 0.01
_REMEMBERED = 1000
"""Rows of a term whose count is kept: counting fewer takes no time, and none that was added may be overlooked."""


class Plan(NamedTuple):
    """How the terms of a query are looked for.

    Args:
        ranked: an entry with one of these is a candidate.
        common: these count in the ranking of candidates only; empty when the query need not be narrowed.
        counts: rows of each term, as far as they are known.
    """

    ranked: tuple[str, ...]
    common: tuple[str, ...] = ()
    counts: Mapping[str, int] = {}

    def expressions(self) -> list[str]:
        """One for all candidates; of a narrowed query those with a common term, those without, and all.

        bm25 counts a term as often as it stands there: a code such as `E0382` or `504` twice, all others once.
        """
        ranked = _either(self.ranked)
        if not self.common:
            return [ranked]
        common = _either(self.common)
        return [f"({ranked}) AND ({common})", f"({ranked}) NOT ({common})", ranked]


class Frequencies:
    """Counts terms, and remembers the counts while the base is about as large.

    Args:
        remembers: otherwise terms are counted anew for each search, which is then a function of the base's state.
    """

    def __init__(self, session: Session, *, remembers: bool = True) -> None:
        self._session = session
        self._remembers = remembers
        self._counts: dict[tuple[str, bool], int] = {}
        self._size = 0

    def plan(
        self,
        terms: Sequence[str],
        size: int,
        contexts: int = 0,
        *,
        context: bool,
        narrow: bool = True,
        counts: Mapping[str, int] | None = None,
    ) -> Plan:
        """Which terms make candidates.

        Args:
            terms: MATCH expressions of one term each.
            size: rows of the full-text table, or more.
            contexts: rows of the table of contexts, or more.
            context: rows of the table of contexts count too: the base has one.
            narrow: rank only entries with a rare term where all together would be too many.
            counts: rows of each term, where they are known already.
        """
        if len(terms) <= MAX_TERMS and (len(terms) * size <= UNCOUNTED or not narrow):
            return Plan(tuple(terms))
        if counts is None:
            counts = self.counts(terms, size, context=context)
        rarest = sorted((term for term in terms if counts[term]), key=counts.__getitem__)[:MAX_TERMS]
        telling = [term for term in rarest if counts[term] < (size + contexts) / 2] or rarest[:1] or list(terms[:1])
        if not narrow:
            return Plan(tuple(rarest or terms[:1]), (), counts)
        if sum(counts[term] for term in telling) <= BROAD:
            return Plan(tuple(telling), (), counts)
        ranked: list[str] = []
        rows = 0
        for term in telling:
            rows += counts[term]
            if len(ranked) >= 2 and rows > RANKED:
                break
            ranked.append(term)
        return Plan(tuple(ranked), tuple(telling[len(ranked) :]), counts)

    def context_weights(self, terms: Sequence[str], size: int, contexts: int) -> dict[str, float] | None:
        """What bm25 of each term in a context is multiplied by, so that a word is as rare there as in the whole base.

        FTS5 takes a word for rare by the table that it searches: in a base of 1,000 entries and three contexts, a word
        in one of the contexts would weigh nearly nothing. The ratio of its idf among the entries to that in the table.

        Args:
            size: rows of the full-text table of entries, or more.
            contexts: rows of the table of contexts.

        Returns:
            By term; None where there are no contexts, or so many that the ratio makes no difference.
        """
        if not 0 < contexts <= min(_FEW_CONTEXTS, size / _SPARSE):
            return None
        everywhere = self.counts(terms, size, context=True)
        rows = self._session.fetch_all(
            "SELECT value AS term, (SELECT count(*) FROM rekall_context_fts WHERE rekall_context_fts MATCH value) AS n"
            " FROM json_each(:terms)",
            {"terms": json.dumps(list(terms))},
        )
        return {
            row["term"]: (1 + is_code(row["term"])) * _idf(everywhere[row["term"]], size) / _idf(row["n"], contexts)
            for row in rows
            if row["n"]
        }

    def counts(self, terms: Iterable[str], size: int, *, context: bool) -> dict[str, int]:
        """How many rows hold each of some terms; a term that stems alike counts as the same.

        Args:
            terms: MATCH expressions.
            size: rows of the full-text table; what was counted is forgotten when they have become 1 % more or fewer.
            context: see `plan`.
        """
        if abs(size - self._size) > _FRESH * self._size:
            self._counts, self._size = {}, size
        terms, counted = list(terms), dict[str, int]()
        known = self._counts  # as another thread may put a new one in its place
        missing = [term for term in terms if (term, context) not in known]
        if missing:
            rows = self._session.fetch_all(counting_sql(context=context), {"terms": json.dumps(missing)})
            counted = {row["term"]: int(row["n"]) for row in rows}
            if self._remembers:
                known.update({(term, context): rows for term, rows in counted.items() if rows >= _REMEMBERED})
        return {term: counted[term] if term in counted else known[term, context] for term in terms}


def counting_sql(*, context: bool, apart: int = 0) -> str:
    """A select of the rows `n` of each term, in their order.

    Args:
        context: see `Frequencies.plan`.
        apart: number of terms, each of which is a parameter, `:term0` and so on. 0: they are the JSON array `:terms`,
            and stand beside as `term`.
    """
    tables = ("entries_fts", "rekall_context_fts") if context else ("entries_fts",)

    def rows(term: str) -> str:
        return " + ".join(f"(SELECT count(*) FROM {table} WHERE {table} MATCH {term})" for table in tables)

    if apart:
        return " UNION ALL ".join(f"SELECT {rows(f':term{number}')} AS n" for number in range(apart))
    return f"SELECT value AS term, {rows('value')} AS n FROM json_each(:terms)"


def counting_values(terms: Sequence[str]) -> tuple[int, dict[str, Value]]:
    """How many terms are parameters of their own in `counting_sql`, and all of its parameters."""
    if len(terms) > APART:
        return 0, {"terms": json.dumps(terms)}
    return len(terms), {f"term{number}": term for number, term in enumerate(terms)}


def sizes(row: Row | None) -> tuple[int, int]:
    """Rows of the full-text tables of entries and of contexts, out of a row of `SIZE_SQL` or `SIZES_SQL`."""
    if row is None:
        return 0, 0
    few = row.get("contexts") or 0
    return row["size"] or 0, few if few < _FEW_CONTEXTS else row["most_contexts"]


def most(counts: Mapping[str, int], size: int) -> float:
    """What bm25 gives at most for terms: the sum of idf * (k1 + 1), above 0, codes taken twice.

    FTS5's formulas, https://www.sqlite.org/fts5.html#the_bm25_function: idf = ln((N - n + 0.5) / (n + 0.5)), or 1e-6
    when that is not above 0; a term's frequency weighs f * (k1 + 1) / (f + k1 * ...), which stays below k1 + 1 = 2.2.

    Args:
        counts: rows of each term.
        size: rows of the full-text table, N.
    """
    total = sum((_K1 + 1) * _idf(rows, size) * (1 + is_code(term)) for term, rows in counts.items())
    return total or _LOWEST_IDF


def _idf(rows: int, size: int) -> float:
    ratio = (size - rows + 0.5) / (rows + 0.5)
    return max(math.log(ratio) if ratio > 0 else 0.0, _LOWEST_IDF)


def _either(terms: Iterable[str]) -> str:
    return " OR ".join(f"{term} OR {term}" if is_code(term) else term for term in terms)
