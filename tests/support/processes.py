"""Real processes that start together, and processes that are killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_GATE = """
import sys, time
from pathlib import Path
print("ready", flush=True)
gate = Path(sys.argv[1])
while not gate.exists():
    time.sleep(0.002)
"""


def start(code: str, *args: object, stdin: int | None = None) -> subprocess.Popen[str]:
    """Run Python code in a process of its own; its `sys.argv[1:]` are the arguments."""
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_together(code: str, arguments: Sequence[Sequence[object]], gate: Path) -> list[str]:
    """Run the code once for each row of arguments, all released at the same moment.

    Args:
        code: sees the arguments of its row as `sys.argv[2:]`.
        gate: a path that does not exist; its making releases the processes.

    Returns:
        What each of them printed.

    Raises:
        AssertionError: one of them failed; its error output is the text.
    """
    processes = [start("from rekall.db import Database\n" + _GATE + code, gate, *row) for row in arguments]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    gate.touch()
    outputs = []
    errors = []
    for process in processes:
        output, error = process.communicate(timeout=120)
        outputs.append(output)
        if process.returncode or error:
            errors.append(f"exit {process.returncode}: {error}")
    assert not errors, "\n".join(errors)
    return outputs


def run(code: str, *args: object) -> str:
    """Run Python code in a process of its own to its end; returns what it printed.

    Raises:
        AssertionError: it failed; its error output is the text.
    """
    process = start(code, *args)
    output, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return output


def kill_after(process: subprocess.Popen[str], seconds: float) -> str:
    """Kill a process (SIGKILL) after some time; returns what it had printed."""
    time.sleep(seconds)
    process.kill()
    return process.communicate(timeout=30)[0]
