"""Files that get their name only once they are whole: filled under another one, written out, then named.

A run that is killed leaves at most a file called `.rekall-<...>.partial`, which the next run in that folder removes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from rekall.constants import FILE_PERMISSIONS

_LEFTOVERS = (".rekall-*.partial*", "knowledge_*.partial*")


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A new empty file of its owner's own in a folder, to be filled and named; what is left of it goes at the end.

    Raises:
        OSError: the folder is not there or cannot be written.
    """
    file = folder / f".rekall-{os.getpid()}-{time.monotonic_ns()}.partial"
    with _at_work(folder):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_PERMISSIONS))
        try:
            yield file
        finally:
            for suffix in ("", "-journal", "-wal", "-shm"):
                file.with_name(file.name + suffix).unlink(missing_ok=True)


@contextmanager
def replacing(target: Path) -> Iterator[tuple[BinaryIO, Path | None]]:
    """A stream to a file that is there whole or not at all, in place of one of that name, or of what a link names.

    Yields:
        The stream, and the folder of the file; None for a device or a pipe, which takes what comes as it comes.

    Raises:
        OSError: the file cannot be written there.
    """
    if target.exists() and not target.is_file():
        with target.open("wb") as stream:
            yield stream, None
        return
    target = Path(os.path.realpath(target))  # for links in a circle it finds an end, and Path.resolve does not
    with unfinished(target.parent) as partial:
        with partial.open("wb") as stream:
            yield stream, target.parent
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
        sync_folder(target.parent)


def give_name(file: Path, names: Iterable[Path]) -> Path:
    """Call an unfinished file, whose content is on the disk, by the first name that is free. Nothing is overwritten.

    Args:
        names: in the same folder.

    Raises:
        FileExistsError: none is free.
        OSError: the folder cannot be written.
    """
    for name in names:
        try:
            os.link(file, name)
        except FileExistsError:
            continue
        except OSError:  # a file system without hard links
            if name.exists():
                continue
            file.rename(name)
        sync_folder(name.parent)
        return name
    raise FileExistsError(f"{name} exists already")


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk, where the system can do that."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse it
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    for pattern in _LEFTOVERS:
        for leftover in folder.glob(pattern):
            with suppress(OSError):  # Windows refuses while another process uses it
                leftover.unlink()


if sys.platform == "win32":

    @contextmanager
    def _at_work(folder: Path) -> Iterator[None]:
        _sweep(folder)
        yield
else:
    import fcntl

    @contextmanager
    def _at_work(folder: Path) -> Iterator[None]:
        """Sweep, unless others are at work in the folder: their files look the same as those of a killed run."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # others are there, or a file system has no locks: nothing is swept
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _sweep(folder)
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)
