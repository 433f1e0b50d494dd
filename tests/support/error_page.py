"""Fills docs/errors.md with what really happens, for `tools/errors-page`: each comment has its block below it."""

from __future__ import annotations

import difflib
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from support.error_scenes import SCENES
from support.error_texts import text_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
COMMENT = re.compile(r"^<!-- ([\w-]+) -->\n(?:```\w+\n.*?^```\n)?", re.MULTILINE | re.DOTALL)


def block(name: str) -> str:
    """The fenced block that stands below a comment: a command with its answer, or an error as Python has it.

    Raises:
        KeyError: nothing of this name is made to happen.
    """
    with tempfile.TemporaryDirectory(prefix="rekall-errors-") as folder:
        place = Path(folder).resolve()
        if name in SCENES:
            return f"```console\n{SCENES[name].block(place)}\n```\n"
        return f"```text\n{text_of(name, place)}\n```\n"


def filled(page: str, make: Callable[[str], str] = block) -> str:
    """The page with its blocks made anew.

    Args:
        page: its text; only the comments count, not what stands below them now.
        make: gives the block of a name.
    """
    return COMMENT.sub(lambda match: f"<!-- {match[1]} -->\n{make(match[1])}", page)


def main() -> None:
    """Write the page, or with --check only compare it."""
    page = PAGE.read_text("utf-8")
    text = filled(page)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, "utf-8")
    elif text != page:
        lines = (page.splitlines(keepends=True), text.splitlines(keepends=True))
        sys.exit("".join(difflib.unified_diff(*lines, "docs/errors.md", "today", n=1)) + "\nrun tools/errors-page")


if __name__ == "__main__":
    main()
