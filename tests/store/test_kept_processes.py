"""Programs that search for long while others write: every answer after a write has it, whoever wrote and how."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import legacy, processes, raw, searchers
from support.chance import seeded
from support.command_line import run_program
from support.legacy import Legacy
from support.searchers import Searcher, answer, searching, uncached

from rekall.backup import create_backup
from rekall.db import Database
from rekall.models import Embedding, Entry, StructuredContext

LIMIT = 2 * searchers.ENTRIES


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base, made once."""
    return searchers.make(tmp_path_factory.mktemp("template") / "k.db")


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return legacy.base_schema(tmp_path_factory.mktemp("schema"))


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(template, tmp_path / "k.db"))


@pytest.fixture
def old(path: Path, schema: list[str]) -> Iterator[Legacy]:
    """0.3.0 with the base open."""
    opened = Legacy(path, schema)
    yield opened
    opened.close()


def ids(found: dict[str, Any]) -> list[str]:
    return [hit[0] for hit in found["hits"]]


def seen(found: dict[str, Any], entry_id: str) -> list[Any] | None:
    """Title, status, tags and kind of a hit, None when the entry is none."""
    return next((hit[1:5] for hit in found["hits"] if hit[0] == entry_id), None)


def run_sql(old: Legacy, *statements: str) -> None:
    for statement in statements:
        old.connection.execute(statement)
    old.connection.commit()


_FREE = "a free text with common common common in it"
_STRUCTURED = {"situation": "common walrus", "solution": "look again", "trigger_keywords": ["common"]}
WRITES_OF_0_3: dict[str, tuple[Callable[[Legacy], object], Callable[[dict[str, Any]], bool]]] = {
    "add": (
        lambda old: old.add("A", "common", "common", ["tag1", "tag2"]),
        lambda found: seen(found, "A") == ["common", "active", ["tag1", "tag2"], "entry"],
    ),
    "replace": (
        lambda old: run_sql(
            old,
            "DELETE FROM entries_fts WHERE id = 'E00001'",
            "REPLACE INTO entries(id, title, content, type, created_at, updated_at)"
            " SELECT id, 'another', content, type, created_at, updated_at FROM entries WHERE id = 'E00001'",
        ),
        lambda found: seen(found, "E00001") == ["another", "active", [], "entry"],
    ),
    "delete": (lambda old: old.delete("E00001"), lambda found: "E00001" not in ids(found)),
    "retitle": (
        lambda old: old.update("E00001", "common common", "nothing", []),
        lambda found: seen(found, "E00001") == ["common common", "active", [], "entry"],
    ),
    "no longer": (
        lambda old: old.update("E00001", "another", "nothing", []),
        lambda found: "E00001" not in ids(found),
    ),
    "retag": (
        lambda old: old.update("E00001", "title", "common", ["usual"]),
        lambda found: seen(found, "E00001") == ["title", "active", ["usual"], "entry"],
    ),
    "tags alone": (
        lambda old: run_sql(old, "DELETE FROM tags WHERE entry_id = 'E00001'"),
        lambda found: (seen(found, "E00001") or [])[2] == [],
    ),
    "status": (
        lambda old: run_sql(old, "UPDATE entries SET status = 'obsolete' WHERE id = 'E00001'"),
        lambda found: "E00001" not in ids(found),
    ),
    "type": (
        lambda old: run_sql(old, "UPDATE entries SET type = 'config' WHERE id = 'E00001'"),
        lambda found: "E00001" in ids(found),
    ),
    "project": (
        lambda old: run_sql(old, "UPDATE entries SET project = 'p0' WHERE id = 'E00001'"),
        lambda found: "E00001" in ids(found),
    ),
    "memory type": (
        lambda old: run_sql(old, "UPDATE entries SET memory_type = 'semantic' WHERE id = 'E00001'"),
        lambda found: "E00001" in ids(found),
    ),
    "free context": (lambda old: old.store_context("E00001", _FREE), lambda found: "E00001" in ids(found)),
    "structured context": (
        lambda old: old.store_structured_context("E00001", _STRUCTURED),
        lambda found: "E00001" in ids(found),
    ),
    "vacuum": (lambda old: old.maintain("vacuum"), lambda found: "E00001" in ids(found)),
}
QUERIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("common", {"limit": LIMIT}),
    ("common walrus", {"limit": 50}),
    ("third common w0 w1 w2", {"limit": 30, "here": "p0", "superseded": True}),
    ("common", {"limit": 40, "entry_type": "config"}),
    ("common", {"limit": 40, "project": "p0"}),
    ("common", {"limit": 40, "memory_type": "semantic"}),
)


@pytest.fixture(scope="module")
def searcher(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Searcher]]:
    """A process that keeps results of one base, which all writes of 0.3.0 are made to."""
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("searched") / "k.db"))
    with searching(path) as found:
        yield path, found


@pytest.mark.parametrize(("write", "is_seen"), WRITES_OF_0_3.values(), ids=WRITES_OF_0_3)
def test_what_0_3_writes_is_in_the_next_answer(
    write: Callable[[Legacy], object],
    is_seen: Callable[[dict[str, Any]], bool],
    searcher: tuple[Path, Searcher],
    template: Path,
    schema: list[str],
) -> None:
    """Each way of writing, on a raw connection; the answers are those of a command, to the last bit."""
    path, process = searcher
    with Database(template) as whole:  # as it was before the test before this one
        whole.store.session.backend.backup(path.with_name("fresh.db"))
    with sqlite3.connect(path.with_name("fresh.db")) as fresh, sqlite3.connect(path) as live:
        fresh.backup(live)
    fresh.close()
    live.close()
    path.with_name("fresh.db").unlink()
    for query, more in QUERIES:
        assert process.search(query, **more) == process.search(query, **more) == uncached(path, query, **more)
    old = Legacy(path, schema)
    write(old)
    old.close()
    for query, more in QUERIES:
        for _ in range(2):
            assert process.search(query, **more) == uncached(path, query, **more)
    assert is_seen(process.search("common", limit=LIMIT))


def test_commands_and_their_writes(path: Path, tmp_path: Path) -> None:
    """`rekall add`, `edit`, `delete`, `restore` and `doctor --rebuild`, each a process, while two others search."""
    path = path.rename(path.with_name("knowledge.db"))
    environment = {"REKALL_HOME": str(path.parent)}
    context = ("--context-json", json.dumps(_STRUCTURED), "--json")

    def rekall(*arguments: str) -> str:
        done = run_program(*arguments, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    saved = create_backup(path, tmp_path / "saved.db").path
    with searching(path) as one, searching(path, counting=True) as other:

        def both(query: str, **more: Any) -> dict[str, Any]:
            expected = uncached(path, query, **more)
            for process in (one, other, one, other):
                assert process.search(query, **more) == expected
            return expected

        before = both("common", limit=LIMIT)
        added = json.loads(rekall("add", "bug", "common walrus", *context))["id"]
        assert added in ids(both("common", limit=LIMIT))
        rekall("edit", added, "--title", "nothing of it")
        assert seen(both("common", limit=LIMIT), added) == ["nothing of it", "active", [], "context"]
        rekall("deprecate", "E00001")
        assert "E00001" not in ids(both("common", limit=LIMIT))
        rekall("delete", "E00002", "--yes")
        assert "E00002" not in ids(both("common", limit=LIMIT))
        stamps = "SELECT base, search FROM rekall_stamps"
        ((base, stamp),) = raw.rows(path, stamps)
        run_program("doctor", "--rebuild", environment=environment)  # its status is about the installation as well
        assert not {base, stamp} & set(raw.rows(path, stamps)[0])
        both("common", limit=LIMIT)
        rekall("restore", str(saved), "--yes")
        assert both("common", limit=LIMIT) == before
        added = json.loads(rekall("add", "bug", "common badger", *context))["id"]
        assert added in ids(both("common", limit=LIMIT))


def test_processes_that_share_a_cache(path: Path, old: Legacy, tmp_path: Path) -> None:
    """One fills it and the other uses it; what a third writes is seen by both, and neither gives an older result."""
    folder = tmp_path / "cache"
    folder.mkdir()
    with searching(path, cache=folder) as one, searching(path, cache=folder, counting=True) as other:
        for number in range(12):
            writer = (one, other)[number % 2]
            expected = uncached(path, "common", limit=LIMIT)
            assert writer.search("common", limit=LIMIT) == expected
            kept = len(list(folder.iterdir()))
            assert (one.search("common", limit=LIMIT), other.search("common", limit=LIMIT)) == (expected, expected)
            assert len(list(folder.iterdir())) == kept == number + 1
            if number % 3 == 0:
                old.add(f"N{number}", "common", "", [])
            elif number % 3 == 1:
                old.update(f"N{number - 1}", "common common", "", ["usual"])
            else:
                old.delete(f"N{number - 2}")


def _by_chance(number: int, old: Legacy, ours: Database, known: list[str]) -> None:
    """One random write, by 0.3.0 or by this process."""
    chance = seeded(number)
    words = " ".join(chance.sample(["common", "third", "w0", "w1", "rare", "walrus"], 3))
    key = chance.choice(known) if known else ""
    step = chance.choice(["add", "title", "delete", "status", "project", "type", "context", "free", "vector", "link"])
    if step == "add" or not key:
        known.append(f"N{number:04}")
        if number % 2:
            old.add(known[-1], words, words, ["walrus"])
        else:
            ours.add(Entry(known[-1], words, "bug", tags=["walrus"]))
    elif step == "title":
        old.update(key, words, "", ["walrus"]) if number % 2 else ours.entries.change(key, {"title": words})
    elif step == "delete":
        known.remove(key)
        (old if number % 2 else ours).delete(key)
    elif step == "context":
        structured = {**_STRUCTURED, "situation": words}
        if number % 2:
            old.store_structured_context(key, structured)
        else:
            ours.store_structured_context(key, StructuredContext(words, "look again", ["usual"]))
    elif step == "free":
        (old if number % 2 else ours).store_context(key, words)
    elif step == "vector":
        ours.add_embedding(Embedding.from_numpy(key, "summary", np.ones(128), "m"))
    elif step == "link":
        run_sql(
            old,
            f"INSERT OR REPLACE INTO links VALUES ('L{number}', 'E00000', '{key}', 'related', '{legacy.NOW}', NULL)",
        )
    else:
        value = {"status": "obsolete", "project": "p0", "type": "config"}[step]
        run_sql(old, f"UPDATE entries SET {step} = '{value}' WHERE id = '{key}'")


@pytest.mark.parametrize("counting", [False, True])
def test_whatever_is_written_every_answer_is_that_of_a_command(
    path: Path, old: Legacy, tmp_path: Path, counting: bool
) -> None:
    """Sixty random writes by two programs; after each, the process that keeps results answers as a fresh command."""
    known: list[str] = []
    folder = tmp_path / "cache"
    folder.mkdir()
    with searching(path, cache=folder, counting=counting) as process, Database(path) as ours:
        for number in range(60):
            _by_chance(1000 * counting + number, old, ours, known)
            for query, more in QUERIES[:3]:
                first = process.search(query, **more)
                assert first == process.search(query, **more) == uncached(path, query, **more), (number, query)
    assert any(folder.iterdir())


_WRITER = """
import sys
from pathlib import Path
from rekall.db import Database
from rekall.models import Entry
with Database(Path(sys.argv[1])) as db:
    for number in range(60):
        db.add(Entry(f"W{number:03}", "common written", "bug"))
        print(number, flush=True)
"""


def test_no_answer_lacks_what_was_acknowledged_before_it(path: Path) -> None:
    """A process writes as fast as it can and says so; a search that begins afterwards has all that it said."""
    with searching(path) as process:
        writer = processes.start(_WRITER, path)
        assert writer.stdout is not None
        try:
            for line in writer.stdout:
                found = set(ids(process.search("common", limit=LIMIT)))
                assert {f"W{number:03}" for number in range(int(line) + 1)} <= found
            assert writer.wait(timeout=60) == 0
        finally:
            writer.kill()
            writer.communicate(timeout=60)
        assert process.search("common", limit=LIMIT) == uncached(path, "common", limit=LIMIT)


def test_compressed_contexts_of_another_program(path: Path) -> None:
    """Only Python can read them: a search that counts nothing reads them itself, and nothing of it is kept."""
    text = "common walrus in a blob"
    with searching(path) as one:
        one.search("common walrus", limit=LIMIT)
        with raw.connection(path) as opened:
            opened.execute("UPDATE entries SET context_blob = ? WHERE id = 'E00002'", (zlib.compress(text.encode()),))
            opened.commit()
        assert one.search("common walrus", limit=LIMIT) == uncached(path, "common walrus", limit=LIMIT)
        with Database(path) as db:
            db.set_metadata("contexts", "are read")
            assert one.search("common walrus", limit=LIMIT) == answer(db, "common walrus", limit=LIMIT)
