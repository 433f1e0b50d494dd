"""Opening what should be imported: a regular file or nothing, and never a wait for a pipe that nobody writes to."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from rekall.errors import ImportRefusedError
from rekall.exchange.limits import Limits
from rekall.exchange.shown import plain

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_LONGEST_NAME = 200
_PIECE = 1024**2


def open_regular(path: Path, name: str, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading.

    Args:
        path: the file.
        name: what it is called in messages.
        follow: whether `path` may be a symbolic link.

    Raises:
        ImportRefusedError: there is no such file, it is something else, or it may not be read.
    """
    flags = os.O_RDONLY
    for flag in ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC", "O_NOCTTY", *(() if follow else ("O_NOFOLLOW",))):
        flags |= getattr(os, flag, 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno is not None and path.is_socket():
            raise ImportRefusedError(_other(name, "a socket")) from error
        raise unreadable(name, error) from error
    except ValueError as error:  # a NUL in the path
        raise ImportRefusedError(f"{name}: there is no such file: check the path") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise ImportRefusedError(_other(name, next((word for test, word in _KINDS if test(mode)), "no file")))
    return io.BufferedReader(_Told(descriptor, name))


class _Told(io.FileIO):
    """A file whose faults are told with its name.

    Args:
        descriptor: open for reading; closed with this.
        label: what the file is called in messages.
    """

    def __init__(self, descriptor: int, label: str) -> None:
        super().__init__(descriptor)
        self._label = label

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise unreadable(self._label, error) from error


def spool(stream: BinaryIO, limits: Limits, name: str = "stdin") -> BinaryIO:
    """What a stream gives as a seekable file without a name, which is gone when it is closed.

    Args:
        stream: binary; read to its end.
        limits: `size` is what is taken at most.
        name: for messages.

    Raises:
        ImportRefusedError: it gives more, cannot be read, or there is no room for it.
    """
    try:
        file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  # the caller closes it
        try:
            while piece := stream.read(_PIECE):
                file.write(piece)
                limits.check("size", file.tell(), name)
            file.seek(0)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImportRefusedError(f"{name}: cannot be kept for reading: {reason}: save it as a file first") from error
    return file


def unreadable(name: str, error: OSError) -> ImportRefusedError:
    """The refusal of a file that the system does not let one read."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return ImportRefusedError(f"{name}: there is no such file: check the path")
    if isinstance(error, PermissionError):
        return ImportRefusedError(f"{name}: may not be read: change its permissions, or leave it out")
    return ImportRefusedError(f"{name}: cannot be read: {error.strerror or error}")


def display_name(path: str | Path) -> str:
    """A path in a message: on one line and not endless; the end of it is what tells files apart."""
    text = str(path)
    shown = plain(text[-_LONGEST_NAME:], _LONGEST_NAME)
    return shown if len(text) <= _LONGEST_NAME else f"...{shown}"


def local_moment(seconds: float) -> str:
    """Seconds since 1970 as the text of a local time in a base, whole seconds.

    A file system can hold times that the calendar of Python cannot: those become 1970.
    """
    try:
        return datetime.fromtimestamp(int(seconds)).isoformat()
    except (ValueError, OverflowError, OSError):
        return datetime(1970, 1, 1).isoformat()


def _other(name: str, kind: str) -> str:
    return f"{name}: is {kind}, not a file: save what it gives as a file, or send it through stdin with '-'"
