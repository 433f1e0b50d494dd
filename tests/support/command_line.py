"""The command line as tests use it: in this process, as a process of its own, and in a terminal."""

from __future__ import annotations

import codecs
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from typer.testing import CliRunner, Result

from rekall.cli import app

CONTEXT = json.dumps(
    {
        "situation": "The export stalled behind the proxy",
        "solution": "Stream the rows instead of building the file",
        "trigger_keywords": ["export", "proxy"],
    }
)
# as a shell starts it: with the terminal whose Ctrl-C reaches it
_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
_REKALL = "import runpy; runpy.run_module('rekall', run_name='__main__')"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class CommandLine:
    """`rekall` in this process: fast, and on whatever back end is registered."""

    def __call__(self, *args: str, typed: str | bytes | None = None) -> Result:
        """Run a command; an exception that it lets through fails the test."""
        return CliRunner().invoke(app, list(args), input=typed, catch_exceptions=False)

    def ok(self, *args: str, typed: str | bytes | None = None) -> str:
        """Run a command that must succeed without a word on stderr; returns its stdout."""
        result = self(*args, typed=typed)
        assert (result.exit_code, result.stderr) == (0, ""), (args, result.stdout, result.stderr)
        return result.stdout

    def json(self, *args: str, typed: str | bytes | None = None) -> Any:
        """The JSON document that a command answers with `--json`."""
        return json.loads(self.ok(*args, "--json", typed=typed))

    def fails(self, *args: str, status: int = 1, typed: str | bytes | None = None) -> str:
        """Run a command that must fail with one line on stderr and nothing on stdout; returns the line."""
        result = self(*args, typed=typed)
        assert (result.exit_code, result.stdout) == (status, ""), (args, result.stdout, result.stderr)
        return one_error_line(result.stderr)

    def add(self, title: str, *options: str, entry_type: str = "bug") -> str:
        """Store an entry with a context; returns its id."""
        stored = self.json("add", entry_type, title, "--context-json", CONTEXT, *options)
        return str(stored["id"])


def one_error_line(text: str) -> str:
    """The error that is all of a stderr, without the name of the program."""
    assert text.startswith("rekall: "), text
    assert text.endswith("\n"), text
    assert text.count("\n") == 1, text
    return text[len("rekall: ") : -1]


def run_program(
    *args: str | bytes, stdin: bytes | int | None = b"", environment: Mapping[str, str] | None = None, **more: Any
) -> subprocess.CompletedProcess[bytes]:
    """Run `python -m rekall` as a process of its own, to its end.

    Args:
        stdin: what it reads, or a file descriptor.
    """
    channel: dict[str, Any] = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    return subprocess.run(
        [sys.executable, "-m", "rekall", *args],
        capture_output=True,
        env={**os.environ, **(environment or {})},
        timeout=60,
        check=False,
        **channel,
        **more,
    )


def run_in_terminal(
    args: Sequence[str], answers: Sequence[tuple[str, str]] = (), columns: int = 80, *, program: str = _REKALL
) -> tuple[int, str]:
    """Run `python -m rekall` in a terminal of its own.

    Args:
        answers: (what must have been printed, what is typed then), in order.
        columns: width of the terminal.
        program: Python code to run instead.

    Returns:
        The exit status, and all that stood in the terminal, colours removed.
    """
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", _TERMINAL + program, *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(theirs)
    seen, read_until = "", 0
    decoder = codecs.getincrementaldecoder("utf-8")()  # a part may end inside a character
    waiting = list(answers)
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if waiting and waiting[0][0] in seen[read_until:]:
                read_until = seen.index(waiting[0][0], read_until) + len(waiting[0][0])
                os.write(ours, waiting.pop(0)[1].encode())
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # Linux says so when the other side is closed
                    break
                if not part:
                    break
                seen += decoder.decode(part).replace("\r\n", "\n")
        return process.wait(timeout=10), _ESCAPES.sub("", seen)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
