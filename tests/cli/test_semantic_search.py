"""Searching and comparing by meaning on the command line, and the vectors of what is stored."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import meaning, raw
from support.command_line import CommandLine, one_error_line, run_in_terminal, run_program
from support.embedders import MODEL, WordCounts, registered

from rekall import config, embeddings
from rekall.config import load_config
from rekall.db import Database
from rekall.embeddings import register_embedder

NO_VECTOR = "1 of 2 entries have no vector: run 'rekall embeddings --migrate'"


@pytest.fixture(autouse=True)
def _switched_on() -> Iterator[None]:
    """The user has switched searches by meaning on, and the model is there; no entry needs a context."""
    meaning.configure()
    with registered():
        yield
    embeddings.reset_embedding_service()


def add(cli: CommandLine, title: str, *options: str) -> str:
    """Store an entry without a context; returns its id."""
    return str(cli.json("add", "bug", title, *options)["id"])


def told(cli: CommandLine, *args: str) -> tuple[Any, str]:
    """The JSON of a command that works, and the one line that it tells."""
    result = cli(*args, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout), one_error_line(result.stderr)


def count_accesses(entry_id: str) -> int:
    with Database(load_config().db_path) as db:
        entry = db.get(entry_id, update_access=False)
        assert entry is not None
        return entry.access_count


def vectors_of(entry_id: str) -> list[tuple[str, str, int]]:
    with Database(load_config().db_path) as db:
        return db.embeddings.kinds(entry_id)


# search


@pytest.mark.fault(10, 11)
def test_hybrid(cli: CommandLine) -> None:
    """Words and meaning together: scores of both, the best first, in 0 to 1; every hit says how it was found."""
    both = add(cli, "walrus at sea", "--content", "it swims")
    meant = add(cli, "at sea it swims")
    add(cli, "nothing of it")
    answer = cli.json("search", "walrus at sea")
    assert answer["search_mode"] == "hybrid"
    hits = answer["results"]
    assert [hit["id"] for hit in hits[:2]] == [both, meant]
    scores = [hit["relevance_score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert 1 > hits[0]["semantic_score"] > hits[1]["semantic_score"] > 0
    assert [hit["matched"] for hit in hits[:2]] == ["entry", "some"]
    assert answer["total_count"] == len(hits)


def test_what_words_do_not_find(cli: CommandLine) -> None:
    """A hit by meaning alone says so, and is not counted as an access; a hit by words is, once."""
    meant = add(cli, "the swimming of the sea-lion")
    by_words = add(cli, "the walrus")
    found = {hit["id"]: hit for hit in cli.json("search", '"the walrus"')["results"]}
    assert found[by_words]["matched"] == "entry"
    assert (found[meant]["matched"], found[meant]["links"]) == ("meaning", {"outgoing": [], "incoming": []})
    assert (count_accesses(by_words), count_accesses(meant)) == (1, 0)


def test_semantic_only(cli: CommandLine) -> None:
    """By meaning alone, the most similar first; nothing is counted; what is like nothing of it is not there."""
    near, far = add(cli, "walrus at sea"), add(cli, "walrus in a zoo with a keeper")
    add(cli, "proxy")
    answer = cli.json("search", "the walrus at sea", "--semantic-only")
    assert answer["search_mode"] == "semantic"
    assert [hit["id"] for hit in answer["results"]] == [near, far]
    for hit in answer["results"]:
        assert hit["relevance_score"] == hit["semantic_score"]
        assert hit["matched"] == "meaning"
    assert (count_accesses(near), count_accesses(far)) == (0, 0)


@pytest.mark.parametrize("options", [(), ("--semantic-only",)])
def test_filters_and_limit(options: tuple[str, ...], cli: CommandLine) -> None:
    """Type, project and memory type narrow a search by meaning before it is cut; obsolete entries are not found."""
    ids = [add(cli, f"walrus {number}", "-p", f"p{number % 2}") for number in range(6)]
    cli.ok("deprecate", ids[0])

    def found(*more: str) -> set[str]:
        return {hit["id"] for hit in cli.json("search", "walrus", *options, *more)["results"]}

    assert found() == set(ids[1:])
    assert found("-p", "p0") == {ids[2], ids[4]}
    assert len(found("-p", "p1", "-l", "2")) == 2
    assert found("-t", "pattern") == set()
    assert found("-m", "semantic") == set()
    assert (len(found("-l", "-1")), len(found("-l", "0"))) == (5, 0)


def test_context_of_a_search(cli: CommandLine) -> None:
    """What one is working on is part of what is meant."""
    zoo, sea = add(cli, "walrus: zoo keeper"), add(cli, "walrus: sea ice")
    for context, first in (("zoo keeper", zoo), ("sea ice", sea)):
        for options in ((), ("--semantic-only",)):
            answer = cli.json("search", "walrus", "--context", context, *options)
            assert answer["results"][0]["id"] == first, (context, options)


@pytest.mark.parametrize("query", ["", " ", "C++ user-id", '"', "what is this?"])
def test_any_text_is_answered(query: str, cli: CommandLine) -> None:
    """Whatever is typed, in both modes."""
    add(cli, "walrus")
    assert cli.json("search", query)["search_mode"] == "hybrid"
    assert cli.json("search", query, "--semantic-only")["search_mode"] == "semantic"


@pytest.mark.fault(12)
def test_a_new_and_a_changed_vector_are_found_at_once(cli: CommandLine) -> None:
    """Nothing of an earlier search is kept."""
    old = add(cli, "proxy")
    assert [hit["id"] for hit in cli.json("search", "walrus", "--semantic-only")["results"]] == []
    new = add(cli, "walrus")
    cli.ok("edit", old, "--title", "walrus at sea")
    assert [hit["id"] for hit in cli.json("search", "walrus", "--semantic-only")["results"]] == [new, old]


def test_rows_in_a_pipe(cli: CommandLine) -> None:
    """The similarity follows the title; without one the rows are as ever."""
    add(cli, "walrus")
    assert cli.ok("search", "walrus").splitlines()[0].endswith("\twalrus\tsemantic 100%")
    meaning.configure(enabled=False)
    assert cli.ok("search", "walrus").splitlines()[0].endswith("\twalrus")


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals of POSIX")
def test_the_table_in_a_terminal(cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column of similarities, only when there are some, in 80 columns."""
    add(cli, "walrus at sea")
    for name, value in meaning.installed_embedder(tmp_path).items():
        monkeypatch.setenv(name, value)
    _, screen = run_in_terminal(["search", "walrus"])
    assert "Semantic" in screen
    assert "58%" in screen
    assert max(map(len, screen.splitlines())) <= 80
    meaning.configure(enabled=False)
    assert "Semantic" not in run_in_terminal(["search", "walrus"])[1]


# what stands in the way


def _mismatched(cli: CommandLine, model: str, dimensions: int) -> None:
    add(cli, "walrus")
    meaning.configure(model, dimensions)


@pytest.mark.parametrize(("model", "dimensions"), [("other-model", 384), (MODEL, 128)])
def test_vectors_of_another_model_or_length(model: str, dimensions: int, cli: CommandLine) -> None:
    """One line and results by words; by meaning alone it fails with how to embed anew, and then works."""
    _mismatched(cli, model, dimensions)
    with registered(model):
        answer, line = told(cli, "search", "walrus")
        assert answer["search_mode"] == "fts"
        assert [hit["semantic_score"] for hit in answer["results"]] == [None]
        assert (f"{MODEL} (384 numbers)" in line, "run 'rekall embeddings --migrate'" in line) == (True, True)
        assert cli.fails("search", "walrus", "--semantic-only") == line
        assert cli.ok("embeddings", "--migrate") == "Embedded 1 entry.\n"
        assert cli.json("search", "walrus", "--semantic-only")["total_count"] == 1
        assert cli.json("search", "walrus")["search_mode"] == "hybrid"


def test_part_of_the_base_has_vectors_of_another_model(cli: CommandLine) -> None:
    """While some entries could never be found by meaning, none is searched so."""
    _mismatched(cli, "other-model", 384)
    with registered("other-model"):
        add(cli, "walrus again")
        answer, line = told(cli, "search", "walrus")
        assert (answer["search_mode"], answer["total_count"]) == ("fts", 2)
        assert line.startswith("1 of 2 entries have vectors of")


def test_no_vectors_yet(cli: CommandLine) -> None:
    """A base from before says how to begin; by meaning alone is an error."""
    meaning.configure(enabled=False)
    add(cli, "walrus")
    meaning.configure()
    answer, line = told(cli, "search", "walrus")
    assert (answer["search_mode"], answer["total_count"]) == ("fts", 1)
    assert line == f"no entry has a vector of {MODEL} yet: run 'rekall embeddings --migrate'"
    assert cli.fails("search", "walrus", "--semantic-only") == line


def test_some_entries_without_vectors(cli: CommandLine) -> None:
    """It is searched by meaning, and told that some were not found so."""
    meaning.configure(enabled=False)
    add(cli, "walrus")
    meaning.configure()
    add(cli, "walrus too")
    for options, mode in (((), "hybrid"), (("--semantic-only",), "semantic")):
        answer, line = told(cli, "search", "walrus", *options)
        assert (answer["search_mode"], line) == (mode, NO_VECTOR)
    assert cli.ok("embeddings", "--migrate") == "Embedded 1 entry.\n"
    assert cli.json("search", "walrus", "--semantic-only")["total_count"] == 2


def test_switched_off(cli: CommandLine) -> None:
    """By words, without a word; by meaning alone names the setting and the file."""
    add(cli, "walrus")
    meaning.configure(enabled=False)
    assert cli.json("search", "walrus", "--context", "sea")["search_mode"] == "fts"
    line = cli.fails("search", "walrus", "--semantic-only")
    assert f"set enabled = true under [smart_embeddings] in {load_config().config_dir / 'config.toml'}" in line
    assert "rekall embeddings --migrate" in line


def test_a_model_that_is_not_here(cli: CommandLine) -> None:
    """Results by words and one line with what to run; by meaning alone fails with it."""
    add(cli, "walrus")
    meaning.configure("all-MiniLM-L6-v2")
    answer, line = told(cli, "search", "walrus")
    assert (answer["search_mode"], answer["total_count"]) == ("fts", 1)
    assert "rekall embeddings --download" in line
    assert cli.fails("search", "walrus", "--semantic-only") == line


def test_a_setting_that_is_wrong(cli: CommandLine) -> None:
    """Length of vectors that no base holds: by words, and the line names the setting."""
    add(cli, "walrus")
    meaning.configure(dimensions=100)
    answer, line = told(cli, "search", "walrus")
    assert (answer["search_mode"], answer["total_count"]) == ("fts", 1)
    assert "smart_embeddings.dimensions is 100" in line


def test_a_similarity_that_is_no_number(cli: CommandLine) -> None:
    """Every command that would use it says so and does what it can."""
    one = add(cli, "walrus")
    file = Path(os.environ["REKALL_HOME"]) / "config.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("= 0.75", '= "high"'), encoding="utf-8")
    config.reset_config()
    embeddings.reset_embedding_service()
    problem = "smart_embeddings.similarity_threshold is 'high': set it to a number from 0 to 1"
    for args, status in ((("search", "walrus"), 0), (("similar", one), 0), (("suggest", "--refresh"), 1)):
        result = cli(*args)
        assert result.exit_code == status
        assert result.stderr.splitlines()[-1].endswith(problem)


def test_a_vector_that_is_a_text(cli: CommandLine) -> None:
    """As another program may have stored it, as long as a vector: the entry is one without."""
    one = add(cli, "walrus at the sea")
    add(cli, "walrus at sea")
    base = load_config().db_path
    raw.write(base, f"UPDATE embeddings SET vector = substr(hex(zeroblob(768)), 1, 1536) WHERE entry_id = '{one}'")
    answer, line = told(cli, "search", "walrus")
    assert (answer["search_mode"], line) == (
        "hybrid",
        "1 of 2 entries have no vector: run 'rekall embeddings --migrate'",
    )
    assert told(cli, "similar", one)[0]["compared_by"] == "words"
    assert cli("suggest", "--refresh").exit_code == 0
    with Database(base) as db:
        found = db.get_all_vectors_batch()
    assert found is not None
    assert one not in found[0]
    assert cli.ok("embeddings", "--migrate") == "Embedded 1 entry.\n"


def test_an_obsolete_entry_without_a_vector(cli: CommandLine) -> None:
    """Nothing is proposed that would not help: obsolete entries are not embedded."""
    other, one = add(cli, "walrus at sea"), add(cli, "walrus")
    cli.ok("deprecate", one)
    with Database(load_config().db_path) as db:
        db.delete_embedding(one)
    answer, line = told(cli, "similar", one)
    assert line == f"compared by words: {one} is obsolete and has no vector"
    assert [hit["id"] for hit in answer["results"]] == [other]


def test_a_model_that_fails(cli: CommandLine, tmp_path: Path) -> None:
    """Found by words all the same; by meaning alone is one line."""
    add(cli, "walrus")
    environment = meaning.installed_embedder(tmp_path, "support.meaning:failing")
    run = run_program("search", "walrus", "--json", environment=environment)
    assert (run.returncode, json.loads(run.stdout)["search_mode"]) == (0, "fts")
    line = f"the model {MODEL} failed (RuntimeError: out of memory)"
    assert one_error_line(run.stderr.decode()) == line
    run = run_program("search", "walrus", "--semantic-only", environment=environment)
    assert (run.returncode, one_error_line(run.stderr.decode())) == (1, line)


def test_switched_off_nothing_is_loaded(cli: CommandLine) -> None:
    """A search, an entry added and compared: neither numpy nor any code of embeddings."""
    add(cli, "walrus")
    meaning.configure(enabled=False)
    code = (
        "import sys\nfrom rekall.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name == 'numpy' or name.startswith('rekall.embeddings')])"
    )
    for args in (("search", "walrus"), ("add", "bug", "seal"), ("similar", "walrus"), ("browse",)):
        program = code.replace("main(sys.argv[1:])", f"sys.argv[1:] = {list(args)!r}; main()")
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
        assert done.stdout.splitlines()[-1] == "[]", args


# similar


def test_similar_by_vectors(cli: CommandLine) -> None:
    """Of an entry: as similar as the threshold says, without words in common beside it; nothing is counted."""
    one, near = add(cli, "walrus at the sea"), add(cli, "walrus at sea")
    add(cli, "walrus in a zoo with a keeper and his brushes")
    answer = cli.json("similar", one)
    assert (answer["compared_by"], answer["entry_id"]) == ("vectors", one)
    (found,) = answer["results"]
    assert (found["id"], found["shared_words"]) == (near, [])
    assert found["similarity"] == pytest.approx(0.866, abs=0.001)
    assert cli.ok("similar", one) == f"{near}\t87%\tbug\twalrus at sea\n"
    assert count_accesses(near) == 0
    assert cli.ok("similar", add(cli, "proxy")).startswith("No other entry has a vector as similar as that of 01")


def test_similar_needs_no_model_for_an_entry(cli: CommandLine) -> None:
    """Vectors that are stored are compared without computing one; a text is compared by words then, and it says so."""
    one, near = add(cli, "walrus at the sea"), add(cli, "walrus at sea")
    run = run_program("similar", one, "--json")  # a process that does not know the model
    assert (run.returncode, run.stderr) == (0, b"")
    answer = json.loads(run.stdout)
    assert (answer["compared_by"], [hit["id"] for hit in answer["results"]]) == ("vectors", [near])
    run = run_program("similar", "walrus", "--json")
    assert json.loads(run.stdout)["compared_by"] == "words"
    assert one_error_line(run.stderr.decode()).startswith("compared by words: the embedding model")


def test_similar_to_a_text_by_vectors(cli: CommandLine) -> None:
    """The most similar first."""
    far, near = add(cli, "walrus in a zoo"), add(cli, "walrus at sea")
    answer = cli.json("similar", "the walrus at sea")
    assert (answer["compared_by"], answer["entry_id"]) == ("vectors", None)
    assert [hit["id"] for hit in answer["results"]] == [near, far]


def test_similar_by_words(cli: CommandLine) -> None:
    """Without current vectors, with one line when the user wants them; without a word when not."""
    meaning.configure(enabled=False)
    one, other = add(cli, "walrus at sea"), add(cli, "walrus")
    assert cli.json("similar", one)["compared_by"] == "words"
    meaning.configure()
    answer, line = told(cli, "similar", one)
    assert (answer["compared_by"], answer["results"][0]["shared_words"]) == ("words", ["walrus"])
    assert line.startswith("compared by words: no entry has a vector")
    cli.ok("edit", other, "--title", "walrus")  # the same: nothing is embedded
    cli.ok("edit", other, "--title", "walrus too")
    answer, line = told(cli, "similar", one)
    assert (answer["compared_by"], line) == (
        "words",
        f"compared by words: {one} has no vector: run 'rekall embeddings --migrate'",
    )


# what is stored gets its vectors


def test_add_edit_and_generalize_store_vectors(cli: CommandLine) -> None:
    """Of the summary, and of the context where there is one; an edit makes them anew."""
    plain, with_context = add(cli, "walrus"), cli.add("seal")
    assert vectors_of(plain) == [("summary", MODEL, 384)]
    assert sorted(vectors_of(with_context)) == [("context", MODEL, 384), ("summary", MODEL, 384)]
    cli.ok("edit", plain, "--add-tag", "sea")
    assert cli.json("embeddings")["to_embed"] == 0
    made = cli.json("generalize", plain, with_context, "--yes")["entry"]["id"]
    assert vectors_of(made) == [("summary", MODEL, 384)]
    assert cli.json("show", plain)["embeddings"] == [{"type": "summary", "model": MODEL, "dimensions": 384}]
    assert f"Embeddings: summary ({MODEL}, 384 numbers)" in cli.ok("show", plain)
    meaning.configure(enabled=False)
    without = add(cli, "proxy")
    assert vectors_of(without) == []
    assert "Embeddings" not in cli.ok("show", without)


@pytest.mark.parametrize("factory", ["support.meaning:failing", "support.meaning:missing", "support.embedders:nobody"])
def test_a_model_that_fails_loses_no_entry(factory: str, cli: CommandLine, tmp_path: Path) -> None:
    """It is stored and told, with one warning; so is a change and a generalization."""
    environment = meaning.installed_embedder(tmp_path, factory)

    def run(*args: str) -> str:
        done = run_program(*args, environment=environment)
        assert done.returncode == 0, done.stderr
        line = one_error_line(done.stderr.decode())
        assert line.startswith("warning: it is stored, but cannot be found by meaning: ")
        return done.stdout.decode()

    entry_id = run("add", "bug", "walrus").split()[1]
    other = json.loads(run("add", "bug", "seal", "--json"))["id"]
    assert run("edit", entry_id, "--title", "walrus at sea") == f"Changed {entry_id}: title\n"
    assert "derived from 2 entries" in run("generalize", entry_id, other, "--yes")
    assert vectors_of(entry_id) == []
    assert {entry["title"] for entry in cli.json("browse")["results"]} >= {"walrus at sea", "seal"}


# suggestions


def test_suggestions_out_of_vectors(cli: CommandLine) -> None:
    """Links of very similar entries, a generalization of three; the best first, stored once, decided ones do not come
    again."""
    one, two = add(cli, "walrus at the sea"), add(cli, "walrus at sea")
    group = [add(cli, f"the proxy drops the export of the rows {number}") for number in range(3)]
    answer = cli.json("suggest", "--refresh")
    assert answer["new"] == answer["total_count"] == 2
    generalize, link = answer["suggestions"]
    assert (generalize["type"], [entry["id"] for entry in generalize["entries"]]) == ("generalize", group)
    assert (link["type"], {entry["id"] for entry in link["entries"]}) == ("link", {one, two})
    assert link["score"] == pytest.approx(0.866, abs=0.001)
    assert cli.json("suggest", "--refresh")["new"] == 0
    cli.ok("suggest", "--accept", link["id"])
    cli.ok("suggest", "--reject", generalize["id"])
    again = cli.json("suggest", "--refresh")["suggestions"]
    # the group was refused, so its pairs may be linked
    assert {one["type"] for one in again} == {"link"}
    assert {entry["id"] for one in again for entry in one["entries"]} == set(group)
    result = cli("suggest", "--refresh")
    assert (result.exit_code, one_error_line(result.stderr)) == (0, "found 0 new suggestions")
    assert len(result.stdout.splitlines()) == 3


def test_what_is_generalized_is_not_suggested(cli: CommandLine) -> None:
    """An entry that is derived from all of them is there; nor are pairs that are linked."""
    group = [add(cli, f"the proxy drops the export of the rows {number}") for number in range(3)]
    cli.ok("generalize", *group, "--title", "something else", "--yes")
    assert cli.json("suggest", "--refresh")["suggestions"] == []
    one, two = add(cli, "walrus at the sea"), add(cli, "walrus at sea")
    cli.ok("link", two, one)
    assert cli.json("suggest", "--refresh")["new"] == 0


def test_a_group_that_grew_waits_for_the_decision(cli: CommandLine) -> None:
    """What is pending is not proposed again in another size."""
    for number in range(3):
        add(cli, f"the proxy drops the export of the rows {number}")
    assert cli.json("suggest", "--refresh")["new"] == 1
    add(cli, "the proxy drops the export of the rows 3")
    assert cli.json("suggest", "--refresh")["new"] == 0


def test_suggestions_need_vectors(cli: CommandLine) -> None:
    """What to do is said where there are none, or they are switched off; deciding and looking are two things."""
    meaning.configure(enabled=False)
    add(cli, "walrus")
    assert "set enabled = true" in cli.fails("suggest", "--refresh")
    meaning.configure()
    assert "run 'rekall embeddings --migrate'" in cli.fails("suggest", "--refresh")
    assert "--refresh" in cli.fails("suggest", "--refresh", "--accept", "01", status=2)


# doctor


def _vectors_check(cli: CommandLine) -> dict[str, str] | None:
    checks: list[dict[str, str]] = cli.json("doctor")["checks"]
    return next((check for check in checks if check["name"] == "vectors"), None)


def test_doctor(cli: CommandLine) -> None:
    """A check of the vectors where they are wanted: sound, of another model, without the model, and switched off."""
    assert _vectors_check(cli) == {"name": "vectors", "status": "ok", "detail": f"{MODEL} can be used", "mend": ""}
    add(cli, "walrus")
    check = _vectors_check(cli)
    assert check is not None
    assert (check["status"], check["detail"]) == ("ok", f"entries with one of {MODEL} (384 numbers): 1")
    meaning.configure(dimensions=128)
    check = _vectors_check(cli)
    assert check is not None
    assert (check["status"], check["mend"]) == ("warning", "run 'rekall embeddings --migrate'")
    meaning.configure("all-MiniLM-L6-v2")
    check = _vectors_check(cli)
    assert check is not None
    assert (check["status"], "rekall embeddings --download" in check["mend"]) == ("warning", True)
    meaning.configure(enabled=False)
    assert _vectors_check(cli) is None


def test_an_embedder_of_ones_own_is_registered(cli: CommandLine) -> None:
    """A program that embeds with its own code finds what the command line stored, and the reverse."""
    entry_id = add(cli, "walrus")
    register_embedder(MODEL, meaning.failing)
    embeddings.reset_embedding_service()
    answer, line = told(cli, "search", "walrus")
    assert (answer["results"][0]["id"], line) == (entry_id, f"the model {MODEL} failed (RuntimeError: out of memory)")


def test_an_embedder_whose_length_is_not_the_configured_one(cli: CommandLine) -> None:
    """Every command goes by the length that the embedder has."""
    meaning.configure(dimensions=128)
    register_embedder(MODEL, lambda settings: WordCounts(settings.smart_embeddings_model))
    embeddings.reset_embedding_service()
    add(cli, "walrus")
    assert cli.json("search", "walrus")["search_mode"] == "hybrid"
    assert cli.json("embeddings")["entries"]["current"] == 1
    check = _vectors_check(cli)
    assert check is not None
    assert (check["status"], check["detail"]) == ("ok", f"entries with one of {MODEL} (384 numbers): 1")


# the page for users


@pytest.mark.skipif(os.name == "nt", reason="a page for a shell of POSIX")
def test_what_the_user_page_says_works(cli: CommandLine, tmp_path: Path) -> None:
    """Its commands in their order, on a base from before; only pip and the model are others."""
    page = (Path(__file__).parents[2] / "docs" / "user.md").read_text(encoding="utf-8")
    commands = page.partition("## By meaning\n")[2].partition("```sh\n")[2].partition("```")[0]
    assert commands.count("\n") > 5
    meaning.configure(enabled=False)
    entry_id = add(cli, "login loses the session in Safari")
    meaning.configure("all-MiniLM-L6-v2")
    environment = meaning.installed_embedder(tmp_path, "support.meaning:downloaded", "all-MiniLM-L6-v2")
    rekall = f'rekall() {{ "{sys.executable}" -m rekall "$@"; }}\npip() {{ :; }}\n'
    script = f"set -e\n{rekall}{commands.replace('ID', entry_id)}"
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Embedded 1 entry." in done.stdout.splitlines()
    assert sum(line.startswith(entry_id) and "semantic" in line for line in done.stdout.splitlines()) == 2
    assert done.stderr == "rekall: found 0 new suggestions\n"


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C of POSIX")
def test_ctrl_c_after_an_entry_was_stored(tmp_path: Path) -> None:
    """Whoever does not want to wait for the model has been told that the entry is there."""
    signal_file = tmp_path / "stuck"
    environment = meaning.installed_embedder(tmp_path, "support.meaning:stuck")
    environment |= {"REKALL_TEST_BATCHES": "0", "REKALL_TEST_STUCK": str(signal_file)}
    process = subprocess.Popen(
        [sys.executable, "-m", "rekall", "add", "bug", "walrus"],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not signal_file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "rekall: interrupted\n")
    entry_id = output.split()[1]
    assert output == f"Added {entry_id} bug: walrus\n"
    assert vectors_of(entry_id) == []
