"""Files and places that are not as they should be: one clear error, and the file is left as it was."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support import processes

from rekall import errors
from rekall.config import Config
from rekall.infra import DefaultDatabaseBackend, ServiceContainer, Statement

posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions and users of POSIX")

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN " + sys.argv[2])
print("held", flush=True)
sys.stdin.readline()
"""

AS_NOBODY = """
import os, sys
from pathlib import Path
from rekall import errors
from rekall.infra import DefaultDatabaseBackend
Path("/").as_uri()  # imports what it needs while the standard library can still be read
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
backend = DefaultDatabaseBackend(Path(sys.argv[1]), busy_timeout=0.05)
for step in sys.argv[2:]:
    try:
        if step == "connect":
            backend.connect(); print("connected")
        elif step == "read":
            print(backend.fetch_one("SELECT count(*) AS n FROM t")["n"])
        else:
            backend.execute("INSERT INTO t VALUES ('more')"); print("written")
    except errors.RekallError as error:
        print(type(error).__name__, "|", error)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of several pages in write-ahead mode, checkpointed and closed."""
    path = tmp_path / "base" / "a.db"
    with _opened(path) as backend:
        backend.execute_batch(
            [
                Statement("CREATE TABLE t (value)"),
                *(Statement("INSERT INTO t VALUES (?)", (f"row {n} " * 50,)) for n in range(200)),
            ]
        )
    assert not path.with_name("a.db-wal").exists()
    return path


@contextmanager
def _opened(path: Path, *, busy_timeout: float = 0.05) -> Iterator[DefaultDatabaseBackend]:
    backend = DefaultDatabaseBackend(path, busy_timeout=busy_timeout)
    backend.connect()
    try:
        yield backend
    finally:
        backend.close()


@contextmanager
def _held(path: Path, mode: str = "IMMEDIATE") -> Iterator[None]:
    """Another process holds the lock of the file."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield
    finally:
        process.communicate("let go\n", timeout=30)


def _count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(*) FROM t").fetchone()[0]
        return count


# making and opening


@posix
def test_a_missing_file_is_made_private_with_its_directory(tmp_path: Path) -> None:
    """The directory for its owner alone, and so the file with its log."""
    path = tmp_path / "deep" / "er" / "a.db"
    with _opened(path) as backend:
        backend.execute("CREATE TABLE t (a)")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_opening_and_reading_never_writes_an_existing_file(mode: str, path: Path) -> None:
    """Not one byte, whichever journal it has; the first write switches write-ahead logging on."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    before = path.read_bytes(), path.stat().st_mtime_ns
    with _opened(path) as backend:
        assert backend.fetch_one("SELECT count(*) AS n FROM t") == {"n": 200}
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before
        assert backend.fetch_one("PRAGMA journal_mode") == {"journal_mode": mode}
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    with _opened(path) as backend:
        backend.execute("INSERT INTO t VALUES (1)")
        assert backend.fetch_one("PRAGMA journal_mode") == {"journal_mode": "wal"}


def test_opening_takes_no_write_lock(path: Path) -> None:
    """A base that another process is writing is opened and read."""
    with _held(path), _opened(path) as backend:
        assert backend.fetch_one("SELECT count(*) AS n FROM t") == {"n": 200}


def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    """Said in so many words."""
    with pytest.raises(errors.CannotOpenError, match="is a directory, not a database file"):
        DefaultDatabaseBackend(tmp_path).connect()


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    """The path leads through a file."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(errors.CannotOpenError) as caught:
        DefaultDatabaseBackend(tmp_path / "file" / "a.db").connect()
    assert str(tmp_path / "file") in str(caught.value)


# locked


def test_a_lock_of_another_process_is_a_transient_error(path: Path) -> None:
    """With the driver's error as the cause; reading goes on, and nothing was applied."""
    with _held(path), _opened(path) as backend:
        for call in (
            lambda: backend.execute("INSERT INTO t VALUES (1)"),
            lambda: backend.execute_batch([Statement("INSERT INTO t VALUES (1)")]),
        ):
            with pytest.raises(errors.DatabaseBusyError, match="locked by another process") as caught:
                call()
            assert isinstance(caught.value, (errors.TransientError, sqlite3.OperationalError))
            assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        assert backend.fetch_one("SELECT count(*) AS n FROM t") == {"n": 200}
    assert _count(path) == 200


def test_a_lock_during_the_change_of_the_journal_is_one_too(path: Path) -> None:
    """The busy handler of SQLite does not cover that change."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
    with _held(path, "EXCLUSIVE"):
        backend = DefaultDatabaseBackend(path, busy_timeout=0.05)
        with pytest.raises(errors.DatabaseBusyError):
            backend.connect()
    with _held(path), _opened(path) as backend, pytest.raises(errors.DatabaseBusyError):
        backend.execute("INSERT INTO t VALUES (1)")
    with _opened(path) as backend:
        backend.execute("INSERT INTO t VALUES (1)")


def test_a_lock_that_ends_in_time_is_waited_for(path: Path, tmp_path: Path) -> None:
    """Through the container: the driver waits, the retry waits, the write succeeds and nobody is told."""
    config = Config(database_options={"busy_timeout": 0.2})
    container = ServiceContainer(config=lambda: config)
    backend = container.database(path)
    code = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(0.35); c.execute('ROLLBACK')"
    )
    process = processes.start(code, path)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    backend.execute("INSERT INTO t VALUES ('patient')")
    process.communicate(timeout=30)
    container.close()
    assert _count(path) == 201


def test_a_lock_that_does_not_end_is_given_up_after_three_attempts(path: Path) -> None:
    """Three waits of the driver and two delays, well below the deadline."""
    import time

    config = Config(database_options={"busy_timeout": 0.1})
    container = ServiceContainer(config=lambda: config)
    backend = container.database(path)
    with _held(path):
        started = time.monotonic()
        with pytest.raises(errors.DatabaseBusyError):
            backend.execute("INSERT INTO t VALUES ('impatient')", idempotent=True)
        assert 0.4 < time.monotonic() - started < 5
    container.close()
    assert _count(path) == 200


# wrong statements


@pytest.mark.parametrize(
    ("sql", "params", "wanted", "message"),
    [
        ("SELEC 1", (), errors.QueryError, "syntax error"),
        ("SELECT * FROM missing", (), errors.QueryError, "no such table: missing"),
        ("SELECT missing FROM t", (), errors.QueryError, "no such column: missing"),
        ("SELECT ?", (), errors.QueryError, "bindings"),
        ("SELECT ?", (object(),), errors.QueryError, "(?i)binding parameter"),
        ("CREATE TABLE t (a)", (), errors.QueryError, "already exists"),
    ],
)
def test_a_wrong_statement_is_permanent(
    path: Path, sql: str, params: tuple[object, ...], wanted: type[Exception], message: str
) -> None:
    """From every method that may run it, with the driver's error as the cause."""
    with _opened(path) as backend:
        reads = (
            lambda: backend.fetch_one(sql, params),  # type: ignore[arg-type]  # a type that is refused is one of the cases
            lambda: backend.fetch_all(sql, params),  # type: ignore[arg-type]  # as above
        )
        for call in (
            lambda: backend.execute(sql, params),  # type: ignore[arg-type]  # as above
            lambda: backend.execute_batch([Statement(sql, params)]),  # type: ignore[arg-type]  # as above
            *(reads if sql.startswith("SELEC") else ()),
        ):
            with pytest.raises(wanted, match=message) as caught:
                call()
            assert caught.value.__cause__ is not None
            assert not isinstance(caught.value, (errors.TransientError, errors.OutcomeUnknownError))


@pytest.mark.parametrize(
    ("setup", "sql"),
    [
        ("CREATE TABLE u (a UNIQUE)", "INSERT INTO u VALUES (1), (1)"),
        ("CREATE TABLE u (a NOT NULL)", "INSERT INTO u VALUES (NULL)"),
        ("CREATE TABLE u (a CHECK (a > 1))", "INSERT INTO u VALUES (0)"),
        ("CREATE TABLE u (a INTEGER PRIMARY KEY)", "INSERT INTO u VALUES ('text')"),
    ],
)
def test_a_constraint_is_an_integrity_error(path: Path, setup: str, sql: str) -> None:
    """One that code for 0.3 catches as `sqlite3.IntegrityError`."""
    with _opened(path) as backend:
        backend.execute(setup)
        with pytest.raises(errors.IntegrityError) as caught:
            backend.execute(sql)
        assert isinstance(caught.value, sqlite3.IntegrityError)
        assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)


# read-only


def _as_nobody(path: Path, *steps: str) -> list[str]:
    """What an unprivileged user sees who takes these steps with the file."""
    return processes.run(AS_NOBODY, path, *steps).splitlines()


@pytest.fixture
def shared(path: Path) -> Iterator[Path]:
    """The same file where every user may look: the folders of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "base"
        folder.mkdir(mode=0o755)
        shutil.copy(path, folder)
        yield folder / "a.db"
        folder.chmod(0o755)


@posix
def test_a_read_only_file_is_read_and_its_writing_refused(shared: Path) -> None:
    """In a directory that could be written."""
    shared.parent.chmod(0o777)
    shared.chmod(0o444)
    before = shared.read_bytes()
    connected, rows, write = _as_nobody(shared, "connect", "read", "write")
    assert (connected, rows) == ("connected", "200")
    assert write.startswith(f"ReadOnlyError | {shared} is read-only")
    assert shared.read_bytes() == before


@posix
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_file_in_a_read_only_directory_is_read(mode: str, shared: Path) -> None:
    """Write-ahead mode wants to make its -shm there, and cannot: without a log the file alone is the database."""
    with closing(sqlite3.connect(shared)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    shared.chmod(0o444)
    shared.parent.chmod(0o555)
    connected, rows, write = _as_nobody(shared, "connect", "read", "write")
    assert (connected, rows) == ("connected", "200")
    assert write.startswith("ReadOnlyError | ")
    assert sorted(file.name for file in shared.parent.iterdir()) == ["a.db"]


@posix
@pytest.mark.parametrize("log", ["-wal", "-journal"])
def test_a_log_that_cannot_be_read_is_not_passed_over(log: str, shared: Path) -> None:
    """What it holds belongs to the base: reading the file without it would give an old or torn state."""
    if log == "-journal":
        with closing(sqlite3.connect(shared)) as connection:
            connection.execute("PRAGMA journal_mode = delete")
    kept = _log_of_a_killed_writer(shared, log)
    shared.with_name("a.db-shm").unlink(missing_ok=True)
    for file in shared.parent.iterdir():
        file.chmod(0o444)
    shared.parent.chmod(0o555)
    (answer,) = _as_nobody(shared, "connect")
    assert kept > 0
    assert answer.split(" | ")[0] in ("CannotOpenError", "ReadOnlyError")


def _log_of_a_killed_writer(path: Path, log: str) -> int:
    """Leave a hot log behind; returns its size."""
    code = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN IMMEDIATE')\n"
        "c.execute(\"UPDATE t SET value = 'torn' || value\")\n"
        "if sys.argv[2] == '-wal': c.execute('COMMIT')\n"
        "os._exit(0)\n"
    )
    processes.run(code, path, log)
    return path.with_name(path.name + log).stat().st_size


@posix
def test_a_file_or_directory_closed_to_the_user(shared: Path) -> None:
    """Not to be opened, or not to be made."""
    shared.chmod(0o000)
    (answer,) = _as_nobody(shared, "connect")
    assert answer.startswith(f"CannotOpenError | {shared} cannot be opened")
    shared.parent.chmod(0o555)
    (answer,) = _as_nobody(shared.with_name("new.db"), "connect")
    assert answer.startswith(f"CannotOpenError | {shared.with_name('new.db')}: permission denied")
    shared.parent.chmod(0o000)
    (answer,) = _as_nobody(shared, "connect")
    assert answer.startswith("CannotOpenError | ")


# full


def test_a_full_base_undoes_the_batch_and_loses_nothing(path: Path) -> None:
    """What was acknowledged stays, what was not is not there by half, and the base works on."""
    with _opened(path) as backend:
        backend.execute("INSERT INTO t VALUES ('acknowledged')")
        assert backend.connection is not None
        pages = backend.connection.execute("PRAGMA page_count").fetchone()[0]
        backend.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        for _ in range(2):
            with pytest.raises(errors.DiskFullError, match=r"no room left for .*: nothing was written") as caught:
                backend.execute_batch(Statement("INSERT INTO t VALUES (zeroblob(2000))") for _ in range(50))
            assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
            assert not backend.connection.in_transaction
        backend.execute("INSERT INTO t VALUES ('small')")
        assert backend.fetch_one("PRAGMA integrity_check") == {"integrity_check": "ok"}
    assert _count(path) == 202


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small tmpfs")
def test_a_full_disk_undoes_the_batch_and_loses_nothing(tmp_path: Path) -> None:
    """The same with a real file system that fills up; afterwards, with room again, the write succeeds."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"may not mount here: {mounted.stderr.strip()}")
    try:
        path = place / "a.db"
        with _opened(path) as backend:
            backend.execute_batch([Statement("CREATE TABLE t (value)"), Statement("INSERT INTO t VALUES ('kept')")])
            (place / "ballast").write_bytes(bytes(200_000))
            with pytest.raises(errors.DiskFullError):
                backend.execute_batch(Statement("INSERT INTO t VALUES (zeroblob(10000))") for _ in range(50))
            assert backend.fetch_all("SELECT value FROM t") == [{"value": "kept"}]
            (place / "ballast").unlink()
            backend.execute("INSERT INTO t VALUES ('after')")
        assert _count(path) == 2
    finally:
        subprocess.run(["umount", str(place)], check=True)


# damaged


def _damage(path: Path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    if kind == "page":
        data[4096 : 4096 * 2] = b"\xa5" * 4096
    elif kind == "header":
        data[:100] = b"\x00" * 100
    elif kind == "truncated":
        del data[4096 * 3 + 100 :]
    elif kind == "text":
        data[:] = b"This is no database.\n" * 500
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("header", "is not a SQLite database"), ("text", "is not a SQLite database")],
)
def test_what_is_not_a_database_is_told_at_opening(kind: str, message: str, path: Path) -> None:
    """And left as it is."""
    _damage(path, kind)
    before = path.read_bytes()
    with pytest.raises(errors.CorruptError, match=message) as caught:
        DefaultDatabaseBackend(path).connect()
    assert isinstance(caught.value, sqlite3.DatabaseError)
    assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)
    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.iterdir()) == ["a.db"]


def _read(backend: DefaultDatabaseBackend) -> None:
    backend.connect()
    backend.fetch_all("SELECT value FROM t")


def _write(backend: DefaultDatabaseBackend) -> None:
    backend.connect()
    backend.execute_batch([Statement("UPDATE t SET value = 1")])


@pytest.mark.parametrize("kind", ["page", "truncated"])
@pytest.mark.parametrize("use", [_read, _write])
def test_a_damaged_database_is_told_when_the_damage_is_met(
    kind: str, use: Callable[[DefaultDatabaseBackend], None], path: Path
) -> None:
    """At opening, reading or writing; the file is left as it is."""
    _damage(path, kind)
    before = path.read_bytes()
    backend = DefaultDatabaseBackend(path)
    with pytest.raises(errors.CorruptError, match=r"is damaged .*restore a backup"):
        use(backend)
    backend.close()
    assert path.read_bytes() == before


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    """SQLite's own rule: 0 bytes are an empty database."""
    path = tmp_path / "a.db"
    path.touch()
    with _opened(path) as backend:
        assert backend.fetch_all("SELECT name FROM sqlite_master") == []
