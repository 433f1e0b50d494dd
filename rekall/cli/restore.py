"""`restore`: a backup in the place of the base."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rekall.cli import output
from rekall.cli.opening import settings
from rekall.cli.options import JsonOutput, Yes
from rekall.errors import InvalidValueError, NotSupportedError, RekallError

if TYPE_CHECKING:
    from rekall.backup import Restored
    from rekall.config import Config


def complete_backup(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Backups of the base whose names begin so, and files."""
    from rekall.cli.completion import backup_files

    return backup_files(ctx, incomplete)


def restore(
    ctx: typer.Context,
    backup_file: Annotated[
        Path,
        typer.Argument(
            help="A file, or the name of one in backups/.",
            show_default=False,
            readable=False,  # `look` says why it cannot be read
            autocompletion=complete_backup,
        ),
    ],
    no_safety: Annotated[
        bool, typer.Option("--no-safety", help="Do not keep a copy of what the base holds now.")
    ] = False,
    yes: Yes = False,
    json_output: JsonOutput = False,
) -> None:
    """Put a backup in the place of the base.

    All that the base holds now is replaced. It is kept in backups/, with the name ending in _pre-restore. Other
    programs may have the base open. A backup of an older schema is migrated by the next command.
    """
    from rekall.backup import find_backup, look, restore
    from rekall.cli.progress import progress

    config = settings(ctx)
    _require_file(config)
    source = find_backup(str(backup_file), config.db_path)
    state, counts = look(source)
    what = f"{source} ({output.counted(counts.entries, 'entry')}, {state.name})"
    if not yes:
        _ask(config, what, keep=not no_safety)
    with progress("Restoring") as on_progress:
        done = restore(source, config.db_path, keep=not no_safety, on_progress=on_progress)
    if json_output:
        output.write_json(
            {
                "path": str(config.db_path),
                "restored_from": str(source),
                "schema_version": state.version,
                "is_current": state.is_current,
                "entries": {
                    "total": counts.entries,
                    "active": counts.active,
                    "obsolete": counts.entries - counts.active,
                },
                "links": counts.links,
                "kept": None if done.kept is None else str(done.kept),
                "kept_problem": done.kept_problem or None,
            }
        )
    else:
        _write(config, what, done)


def _require_file(config: Config) -> None:
    from rekall.infra import ServiceContainer

    selection = ServiceContainer.get_instance().selected("database")
    if not selection.takes_path:
        raise NotSupportedError(
            f"the database back end {selection.name} has no file that a backup could take the place of:"
            " 'rekall import' takes an export"
        )


def _ask(config: Config, what: str, *, keep: bool) -> None:
    if not output.is_interactive():
        raise InvalidValueError(f"nothing was restored: confirm with --yes that {what} replaces {config.db_path}")
    from rekall.backup import get_database_stats
    from rekall.cli.questions import confirm

    stats = get_database_stats(config.db_path)
    now = f" ({output.counted(stats.total_entries, 'entry')})" if stats is not None else ""
    if config.db_path.exists():
        now += f", which is {'' if keep else 'not '}kept{' in backups/' if keep else ''},"
    question = f"Replace {config.db_path}{now} by {what}?"
    if not confirm(output.one_line(question)):
        raise RekallError("nothing was restored")


def _write(config: Config, what: str, done: Restored) -> None:
    output.write(output.one_line(f"Restored {what} to {config.db_path}"))
    if done.kept is not None:
        output.write(output.one_line(f"  what was there: {done.kept}"))
    if done.kept_problem:
        output.write(output.one_line(f"  it was damaged: {done.kept_problem}"))
    if not done.state.is_current:
        output.write("  the next command migrates it, behind a backup")
