"""The bar for long work."""

from __future__ import annotations

import subprocess
import sys

from support.command_line import CommandLine, run_in_terminal

_WORK = """
import time
from rekall.cli.progress import PATIENCE, progress
with progress("Counting") as on_progress:
    on_progress(1, 3)
    time.sleep({pause})
    on_progress(2, 3)
    time.sleep(0.2)
print("ready")
"""


def test_nothing_is_drawn_when_piped() -> None:
    """Long work writes nothing on a stderr that nobody looks at, and does not load rich."""
    code = _WORK.format(pause="PATIENCE + 0.1") + "\nimport sys; assert 'rich' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"ready\n", b"")


def test_long_work_has_a_bar_in_a_terminal() -> None:
    """What is done, of how much, in the terminal."""
    _, seen = run_in_terminal((), program=_WORK.format(pause="PATIENCE + 0.1"))
    assert "Counting" in seen
    assert "2/3" in seen


def test_short_work_has_none() -> None:
    """A bar that flashes by would only be noise."""
    assert run_in_terminal((), program=_WORK.format(pause="0")) == (0, "ready\n")


def test_the_bar_of_work_without_an_end_counts_nothing() -> None:
    """While nobody knows how much there is, it moves; the next part of the work counts from its beginning."""
    program = _WORK.format(pause="PATIENCE + 0.1").replace("on_progress(2, 3)", "on_progress(7, 0)")
    program = program.replace("time.sleep(0.2)", "time.sleep(0.2); on_progress(4, 5); time.sleep(0.2)")
    _, seen = run_in_terminal((), program=program)
    assert "Counting" in seen
    assert "7/" not in seen
    assert "4/5" in seen


def test_centrality_computes_with_it(cli: CommandLine) -> None:
    """The command that reports its progress still answers with its result alone."""
    cli.add("One")
    status, seen = run_in_terminal(["centrality"])
    assert (status, seen) == (0, "Computed the centrality of 1 entry.\n")
