"""kill -9 in the middle of a backup and of a restore: the base is as before or complete, and no name lies."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest
from support import processes, raw
from support.backups import files, held, new_base
from support.chance import seeded

from rekall.backup import create_backup, restore, validate_backup
from rekall.db import Database

_WORK = """
import os, signal, sys
from pathlib import Path
from rekall import backup
from rekall.store import sqlite_files
# many small steps: each is a moment at which this process may be killed
sqlite_files._STEP, sqlite_files._CHECK_STEP = 16 * 1024, 10_000
steps, fatal = 0, int(sys.argv[1])
def on_progress(done, total):
    global steps
    steps += 1
    if steps == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
print("go", flush=True)
if len(sys.argv) == 3:
    backup.create_backup(Path(sys.argv[2]), on_progress=on_progress)
else:
    backup.restore(Path(sys.argv[3]), Path(sys.argv[2]), on_progress=on_progress)
print(steps, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A base of some megabytes."""
    return _large(tmp_path / "home" / "knowledge.db", "filler", 300)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Another one, larger."""
    return create_backup(_large(tmp_path / "saved" / "knowledge.db", "saved", 500)).path


def _large(path: Path, what: str, number: int) -> Path:
    new_base(path)
    with raw.connection(path) as connection:
        connection.executemany(
            "INSERT INTO entries(id, title, content, type, created_at, updated_at)"
            " VALUES (?, ?, ?, 'bug', '2020-01-01T00:00:00', '2020-01-01T00:00:00')",
            [(f"{what}-{place:05}", f"{what} {place}", f"{what} {place * 7919} " * 120) for place in range(number)],
        )
        connection.commit()
    return path


def _steps(*arguments: Path) -> int:
    """How many steps the work has when nobody kills it."""
    return int(processes.run(_WORK, 0, *arguments).split()[1])


def _killed(fatal: int, *arguments: Path) -> bool:
    """Kill the work at one of its steps; whether it was, since a restore over a smaller base has fewer steps."""
    process = processes.start(_WORK, fatal, *arguments)
    output, error = process.communicate(timeout=60)
    assert error == ""
    assert process.returncode == (0 if len(output.splitlines()) == 2 else -signal.SIGKILL)
    return process.returncode != 0


def _check_backups(path: Path, *contents: tuple[object, ...]) -> None:
    """Whatever has the name of a backup is whole, and a copy of what was there; then it goes."""
    for file in (path.parent / "backups").glob("knowledge_*"):
        assert validate_backup(file)
        assert held(file) in contents
        file.unlink()


def _check_swept(path: Path) -> None:
    """What the killed runs left is gone after one that was not killed."""
    assert [name for name in files(path.parent) if "partial" in name] == []


def test_a_killed_backup_leaves_the_base_and_no_half_copy(path: Path) -> None:
    """At ten random steps, whether it copied or checked; the next backup sweeps up."""
    before, content = held(path), path.read_bytes()
    steps = _steps(path)
    assert steps > 50
    chance = seeded(5)
    for _ in range(10):
        assert _killed(chance.randint(1, steps), path)
        assert path.read_bytes() == content
        _check_backups(path, before)
    assert [name for name in files(path.parent) if "partial" in name]
    assert held(create_backup(path).path) == before
    _check_swept(path)


def kill_restores(path: Path, saved: Path, rounds: int, chance: random.Random) -> None:
    old, new = held(path), held(saved)
    original = path.with_name("original")
    shutil.copy(path, original)
    steps = _steps(path, saved)
    assert steps > 100
    outcomes = set()
    for number in range(rounds):
        path.write_bytes(original.read_bytes())
        # the last one comes after the commit, the one before it just ahead of it
        assert _killed(steps - number if number < 2 else chance.randint(1, steps - 2), path, saved)
        now = held(path)
        assert now in (old, new)
        outcomes.add(now == new)
        _check_backups(path, old, new)
        with Database(path) as base:
            assert base.maintenance.integrity_problems() == []
            assert base.maintenance.full_text_health().is_sound
    assert outcomes == {True, False}
    assert held(saved) == new
    restore(saved, path)
    assert held(path) == new
    _check_swept(path)


def test_a_killed_restore_leaves_the_base_as_before_or_complete(path: Path, saved: Path) -> None:
    """At ten steps, whether it checked, kept what was there or wrote the new content."""
    kill_restores(path, saved, 10, seeded(6))


def test_a_killed_restore_of_a_base_that_cannot_be_read(path: Path, saved: Path) -> None:
    """The broken file is there, or what was restored."""
    new, broken = held(saved), b"These are notes. " * 5000
    path.write_bytes(broken)
    steps = _steps(path, saved)
    chance = seeded(7)
    for _ in range(5):
        path.write_bytes(broken)
        _killed(chance.randint(1, steps), path, saved)
        assert path.read_bytes() == broken or held(path) == new
        assert all(file.read_bytes() == broken for file in (path.parent / "backups").glob("knowledge_*"))
    restore(saved, path)
    assert held(path) == new
    _check_swept(path)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("over", ["base", "nothing", "text"])
def test_restores_killed_from_outside(over: str, path: Path, saved: Path) -> None:
    """At any moment, also while files are named: eighty times."""
    old, new, content = held(path), held(saved), path.read_bytes()
    chance = seeded(8)
    for _ in range(80):
        if over == "nothing":
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content if over == "base" else b"These are notes. " * 5000)
        process = processes.start(_WORK, 0, path, saved)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        processes.kill_after(process, chance.uniform(0.0, 0.6))
        if path.exists() and not path.read_bytes().startswith(b"These"):
            assert held(path) in (old, new)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    restore(saved, path)
    assert held(path) == new
    _check_swept(path)
