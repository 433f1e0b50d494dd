"""Searching as the product does it, beside plain FTS5 and beside grep: what is found, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from benchmarks.bases import Bases
from benchmarks.measure import Row, details
from benchmarks.quality import quality
from benchmarks.search_meaning import HYBRID, MEANING, Meant
from benchmarks.search_plot import Curve, Panel
from benchmarks.search_systems import GREP, PLAIN, REKALL, TYPED, WHOLE, Found, rekall, run
from benchmarks.search_texts import Asked, Questions, project_of
from rekall.db import Database
from rekall.infra import ServiceContainer

SECTION = "search"
LARGER = (20_000, 100_000)
"""Numbers of entries beside that of the questions."""
NDCG_LIMIT, RECALL_LIMIT, EMPTY_LIMIT = 0.415, 0.74, 1.0
"""Least nDCG@10 and Recall@100 on the questions alone; per cent of empty answers, below which it has to stay."""
P95_LIMIT = 3.0
"""On the questions alone, to plain FTS5."""
LARGE_MS_LIMIT, LARGE_RATIO_LIMIT, LARGE_NDCG_LIMIT = 40.0, 0.5, 0.9
"""At 100,000 entries: median in ms, the same to plain FTS5's, and least nDCG@10 to plain FTS5's."""
WITH_MODEL = "with a model"
"""What the plot calls Rekall with one."""
TIE_LIMIT = 0.99
"""Least nDCG@10 with random projects and dates to that without: tie-breakers decide between equals."""


def sizes_for(texts: Questions, *, quick: bool) -> tuple[int, ...]:
    """The numbers of entries to measure at: the questions alone, then more."""
    return (len(texts.items), *(size for size in LARGER[: 1 if quick else None] if size > len(texts.items)))


def measure(bases: Bases, asked: Asked, sizes: Sequence[int]) -> tuple[list[Row], Found]:
    """Measure quality and time at every size.

    Args:
        bases: of the texts.
        asked: texts and queries.
        sizes: numbers of entries, ascending; the first is that of the questions.
    """
    found = run(bases, asked.texts, asked.queries, sizes)
    rows = [row for size in sizes for row in (*_quality_rows(found, size, asked), *_time_rows(found, size))]
    if asked.judged:
        rows.append(tie_breakers(bases, asked, found))
    return rows, found


def _quality_rows(found: Found, size: int, asked: Asked) -> Iterator[Row]:
    ours, plain = found.quality(REKALL, size), found.quality(PLAIN, size)
    numbers = {REKALL: asdict(ours), PLAIN: asdict(plain)}
    at, is_first, is_limited = f"at {size:,}", size == found.sizes[0], asked.judged and asked.whole
    if asked.judged:
        for name, figure, base, least in (
            ("nDCG@10", ours.ndcg, plain.ndcg, NDCG_LIMIT),
            ("Recall@100", ours.recall_100, plain.recall_100, RECALL_LIMIT),
        ):
            if is_first:
                limit = least if is_limited else None
                yield Row(SECTION, f"{name} {at}", figure, "", limit=limit, details=numbers, at_least=True)
            limit = LARGE_NDCG_LIMIT if is_limited and size == LARGER[-1] and name == "nDCG@10" else None
            yield Row(SECTION, f"{name} {at}", figure, "", PLAIN, base, limit, numbers, at_least=True)
        yield Row(SECTION, f"Recall@10 {at}", ours.recall_10, "", PLAIN, plain.recall_10, details=numbers)
        yield Row(SECTION, f"MRR@10 {at}", ours.mrr, "", PLAIN, plain.mrr, details=numbers)
    yield Row(SECTION, f"errors {at}", ours.errors, "", limit=0, details=numbers)
    yield Row(SECTION, f"empty answers {at}", 100 * ours.empty, "%", limit=EMPTY_LIMIT, details=numbers)
    if is_first:
        typed = found.quality(TYPED, size)
        share = 100 * typed.errors / typed.queries
        yield Row(SECTION, f"errors of FTS5 when given the text {TYPED}", share, "%", details={TYPED: asdict(typed)})


def _time_rows(found: Found, size: int) -> Iterator[Row]:
    ours, whole, plain, grep = (found.times[name, size] for name in (REKALL, WHOLE, PLAIN, GREP))
    numbers = details({REKALL: ours, WHOLE: whole, PLAIN: plain, GREP: grep}, 1000)
    at, is_first, is_largest = f"at {size:,}", size == found.sizes[0], size == LARGER[-1]
    if is_largest:
        yield Row(SECTION, f"median {at}", ours.median * 1000, "ms", limit=LARGE_MS_LIMIT, details=numbers)
    for name, figure, base, limit in (
        ("median", ours.median, plain.median, LARGE_RATIO_LIMIT if is_largest else None),
        ("p95", ours.p95, plain.p95, P95_LIMIT if is_first else None),
        ("whole answer, median", whole.median, plain.median, None),
        ("whole answer, p95", whole.p95, plain.p95, None),
    ):
        yield Row(SECTION, f"{name} {at}", figure * 1000, "ms", PLAIN, base * 1000, limit, numbers)
    lines = f"{GREP} any word, median {at}: {found.lines[size]:,.0f} lines"
    yield Row(SECTION, lines, grep.median * 1000, "ms", REKALL, ours.median * 1000, details=numbers)


def panels(found: Found, meant: Meant | None, *, judged: bool) -> list[Panel]:
    """What the plot shows: quality, when it was judged, and time, both by the number of entries.

    Args:
        found: without a model.
        meant: with one, None when there is none.
        judged: it is known what the queries should find.
    """

    def times(system: str, colour: int) -> Curve:
        return Curve(system, colour, [(size, found.times[system, size].median * 1000) for size in found.sizes])

    def gains(system: str, colour: int) -> Curve:
        return Curve(system, colour, [(size, found.quality(system, size).ndcg) for size in found.sizes])

    curves = [times(system, colour) for colour, system in enumerate((REKALL, PLAIN, GREP))]
    if meant is not None:
        points = [(size, meant.times[HYBRID, size]) for size in found.sizes]
        curves.append(Curve(WITH_MODEL, 3, points))
    drawn = [Panel("Time of a query, median in ms", "lower is better; logarithmic", curves, logarithmic=True)]
    if judged:
        curves = [gains(system, colour) for colour, system in enumerate((REKALL, PLAIN))]
        if meant is not None:
            dots = {name: [(found.sizes[0], gain)] for name, gain in meant.gains.items()}
            curves += [Curve(MEANING, 4, dots[MEANING]), Curve(WITH_MODEL, 3, dots[HYBRID])]
        drawn.insert(0, Panel("nDCG@10", "higher is better", curves, form="{:.1f}"))
    return drawn


def tie_breakers(bases: Bases, asked: Asked, found: Found) -> Row:
    """Quality where entries have random projects and dates, and queries are asked in a random project.

    Neither says anything of what is relevant here, so whatever they move is moved for nothing.
    """
    size = found.sizes[0]
    scattered = bases.beside("scattered", asked.texts.scatter()).copy(size, "scattered")
    container = ServiceContainer()
    try:
        with Database(scattered, container=container) as db:
            answers = [rekall(db, query.text, here=project_of(number)) for number, query in enumerate(asked.queries)]
    finally:
        container.close()
    with_them, without = quality(asked.queries, answers), found.quality(REKALL, size)
    return Row(
        *(SECTION, f"nDCG@10 at {size:,}, random projects and dates", with_them.ndcg, "", "none", without.ndcg),
        limit=TIE_LIMIT if asked.whole else None,
        at_least=True,
    )
