"""Putting a backup in the place of a base, which others may have open: all of it or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rekall.constants import DIR_PERMISSIONS
from rekall.errors import (
    BackupError,
    CorruptError,
    InvalidBackupError,
    MigrationError,
    MissingFileError,
    NewerSchemaError,
    RekallError,
)
from rekall.permissions import secure_file_permissions
from rekall.store import opening
from rekall.store.backups import BEFORE_RESTORE, Copy, copy_into, folder_of, new_names, restore_lock
from rekall.store.new_files import give_name, sync_folder, unfinished
from rekall.store.opening import SchemaState
from rekall.store.sqlite_files import (
    LOGS,
    Counts,
    LiveBase,
    OnProgress,
    Snapshot,
    finish,
    live_base,
    log_of,
    silent,
    snapshot,
    vacuum_into,
)


class Restored(NamedTuple):
    """What a restore did.

    Args:
        state: the schema that the base has now.
        kept: where the replaced base is; None when there was none, or it should not be kept.
        kept_problem: what was wrong with the replaced base; empty when it was sound.
    """

    state: SchemaState
    kept: Path | None = None
    kept_problem: str = ""


def look(backup: Path) -> tuple[SchemaState, Counts]:
    """What a file holds that may be restored; its pages are not checked.

    Raises:
        MissingFileError: it is not there.
        InvalidBackupError: it is no base of a schema that this program knows.
        DatabaseError: it cannot be read.
    """
    with ExitStack() as opened:
        source = _open(backup, opened)
        return _known_state(source), source.counts()


def restore(backup: Path, path: Path, *, keep: bool = True, on_progress: OnProgress = silent) -> Restored:
    """Replace the content of a base by that of a backup, as it is: an older schema is migrated by the next command.

    It is one transaction of SQLite, so others that have the base open see the old content or the new. A base that
    SQLite cannot read is replaced as a file, and kept in any case.

    Args:
        backup: any file with a base of a known schema, also one that is in use.
        path: the base, which need not be there.
        keep: make a copy of what is replaced, `backups/knowledge_<time>_pre-restore.db`.
        on_progress: told of the pages of each part of the work.

    Raises:
        MissingFileError: the backup is not there.
        InvalidBackupError: it is damaged, or no base of a schema that this program knows.
        NotARekallError: what would be replaced is a database of another program.
        DatabaseError: the base is locked or cannot be written, no room is left ...
        OSError: the folder cannot be written.
    """
    with ExitStack() as opened:
        source = _open(backup, opened)
        if path.exists() and path.samefile(backup):
            raise BackupError(f"{backup} is the base itself: name a backup of it")
        state = _known_state(source)
        problem = source.problem(on_progress)
        if problem:
            raise InvalidBackupError(f"Invalid backup file: {backup} is damaged ({problem})")
        path.parent.mkdir(mode=DIR_PERMISSIONS, parents=True, exist_ok=True)
        opened.enter_context(restore_lock(path))
        kept = _replace(path, source, keep, on_progress)
        with suppress(OSError):  # a file of somebody else
            secure_file_permissions(path)
    return Restored(state, None if kept is None else kept.path, "" if kept is None else kept.problem)


def _open(backup: Path, opened: ExitStack) -> Snapshot:
    if not backup.exists():
        raise MissingFileError(f"Backup file not found: {backup}; 'rekall backup --list' shows what there is")
    try:
        return opened.enter_context(snapshot(backup))
    except CorruptError as error:
        raise InvalidBackupError(f"Invalid backup file: {backup} is no whole SQLite database") from error


def _known_state(source: Snapshot) -> SchemaState:
    try:
        state = source.state()
        opening.refuse(state, source.path)
    except (CorruptError, MigrationError) as error:
        raise InvalidBackupError(f"Invalid backup file: {error}") from error
    if state.is_empty:
        raise InvalidBackupError(f"Invalid backup file: {source.path} is empty")
    return state


def _replace(path: Path, source: Snapshot, keep: bool, on_progress: OnProgress) -> Copy | None:
    """Replace what is there, in whatever way is possible; returns what it was, if it is kept."""
    problem = ""
    if path.exists():
        try:
            return _replace_content(path, source, keep, on_progress)
        except CorruptError as error:
            problem = str(error)
    kept = _replace_file(path, source, on_progress)
    return None if kept is None else Copy(kept, problem)


def _replace_content(path: Path, source: Snapshot, keep: bool, on_progress: OnProgress) -> Copy | None:
    """Write over a base that is there.

    Raises:
        CorruptError: SQLite cannot read it.
    """
    with snapshot(path) as current, suppress(NewerSchemaError):  # a newer Rekall was tried, and is given up
        opening.refuse(current.state(), path)
    kept: list[Copy] = []

    def keep_it() -> None:
        with snapshot(path) as now:
            if keep and not now.state().is_empty:
                write = partial(now.copy_to, on_progress=on_progress)
                kept.append(copy_into(folder_of(path), path, write, BEFORE_RESTORE, on_progress, even_damaged=True))

    with live_base(path, source.page_size()) as base, _with_pages_of(base, source) as fitting:
        try:
            base.overwrite(fitting, keep_it, on_progress)
        except (RekallError, OSError):  # not an interruption, which may come between the commit and its report
            if not base.is_overwritten:
                for copy in kept:
                    copy.path.unlink()
            raise
    return kept[0] if kept else None


@contextmanager
def _with_pages_of(base: LiveBase, source: Snapshot) -> Iterator[Snapshot]:
    """The content in pages as large as those of the base: a file with a log cannot change its own."""
    if source.page_size() == base.page_size:
        yield source
        return
    with unfinished(base.path.parent) as file:
        vacuum_into(source.path, file, base.page_size)
        _, problem = finish(file)
        if problem:
            raise BackupError(f"nothing was changed: a copy of {source.path} is damaged ({problem})")
        with snapshot(file) as converted:
            yield converted


def _replace_file(path: Path, source: Snapshot, on_progress: OnProgress) -> Path | None:
    """Put a new file in the place of one that SQLite cannot read, which is kept, or of none."""
    real = Path(os.path.realpath(path))
    with unfinished(real.parent) as file:
        source.copy_to(file, on_progress)
        _, broken = finish(file, on_progress)
        if broken:
            raise BackupError(f"nothing was changed: the copy of {source.path} is damaged ({broken})")
        if not real.exists():
            _move_logs(real, next(new_names(_folder_for(real), BEFORE_RESTORE)))
            give_name(file, [real])
            return None
        name = _link(real, new_names(_folder_for(real), BEFORE_RESTORE))
        _move_logs(real, name)
        file.replace(real)
        sync_folder(real.parent)
    return name


def _folder_for(real: Path) -> Path:
    folder = folder_of(real)
    folder.mkdir(mode=DIR_PERMISSIONS, exist_ok=True)
    return folder


def _link(file: Path, names: Iterator[Path]) -> Path:
    """Let a file have a second name, or another one where a file system knows no second names."""
    for name in names:
        if not name.exists():
            try:
                name.hardlink_to(file)
            except FileExistsError:
                continue
            except OSError:
                file.rename(name)
            return name
    raise BackupError(f"{file} cannot be kept")


def _move_logs(file: Path, name: Path) -> None:
    """SQLite would read what it kept beside a file into whatever takes the place of that file."""
    for suffix in LOGS:
        if log_of(file, suffix).exists():
            log_of(file, suffix).rename(log_of(name, suffix))
    log_of(file, "-shm").unlink(missing_ok=True)
