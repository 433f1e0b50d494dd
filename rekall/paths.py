"""Where Rekall keeps its files: one resolver, the first matching rule wins, every path knows what decided it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekall.config_file import CONFIG_NAME, read_toml
from rekall.config_keys import wrong_type
from rekall.constants import DIR_PERMISSIONS, FILE_PERMISSIONS
from rekall.errors import ConfigError

if TYPE_CHECKING:
    from rekall.legacy import MigrationInfo, check_legacy_migration, perform_migration

__all__ = [
    "APP_NAME",
    "MigrationInfo",
    "PathResolver",
    "PathSource",
    "ResolvedPaths",
    "check_legacy_migration",
    "init_local_project",
    "legacy_paths",
    "perform_migration",
]

APP_NAME = "rekall"
DATABASE_NAME = "knowledge.db"
PROJECT_DIRECTORY = ".rekall"

_GITIGNORE = """\
# What can be rebuilt, copies of the database, and what SQLite keeps only while it is open.
cache/
backups/
*.db-wal
*.db-shm

# The knowledge base itself. {advice}
{rule}
"""


class PathSource(Enum):
    """The rule that chose the directories."""

    CLI = "cli"
    ENV = "env"
    LOCAL = "local"
    CONFIG = "config"
    XDG = "xdg"
    DEFAULT = "default"


@dataclass
class ResolvedPaths:
    """The four places that Rekall uses, and what decided them.

    Args:
        config_dir: directory of `config.toml`.
        data_dir: directory of the data.
        cache_dir: directory of what can be rebuilt.
        db_path: the database file.
        source: the rule that matched.
        is_local_project: whether the directory `.rekall` of a project was chosen.
        origins: for "config", "data", "cache" and "database", what decided it, as text for a person.
        database_named: whether a flag or a variable named the database file itself, not the directory that holds it.
    """

    config_dir: Path
    data_dir: Path
    cache_dir: Path
    db_path: Path
    source: PathSource
    is_local_project: bool = False
    origins: dict[str, str] = field(default_factory=dict, kw_only=True, compare=False, repr=False)
    database_named: bool = field(default=False, kw_only=True, compare=False, repr=False)

    def origin(self, name: str) -> str:
        """What decided one path.

        Args:
            name: "config", "data", "cache" or "database".

        Returns:
            Text such as `environment REKALL_HOME`; the name of the source for paths that were put together by hand.
        """
        return self.origins.get(name, self.source.value)

    def ensure_dirs(self) -> None:
        """Create the missing directories, open to their owner alone.

        Raises:
            ConfigError: a directory cannot be created.
        """
        for directory in (self.config_dir, self.data_dir, self.cache_dir):
            try:
                directory.mkdir(mode=DIR_PERMISSIONS, parents=True, exist_ok=True)
            except OSError as exc:
                raise ConfigError(
                    f"cannot create the directory {directory}: {exc.strerror or exc}; "
                    "mend its permissions or choose another place with REKALL_HOME"
                ) from exc


def home_directory() -> Path:
    """The home directory of this user.

    Raises:
        ConfigError: there is none.
    """
    try:
        return Path.home()
    except RuntimeError as exc:
        raise ConfigError("this user has no home directory; set HOME, or REKALL_HOME to a directory") from exc


def _expanded(text: str, origin: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as exc:
        raise ConfigError(f"{origin} is {text!r}, whose home directory is unknown; write the whole path") from exc


# The three names are looked up in this module when called, so that a test or a packager can replace them. Only Windows
# needs platformdirs: on macOS the places have always been those of Linux.
def user_config_dir(appname: str) -> str:
    """The platform's directory for configuration, whatever XDG_CONFIG_HOME says (except on Windows: platformdirs)."""
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_config_dir(appname)
    return str(home_directory() / ".config" / appname)


def user_data_dir(appname: str) -> str:
    """The platform's directory for data, whatever XDG_DATA_HOME says (except on Windows: platformdirs)."""
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_data_dir(appname)
    return str(home_directory() / ".local" / "share" / appname)


def user_cache_dir(appname: str) -> str:
    """The platform's directory for caches, whatever XDG_CACHE_HOME says (except on Windows: platformdirs)."""
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_cache_dir(appname)
    return str(home_directory() / ".cache" / appname)


_Place = tuple[Path, str]  # a directory, and what decided it


def _platform_config() -> _Place:
    return Path(user_config_dir(APP_NAME)), "default"


def _platform_data() -> _Place:
    return Path(user_data_dir(APP_NAME)), "default"


def _platform_cache() -> _Place:
    return Path(user_cache_dir(APP_NAME)), "default"


def _xdg(variable: str) -> _Place | None:
    """`<value>/rekall`; None when the variable is missing or empty."""
    value = os.environ.get(variable)
    return (Path(value) / APP_NAME, f"environment {variable}") if value else None


def _resolved(
    source: PathSource, config: _Place, data: _Place, cache: _Place, db_path: Path | None = None
) -> ResolvedPaths:
    return ResolvedPaths(
        config_dir=config[0],
        data_dir=data[0],
        cache_dir=cache[0],
        db_path=data[0] / DATABASE_NAME if db_path is None else db_path,
        source=source,
        is_local_project=source is PathSource.LOCAL,
        origins={"config": config[1], "data": data[1], "cache": cache[1], "database": data[1]},
        database_named=db_path is not None,
    )


def _everything_under(root: Path, source: PathSource, origin: str) -> ResolvedPaths:
    return _resolved(source, (root, origin), (root, origin), (root / "cache", origin))


class PathResolver:
    """Finds the directories: arguments, environment, project, data_dir, XDG, platform, in this order."""

    @classmethod
    def resolve(
        cls,
        cli_db_path: Path | None = None,
        cli_config_path: Path | None = None,
        force_global: bool = False,
    ) -> ResolvedPaths:
        """Apply the rules, the first that matches wins.

        Args:
            cli_db_path: database file stated by the caller; beats every other rule.
            cli_config_path: config.toml, or its directory, stated by the caller; beats every other rule.
            force_global: do not look for the `.rekall` of a project.

        Returns:
            The paths; nothing is created.

        Raises:
            ConfigError: data_dir of config.toml is not text, or there is no home directory.
        """
        return (
            cls._from_cli(cli_db_path, cli_config_path)
            or cls._from_env()
            or (None if force_global else cls._from_local())
            or cls._from_config()
            or cls._from_xdg()
            or cls._from_default()
        )

    @classmethod
    def _from_cli(cls, db_path: Path | None, config_path: Path | None) -> ResolvedPaths | None:
        if db_path is None and config_path is None:
            return None
        config, data = _platform_config(), _platform_data()
        if config_path is not None:
            config = (config_path if config_path.is_dir() else config_path.parent, "argument of the caller")
        if db_path is not None:
            data = (db_path.parent, "argument of the caller")
        return _resolved(PathSource.CLI, config, data, _platform_cache(), db_path)

    @classmethod
    def _from_env(cls) -> ResolvedPaths | None:
        # An empty value counts as set, as it did in 0.3: it means the current directory.
        home = os.environ.get("REKALL_HOME")
        if home is not None:
            return _everything_under(
                _expanded(home, "environment REKALL_HOME"), PathSource.ENV, "environment REKALL_HOME"
            )
        database = os.environ.get("REKALL_DB_PATH")
        if database is None:
            return None
        origin = "environment REKALL_DB_PATH"
        db_path = _expanded(database, origin)
        data = (db_path.parent, origin)
        return _resolved(PathSource.ENV, _platform_config(), data, _platform_cache(), db_path)

    @classmethod
    def _from_local(cls) -> ResolvedPaths | None:
        try:
            root = Path.cwd() / PROJECT_DIRECTORY
            if not root.exists():
                return None
        except OSError:  # the current directory was deleted under us, or is closed to us
            return None
        try:
            names = [path.name for path in root.iterdir()]
        except OSError:  # a file, or a directory closed to us: never passed over for another base
            names = []
        # `rekall backup` keeps its copies in ~/.rekall/backups: that alone makes no project of the home directory.
        if names == ["backups"]:
            return None
        return _everything_under(root, PathSource.LOCAL, "directory ./.rekall")

    @classmethod
    def _from_config(cls) -> ResolvedPaths | None:
        config = _xdg("XDG_CONFIG_HOME") or _platform_config()
        file = config[0] / CONFIG_NAME
        try:
            value = read_toml(file).get("data_dir")
        except ConfigError:
            # The rules after this one still apply; whoever loads the configuration reports the file.
            return None
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise wrong_type(file, "data_dir", value, "text (a path)")
        origin = f"file {file} (data_dir)"
        data = (_expanded(value, origin), origin)
        return _resolved(PathSource.CONFIG, config, data, _platform_cache())

    @classmethod
    def _from_xdg(cls) -> ResolvedPaths | None:
        if not {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"} & os.environ.keys():
            return None
        return _resolved(
            PathSource.XDG,
            _xdg("XDG_CONFIG_HOME") or _platform_config(),
            _xdg("XDG_DATA_HOME") or _platform_data(),
            _xdg("XDG_CACHE_HOME") or _platform_cache(),
        )

    @classmethod
    def _from_default(cls) -> ResolvedPaths:
        return _resolved(PathSource.DEFAULT, _platform_config(), _platform_data(), _platform_cache())


def legacy_paths() -> ResolvedPaths:
    """The single directory `~/.rekall` of the first releases, which the flag `--legacy` asks for."""
    return _everything_under(home_directory() / PROJECT_DIRECTORY, PathSource.CLI, "flag --legacy")


def init_local_project(path: Path | None = None, exclude_db_from_git: bool = False) -> Path:
    """Make a directory a project with a knowledge base of its own; may be repeated.

    Args:
        path: the project; the current directory when missing.
        exclude_db_from_git: whether Git ignores the database too; by default it is versioned with the project.

    Returns:
        The directory `.rekall`. A `.gitignore` that is already there is kept.
    """
    root = (Path.cwd() if path is None else path) / PROJECT_DIRECTORY
    root.mkdir(mode=DIR_PERMISSIONS, parents=True, exist_ok=True)
    if exclude_db_from_git:
        text = _GITIGNORE.format(advice="Remove this rule to share it with the project.", rule=DATABASE_NAME)
    else:
        text = _GITIGNORE.format(advice="Uncomment this rule to keep it out of Git.", rule=f"# {DATABASE_NAME}")
    try:
        with open(root / ".gitignore", "x", encoding="utf-8", opener=open_private) as file:
            file.write(text)
    except FileExistsError:
        pass
    return root


def open_private(name: str, flags: int) -> int:
    """An opener for `open` that makes a file which only its owner may read and write."""
    return os.open(name, flags, FILE_PERMISSIONS)


def __getattr__(name: str) -> Any:
    """The names of 0.3 that are about moving from `~/.rekall`; no command needs them."""
    if name in ("MigrationInfo", "check_legacy_migration", "perform_migration"):
        from rekall import legacy

        return getattr(legacy, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
