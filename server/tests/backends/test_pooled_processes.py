"""Several processes on one base: no error, nothing lost, nothing twice; also when one of them is killed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from server_support.pooled import INSERT, Running, opened, until, values
from support import processes, raw
from support.command_line import run_program

from rekall import config
from rekall.db import Database
from rekall.infra import ServiceContainer
from rekall.models import Entry, generate_ulid
from rekall_server.backends.pooled_db import PooledDatabaseBackend

THREADS, PROCESSES = 100, 4

WRITE = """
import threading
from rekall.infra.instrument import instrument
from rekall.infra.interfaces import Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend

backend = PooledDatabaseBackend(Path(sys.argv[2]))
retried = instrument(backend, "pooled")
process, threads, writes = map(int, sys.argv[3:])
errors = []

def work(thread):
    try:
        for number in range(writes):
            name = f"{process} {thread} {number}"
            count = Statement("UPDATE counter SET n = n + 1", expect=1)
            if number % 3 == 0:  # made up as it goes: alone, and in this thread
                retried.execute_batch(iter([Statement("INSERT INTO u VALUES (?)", (name,)), count]))
            else:
                retried.execute_batch([Statement("INSERT INTO u VALUES (?)", (name,)), count])
            if not retried.fetch_one("SELECT 1 AS found FROM u WHERE name = ?", (name,)):
                errors.append(f"{name} was acknowledged and is not there")
    except BaseException as error:
        errors.append(f"{type(error).__name__}: {error}")

retried.connect()
running = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
for one in running:
    one.start()
for one in running:
    one.join()
retried.close()
print(len(errors), errors[:3])
"""

ADD = """
import threading
from rekall.infra import ServiceContainer
from rekall.models import Entry

assert ServiceContainer.get_instance().selected("database").name == "pooled"
process, threads, adds = map(int, sys.argv[3:])
errors = []

def work(thread):
    try:
        for number in range(adds):
            entry_id = f"01TEST{process:04}{thread:08}{number:08}"
            database.add(Entry(id=entry_id, type="bug", title=f"entry {process} {thread} {number}", content="cors"))
            if database.get(entry_id) is None:
                errors.append(f"{entry_id} was acknowledged and is not there")
    except BaseException as error:
        errors.append(f"{type(error).__name__}: {error}")

with Database(Path(sys.argv[2])) as database:
    running = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()
print(len(errors), errors[:3])
"""

ACKNOWLEDGE = """
import os, sys, threading
from pathlib import Path
from rekall.infra.interfaces import Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend

backend = PooledDatabaseBackend(Path(sys.argv[1]))
backend.connect()
told = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
count = Statement("UPDATE counter SET n = n + 1")

def work(thread):
    number = 0
    while True:
        number += 1
        name = f"{sys.argv[3]} {thread} {number}"
        backend.execute_batch([Statement("INSERT INTO u VALUES (?)", (name,)), count])
        os.write(told, f"{name}\\n".encode())

for thread in range(20):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
threading.Event().wait()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def _prepare(path: Path) -> None:
    with opened(path) as backend:
        backend.execute("CREATE TABLE u (name TEXT NOT NULL)")
        backend.execute("CREATE INDEX u_name ON u (name)")
        backend.execute("CREATE TABLE counter (n INTEGER NOT NULL)")
        backend.execute("INSERT INTO counter VALUES (0)")


def test_a_hundred_threads_in_each_of_four_processes_lose_nothing(path: Path, tmp_path: Path) -> None:
    """Each write is there once, no call fails, and what was acknowledged is seen at once."""
    writes = 120
    _prepare(path)
    rows = [(path, process, THREADS, writes) for process in range(PROCESSES)]
    assert processes.run_together(WRITE, rows, tmp_path / "gate") == ["0 []\n"] * PROCESSES
    wanted = [f"{p} {t} {n}" for p in range(PROCESSES) for t in range(THREADS) for n in range(writes)]
    assert sorted(name for (name,) in raw.rows(path, "SELECT name FROM u")) == sorted(wanted)
    assert raw.rows(path, "SELECT n FROM counter") == [(len(wanted),)]
    assert raw.rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_new_base_is_made_by_several_processes_at_once(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All open it together, by Rekall's own store, and add entries from 25 threads each."""
    threads, adds = 25, 4
    monkeypatch.setenv("REKALL_DATABASE_BACKEND", "pooled")
    rows = [(path, process, threads, adds) for process in range(PROCESSES)]
    assert processes.run_together(ADD, rows, tmp_path / "gate") == ["0 []\n"] * PROCESSES
    found = [entry_id for (entry_id,) in raw.rows(path, "SELECT id FROM entries")]
    assert len(found) == len(set(found)) == PROCESSES * threads * adds
    # the default back end takes turns with it on the same file
    monkeypatch.delenv("REKALL_DATABASE_BACKEND")
    with Database(path) as database:
        assert len(database.search("cors", limit=1000)) == len(found)


def test_what_a_killed_process_had_acknowledged_is_there(path: Path) -> None:
    """Killed again and again in the middle of its groups: nothing lost, nothing twice, and others write at once."""
    _prepare(path)
    told = path.with_name("acknowledged")
    lives = 4
    for life in range(lives):
        process = processes.start(ACKNOWLEDGE, path, told, life)
        try:
            until(lambda life=life: _lines(told, life) > 200, "acknowledged writes")  # type: ignore[misc]
        finally:
            process.kill()
            process.communicate(timeout=30)
        with opened(path) as backend:
            names = [row["name"] for row in backend.fetch_all("SELECT name FROM u")]
            assert backend.fetch_one("SELECT n FROM counter") == {"n": len(names)}
            assert len(set(names)) == len(names)
            acknowledged = told.read_text().splitlines()
            assert set(acknowledged) <= set(names)
            # a write of each of its 20 threads may be there without having been acknowledged
            assert len(names) - len(acknowledged) <= 20 * (life + 1)
            backend.execute(INSERT, (life,))
            assert values(backend) == [*range(life + 1)]
    assert raw.rows(path, "PRAGMA integrity_check") == [("ok",)]


def _lines(file: Path, life: int) -> int:
    """How many lines of a file are of one life."""
    return file.read_text().count(f"\n{life} ") if file.exists() else 0


def test_a_base_is_restored_while_twenty_threads_write() -> None:
    """By `rekall restore` of another process: no writer gets an error.

    What was acknowledged before is in the copy that `restore` keeps, what was acknowledged after it is in the base.
    """
    path, backup = config.get_config().db_path, config.get_config().db_path.with_name("backup.db")
    ServiceContainer.get_instance().register("database", PooledDatabaseBackend)
    with Database(path) as database:
        database.add(_entry("kept"))
        assert run_program("backup", "--output", str(backup)).returncode == 0
        database.add(_entry("replaced"))
        acknowledged: list[str] = []
        is_over = threading.Event()

        def write(thread: int) -> None:
            number = 0
            while not is_over.is_set():
                number += 1
                name = f"thread {thread} number {number}"
                database.add(_entry(name))
                acknowledged.append(name)

        running = [Running(write, thread) for thread in range(20)]
        until(lambda: len(acknowledged) > 50, "writes before")
        restored = run_program("restore", str(backup), "--yes")
        before = len(acknowledged)
        until(lambda: len(acknowledged) > before + 50, "writes after")
        is_over.set()
        assert [one.error() for one in running] == [None] * 20
        assert (restored.returncode, restored.stderr) == (0, b"")
    kept = path.parent / "backups"
    (safety,) = [file for file in kept.iterdir() if "pre-restore" in file.name]
    found, copied = _titles(path), _titles(safety)
    assert "kept" in found
    assert "replaced" not in found
    assert "replaced" in copied
    assert len(found) == len(set(found))
    assert set(acknowledged) <= {*found, *copied}
    assert set(acknowledged[before + 20 :]) <= set(found)
    assert raw.rows(path, "PRAGMA integrity_check") == [("ok",)]


def _entry(title: str) -> Entry:
    return Entry(id=generate_ulid(), type="bug", title=title, content="cors")


def _titles(path: Path) -> list[str]:
    return [title for (title,) in raw.rows(path, "SELECT title FROM entries")]
