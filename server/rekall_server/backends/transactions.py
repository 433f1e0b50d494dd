"""The one connection that writes: each write in a transaction of its own, or several in a common one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from rekall.errors import ClosedError, DatabaseBusyError, DatabaseError, RekallError
from rekall.infra.defaults import switch_log_on
from rekall.infra.interfaces import CallGivenUp, Statement
from rekall.infra.sqlite_errors import BUSY, DRIVER_ERRORS, error_code, translate, translated
from rekall_server.backends.opened_file import OpenedFile
from rekall_server.backends.reader import was_interrupted
from rekall_server.backends.write import Write
from rekall_server.backends.write_ahead_log import WriteAheadLog

LARGEST_GROUP = 128
"""Writes that are committed together at most."""
LONGEST_GROUP = 0.02
"""Seconds after which a group takes no more: the first of it waits, and so do other processes."""
_PAUSE = 0.001
"""Seconds between two attempts to begin while another process writes.

SQLite's own handler waits up to 0.1 s, and would hardly ever meet the moment between two groups of that process.
"""
_STEPS = 1_000_000
"""Of SQLite's virtual machine between two looks whether a write is to be ended: some 20 ms."""


class _Writer(NamedTuple):
    """The connection that writes.

    Args:
        connection: begins no transaction by itself.
        log: its write-ahead log; None: the file system has no shared memory for one, and the base has a journal.
    """

    connection: sqlite3.Connection
    log: WriteAheadLog | None


class Transactions:
    """Applies writes. Used by one thread at a time; `end` by any.

    The file is looked at before a transaction begins and after it was committed: a write to a file that was removed
    meanwhile succeeds, and is lost.

    Args:
        file: the database.
        busy_timeout: seconds to wait for another process.
    """

    def __init__(self, file: OpenedFile, busy_timeout: float) -> None:
        self._file = file
        self._busy_timeout = busy_timeout
        self._kept: _Writer | None = None
        self._is_ending = False

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection in the middle of a write, for reading what the write has done so far.

        Raises:
            ClosedError: there is none.
        """
        if self._kept is None:
            raise self._closed()
        return self._kept.connection

    def alone(self, write: Write, *, at_once: bool = False) -> None:
        """Apply a write in a transaction of its own; what comes of it, it keeps.

        Args:
            at_once: wait for nobody, and leave the log as it is; where that cannot be it keeps a `CallGivenUp`.
        """
        try:
            writer = self._begun_at_once() if at_once else self._begun()
            try:
                write.result = write.apply(writer.connection)
                self._commit(writer.connection)
            except BaseException:
                self._undo(writer.connection)
                raise
            write.is_committed = True
            self._file.check()
        except BaseException as error:  # noqa: BLE001  # raised in the thread that asked
            write.error = self._told(error)
        else:
            if writer.log is not None and not at_once:
                writer.log.shorten()

    def together(self, first: Write, following: Callable[[], Write | None]) -> None:
        """Apply writes in one transaction; what comes of each, it keeps, and all have ended when this returns.

        An error undoes the write that it is of, by its savepoint. When the transaction itself is lost (a full disk ends
        it, a deferred constraint fails in COMMIT), nothing of it was applied: then each is done again by itself.

        Args:
            first: one that joins.
            following: gives the next one that joins, None when nobody waits.

        Raises:
            DatabaseError: the transaction could not be begun: the first has not ended, and no other was asked for.
        """
        writer = self._begun()
        members = [first]
        failure: Exception | None = None
        try:
            self._apply_all(writer.connection, members, following)
            self._file.check()
        except Exception as error:  # noqa: BLE001  # raised in the threads that asked
            failure = error if isinstance(error, DatabaseError) else DatabaseError(f"{type(error).__name__}: {error}")
        finally:
            for write in members:
                write.end(failure)
        if writer.log is not None:
            writer.log.shorten()

    def statements(self, statements: Iterable[Statement]) -> Iterator[Statement]:
        """The same statements, until the base is to be closed."""
        for statement in statements:
            if self._is_ending:
                raise self._closed()
            yield statement

    def end(self) -> None:
        """Let the write that runs be undone, with a ClosedError, as soon as may be."""
        self._is_ending = True

    def close(self) -> None:
        """Close the connection; nobody may be writing."""
        writer, self._kept = self._kept, None
        if writer is not None:
            writer.connection.set_progress_handler(None, 0)
            with translated(self._file.path):
                writer.connection.close()

    def _apply_all(
        self, connection: sqlite3.Connection, members: list[Write], following: Callable[[], Write | None]
    ) -> None:
        """Apply the first of the members and those that follow, which become members, and commit."""
        latest = time.monotonic() + LONGEST_GROUP
        is_whole = self._apply(connection, members[0], of_many=False)
        while is_whole and len(members) < LARGEST_GROUP and time.monotonic() < latest:
            write = following()
            if write is None:
                break
            members.append(write)
            is_whole = self._apply(connection, write, of_many=True)
        if is_whole:
            try:
                self._commit(connection)
            except DatabaseError as error:
                is_whole = False
                members[0].error = error
        if not is_whole:
            self._undo(connection)
            if len(members) > 1:
                self._each_alone(members)

    def _each_alone(self, writes: list[Write]) -> None:
        """Apply again what was undone together; once another process holds the lock, nobody waits for it again."""
        busy: BaseException | None = None
        for write in writes:
            write.result = write.error = None
            if busy is None:
                self.alone(write)
                busy = write.error if isinstance(write.error, DatabaseBusyError) else None
            else:
                write.error = DatabaseBusyError(str(busy))

    def _apply(self, connection: sqlite3.Connection, write: Write, *, of_many: bool) -> bool:
        """Apply a write in the transaction; False when that transaction cannot be committed any more."""
        try:
            if of_many:
                connection.execute("SAVEPOINT one")
            write.result = write.apply(connection)
            if of_many:
                connection.execute("RELEASE one")
        except Exception as error:  # noqa: BLE001  # raised in the thread that asked
            write.error = self._told(error)
            if not of_many or not connection.in_transaction:
                return False
            try:
                connection.execute("ROLLBACK TO one")
                connection.execute("RELEASE one")
            except DRIVER_ERRORS:
                return False
        return True

    def _begun(self) -> _Writer:
        """The writer, in a new transaction that holds the write lock of the file."""
        if self._is_ending:
            raise self._closed()
        self._file.check()
        try:
            writer = self._kept or self._open()
            if writer.log is not None:
                writer.log.take_up()
            latest = time.monotonic() + self._busy_timeout
            while True:
                try:
                    writer.connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    if error_code(error) != BUSY or time.monotonic() >= latest or self._is_ending:
                        raise
                    time.sleep(_PAUSE)
                else:
                    return writer
        except RekallError:
            raise
        except DRIVER_ERRORS as error:
            raise self._told(translate(error, self._file.path)) from error

    def _begun_at_once(self) -> _Writer:
        """As `_begun`, by one attempt, on a connection that is there and has a write-ahead log to commit to.

        Raises:
            CallGivenUp: that is not possible now.
        """
        writer = self._kept
        if writer is None or writer.log is None or self._is_ending:
            raise CallGivenUp
        self._file.check()
        try:
            if not writer.log.put_off():
                raise CallGivenUp
            writer.connection.execute("BEGIN IMMEDIATE")
        except DRIVER_ERRORS as error:
            raise CallGivenUp from error  # whoever may wait is told, or gets over it
        return writer

    def _open(self) -> _Writer:
        connection = self._file.connection(self._busy_timeout)
        try:
            connection.isolation_level = None  # nothing begins a transaction but this file
            switch_log_on(connection, self._busy_timeout)
            log = None
            if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
                log = WriteAheadLog(connection, self._file.path)
                # only BEGIN meets a lock then, and waits for it in shorter steps than SQLite
                connection.execute("PRAGMA busy_timeout = 0")
            connection.set_progress_handler(lambda: self._is_ending, _STEPS)
        except BaseException:
            connection.close()
            raise
        self._kept = _Writer(connection, log)
        return self._kept

    def _commit(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("COMMIT")
        except DRIVER_ERRORS as error:
            raise translate(error, self._file.path) from error

    def _undo(self, connection: sqlite3.Connection) -> None:
        """Leave nothing of a transaction, which a full disk may have ended already."""
        if connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except DRIVER_ERRORS:
                with suppress(DatabaseError):
                    self.close()  # which undoes it; the next write opens another one

    def _told(self, error: BaseException) -> BaseException:
        """The error of a write, or what made SQLite end it: the base is being closed, or Ctrl-C."""
        if not isinstance(error, RekallError):
            return error
        if self._is_ending:
            return self._closed()
        return KeyboardInterrupt() if was_interrupted(error) else error

    def _closed(self) -> ClosedError:
        return ClosedError(f"{self._file.path} is closed: call connect first")
