"""How the commands of `sources` answer: for a person on a terminal, and in the JSON of Rekall 0.3 for a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from rekall.cli import output
from rekall.errors import InvalidValueError

if TYPE_CHECKING:
    from rich.text import Text

    from rekall.db import Database
    from rekall.models import Source

_WORDS_WIDTH = 16
"""Characters of a column of words, such as the name of a tool, before it wraps."""

JsonOutput = Annotated[bool, typer.Option("--json", help="Answer with a JSON document, as in a pipe.")]


def in_json(json_output: bool) -> bool:
    """Whether to answer with a document: asked for, or nobody looks at stdout. 0.3 always did."""
    return json_output or not output.is_terminal()


def refuse(message: str, *, code: str, status: int, json_output: bool, **more: Any) -> NoReturn:
    """End the command: the message on stderr, and for a program the document that 0.3 gave on stdout too.

    Args:
        code: the reason as one word.
        status: the exit status, that of 0.3.
        more: further keys of the document.
    """
    if in_json(json_output):
        output.write_json({"status": "error", "code": code, "message": message, **more})
    output.tell(message)
    raise typer.Exit(status)


def find_source(base: Database, source_id: str, *, status: int, json_output: bool) -> Source:
    """The source of an id or its beginning; one that is not there ends the command."""
    try:
        return base.sources.resolve(source_id)
    except InvalidValueError as error:
        refuse(str(error), code="not_found", status=status, json_output=json_output, source_id=source_id)


def write_facts(facts: Mapping[str, object]) -> None:
    """Print names and values in two columns."""
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        output.write(f"{name + ':':<{width}}{output.one_line(str(value))}")


def write_counts(heading: str, counts: Mapping[str | None, int] | Mapping[str, int]) -> None:
    """Print how many there are of each, under a heading."""
    if counts:
        output.write(f"{heading}:")
        for name, count in counts.items():
            output.write(f"{count:>6}  {output.one_line(name or '(none)')}")


def draw(
    columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, narrow: Sequence[str], widest: str, last_line: str
) -> None:
    """Draw a table of which every column can be seen, however long the texts are.

    Args:
        narrow: columns of few characters, which never wrap.
        widest: the column that takes what the others leave; the rest wrap early.
    """
    table = output.table(columns, narrow=narrow, widest=widest)
    for column, name in zip(table.columns, columns, strict=True):
        column.max_width = None if name in (*narrow, widest) else _WORDS_WIDTH
    for row in rows:
        table.add_row(*(output.plain(cell) if isinstance(cell, str) else cell for cell in row))
    console = output.console()
    console.print(table)
    console.print(output.plain(last_line))


def page_cell(url: str, more: str | None) -> Text:
    """A page in a table: its address, and below it what else is known."""
    cell = output.plain(url)
    return cell.append("\n").append(output.plain(more, "dim")) if more else cell
