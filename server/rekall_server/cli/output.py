"""What commands print: fields with tabs between them for pipes, a table on a terminal, JSON on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rekall_server.secrets_in_text import masked_text

_LINE = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ")
_STYLES: Mapping[str, str] = {"ok": "green", "failure": "bold red"}


def write(text: str) -> None:
    """Print one line, or several, on stdout."""
    sys.stdout.write(f"{text}\n")


def tell(message: str) -> None:
    """Say one thing to the person, on stderr, without passwords and tokens: it is passed on."""
    sys.stderr.write(f"rekall-server: {masked_text(one_line(message))}\n")


def say(text: str) -> None:
    """Explain a result to the person, on stderr: a pipe gets the result alone."""
    sys.stderr.write(f"{one_line(text)}\n")


def write_json(data: Any) -> None:
    """Print a JSON document."""
    write(json.dumps(data, indent=2))


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows: on a terminal as a table that fits it, the last column wrapping; else with tabs between the fields.

    Args:
        columns: what the fields are.
        rows: as many fields each.
    """
    if not sys.stdout.isatty():
        for row in rows:
            write("\t".join(map(one_line, row)))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(field), style=_STYLES.get(field, "")) for field in row))
    Console(highlight=False, emoji=False, markup=False).print(table)


def one_line(text: str) -> str:
    """A text without line ends and the control characters that steer a terminal."""
    return text.translate(_LINE)
