"""What the tests of the debug log share: a place that keeps its lines, programs, and reading what they left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# a base and a cache that are used as a library uses them
USE = """
import sys
from pathlib import Path
from rekall.capture import new_entry
from rekall.db import Database
from rekall.infra import get_cache
with Database(Path(sys.argv[1])) as db:
    db.add(new_entry("bug", "A title"))
    assert len(db.search("title")) == 1
cache = get_cache()
cache.set("key", "value")
assert cache.get("key") == "value"
"""


class Paper:
    """A target of the debug log that keeps what is written.

    Args:
        is_terminal: whether it says that a person looks at it.
    """

    def __init__(self, *, is_terminal: bool = False) -> None:
        self.is_terminal = is_terminal
        self.lines: list[str] = []
        self.last: list[str] = []

    def write(self, text: str) -> None:
        assert text.endswith("\n")
        self.lines += text.splitlines()

    def write_last(self, text: str) -> None:
        assert text.endswith("\n")
        self.last += text.splitlines()


def run(
    code: str, *args: object, environment: Mapping[str, str] | None = None, shell: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run Python code with debug on, in a process of its own.

    Args:
        code: sees the tests' own packages too.
        args: its `sys.argv[1:]`.
        environment: added to that of the test.
        shell: a script for sh that runs the program as `"$0" "$@"`.
    """
    command: Sequence[str] = [sys.executable, "-c", code, *map(str, args)]
    tests = str(Path(__file__).parents[1])
    return subprocess.run(
        ["sh", "-c", shell, *command] if shell else command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": tests, "REKALL_DEBUG": "1", **(environment or {})},
    )


def events(text: str) -> list[dict[str, Any]]:
    """The events of a debug log in JSON; a line that is none fails."""
    return [json.loads(line) for line in text.splitlines()]


def calls_and_summary(text: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The events of a whole log: any number of calls, and then one summary."""
    *calls, summary = events(text)
    assert {call["event"] for call in calls} <= {"backend.call"}
    assert summary["event"] == "backend.summary"
    return calls, summary
