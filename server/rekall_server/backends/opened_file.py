"""Which file is open, whatever its path leads to by now: what is written to a file that was removed is lost."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from rekall.errors import CannotOpenError
from rekall.infra.defaults import open_file
from rekall.infra.sqlite_errors import translated


class OpenedFile(NamedTuple):
    """A database file that is in use. Get it from `opened_file`.

    Args:
        path: absolute, so that it stays the same when the process changes its directory.
        name: the same as text, which costs less to look at.
        device: the number of the file system.
        inode: the number of the file there.
    """

    path: Path
    name: str
    device: int
    inode: int

    def check(self) -> None:
        """Go on if the path still leads to the file.

        Raises:
            CannotOpenError: it was removed or replaced, or cannot be looked at.
        """
        try:
            now = os.stat(self.name)  # noqa: PTH116  # takes less than Path.stat, and every read asks
        except OSError as error:
            raise CannotOpenError(
                f"{self.path} was removed while it was open ({error.strerror}): put it back or restore a backup, "
                "and start the program again"
            ) from error
        if now.st_ino != self.inode or now.st_dev != self.device:
            raise CannotOpenError(f"{self.path} was replaced while it was open: start the program again")

    def connection(self, busy_timeout: float) -> sqlite3.Connection:
        """One more connection to the file.

        Args:
            busy_timeout: seconds that a statement waits for a lock.

        Raises:
            DatabaseError: it cannot be opened any more.
        """
        with translated(self.path):
            connection = open_file(self.path, busy_timeout, create=False)
        try:
            self.check()
        except BaseException:
            connection.close()
            raise
        return connection


def opened_file(path: Path, busy_timeout: float) -> tuple[OpenedFile, sqlite3.Connection]:
    """A database file, made when it is missing, and a first connection to it.

    Args:
        path: the file.
        busy_timeout: seconds that a statement waits for a lock.

    Raises:
        DatabaseError: it cannot be opened.
    """
    path = path.absolute()
    with translated(path):
        before = path.stat() if path.exists() else None
        connection = open_file(path, busy_timeout)
    try:
        with translated(path):
            now = path.stat()
        opened = OpenedFile(path, str(path), now.st_dev, now.st_ino)
        if before is not None and (before.st_dev, before.st_ino) != (now.st_dev, now.st_ino):
            raise CannotOpenError(f"{path} was replaced while it was being opened: try again")
    except BaseException:
        connection.close()
        raise
    return opened, connection
