"""`version`, `config` and `changelog`: the program itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

import rekall
from rekall.cli import output
from rekall.cli.opening import is_missing, open_backend, settings
from rekall.cli.options import JsonOutput
from rekall.errors import RekallError

_CHANGELOG = "CHANGELOG.md"


def version(ctx: typer.Context, json_output: JsonOutput = False) -> None:
    """Show the version of Rekall and of the base.

    An older base is not migrated by this.
    """
    from rekall.store.opening import read_state

    config = settings(ctx)
    if not json_output:
        output.write(rekall.get_version_string())
    number = None
    if not is_missing(config):
        with open_backend(config.db_path) as backend:
            number = read_state(backend).version
    if json_output:
        output.write_json(
            {
                "version": rekall.__version__,
                "release_date": rekall.__release_date__,
                "schema_version": number,
                "path": str(config.db_path),
            }
        )
    elif number is None:
        output.write(f"No base yet at {config.db_path}")
    else:
        output.write(f"Schema {number} in {config.db_path}")


def config(
    ctx: typer.Context,
    show: Annotated[bool, typer.Option("--show", "-s", help="Show all settings, as without it.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Show every setting and where it came from."""
    from rekall.config import describe

    loaded = settings(ctx)
    rows = describe(loaded)
    if json_output:
        output.write_json(
            {
                "settings": [{"key": row.key, "value": row.value, "origin": row.origin} for row in rows],
                "warnings": loaded.warnings,
            }
        )
    elif output.is_terminal():
        table = output.table(["Key", "Value", "From"], narrow=("Key",))
        for row in rows:
            style = "dim" if row.origin == "default" else ""
            table.add_row(*(output.plain(text, style) for text in (row.key, _value(row.value), row.origin)))
        output.console().print(table)
    else:
        for row in rows:
            output.write_row(row.key, _value(row.value), row.origin)


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def changelog(
    version_filter: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="One version, as 1.0.0 or unreleased; all without.")
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Show what changed in Rekall."""
    text = _read_changelog()
    sections = list(_sections(text))
    if version_filter is not None:
        wanted = version_filter.lower().removeprefix("v")
        known = [name for name, _ in sections]
        sections = [(name, part) for name, part in sections if name.lower() == wanted]
        if not sections:
            raise RekallError(f"the changelog has no version {version_filter}: it has {', '.join(known)}")
        text = sections[0][1]
    if json_output:
        output.write_json({"versions": [{"version": name, "text": part} for name, part in sections]})
    else:
        output.write(text.rstrip())


def _read_changelog() -> str:
    """The changelog of the installed package, of the source tree, or of the current directory."""
    package = Path(rekall.__file__).parent
    for folder in (package, package.parent, Path.cwd()):
        try:
            return (folder / _CHANGELOG).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    raise RekallError(f"there is no {_CHANGELOG} beside this installation or in the current directory")


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Each version of the changelog with its part of the text."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    for part in parts[1:]:
        heading = re.match(r"## \[?([^\]\s]+)", part)
        if heading:
            yield heading[1], part
