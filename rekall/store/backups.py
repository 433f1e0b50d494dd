"""Copies of a base before its schema changes, and the lock that lets one process at a time make them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from rekall.constants import DIR_PERMISSIONS, FILE_PERMISSIONS
from rekall.errors import DatabaseError, MigrationError, NotSupportedError
from rekall.infra.interfaces import DatabaseBackend


def back_up(backend: DatabaseBackend, path: Path, label: str) -> Path:
    """Copy the base to `backups/knowledge_<time>_<label>.db` beside it, checked before it gets its name.

    Raises:
        MigrationError: the back end cannot copy itself, the folder cannot be written, or the copy is damaged.
    """
    folder = path.parent / "backups"
    stamp = datetime.now().strftime("%Y-%m-%d_%H%M%S")
    target = folder / f"knowledge_{stamp}_{label}.db"
    number = 1
    while target.exists():
        number += 1
        target = folder / f"knowledge_{stamp}_{label}-{number}.db"
    unfinished = target.with_suffix(".partial")
    try:
        folder.mkdir(mode=DIR_PERMISSIONS, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=FILE_PERMISSIONS)
        backend.backup(unfinished)
        _check_copy(unfinished)
        unfinished.replace(target)
    except NotSupportedError as error:
        raise MigrationError(
            f'{path} must be migrated, but {error}: migrate it with database = "sqlite" first'
        ) from error
    except (OSError, DatabaseError) as error:
        unfinished.unlink(missing_ok=True)
        raise MigrationError(f"nothing was changed: the backup of {path} to {folder} failed ({error})") from error
    return target


def _check_copy(copy: Path) -> None:
    import sqlite3  # the copy is a plain file, whatever back end the base lives on

    connection = sqlite3.connect(copy)
    try:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    finally:
        connection.close()
    if verdict != "ok":
        raise DatabaseError(f"the copy is damaged ({verdict}); see 'rekall doctor'")


def sweep(path: Path) -> None:
    """Remove the copies that a killed migration left unfinished; call under the migration lock."""
    for leftover in (path.parent / "backups").glob("knowledge_*.partial*"):
        leftover.unlink(missing_ok=True)


@contextmanager
def migration_lock(path: Path) -> Iterator[None]:
    """Wait until no other process migrates this base. The lock ends with its process, however that ends."""
    folder = path.parent / "backups"
    try:
        folder.mkdir(mode=DIR_PERMISSIONS, exist_ok=True)
        handle = (folder / ".migration.lock").open("a")
    except OSError as error:
        raise MigrationError(
            f"{path} has an older schema and its folder is not writable ({error.strerror}): "
            "copy it to a writable place and run 'rekall migrate' there"
        ) from error
    with handle:
        _lock(handle)
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: IO[str]) -> None:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(handle: IO[str]) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
