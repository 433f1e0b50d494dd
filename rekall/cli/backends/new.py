"""`rekall backends new`: a plug-in project of one's own, which works as it is written."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from rekall.cli import output
from rekall.cli.options import JsonOutput


def new(
    name: Annotated[str, typer.Argument(help="Name of the back end in config.toml, and of the distribution.")],
    kind: Annotated[Literal["database", "cache"], typer.Option("--kind", "-k", help="What it is.")] = "database",
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="FOLDER", help="A new or empty folder, instead of one of that name here."),
    ] = None,
    distribution: Annotated[
        str | None,
        typer.Option("--distribution", "-d", metavar="NAME", help="Another name of the distribution, as NAME-rekall."),
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Write a plug-in project with a working back end and its conformance test.

    Change the back end to your own, and keep the test green: it holds all that Rekall asks of a back end. Nothing that
    is there is written over.
    """
    from rekall.plugin_project import plugin_names, write_project

    folder = Path(name) if into is None else into
    written = write_project(name, folder, kind, distribution=distribution)
    names = plugin_names(name, kind)
    if json_output:
        answer = {"name": name, "distribution": distribution or name, "kind": kind}
        answer |= {"package": names.package, "class": names.class_name}
        output.write_json(
            {**answer, "folder": str(folder.absolute()), "files": [str(file.relative_to(folder)) for file in written]}
        )
        return
    for file in written:
        output.write(output.one_line(str(file)))
    if output.is_terminal():
        output.write(
            "\nNext, in the environment that holds this Rekall:\n"
            f"  pip install -e {shlex.quote(f'{folder}[test]')}\n"
            f"  pytest {shlex.quote(str(folder))}\n"
            "and to use it, in config.toml:\n"
            f'  [backends]\n  {kind} = "{name}"'
        )
