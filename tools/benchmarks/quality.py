"""How good an order of search results is, judged by questions that people marked as duplicates of each other.

The query is the title of a question, verbatim; that question itself is taken out of the results, and relevant are
the questions that users marked as its duplicates.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DEPTH = 100
"""Results that are looked at, without the query's own question."""
FIRST = 10
"""Results that a person looks at."""


@dataclass(frozen=True)
class Query:
    """A query with what it should find.

    Args:
        own: id of the question whose title it is; not counted when it is found.
        text: what is searched for.
        relevant: ids of the entries that answer it; empty when nobody has judged.
    """

    own: str
    text: str
    relevant: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Quality:
    """Means over all queries; what raised an error found nothing.

    Args:
        ndcg: nDCG@10 with binary gains (Järvelin & Kekäläinen 2002): the sum of 1 / log2(place + 1) over the relevant
            results among the first ten, divided by the most that could be reached.
        recall_10: share of the relevant entries among the first ten results. Likewise recall_100.
        mrr: 1 / place of the first relevant result among the first ten, 0 without one.
        errors: queries that raised one.
        empty: share of the queries that found nothing, errors apart.
        queries: how many there were.
    """

    ndcg: float
    recall_10: float
    recall_100: float
    mrr: float
    errors: int
    empty: float
    queries: int


def quality(queries: Sequence[Query], answers: Sequence[Sequence[str] | None]) -> Quality:
    """Judge the answers to queries.

    Args:
        queries: one or more.
        answers: for each query the ids that were found, best first; None for an error.
    """
    figures = []
    empty = 0
    for query, answer in zip(queries, answers, strict=True):
        found = [entry_id for entry_id in answer or () if entry_id != query.own][:DEPTH]
        empty += answer is not None and not found
        figures.append(_figures(found, query.relevant))
    ndcg, recall_10, recall_100, mrr = (statistics.fmean(column) for column in zip(*figures, strict=True))
    errors = sum(answer is None for answer in answers)
    return Quality(ndcg, recall_10, recall_100, mrr, errors, empty / len(queries), len(queries))


def _figures(found: Sequence[str], relevant: frozenset[str]) -> tuple[float, float, float, float]:
    if not relevant:
        return 0.0, 0.0, 0.0, 0.0
    places = [place for place, entry_id in enumerate(found, 1) if entry_id in relevant]
    first = [place for place in places if place <= FIRST]
    gain = sum(1 / math.log2(place + 1) for place in first)
    most = sum(1 / math.log2(place + 1) for place in range(1, min(FIRST, len(relevant)) + 1))
    mrr = 1 / first[0] if first else 0.0
    return gain / most, len(first) / len(relevant), len(places) / len(relevant), mrr


def read_queries(file: Path) -> list[Query]:
    """Queries from a file with one JSON object a line: `id`, `query`, and `relevant`, a list of ids.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else, or nothing.
    """
    queries = []
    with file.open(encoding="utf-8") as lines:
        for place, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                relevant = frozenset(str(entry_id) for entry_id in record["relevant"])
                queries.append(Query(str(record["id"]), str(record["query"]), relevant))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{file}, line {place}: not an object with id, query and relevant ({error})"
                ) from error
    if not queries:
        raise ValueError(f"{file} is empty")
    return queries
