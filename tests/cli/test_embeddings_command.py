"""`rekall embeddings`: what vectors there are, and making those that are missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support import fake_sentence_transformers as fake
from support import meaning
from support.command_line import CommandLine, one_error_line, run_in_terminal, run_program
from support.embedders import MODEL, registered

from rekall import embeddings
from rekall.capture import new_entry
from rekall.config import load_config
from rekall.db import Database
from rekall.models import Embedding


@pytest.fixture(autouse=True)
def _model() -> Iterator[None]:
    """An embedder is known, the user has not switched it on, and no entry needs a context."""
    meaning.configure(enabled=False)
    with registered():
        yield
    embeddings.reset_embedding_service()


def store(number: int) -> list[str]:
    """Entries without vectors; their ids."""
    CommandLine().ok("init")  # on any back end the file is closed to others
    entries = [new_entry("bug", f"walrus number {one}") for one in range(number)]
    with Database(load_config().db_path) as db:
        for entry in entries:
            db.add(entry)
    return [entry.id for entry in entries]


def embed(entry_id: str, model: str = MODEL, dimensions: int = 384) -> None:
    """A vector as another program may have stored it."""
    with Database(load_config().db_path) as db:
        db.add_embedding(Embedding.from_numpy(entry_id, "summary", np.ones(dimensions, dtype=np.float32), model))


def vectors() -> int:
    with Database(load_config().db_path) as db:
        return db.embeddings.count_embeddings()


def test_status(cli: CommandLine) -> None:
    """Model, whether it can be used, and how many active entries have which vectors, as rows and as JSON."""
    ids = store(6)
    for entry_id in ids[:2]:
        embed(entry_id)
    embed(ids[2], "other-model")
    embed(ids[3], MODEL, 128)
    embed(ids[5])
    cli.ok("edit", ids[1], "--title", "walrus changed")
    cli.ok("deprecate", ids[5])
    answer = cli.json("embeddings")
    assert answer == {
        "model": MODEL,
        "dimensions": 384,
        "enabled": False,
        "available": True,
        "problem": None,
        "entries": {"active": 5, "current": 1, "outdated": 1, "of_other_models": 2, "without": 1},
        "other_models": [
            {"model": "other-model", "dimensions": 384, "entries": 1},
            {"model": MODEL, "dimensions": 128, "entries": 1},
        ],
        "to_embed": 4,
    }
    rows = dict(line.split("\t") for line in cli.ok("embeddings").splitlines())
    assert rows == dict(line.split("\t") for line in cli.ok("embeddings", "--status").splitlines())
    assert rows["Model"] == f"{MODEL}, 384 numbers"
    assert (rows["Available"], rows["Entries"], rows["Enabled"][:3]) == ("yes", "5 active", "no:")
    assert [rows[name].split()[0].rstrip(":") for name in ("Current", "Outdated", "Without", "To embed")] == [
        *("1", "1", "1", "4"),
    ]
    assert rows["Other"] == f"1 of other-model, 384 numbers; 1 of {MODEL}, 128 numbers"


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals of POSIX")
def test_status_in_a_terminal() -> None:
    """Long lines are broken between words, and nothing is cut."""
    meaning.configure("all-MiniLM-L6-v2")
    store(1)
    status, screen = run_in_terminal(["embeddings"])
    assert (status, max(map(len, screen.splitlines())) <= 80) == (0, True)
    assert "no: the embedding model all-MiniLM-L6-v2 is not on this machine" in " ".join(screen.split())
    assert "1 without a vector" in screen


def test_the_name_of_a_model_is_normalised(cli: CommandLine) -> None:
    """0.3 stored one full name whatever was configured: it is the same model."""
    (entry_id,) = store(1)
    embed(entry_id, f"sentence-transformers/{MODEL}")
    assert cli.json("embeddings")["entries"]["current"] == 1
    meaning.configure(f"sentence-transformers/{MODEL}", enabled=False)
    answer = cli.json("embeddings")
    assert (answer["model"], answer["entries"]["current"]) == (MODEL, 1)


def test_migrate(cli: CommandLine) -> None:
    """What is missing, outdated or of another model gets its vector, what is current is left alone; then it is done."""
    meaning.configure()
    ids = store(4)
    embed(ids[0])
    embed(ids[1], "other-model", 768)
    assert cli.ok("embeddings", "--migrate") == "Embedded 3 entries.\n"
    assert cli.json("embeddings")["entries"] == {
        "active": 4,
        "current": 4,
        "outdated": 0,
        "of_other_models": 0,
        "without": 0,
    }
    assert vectors() == 4
    assert cli.ok("embeddings", "--migrate") == "Nothing to embed: every active entry has its vectors.\n"


def test_limit(cli: CommandLine) -> None:
    """100 entries at once, as in 0.3; another number; a negative one is no limit; what is left is told."""
    meaning.configure()
    store(145)
    assert cli.json("embeddings", "--migrate")["left"] == 45
    assert cli.ok("embeddings", "--migrate", "-l", "3") == (
        "Embedded 3 entries, 42 left: 'rekall embeddings --migrate' goes on, --limit -1 to the end.\n"
    )
    assert cli.ok("embeddings", "--migrate", "-l", "0").startswith("Embedded 0 entries, 42 left")
    answer = cli.json("embeddings", "--migrate", "--limit", "-1")
    assert (answer["embedded"], answer["left"], answer["entries"]["current"]) == (42, 0, 145)


def test_contexts_are_embedded_too(cli: CommandLine) -> None:
    """An entry with a context has a vector of each."""
    meaning.configure(enabled=False)
    cli.add("Walrus")
    assert cli("embeddings", "--migrate").exit_code == 0
    assert vectors() == 2


def test_vectors_that_no_search_uses_yet(cli: CommandLine) -> None:
    """Whoever embeds before switching searches by meaning on is told how to."""
    store(1)
    result = cli("embeddings", "--migrate")
    assert (result.exit_code, result.stdout) == (0, "Embedded 1 entry.\n")
    assert "set enabled = true under [smart_embeddings] in" in one_error_line(result.stderr)


def test_a_model_that_is_not_here(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status says what to run; migrate and download fail with it."""
    meaning.configure("all-MiniLM-L6-v2")
    store(1)
    for name in ("sentence_transformers", "tokenizers"):
        monkeypatch.setitem(sys.modules, name, None)
    answer = cli.json("embeddings")
    assert not answer["available"]
    assert "pip install" in answer["problem"]
    assert cli.ok("embeddings").splitlines()[1] == f"Available\tno: {answer['problem']}"
    assert cli.fails("embeddings", "--migrate") == answer["problem"]
    assert "pip install" in cli.fails("embeddings", "--download")


def test_nothing_to_download(cli: CommandLine) -> None:
    """An embedder of one's own need not have a model that is downloaded."""
    assert MODEL in cli.fails("embeddings", "--download")


def test_dimensions_that_no_base_can_hold(cli: CommandLine) -> None:
    """One line that names the setting."""
    meaning.configure(dimensions=100)
    assert "smart_embeddings.dimensions is 100" in cli.fails("embeddings")


def test_no_base_yet(cli: CommandLine, home: Path) -> None:
    """Looking creates none."""
    assert "no base yet" in cli.fails("embeddings")
    assert not (home / "knowledge.db").exists()


def test_a_model_that_fails(cli: CommandLine, tmp_path: Path) -> None:
    """Whatever its code raises is one line, and nothing is stored."""
    store(2)
    environment = meaning.installed_embedder(tmp_path, "support.meaning:failing")
    run = run_program("embeddings", "--migrate", environment=environment)
    assert (run.returncode, run.stdout) == (1, b"")
    assert one_error_line(run.stderr.decode()) == f"the model {MODEL} failed (RuntimeError: out of memory)"
    assert vectors() == 0


def test_without_numpy(cli: CommandLine, tmp_path: Path) -> None:
    """Status, migrate and search by meaning say what to install; a plain search goes on by words."""
    meaning.configure()
    store(1)
    environment = meaning.installed_embedder(tmp_path, "support.numberless:from_config")

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        code = "import sys; sys.modules['numpy'] = None\nimport runpy; runpy.run_module('rekall', run_name='__main__')"
        command = [sys.executable, "-c", code, *args]
        return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)

    problem = "vectors need numpy, which is not installed: run 'pip install numpy'"
    assert json.loads(run("embeddings", "--json").stdout)["problem"] == problem
    assert "pip install numpy" in one_error_line(run("embeddings", "--migrate").stderr)
    assert one_error_line(run("search", "walrus", "--semantic-only").stderr) == problem
    plain = run("search", "walrus")
    assert (plain.returncode, one_error_line(plain.stderr)) == (0, problem)
    assert "walrus number 0" in plain.stdout


# interrupted


def _started(tmp_path: Path, batches: int) -> subprocess.Popen[bytes]:
    """A migration that stands still after some batches of 32."""
    environment = meaning.installed_embedder(tmp_path, "support.meaning:stuck")
    signal_file = tmp_path / "stuck"
    environment |= {"REKALL_TEST_BATCHES": str(batches), "REKALL_TEST_STUCK": str(signal_file)}
    process = subprocess.Popen(
        [sys.executable, "-m", "rekall", "embeddings", "--migrate", "--limit", "-1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    deadline = time.monotonic() + 60
    while not signal_file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_a_killed_migration_goes_on(batches: int, cli: CommandLine, tmp_path: Path) -> None:
    """kill -9 keeps every batch that was stored, each whole; the next run does the rest, and nothing twice."""
    meaning.configure()
    store(100)
    process = _started(tmp_path, batches)
    process.kill()
    process.communicate(timeout=30)
    assert vectors() == 32 * batches
    answer = cli.json("embeddings", "--migrate", "--limit", "-1")
    assert (answer["embedded"], answer["left"]) == (100 - 32 * batches, 0)
    assert vectors() == 100
    assert cli.json("doctor")["ok"]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C of POSIX")
def test_ctrl_c(cli: CommandLine, tmp_path: Path) -> None:
    """It tells what is kept, what is left and what goes on, and ends with 130."""
    store(40)
    process = _started(tmp_path, 1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, b"")
    assert errors.decode().splitlines() == [
        "rekall: 32 entries embedded and kept, 8 left: 'rekall embeddings --migrate' goes on",
        "rekall: interrupted",
    ]
    assert vectors() == 32


def test_a_bar_in_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long work shows how far it is; what stands there in the end is the result."""
    store(96)
    for name, value in meaning.installed_embedder(tmp_path, "support.meaning:slow").items():
        monkeypatch.setenv(name, value)
    status, screen = run_in_terminal(["embeddings", "--migrate"])
    assert status == 0
    assert "Embedding entries" in screen
    assert "64/96" in screen
    assert "Embedded 96 entries." in screen


def test_nothing_goes_to_the_network(tmp_path: Path) -> None:
    """No socket is made by adding, migrating, searching by meaning or comparing."""
    meaning.configure()
    store(2)
    environment = meaning.installed_embedder(tmp_path)
    code = (
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event.startswith('socket.'):\n"
        "        raise SystemExit(f'{event} {arguments}')\n"
        "sys.addaudithook(hook)\n"
        "import runpy; runpy.run_module('rekall', run_name='__main__')"
    )
    for args in (
        ("embeddings", "--migrate"),
        ("add", "bug", "walrus at the proxy"),
        ("search", "walrus"),
        ("search", "walrus", "--semantic-only"),
        ("similar", "walrus"),
        ("suggest", "--refresh"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, (args, done.stderr)


def test_only_a_download_may_use_the_network(tmp_path: Path) -> None:
    """With a package that has the calls of sentence-transformers: all else takes the model from this machine."""
    meaning.configure("all-MiniLM-L6-v2")
    store(1)
    log = fake.install(tmp_path / "site")
    environment = {"PYTHONPATH": str(tmp_path / "site"), "HF_HOME": "", "HF_HUB_CACHE": ""}

    def run(*args: str) -> str:
        done = run_program(*args, environment=environment)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()

    def asked() -> tuple[set[bool], set[str]]:
        notes = fake.notes(log)
        log.write_text("", encoding="utf-8")
        local = {note["local_files_only"] for note in notes if "loaded" in note}
        return local, {note["imported"]["HF_HUB_OFFLINE"] for note in notes if "imported" in note}

    problem = "the embedding model all-MiniLM-L6-v2 is not on this machine: run 'rekall embeddings --download'"
    assert f"Available\tno: {problem}" in run("embeddings").splitlines()
    failed = run_program("embeddings", "--migrate", environment=environment)
    assert (failed.returncode, one_error_line(failed.stderr.decode())) == (1, problem)
    assert not log.exists()
    assert run("embeddings", "--download") == "The model all-MiniLM-L6-v2 is on this machine.\n"
    assert asked() == ({False}, {"0"})
    fake.keep_model(Path.home(), "all-MiniLM-L6-v2")
    assert run("embeddings", "--migrate") == "Embedded 1 entry.\n"
    assert run("add", "bug", "walrus of the model").startswith("Added")
    assert json.loads(run("search", "walrus", "--json"))["search_mode"] == "hybrid"
    assert json.loads(run("search", "walrus", "--semantic-only", "--json"))["search_mode"] == "semantic"
    assert asked() == ({True}, {"1"})
    run("embeddings")
    run("doctor")
    run("suggest", "--json", "--refresh")
    assert asked() == (set(), set())  # what needs no new vector loads no model


@pytest.mark.parametrize(("given", "found"), [(None, "1"), ("3", "3")])
def test_one_thread_multiplies(given: str | None, found: str) -> None:
    """Unless the user says otherwise: more of them, on cores that others use too, wait for each other."""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    code = (
        "import atexit, os, sys; sys.argv = ['rekall', '--help']\n"
        "atexit.register(lambda: print(os.environ['OPENBLAS_NUM_THREADS']))\n"
        "from rekall.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment if given is None else {**environment, "OPENBLAS_NUM_THREADS": given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == found
