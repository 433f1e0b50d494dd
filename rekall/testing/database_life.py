"""Checks of a database back end: its class, opening and closing, what it leaves open, and what others see."""

from __future__ import annotations

import functools
import gc
import inspect
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rekall.errors import ClosedError, IntegrityError, NotSupportedError, QueryError, RekallError, TransientError
from rekall.infra.interfaces import DatabaseBackend, Statement
from rekall.infra.selection import PATH_PARAMETERS
from rekall.infra.versions import Supported, check
from rekall.testing.capabilities import Conformance
from rekall.testing.contract import broken, contract, holds, same
from rekall.testing.database_frame import INSERT, DatabaseFrame, Streamed, methods, nothing_kept, refused, values
from rekall.testing.pressure import in_threads, kept_open

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "connect": (),
    "close": (),
    "is_connected": (),
    "execute": ("query", "params"),
    "fetch_one": ("query", "params"),
    "fetch_all": ("query", "params"),
    "execute_batch": ("statements",),
    "backup": ("target",),
}
_CYCLES = 20
_PASSING = 30
"""Threads of which each reads once and ends; more than the connections of an ordinary pool."""
_GRACE = 1.0
"""Seconds in which a thread ends, and a connection, once `close` has returned."""
_BOUND = 10.0
"""Seconds within which a call answers while another one holds the base: the deadline of the retry layer."""


class LifeChecks(DatabaseFrame):
    """Opened, closed, given back."""

    @contract("a back end derives from DatabaseBackend and states an interface_version that this Rekall takes")
    def test_it_states_its_interface(self, tmp_path: Path) -> None:
        backend = self.made(tmp_path)
        holds(isinstance(backend, DatabaseBackend), f"{type(backend).__name__} does not derive from DatabaseBackend")
        own = type(backend).__module__.partition(".")[0] == "rekall"
        check(type(backend), "the database back end", Supported(), stated=not own)

    @contract("every method is there, is no coroutine, and takes the interface's parameters by position and by name")
    def test_methods_have_the_signatures_of_the_interface(self, tmp_path: Path) -> None:
        backend = self.made(tmp_path)
        for name, arguments in _ARGUMENTS.items():
            method = getattr(backend, name)
            holds(not inspect.iscoroutinefunction(method), f"{name} is a coroutine")
            signature = inspect.signature(method)
            by_name: dict[str, Any] = dict.fromkeys(arguments)
            for given, named in ((arguments, {}), ((), by_name), (arguments[:1], {})):
                try:
                    signature.bind(*given, **named)
                except TypeError as error:
                    broken(f"{name}{signature} instead of {name}({', '.join(arguments)}): {error}", error)

    @contract("each option that the class states in `options` is a parameter of its constructor")
    def test_options_are_parameters(self) -> None:
        implementation = self.implementation()
        parameters = inspect.signature(implementation).parameters
        anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        stated: Any = getattr(implementation, "options", None) or {}
        missing = [] if anything else sorted(set(stated).difference(parameters))
        same(missing, [], "the list of options that the constructor does not take")

    @pytest.mark.parametrize("closed", [False, True], ids=["before connect", "after close"])
    @contract("before connect and after close every call raises ClosedError, opens nothing and waits for nothing")
    def test_use_without_a_connection_is_refused(self, tmp_path: Path, closed: bool) -> None:
        if closed:
            backend = self.opened(tmp_path)
            backend.close()
        else:
            backend = self.made(tmp_path)
        same(backend.is_connected(), False, "is_connected")
        for name, call in methods(backend).items():
            sql = "SELECT 1" if name.startswith("fetch") else "UPDATE items SET value = 1"
            refused(name, ClosedError, call, sql, ())
        refused("execute_batch of nothing", ClosedError, backend.execute_batch, [])
        if "backup" in self.capabilities:
            refused("backup", ClosedError, backend.backup, tmp_path / "copy.db")
        same(backend.is_connected(), False, "is_connected after it was used")

    @contract("connect and close may be called again and do nothing then; close may come before connect")
    def test_connect_and_close_may_be_called_again(self, tmp_path: Path) -> None:
        unused: DatabaseBackend = self.made(tmp_path / "unused")
        unused.close()
        backend = self.opened(tmp_path)
        backend.execute(INSERT, ("kept",))
        backend.connect()
        same(backend.is_connected(), True, "is_connected after the second connect")
        same(values(backend), ["kept"], "what the table holds after the second connect")
        backend.close()
        backend.close()
        same(backend.is_connected(), False, "is_connected after the second close")

    @contract("a back end that was closed can be connected again, and works as before")
    def test_it_can_be_connected_again(self, tmp_path: Path) -> None:
        backend = self.opened(tmp_path)
        for _ in range(2):
            backend.close()
            backend.connect()
            same(backend.is_connected(), True, "is_connected after connect")
            same(backend.fetch_one("SELECT 1 AS n"), {"n": 1}, "a row")
        backend.execute_batch(
            [Statement("CREATE TABLE IF NOT EXISTS again (x)"), Statement("INSERT INTO again VALUES (1)")]
        )
        orphan = Statement("CREATE TABLE IF NOT EXISTS a (x UNIQUE)"), Statement("INSERT INTO a VALUES (1), (1)")
        refused("a batch that breaks a constraint", IntegrityError, backend.execute_batch, orphan)
        same(backend.fetch_one("PRAGMA foreign_keys"), {"foreign_keys": 1}, "the setting of foreign keys")
        backend.close()

    @contract("close gives back every connection, file and thread, whatever thread used it and whatever failed before")
    def test_nothing_is_left_open(self, tmp_path: Path) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            for cycle in range(_CYCLES):
                backend = self.opened(tmp_path)
                in_threads(functools.partial(_read, backend))
                refused("a wrong query", QueryError, backend.fetch_all, "SELECT wrong")
                refused("a wrong batch", QueryError, backend.execute_batch, [Statement("wrong")])
                backend.close()
                if cycle == 1:  # what is made once, and kept, is there by now
                    before = kept_open()
            after = _kept_open(before)
            del backend
            gc.collect()
        same(after, before, f"the number of open files and of threads after {_CYCLES - 2} more cycles")
        unclosed = [str(each.message) for each in caught if issubclass(each.category, ResourceWarning)]
        same(unclosed, [], "the list of warnings about what was never closed")

    @contract("a place that holds no database is refused by connect or the first use, for good, and nothing stays open")
    def test_what_is_no_database_is_refused(self, tmp_path: Path) -> None:
        self._needs_its_own_path()
        for name in ("folder", "foreign"):
            file = tmp_path / name / "base" / "knowledge.db"
            file.parent.mkdir(parents=True)
            if name == "folder":
                file.mkdir()
            else:
                file.write_bytes(b"This is a text and no database. " * 200)
            before = (0, 0)
            for attempt in range(3):
                backend: DatabaseBackend = self.made(tmp_path / name)
                refused(f"a {name} in the place of the database", RekallError, _use, backend)
                backend.close()
                if attempt == 0:
                    before = kept_open()
            same(_kept_open(before), before, "the number of open files and of threads after more attempts")

    @contract("a connect that failed leaves it unconnected, and another one works once what was wrong is mended")
    def test_a_connect_that_failed_can_be_tried_again(self, tmp_path: Path) -> None:
        self._needs_its_own_path()
        obstacle = tmp_path / "base"
        obstacle.write_bytes(b"no folder")
        backend: DatabaseBackend = self.made(tmp_path)
        refused("connect with a file in the place of the folder", RekallError, backend.connect)
        same(backend.is_connected(), False, "is_connected after a connect that failed")
        obstacle.unlink()
        backend.connect()
        same((backend.is_connected(), backend.fetch_one("SELECT 1 AS n")), (True, {"n": 1}), "is_connected, and a row")
        backend.close()

    @contract("eight threads may connect at once: all are connected then, and one close gives everything back")
    def test_any_thread_may_connect(self, tmp_path: Path) -> None:
        warm = self.opened(tmp_path)
        in_threads(functools.partial(_read, warm))
        warm.close()
        before = kept_open()
        for _ in range(3):
            backend: DatabaseBackend = self.made(tmp_path)
            in_threads(functools.partial(_connect_and_read, backend))
            same(backend.is_connected(), True, "is_connected")
            backend.close()
            same(_kept_open(before), before, "the number of open files and of threads afterwards")

    @contract("a thread that has ended leaves nothing open: who serves for months is asked by ever new ones")
    def test_threads_that_ended_leave_nothing_open(self, database: DatabaseBackend) -> None:
        counts = []
        for _ in range(2):
            for _ in range(_PASSING):
                passing = threading.Thread(target=_read, args=(database, 0))
                passing.start()
                passing.join()
            counts.append(kept_open())
        same(_kept_open(counts[0]), counts[0], f"the number of open files and of threads after {_PASSING} more threads")

    @contract("a back end prints nothing: standard output belongs to the answers of commands, and to MCP")
    def test_nothing_is_printed(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        capfd.readouterr()
        backend = self.opened(tmp_path)
        backend.connect()
        backend.execute(INSERT, ("a",))
        same(values(backend), ["a"], "what the table holds")
        refused("a wrong query", QueryError, backend.fetch_all, "SELECT wrong")
        refused("a wrong batch", QueryError, backend.execute_batch, [Statement("wrong")])
        backend.close()
        backend.close()
        same(capfd.readouterr().out, "", "what was printed")

    @contract("two that make makes for different folders share nothing, whatever the folders are called")
    def test_every_folder_is_a_base_of_its_own(self, tmp_path: Path) -> None:
        first, second = self.opened(tmp_path / "It's 100%41 #1"), self.opened(tmp_path / "It's 100%41 #2")
        first.execute(INSERT, ("first",))
        same(values(second), [], "what the second one holds")
        second.close()
        same(values(first), ["first"], "what the first one holds when the second is closed")
        first.close()

    @contract("another back end for the same place sees what was written, at once, and still after all were closed")
    def test_what_was_written_stays(self, tmp_path: Path) -> None:
        self.needs("persistent")
        first, second = self.opened(tmp_path), self.opened(tmp_path)
        first.execute(INSERT, ("first",))
        same(values(first), ["first"], "what the first one sees")  # and must not keep: another one writes now
        same(values(second), ["first"], "what the second one sees")
        second.execute_batch([Statement(INSERT, ("second",))])
        same(values(first), ["first", "second"], "what the first one sees")
        first.close()
        same(values(second), ["first", "second"], "what the second one sees once the first is closed")
        second.close()
        third = self.opened(tmp_path)
        same(values(third), ["first", "second"], "what a third one sees later")
        third.close()

    @contract(
        "a call, connect too, that meets a base which another one holds waits, or raises a TransientError within 10 s"
    )
    def test_a_busy_base_is_told(self, tmp_path: Path) -> None:
        self.needs("persistent")
        holder, other = self.opened(tmp_path), self.opened(tmp_path)
        third: DatabaseBackend = self.made(tmp_path)
        calls = {"the write": lambda: other.execute(INSERT, ("other",)), "connect or a first read": lambda: _use(third)}
        outcome: dict[str, Exception | None] = {}
        waiting = [threading.Thread(target=_note_error, args=(outcome, *call), daemon=True) for call in calls.items()]

        def statements() -> Iterator[Statement]:
            yield Statement(INSERT, ("holder",))
            for thread in waiting:
                thread.start()
            for thread in waiting:
                thread.join(_BOUND)
            yield Statement(INSERT, ("holder",))

        started = time.monotonic()
        holder.execute_batch(Streamed(statements))
        took = time.monotonic() - started
        for thread in waiting:
            thread.join(_BOUND)
        holds(len(outcome) == len(calls) and took < _BOUND, f"a call that had not ended after {took:.0f} seconds")
        for what, error in outcome.items():
            told = f"{what} raised {type(error).__name__}: {error}"
            holds(error is None or isinstance(error, TransientError), told)
        wanted = ["holder", "holder"] if outcome["the write"] else ["holder", "holder", "other"]
        same(sorted(values(holder)), wanted, "what the table holds")
        other.execute(INSERT, ("later",))
        third.close()
        other.close()
        holder.close()

    @contract("backup writes all that was written to a SQLite file, new or empty, which is whole, and goes on working")
    def test_a_backup_holds_everything(self, database: DatabaseBackend, tmp_path: Path) -> None:
        self.needs("backup")
        database.execute_batch([Statement(INSERT, (f"{n}",)) for n in range(1000)])
        new, empty = tmp_path / "It's 100%41 #new.db", tmp_path / "empty.db"
        empty.touch(mode=0o600)  # as Rekall makes a file that only its owner can read
        for target in (new, empty):
            database.backup(target)
            with closing(sqlite3.connect(f"{target.as_uri()}?mode=ro", uri=True)) as copy:
                found = copy.execute("SELECT count(*), max(id) FROM items").fetchone()
                same(found, (1000, 1000), f"the number of rows, and the last id, of the copy in the {target.stem} file")
                same(copy.execute("PRAGMA integrity_check").fetchone(), ("ok",), "the integrity check of the copy")
        database.execute(INSERT, ("after",))
        same(len(values(database)), 1001, "the number of rows afterwards")

    @contract("a back end that has backup states the capability, and one that has none raises NotSupportedError")
    def test_backup_is_stated(self, database: DatabaseBackend, tmp_path: Path) -> None:
        if "backup" not in self.capabilities:
            refused("backup, which is not stated,", NotSupportedError, database.backup, tmp_path / "copy.db")
            nothing_kept(database, "a backup that was refused")
        else:
            holds(type(database).backup is not DatabaseBackend.backup, "the capability `backup`, but no such method")

    def _needs_its_own_path(self) -> None:
        parameters = inspect.signature(self.implementation()).parameters
        takes_path = any(name in parameters for name in PATH_PARAMETERS["database"])
        if not takes_path or type(self).make is not Conformance.make:
            pytest.skip("not checked: the back end takes no path=, or the class has a make of its own")


def _kept_open(before: tuple[int, int]) -> tuple[int, int]:
    """What is open now; what is being closed at this moment, by a thread that was told to, has a while to go."""
    until = time.monotonic() + _GRACE
    while (now := kept_open()) > before and time.monotonic() < until:
        time.sleep(0.05)
    return now


def _read(backend: DatabaseBackend, _: int) -> None:
    values(backend)


def _connect_and_read(backend: DatabaseBackend, _: int) -> None:
    backend.connect()
    same(backend.fetch_one("SELECT 1 AS n"), {"n": 1}, "a row")


def _use(backend: DatabaseBackend) -> Any:
    backend.connect()
    return backend.fetch_all("SELECT name FROM sqlite_master")


def _note_error(outcome: dict[str, Exception | None], what: str, call: Callable[[], object]) -> None:
    """Keep what a call raised, None for nothing, under its name."""
    try:
        call()
    except Exception as error:  # noqa: BLE001  # judged by whoever asked
        outcome[what] = error
    else:
        outcome[what] = None
