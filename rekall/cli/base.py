"""`info` and `init`: what the base holds, and making one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import is_missing, open_at, open_backend, require_base, settings
from rekall.cli.options import JsonOutput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rekall.db import Database


def info(ctx: typer.Context, json_output: JsonOutput = False) -> None:
    """Say what the base holds."""
    config = settings(ctx)
    require_base(config)
    with open_at(config) as base:
        facts = _look(base)
    if json_output:
        output.write_json(
            {
                "path": str(config.db_path),
                "schema_version": facts.schema_version,
                "size_bytes": facts.size,
                "entries": {"total": facts.active + facts.obsolete, "active": facts.active, "obsolete": facts.obsolete},
                "by_type": dict(facts.by_type),
                "by_project": [{"project": project, "count": number} for project, number in facts.by_project.items()],
                "links": facts.links,
            }
        )
        return
    lines = [
        ("Base", str(config.db_path)),
        ("Schema", str(facts.schema_version)),
        ("Size", "" if facts.size is None else output.size(facts.size)),
        ("Entries", f"{facts.active} active, {facts.obsolete} obsolete"),
        ("Links", str(facts.links)),
        *_counts("By type", facts.by_type),
        *_counts("By project", facts.by_project),
    ]
    for label, value in lines:
        if value:
            output.write(f"{label + ':' if label else '':12} {output.one_line(value)}")


def init(
    ctx: typer.Context,
    local: Annotated[
        bool, typer.Option("--local", "-l", help="A base of this project, in .rekall of the current directory.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Create the base and its directories.

    Repeating it changes nothing.
    """
    if local:
        from rekall.paths import init_local_project

        directory = init_local_project()
    config = settings(ctx)
    path = directory / config.db_path.name if local else config.db_path
    if not local:
        config.paths.ensure_dirs()
    created = is_missing(config, path)
    with open_at(config, path) as base:
        version = base.get_schema_version()
    if local and path.resolve() != config.db_path.resolve():
        output.tell(f"warning: {config.paths.origin('database')} comes first: commands use {config.db_path}")
    if json_output:
        output.write_json({"path": str(path), "created": created, "schema_version": version, "local": local})
    else:
        output.write(f"{'Created' if created else 'Already there:'} {path} (schema {version})")


def summary(ctx: Any) -> str:
    """One line about the base, for `rekall` without arguments; nothing is created or migrated."""
    from rekall.store.opening import read_state, refuse

    config = settings(ctx)
    if is_missing(config):
        return f"The base {config.db_path} is not there yet: 0 entries. 'rekall add' creates it."
    with open_backend(config.db_path) as backend:
        state = read_state(backend)
    if state.is_empty:
        return f"The base {config.db_path} is empty: 0 entries."
    if not state.is_current:
        refuse(state, config.db_path)
        return f"The base {config.db_path} has {state.name}: 'rekall migrate' makes it current."
    with open_at(config) as base:
        number = base.entries.count()
    return f"The base {config.db_path} holds {output.counted(number, 'active entry')}."


@dataclass(frozen=True)
class _Facts:
    """What `info` tells; no size for a base that is not a file."""

    schema_version: int
    size: int | None
    active: int
    obsolete: int
    by_type: Mapping[str | None, int]
    by_project: Mapping[str | None, int]
    links: int


def _look(base: Database) -> _Facts:
    active = base.entries.count()
    return _Facts(
        schema_version=base.get_schema_version(),
        size=_file_size(base.db_path),
        active=active,
        obsolete=base.entries.count(include_obsolete=True) - active,
        by_type=base.entries.count_by("type"),
        by_project=base.entries.count_by("project"),
        links=base.links.count(),
    )


def _file_size(path: Path) -> int | None:
    """Bytes of the file with its write-ahead log."""
    log = path.with_name(path.name + "-wal")
    try:
        return path.stat().st_size + (log.stat().st_size if log.exists() else 0)
    except OSError:
        return None


def _counts(label: str, counts: Mapping[str | None, int]) -> list[tuple[str, str]]:
    rows = [f"{number:6}  {value or '(none)'}" for value, number in counts.items()]
    return [(label if index == 0 else "", row) for index, row in enumerate(rows)]
