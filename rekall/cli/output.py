"""What commands print: plain lines for programs and pipes, rich tables only on a terminal, JSON on request.

Text of entries is printed as it is: never as rich markup, and without the control characters that steer a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_MOST_STARS = 5
ID_WIDTH = 13
"""Characters of an id in a table: ten of time and three random ones."""
_CONTROLS = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}
_LINE = _CONTROLS | dict.fromkeys(map(ord, "\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")


def write(text: str = "") -> None:
    """Print one line, or several, on stdout."""
    sys.stdout.write(f"{text}\n")


def tell(message: str) -> None:
    """Say one thing to the person, on stderr: results alone go to stdout. Passwords stay out of it: it is passed on."""
    if ":" in message or "=" in message:  # the error of a back end may name its server with all that it was given
        from rekall.hiding import hide_passwords

        message = hide_passwords(message)
    sys.stderr.write(f"rekall: {one_line(message)}\n")


def write_json(data: Any) -> None:
    """Print a JSON document."""
    import json

    unicode = (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16")
    write(json.dumps(data, indent=2, ensure_ascii=not unicode))


def write_row(*fields: str) -> None:
    """Print one line of fields with tabs between them, for pipes."""
    write("\t".join(map(one_line, fields)))


def is_terminal() -> bool:
    """Whether a person looks at stdout."""
    return sys.stdout.isatty()


def is_interactive() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def printable(text: str) -> str:
    """Text of several lines without control characters."""
    return text.replace("\r\n", "\n").translate(_CONTROLS)


def one_line(text: str) -> str:
    """The same on one line."""
    return text.translate(_LINE)


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun: `1 entry`, `2 entries`."""
    if not plural:
        plural = f"{singular[:-1]}ies" if singular.endswith("y") else f"{singular}s"
    return f"{number} {singular if number == 1 else plural}"


def size(number: int) -> str:
    """A number of bytes for a person."""
    if number < 1024:
        return f"{number} bytes"
    return f"{number / 1024:.0f} KiB" if number < 10 * 1024**2 else f"{number / 1024**2:.0f} MiB"


def stars(confidence: int) -> str:
    """A confidence as five stars."""
    return "★" * confidence + "☆" * (_MOST_STARS - confidence)


def short_ids(ids: Iterable[str]) -> Mapping[str, str]:
    """For each id a prefix to show: 13 characters, or as many as tell all of them apart."""
    known = sorted(set(ids))
    widths = dict.fromkeys(known, ID_WIDTH)
    for one, other in pairwise(known):
        common = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
        widths[one], widths[other] = max(widths[one], common + 1), max(widths[other], common + 1)
    return {entry_id: entry_id[:width] for entry_id, width in widths.items()}


def console() -> Console:
    """A rich console on stdout."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False)


def table(
    columns: Sequence[str], *, title: str | None = None, narrow: Sequence[str] = (), widest: str | None = None
) -> Table:
    """A rich table that fits the width of the terminal by wrapping.

    Args:
        narrow: columns that never wrap.
        widest: the column that takes what the others leave.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(
        title=None if title is None else plain(title, "bold"),
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in columns:
        made.add_column(column, no_wrap=column in narrow, overflow="fold", ratio=1 if column == widest else None)
    return made


def grid(rows: Iterable[Sequence[Any]], *, indent: int = 0) -> Any:
    """Rows of cells without lines around them, for rich; only the last cell of a row wraps."""
    from rich.padding import Padding
    from rich.table import Table

    made = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        while len(made.columns) < len(row):
            last = len(made.columns) == len(row) - 1
            made.add_column(no_wrap=not last, overflow="fold")
        made.add_row(*row)
    return Padding(made, (0, 0, 0, indent))


def plain(text: str, style: str = "") -> Text:
    """Text of an entry for rich: on one line, with no markup read in it."""
    from rich.text import Text

    return Text(one_line(text), style=style)
