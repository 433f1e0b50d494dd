"""Where the debug log goes: to stderr, or to the end of a file that only its owner may read."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import NamedTuple, Protocol, TextIO

from rekall.config import Config
from rekall.config_file import CONFIG_NAME
from rekall.constants import FILE_PERMISSIONS
from rekall.errors import ConfigError


class Target(Protocol):
    """Takes lines. One that cannot be written any more must not fail a call that was applied: it raises nothing."""

    is_terminal: bool

    def write(self, text: str) -> None:
        """Write whole lines."""

    def write_last(self, text: str) -> None:
        """Write the lines that end the log."""


class Place(NamedTuple):
    """Where and how one log is written; two configurations that agree in it share the log.

    Args:
        file: its path; None for stderr.
        form: `auto`, `text` or `json`, as configured.
        on_terminal: whether a person looks at stderr, and it is written there.
    """

    file: str | None
    form: str
    on_terminal: bool

    def form_on(self, target: Target) -> str:
        """`terminal`, `text` or `json`."""
        if self.form == "json" or (self.form == "auto" and not target.is_terminal):
            return "json"
        return "terminal" if target.is_terminal else "text"


class StderrTarget:
    """Whatever stderr is when a line is written: stdout belongs to output and to MCP."""

    def __init__(self) -> None:
        self.is_terminal = _is_terminal(sys.stderr)
        self._stream: TextIO | None = sys.stderr

    def write(self, text: str) -> None:
        self._stream = sys.stderr
        _write(self._stream, text)

    def write_last(self, text: str) -> None:
        """Write where the last line went: a stderr that stood in for a while may be closed, and then nobody waits."""
        _write(self._stream, text)


class FileTarget:
    """The end of a file. Each text is one write, so that the lines of several processes stay whole.

    When somebody deletes it, or moves it away as a rotation of logs does, a new one is begun.

    Args:
        path: created, for its owner alone, where there is none.

    Raises:
        OSError: it cannot be written.
        ValueError: no file can have that name.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = _opened(path)
        self.is_terminal = os.isatty(self._descriptor)

    def write(self, text: str) -> None:
        try:
            if not self._is_in_place():
                descriptor = _opened(self._path)
                os.close(self._descriptor)
                self._descriptor = descriptor
            os.write(self._descriptor, text.encode("utf-8", "backslashreplace"))
        except OSError:
            return

    write_last = write

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))  # noqa: PTH116  # as it is opened
        except FileNotFoundError:
            return False


def _opened(path: str) -> int:
    # not to wait for the reader of a named pipe that has none
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags, FILE_PERMISSIONS)
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    return descriptor


def place_of(config: Config) -> Place:
    """Where and how a configuration wants the log.

    Raises:
        ConfigError: the home directory in `debug_file` is unknown.
    """
    if not config.debug_file:
        return Place(None, config.debug_format, _is_terminal(sys.stderr))
    try:
        path = Path(config.debug_file).expanduser()
    except RuntimeError as error:
        raise _refused(config, "whose home directory is unknown", "write the whole path") from error
    if config.origins.get("debug_file", "").startswith("file "):
        path = config.config_dir / path  # else a log would turn up in every directory that Rekall is called in
    return Place(os.path.abspath(path), config.debug_format, on_terminal=False)  # noqa: PTH100  # resolves no link


def open_target(place: Place, config: Config) -> Target:
    """The place, open for writing.

    Raises:
        ConfigError: `debug_file` cannot be written, or is a file of Rekall itself.
    """
    if place.file is None:
        return StderrTarget()
    own = [f"{config.db_path}{end}" for end in ("", "-wal", "-shm", "-journal")] + [config.config_dir / CONFIG_NAME]
    if any(_is_same(place.file, file) for file in own):
        raise _refused(config, "a file of Rekall itself, which the log would destroy", "name another file")
    try:
        return FileTarget(place.file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(config, f"which cannot be written ({reason})", "name another file, or take it back") from error


def _refused(config: Config, why: str, mend: str) -> ConfigError:
    kind, _, origin = config.origins.get("debug_file", "").partition(" ")
    named = {"file": f"{origin}: debug_file", "environment": f"environment {origin}"}.get(kind, "debug_file")
    return ConfigError(f"{named} is {config.debug_file!r}, {why}: {mend}")


def _is_same(path: str, other: str | Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other) or (
        os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)  # noqa: PTH110, PTH121
    )


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        try:
            if type(stream) is io.TextIOWrapper and not _is_terminal(stream):
                _write_through(stream, text)
            else:  # what a program has put in its place has ways of its own
                stream.write(text)
        except (OSError, ValueError):
            return


def _write_through(stream: io.TextIOWrapper, text: str) -> None:
    """Write past the buffer: what the system does not take would stay in it, and Python's end would fail for it.

    Raises:
        OSError: it takes no more.
        ValueError: it is closed.
    """
    stream.flush()
    left = memoryview(text.replace("\n", os.linesep).encode(stream.encoding, "backslashreplace"))
    while left:
        left = left[os.write(stream.fileno(), left) :]
