"""Conformance classes run as their authors run them: by a pytest of their own, whose report is read."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1]


class Outcome(NamedTuple):
    """What became of one check.

    Args:
        state: `passed`, `failed`, `skipped` or `error` (outside the check itself).
        message: of all but the passed ones.
    """

    state: str
    message: str


def run_conformance(
    source: str, folder: Path, only: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> dict[tuple[str, str], Outcome]:
    """The outcome of each check, by the name of its class and its own, which ends in its parameter in brackets.

    Args:
        source: a test file; what it imports may be in `tests`.
        folder: an empty one, for the file and what the checks leave.
        only: `Class` or `Class::check`, to leave the others out.
        environment: added to that of the tests; CI is taken out of it.
    """
    file, report = folder / "test_conformance.py", folder / "report.xml"
    file.write_text(source, encoding="utf-8")
    variables = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", f"-c={os.devnull}"]
        + [f"--basetemp={folder / 'checks'}", f"--junit-xml={report}"]
        + [f"{file}::{one}" for one in only or ()]
        + ([] if only else [str(file)]),
        cwd=folder,
        env={**variables, "PYTHONPATH": str(TESTS), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    # 0: all passed, 1: some failed; anything else means that pytest itself did not come through
    assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr
    outcomes: dict[tuple[str, str], Outcome] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314  # written by pytest a moment ago
        # a check that fails has a second entry if what comes after it fails too
        outcomes.setdefault((case.attrib["classname"].rpartition(".")[2], case.attrib["name"]), _outcome(case))
    return outcomes


def _outcome(case: ElementTree.Element) -> Outcome:
    for tag, state in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        found = case.find(tag)
        if found is not None:
            return Outcome(state, found.attrib["message"].removesuffix("\n[truncated; full report in element text]"))
    return Outcome("passed", "")
