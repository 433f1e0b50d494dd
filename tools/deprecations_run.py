"""Lists the deprecation register, says what is due, checks that the policy is kept, and writes the pages.

Run by `tools/deprecations`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from deprecation_policy.check import Checkout
from deprecation_policy.pages import write

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; returns the exit status.

    Args:
        arguments: those of the command line when None.
    """
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(Checkout.read(ROOT), given))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _list(checkout: Checkout, given: argparse.Namespace) -> int:
    rows = checkout.register.rows.values()
    if given.json:
        places: dict[str, list[str]] = {}
        for warned in checkout.code.warned:
            places.setdefault(warned.name, []).append(warned.place)
        print(json.dumps([{**row._asdict(), "warns_at": places.get(row.name, [])} for row in rows], indent=2))
        return 0
    cells = [("NAME", "KIND", "SINCE", "GOES IN", "USE INSTEAD")]
    cells += [(row.name, row.kind, row.since, row.removal, row.replacement) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def _due(checkout: Checkout, given: argparse.Namespace) -> int:
    due = checkout.due(given.version)
    for one in due:
        print(f"{one}; use {one.row.replacement}")
    print(f"{len(due)} of {len(checkout.register.rows)} deprecated names must be gone in {given.version}")
    return 0


def _check(checkout: Checkout, given: argparse.Namespace) -> int:
    faults = checkout.faults(given.version)
    for fault in faults:
        print(fault)
    count = len(checkout.register.rows)
    print(f"{len(faults)} faults" if faults else f"{count} deprecated names, and the policy is kept")
    return 1 if faults else 0


def _write(checkout: Checkout, _given: argparse.Namespace) -> int:
    faults = checkout.register.faults or write(checkout.root, checkout.register.rows)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tools/deprecations", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("list", help="every deprecated name")
    one.add_argument("--json", action="store_true", help="as JSON, with the places that warn")
    one.set_defaults(run=_list)
    one = commands.add_parser("due", help="what must be deleted when the version becomes VERSION")
    one.add_argument("version", metavar="VERSION")
    one.set_defaults(run=_due)
    one = commands.add_parser("check", help="exit 1 with a list of what breaks the policy")
    one.add_argument("--version", metavar="VERSION", help="as if this were the version of the checkout")
    one.set_defaults(run=_check)
    one = commands.add_parser("write", help="write the table of migration_guide.md and the section of CHANGELOG.md")
    one.set_defaults(run=_write)
    return parser


if __name__ == "__main__":
    sys.exit(main())
