"""The base that a server of MCP works on: opened once, and looked at before every call."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from rekall import config as configuration
from rekall.db import Database, SessionOptions
from rekall.infra.container import ServiceContainer

__all__ = ["ConfiguredBase", "Database", "SessionOptions"]

logger = logging.getLogger("rekall.mcp")
_OPTIONS = SessionOptions(keep_searches=True)


class ConfiguredBase:
    """The base that the configuration names, opened once; a failure is tried again by the next call.

    A restore by another process may put an older schema in it, which is migrated, or another file in its place, which
    is opened: what would be written to the former one is lost.

    Args:
        container: resolves the back end; the one of this process if left out.
        options: how the base is used.
    """

    def __init__(
        self,
        container: ServiceContainer | None = None,
        options: SessionOptions = _OPTIONS,
    ) -> None:
        # Reentrant: a signal may stop the process while its main thread is in `close` already.
        self._lock = threading.RLock()
        self._container = container
        self._options = options
        self._database: Database | None = None
        self._file: tuple[int, int] | None = None

    def open(self) -> Database:
        """The base, open.

        Raises:
            RekallError: it cannot be configured or opened.
        """
        with self._lock:
            if self._database is not None and self._file != _identity(self._database.db_path):
                self.close()
            if self._database is not None:
                self._database.store.ensure_schema()
            else:
                config = configuration.get_config()
                for warning in config.warnings:
                    logger.warning("%s", warning)
                database = Database(config.db_path, container=self._container, options=self._options)
                database.init()
                self._database, self._file = database, _identity(database.db_path)
            return self._database

    def at_once(self) -> Database | None:
        """The base if it is open and ready, waiting for nobody; else None: then `open` in a thread that may wait."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            database = self._database
            if database is None or self._file != _identity(database.db_path) or not database.store.is_ready():
                return None
            return database
        finally:
            self._lock.release()

    def is_replaced(self) -> bool:
        """Whether the file that is open is no longer the one at its path."""
        with self._lock:
            return self._database is not None and self._file != _identity(self._database.db_path)

    def close(self) -> None:
        """Give the base back; a second call does nothing."""
        with self._lock:
            database, self._database = self._database, None
            if database is not None:
                database.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one of the same name; None where there is none, as of a back end without files."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
