"""The base that a server of MCP works on: opened once, and looked at before every call."""

from __future__ import annotations

import logging
import math
import threading
import time
from pathlib import Path
from typing import NamedTuple

from rekall import config as configuration
from rekall.db import Database
from rekall.errors import CannotOpenError
from rekall.handle import Access, SessionOptions
from rekall.infra.container import ServiceContainer

__all__ = ["Access", "ConfiguredBase", "Database", "SessionOptions"]

logger = logging.getLogger("rekall.mcp")
_OPTIONS = SessionOptions(keep_searches=True)
_OTHERS_LOOK = 1.0
"""Seconds that another thread may take to look at a base, for which it counts as what it was."""


class _Opened(NamedTuple):
    """An open base.

    Args:
        database: is open.
        file: what tells its file from another one at the same path.
        seen: when it was last seen to be ready, by the monotonic clock.
    """

    database: Database
    file: tuple[int, int] | None
    seen: float

    def is_in_place(self) -> bool:
        """Whether the file is the one at its path."""
        return self.file == _identity(self.database.db_path)


class ConfiguredBase:
    """The base that the configuration names, opened once; a failure is tried again by the next call.

    A restore by another process may put an older schema in it, which is migrated, or another file in its place, which
    is opened: what would be written to the former one is lost.

    Args:
        container: resolves the back end; the one of this process if left out.
        options: how the base is used.
        create: make a base where there is none.
    """

    def __init__(
        self,
        container: ServiceContainer | None = None,
        options: SessionOptions = _OPTIONS,
        *,
        create: bool = True,
    ) -> None:
        self._create = create
        # Reentrant: a signal may stop the process while its main thread is in `close` already.
        self._lock = threading.RLock()
        self._container = container
        self._options = options
        self._opened: _Opened | None = None

    def open(self) -> Database:
        """The base, open.

        Raises:
            CannotOpenError: its file is gone: an empty one in its place would look as if all had been forgotten.
            RekallError: it cannot be configured or opened.
        """
        database = self.just_seen()
        if database is not None:
            return database
        with self._lock:
            database = self.just_seen()
            if database is not None:
                return database
            self._refuse_removed()
            if self.is_replaced():
                self.close()
            if self._opened is not None:
                database = self._opened.database
                before = database.backup_made
                database.store.ensure_schema()
                _tell_of_migration(database, before)
                self._see(self._opened)
                return database
            config = configuration.get_config()
            for warning in config.warnings:
                logger.warning("%s", warning)
            if not self._create:
                self._refuse_missing(config.db_path)
            database = Database(config.db_path, container=self._container, options=self._options)
            database.init()
            _tell_of_migration(database, None)
            self._see(_Opened(database, _identity(database.db_path), 0.0))
            return database

    def at_once(self) -> Database | None:
        """The base if it is open and ready, waiting for nobody; else None: then `open` in a thread that may wait."""
        database = self.just_seen()
        if database is not None:
            return database
        if not self._lock.acquire(blocking=False):
            return self.just_seen(_OTHERS_LOOK)
        try:
            opened = self._opened
            if opened is None or not opened.is_in_place() or not opened.database.store.is_ready():
                return None
            self._see(opened)
            return opened.database
        finally:
            self._lock.release()

    def just_seen(self, longer: float = 0.0) -> Database | None:
        """The base if it was ready a moment ago; takes no lock.

        Args:
            longer: seconds for which that counts beyond the usual ones.
        """
        opened = self._opened
        if opened is None or time.monotonic() - opened.seen >= self._options.fresh + longer or not opened.is_in_place():
            return None
        return opened.database

    def look_again(self) -> None:
        """Let the next call look at the schema, however short a time ago it was seen."""
        with self._lock:
            if self._opened is not None:
                self._opened = self._opened._replace(seen=-math.inf)

    def is_replaced(self) -> bool:
        """Whether another file is at the path of the one that is open."""
        opened = self._opened
        return opened is not None and _identity(opened.database.db_path) not in (None, opened.file)

    def close(self) -> None:
        """Give the base back; a second call does nothing."""
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is not None:
                opened.database.close()

    def _refuse_removed(self) -> None:
        opened = self._opened
        if opened is not None and opened.file is not None and _identity(opened.database.db_path) is None:
            raise _gone(opened.database.db_path)

    def _refuse_missing(self, path: Path) -> None:
        container = self._container or ServiceContainer.get_instance()
        if _identity(path) is None and container.selected("database").takes_path:
            raise _gone(path)

    def _see(self, opened: _Opened) -> None:
        self._opened = opened._replace(seen=time.monotonic())


def _tell_of_migration(database: Database, before: Path | None) -> None:
    """Log that the base was migrated.

    Args:
        database: is open.
        before: the backup of the migration before, if there was one.
    """
    backup = database.backup_made
    if backup is not None and backup != before:
        logger.warning(
            "%s now has schema %d; what it was is in %s", database.db_path, database.get_schema_version(), backup
        )


def _gone(path: Path) -> CannotOpenError:
    return CannotOpenError(f"{path} was removed while it was in use: put a backup there with 'rekall restore'")


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; None where there is none, as of a back end without files."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
