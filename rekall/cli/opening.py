"""The base that a command works on: its configuration, whether it is there, and opening it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekall.cli.output import tell
from rekall.constants import FILE_PERMISSIONS
from rekall.errors import CannotOpenError

# What reads the base is imported by the functions that do: help and completion need none of it.
if TYPE_CHECKING:
    from rekall.config import Config
    from rekall.db import Database
    from rekall.infra.interfaces import DatabaseBackend


def settings(ctx: Any, *, quiet: bool = False) -> Config:
    """The configuration that the global flags ask for, now that of this process; its warnings go to stderr.

    Args:
        quiet: keep the warnings.

    Raises:
        ConfigError: it cannot be used.
    """
    from rekall.config import load_config, set_config

    config = load_config(**flags(ctx))
    set_config(config)
    for warning in [] if quiet else config.warnings:
        tell(f"warning: {warning}")
    if ctx.resilient_parsing:  # a shell completes a word: whatever stands on stderr would stand in what is typed
        config.debug = False
    elif config.debug:
        from rekall.infra.debug_log import debug_logger

        debug_logger(config)  # refuses a file that cannot be written, before anything is asked or done
    return config


def flags(ctx: Any) -> dict[str, bool]:
    """The flags given before the command, as `load_config` takes them."""
    given = ctx.find_root().params
    return {name: bool(given.get(name)) for name in ("use_global", "use_legacy", "debug")}


@contextmanager
def open_base(ctx: Any) -> Iterator[Database]:
    """The configured base, created or migrated where needed, closed at the end."""
    with open_at(settings(ctx)) as base:
        yield base


@contextmanager
def open_at(config: Config, path: Path | None = None, *, quiet: bool = False) -> Iterator[Database]:
    """The base of a configuration, or the one at another path.

    Args:
        quiet: do not tell of a migration; the command itself does.
    """
    from rekall.db import Database

    path = path or config.db_path
    is_new = not path.exists()
    base = Database(path)
    base.init()
    try:
        if is_new and os.name != "nt" and open_to_others(path) is not None:  # a back end with less care than our own
            path.chmod(FILE_PERMISSIONS)
        mend_permissions(config, path)  # only now: what was refused, such as another program's file, keeps its mode
        if base.backup_made is not None and not quiet:
            tell(f"{base.db_path} now has schema {base.get_schema_version()}; what it was is in {base.backup_made}")
        yield base
    finally:
        base.close()


@contextmanager
def open_to_look(config: Config) -> Iterator[Database]:
    """The base, for something that must not change it: one that is missing is not created, an older one not migrated.

    Then it is an empty base, or a migrated copy, which is gone at the end.
    """
    from rekall.store.opening import read_state, refuse

    if is_missing(config):
        with _scratch() as folder, open_at(config, folder / config.db_path.name, quiet=True) as base:
            yield base
        return
    with open_backend(config.db_path) as backend:
        state = read_state(backend)
        if state.is_current:
            with open_at(config) as base:
                yield base
            return
        refuse(state, config.db_path)
        with _scratch() as folder:
            copy = folder / config.db_path.name
            copy.touch(FILE_PERMISSIONS)
            backend.backup(copy)
            with open_at(config, copy, quiet=True) as base:
                yield base


@contextmanager
def _scratch() -> Iterator[Path]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="rekall-") as folder:
        yield Path(folder)


@contextmanager
def open_backend(path: Path) -> Iterator[DatabaseBackend]:
    """The back end itself, connected: nothing is created in it or migrated. A file that is missing comes into being."""
    from rekall.infra import ServiceContainer

    container = ServiceContainer.get_instance()
    backend = container.database(path)
    try:
        yield backend
    finally:
        container.release(backend)


def is_missing(config: Config, path: Path | None = None) -> bool:
    """Whether there is no base yet, as configured or at another path; looking creates none."""
    from rekall.infra import ServiceContainer
    from rekall.store.opening import read_state

    path = path or config.db_path
    if path.exists():
        return False
    if ServiceContainer.get_instance().selected("database").takes_path:  # its file is the base
        return True
    with open_backend(path) as backend:
        return read_state(backend).is_empty


def is_sqlite_file(config: Config) -> bool:
    """Whether the base is a SQLite file, kept by Rekall's own back end.

    Raises:
        ConfigError: the configured back end cannot be used.
    """
    from rekall.infra import DefaultDatabaseBackend, ServiceContainer

    return ServiceContainer.get_instance().selected("database").implementation is DefaultDatabaseBackend


def require_base(config: Config) -> None:
    """Refuse to go on where there is no base yet.

    Raises:
        CannotOpenError: there is none.
    """
    if is_missing(config):
        raise CannotOpenError(f"no base yet at {config.db_path}: 'rekall add' or 'rekall init' creates it")


def mend_permissions(config: Config, database: Path) -> None:
    """Close the database file and config.toml to everybody but their owner, with a warning for each one mended.

    A file that its owner may not write is meant to be read only, and stays.
    """
    if os.name == "nt":
        return
    from rekall.config_file import CONFIG_NAME

    for file in (database, config.config_dir / CONFIG_NAME):
        mode = open_to_others(file)
        if mode is None or not mode & stat.S_IWUSR:
            continue
        try:
            file.chmod(FILE_PERMISSIONS)
        except OSError:  # read-only medium, or somebody else's file: 'rekall doctor' tells
            continue
        tell(f"warning: {file} had the mode {mode:04o}, now {FILE_PERMISSIONS:04o}: nobody else can read it")


def open_to_others(file: Path) -> int | None:
    """The mode of a regular file that is not 0600; None when it is, or there is no such file."""
    try:
        status = file.stat()
    except OSError:
        return None
    mode = stat.S_IMODE(status.st_mode)
    return mode if stat.S_ISREG(status.st_mode) and mode != FILE_PERMISSIONS else None
