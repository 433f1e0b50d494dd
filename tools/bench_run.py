"""Measures Rekall, each figure beside its named limit; `tools/bench` starts it in the right environment."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks import (
    adapter,
    exchange,
    plugins,
    search,
    search_meaning,
    search_plot,
    search_sizes,
    server,
    startup,
    store,
    whole_base,
)
from benchmarks.bases import Bases
from benchmarks.measure import Progress, Row
from benchmarks.quality import read_queries
from benchmarks.search_texts import Asked, questions, titles_as_queries
from benchmarks.server_processes import SERVER
from benchmarks.texts import made_up_texts, real_texts
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from rekall.errors import RekallError

SECTIONS = ("start-up", "adapter", "store", "whole-base", "exchange", "search", "server")

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Variables that say how many threads compute a vector: one, unless they are set."""


def main() -> int:
    """Measure, print the table, write the JSON file."""
    options = _arguments()
    try:
        texts = real_texts(options.data) if options.data else made_up_texts()
        asked = _asked(options)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    sections = options.section or list(SECTIONS)
    if "server" in sections and not SERVER.exists():
        print("rekall-server is not measured: it is not part of this checkout (server/)", file=sys.stderr)
        sections = [name for name in sections if name != "server"]
        if not sections:
            return 2
    started = time.monotonic()
    here = Path.cwd()
    if "search" in sections:
        # numpy reads them when it is imported; threads of its own wait for each other on a busy machine
        os.environ |= {name: os.environ.get(name, "1") for name in THREADS}
    with tempfile.TemporaryDirectory(prefix="rekall-bench-") as folder, _progress() as progress:
        # programs started in a checkout would import it, uncompiled, instead of what is installed
        os.chdir(folder)
        # what is measured must not find the user's own base or configuration
        os.environ["REKALL_HOME"] = folder
        for name in ("REKALL_DB_PATH", "REKALL_DEBUG"):
            os.environ.pop(name, None)
        try:
            rows = _measure(sections, Bases(Path(folder), texts, progress), quick=options.quick)
            if "search" in sections:
                rows += _search(asked, Bases(Path(folder), texts, progress).beside("search", asked.texts), options)
        except (RekallError, RuntimeError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        finally:
            os.chdir(here)
    source = asked.texts.source if sections == ["search"] else texts.source
    _show(rows, source, time.monotonic() - started)
    options.json.write_text(json.dumps(_report(rows, source, quick=options.quick), indent=2) + "\n", encoding="utf-8")
    print(f"written to {options.json}")
    over = [row for row in rows if row.is_over]
    return 1 if options.check and over else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Measure start-up, adapter layer, store, whole bases, exchange, search and server, with limits.",
    )
    parser.add_argument("section", nargs="*", help=f"what to measure: {', '.join(SECTIONS)} (all)")
    parser.add_argument("--data", type=Path, help="JSON lines with title and content, to measure on real text")
    parser.add_argument("--queries", type=Path, help="JSON lines with id, query and relevant: ids of the data")
    parser.add_argument("--model", type=Path, help="folder of a model of sentence-transformers, to search by meaning")
    parser.add_argument("--sizes", action="store_true", help="how large the extra for searching by meaning is")
    parser.add_argument("--plot", type=Path, help="draw what search measures into this SVG file")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and no base of 100,000 entries")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures go (bench.json)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is exceeded")
    options = parser.parse_args()
    unknown = [name for name in options.section if name not in SECTIONS]
    if unknown:
        parser.error(f"unknown section {unknown[0]}: use {', '.join(SECTIONS)}")
    if options.queries and not options.data:
        parser.error("--queries names entries of the data: give --data as well")
    for name in ("json", "plot"):
        if getattr(options, name):
            setattr(options, name, getattr(options, name).resolve())
    return options


def _measure(sections: Sequence[str], bases: Bases, *, quick: bool) -> list[Row]:
    rows: list[Row] = []
    if "start-up" in sections:
        rows += startup.measure(bases, rounds=8 if quick else 40, handshakes=2 if quick else 7)
        rows += plugins.measure(bases, rounds=40 if quick else 100)
    if "adapter" in sections:
        rows += adapter.measure(bases, calls=40_000 if quick else 400_000, searches=1_000 if quick else 10_000)
    if "store" in sections:
        rows += store.measure(bases, store.sizes_for(quick=quick), rounds=100 if quick else 600)
    if "whole-base" in sections:
        rows += whole_base.measure(bases, store.sizes_for(quick=quick))
    if "exchange" in sections:
        rows += exchange.measure(bases, store.sizes_for(quick=quick))
    if "server" in sections:
        rows += server.measure(bases, rounds=3 if quick else 15, seconds=1.2 if quick else 1.5)
    return rows


def _asked(options: argparse.Namespace) -> Asked:
    texts = questions(options.data)
    queries = read_queries(options.queries) if options.queries else titles_as_queries(texts)
    asked = queries[:: 4 if options.quick else 1]
    return Asked(texts, asked, judged=options.queries is not None, whole=len(asked) == len(queries))


def _search(asked: Asked, bases: Bases, options: argparse.Namespace) -> list[Row]:
    sizes = search.sizes_for(asked.texts, quick=options.quick)
    sized = [search_sizes.measure()] if options.sizes else []
    model, meant = search_meaning.model_folder(options.model), None
    try:
        if model is not None:
            search_meaning.check(model)
    except RekallError as error:
        if options.model:
            raise
        print(f"searching by meaning is not measured: {error}", file=sys.stderr)
        model = None
    rows, found = search.measure(bases, asked, sizes)
    if model is not None:
        more, meant = search_meaning.measure(bases, asked, sizes, model)
        rows += more
    rows += sized
    if options.plot:
        drawn = search_plot.picture(search.panels(found, meant, judged=asked.judged), asked.texts.source)
        options.plot.write_text(drawn, encoding="utf-8")
        print(f"drawn in {options.plot}")
    return rows


class _Bar:
    """Progress as a bar on a terminal."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def start(self, what: str, steps: int) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=steps)

    def step(self, count: int = 1) -> None:
        if self._task is not None:
            self._bar.advance(self._task, count)


class _Lines:
    """Progress as one line for each thing that is begun."""

    def start(self, what: str, steps: int) -> None:
        print(f"{what} ({steps:,})", file=sys.stderr, flush=True)

    def step(self, count: int = 1) -> None:
        pass


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True, refresh_per_second=2) as bar:
        yield _Bar(bar)


def _show(rows: Sequence[Row], source: str, seconds: float) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table(
        title=f"Rekall on {platform.python_implementation()} {platform.python_version()}", title_justify="left"
    )
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("beside")
    for name in ("its figure", "ratio", "limit", ""):
        table.add_column(name, justify="right")
    section = ""
    for row in rows:
        if row.section != section:
            if section:
                table.add_section()
            section = row.section
            table.add_row(f"[bold]{section}[/bold]")
        limit = ""
        if row.limit is not None:
            limit = f"{row.limit:g} x" if row.ratio is not None else f"{row.limit:g} {row.unit}".strip()
            limit = f">= {limit}" if row.at_least else limit
        table.add_row(
            *(row.what, f"{_number(row.figure)} {row.unit}", row.reference),
            "" if row.base is None else f"{_number(row.base)} {row.unit}",
            "" if row.ratio is None else f"{row.ratio:.3f}" if row.limit and row.limit < 1.1 else f"{row.ratio:.2f}",
            *(limit, {None: "", True: f"[red]{'under' if row.at_least else 'over'}[/red]", False: "ok"}[row.is_over]),
        )
    console.print(table)
    if any(row.ratios for row in rows):
        console.print("Ratios of throughput and p99 are medians of what they were in each round.", highlight=False)
    console.print(f"Data: {source}. {seconds:.0f} s on {os.cpu_count()} cores.", highlight=False)


def _number(value: float) -> str:
    return f"{value:,.3f}" if abs(value) < 10 and value != int(value) else f"{value:,.1f}".removesuffix(".0")


def _report(rows: Sequence[Row], source: str, *, quick: bool) -> dict[str, object]:
    return {
        "made": datetime.now().astimezone().isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
        "data": source,
        "quick": quick,
        "rows": [row.record() for row in rows],
    }


if __name__ == "__main__":
    sys.exit(main())
