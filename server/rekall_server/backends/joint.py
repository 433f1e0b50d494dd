"""Writes that one thread makes one after the other, committed together: it alone writes meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from rekall.errors import DatabaseError

T = TypeVar("T")


class JointUndone(Exception):  # noqa: N818  # what happened; whoever asked does each by itself, and is told by that
    """Nothing of what was to be committed together was applied."""


class Joint(threading.local):
    """The transaction of this thread.

    There are no savepoints: at each of them SQLite's full-text index writes out what it has gathered. A write that
    fails after it has changed something undoes all of them.

    Attributes:
        is_open: the thread is in it.
        is_broken: it cannot be committed.
    """

    is_open = False
    is_broken = False

    def run(self, body: Callable[[], T]) -> T:
        """What `body` returns, run in the transaction.

        Raises:
            JointUndone: the transaction has to be undone.
        """
        self.is_open, self.is_broken = True, False
        try:
            result = body()
        finally:
            self.is_open = False
        if self.is_broken:
            raise JointUndone
        return result

    def write(self, connection: sqlite3.Connection, apply: Callable[[sqlite3.Connection], Any]) -> Any:
        """Apply one write in it.

        Raises:
            DatabaseError: what the write raises, or that the transaction is broken already.
        """
        if self.is_broken or not connection.in_transaction:
            self.is_broken = True
            raise DatabaseError("a write before this one failed, and all are undone")
        before = connection.total_changes
        try:
            return apply(connection)
        except BaseException:
            self.is_broken = self.is_broken or connection.total_changes != before or not connection.in_transaction
            raise
