"""Runs a command on a terminal of its own, for the tools that show or time what a person sees."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def on_terminal(
    command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
) -> tuple[int, bytes]:
    """Run a command with nothing to read and its output on a terminal.

    Args:
        folder: where it runs; here if left out.

    Returns:
        Its exit code, and what it wrote to stdout and stderr.
    """
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        output = bytearray()
        try:
            while block := os.read(ours, 65536):
                output += block
        except OSError:
            pass  # how Linux says that the other end is closed
        os.close(ours)
    return process.returncode, bytes(output)
