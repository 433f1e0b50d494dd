"""`rekall doctor`: is everything sound, and how to mend what is not.

Each check is plain data. Looking writes and migrates nothing.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rekall.backup import list_backups
from rekall.config import Config
from rekall.config_file import CONFIG_NAME
from rekall.constants import FILE_PERMISSIONS
from rekall.errors import BackupError, CannotOpenError, ConfigError, CorruptError, RekallError
from rekall.infra.interfaces import CacheBackend, DatabaseBackend
from rekall.installation import Status, installations
from rekall.store import pending
from rekall.store.backups import folder_of
from rekall.store.maintenance import Maintenance
from rekall.store.opening import SchemaState, read_state, refuse
from rekall.store.schema import CURRENT_SCHEMA_VERSION
from rekall.store.session import Session
from rekall.store.store import Store

_SPARE = 50 * 1024**2
"""Bytes of free disk below which a warning is due, whatever the size of the base."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        name: what.
        status: `ok`, `warning` (it works, but) or `failure`.
        detail: what was found, on one line.
        mend: what to do about it; empty when it is ok.
    """

    name: str
    status: Status
    detail: str
    mend: str = ""


@dataclass(frozen=True)
class Probed:
    """What came of trying a back end in a process of its own.

    Args:
        problem: why it cannot be used; None when it can.
        warnings: what is to be mended in it all the same.
    """

    problem: str | None
    warnings: Sequence[str]


@dataclass(frozen=True)
class Program:
    """What the program knows that runs the checks.

    Args:
        config: the configuration in use: the defaults when the configured one cannot be used.
        config_error: why the configured one cannot be used.
        is_missing: whether there is no base yet.
        keeps_files: whether the database back end keeps the base in the file that the configuration names.
        open_database: the database back end, connected, with nothing created or migrated in it.
        open_cache: the cache back end.
        database_name: the name of the database back end, once it can be made.
        cache_name: the name of the cache back end, once it can be made.
        probe: tries the back end of a kind in a process of its own; None where there is no need.
    """

    config: Config
    config_error: ConfigError | None
    is_missing: Callable[[], bool]
    keeps_files: Callable[[], bool]
    open_database: Callable[[], AbstractContextManager[DatabaseBackend]]
    open_cache: Callable[[], CacheBackend]
    database_name: Callable[[], str]
    cache_name: Callable[[], str]
    probe: Callable[[str], Probed | None]


def examine(program: Program) -> list[Check]:
    """Look at everything; whatever is broken becomes a check that failed, not an exception."""
    return [
        _configuration(program),
        *_permissions(program.config),
        *_probed(program, "database", _base),
        *_backups(program.config.db_path),
        *_probed(program, "cache", _cache),
        _engine(),
        _disk(program.config),
        *(Check("installation", *found) for found in installations()),
    ]


def is_sound(checks: list[Check]) -> bool:
    """Whether no check failed; warnings are no failures."""
    return all(check.status != "failure" for check in checks)


def _configuration(program: Program) -> Check:
    file = program.config.config_dir / CONFIG_NAME
    if program.config_error is not None:
        return Check("configuration", "failure", str(program.config_error), f"correct {file}, or rename it")
    if program.config.warnings:
        return Check("configuration", "warning", "; ".join(program.config.warnings), f"correct {file}")
    return Check("configuration", "ok", str(file) if file.exists() else f"no {file}: every setting has its default")


def _permissions(config: Config) -> Iterator[Check]:
    if os.name == "nt":
        return
    for file in (config.config_dir / CONFIG_NAME, config.db_path):
        try:
            status = file.stat()
        except OSError:
            continue
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISREG(status.st_mode):
            continue
        if status.st_uid != os.geteuid():
            detail = f"{file} belongs to {_owner(file)}, with the mode {mode:04o}"
            yield Check("permissions", "warning", detail, "let it belong to you (chown), or choose another file")
        elif mode == FILE_PERMISSIONS:
            yield Check("permissions", "ok", f"{file} is closed to everybody but you")
        elif mode & 0o077:
            yield Check("permissions", "warning", f"{file} has the mode {mode:04o}", f"chmod 600 '{file}'")
        else:
            yield Check("permissions", "ok", f"{file} has the mode {mode:04o}")


def _owner(file: Path) -> str:
    try:
        return file.owner()
    except KeyError:  # a user that this machine does not know
        return f"user {file.stat().st_uid}"


def _probed(program: Program, kind: str, look: Callable[[Program], list[Check]]) -> Iterator[Check]:
    """What there is to see of a back end, which is not opened here when it does not work in a process of its own."""
    name, probed = f"{kind} back end", program.probe(kind)
    if probed is not None and probed.problem is not None:
        yield Check(name, "failure", probed.problem, "mend it, or select another one: 'rekall backends' lists them")
        return
    if probed is not None and probed.warnings:
        yield Check(name, "warning", "; ".join(probed.warnings), "install a newer version of it, or tell its author")
    yield from look(program)


def _base(program: Program) -> list[Check]:
    """The file, and what is in it."""
    path = program.config.db_path
    try:
        where = f" on {path}" if program.keeps_files() else ""  # one that takes no path is elsewhere
        place = Check("database back end", "ok", f"{program.database_name()}{where}")
        if program.is_missing():
            room = _room(path) if program.keeps_files() else Check("file", "ok", f"no base yet at {path}")
            return [place, room, *_model(program.config)]
    except RekallError as error:
        return [Check("database back end", "failure", str(error), "correct [backends] in config.toml, or the flag")]
    try:
        with program.open_database() as backend:
            return [place, *_file(path), *_contents(backend, path), *_vectors(program.config, backend, path)]
    except RekallError as error:
        return [place, Check("file", "failure", str(error), _way_out(error, path))]


def _way_out(error: RekallError, path: Path) -> str:
    if isinstance(error, CorruptError):
        return _restore(path)
    if isinstance(error, CannotOpenError):
        return "mend its owner and its permissions, or choose another file"
    return "look again when no other program uses it"


def _room(path: Path) -> Check:
    """Whether a base that is not there yet can come into being."""
    folder = _existing_folder(path)
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Check("file", "ok", f"{path} is not there yet: the first command creates it")
    reason = "is not writable" if folder.is_dir() else "is not a directory"
    return Check(
        "file",
        "failure",
        f"{path} cannot be made: {folder} {reason}",
        "mend that, or choose another place with REKALL_HOME or data_dir",
    )


def _existing_folder(path: Path) -> Path:
    return next(parent for parent in path.absolute().parents if parent.exists())


def _file(path: Path) -> Iterator[Check]:
    if not path.exists():  # kept by a back end that has no files
        return
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    if writable:
        yield Check("file", "ok", f"{path} can be read and written")
    else:
        yield Check(
            "file",
            "warning",
            f"{path} or its directory cannot be written: it is searched, and nothing is added or counted",
            "mend the permissions, or copy it to a writable place",
        )


def _contents(backend: DatabaseBackend, path: Path) -> Iterator[Check]:
    state = read_state(backend)
    yield _schema(state, path)
    if state.is_empty:
        return
    maintenance = Maintenance(Session(backend, path))
    problems = maintenance.integrity_problems()
    if problems:
        yield Check("integrity", "failure", "; ".join(problems), _restore(path))
        return
    yield Check("integrity", "ok", "every page and reference is in order")
    if state.is_current:
        yield _full_text(maintenance)
        yield _derived(maintenance, backend)


def _schema(state: SchemaState, path: Path) -> Check:
    if state.is_empty:
        return Check("schema", "ok", f"{path} is empty: the first command creates its schema")
    if state.is_current:
        return Check("schema", "ok", f"version {state.version}")
    try:
        refuse(state, path)
    except RekallError as error:
        return Check("schema", "failure", str(error), "REKALL_DB_PATH or data_dir in config.toml names another base")
    return Check(
        "schema",
        "warning",
        f"{state.name}; this program uses {CURRENT_SCHEMA_VERSION}",
        "rekall migrate (any command that opens it does the same)",
    )


def _full_text(maintenance: Maintenance) -> Check:
    health = maintenance.full_text_health()
    if health.is_sound:
        return Check("full-text index", "ok", "every entry is in it once")
    detail = f"{health.missing} entries are missing, {health.doubled} doubled, {health.orphaned} rows have no entry"
    return Check("full-text index", "failure", detail, "rekall doctor --rebuild")


def _derived(maintenance: Maintenance, backend: DatabaseBackend) -> Check:
    problems = maintenance.derived_problems()
    if problems:
        return Check("derived objects", "ok", f"{len(problems)} are not made yet: the first write makes them")
    waiting = len(pending.waiting(backend))
    if waiting:
        return Check("derived objects", "ok", f"all there; {waiting} contexts are read in by the next write")
    return Check("derived objects", "ok", "all there")


def _model(config: Config) -> Iterator[Check]:
    """Whether vectors can be computed where the user wants searches by meaning, and there is no base yet."""
    if not config.smart_embeddings_enabled:
        return
    from rekall.embeddings.readiness import usable_service

    service, problem = usable_service()
    yield _vector_check("no base yet" if service is None else f"{service.embedder.name} can be used", problem)


@dataclass(frozen=True)
class _OpenBase:
    store: Store
    cache_backend: None = None


def _vectors(config: Config, backend: DatabaseBackend, path: Path) -> Iterator[Check]:
    """Whether searches by meaning work where the user wants them."""
    if not config.smart_embeddings_enabled or not read_state(backend).is_current:
        return
    from rekall.embeddings.readiness import counts

    found = counts(_OpenBase(Store(backend, path)))
    yield _vector_check(f"entries with one of {found.model} ({found.dimensions} numbers): {found.embedded}", found.note)


def _vector_check(what: str, note: str | None) -> Check:
    if note is None:
        return Check("vectors", "ok", what)
    detail, _, mend = note.partition(": ")
    return Check("vectors", "warning", f"{what}; {detail}", mend or "correct [smart_embeddings] in config.toml")


def _backups(path: Path) -> Iterator[Check]:
    try:
        kept = list_backups(folder_of(path))
    except BackupError as error:
        yield Check("backups", "warning", str(error), "let its permissions allow you to read it")
        return
    if kept:
        newest = f"the newest is {kept[0].path.name}"
        yield Check("backups", "ok", f"{len(kept)} in {folder_of(path)}, {newest}")


def _restore(path: Path) -> str:
    try:
        kept = list_backups(folder_of(path))
    except BackupError:
        kept = []
    if kept:
        return f"'rekall restore {kept[0].path.name}' puts the newest backup in its place and keeps the broken file"
    return "put a backup in its place with 'rekall restore', which keeps the broken file, or choose another file"


def _cache(program: Program) -> list[Check]:
    try:
        program.open_cache()
        return [Check("cache back end", "ok", program.cache_name())]
    except RekallError as error:
        return [Check("cache back end", "failure", str(error), "correct [backends] in config.toml")]


def _engine() -> Check:
    """SQLite as this Python has it."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5(text)")
        connection.execute("SELECT json_valid('{}') FROM json_each('[]')")
    except sqlite3.Error as error:
        return Check(
            "SQLite", "failure", f"{sqlite3.sqlite_version}: {error}", "use a Python whose SQLite has FTS5 and JSON"
        )
    finally:
        connection.close()
    return Check("SQLite", "ok", f"{sqlite3.sqlite_version}, with full-text search and JSON")


def _disk(config: Config) -> Check:
    path = config.db_path
    folder = _existing_folder(path)
    free = shutil.disk_usage(folder).free
    # a migration keeps a backup beside the base and rewrites what it migrates
    wanted = _SPARE + 2 * (path.stat().st_size if path.is_file() else 0)
    detail = f"{free // 1024**2} MiB free in {folder}"
    if free < wanted:
        return Check("disk space", "warning", detail, f"free {(wanted - free) // 1024**2 + 1} MiB")
    return Check("disk space", "ok", detail)
