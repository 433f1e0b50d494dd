"""Back ends of an outsider, each under 50 lines, carry the command line's and the MCP tools' tests unchanged."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.backends import ConnectionPerCall, DictCache
from support.custom import use_custom_backends

from rekall.infra import (
    CacheBackend,
    DatabaseBackend,
    DefaultCacheBackend,
    DefaultDatabaseBackend,
    get_cache,
    get_database,
)

TESTS = Path(__file__).parent


@pytest.mark.parametrize(("backend", "interface"), [(ConnectionPerCall, DatabaseBackend), (DictCache, CacheBackend)])
def test_each_is_under_fifty_lines(backend: type, interface: type) -> None:
    """Blank lines counted; derived from the interface and from nothing else."""
    assert len(inspect.getsource(backend).splitlines()) < 50
    assert backend.__bases__ == (interface,)


def test_they_are_used_inside_and_gone_afterwards() -> None:
    """`use_custom_backends` registers, and resets the container of the process at its end."""
    with use_custom_backends():
        assert isinstance(_inner(get_database()), ConnectionPerCall)
        assert isinstance(_inner(get_cache()), DictCache)
    assert isinstance(_inner(get_database()), DefaultDatabaseBackend)
    assert isinstance(_inner(get_cache()), DefaultCacheBackend)


def _inner(backend: Any) -> Any:
    """The back end inside its wrappers."""
    return backend.wrapped


@pytest.mark.timeout(600)
@pytest.mark.parametrize("suite", ["cli", "mcp"])
def test_the_suites_pass_on_them(suite: str) -> None:
    """In a pytest of its own, with a plugin that registers them before each test; none is changed or left out."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("pytest"),
            "-q",
            "-p",
            "support.custom_plugin",
            "-p",
            "no:cacheprovider",
            f"tests/{suite}",
        ],
        cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    calls = re.search(r"calls of the custom database back end: (\d+)", done.stdout)
    assert calls is not None
    assert int(calls[1]) > 100
