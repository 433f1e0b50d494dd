"""Database back ends with one deliberate fault each, in how they open and close, what they leave, and under threads."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from rekall.errors import CannotOpenError, DatabaseBusyError, QueryError
from rekall.infra import Result
from rekall.infra.interfaces import Params, Row
from support.database_faults import Faults
from support.right_databases import Right, Unstated

T = TypeVar("T")
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


# places, threads and output


@FAULTS.caught_by("test_every_folder_is_a_base_of_its_own", "what the second one holds is ['first'] instead of []")
class PutsItsPlaceIntoAnAddressAsItIs(Right):
    def new_connection(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.path}?mode=rwc", uri=True, isolation_level=None, check_same_thread=False)


@FAULTS.caught_by("test_a_backup_holds_everything", 'near "s": syntax error')
class PutsATargetIntoTheStatementAsItIs(Right):
    def backup(self, target: Path) -> None:
        with self.lock, self.translated():
            self.required().execute(f"VACUUM INTO '{target}'")


@FAULTS.caught_by("test_what_was_written_stays", "what the first one sees is ['first'] instead of ['first', 'second']")
class KeepsWhatItRead(Right):
    """Until it writes itself: what others write it does not see."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.kept: dict[str, list[Row]] = {}

    def atomically(self, body: Callable[[sqlite3.Connection], T]) -> T:
        self.kept.clear()
        return super().atomically(body)

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        key = f"{query} {params}"
        if key not in self.kept:
            self.kept[key] = super().fetch_all(query, params)
        return self.kept[key]


@FAULTS.caught_by("test_a_connect_that_failed_can_be_tried_again", "is_connected after a connect that failed is True")
class TakesATryForAConnection(Right):
    tried = False

    def connect(self) -> None:
        if not self.tried:
            self.tried = True
            super().connect()

    def close(self) -> None:
        self.tried = False
        super().close()

    def is_connected(self) -> bool:
        return self.tried


@FAULTS.caught_by("test_any_thread_may_connect", "the number of open files and of threads afterwards is ")
class ConnectsInEachThreadAtOnce(Right):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.opened: list[sqlite3.Connection] = []

    def connect(self) -> None:
        if self.connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = self.new_connection()
            self.opened.append(connection)
            time.sleep(0.01)  # the others are here by now
            self.connection = connection


@FAULTS.caught_by("test_threads_that_ended_leave_nothing_open", "and of threads after 30 more threads is ")
class KeepsAConnectionForEachThread(Right):
    """Until it is closed itself."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.of_threads: dict[threading.Thread, sqlite3.Connection] = {}

    def fetch_all(self, query: str, params: Params | None = None) -> list[Row]:
        thread = threading.current_thread()
        if self.connection is not None and thread not in self.of_threads:
            self.of_threads[thread] = self.new_connection()
        return super().fetch_all(query, params)

    def close(self) -> None:
        while self.of_threads:
            self.of_threads.popitem()[1].close()
        super().close()


@FAULTS.caught_by("test_a_busy_base_is_told", "connect or a first read raised CannotOpenError: not there")
class TakesABusyBaseForAMissingOne(Right):
    def new_connection(self) -> sqlite3.Connection:
        connection = super().new_connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            raise CannotOpenError("not there") from error
        return connection


@FAULTS.caught_by("test_nothing_is_printed", "what was printed is 'INSERT INTO items")
class Prints(Right):
    def execute(self, query: str, params: Params | None = None, *, idempotent: bool = False) -> Result:
        print(query)  # noqa: T201  # the fault
        return super().execute(query, params)
