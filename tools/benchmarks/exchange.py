"""Whole bases out of a file and into one: each command as a process, its time for each record and its peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.bases import Bases
from benchmarks.measure import Row
from benchmarks.whole_base import Side

SECTION = "exchange"
GROWTH_LIMIT = 2.0
"""How much more a record may cost in a base ten times larger."""
MEMORY_LIMIT = 300
"""MiB that a command may take at the largest size."""


# a process of its own starts the command: the peak of a child counts that of its parent before exec, and ours is large
_MEASURED = """
import resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


class Run(NamedTuple):
    """One process.

    Args:
        seconds: from its start to its end.
        memory: MiB that it had at most.
    """

    seconds: float
    memory: float


@dataclass(frozen=True)
class Place:
    """Where the files of one size are.

    Args:
        base: the base that goes out.
        other: the base that it comes into.
        file: what it travels in, without an ending.
        records: rows of entries, links, keywords, sources and citations.
    """

    base: Path
    other: Path
    file: Path
    records: int


COMMANDS: Mapping[str, Callable[[Place], tuple[Path, Sequence[str]]]] = {
    "export, archive": lambda at: (at.base, ["export", f"{at.file}.rekall.zip"]),
    "export, json": lambda at: (at.base, ["export", f"{at.file}.json"]),
    "export, markdown": lambda at: (at.base, ["export", f"{at.file}.md"]),
    "import, archive": lambda at: (at.other, ["import", f"{at.file}.rekall.zip", "--yes"]),
    "import, json, all known": lambda at: (at.other, ["import", f"{at.file}.json", "--yes"]),
    "backup": lambda at: (at.base, ["backup", "--output", f"{at.file}.db"]),
    "restore": lambda at: (at.other, ["restore", f"{at.file}.db", "--yes"]),
}
"""In this order: each with the base that it works on, and its arguments."""


def measure(bases: Bases, sizes: Sequence[int]) -> list[Row]:
    """Measure every command once at every size.

    Args:
        bases: gives the entries and their contexts.
        sizes: numbers of entries, ascending; the limits apply to the largest.
    """
    places = [_place(bases, size) for size in sizes]
    rows: list[Row] = []
    for name, command in COMMANDS.items():
        bases.progress.start(f"{name} at {', '.join(f'{size:,}' for size in sizes)} entries", len(sizes))
        runs = []
        for place in places:
            base, arguments = command(place)
            runs.append(_run(base, arguments))
            bases.progress.step()
        rows += _rows(name, sizes, places, runs)
    return rows


def _rows(name: str, sizes: Sequence[int], places: Sequence[Place], runs: Sequence[Run]) -> Iterator[Row]:
    for size, place, run in zip(sizes, places, runs, strict=True):
        numbers = {"records": place.records, "memory_mib": run.memory}
        yield Row(SECTION, f"{name}, {size:,}", run.seconds, "s", details=numbers)
    if len(runs) > 1:
        yield Row(
            *(SECTION, f"{name}, a record at {sizes[-1]:,}", 1e6 * runs[-1].seconds / places[-1].records, "us"),
            reference=f"the same at {sizes[-2]:,}",
            base=1e6 * runs[-2].seconds / places[-2].records,
            limit=GROWTH_LIMIT,
        )
    yield Row(SECTION, f"{name}, most memory at {sizes[-1]:,}", runs[-1].memory, "MiB", limit=MEMORY_LIMIT)


def _place(bases: Bases, size: int) -> Place:
    side = Side(bases, size)
    path = side.db.db_path.resolve()
    side.close()
    folder = path.parent / f"exchange-{size}"
    folder.mkdir()
    base = path.rename(folder / "base.db")
    return Place(base, folder / "other.db", folder / "file", side.units)


def _run(base: Path, arguments: Sequence[str]) -> Run:
    environment = {key: value for key, value in os.environ.items() if key != "REKALL_HOME"}
    environment |= {"REKALL_DB_PATH": str(base), "HOME": str(base.parent), "XDG_CONFIG_HOME": str(base.parent)}
    return run_measured(["-m", "rekall", *arguments], environment)


def run_measured(arguments: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run Python once, as a process that must succeed.

    Args:
        arguments: of Python.
        environment: all of it.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, "-c", _MEASURED, sys.executable, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip()}")
    seconds, memory = done.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB elsewhere
    return Run(float(seconds), int(memory) * unit / 1024**2)
