"""`backup`: the base copied to a file, and the list of such copies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli.opening import is_sqlite_file, open_backend, require_base, settings
from rekall.cli.options import JsonOutput
from rekall.cli.output import console, counted, is_terminal, one_line, plain, table, write, write_json, write_row
from rekall.errors import BackupError, NotSupportedError

if TYPE_CHECKING:
    from rekall.backup import BackupInfo, DatabaseStats
    from rekall.config import Config

_MADE_BY = {"backup": "backup", "pre-restore": "restore", "pre-migration": "migrate", "other": ""}


def backup(
    ctx: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="A file that is not there yet, instead of one in backups/."
        ),
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, metavar="N", help="Then remove the oldest backups but N.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", "-l", help="List the backups, and make none.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Copy the base to a file, also while others use it.

    The copy goes to the folder backups/ beside the base and is checked. An older base is copied as it is. --keep never
    removes a copy made before a migration or a restore. 'rekall restore' puts a backup back.
    """
    if list_ and (output is not None or keep is not None):
        raise typer.BadParameter("give --list alone")
    if output is not None and keep is not None:
        raise typer.BadParameter("--keep is for the folder backups/: give it without --output")
    config = settings(ctx)
    if list_:
        _list(config, json_output)
        return
    require_base(config)
    made = _make(config, output)
    removed: list[Path] = []
    problem = None
    if keep is not None:
        from rekall.backup import rotate

        try:
            removed = rotate(config.db_path, keep, made.path)
        except BackupError as error:  # the backup is there: told first
            problem = error
    _tell(config, made, removed, json_output)
    if problem is not None:
        raise problem


def _make(config: Config, target: Path | None) -> BackupInfo:
    from rekall.backup import create_backup
    from rekall.cli.progress import progress

    with progress("Backing up") as on_progress:
        if is_sqlite_file(config):
            return create_backup(config.db_path, target, on_progress=on_progress)
        with open_backend(config.db_path) as backend:
            try:
                return create_backup(config.db_path, target, backend=backend, on_progress=on_progress)
            except NotSupportedError as error:
                raise NotSupportedError(f"{error}: 'rekall export' writes what it holds to one") from error


def _tell(config: Config, made: BackupInfo, removed: list[Path], json_output: bool) -> None:
    from rekall.backup import get_database_stats

    stats = get_database_stats(made.path)
    if json_output:
        write_json({"path": str(config.db_path), **_record(made, stats), "removed": [str(file) for file in removed]})
        return
    write(one_line(f"Backup: {made.path}"))
    write(f"  {_content(stats)}, {made.size_human}")
    for file in removed:
        write(one_line(f"Removed: {file}"))


def _list(config: Config, json_output: bool) -> None:
    from rekall.backup import get_database_stats, list_backups

    folder = config.db_path.parent / "backups"
    found = [(info, get_database_stats(info.path)) for info in list_backups(folder)]
    if json_output:
        write_json({"folder": str(folder), "backups": [_record(info, stats) for info, stats in found]})
    elif not found:
        write(one_line(f"No backups in {folder}: 'rekall backup' makes one."))
    elif is_terminal():
        columns = ["Name", "Made by", "Size", "Entries", "Schema"]  # the name tells the time
        listed = table(columns, narrow=columns[1:], widest="Name")
        for info, stats in found:
            _, kind, *facts = _cells(info, stats)
            listed.add_row(*map(plain, (info.path.name, _MADE_BY[kind], *facts)))
        write(one_line(str(folder)))
        console().print(listed)
    else:
        for info, stats in found:
            write_row(str(info.path), *_cells(info, stats))


def _cells(info: BackupInfo, stats: DatabaseStats | None) -> tuple[str, ...]:
    entries, schema = ("unreadable", "") if stats is None else (str(stats.total_entries), str(stats.schema_version))
    return (f"{info.timestamp:%Y-%m-%d %H:%M}", info.kind, info.size_human, entries, schema)


def _record(info: BackupInfo, stats: DatabaseStats | None) -> dict[str, Any]:
    return {
        "file": str(info.path),
        "kind": info.kind,
        "made_at": info.timestamp.astimezone().isoformat(),
        "size_bytes": info.size,
        "schema_version": None if stats is None else stats.schema_version,
        "entries": None
        if stats is None
        else {"total": stats.total_entries, "active": stats.active_entries, "obsolete": stats.obsolete_entries},
        "links": None if stats is None else stats.links_count,
    }


def _content(stats: DatabaseStats | None) -> str:
    if stats is None:
        return "what it holds cannot be read"
    return f"{counted(stats.total_entries, 'entry')}, schema {stats.schema_version}"
