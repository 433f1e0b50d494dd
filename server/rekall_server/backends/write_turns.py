"""Whose turn it is to write: at once where nobody writes, else in the order of asking, and then together.

A write that could run at once is run by the thread that asked. Those that had to wait are run by one thread, in common
transactions: the more of them wait, the cheaper is each. What makes its statements up as it goes is the caller's own
code, and always runs in the caller's thread, alone.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

from rekall.errors import ClosedError, DatabaseBusyError, DatabaseError, QueryError
from rekall.infra.interfaces import CallGivenUp
from rekall_server.backends.opened_file import OpenedFile
from rekall_server.backends.read_pool import GRACE, LONGEST_CLOSE
from rekall_server.backends.transactions import Transactions
from rekall_server.backends.write import Write


class WriteTurns:
    """The writes of all threads, one after the other.

    Args:
        file: the database.
        transactions: what applies them.
        wait_timeout: seconds that a write waits for its turn.

    Attributes:
        owner: the thread that uses the connection now.
    """

    def __init__(self, file: OpenedFile, transactions: Transactions, wait_timeout: float) -> None:
        self.owner: int | None = None
        self._file = file
        self._transactions = transactions
        self._wait_timeout = wait_timeout
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting: deque[Write] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many writes wait for their turn."""
        return len(self._waiting)

    def run(self, write: Write, *, at_once: bool = False) -> Any:
        """Apply a write of this thread, and return what it returned.

        Args:
            at_once: this thread may not wait.

        Raises:
            CallGivenUp: `at_once`, and it would have to wait; nothing was applied.
            DatabaseBusyError: it was not its turn in time, or another process kept the lock; nothing was applied.
            QueryError: this thread is making up the statements of another write.
            ClosedError: the base is closed; nothing was applied.
            BaseException: what the write raised; nothing was applied.
        """
        if self.owner == write.thread:
            if at_once:
                raise CallGivenUp
            raise QueryError(
                "a write was asked for while the statements of another one are being made: give both as one batch"
            )
        try:
            if not self._take_turn(write, at_once=at_once):
                self._wait(write)
            if self.owner == write.thread:
                self._transactions.alone(write, at_once=at_once)
        finally:
            if self.owner == write.thread:
                self._pass_on()
        return write.outcome()

    def close(self) -> None:
        """Refuse who waits, let the write that runs end, or be undone after a moment, and end the thread."""
        with self._lock:
            self._closed = True
            refused, self._waiting = self._waiting, deque()
            for write in refused:
                write.end(self._closed_error())
            self._changed.notify_all()
            if self.owner == threading.get_ident():  # its own statements close the base: undone, and closed after it
                self._transactions.end()
                return
            if not self._changed.wait_for(lambda: self.owner is None, GRACE):
                self._transactions.end()
                if not self._changed.wait_for(lambda: self.owner is None, LONGEST_CLOSE):
                    return
            self._transactions.close()
        if self._thread is not None:
            self._thread.join(LONGEST_CLOSE)

    def _take_turn(self, write: Write, *, at_once: bool) -> bool:
        """Take the turn for a write, or let it wait for that; whether it has it.

        Raises:
            CallGivenUp: `at_once`, and somebody else has it.
            ClosedError: the base is closed.
        """
        with self._lock:
            if self._closed:
                raise self._closed_error()
            if self.owner is None and not self._waiting:
                self.owner = write.thread
                return True
            if at_once:
                raise CallGivenUp
            if write.joins and self._thread is None:
                self._start()
            self._waiting.append(write)
            return False

    def _wait(self, write: Write) -> None:
        """Wait until a write has ended, or has its turn."""
        try:
            if write.signal.acquire(timeout=self._wait_timeout):
                return
        except BaseException:  # Ctrl-C
            if not self._withdrawn(write):
                while not write.has_ended and self.owner != write.thread:
                    write.signal.acquire(timeout=GRACE)
            raise
        if self._withdrawn(write):
            raise DatabaseBusyError(
                f"others have been writing to {self._file.path} for {self._wait_timeout:g} s: nothing was written, "
                "try again, or raise wait_timeout"
            )
        write.signal.acquire()  # somebody has begun with it

    def _withdrawn(self, write: Write) -> bool:
        """Take a write back; False when somebody has begun with it."""
        with self._lock:
            if write not in self._waiting:
                return False
            self._waiting.remove(write)
            return True

    def _pass_on(self) -> None:
        """Give the connection to whoever is next."""
        with self._lock:
            try:
                if self._closed:
                    self._transactions.close()
            finally:
                self.owner = None
                self._give_turn()

    def _give_turn(self) -> None:
        """Wake who is next, when the connection is free. Whoever calls holds the lock."""
        if self._waiting and not self._waiting[0].joins:
            write = self._waiting.popleft()
            self.owner = write.thread
            write.signal.release()
        elif self._waiting or self._closed:
            self._changed.notify_all()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._write_for_all, name="rekall-writer", daemon=True)
        self._thread.start()

    def _write_for_all(self) -> None:
        """The thread: applies what waits and joins."""
        me = threading.get_ident()
        while True:
            with self._lock:
                while not self._closed and (self.owner is not None or not self._waiting):
                    self._changed.wait()
                if self._closed:
                    return
                if not self._waiting[0].joins:
                    self._give_turn()  # the one before it was withdrawn
                    continue
                self.owner = me
                first = self._waiting.popleft()
                began = time.monotonic()
            try:
                self._transactions.together(first, self._next)
            except DatabaseError as error:
                self._refuse(first, error, began)
            finally:
                del first
                self._pass_on()

    def _next(self) -> Write | None:
        with self._lock:
            joins = self._waiting and self._waiting[0].joins
            return self._waiting.popleft() if joins else None

    def _refuse(self, first: Write, error: DatabaseError, began: float) -> None:
        """End all that have waited as long as the first: no transaction could be begun, for them neither."""
        refused = [first]
        with self._lock:
            while self._waiting and self._waiting[0].since <= began:
                refused.append(self._waiting.popleft())
        for write in refused:
            write.end(error)

    def _closed_error(self) -> ClosedError:
        return ClosedError(f"{self._file.path} is closed: call connect first")
