"""Runs a command on a terminal of its own, for the tools that show or time what a person sees."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def on_terminal(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path | None = None,
    *,
    answers: Sequence[tuple[str, str]] = (),
    columns: int = 80,
) -> tuple[int, bytes]:
    """Run a command with its output on a terminal.

    Args:
        folder: where it runs; here if left out.
        answers: (what must have been printed, what is typed then), in order; without any there is nothing to read.
        columns: width of the terminal.

    Returns:
        Its exit code, and what it wrote to stdout and stderr.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    stdin = theirs if answers else subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, cwd=folder, stdin=stdin, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        output, read_until = bytearray(), 0
        waiting = list(answers)
        try:
            while block := os.read(ours, 65536):
                output += block
                if waiting and (at := output.find(waiting[0][0].encode(), read_until)) >= 0:
                    read_until = at + len(waiting[0][0].encode())
                    os.write(ours, waiting.pop(0)[1].encode())
        except OSError:
            pass  # how Linux says that the other end is closed
        os.close(ours)
    return process.returncode, bytes(output)
