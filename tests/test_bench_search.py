"""The benchmark of searches: its figures are those of the protocol, and all systems answer the same queries."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from benchmarks import search, search_meaning, search_plot, search_sizes
from benchmarks.bases import Bases
from benchmarks.quality import Query, quality, read_queries
from benchmarks.search_plot import Curve, Panel
from benchmarks.search_systems import GREP, PLAIN, REKALL, Grep, any_of
from benchmarks.search_texts import Asked, questions, titles_as_queries
from support.real_model import folder

from rekall import config

BENCH = Path(__file__).parents[1] / "tools" / "bench_run.py"


class Silent:
    """Tells nobody."""

    def start(self, what: str, steps: int) -> None:
        pass

    def step(self, count: int = 1) -> None:
        pass


def test_quality_is_that_of_the_protocol() -> None:
    """The own question is taken out, gains are binary, an error finds nothing and is no empty answer."""
    queries = [
        Query("q", "two of three, second and third", frozenset({"a", "b", "c"})),
        Query("q", "itself alone", frozenset({"a"})),
        Query("q", "an error", frozenset({"a"})),
        Query("q", "after the tenth", frozenset({"a"})),
    ]
    late = [f"x{number}" for number in range(10)]
    judged = quality(queries, [["x", "q", "a", "b"], ["q"], None, [*late, "a"]])
    best = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert judged.ndcg == pytest.approx((1 / math.log2(3) + 1 / math.log2(4)) / best / 4)
    assert judged.recall_10 == pytest.approx(2 / 3 / 4)
    assert judged.recall_100 == pytest.approx((2 / 3 + 1) / 4)
    assert judged.mrr == pytest.approx(1 / 2 / 4)
    assert (judged.errors, judged.empty, judged.queries) == (1, 1 / 4, 4)


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """Four questions, the first two duplicates of each other, and their titles as queries."""
    titles = ("No sound after the update", "Update took the sound away", "Where is the trash?", "Printing in colour")
    ids = [f"id{number}" for number in range(4)]
    records = [
        {"id": name, "title": title, "content": f"{title} please"} for name, title in zip(ids, titles, strict=True)
    ]
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps(record) + "\n" for record in records))
    judged = [
        {"id": "id0", "query": titles[0], "relevant": ["id1"]},
        {"id": "id1", "query": titles[1], "relevant": ["id0"]},
    ]
    file = tmp_path / "queries.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in judged))
    return Asked(questions(data), read_queries(file), judged=True, whole=True)


def test_notes_are_drawn_from_the_words_of_questions(asked: Asked) -> None:
    """They hold no other word and are no question; the same ones in every base, and with random dates too."""
    texts = asked.texts
    words = {word for title, content in texts.items for word in f"{title} {content}".split()}
    titles = {title for title, _ in texts.items}
    for number in range(4, 200):
        note = texts.entry(number)
        assert 4 <= len(note.title.split()) <= 12
        assert 10 <= len(note.content.split()) <= 60
        assert set(f"{note.title} {note.content}".split()) <= words
        assert note.title not in titles
        scattered = texts.scatter().entry(number)
        assert (
            (scattered.title, scattered.content)
            == (note.title, note.content)
            == (
                texts.entry(number).title,
                texts.entry(number).content,
            )
        )
        assert scattered.project is not None
    assert texts.entry(2).id == "id2"
    assert texts.context(0) is None


def test_made_up_questions_are_asked_by_their_titles() -> None:
    """Without data there are as many texts and queries as the real ones are; nobody has judged them."""
    made_up = questions(None)
    queries = titles_as_queries(made_up)
    assert len(made_up.items) == 1804
    assert 400 < len(queries) <= 700
    assert {query.relevant for query in queries} == {frozenset()}
    assert queries[1].text == dict(zip(made_up.ids, (title for title, _ in made_up.items), strict=True))[queries[1].own]


def test_a_search_is_measured_beside_plain_full_text_search_and_grep(asked: Asked, tmp_path: Path) -> None:
    """Every system answers the same queries on the same entries; limits on quality stand where it is known."""
    bases = Bases(tmp_path, asked.texts, Silent())
    rows, found = search.measure(bases, asked, (4, 60))
    assert all(found.answers[system, 60] != [None, None] for system in (REKALL, PLAIN))
    assert found.quality(PLAIN, 4).ndcg == 1.0
    assert found.lines[60] >= found.lines[4] >= 2
    limited = {row.what: row.limit for row in rows if row.limit is not None}
    assert limited == {
        "nDCG@10 at 4": search.NDCG_LIMIT,
        "Recall@100 at 4": search.RECALL_LIMIT,
        "errors at 4": 0,
        "errors at 60": 0,
        "empty answers at 4": search.EMPTY_LIMIT,
        "empty answers at 60": search.EMPTY_LIMIT,
        "p95 at 4": search.P95_LIMIT,
        "nDCG@10 at 4, random projects and dates": search.TIE_LIMIT,
    }
    curves = search.panels(found, None, judged=True)
    assert [[curve.name for curve in panel.curves] for panel in curves] == [[REKALL, PLAIN], [REKALL, PLAIN, GREP]]


def test_a_search_by_meaning_is_judged_timed_and_weighed(asked: Asked, tmp_path: Path) -> None:
    """With the real model: vectors for every size, quality where they are computed, memory of a process of its own."""
    bases = Bases(tmp_path, asked.texts, Silent())
    rows, meant = search_meaning.measure(bases, asked, (4, 60), folder(tmp_path))
    limited = {row.what: row.limit for row in rows if row.limit is not None}
    name = search_meaning.HYBRID
    assert limited == {
        f"{name}, nDCG@10 at 4": search_meaning.NDCG_LIMIT,
        f"{name}, errors at 4": 0,
        f"{search_meaning.MEANING}, errors at 4": 0,
        f"{name}, median at 4": search_meaning.QUERY_LIMIT,
        f"{name}, most memory of one search at 4": search_meaning.MEMORY_LIMIT,
    }
    assert meant.gains == {name: 1.0, search_meaning.MEANING: 1.0}
    assert {size for _, size in meant.times} == {4, 60}
    assert not config.get_config().smart_embeddings_enabled


def test_grep_counts_the_entries_that_hold_any_of_the_words(asked: Asked, tmp_path: Path) -> None:
    """One entry a line, whatever lines its text has, and capitals like small letters."""
    grep = Grep(asked.texts, 4, tmp_path / "entries.txt")
    assert grep.count("SOUND?") == 2
    assert grep.count("sound trash") == 3
    assert grep.count("?!") == grep.count("nowhere") == 0
    assert any_of('No "sound", no') == '"no" OR "sound"'


def test_a_plot_names_its_lines_and_says_its_figures() -> None:
    """It is well-formed, has a point for every figure, and keeps the names of close lines apart."""
    curves = [Curve("ours <new>", 0, [(10, 0.5), (1000, 0.401)]), Curve("theirs", 1, [(10, 0.5), (1000, 0.4)])]
    times = [Curve("ours", 0, [(10, 1.5), (1000, 300.0)]), Curve("once", 3, [(10, 20.0)])]
    panels = [Panel("Quality", "higher is better", curves), Panel("Time", "lower", times, logarithmic=True)]
    root = ET.fromstring(search_plot.picture(panels, "some texts"))  # noqa: S314  # written just now
    svg = "{http://www.w3.org/2000/svg}"
    texts = {text.text: text for text in root.iter(f"{svg}text")}
    assert {"ours <new>", "theirs", "once", "1,000", "some texts", "500"} <= texts.keys()
    assert len(list(root.iter(f"{svg}circle"))) == 7
    assert abs(float(texts["ours <new>"].attrib["y"]) - float(texts["theirs"].attrib["y"])) >= search_plot.LINE
    description = root.find(f"{svg}desc")
    assert description is not None
    assert "theirs 0.5 at 10, 0.4 at 1,000" in str(description.text)


def test_an_extra_is_what_it_brings_with_all_that_it_needs() -> None:
    """Every distribution once, and none that is needed anyway; a missing one is named with what to do."""
    needed = search_sizes.needed("rekall")
    assert {"rekall", "typer", "rich"} <= needed.keys()
    assert search_sizes.size_of(needed["rich"]) > 100_000
    with pytest.raises(RuntimeError, match="no-such-distribution is not installed"):
        search_sizes.needed("no-such-distribution")


@pytest.mark.parametrize("line", ["", "{", '{"id": "1", "query": "no list"}', "[]"])
def test_unusable_queries_are_one_line(tmp_path: Path, line: str) -> None:
    """Likewise wrong queries; queries alone name entries of nothing."""
    data, wrong = tmp_path / "data.jsonl", tmp_path / "wrong.jsonl"
    data.write_text('{"id": "1", "title": "t", "content": "c"}\n')
    wrong.write_text(line and line + "\n")
    command = [sys.executable, str(BENCH), "search", "--queries", str(wrong)]
    done = subprocess.run([*command, "--data", str(data)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (message,) = done.stderr.splitlines()
    assert message.startswith("error: ")
    assert "wrong.jsonl" in message
    alone = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert alone.returncode == 2
    assert "--data" in alone.stderr
