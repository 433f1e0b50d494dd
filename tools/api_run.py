"""Writes the public surface of Rekall to tests/data/api.txt, or checks it, for `tools/api`."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from api_surface.comparison import compare
from api_surface.excuses import unannounced
from api_surface.snapshot import Snapshot
from api_surface.surface import surface

from rekall import __version__

ROOT = Path(__file__).resolve().parents[1]
CURRENT = ROOT / "tests" / "data" / "api.txt"
RELEASED = ROOT / "tests" / "data" / "api-released.txt"


def outdated(text: str, recorded: str) -> str:
    """What to print when the snapshot is not the surface of today; nothing when it is.

    Args:
        text: the surface of today.
        recorded: the snapshot.
    """
    if text == recorded:
        return ""
    name = CURRENT.relative_to(ROOT).as_posix()
    lines = (recorded.splitlines(keepends=True), text.splitlines(keepends=True))
    diff = "".join(difflib.unified_diff(*lines, name, "the public surface today", n=0))
    return f"{diff}\nThe public surface changed. If that is meant: run tools/api and commit {name}."


def broken(released: str, current: str, version: str) -> str:
    """What to print when something breaks that was not announced; nothing when nothing does.

    Args:
        released: the snapshot of the last release.
        current: the surface of today.
        version: the version of today.
    """
    changes = unannounced(Snapshot(released), Snapshot(current), version)
    if not changes:
        return ""
    return "\n".join(
        [
            f"These changes break what people rely on, and no deprecation is due for them at {version}:",
            *(f"  {change}" for change in changes),
            "Keep the old form too, with a row in rekall/deprecations.toml: see docs/deprecation-policy.md.",
        ]
    )


def summary(released: str, current: str) -> str:
    """Every change since the last release, one a line, those that need a look first."""
    changes = compare(Snapshot(released), Snapshot(current))
    marks = {"breaking": "breaks", "look": "look at", "new": "new"}
    return "\n".join(
        f"{marks[weight]:8}{change}" for weight in marks for change in changes if change.difference.weight == weight
    )


def main() -> None:
    """Write, compare, or make the surface of today that of a release."""
    parser = argparse.ArgumentParser(prog="tools/api", description=__doc__)
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--check", action="store_true", help="only compare, and fail on what was not recorded or announced"
    )
    action.add_argument("--changes", action="store_true", help="list what changed since the last release")
    action.add_argument("--release", action="store_true", help="make the recorded surface that of the last release")
    options = parser.parse_args()
    if options.release:
        RELEASED.write_bytes(CURRENT.read_bytes())
        return
    try:
        text, released = surface(ROOT), RELEASED.read_text("utf-8")
    except ValueError as error:
        sys.exit(f"error: {error}")
    if options.changes:
        print(summary(released, text) or "nothing changed since the last release")
        return
    if not options.check:
        CURRENT.write_text(text, "utf-8")
    problems = [outdated(text, CURRENT.read_text("utf-8")), broken(released, text, __version__)]
    print("\n\n".join(filter(None, problems)), file=sys.stderr, end="\n" if any(problems) else "")
    sys.exit(any(problems))


if __name__ == "__main__":
    main()
