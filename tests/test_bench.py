"""The benchmark measures what it says: both sides do the same work, and a limit that is exceeded is called so."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import exchange, plugins, store, whole_base
from benchmarks.bases import Bases
from benchmarks.measure import Row, Times, by_turns
from benchmarks.statements import Raw, Recording
from benchmarks.texts import GROUP, made_up_texts, real_texts

from rekall.db import Database
from rekall.infra.distributions import installed

BENCH = Path(__file__).parents[1] / "tools" / "bench_run.py"


class Silent:
    """Tells nobody, and counts the steps."""

    def __init__(self) -> None:
        self.steps = 0

    def start(self, what: str, steps: int) -> None:
        pass

    def step(self, count: int = 1) -> None:
        self.steps += count


@pytest.fixture
def bases(tmp_path: Path) -> Bases:
    return Bases(tmp_path, made_up_texts(50), Silent())


def content(file: Path, *columns: str) -> list[Any]:
    connection = sqlite3.connect(file)
    try:
        tables = {
            "entries": f"SELECT {', '.join(columns)} FROM entries ORDER BY id",
            "tags": "SELECT entry_id, tag FROM tags ORDER BY 1, 2",
            "keywords": "SELECT entry_id, keyword FROM context_keywords ORDER BY 1, 2",
            "text": "SELECT id, title, tags FROM entries_fts ORDER BY id",
        }
        return [connection.execute(sql).fetchall() for sql in tables.values()]
    finally:
        connection.close()


def test_raw_sqlite_does_what_the_store_does(bases: Bases) -> None:
    """Adding, updating and a counted search leave both files alike; were it otherwise, the ratio would mean nothing."""
    ours, theirs = bases.copy(200, "ours"), bases.copy(200, "theirs")
    recording, raw = Recording(theirs), Raw(theirs)
    texts = bases.texts
    with Database(ours) as db:
        calls: list[store.Operation] = [
            lambda one: one.entries.add(texts.entry(201), context=texts.context(201)),
            lambda one: one.entries.update(texts.entry(7, version=1)),
            lambda one: one.search.search(texts.selective(100), limit=GROUP),
        ]
        for call in calls:
            raw.run(recording.of(call))
            call(db.store)
    recording.close()
    raw.close()
    columns = ("id", "title", "content", "access_count", "consolidation_score", "context_structured")
    assert content(ours, *columns) == content(theirs, *columns)
    connection = sqlite3.connect(theirs)
    assert connection.execute("SELECT sum(access_count) FROM entries").fetchone() == (GROUP,)
    connection.close()


def test_recording_leaves_the_file_alone(bases: Bases) -> None:
    """What is learnt for the other side is not done by the one that learns."""
    file = bases.copy(50, "recorded")
    before = content(file, "id", "access_count")
    recording = Recording(file)
    call = recording.of(lambda one: one.search.search(bases.texts.selective(20)))
    recording.close()
    assert call.queries
    assert call.batch
    assert content(file, "id", "access_count") == before


def test_queries_find_what_they_are_named_for(bases: Bases) -> None:
    """A selective query finds its group alone, a broad one more than a page of hits."""
    with Database(bases.copy(500, "searched")) as db:
        hits = db.search(bases.texts.selective(123), limit=-1)
        assert sorted(hit.entry.id for hit in hits) == [bases.texts.entry(number).id for number in range(120, 130)]
        assert len(db.search(bases.texts.broad(123), limit=-1)) > GROUP


def test_a_larger_base_begins_with_the_smaller_one(bases: Bases) -> None:
    """Sizes are compared on the same entries, and every base is built once."""
    small, large = bases.copy(30, "small"), bases.copy(60, "large")
    with Database(small) as one, Database(large) as other:
        ids = {entry.id for entry in one.list_all(limit=-1)}
        assert len(ids) == 30
        assert ids < {entry.id for entry in other.list_all(limit=-1)}
    assert isinstance(bases.progress, Silent)
    assert bases.progress.steps == 60


def test_the_store_is_measured_beside_raw_sqlite_at_every_size(bases: Bases) -> None:
    """Each limit of the store stands in one row at the largest size."""
    rows = store.measure(bases, (100, 200), rounds=4)
    limited = {row.what: row.limit for row in rows if row.limit is not None}
    assert limited == {
        "add, median at 200": store.GROWTH_LIMIT,
        "add, mean at 200": store.RAW_LIMIT,
        "update, median at 200": store.GROWTH_LIMIT,
        "update, mean at 200": store.RAW_LIMIT,
        "search selective, median at 200": store.RAW_LIMIT,
        "search broad, median at 200": store.RAW_LIMIT,
        "counting 10 hits adds (selective) at 200": store.COUNTING_LIMIT,
        "counting 10 hits adds (broad) at 200": store.COUNTING_LIMIT,
    }
    assert all(row.figure > 0 for row in rows if not row.what.startswith("counting"))


@pytest.mark.parametrize("name", list(whole_base.COMPUTATIONS))
def test_a_whole_base_takes_as_many_calls_as_a_part_of_it(bases: Bases, name: str) -> None:
    """No query for each row: fifty entries and five hundred, of which every one is computed, read and write alike."""
    counted = []
    for size in (50, 500):
        side = whole_base.Side(bases, size)
        side.db.set_metadata("session", "is prepared")
        side.prepare(whole_base.COMPUTATIONS[name])()
        counted.append((side.backend.calls["read"], side.backend.calls["write"]))
        side.close()
    assert counted[0] == counted[1]
    assert counted[0][0] > 0


def test_a_whole_base_gives_every_computation_something_to_do(bases: Bases) -> None:
    """Were there nothing to find or to write, the time of finding nothing would be measured."""
    side = whole_base.Side(bases, 60)
    computed: dict[str, Any] = {}
    writes = set()
    for name, computation in whole_base.COMPUTATIONS.items():
        computed[name] = side.prepare(computation)()
        if side.backend.calls["write"]:
            writes.add(name)
    side.close()
    assert writes == {"centrality", "sources"}
    assert (computed["centrality"], computed["sources"]) == (60, 7)
    assert len(computed["stale"]) == 60
    assert len(computed["due"]) == 30
    assert [len(found.entries) for found in computed["consolidation"]] == [whole_base.CLUSTER] * 4


def test_a_whole_base_is_judged_by_the_time_and_the_calls_for_each_row(bases: Bases) -> None:
    """The time of each size, its growth to the largest against each smaller one, and the calls."""
    rows = whole_base.measure(bases, (2, 20, 200), rounds=1)
    for name in whole_base.COMPUTATIONS:
        judged = [(row.what, row.reference, row.limit) for row in rows if row.what.startswith(f"{name}, ")]
        assert judged == [
            *((f"{name}, all of {size}", "", None) for size in (2, 20, 200)),
            (f"{name}, a row at 200", "the same at 2", whole_base.GROWTH_LIMITS[100]),
            (f"{name}, a row at 200", "the same at 20", whole_base.GROWTH_LIMITS[10]),
            (f"{name}, back-end calls for 1,000 more entries", "", whole_base.CALLS_LIMIT),
        ]


def test_calls_take_turns() -> None:
    """Whatever slows the machine down for a while falls on all of them; another one begins each round."""
    order: list[str] = []
    calls = {name: (lambda _number, name=name: lambda: order.append(name)) for name in ("a", "b")}
    times = by_turns(calls, 3, Silent(), warm_up=1)
    assert order == ["b", "a", "a", "b", "b", "a", "a", "b"]
    assert [len(taken.seconds) for taken in times.values()] == [3, 3]


def test_median_mean_and_least() -> None:
    """One slow call moves the mean and not the median."""
    times = Times([1.0, 2.0, 9.0])
    assert (times.median, times.mean, times.least) == (2.0, 4.0, 1.0)
    assert Times([float(number) for number in range(100, 0, -1)]).p95 == 95.0


@pytest.mark.parametrize(
    ("row", "is_over"),
    [
        (Row("s", "w", 2.0, "ms"), None),
        (Row("s", "w", 2.0, "ms", base=1.0), None),
        (Row("s", "w", 2.0, "ms", base=1.0, limit=2.0), False),
        (Row("s", "w", 2.1, "ms", base=1.0, limit=2.0), True),
        (Row("s", "w", 0.2, "ms", base=0.05, limit=2.0), True),
        (Row("s", "w", 2.1, "ms", limit=2.0), True),
        (Row("s", "w", 0, "", limit=0), False),
        (Row("s", "w", 0.4, "", limit=0.5, at_least=True), True),
        (Row("s", "w", 0.5, "", limit=0.5, at_least=True), False),
        (Row("s", "w", 0.4, "", base=0.5, limit=0.9, at_least=True), True),
    ],
)
def test_a_limit_is_judged_by_the_ratio_where_there_is_one(row: Row, is_over: bool | None) -> None:
    """Ratio to the reference, or the figure itself; a row without limit is neither."""
    assert row.is_over is is_over
    assert row.record()["over"] is is_over


def test_real_texts_are_taken_again_with_another_word(tmp_path: Path) -> None:
    """A file of two texts makes as many different titles as are asked for, and the report says so."""
    file = tmp_path / "two.jsonl"
    file.write_text('{"title": "first one", "content": "c"}\n{"title": "second one", "content": "c"}\n')
    texts = real_texts(file)
    assert texts.entry(0).title == "first one"
    assert len({texts.entry(number).title for number in range(20)}) == 20
    assert texts.source.startswith("2 real texts of two.jsonl, taken again")


@pytest.mark.parametrize("line", ["", "{", '{"title": "no content"}', "[]"])
def test_unusable_data_is_one_line(tmp_path: Path, line: str) -> None:
    """A wrong file ends the benchmark before anything is measured."""
    file = tmp_path / "wrong.jsonl"
    file.write_text(line and line + "\n")
    done = subprocess.run(
        [sys.executable, BENCH, "--data", file], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (message,) = done.stderr.splitlines()
    assert message.startswith("error: ")
    assert "wrong.jsonl" in message


def test_the_report_is_a_table_and_a_file(tmp_path: Path) -> None:
    """A quick run of one section names its data, and writes what it printed."""
    done = subprocess.run(
        [sys.executable, BENCH, "--quick", "adapter"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "made-up text" in done.stdout
    report = json.loads((tmp_path / "bench.json").read_text())
    assert report["quick"] is True
    assert [row["section"] for row in report["rows"]] == ["adapter"] * 4
    for row in report["rows"]:
        assert row["what"] in done.stdout
        assert row["over"] is not None


def test_an_exchange_brings_a_base_over_and_is_judged_by_time_and_memory(bases: Bases) -> None:
    """Every command runs; a limit on the growth for each record, and one on the memory."""
    rows = exchange.measure(bases, (10, 100))
    for name in exchange.COMMANDS:
        judged = {row.what: row.limit for row in rows if row.what.startswith(f"{name}, ") and row.limit is not None}
        assert judged == {
            f"{name}, a record at 100": exchange.GROWTH_LIMIT,
            f"{name}, most memory at 100": exchange.MEMORY_LIMIT,
        }
    assert all(row.figure > 0 for row in rows)


def test_a_search_is_measured_beside_plugins_that_are_installed(
    bases: Bases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python finds them all, and a search that imported one would fail."""
    (row,) = plugins.measure(bases, rounds=1)
    assert row.limit == plugins.PLUGINS_LIMIT
    assert row.base
    assert row.figure > 0
    monkeypatch.syspath_prepend(str(tmp_path / "20-plugins"))
    assert len(installed("database")[0]) == len(installed("cache")[0]) == plugins.NUMBER
