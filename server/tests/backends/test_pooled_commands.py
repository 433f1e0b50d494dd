"""Rekall Home on the pooled back end, selected in config.toml: commands work, and end when they are done."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from server_support.pooled import PATIENCE, until
from support import processes, raw
from support.command_line import CONTEXT, one_error_line, run_program

from rekall import config

BACKENDS = ("sqlite", "pooled")
ADD = ("add", "bug", "--context-json", CONTEXT)
QUICK = 10.0
"""Seconds in which a process has ended that has nothing to wait for, on a busy machine."""

FORGOTTEN = """
import sys, threading
from pathlib import Path
from rekall.infra.interfaces import Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend
backend = PooledDatabaseBackend(Path(sys.argv[1]))
backend.connect()
backend.execute("CREATE TABLE t (value)")
def work():
    for number in range(20):
        backend.execute("INSERT INTO t VALUES (?)", (number,))
threads = [threading.Thread(target=work) for _ in range(8)]
begun = threading.Event()
def statements():
    yield Statement("INSERT INTO t VALUES (-1)")
    for thread in threads:
        thread.start()
    while backend.waiting_writes < len(threads):
        pass
backend.execute_batch(statements())
for thread in threads:
    thread.join()
print([thread.name for thread in threading.enumerate()])
if sys.argv[2] == "error":
    raise ValueError("made up")
"""


@pytest.fixture(params=BACKENDS)
def selected(request: pytest.FixtureRequest) -> str:
    """Selects each back end in turn: what the pooled one does is what the default one does."""
    file = config.get_config().paths.config_dir / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'[backends]\ndatabase = "{request.param}"\n', "utf-8")
    file.chmod(0o600)
    config.reset_config()
    return str(request.param)


def test_commands_work(selected: str) -> None:
    """An entry is added, found, shown, backed up and restored, exported; each command ends well and soon."""
    added = _json(*ADD, "CORS in Safari")
    (found,) = _json("search", "cors safari")["results"]
    assert found["id"] == added["id"]
    assert _json("show", added["id"])["title"] == "CORS in Safari"
    copy = Path("copy.db").resolve()
    _ok("backup", "--output", str(copy))
    _ok("restore", str(copy), "--yes")
    _ok("export", "all.rekall")
    _ok("doctor")
    listed = _json("backends", "--check")
    assert selected in json.dumps(listed)
    path = config.get_config().db_path
    assert raw.rows(path, "SELECT count(*) FROM entries") == [(1,)]
    assert not path.with_name(path.name + "-wal").exists()


def test_an_error_ends_the_command(selected: str) -> None:
    """With its line and status, at once."""
    _ok(*ADD, "CORS in Safari")
    started = time.monotonic()
    done = run_program("show", "01NOSUCHENTRY")
    assert time.monotonic() - started < QUICK
    assert done.returncode == 1
    assert "no entry has the id 01NOSUCHENTRY" in one_error_line(done.stderr.decode())


@pytest.mark.skipif(os.name != "posix", reason="sends Ctrl-C by a signal")
def test_ctrl_c_ends_a_command_that_waits_for_a_lock(selected: str) -> None:
    """As on the default back end, and nothing was written."""
    _ok(*ADD, "CORS in Safari")
    path = config.get_config().db_path
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process = subprocess.Popen(
            [sys.executable, "-m", "rekall", *ADD, "Never written"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            until(lambda: _has_open(process.pid, path), "a command that has opened the base")
            time.sleep(0.2)  # so that it is likely to be waiting; the test holds either way
            process.send_signal(signal.SIGINT)
            started = time.monotonic()
            output, error = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert time.monotonic() - started < QUICK
        assert process.returncode not in (0, None)
        assert "Traceback" not in error
        assert output == ""
        other.execute("ROLLBACK")
    assert raw.rows(path, "SELECT title FROM entries") == [("CORS in Safari",)]


def _has_open(process: int, path: Path) -> bool:
    if not Path("/proc/self/fd").is_dir():
        return True
    try:
        return any(link.readlink() == path for link in Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False  # closed meanwhile


@pytest.mark.parametrize("end", ["well", "error"])
def test_a_program_that_closes_nothing_ends(end: str, tmp_path: Path) -> None:
    """Although a thread writes for the others: it keeps no process alive."""
    process = processes.start(FORGOTTEN, tmp_path / "a.db", end)
    try:
        output, error = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert "rekall-writer" in output
    assert (process.returncode, "ValueError: made up" in error) == ((0, False) if end == "well" else (1, True))
    assert raw.rows(tmp_path / "a.db", "SELECT count(*) FROM t") == [(161,)]


def _ok(*args: str) -> str:
    done = run_program(*args)
    assert (done.returncode, done.stderr) == (0, b""), (args, done.stdout, done.stderr)
    return done.stdout.decode()


def _json(*args: str) -> Any:
    answer: Any = json.loads(_ok(*args, "--json"))
    return answer
