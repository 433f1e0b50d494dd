"""Python code run where sqlite3 can load sqlite-vec: where this build of Python cannot, pysqlite3 stands in for it."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

_STAND_IN = """\
import pysqlite3, sys
sys.modules["sqlite3"], sys.modules["sqlite3.dbapi2"] = pysqlite3, pysqlite3.dbapi2
"""
_PROBE = """\
import numpy, sqlite3, sqlite_vec
connection = sqlite3.connect(":memory:")
connection.enable_load_extension(True)
sqlite_vec.load(connection)
"""
_TESTS = str(Path(__file__).parents[1])


def _run(code: str, *args: object) -> subprocess.CompletedProcess[str]:
    paths = [_TESTS, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-W", "error", "-c", code, *map(str, args)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@functools.cache
def preamble() -> str | None:
    """The code that comes first, so that sqlite3 can load sqlite-vec; None when it cannot here at all."""
    return next((first for first in ("", _STAND_IN) if _run(first + _PROBE).returncode == 0), None)


def run(code: str, *args: object) -> str:
    """Run code in a process that can load sqlite-vec; returns what it printed.

    Raises:
        AssertionError: it failed, or no process can, under CI; without CI the test is skipped then.
    """
    first = preamble()
    if first is None:
        reason = "neither sqlite3 of this Python nor pysqlite3 can load sqlite-vec"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    done = _run(first + code, *args)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout
