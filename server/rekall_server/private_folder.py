"""A folder that belongs to one process for as long as that lives, however it ends."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def private_folder(prefix: str) -> Iterator[Path]:
    """A folder of this process among the temporary ones, mode 0700, removed at the end.

    A process that is killed cannot remove its own: that goes when the next one of this user begins.

    Args:
        prefix: of the names of all folders of this kind, and of no others.

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
            os.close(descriptor)


def _made(prefix: str) -> tuple[Path, int | None]:
    """A new folder, and what says until it is closed that somebody uses it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        if sys.platform == "win32":
            return folder, None
        import fcntl

        with suppress(FileNotFoundError):  # who begins at the same time may take it for one that was left
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)


def _remove_unless_in_use(folder: Path) -> None:
    """Remove a folder of this user that no process holds."""
    if sys.platform == "win32":
        return
    import fcntl

    with suppress(OSError):  # it is another user's, no folder, in use, or gone
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(descriptor).st_uid == os.geteuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
