"""`migrate`: an older base brought to the current schema, behind a backup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_at, open_backend, require_base, settings
from rekall.cli.options import JsonOutput, Yes
from rekall.errors import RekallError

if TYPE_CHECKING:
    from rekall.config import Config
    from rekall.store.opening import SchemaState


def migrate(
    ctx: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be done, and write nothing.")
    ] = False,
    enrich_context: Annotated[
        bool, typer.Option("--enrich-context", help="Give older contexts their compressed form and keywords too.")
    ] = False,
    yes: Yes = False,
    json_output: JsonOutput = False,
) -> None:
    """Bring an older base to the current schema.

    A backup is made first. Any command that opens an older base does the same; this one says so.
    """
    from rekall.store.opening import read_state, refuse

    config = settings(ctx)
    require_base(config)
    with open_backend(config.db_path) as backend:
        state = read_state(backend)
    refuse(state, config.db_path)
    report = _planned(config, state, enrich_context) if dry_run else _done(config, state, enrich_context, yes)
    if json_output:
        output.write_json({"path": str(config.db_path), "dry_run": dry_run, **report})
    else:
        _write(config, state, report, dry_run)


def _report(state: SchemaState, **more: Any) -> dict[str, Any]:
    from rekall.store.schema import CURRENT_SCHEMA_VERSION

    return {
        "schema_version": state.version,
        "current_schema_version": CURRENT_SCHEMA_VERSION,
        "is_current": state.is_current,
        "migrated": False,
        "backup": None,
        "contexts": None,
        **more,
    }


def _planned(config: Config, state: SchemaState, enrich: bool) -> dict[str, Any]:
    if not enrich or not state.is_current:
        return _report(state)
    with open_at(config) as base:  # current: opening it writes nothing
        return _report(state, contexts=base.count_entries_without_context_blob())


def _done(config: Config, state: SchemaState, enrich: bool, yes: bool) -> dict[str, Any]:
    if not state.is_current and not yes and output.is_interactive():
        from rekall.cli.questions import confirm

        if not confirm(f"Migrate {config.db_path} from {state.name}? A backup is made first."):
            raise RekallError("nothing was migrated")
    with open_at(config, quiet=True) as base:
        backup, contexts = base.backup_made, None
        if enrich:
            contexts = base.count_entries_without_context_blob()
            if contexts and backup is None:
                from rekall.store.backups import back_up

                backup = back_up(base.store.session.backend, base.db_path, "contexts")
            if contexts:
                contexts, _ = base.migrate_to_compressed_context()
    return _report(
        state, migrated=not state.is_current, backup=None if backup is None else str(backup), contexts=contexts
    )


def _write(config: Config, state: SchemaState, report: dict[str, Any], dry_run: bool) -> None:
    current, contexts = report["current_schema_version"], report["contexts"]
    if report["is_current"]:
        output.write(f"{config.db_path} has the current schema {current}: nothing to migrate.")
    elif dry_run:
        output.write(f"{config.db_path} has {state.name}: it would be migrated to {current}, behind a backup.")
    else:
        output.write(f"Migrated {config.db_path} from {state.name} to {current}.")
    if contexts is not None:
        output.write(f"Contexts {'to convert' if dry_run else 'converted'}: {contexts}")
    if report["backup"]:
        output.write(f"Backup: {report['backup']}")
