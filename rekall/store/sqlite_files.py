"""SQLite database files as wholes: one state of a file that no writer changes, copies of it, and whether it is sound.

Backups are plain files, whatever back end the base lives on, so this file opens them itself. A file that may be in use
is never opened in another way than through SQLite: closing such a descriptor would take away the locks of this process.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from rekall.errors import CannotOpenError, CorruptError, DatabaseBusyError, DatabaseError, RekallError
from rekall.infra.sqlite_errors import BUSY, CANTOPEN, CORRUPT, LOCKED, NOTADB, READONLY, error_code, translate
from rekall.store.opening import STATE_QUERY, SchemaState

OnProgress = Callable[[int, int], None]
"""Told how many pages are copied, and of how many; the second is 0 during a check, whose length nobody knows."""

TIMEOUT = 5.0
"""Seconds that a lock of another process is waited for."""
LOGS = ("-wal", "-journal")
SIDE_FILES = (*LOGS, "-shm")
_SMALLEST = 512
_DONE = 101  # SQLITE_DONE: all is copied and committed
_STEP = 4 * 1024**2
"""Bytes copied between two reports of progress."""
_CHECK_STEP = 200_000
"""Instructions of SQLite's machine between two reports of a check."""
_COUNTS = (
    "SELECT count(*), count(*) FILTER (WHERE status = 'active'),"
    " (SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'links') FROM entries"
)


def silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


class Counts(NamedTuple):
    """How much a base holds."""

    entries: int
    active: int
    links: int


class Snapshot:
    """One state of a database file. Get it from `snapshot`.

    Args:
        path: the file, for messages.
        connection: in a read transaction.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    def state(self) -> SchemaState:
        """What schema it has."""
        with _driver_errors(self.path):
            return SchemaState(*self.connection.execute(STATE_QUERY).fetchone())

    def counts(self) -> Counts:
        """Entries and links of a base of any version."""
        with _driver_errors(self.path):
            entries, active, has_links = self.connection.execute(_COUNTS).fetchone()
            links = self.connection.execute("SELECT count(*) FROM links").fetchone()[0] if has_links else 0
        return Counts(entries, active, links)

    def pages(self) -> int:
        """Its number of pages."""
        with _driver_errors(self.path):
            return int(self.connection.execute("PRAGMA page_count").fetchone()[0])

    def page_size(self) -> int:
        """Bytes of a page."""
        return page_size(self.path, self.connection)

    def problem(self, on_progress: OnProgress = silent) -> str:
        """What SQLite's integrity check finds first, on one line; empty when the file is sound."""
        return _problem(self.path, self.connection, on_progress)

    def copy_to(self, target: Path, on_progress: OnProgress = silent) -> None:
        """Write this state to an empty file. Writers of the original go on meanwhile, unless it keeps no log.

        Raises:
            DatabaseError: the copy cannot be written, or the original cannot be read.
        """
        step = max(1, _STEP // self.page_size())
        with _driver_errors(target, read_from=self.path), closing(_connect(target)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # whoever gives the copy its name has it written out first
            self.connection.backup(copy, pages=step, progress=lambda _, left, all_: on_progress(all_ - left, all_))


@contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """The state that a database file has now, held until the end; nothing is written to the file.

    Raises:
        DatabaseError: it is not there, no SQLite database, damaged where its schema is, or cannot be read here.
    """
    connection = _open_to_read(path)
    with closing(connection):
        yield Snapshot(path, connection)


def has_log(path: Path) -> bool:
    """Whether a write-ahead log or a journal is beside a file that holds something."""
    return any(_size(log_of(path, suffix)) for suffix in LOGS)


def log_of(path: Path, suffix: str) -> Path:
    """What SQLite keeps beside a file: beside the file itself, where the path is a link to it."""
    return Path(os.path.realpath(path) + suffix)


class Finished(NamedTuple):
    """What a copy that is complete holds.

    Args:
        state: its schema; None when it cannot be read.
        problem: what is wrong with it; empty when it is sound.
    """

    state: SchemaState | None
    problem: str


def finish(copy: Path, on_progress: OnProgress = silent) -> Finished:
    """Make a new copy a file that needs no other beside it, check all of it, and have it written to the disk."""
    state = None
    try:
        with _driver_errors(copy), closing(_connect(copy)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")  # a read-only medium can hold no log
            state = SchemaState(*connection.execute(STATE_QUERY).fetchone())
            problem = _problem(copy, connection, on_progress)
    except CorruptError as error:
        problem = str(error)
    with copy.open("rb+") as file:
        os.fsync(file.fileno())
    return Finished(state, problem)


def vacuum_into(path: Path, target: Path, page_size: int) -> None:
    """Write a database file anew with pages of another size, to a file that is not there yet.

    Raises:
        DatabaseError: it cannot be read, or there is no room.
    """
    with _driver_errors(target, read_from=path), closing(_open_to_read(path)) as connection:
        connection.execute("COMMIT")
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("VACUUM INTO ?", (str(target),))


class LiveBase:
    """A base that others may have open. Get it from `live_base`.

    Args:
        path: the file.
        connection: a connection as any other.
        keeps_log: whether it has a write-ahead log, so that it can be read while it is written.

    Attributes:
        is_overwritten: whether the new content is there for good.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, *, keeps_log: bool) -> None:
        self.path = path
        self.page_size = page_size(path, connection)
        self.is_overwritten = False
        self._connection = connection
        self._keeps_log = keeps_log

    def overwrite(self, source: Snapshot, before: Callable[[], None], on_progress: OnProgress = silent) -> None:
        """Replace all that it holds, in one transaction: others see the old content or the new.

        Args:
            source: the new content, with pages of the same size.
            before: called once nobody else can write any more and nothing is changed yet; an error from it ends all.
            on_progress: told of pages.

        Raises:
            DatabaseBusyError: another process kept the lock; nothing was changed.
            DatabaseError: nothing was changed.
        """
        pages, waiting = source.pages(), [before]

        def report(status: int, left: int, all_: int) -> None:
            if status in (BUSY, LOCKED):
                raise DatabaseBusyError(f"{self.path} is locked by another process: try again when it has finished")
            while waiting:
                waiting.pop()()
            self.is_overwritten = status == _DONE
            on_progress(all_ - left, all_)

        if not self._keeps_log:
            # nobody can read it while it is written. What another process writes before the lock is had is not seen.
            waiting.pop()()
        # not all in one step: the last one commits, and the first report must come before that
        step = max(1, min(_STEP // self.page_size, pages - 1))
        with _driver_errors(self.path):
            source.connection.backup(self._connection, pages=step, progress=report, sleep=0)
        with suppress(sqlite3.Error):  # all is done; the log, as long as the base now, may be shortened later
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def live_base(path: Path, new_page_size: int) -> Iterator[LiveBase]:
    """A base that is there, to be overwritten.

    Args:
        new_page_size: that of what will be written; a base that holds nothing takes it.

    Raises:
        CorruptError: what is there cannot be read by SQLite.
        DatabaseError: it cannot be opened or is locked.
    """
    _refuse_what_is_no_database(path)
    with _driver_errors(path):
        connection = _connect(path)
    with closing(connection):
        with _driver_errors(path):
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA page_size = {new_page_size}")
            live = LiveBase(path, connection, keeps_log=_switch_log_on(connection))
        yield live


def page_size(path: Path, connection: sqlite3.Connection) -> int:
    """Bytes of a page of an open database."""
    with _driver_errors(path):
        return int(connection.execute("PRAGMA page_size").fetchone()[0])


def _switch_log_on(connection: sqlite3.Connection) -> bool:
    """As the back end does before its first write; the busy time-out of SQLite does not cover it."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return bool(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal")
        except sqlite3.OperationalError as error:
            if error_code(error) != BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _open_to_read(path: Path) -> sqlite3.Connection:
    """A connection in a read transaction, which leaves nothing beside a file that nobody uses."""
    _refuse_what_is_no_database(path)
    if log_of(path, "-wal").exists():
        modes = ["mode=ro", "immutable=1"]  # the last one to close it for writing would write the log into the file
    elif os.access(path, os.W_OK):
        modes = ["mode=rw", "immutable=1"]  # with mode=ro a log would come into being, and stay
    else:
        modes = ["immutable=1"]
    if has_log(path):
        modes.remove("immutable=1")  # it would pass the log over
    reason: sqlite3.Error | None = None
    for mode in modes:
        try:
            return _begun(_connect(path, mode))
        except sqlite3.Error as error:
            if error_code(error) not in (CANTOPEN, READONLY):
                raise translate(error, path) from error
            reason = error
    raise CannotOpenError(
        f"{path} cannot be read where nothing may be written: copy it to another folder"
        + (", with the log beside it that ends in -wal or -journal" if has_log(path) else "")
    ) from reason


def _begun(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # only now is the state settled
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str = "mode=rw") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=TIMEOUT, isolation_level=None)


def _refuse_what_is_no_database(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CannotOpenError(f"{path}: {error.strerror or error}") from error
    if not path.is_file():
        what = "a directory" if path.is_dir() else "no regular file"
        raise CannotOpenError(f"{path} is {what}, not a database file: name the file itself")
    if not os.access(path, os.R_OK):
        raise CannotOpenError(f"{path}: permission denied")
    if 0 < size < _SMALLEST:  # SQLite would take it for an empty database
        raise CorruptError(f"{path} is not a SQLite database: name another file, or restore a backup")


def _problem(path: Path, connection: sqlite3.Connection, on_progress: OnProgress) -> str:
    stopped: list[BaseException] = []
    steps = 0

    def report() -> int:
        nonlocal steps
        steps += 1
        try:
            on_progress(steps, 0)
        except BaseException as error:  # noqa: BLE001  # SQLite would swallow it, Ctrl-C too: it is raised below
            stopped.append(error)
        return len(stopped)

    connection.set_progress_handler(report, _CHECK_STEP)
    try:
        with _driver_errors(path):
            found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except CorruptError as error:
        found = str(error)
    except DatabaseError as error:
        if stopped:
            raise stopped[0] from None
        if str(error.__cause__) == "interrupted":  # Ctrl-C as `report` was entered; nothing else interrupts a check
            raise KeyboardInterrupt from None
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return "" if found == "ok" else " ".join(found.split())


@contextmanager
def _driver_errors(path: Path, *, read_from: Path | None = None) -> Iterator[None]:
    """Raise the driver's errors as those of Rekall; those of a damaged file name the one that is read from."""
    try:
        yield
    except RekallError:
        raise
    except sqlite3.Error as error:
        damaged = error_code(error) in (CORRUPT, NOTADB)
        raise translate(error, read_from if damaged and read_from is not None else path) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
