"""The whole contract: every item of Rekall 0.3 under one heading."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from rekall.deprecation import RekallDeprecationWarning
from support.contract import commands, config_keys, guide, mcp_tools, python_api
from support.contract.finding import Finding

WALKS = {
    "cli.json": commands.walk,
    "mcp_tools.json": mcp_tools.walk,
    "python_api.json": python_api.walk,
    "config_keys.json": config_keys.walk,
}
PRESENT, PENDING, DIFFERENT, UNEXPLAINED = "present", "pending", "intended difference", "unexplained"


class Line(NamedTuple):
    """An item, the heading that it stands under, and the row of the guide that puts it there."""

    finding: Finding
    heading: str
    row: guide.Row | None = None


def report(name: str) -> list[Line]:
    """Every item of one of the recorded files."""
    pending, differences = guide.pending(), guide.differences()
    with warnings.catch_warnings():  # a name that moved warns, and is there
        warnings.simplefilter("ignore", RekallDeprecationWarning)
        return [_line(finding, pending, differences) for finding in WALKS[name]()]


def _line(finding: Finding, pending: list[guide.Row], differences: list[guide.Row]) -> Line:
    if not finding.problem:
        return Line(finding, PRESENT)
    for heading, rows in ((PENDING, pending), (DIFFERENT, differences)):
        row = next((row for row in rows if row.covers(finding.item)), None)
        if row is not None and (finding.missing or heading is DIFFERENT):
            return Line(finding, heading, row)
    return Line(finding, UNEXPLAINED)


def summary() -> Iterator[str]:
    """The counts for each file, as lines of a table, then every item that nothing explains."""
    headings = (PRESENT, PENDING, DIFFERENT, UNEXPLAINED)
    yield f"{'':18}" + "".join(f"{heading:>22}" for heading in headings)
    unexplained = []
    for name in WALKS:
        lines = report(name)
        counts = Counter(line.heading for line in lines)
        yield f"{name:18}" + "".join(f"{counts[heading]:22}" for heading in headings)
        unexplained += [line.finding for line in lines if line.heading == UNEXPLAINED]
    yield from (f"{finding.kind} {finding.item} {finding.problem}" for finding in unexplained)


if __name__ == "__main__":
    print("\n".join(summary()))  # noqa: T201  # what it is for
