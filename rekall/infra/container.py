"""Resolves the names `database` and `cache` to back ends, each wrapped once by `rekall.infra.instrument`.

A container is an object: tests and programs may have several. `ServiceContainer.get_instance()` is the one that the
facades of this process use. Nothing is created before it is asked for, and whoever opens a back end closes it.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from rekall import config as configuration
from rekall.deprecation import warn_deprecated
from rekall.errors import BackendError, ConfigError, RekallError
from rekall.infra import instrument
from rekall.infra.defaults import DefaultCacheBackend, DefaultDatabaseBackend
from rekall.infra.interfaces import CacheBackend, DatabaseBackend
from rekall.paths import PathSource

Implementation = DatabaseBackend | CacheBackend | Callable[..., Any]
"""A back end, its class, or a function that makes one; both receive the options and, if they take it, `path`."""

BUILT_IN: Mapping[str, Mapping[str, Implementation]] = {
    "database": {"sqlite": DefaultDatabaseBackend},
    "cache": {"local": DefaultCacheBackend},
}
_PATH_PARAMETERS = ("path", "db_path")


@dataclass
class _Opened:
    """A back end in use; `ours` when this container connected it, and so closes it."""

    backend: DatabaseBackend
    ours: bool
    users: int = 0


class ServiceContainer:
    """Finds, makes, wraps, shares and closes back ends.

    Args:
        config: gives the configuration when a back end is first needed; the one of this process if left out.
        retry: the timing of retries, for tests.
    """

    _instance: ClassVar[ServiceContainer | None] = None
    _instance_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self, *, config: Callable[[], configuration.Config] | None = None, retry: instrument.Retry | None = None
    ) -> None:
        self._config = config or (lambda: configuration.get_config())
        self._retry = retry
        self._lock = threading.RLock()
        self._registered: dict[str, Implementation] = {}
        self._databases: dict[object, _Opened] = {}
        self._cache: CacheBackend | None = None
        self._log: instrument.Logger | None = None

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
        """Tell whether a name can be resolved."""
        return (
            name in ("database", "cache")
            or name in self._registered
            or any(name in known for known in BUILT_IN.values())
        )

    def get(self, name: str) -> Any:
        """The back end registered under a name, wrapped; `database` is opened at the configured path.

        Raises:
            KeyError: the name is not registered.
        """
        if name == "database":
            return self.database()
        if name == "cache":
            return self.cache()
        if name not in self._registered:
            raise KeyError(f"{name} is not registered")
        return self._registered[name]

    def database(self, path: Path | None = None) -> DatabaseBackend:
        """The selected database back end on `path`, connected; each call is one use that `release` gives back.

        Args:
            path: the database file; the configured one if left out. A back end without files ignores it, unless config
                selected that back end and a flag or the environment named the path.

        Raises:
            ConfigError: unknown back end, unknown option, or a path that cannot be honoured.
            BackendError: the back end cannot be opened.
        """
        with self._lock:
            config = self._config()
            path = Path(path) if path is not None else config.db_path
            name, implementation, by_config = self._selected("database", config.database_backend)
            takes_path = not isinstance(implementation, DatabaseBackend) and _path_parameter(implementation) is not None
            if by_config and not takes_path and config.paths.source in (PathSource.CLI, PathSource.ENV):
                raise ConfigError(
                    f"the database back end {name} has no files, but {config.paths.origin('database')} names {path}: "
                    "take it back, or select another back end"
                )
            key: object = (name, id(implementation), path.resolve() if takes_path else None)
            opened = self._databases.get(key)
            if opened is None:
                made = _make(name, "database", implementation, config.database_options if by_config else {}, path)
                if not isinstance(made, DatabaseBackend):
                    raise _wrong_kind(name, made, DatabaseBackend)
                backend = instrument.instrument_database(made, name, retry=self._retry, log=self._logger(config))
                opened = _Opened(backend, ours=not made.is_connected())
                backend.connect()
                self._databases[key] = opened
            opened.users += 1
            return opened.backend

    def release(self, backend: DatabaseBackend) -> None:
        """Give one use of a database back end back; its last user closes it, unless it was open when registered."""
        with self._lock:
            for key, opened in self._databases.items():
                if opened.backend is backend:
                    opened.users -= 1
                    if opened.users <= 0:
                        del self._databases[key]
                        if opened.ours:
                            opened.backend.close()
                    return

    def cache(self) -> CacheBackend:
        """The selected cache back end, made on first use and shared.

        Raises:
            ConfigError: unknown back end or unknown option.
        """
        with self._lock:
            if self._cache is None:
                config = self._config()
                name, implementation, by_config = self._selected("cache", config.cache_backend)
                made = _make(name, "cache", implementation, config.cache_options if by_config else {}, None)
                if not isinstance(made, CacheBackend):
                    raise _wrong_kind(name, made, CacheBackend)
                self._cache = instrument.instrument_cache(made, name, retry=self._retry, log=self._logger(config))
            return self._cache

    def close(self) -> None:
        """Close every open back end, last opened first; a second call does nothing.

        Raises:
            RekallError: one or more could not be closed; all were tried, and all failures are named.
        """
        with self._lock:
            opened, self._databases, self._cache = list(self._databases.values()), {}, None
        failures = []
        for one in reversed([each for each in opened if each.ours]):
            try:
                one.backend.close()
            except BackendError as error:
                failures.append(error)
        if failures:
            raise RekallError("not closed: " + "; ".join(map(str, failures))) from failures[0]

    def reset(self) -> None:
        """Close everything and forget every registration."""
        self.close()
        with self._lock:
            self._registered.clear()

    def _selected(self, kind: str, name: str) -> tuple[str, Implementation, bool]:
        """The name and implementation to use for a kind, and whether config selected it."""
        if kind in self._registered:
            return kind, self._registered[kind], False
        implementation = self._registered.get(name) or BUILT_IN[kind].get(name)
        if implementation is None:
            known = sorted({*BUILT_IN[kind], *self._registered})
            raise ConfigError(f"unknown {kind} back end '{name}' in [backends]: available are {', '.join(known)}")
        return name, implementation, True

    def _logger(self, config: configuration.Config) -> instrument.Logger | None:
        if config.debug and self._log is None:
            self._log = instrument.debug_logger()
        return self._log if config.debug else None


def _make(name: str, kind: str, implementation: Implementation, options: Mapping[str, Any], path: Path | None) -> Any:
    """The back end itself, its options checked before it is made."""
    _check_options(name, kind, implementation, options)
    if isinstance(implementation, (DatabaseBackend, CacheBackend)):
        return implementation
    arguments = dict(options)
    parameter = _path_parameter(implementation)
    if parameter is not None and path is not None:
        arguments[parameter] = path
    return implementation(**arguments)


def _wrong_kind(name: str, made: object, wanted: type) -> ConfigError:
    return ConfigError(f"the back end {name} is a {type(made).__name__}, not a {wanted.__name__}")


def _parameters(implementation: Implementation) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(cast(Callable[..., Any], implementation)).parameters


def _path_parameter(implementation: Implementation) -> str | None:
    parameters = _parameters(implementation)
    return next((name for name in _PATH_PARAMETERS if name in parameters), None)


def _check_options(name: str, kind: str, implementation: Implementation, options: Mapping[str, Any]) -> None:
    if isinstance(implementation, (DatabaseBackend, CacheBackend)):
        if options:
            raise ConfigError(f"the back end {name} is registered as an instance: remove backends.{kind}_options")
        return
    types: Mapping[str, type] | None = getattr(implementation, "options", None)
    parameters = _parameters(implementation)
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    known = sorted(types if types is not None else set(parameters) - set(_PATH_PARAMETERS))
    for option, value in options.items():
        where = f"backends.{kind}_options.{option}"
        if option not in known and not (anything and types is None):
            raise ConfigError(f"unknown option {where}: the back end {name} knows {', '.join(known) or 'none'}")
        expected = types[option] if types is not None else None
        if expected is not None and (
            isinstance(value, bool) is not (expected is bool)
            or not isinstance(value, (int, float) if expected is float else expected)
        ):
            raise ConfigError(f"{where} is {value!r}: the back end {name} wants a value of type {expected.__name__}")


def get_database() -> DatabaseBackend:
    """The database back end of this process, on the configured path, connected."""
    return ServiceContainer.get_instance().database()


def get_cache() -> CacheBackend:
    """The cache back end of this process."""
    return ServiceContainer.get_instance().cache()


def has_backend(name: str) -> bool:
    """Tell whether this process can resolve a name."""
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
