"""What back ends that are installed and not selected cost a command: nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.bases import Bases
from benchmarks.measure import Prepare, Row, by_turns, details
from benchmarks.startup import piped

NUMBER = 20
PLUGINS_LIMIT = 1.05
"""A search with plug-ins installed to one with none: the least times, as a median moves by more on a busy machine."""


def measure(bases: Bases, rounds: int) -> list[Row]:
    """Measure a search, as a whole process, beside the same with plug-ins on Python's path.

    Args:
        bases: gives the base that is searched.
        rounds: times that each is run.
    """
    home = bases.copy(1_000, "knowledge").parent
    words = [bases.texts.selective(number) for number in range(0, 1_000, 37)]

    def search(site: Path) -> Prepare:
        environment = {**os.environ, "REKALL_HOME": str(home), "PYTHONPATH": str(site)}
        command = [sys.executable, "-m", "rekall", "search"]
        return lambda number: lambda: piped([*command, words[number % len(words)]], environment)

    calls = {str(number): search(install(number, home / f"{number}-plugins")) for number in (0, NUMBER)}
    bases.progress.start("a search beside plug-ins", rounds)
    times = by_turns(calls, rounds, bases.progress, warm_up=2)
    none, many = times["0"], times[str(NUMBER)]
    return [
        Row(
            *("start-up", f"rekall search, {NUMBER} plug-ins installed, least", many.least * 1000, "ms"),
            reference="none installed",
            base=none.least * 1000,
            limit=PLUGINS_LIMIT,
            details=details({"installed": many, "none": none}, 1000),
        )
    ]


def install(number: int, site: Path) -> Path:
    """So many distributions as pip lays them out, each with a back end of each kind that nobody can import.

    Args:
        number: how many.
        site: the directory that is to be on Python's path; made.
    """
    site.mkdir()
    for each in range(number):
        name = f"plugin{each}"
        (site / f"{name}.py").write_text("raise RuntimeError('imported')\n", encoding="utf-8")
        info = site / f"{name}-1.0.dist-info"
        info.mkdir()
        points = "".join(f"[rekall.backends.{kind}]\n{name} = {name}:Backend\n" for kind in ("database", "cache"))
        (info / "entry_points.txt").write_text(points, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (info / "INSTALLER").write_text("pip\n", encoding="utf-8")
        files = [
            f"{name}.py",
            *(f"{info.name}/{one}" for one in ("entry_points.txt", "METADATA", "INSTALLER", "RECORD")),
        ]
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files), encoding="utf-8")
    return site
