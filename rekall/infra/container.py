"""Resolves the names `database` and `cache` to back ends, each wrapped once by `rekall.infra.instrument`.

A container is an object: tests and programs may have several. `ServiceContainer.get_instance()` is the one that the
facades of this process use. Nothing is created before it is asked for, and whoever opens a back end closes it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from rekall import config as configuration
from rekall.config import Config
from rekall.deprecation import warn_deprecated
from rekall.infra.debug_log import Logger, debug_logger, told_to_all
from rekall.infra.instrument import Retry, instrument
from rekall.infra.interfaces import KINDS, CacheBackend, DatabaseBackend
from rekall.infra.selection import Implementation, Selection, select
from rekall.infra.sharing import SharedDatabases
from rekall.infra.versions import Supported


class ServiceContainer:
    """Finds, makes, wraps, shares and closes back ends.

    Args:
        config: gives the configuration whenever a back end is asked for; the one of this process if left out.
        retry: the timing of retries, for tests.
        supported: the versions of the interfaces that are taken; those of this Rekall if left out.
        observer: takes one event for each attempt of a back-end call, as the debug log does (`rekall.infra.debug_log`);
            for a server's metrics.
    """

    _instance: ClassVar[ServiceContainer | None] = None
    _instance_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        *,
        config: Callable[[], Config] | None = None,
        retry: Retry | None = None,
        supported: Supported | None = None,
        observer: Logger | None = None,
    ) -> None:
        self._observer = observer
        self._config = config or (lambda: configuration.get_config())
        self._retry = retry
        self._supported = supported or Supported()
        self._lock = threading.RLock()
        self._registered: dict[str, Implementation] = {}
        self._databases = SharedDatabases()
        self._cache: CacheBackend | None = None

    @classmethod
    def get_instance(cls) -> ServiceContainer:
        """The container of this process."""
        with cls._instance_lock:
            if cls._instance is None:
                cls._instance = cls()
            return cls._instance

    @classmethod
    def reset_instance(cls) -> None:
        """Close the container of this process and forget it."""
        with cls._instance_lock:
            instance, cls._instance = cls._instance, None
        if instance is not None:
            instance.close()

    def register(self, name: str, backend: Implementation) -> None:
        """Make a back end known; `database` and `cache` replace the selected one, other names are selectable by config.

        Args:
            name: `database`, `cache`, or the name that `[backends]` in config.toml gives.
            backend: an instance, a class or a function that makes one.
        """
        with self._lock:
            self._registered[name] = backend
            self._cache = None

    def has(self, name: str) -> bool:
        """Tell whether `get` knows a name: `database` and `cache` always, others once they are registered."""
        return name in KINDS or name in self._registered

    @property
    def registered(self) -> Mapping[str, Implementation]:
        """What was registered so far, by name."""
        return dict(self._registered)

    def get(self, name: str) -> Any:
        """What a name stands for.

        Args:
            name: `database` (opened at the configured path) and `cache` give the back end in use; any other name gives
                what was registered, as it is.

        Raises:
            KeyError: the name is not registered.
        """
        if name in KINDS:
            return self.database() if name == "database" else self.cache()
        if name not in self._registered:
            raise KeyError(f"{name} is not registered")
        return self._registered[name]

    def database(self, path: Path | None = None) -> DatabaseBackend:
        """The selected database back end on `path`, connected; each call is one use that `release` gives back.

        Args:
            path: the database file; the configured one if left out. A back end without files ignores it, unless config
                selected that back end and a flag or the environment named the file.

        Raises:
            ConfigError: unknown back end, unknown option, or a path that cannot be honoured.
            BackendError: the back end cannot be opened.
        """
        with self._lock:
            config = self._config()
            path = config.db_path if path is None else Path(path)
            selection = select("database", config, self._registered, self._supported)
            selection.refuse_named_file(config.paths, path)
            return self._databases.use(
                selection.implementation,
                (selection.name, os.path.realpath(path) if selection.takes_path else None),
                make=lambda: self._wrapped(selection, config, path),
                connect=selection.connect,
            )

    def release(self, backend: DatabaseBackend) -> None:
        """Give one use of a database back end back; its last user closes it, unless it was open when registered."""
        with self._lock:
            self._databases.release(backend)

    def cache(self) -> CacheBackend:
        """The selected cache back end, made on first use and shared.

        Raises:
            ConfigError: unknown back end or unknown option.
        """
        with self._lock:
            if self._cache is None:
                config = self._config()
                selection = select("cache", config, self._registered, self._supported)
                self._cache = self._wrapped(selection, config, None)
            return self._cache

    def selected(self, kind: str) -> Selection:
        """The back end that `database` or `cache` would give, not made yet.

        Args:
            kind: `database` or `cache`.

        Raises:
            ConfigError: unknown back end.
        """
        with self._lock:
            return select(kind, self._config(), self._registered, self._supported)

    def close(self) -> None:
        """Close every back end that this container opened, last opened first; a second call does nothing.

        Raises:
            RekallError: one or more could not be closed; all were tried, and all failures are named.
        """
        with self._lock:
            databases, self._databases, self._cache = self._databases, SharedDatabases(), None
        databases.close_all()

    def reset(self) -> None:
        """Close everything and forget every registration."""
        with self._lock:
            self._registered.clear()
        self.close()

    def _wrapped(self, selection: Selection, config: Config, path: Path | None) -> Any:
        log = told_to_all(debug_logger(config) if config.debug else None, self._observer)
        return instrument(selection.make(path), selection.name, retry=self._retry, log=log, told=selection.told)


def get_database() -> DatabaseBackend:
    """The database back end of this process on the configured path, connected until the container closes."""
    return ServiceContainer.get_instance().database()


def get_cache() -> CacheBackend:
    """The cache back end of this process."""
    return ServiceContainer.get_instance().cache()


def has_backend(name: str) -> bool:
    """Tell whether this process knows a name (see `ServiceContainer.has`)."""
    return ServiceContainer.get_instance().has(name)


def register_backend(
    name: str, implementation: Implementation | None = None, *, backend: Implementation | None = None
) -> None:
    """Make a back end known to this process (see `ServiceContainer.register`).

    Args:
        name: `database` or `cache` to replace the selected one at once, else the name that config.toml selects.
        implementation: an instance, a class or a function that makes one.
        backend: the name of that argument in 0.3, deprecated.

    Raises:
        TypeError: no implementation, or two.
    """
    if backend is not None:
        if implementation is not None:
            raise TypeError("register_backend takes one implementation, not two")
        warn_deprecated("register_backend(backend=)")
        implementation = backend
    if implementation is None:
        raise TypeError("register_backend needs an implementation: an instance, a class or a function")
    ServiceContainer.get_instance().register(name, implementation)
