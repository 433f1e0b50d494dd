"""`export`: the base, or a part of it, as a file."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rekall.cli import output as out
from rekall.cli.importing import STDIN as STDOUT
from rekall.cli.nouns import nouns
from rekall.cli.opening import open_to_look, settings
from rekall.cli.options import JsonOutput, ProjectFilter, TypeFilter
from rekall.cli.progress import OnProgress, progress
from rekall.errors import InvalidValueError

if TYPE_CHECKING:
    from rekall.exchange.export import Exported


def _complete_format(incomplete: str) -> list[str]:
    from rekall.exchange.export import FORMATS

    return [form for form in FORMATS if form.startswith(incomplete)]


def export(
    ctx: typer.Context,
    output: Annotated[str, typer.Argument(help="The file to write; - is stdout.", show_default=False)],
    format: Annotated[  # noqa: A002  # what 0.3 called it
        str | None,
        typer.Option(
            "--format",
            "-f",
            help="rekall (archive, all of it), json (all of it), md (to read); else the file's ending says it.",
            autocompletion=_complete_format,
        ),
    ] = None,
    entry_type: TypeFilter = None,
    project: ProjectFilter = None,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="The vectors too, which can be computed anew.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Write the base as an archive, JSON or Markdown.

    A part is the entries of one type or project with what belongs to them. A file .rekall.zip is an archive, .json is
    JSON; 'rekall import' reads both. Anything else is Markdown.
    """
    from rekall.exchange.dump import Selection, dumped
    from rekall.exchange.export import export_to, format_of, named_faults, refuse_database, write

    chosen = format_of(output, format)
    to_stdout = output == STDOUT
    if to_stdout and json_output:
        raise InvalidValueError("--json tells of a file that was written: name one instead of -")
    if to_stdout and chosen == "rekall" and out.is_terminal():
        raise InvalidValueError("an archive is nothing to look at: name a file, or send it to another program")
    config = settings(ctx)
    if not to_stdout:
        refuse_database(Path(output))
    with (
        open_to_look(config) as base,
        _progress(to_stdout) as report,
        dumped(base, Selection(entry_type, project, embeddings), report) as dump,
    ):
        if dump.is_empty:
            _nothing(entry_type or project, json_output, to_stdout)
            return
        if to_stdout:
            with named_faults("stdout"):
                sys.stdout.flush()
                done = write(sys.stdout.buffer, dump, chosen)
                sys.stdout.buffer.flush()
        else:
            done = export_to(Path(output), dump, chosen)
    _warn(done)
    if json_output:
        out.write_json(
            {"path": str(Path(output).absolute()), "format": chosen, "size_bytes": done.size, "records": done.records}
        )
    elif not to_stdout:
        entries = out.counted(done.records.get("entries", 0), "entry")
        out.write(f"Exported {entries} to {out.one_line(output)}{f' ({out.size(done.size)})' if done.size else ''}.")
        if others := nouns({table: number for table, number in done.records.items() if table != "entries"}):
            out.write(f"  with {others}")
        if chosen == "md":
            out.write("Markdown is for reading: an archive (.rekall.zip) or JSON (.json) holds everything.")


def _progress(to_stdout: bool) -> AbstractContextManager[OnProgress]:
    """No bar in the middle of a document that runs through the terminal."""
    return nullcontext(lambda done, total: None) if to_stdout and out.is_terminal() else progress("Exporting")


def _nothing(filtered: str | None, json_output: bool, to_stdout: bool) -> None:
    if json_output:
        out.write_json({"path": None, "format": None, "size_bytes": 0, "records": {}})
        return
    (out.tell if to_stdout else out.write)(
        "No entry passes your filter: nothing was written."
        if filtered
        else "Nothing to export yet: nothing was written."
    )


def _warn(done: Exported) -> None:
    if done.settings:
        flags = " ".join(f"--limit {setting}" for setting in done.settings)
        out.tell(f"note: it holds more than an import takes by itself: rekall import {flags}")
    if not done.sensitive_total:
        return
    more = done.sensitive_total - len(done.sensitive)
    listed = "; ".join(f"{entry_id} {out.one_line(title)[:30]} ({kind})" for entry_id, title, kind in done.sensitive)
    out.tell(
        f"warning: {out.counted(done.sensitive_total, 'entry')} may hold a secret: {listed}"
        f"{f'; and {more} more' if more > 0 else ''}: look before you share the file"
    )
