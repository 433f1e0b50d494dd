"""Database back ends with one deliberate fault each, in how they open and close, what they leave, and under threads."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from rekall.errors import DatabaseBusyError, QueryError
from rekall.infra import Result
from rekall.infra.interfaces import Params, Row
from support.database_faults import Faults
from support.right_databases import Right, Unstated

FAULTS = Faults()


# the class


@FAULTS.caught_by("test_it_states_its_interface", "does not say which interface it was written for")
class StatesNoVersion(Unstated):
    pass


@FAULTS.caught_by("test_it_states_its_interface", "or a version of the back end for interface 1")
class StatesALaterVersion(Right):
    interface_version = 99


@FAULTS.caught_by(
    "test_methods_have_the_signatures_of_the_interface",
    "instead of execute(query, params): missing a required argument: 'sql'",
)
class NamesParametersOtherwise(Right):
    def execute(self, sql: str, args: Params | None = None) -> Result:  # type: ignore[override]  # the fault
        return super().execute(sql, args)


@FAULTS.caught_by("test_methods_have_the_signatures_of_the_interface", "fetch_all is a coroutine")
class IsAsynchronous(Right):
    async def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:  # type: ignore[override]  # the fault
        return []


@FAULTS.caught_by("test_options_are_parameters", "that the constructor does not take is ['colour']")
class StatesAnOptionItDoesNotTake(Right):
    options: ClassVar[Any] = {"colour": str}


# opening and closing


@FAULTS.caught_by("test_use_without_a_connection_is_refused", "execute raised nothing and gave ")
class OpensWhenItIsUsed(Right):
    def required(self) -> sqlite3.Connection:
        self.connect()
        return super().required()


@FAULTS.caught_by("test_use_without_a_connection_is_refused", "is_connected is True instead of False")
class OpensWhenItIsMade(Right):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.connect()


@FAULTS.caught_by("test_use_without_a_connection_is_refused", "execute raised AttributeError: ")
class AsksNobodyWhetherItIsOpen(Right):
    def required(self) -> sqlite3.Connection:
        return self.connection  # type: ignore[return-value]  # the fault


@FAULTS.caught_by("test_connect_and_close_may_be_called_again", "found: AttributeError: ")
class ClosesOnce(Right):
    def close(self) -> None:
        self.connection.close()  # type: ignore[union-attr]  # the fault
        self.connection = None


class KeptInMemory(Right):
    """In memory, for as long as it is open."""

    def new_connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


@FAULTS.caught_by("test_connect_and_close_may_be_called_again", "no such table: items")
class BeginsAnewWhenConnectedTwice(KeptInMemory):
    def connect(self) -> None:
        self.close()
        super().connect()


@FAULTS.caught_by("test_it_can_be_connected_again", "is_connected after connect is False instead of True")
class OpensOnlyOnce(Right):
    opened = False

    def connect(self) -> None:
        if not self.opened:
            super().connect()
        self.opened = True


@FAULTS.caught_by("test_it_can_be_connected_again", "the setting of foreign keys is {'foreign_keys': 0}")
class SetsUpTheFirstConnectionAlone(Right):
    opened = False

    def new_connection(self) -> sqlite3.Connection:
        connection = super().new_connection()
        if self.opened:
            connection.execute("PRAGMA foreign_keys = OFF")
        self.opened = True
        return connection


@FAULTS.caught_by("test_nothing_is_left_open", "the number of open files and of threads after 18 more cycles")
class KeepsConnections(Right):
    kept: ClassVar[list[sqlite3.Connection]] = []

    def close(self) -> None:
        if self.connection is not None:
            self.kept.append(self.connection)
        self.connection = None


@FAULTS.caught_by("test_nothing_is_left_open", "the number of open files and of threads after 18 more cycles")
class KeepsAThread(Right):
    def connect(self) -> None:
        super().connect()
        threading.Thread(target=threading.Event().wait, daemon=True).start()


@FAULTS.caught_by("test_nothing_is_left_open", "the number of open files and of threads after 18 more cycles")
class ClosesTheConnectionOfItsOwnThread(Right):
    """A connection for each thread; `close` gives back the one of the thread that calls it."""

    all: ClassVar[list[sqlite3.Connection]] = []

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.local = threading.local()

    def required(self) -> sqlite3.Connection:
        own = super().required()
        if threading.current_thread() is threading.main_thread():
            return own
        if getattr(self.local, "connection", None) is None:
            self.local.connection = self.new_connection()
            self.all.append(self.local.connection)
        connection: sqlite3.Connection = self.local.connection
        return connection


@FAULTS.caught_by("test_what_is_no_database_is_refused", "a foreign in the place of the database raised nothing")
class WritesOverWhatIsNoDatabase(Right):
    def new_connection(self) -> sqlite3.Connection:
        if self.path.is_file() and self.path.read_bytes()[:6] not in (b"SQLite", b""):
            self.path.unlink()
        return super().new_connection()


@FAULTS.caught_by("test_every_folder_is_a_base_of_its_own", "what the second one holds is ['first'] instead of []")
class SharesOneBase(Right):
    def new_connection(self) -> sqlite3.Connection:
        self.path = self.path.parents[2] / "one.db"
        return super().new_connection()


@FAULTS.caught_by("test_what_was_written_stays", "what the second one sees is ")
@FAULTS.caught_by("test_rekall_finds_it_again", "what another one finds meanwhile is []")
class SaysThatMemoryLasts(KeptInMemory):
    pass


@FAULTS.caught_by("test_a_busy_base_is_told", "the write raised QueryError: ")
class TakesABusyBaseForAWrongQuery(Right):
    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        try:
            return super().execute(query, params)
        except DatabaseBusyError as error:
            raise QueryError(str(error)) from error


@FAULTS.caught_by("test_a_backup_holds_everything", "found: FileExistsError: ")
class InsistsOnANewFile(Right):
    def backup(self, target: Path) -> None:
        target.touch(exist_ok=False)
        super().backup(target)


@FAULTS.caught_by("test_a_backup_holds_everything", "found: ")
class CopiesTheFileWithoutItsLog(Right):
    def new_connection(self) -> sqlite3.Connection:
        connection = super().new_connection()
        connection.execute("PRAGMA journal_mode = WAL")
        return connection

    def backup(self, target: Path) -> None:
        self.required()
        shutil.copyfile(self.path, target)


@FAULTS.caught_by("test_backup_is_stated", "backup, which is not stated, raised nothing", states=("persistent",))
class DoesNotSayThatItHasBackup(Right):
    pass


# threads


@FAULTS.caught_by("test_no_update_is_lost", "found: ")
@FAULTS.caught_by("test_rekall_is_used_by_many_threads", "found: ")
class SwallowsABusyBase(Right):
    """Says that a write was done which found the base busy."""

    turn = 0

    def execute_batch(self, statements: Any, *, idempotent: bool = False) -> int:
        self.turn += 1
        if self.turn % 20 == 0:
            return sum(statement.expect or 0 for statement in statements)
        return super().execute_batch(statements)


@FAULTS.caught_by(
    "test_any_thread_may_close", "SQLite objects created in a thread can only be used in that same thread"
)
class BelongsToOneThread(Right):
    def new_connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


@FAULTS.caught_by("test_threads_do_not_mix", "found: ")
class TellsTheResultOfTheLastCall(Right):
    last = Result(0)

    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        self.last = super().execute(query, params)
        time.sleep(0.001)
        return self.last


@FAULTS.caught_by("test_batches_are_seen_whole", "the sum that moves between two rows is {'n': 999}")
class ReadsWithoutWaiting(Right):
    """Reads on the connection that a batch is being written on."""

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        with self.translated():
            cursor = self.required().execute(query, params or ())
            names = [column[0] for column in cursor.description or ()]
            return [self.row(names, values) for values in cursor.fetchall()]

    def run(self, connection: sqlite3.Connection, sql: str, params: Params) -> Result:
        result = super().run(connection, sql, params)
        time.sleep(0.001)
        return result


@FAULTS.caught_by(
    "test_closing_under_use_is_told", "found: AttributeError: 'NoneType' object has no attribute 'execute'"
)
class LooksForItsConnectionTwice(Right):
    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        with self.translated():
            self.required()
            time.sleep(0.05)
            with self.lock:
                cursor = self.connection.execute(query, params or ())  # type: ignore[union-attr]  # the fault
                names = [column[0] for column in cursor.description or ()]
                return [self.row(names, values) for values in cursor]
