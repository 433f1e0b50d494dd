"""`sources migrate`: the sources that research notes name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.sources.answers import JsonOutput, in_json, refuse, write_facts


def migrate(
    ctx: typer.Context,
    path: Annotated[
        Path | None, typer.Option("--path", "-p", help="A folder of Markdown notes; ~/.speckit/research otherwise.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be done, and write nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Mark known sources as seeds too.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Import the sources that research notes name.

    Each address in a note becomes a source, a seed with the theme that the name of the note says.
    """
    from rekall.migration import scan_research_directory
    from rekall.migration.research import import_research
    from rekall.migration.speckit_parser import default_directory

    folder = default_directory() if path is None else path.expanduser()
    if not folder.is_dir():
        message = f"{folder} is no folder: give the one with the notes by --path"
        refuse(message, code="path_not_found", status=2, json_output=json_output)
    results = scan_research_directory(folder)
    with open_base(ctx) as base:
        document = import_research(base, results, dry_run=dry_run, force=force)
    if in_json(json_output):
        output.write_json(document)
        return
    done = "would be " if dry_run else ""
    write_facts(
        {
            "Notes": len(results),
            f"New sources {done}added": document["imported"],
            f"Known ones {done}changed": document["updated"],
            "Unchanged": document["skipped"],
            "Themes": ", ".join(document["themes"]) or "none",
        }
    )
    for error in document["errors"]:
        output.tell(f"warning: {error}")
