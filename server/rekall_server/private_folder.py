"""A folder that belongs to one process, and goes when that has ended, however it ended."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def private_folder(prefix: str) -> Iterator[Path]:
    """A folder of this process among the temporary ones, mode 0700, removed at the end.

    A process that is killed cannot remove its own: that goes when the next one of this user begins. On a file system
    without locks it stays.

    Args:
        prefix: of the names of all folders that are made here, and of no others.

    Raises:
        OSError: it cannot be made.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        _remove_unless_in_use(left)
    folder, descriptor = _made(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)  # not before: it says that the folder is in use


def _made(prefix: str) -> tuple[Path, int | None]:
    """A new folder, and what says until it is closed that somebody uses it; None where nothing can."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        descriptor = _locked(folder)
        if folder.exists():
            return folder, descriptor
        if descriptor is not None:  # who began at the same time took the folder for one that was left
            os.close(descriptor)


def _locked(folder: Path, *, at_once: bool = False) -> int | None:
    """A descriptor that has the lock of a folder of this user; None where there is none to be had.

    Args:
        at_once: do not wait for who has it.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # it is gone, another user's, or no folder
        return None
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if at_once else 0))
            return descriptor
    except OSError:  # it is in use, or the file system has no such locks
        pass
    os.close(descriptor)
    return None


def _remove_unless_in_use(folder: Path) -> None:
    """Remove a folder of this user that no process holds."""
    descriptor = _locked(folder, at_once=True)
    if descriptor is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
