"""Runs of the command line of the server, each in a process of its own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

LONGEST = 60
"""Seconds that a command may take on a busy machine."""


def run_server(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """One command that ends by itself.

    Args:
        arguments: of `rekall-server`.
        variables: of the environment, beside those of the test.
    """
    return subprocess.run(
        [sys.executable, "-m", "rekall_server", *arguments],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def run_on_a_terminal(*arguments: str, columns: int = 80) -> list[str]:
    """The lines that a command writes on a terminal.

    Args:
        arguments: of `rekall-server`.
        columns: of the terminal.
    """
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "dumb"}
    with subprocess.Popen(
        [sys.executable, "-m", "rekall_server", *arguments], env=environment, stdin=slave, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        text = b""
        until = time.monotonic() + LONGEST
        while time.monotonic() < until and select.select([master], [], [], until - time.monotonic())[0]:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            text += part
        process.kill()
    os.close(master)
    return text.decode().replace("\r\n", "\n").splitlines()
