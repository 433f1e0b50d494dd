"""Copies of a base in the folder `backups` beside it: how they are made, called, listed and removed.

The lock that lets one process at a time replace the content of a base, by a migration or a restore, is there too.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import IO, NamedTuple

from rekall.constants import DIR_PERMISSIONS
from rekall.errors import BackupError, DatabaseError, MigrationError, NotSupportedError
from rekall.infra.interfaces import DatabaseBackend
from rekall.store import opening
from rekall.store.new_files import give_name, unfinished
from rekall.store.sqlite_files import SIDE_FILES, OnProgress, finish, silent

BEFORE_RESTORE = "pre-restore"
_NAME = re.compile(
    r"knowledge_(?P<time>\d{4}-\d\d-\d\d_\d{6})"
    rf"(?:_(?P<label>{BEFORE_RESTORE}|contexts|schema-\d+))?(?:-(?P<number>\d+))?\.db"
)
_KINDS = {None: "backup", BEFORE_RESTORE: BEFORE_RESTORE}
_BEFORE_MIGRATION, _FOREIGN = "pre-migration", "other"

Write = Callable[[Path], None]
"""Fills an empty file with a copy of a base."""


class Copy(NamedTuple):
    """A copy of a base that has its name.

    Args:
        path: where it is.
        problem: what the integrity check found; empty when it is sound.
    """

    path: Path
    problem: str = ""


def folder_of(path: Path) -> Path:
    """The folder of the backups of a base."""
    return path.parent / "backups"


def kind_of(file: Path) -> str:
    """What a file in that folder is, by its name: `backup`, `pre-migration`, `pre-restore` or `other`."""
    found = _NAME.fullmatch(file.name)
    return _FOREIGN if found is None else _KINDS.get(found["label"], _BEFORE_MIGRATION)


def back_up(backend: DatabaseBackend, path: Path, label: str) -> Path:
    """Copy the base to `backups/knowledge_<time>_<label>.db` beside it, checked before it gets its name.

    Raises:
        MigrationError: the back end cannot copy itself, the folder cannot be written, or the copy is damaged.
    """
    folder = folder_of(path)
    try:
        return copy_into(folder, path, backend.backup, label).path
    except NotSupportedError as error:
        raise MigrationError(
            f'{path} must be migrated, but {error}: migrate it with database = "sqlite" first'
        ) from error
    except (OSError, DatabaseError, BackupError) as error:
        raise MigrationError(f"nothing was changed: the backup of {path} to {folder} failed ({error})") from error


def copy_into(
    folder: Path,
    base: Path,
    write: Write,
    label: str | None = None,
    on_progress: OnProgress = silent,
    *,
    even_damaged: bool = False,
) -> Copy:
    """Make a copy in a folder of backups, called by the time and the label; see `copy_to`.

    Args:
        folder: made when missing.
    """
    folder.mkdir(mode=DIR_PERMISSIONS, exist_ok=True)
    return copy_to(new_names(folder, label), base, write, on_progress, even_damaged=even_damaged)


def copy_to(
    names: Iterable[Path],
    base: Path,
    write: Write,
    on_progress: OnProgress = silent,
    *,
    even_damaged: bool = False,
) -> Copy:
    """Make a copy, checked before it is called by the first of the names that is free. Nothing is overwritten.

    Args:
        names: in one folder, which is there.
        base: what is copied, for messages.
        write: fills the copy.
        even_damaged: keep a copy that does not pass the integrity check.

    Raises:
        BackupError: the copy is damaged.
        DatabaseError: the base is not one of Rekall's, or cannot be read or copied.
        OSError: the folder cannot be written, or no name is free.
    """
    untried = iter(names)
    first = next(untried)
    with unfinished(first.parent) as file:
        write(file)
        state, problem = finish(file, on_progress)
        if not even_damaged:
            if problem:
                raise BackupError(f"Backup validation failed: {base} is damaged ({problem}); see 'rekall doctor'")
            if state is not None:
                opening.refuse(state, base)
        return Copy(give_name(file, chain([first], untried)), problem)


def new_names(folder: Path, label: str | None) -> Iterator[Path]:
    """The names for a copy made now, the one to be tried first in front."""
    stem = f"knowledge_{datetime.now():%Y-%m-%d_%H%M%S}" + (f"_{label}" if label else "")
    yield folder / f"{stem}.db"
    for number in count(2):
        yield folder / f"{stem}-{number}.db"


def prune(folder: Path, keep: int, newest: Path) -> list[Path]:
    """Remove the oldest backups that `rekall backup` made in a folder, and nothing else.

    Args:
        keep: how many stay, `newest` among them.
        newest: the one that was just made.

    Returns:
        What was removed, oldest first.

    Raises:
        OSError: one cannot be removed.
    """
    made = sorted(
        (found["time"], int(found["number"] or 1), file)
        for file in folder.iterdir()
        if (found := _NAME.fullmatch(file.name)) and found["label"] is None and file != newest
    )
    removed = [file for _, _, file in made[: max(0, len(made) + 1 - keep)]]
    for file in removed:
        file.unlink(missing_ok=True)
        for suffix in SIDE_FILES:
            file.with_name(file.name + suffix).unlink(missing_ok=True)
    return removed


@contextmanager
def migration_lock(path: Path) -> Iterator[None]:
    """Wait until no other process migrates this base. The lock ends with its process, however that ends."""
    try:
        handle = _lock_file(path)
    except OSError as error:
        raise MigrationError(
            f"{path} has an older schema and its folder is not writable ({error.strerror}): "
            "copy it to a writable place and run 'rekall migrate' there"
        ) from error
    with handle:
        _lock(handle)
        yield


@contextmanager
def restore_lock(path: Path) -> Iterator[None]:
    """Wait until no other process migrates or restores this base.

    Raises:
        OSError: the folder cannot be written.
    """
    with _lock_file(path) as handle:
        _lock(handle)
        yield


def _lock_file(path: Path) -> IO[str]:
    folder = folder_of(path)
    folder.mkdir(mode=DIR_PERMISSIONS, exist_ok=True)
    return (folder / ".migration.lock").open("a")


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[str]) -> None:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(handle: IO[str]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
