"""kill -9 in the middle of an export and of an import: the file and the base are as before, or complete."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import processes, raw
from support.chance import seeded
from support.exchange import rows

from rekall.db import Database
from rekall.exchange.dump import dumped
from rekall.exchange.export import export_to
from rekall.infra.interfaces import Statement
from rekall.models import Entry, StructuredContext
from rekall.store.context_codec import structured_statements
from rekall.store.importing import DEFERRED, new_entry
from rekall.store.rows import entry_values

_EXPORT = """
import sys
from pathlib import Path
from rekall.db import Database
from rekall.exchange.dump import dumped
from rekall.exchange.export import export_to
print("go", flush=True)
with Database(Path(sys.argv[1])) as db, dumped(db) as dump:
    export_to(Path(sys.argv[2]), dump, sys.argv[3])
print("done", flush=True)
"""
_IMPORT = """
import sys
from pathlib import Path
from rekall.db import Database
from rekall.exchange.apply import apply_plan
from rekall.exchange.detect import open_incoming
from rekall.exchange.limits import Limits
from rekall.exchange.plan import build_plan
print("go", flush=True)
with Database(Path(sys.argv[1])) as db:
    incoming = open_incoming(Path(sys.argv[2]), Limits())
    apply_plan(db, build_plan(db, incoming), "replace")
print("done", flush=True)
"""


def base_of(path: Path, size: int) -> None:
    """A base of so many entries, each with a context, tags and a link to the one before."""
    with Database(path) as db:
        for start in range(0, size, 500):
            statements: list[Statement] = [DEFERRED]
            for number in range(start, min(start + 500, size)):
                entry = Entry(
                    f"E{number:025}", f"Title {number}", "bug", content=f"text {number} " * 30, tags=["a", "b"]
                )
                context = StructuredContext(f"situation {number}", f"solution {number}", ["one", "two"])
                statements += new_entry(entry_values(entry), ["a", "b"], [])
                statements += structured_statements(entry.id, context)
            db.store.session.write(statements)
        for number in range(1, size, 10):
            db.add_link(f"E{number:025}", f"E{number - 1:025}", "related")


def kill(code: str, chance: random.Random, whole: float, *args: object) -> None:
    """Start a program and kill it within the time that it takes for the whole."""
    process = processes.start(code, *args)
    assert process.stdout is not None
    process.stdout.readline()
    processes.kill_after(process, chance.uniform(0, whole))


def seconds(code: str, *args: object) -> float:
    started = time.monotonic()
    processes.run(code, *args)
    return time.monotonic() - started


def leftovers(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if file.name.startswith(".rekall-")]


def drill(folder: Path, size: int, rounds: int, chance: random.Random) -> None:
    base, target = folder / "base.db", folder / "out.rekall.zip"
    base_of(base, size)
    content = rows(base)
    with Database(base) as db, dumped(db) as dump:
        export_to(folder / "small.rekall.zip", dump, "rekall")
    for form in ("rekall", "json"):
        old = b"what stood there before"
        whole = seconds(_EXPORT, base, target, form)
        for _ in range(rounds):
            target.write_bytes(old)
            kill(_EXPORT, chance, whole, base, target, form)
            if target.read_bytes() == old:
                continue
            other = folder / "other.db"
            processes.run(_IMPORT, other, target)
            assert rows(other) == content
            other.unlink()
        processes.run(_EXPORT, base, target, form)
        assert leftovers(folder) == []
    into = folder / "into.db"
    base_of(into, size // 10 + 1)
    raw.write(into, "UPDATE entries SET title = 'mine' WHERE rowid % 2")
    before = rows(into)
    started = time.monotonic()
    other = folder / "timed.db"
    processes.run(_IMPORT, other, target)
    whole = time.monotonic() - started
    for _ in range(rounds):
        kill(_IMPORT, chance, whole, into, target)
        if rows(into) == before:
            continue
        found = rows(into)
        assert len(found["entries"]) == size
        assert not any(row[1] == "mine" for row in found["entries"])
        assert len(found["links"]) == len(content["links"])
        break
    with Database(into) as db:
        assert db.maintenance.integrity_problems() == []
        assert db.maintenance.derived_problems() == []


def test_export_and_import_survive_kills(tmp_path: Path) -> None:
    """Whole, or as it was."""
    drill(tmp_path, 1500, 4, seeded(41))


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_export_and_import_survive_many_kills(tmp_path: Path) -> None:
    """The same with more entries and ten kills of each."""
    drill(tmp_path, 15_000, 10, seeded(42))


_SLOW = "import sys, time, runpy; sys.argv = ['rekall', *sys.argv[1:]]; runpy.run_module('rekall', run_name='__main__')"


def test_an_interrupted_import_changes_nothing(tmp_path: Path) -> None:
    """Ctrl-C: status 130, one line, and the base as it was."""
    base_of(tmp_path / "base.db", 1500)
    with Database(tmp_path / "base.db") as db, dumped(db) as dump:
        export_to(tmp_path / "a.rekall.zip", dump, "rekall")
    environment = {"REKALL_DB_PATH": str(tmp_path / "into.db"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with Database(tmp_path / "into.db") as db:
        db.add(Entry("mine", "Mine", "bug"))
    before = rows(tmp_path / "into.db")
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);" + _SLOW
    process = subprocess.Popen(
        [sys.executable, "-c", code, "import", str(tmp_path / "a.rekall.zip"), "--yes"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    wal = tmp_path / "into.db-wal"
    deadline = time.monotonic() + 60
    while not (wal.exists() and wal.stat().st_size) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(2)
    _, said = process.communicate(timeout=60)
    if process.returncode == 130:
        assert said == "rekall: interrupted\n"
        assert rows(tmp_path / "into.db") == before
    else:  # it was faster
        assert process.returncode == 0, said
        assert len(rows(tmp_path / "into.db")["entries"]) == 1501
