"""What `migration_guide.md` says about items of Rekall 0.3: differences that are intended, and what is pending.

The page is the list: a test reads it here, so that page and test cannot disagree.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[3] / "migration_guide.md"


class Row(NamedTuple):
    """One row of a table: the items that it names, and its other cells."""

    items: tuple[str, ...]
    cells: tuple[str, ...]

    def covers(self, item: str) -> bool:
        """Whether the row names the item, or what the item is a part of."""
        return any(item == name or (item.startswith(name) and item[len(name)] in ".( ") for name in self.items)


def rows(heading: str) -> list[Row]:
    """The rows of the table under a heading of the page; items stand in backquotes in the first cell."""
    section = re.split(rf"^##+ {re.escape(heading)}$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    lines = re.split(r"^##", section, flags=re.MULTILINE)[0].splitlines()
    found = []
    for line in lines:
        if line.startswith("| `"):
            first, *others = (cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")))
            found.append(Row(tuple(re.findall("`([^`]+)`", first)), tuple(others)))
    return found


def differences() -> list[Row]:
    """What is there and differs, or is gone, on purpose; the last cell is the reason."""
    return rows("Item by item")


def pending() -> list[Row]:
    """What comes with a later version; the last cell names its part."""
    return rows("Pending")
