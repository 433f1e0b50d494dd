"""Python code run where sqlite3 can load sqlite-vec: not every build of Python can."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rekall

_PROBE = (
    "import sqlite3, numpy, sqlite_vec; c = sqlite3.connect(':memory:'); c.enable_load_extension(True)\n"
    "sqlite_vec.load(c); print(c.execute('SELECT vec_version()').fetchone()[0])"
)
_PATHS = [str(Path(rekall.__file__).parents[1]), str(Path(__file__).parents[1])]


def _environment() -> dict[str, str]:
    packages = [folder for folder in sys.path if "site-packages" in folder]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*_PATHS, *packages])}


def _interpreters() -> Iterator[str]:
    """This one, then others of the same version, which find the same packages."""
    yield sys.executable
    version = f"python3.{sys.version_info.minor}"
    for name in (version, "python3"):
        for folder in (*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin"):
            found = shutil.which(name, path=folder)
            if found:
                yield found


@functools.cache
def interpreter() -> str | None:
    """A Python that can load sqlite-vec, None when this machine has none."""
    for one in dict.fromkeys(_interpreters()):
        done = subprocess.run([one, "-c", _PROBE], env=_environment(), capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.startswith("v"):
            return one
    return None


def run(code: str, *args: object) -> str:
    """Run code in a process that can load sqlite-vec; returns what it printed.

    Raises:
        AssertionError: it failed, or there is no such Python under CI; without one elsewhere the test is skipped.
    """
    python = interpreter()
    if python is None:
        assert not os.environ.get("CI"), "no Python of this version can load extensions into sqlite3"
        pytest.skip("no Python of this version can load extensions into sqlite3")
    command = [python, "-W", "error", "-c", code, *map(str, args)]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout
