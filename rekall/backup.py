"""Backups of a base: made while others write, checked, listed, and put back whole.

A backup is one SQLite file with all that the base held at one moment. Nothing here migrates or changes the base, but
for `restore`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from rekall.config import get_config
from rekall.constants import DIR_PERMISSIONS
from rekall.errors import BackupError, DatabaseError, MissingFileError, RekallError
from rekall.infra.interfaces import DatabaseBackend
from rekall.store import backups, opening, restoring
from rekall.store.restoring import Restored, look
from rekall.store.schema import CURRENT_SCHEMA_VERSION
from rekall.store.sqlite_files import SIDE_FILES, OnProgress, silent, snapshot

__all__ = [
    "CURRENT_SCHEMA_VERSION",
    "BackupInfo",
    "DatabaseStats",
    "Restored",
    "create_backup",
    "find_backup",
    "get_database_stats",
    "get_default_backups_dir",
    "list_backups",
    "look",
    "restore",
    "restore_backup",
    "rotate",
    "validate_backup",
]


@dataclass
class BackupInfo:
    """A backup.

    Args:
        path: the file.
        timestamp: when it was written, local time without zone.
        size: bytes.
        db_name: the name of the base that it is a copy of.
    """

    path: Path
    timestamp: datetime
    size: int
    db_name: str = "knowledge.db"

    @property
    def size_human(self) -> str:
        """The size as a person reads it."""
        return human_size(self.size)

    @property
    def kind(self) -> str:
        """By its name: `backup`, `pre-migration`, `pre-restore`, or `other` for any other name."""
        return backups.kind_of(self.path)


@dataclass
class DatabaseStats:
    """What a database file holds.

    Args:
        path: the file.
        schema_version: as the file states it.
        is_current: whether it is the schema of this program.
        total_entries: entries.
        active_entries: those that still hold.
        obsolete_entries: the others.
        links_count: links between entries.
        file_size: bytes, without its log.
    """

    path: Path
    schema_version: int
    is_current: bool
    total_entries: int
    active_entries: int
    obsolete_entries: int
    links_count: int
    file_size: int

    @property
    def file_size_human(self) -> str:
        """The size as a person reads it."""
        return human_size(self.file_size)


def human_size(size: int) -> str:
    """Bytes as `n B`, `n.n KB` or `n.n MB`, a KB being 1,024 bytes."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.1f} KB" if size < 1024**2 else f"{size / 1024**2:.1f} MB"


def get_default_backups_dir() -> Path:
    """The folder of the backups of the configured base, beside it; made when missing."""
    folder = backups.folder_of(get_config().db_path)
    folder.mkdir(mode=DIR_PERMISSIONS, parents=True, exist_ok=True)
    return folder


def create_backup(
    db_path: Path,
    output: Path | None = None,
    *,
    backend: DatabaseBackend | None = None,
    on_progress: OnProgress = silent,
) -> BackupInfo:
    """Copy a base as it is now, whatever its schema, while others read and write it.

    The copy holds every write that was acknowledged before the call. It gets its name when it has been checked.

    Args:
        db_path: the base.
        output: a file that is not there yet; `backups/knowledge_<time>.db` beside the base if left out.
        backend: connected; makes the copy where the base is not a SQLite file of Rekall's own back end.
        on_progress: told of the pages that are copied; the second number is 0 while the copy is checked.

    Raises:
        MissingFileError: there is no base.
        NotSupportedError: the back end has no file to copy.
        BackupError: there is something at `output`, the base is empty or damaged, or the folder cannot be written.
        DatabaseError: it is not a base of Rekall, or cannot be read or copied.
    """
    db_path = Path(db_path)
    if output is not None:
        _refuse_output(output := Path(output), db_path)
    try:
        if backend is not None:
            _refuse_state(opening.read_state(backend), db_path)
            return _copied(db_path, output, backend.backup, on_progress)
        if not db_path.exists():
            raise MissingFileError(f"Database not found: {db_path}; 'rekall add' or 'rekall init' creates it")
        with snapshot(db_path) as source:
            _refuse_state(source.state(), db_path)
            return _copied(db_path, output, partial(source.copy_to, on_progress=on_progress), on_progress)
    except OSError as error:
        if isinstance(error, RekallError):
            raise
        where = output if output is not None else backups.folder_of(db_path)
        raise BackupError(f"no backup was made: {where}: {error.strerror or error}") from error


def _copied(db_path: Path, output: Path | None, write: Callable[[Path], None], on_progress: OnProgress) -> BackupInfo:
    if output is None:
        copy = backups.copy_into(backups.folder_of(db_path), db_path, write, on_progress=on_progress)
    else:
        copy = backups.copy_to([output], db_path, write, on_progress)
    return _info(copy.path, db_path.name)


def _refuse_output(output: Path, db_path: Path) -> None:
    if output.exists() and db_path.exists() and output.samefile(db_path):
        raise BackupError(f"{output} is the base itself: name another file")
    if output.is_dir():
        raise BackupError(f"{output} is a directory: name a file in it")
    if output.exists() or output.is_symlink():
        raise BackupError(f"{output} exists already, and nothing is overwritten: name another file")
    if not output.parent.is_dir():
        raise BackupError(f"the folder {output.parent} is not there: make it, or name another file")
    if any(output.name == db_path.name + suffix for suffix in SIDE_FILES):
        raise BackupError(f"{output} is a name that SQLite uses for the base: name another file")


def _refuse_state(state: opening.SchemaState, db_path: Path) -> None:
    opening.refuse(state, db_path)
    if state.is_empty:
        raise BackupError(f"{db_path} is empty: there is nothing to back up")


def _info(path: Path, db_name: str = "knowledge.db") -> BackupInfo:
    status = path.stat()
    return BackupInfo(path, datetime.fromtimestamp(status.st_mtime), status.st_size, db_name)


def list_backups(backups_dir: Path | None = None) -> list[BackupInfo]:
    """The backups in a folder, newest first, with the copies made before a migration or a restore.

    Args:
        backups_dir: that of the configured base if left out; one that is not there holds none.

    Raises:
        BackupError: the folder cannot be read.
    """
    folder = backups.folder_of(get_config().db_path) if backups_dir is None else Path(backups_dir)
    try:
        return sorted(_listed(folder), key=lambda info: (info.timestamp, info.path.name), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BackupError(f"{folder} cannot be read: {error.strerror or error}") from error


def _listed(folder: Path) -> Iterator[BackupInfo]:
    for file in folder.iterdir():  # a glob would pass over a folder that cannot be read
        if not file.match("knowledge_*.db"):
            continue
        try:
            yield _info(file)
        except FileNotFoundError:  # removed by somebody meanwhile
            continue


def find_backup(name: str, db_path: Path) -> Path:
    """The file that a person means: a path, or the name of a file in the folder of the base's backups.

    Args:
        name: a path is tried first; `.db` may be left out of a name.

    Raises:
        MissingFileError: there is none.
        BackupError: a folder cannot be read.
    """
    folder, closed = backups.folder_of(db_path), ""
    for file in (Path(name).expanduser(), folder / name, folder / f"{name}.db"):
        try:
            if file.exists():
                return file
        except OSError as error:
            closed = f"{file.parent} cannot be read: {error.strerror or error}"
    if closed:
        raise BackupError(closed)
    raise MissingFileError(f"Backup file not found: {name}; 'rekall backup --list' shows what there is")


def rotate(db_path: Path, keep: int, newest: Path) -> list[Path]:
    """Remove the oldest backups of a base; never a copy made before a migration or a restore, nor another file.

    Args:
        keep: how many stay, 1 or more, the newest among them.
        newest: the backup that was just made.

    Returns:
        What was removed, oldest first.

    Raises:
        BackupError: another base has its backups in the same folder, or a file cannot be removed.
    """
    if keep < 1:
        raise BackupError(f"{keep} backups cannot be kept: give 1 or more")
    neighbour = _neighbour(db_path)
    if neighbour is not None:
        raise BackupError(
            f"nothing was removed: {neighbour.name} beside the base has its backups in the same folder;"
            " move it to another"
        )
    try:
        return backups.prune(backups.folder_of(db_path), keep, newest)
    except OSError as error:
        raise BackupError(f"an older backup was not removed: {error.filename}: {error.strerror or error}") from error


def _neighbour(db_path: Path) -> Path | None:
    """Another base in the same folder."""
    files = (file for file in sorted(db_path.parent.glob("*.db")) if file.exists())
    others = (file for file in files if not file.samefile(db_path))
    return next((file for file in others if get_database_stats(file) is not None), None)


def validate_backup(backup_path: Path) -> bool:
    """Whether a file can be restored: a whole SQLite database with a schema of Rekall that this program knows."""
    try:
        restoring.look(Path(backup_path))
        with snapshot(Path(backup_path)) as source:
            return not source.problem()
    except RekallError:
        return False


def restore(backup_path: Path, db_path: Path, *, keep: bool = True, on_progress: OnProgress = silent) -> Restored:
    """Replace the content of a base by that of a backup, all or nothing, while others may have it open.

    Args:
        backup_path: of any schema that this program knows; it is restored as it is, the next command migrates it.
        db_path: the base, which need not be there.
        keep: keep what is replaced as `backups/knowledge_<time>_pre-restore.db`.
        on_progress: told of the pages of each part of the work; the second number is 0 during a check.

    Raises:
        MissingFileError: there is no such backup.
        InvalidBackupError: it is damaged, or not a base of Rekall of a known schema.
        BackupError: a folder cannot be written.
        DatabaseError: the base is locked by another process, cannot be written ...; nothing was changed.
    """
    try:
        return restoring.restore(Path(backup_path), Path(db_path), keep=keep, on_progress=on_progress)
    except DatabaseError as error:
        raise type(error)(f"nothing was restored: {error}") from error
    except OSError as error:
        if isinstance(error, RekallError):
            raise
        where = error.filename or db_path
        raise BackupError(f"nothing was restored: {where}: {error.strerror or error}") from error


def restore_backup(
    backup_path: Path, db_path: Path, create_safety_backup: bool = True, *, on_progress: OnProgress = silent
) -> tuple[bool, BackupInfo | None]:
    """Do the same as `restore`.

    Returns:
        True, and the copy of what was replaced, if there was something and it should be kept.
    """
    done = restore(backup_path, db_path, keep=create_safety_backup, on_progress=on_progress)
    return True, None if done.kept is None else _info(done.kept, Path(db_path).name)


def get_database_stats(db_path: Path) -> DatabaseStats | None:
    """What a database file holds; None when it is not there, cannot be read, or is no base of Rekall."""
    path = Path(db_path)
    try:
        with snapshot(path) as source:
            state, counts = source.state(), source.counts()
        size = path.stat().st_size
    except (RekallError, OSError):
        return None
    return DatabaseStats(
        path=path,
        schema_version=state.version,
        is_current=state.is_current,
        total_entries=counts.entries,
        active_entries=counts.active,
        obsolete_entries=counts.entries - counts.active,
        links_count=counts.links,
        file_size=size,
    )
