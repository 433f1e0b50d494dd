"""Files, disks and other processes that are not as they should be: one clear error, nothing acknowledged is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from server_support.pooled import INSERT, PATIENCE, Held, Running, opened, queued, values
from support import processes, raw

from rekall.errors import CannotOpenError, CorruptError, DatabaseBusyError, DiskFullError
from rekall.infra.interfaces import Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""

AS_NOBODY = """
import os, sys
from pathlib import Path
from rekall import errors
from rekall.infra.interfaces import CallGivenUp, Statement
from rekall_server.backends.pooled_db import PooledDatabaseBackend
Path("/").as_uri()  # imports what it needs while the standard library can still be read
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
backend = PooledDatabaseBackend(Path(sys.argv[1]), busy_timeout=0.05)
for step in ("connect", "read", "within", "write", "batch"):
    try:
        if step == "connect":
            print(backend.connect())
        elif step == "read":
            print(backend.fetch_one("SELECT count(*) AS n FROM t")["n"])
        elif step == "within":
            with backend.within(60):
                print(backend.fetch_one("SELECT count(*) AS n FROM t")["n"])
        elif step == "write":
            print(backend.execute("INSERT INTO t (value) VALUES ('more')"))
        else:
            print(backend.execute_batch(iter([Statement("DELETE FROM t")])))
    except errors.RekallError as error:
        print(type(error).__name__, "|", error)
    except CallGivenUp:
        print("given up")
backend.close()
"""

FORK = """
import os, sys
from pathlib import Path
from rekall.errors import ClosedError
from rekall_server.backends.pooled_db import PooledDatabaseBackend
backend = PooledDatabaseBackend(Path(sys.argv[1]))
backend.connect()
backend.execute("CREATE TABLE t (value)")
backend.execute("INSERT INTO t VALUES ('parent')")
if os.fork() == 0:
    said = [str(backend.is_connected())]
    for call in (lambda: backend.fetch_all("SELECT 1"), lambda: backend.execute("INSERT INTO t VALUES ('lost')")):
        try:
            call()
        except ClosedError as error:
            said.append(str(error).partition(" was ")[2])
    backend.connect()
    backend.execute("INSERT INTO t VALUES ('child')")
    said.append(str(backend.fetch_all("SELECT value FROM t")))
    backend.close()
    print("; ".join(said), flush=True)
    os._exit(0)
os.wait()
backend.execute("INSERT INTO t VALUES ('parent again')")
print(backend.fetch_all("SELECT value FROM t"))
backend.close()
"""

posix = pytest.mark.skipif(os.name != "posix", reason="permissions, users and processes of POSIX")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "base" / "a.db"


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Another process holds the write lock of the file."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield
    finally:
        process.communicate("let go\n", timeout=30)


# other processes


def test_a_lock_of_another_process_is_told_to_all_who_wait(path: Path) -> None:
    """After one waiting for all of them, not after one for each; reading goes on, and later all is as before."""
    with opened(path, busy_timeout=1.0, wait_timeout=PATIENCE) as backend:
        backend.execute(INSERT, ("before",))
        with _held(path):
            first = Running(backend.execute_batch, iter([Statement(INSERT, ("refused",))]))
            started = time.monotonic()
            running = [Running(backend.execute, INSERT, ("refused",)) for _ in range(30)]
            assert values(backend) == ["before"]
            for one in (first, *running):
                error = one.error()
                assert isinstance(error, DatabaseBusyError)
                assert str(error) == f"{path} is locked by another process: try again when it has finished"
            assert time.monotonic() - started < 10
        backend.execute(INSERT, ("after",))
        assert values(backend) == ["before", "after"]


def test_a_lock_that_ends_in_time_is_waited_for(path: Path) -> None:
    """Whoever waited is served, each once."""
    with opened(path, busy_timeout=10, wait_timeout=PATIENCE) as backend:
        with _held(path):
            running = [Running(backend.execute, INSERT, (number,)) for number in range(10)]
            values(backend)
        assert [one.result().rowcount for one in running] == [1] * 10
        assert sorted(values(backend)) == [*range(10)]


@posix
def test_a_forked_process_opens_the_base_anew(path: Path) -> None:
    """It is told so, and does no harm to the connections of its parent."""
    child, parent = processes.run(FORK, path).splitlines()
    told = "opened before this process was forked: call connect"
    assert child == f"False; {told}; {told}; [{{'value': 'parent'}}, {{'value': 'child'}}]"
    assert parent == "[{'value': 'parent'}, {'value': 'child'}, {'value': 'parent again'}]"


# the file under the path


def test_a_removed_file_is_told_and_takes_no_write(path: Path) -> None:
    """Where SQLite itself would go on as if nothing had happened. Connected anew, it is an empty base."""
    with opened(path) as backend:
        backend.execute(INSERT, ("lost with the file",))
        log = path.with_name("a.db-wal").stat().st_size
        path.unlink()
        message = f"{path} was removed while it was open"
        calls: list[Callable[[], object]] = [
            partial(backend.execute, INSERT, ("refused",)),
            partial(backend.execute_batch, [Statement(INSERT, ("refused",))]),
            partial(backend.fetch_one, "SELECT count(*) AS n FROM t"),
            partial(backend.fetch_all, "SELECT value FROM t"),
            partial(backend.backup, path.with_name("copy.db")),
            backend.check,
        ]
        for call in calls:
            with pytest.raises(CannotOpenError) as caught:
                call()
            assert str(caught.value).startswith(message)
        assert not path.exists()
        assert not path.with_name("copy.db").exists()
        assert path.with_name("a.db-wal").stat().st_size == log
        backend.close()
        backend.connect()
        assert backend.fetch_all("SELECT name FROM sqlite_master") == []


def test_a_replaced_file_is_told_and_neither_is_written(path: Path, tmp_path: Path) -> None:
    """Not the old one, which is gone, nor the new one, of which nobody knows what it is."""
    other = tmp_path / "other.db"
    raw.write(other, "CREATE TABLE t (id INTEGER PRIMARY KEY, value)", "INSERT INTO t (value) VALUES ('other')")
    with opened(path, pool_size=2) as backend:
        backend.execute(INSERT, ("old",))
        content = other.read_bytes()
        for log in ("a.db-wal", "a.db-shm"):  # SQLite would take them for those of the new file
            path.with_name(log).unlink()
        other.replace(path)
        for call in (partial(backend.execute, INSERT, ("refused",)), partial(values, backend), backend.check):
            with pytest.raises(CannotOpenError) as caught:
                call()
            assert str(caught.value) == f"{path} was replaced while it was open: start the program again"
        assert path.read_bytes() == content
        backend.close()
        backend.connect()
        assert values(backend) == ["other"]


def test_a_file_that_goes_in_the_middle_of_a_write_acknowledges_nothing(path: Path) -> None:
    """COMMIT succeeds, and what it wrote is nowhere: all of the writers are told."""
    with opened(path, wait_timeout=PATIENCE) as backend:

        def statements() -> Iterator[Statement]:
            yield Statement(INSERT, ("lost",))
            path.unlink()

        with pytest.raises(CannotOpenError, match="was removed while it was open"):
            backend.execute_batch(statements())
        path.touch()
        with pytest.raises(CannotOpenError, match="was replaced while it was open"):
            backend.execute(INSERT, ("lost",))


class _Going(Sequence[str]):
    """Parameters of a statement; the file is removed when they are read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        self._path.unlink()
        return "lost"


def test_a_group_whose_file_goes_in_the_middle_acknowledges_nothing(path: Path) -> None:
    """Each of those that were committed together gets the error, also who came before."""
    with opened(path, wait_timeout=PATIENCE) as backend:
        held = Held(backend)
        parameters: list[Any] = [("before",), _Going(path), ("after",)]
        running = queued(backend, [partial(backend.execute, INSERT, one) for one in parameters])
        held.release()
        assert held.batch.result() == 1
        for one in running:
            with pytest.raises(CannotOpenError, match="was removed while it was open"):
                one.result()


def test_a_group_on_a_file_that_goes_meanwhile_acknowledges_nothing(path: Path) -> None:
    """Each of those that waited together gets the error."""
    with opened(path, wait_timeout=PATIENCE) as backend:
        held = Held(backend)
        running = queued(backend, [partial(backend.execute, INSERT, (number,)) for number in range(5)])
        path.unlink()
        held.release()
        for one in (held.batch, *running):
            assert isinstance(one.error(), CannotOpenError)


# read-only and damaged


@posix
@pytest.mark.parametrize("directory", [0o777, 0o555])
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_read_only_base_is_read_and_its_writing_refused(mode: str, directory: int, tmp_path: Path) -> None:
    """By an unprivileged user; also where no -shm can be made beside the file. It is left as it is."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        path = Path(place) / "base" / "a.db"
        with opened(tmp_path / "a.db") as backend:
            backend.execute(INSERT, ("a",))
        path.parent.mkdir()
        shutil.copy(tmp_path / "a.db", path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        path.chmod(0o444)
        path.parent.chmod(directory)
        before = path.read_bytes()
        connected, rows, within, write, batch = processes.run(AS_NOBODY, path).splitlines()
        assert (connected, rows, within) == ("None", "1", "1")
        for refused in (write, batch):
            assert refused.startswith(f"ReadOnlyError | {path} is read-only")
        assert path.read_bytes() == before
        path.parent.chmod(0o755)


@pytest.mark.parametrize("damaged", ["page", "header", "text", "short"])
def test_a_damaged_file_is_told(damaged: str, path: Path) -> None:
    """When it is opened or when the damage is met; nothing is written to it."""
    with opened(path) as backend:
        backend.execute_batch(Statement(INSERT, ("x" * 500,)) for _ in range(100))
    data = bytearray(path.read_bytes())
    if damaged == "page":
        for page in range(1, len(data) // 4096):
            data[page * 4096 : page * 4096 + 100] = b"\xa5" * 100
    elif damaged == "header":
        data[:100] = bytes(100)
    else:
        data = bytearray(b"This is no database. " * (1 if damaged == "short" else 500))
    path.write_bytes(data)
    for is_write in (False, True):
        backend = PooledDatabaseBackend(path)
        call: Callable[[], object] = partial(values, backend)
        if is_write:
            call = partial(backend.execute, "UPDATE t SET value = 1")
        try:
            with pytest.raises(CorruptError, match=r"restore a backup"):
                _connected(backend, call)
        finally:
            backend.close()
        if damaged != "page":
            assert path.read_bytes() == data


def _connected(backend: PooledDatabaseBackend, call: Callable[[], object]) -> None:
    backend.connect()
    call()


# no room


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small tmpfs")
def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Many writers on a real file system that fills up: each is told or has written; later all of them write again."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"may not mount here: {mounted.stderr.strip()}")
    try:
        with opened(place / "a.db", wait_timeout=PATIENCE) as backend:
            (place / "ballast").write_bytes(bytes(300_000))
            acknowledged: list[int] = []
            full: list[int] = []

            def work(thread: int) -> None:
                for number in range(30):
                    mine = thread * 100 + number
                    try:
                        backend.execute_batch([Statement(INSERT, (mine,)), Statement(INSERT, ("x" * 3000,))])
                    except DiskFullError:
                        full.append(mine)
                    else:
                        acknowledged.append(mine)

            for running in [Running(work, thread) for thread in range(10)]:
                running.result()
            assert full
            assert acknowledged
            numbers = "SELECT value FROM t WHERE typeof(value) = 'integer'"
            assert sorted(row["value"] for row in backend.fetch_all(numbers)) == sorted(acknowledged)
            (place / "ballast").unlink()
            for mine in full[:5]:
                backend.execute(INSERT, (mine,))
            assert backend.fetch_one("PRAGMA integrity_check") == {"integrity_check": "ok"}
        assert sorted(value for (value,) in raw.rows(place / "a.db", numbers)) == sorted(acknowledged + full[:5])
    finally:
        subprocess.run(["umount", str(place)], check=True)
