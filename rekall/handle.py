"""The life of a base that a facade forwards to: opened once, through the container, and given back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from rekall.deprecation import warn_deprecated
from rekall.errors import ClosedError, NotSupportedError
from rekall.infra.container import ServiceContainer
from rekall.infra.interfaces import CacheBackend, DatabaseBackend
from rekall.store import Store
from rekall.store.access import Access
from rekall.store.session import AS_A_COMMAND, SessionOptions

__all__ = ["Access", "Handle", "SessionOptions"]


class Handle:
    """A base by its path, open or not.

    Args:
        path: the database file. A registered or configured back end that has no files keeps the base instead.
        container: resolves the back end; the one of this process if left out.
        options: how the base is used.
    """

    def __init__(
        self,
        path: Path,
        container: ServiceContainer | None = None,
        options: SessionOptions = AS_A_COMMAND,
    ) -> None:
        self.path = path
        self._options = options
        self._container = container
        self._backend: DatabaseBackend | None = None
        self._store: Store | None = None

    def open(self) -> None:
        """Resolve the back end and ensure the schema; again: nothing.

        Raises:
            ConfigError: the configured back end cannot be used.
            DatabaseError: the base cannot be opened; the file is left as it was.
        """
        if self._store is not None:
            return
        container = self._container or ServiceContainer.get_instance()
        backend = container.database(self.path)
        try:
            self._store = Store(backend, self.path, self._options, lambda: self.cache_backend)
        except BaseException:
            container.release(backend)
            raise
        self._container, self._backend = container, backend

    def close(self) -> None:
        """Give the back end back; a second call does nothing."""
        backend, self._backend, self._store = self._backend, None, None
        if backend is not None and self._container is not None:
            self._container.release(backend)

    @property
    def store(self) -> Store:
        """The repositories of the open base.

        Raises:
            ClosedError: before `open` and after `close`.
        """
        if self._store is None:
            raise ClosedError(f"{self.path} is not open: call init() first")
        return self._store

    @property
    def cache_backend(self) -> CacheBackend:
        """The cache of the container that the base comes from, made when it is first asked for.

        Raises:
            ConfigError: the configured back end cannot be used.
        """
        return (self._container or ServiceContainer.get_instance()).cache()

    @property
    def connection(self) -> sqlite3.Connection | None:
        """The raw connection, None before `open` and after `close`. Deprecated, as `Database.conn`.

        Raises:
            NotSupportedError: this back end has none.
        """
        warn_deprecated("Database.conn")
        if self._backend is None:
            return None
        connection = getattr(getattr(self._backend, "wrapped", None), "connection", None)
        if not isinstance(connection, sqlite3.Connection):
            raise NotSupportedError(
                "this database back end has no sqlite3 connection: use execute, fetch_one and fetch_all of its back end"
            )
        return connection
