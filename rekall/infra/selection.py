"""Which back end is in use, and whether it can be given what config says: settled before anything is opened."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from rekall.config import Config
from rekall.config_file import CONFIG_NAME
from rekall.config_keys import wrong_type
from rekall.errors import ConfigError, RekallError
from rekall.infra.defaults import DefaultCacheBackend, DefaultDatabaseBackend
from rekall.infra.interfaces import KINDS, CacheBackend, DatabaseBackend
from rekall.infra.versions import Supported, check
from rekall.paths import ResolvedPaths

if TYPE_CHECKING:
    from rekall.infra.discovery import Plugin
    from rekall.infra.foreign import Foreign

T = TypeVar("T")
Implementation = DatabaseBackend | CacheBackend | Callable[..., Any]
"""A back end, its class, or a function that makes one; both receive the options and, if they take it, the path."""

BUILT_IN: Mapping[str, Mapping[str, Implementation]] = {
    "database": {"sqlite": DefaultDatabaseBackend},
    "cache": {"local": DefaultCacheBackend},
}
KNOWN: Mapping[str, Mapping[str, str]] = {
    "database": {"pooled": "rekall-server", "rqlite": "rekall-server"},
    "cache": {"redis": "rekall-server"},
}
"""The distributions that bring well-known back ends, for who selects one without having it."""
PATH_PARAMETERS: Mapping[str, tuple[str, ...]] = {"database": ("path", "db_path"), "cache": ()}
"""By what name a back end takes the database file; what a cache calls `path` is an option like others."""
_ACCEPTED = {bool: "a boolean", int: "an integer", float: "a number", str: "text", list: "an array", dict: "a table"}


class Selection(NamedTuple):
    """One back end to use, not made yet.

    Args:
        kind: `database` or `cache`.
        name: the name that it is registered under.
        implementation: the back end, its class or a function that makes one.
        file: the config.toml in use, for messages.
        configured: whether config selected it, by name.
        options: what that file gives it.
        supported: the versions of the interface that are taken.
        setting: what selected it, as text for a person.
        plugin: the entry point that it comes from, None for a built-in or registered one.
        origins: what gives an option, as text for a person, where it is not that file.
    """

    kind: str
    name: str
    implementation: Implementation
    file: Path
    configured: bool
    options: Mapping[str, Any]
    supported: Supported = Supported()
    setting: str = ""
    plugin: Plugin | None = None
    origins: Mapping[str, str] = MappingProxyType({})

    @property
    def takes_path(self) -> bool:
        """Whether it is made for one database file; one that was made before, or has no files, is not."""
        return self._path_parameter() is not None

    def refuse_named_file(self, paths: ResolvedPaths, path: Path) -> None:
        """Refuse a file that a flag or the environment names, when config selects a back end that cannot honour it.

        Raises:
            ConfigError: it is so.
        """
        if self.configured and not self.takes_path and paths.database_named and path == paths.db_path:
            selector = self.setting.removesuffix(": backends.database")
            raise ConfigError(
                f"{paths.origin('database')} names {path}, but {selector} selects the database back end {self.name}, "
                "which has no file to choose: take back one of the two"
            )

    def make(self, path: Path | None) -> Any:
        """The back end itself.

        Args:
            path: the database file, for a back end that takes one.

        Raises:
            ConfigError: an option that is unknown, missing or of a wrong type, or a back end of another kind.
        """
        made: Any = self.implementation
        what = self._what
        if isinstance(made, (DatabaseBackend, CacheBackend)):
            if self.options:
                raise self._refused(f"the back end {self.name} is registered as an instance, which takes no options")
        else:
            if isinstance(made, type):
                self._check_interface(made, what)
            self._check_options()
            arguments = dict(self.options)
            parameter = self._path_parameter()
            if parameter is not None:
                arguments[parameter] = path
            try:
                inspect.signature(made).bind(**arguments)
            except TypeError as error:
                raise self._refused(f"{what} cannot be made: {error}") from error
            try:
                made = made(**arguments)
            except RekallError as error:
                if self.told is not None:
                    self.told.hide(error)
                if isinstance(error, ConfigError):
                    raise self._refused(str(error)) from error
                raise
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever the constructor of another author lets through
                if self.told is None:
                    raise
                from rekall.infra.foreign import described

                text = self.told.shown(described(error))
                raise ConfigError(f"{self.setting}: {what} cannot be made: {text}") from error
        if type(made) is not self.implementation:  # an instance, or what a function made
            self._check_interface(type(made), what)
        return made

    def wrapped(self, path: Path | None) -> Any:
        """The back end itself with what is put around its calls, for whoever looks at one beside the container.

        Args:
            path: as in `make`.

        Raises:
            ConfigError: as in `make`.
        """
        from rekall.infra.instrument import instrument

        return instrument(self.make(path), self.name, told=self.told)

    def connect(self, backend: DatabaseBackend) -> None:
        """Open a back end that was made.

        Raises:
            BackendError: it cannot be opened; for one that config selected, the text names the setting.
        """
        try:
            backend.connect()
        except RekallError as error:
            if self.told is not None:
                self.told.told(error)
            raise

    @property
    def told(self) -> Foreign | None:
        """What the errors of a back end that is not one of ours also say; None for the others."""
        if not self._is_foreign:
            return None
        from rekall.hiding import secret_values
        from rekall.infra.foreign import Foreign

        what = self.plugin.what if self.plugin else f"the {self.kind} back end {self.name}"
        return Foreign(self.kind, self.name, what, self.setting, frozenset(secret_values(self.options)))

    @property
    def _is_foreign(self) -> bool:
        return self.configured and self.name not in BUILT_IN[self.kind]

    @property
    def _what(self) -> str:
        return self.plugin.what if self.plugin else f"the back end {self.name}"

    def _check_interface(self, made: type, what: str) -> None:
        prefix = f"{self.setting}: " if self.configured else ""
        interface = KINDS[self.kind]
        if not issubclass(made, interface):
            raise ConfigError(f"{prefix}{what} is a {made.__name__}, not a {interface.__name__}")
        try:
            check(made, what, self.supported, stated=self.plugin is not None)
        except ConfigError as error:
            raise ConfigError(f"{prefix}{error}") from error

    def _check_options(self) -> None:
        types: Mapping[str, type] | None = self._looked_at(lambda: getattr(self.implementation, "options", None))
        if types is not None and not _are_types(types):
            prefix = f"{self.setting}: " if self.configured else ""
            raise ConfigError(f"{prefix}{self._what}: its 'options' are not types by name; tell its author")
        parameters = self._parameters()
        known = set(parameters if types is None else types).difference(PATH_PARAMETERS[self.kind])
        anything = types is None and any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        for option, value in self.options.items():
            if option not in known and not anything:
                raise self._refused(f"unknown option{_advice(option, known)}", option)
            expected = object if types is None else types[option]
            if not isinstance(value, (int, float) if expected is float else expected) or (
                isinstance(value, bool) and expected not in (bool, object)
            ):
                accepted = _ACCEPTED.get(expected, expected.__name__)
                if option in self.origins:
                    raise self._refused(f"{option} is {value!r}, {accepted} is needed", option)
                raise wrong_type(self.file, self._dotted(option), value, accepted)

    def _path_parameter(self) -> str | None:
        return next((name for name in PATH_PARAMETERS[self.kind] if name in self._parameters()), None)

    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        if isinstance(self.implementation, (DatabaseBackend, CacheBackend)) or not callable(self.implementation):
            return {}
        implementation = self.implementation
        return self._looked_at(lambda: inspect.signature(implementation).parameters)

    def _looked_at(self, look: Callable[[], T]) -> T:
        """What is read of the class itself, which may raise anything when another author wrote it."""
        try:
            return look()
        except Exception as error:
            if not self._is_foreign:
                raise
            from rekall.infra.foreign import described

            raise ConfigError(
                f"{self.setting}: {self._what}: its class cannot be read ({described(error)}); tell its author"
            ) from error

    def _dotted(self, option: str) -> str:
        return f"backends.{self.kind}_options{'.' if option else ''}{option}"

    def _refused(self, text: str, option: str = "") -> ConfigError:
        """The error about an option; the text of a back end begins with the one that it is about."""
        if not self.configured:
            return ConfigError(text)
        origin = self.origins.get(option or text.partition(" ")[0])
        return ConfigError(f"{origin or f'{self.file}: {self._dotted(option)}'}: {text}")


def select(
    kind: str, config: Config, registered: Mapping[str, Implementation], supported: Supported | None = None
) -> Selection:
    """What is registered under the kind itself, else what config names: built in, registered, or installed.

    Args:
        kind: `database` or `cache`.
        config: names a back end of each kind.
        registered: by name, besides the built-in ones.
        supported: the versions of the interface that are taken; those of this Rekall if left out.

    Raises:
        ConfigError: config names a back end that does not exist, or that cannot be imported.
    """
    supported = supported or Supported()
    file = config.paths.config_dir / CONFIG_NAME
    if kind in registered:
        return Selection(kind, kind, registered[kind], file, configured=False, options={}, supported=supported)
    known = {**BUILT_IN[kind], **{name: one for name, one in registered.items() if name not in KINDS}}
    name, options = getattr(config, f"{kind}_backend"), getattr(config, f"{kind}_options")
    setting = setting_of(kind, config)
    prefix = f"backends.{kind}_options."
    origins = {key.removeprefix(prefix): text for key, text in config.origins.items() if key.startswith(prefix)}
    if name in known:
        return Selection(kind, name, known[name], file, True, options, supported, setting, origins=origins)
    from rekall.infra.discovery import chosen  # nothing is looked for where a known one is selected

    try:
        plugin = chosen(kind, name)
        if plugin is not None:
            return Selection(kind, name, plugin.load(), file, True, options, supported, setting, plugin, origins)
    except ConfigError as error:
        raise ConfigError(f"{setting}: {error}") from error
    raise ConfigError(f"{setting} is '{name}', which is not a back end; {_instead(kind, name, known)}")


def setting_of(kind: str, config: Config) -> str:
    """What selects the back end of a kind, as text for a person: the key of the file in use, or what overrides it."""
    file = config.paths.config_dir / CONFIG_NAME
    origin = config.origins.get(f"backends.{kind}", "default")
    return f"{file}: backends.{kind}" if origin in ("default", f"file {file}") else origin


def _instead(kind: str, name: str, known: Mapping[str, Implementation]) -> str:
    """What there is instead of a back end that there is not."""
    from rekall.infra.distributions import installed

    plugins, unreadable = installed(kind)
    hint = "; or install what brings it"
    if name in KNOWN[kind]:
        brings = KNOWN[kind][name]
        is_there = any(plugin.distribution == brings for plugin in plugins)
        hint = f"; a later {brings} brings it" if is_there else f"; it comes with {brings}, which is not installed"
    available = ", ".join(sorted({*known, *(plugin.name for plugin in plugins)}))
    return "; ".join([f"available: {available}{hint}", *unreadable])


def _are_types(options: object) -> bool:
    return isinstance(options, Mapping) and all(isinstance(one, type) for one in options.values())


def _advice(option: str, known: set[str]) -> str:
    import difflib  # a misspelling alone needs it

    near = difflib.get_close_matches(option, known, n=1)
    return (f", did you mean {near[0]}?" if near else "") + f" (known: {', '.join(sorted(known)) or 'none'})"
