"""`doctor`: prints what `rekall.doctor` finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.failures import FAILED
from rekall.cli.opening import flags, is_missing, open_at, open_backend
from rekall.cli.options import JsonOutput
from rekall.errors import ConfigError

if TYPE_CHECKING:
    from rich.text import Text

    from rekall.config import Config
    from rekall.doctor import Check, Probed, Program

_SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failure": ("✗", "bold red")}


def doctor(
    ctx: typer.Context,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the full-text index and the rekall_* objects anew first.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Check everything, and say how to mend what is wrong.

    Nothing is written without --rebuild. The exit status is 1 when a check failed; warnings do not count.
    """
    from rekall.doctor import examine, is_sound

    program = _program(ctx)
    checks = examine(program)
    if rebuild:
        _refuse_rebuild(program, checks)
        with open_at(program.config) as base:
            base.maintenance.rebuild()
        checks = examine(program)
    sound = is_sound(checks)
    if json_output:
        output.write_json({"ok": sound, "rebuilt": rebuild, "checks": [asdict(check) for check in checks]})
    else:
        _write(checks, rebuilt=rebuild)
    if not sound:
        raise typer.Exit(FAILED)


def _program(ctx: Any) -> Program:
    from rekall.config import Config, load_config, set_config
    from rekall.doctor import Program
    from rekall.infra import get_cache
    from rekall.paths import PathResolver, legacy_paths

    error: ConfigError | None = None
    given = flags(ctx)
    try:
        config = load_config(**given)
    except ConfigError as caught:
        error = caught
        paths = legacy_paths() if given["use_legacy"] else PathResolver.resolve(force_global=given["use_global"])
        config = Config(paths=paths)
    set_config(config)
    return Program(
        config=config,
        config_error=error,
        is_missing=partial(is_missing, config),
        keeps_files=_keeps_files,
        open_database=partial(open_backend, config.db_path),
        open_cache=get_cache,
        database_name=partial(_made_name, config, "database"),
        cache_name=partial(_made_name, config, "cache"),
        probe=partial(_probed, config, given),
    )


def _keeps_files() -> bool:
    from rekall.infra import ServiceContainer

    return ServiceContainer.get_instance().selected("database").takes_path


def _probed(config: Config, given: Mapping[str, bool], kind: str) -> Probed | None:
    """What a back end of another distribution does in a process of its own, where it may hang or crash."""
    from rekall.infra import ServiceContainer
    from rekall.infra.available import is_foreign

    if not is_foreign(kind, config, ServiceContainer.get_instance().registered):
        return None
    from rekall.cli.backends.checking import check
    from rekall.doctor import Probed
    from rekall.hiding import hide_passwords

    found = check(kind, config, given, writing=False)
    return Probed(found.problem and hide_passwords(found.problem), found.warnings)


def _made_name(config: Config, kind: str) -> str:
    """The name of the selected back end, which is made to have its options checked, and not connected."""
    from rekall.infra import ServiceContainer

    selected = ServiceContainer.get_instance().selected(kind)
    selected.make(config.db_path)
    return selected.name


def _refuse_rebuild(program: Program, checks: Sequence[Check]) -> None:
    """Rebuild nothing on a base that cannot be opened or is damaged: the checks say what to do instead."""
    from rekall.errors import CorruptError

    if program.config_error is not None:
        raise program.config_error
    for check in checks:
        if check.status == "failure" and check.name in ("file", "schema", "integrity", "database back end"):
            raise CorruptError(f"nothing was rebuilt: {check.detail}; {check.mend}")
    if program.is_missing():
        raise CorruptError(f"nothing to rebuild: there is no base at {program.config.db_path}")


def _write(checks: Sequence[Check], *, rebuilt: bool) -> None:
    if not output.is_terminal():
        for check in checks:
            output.write_row(check.status, check.name, check.detail, *([check.mend] if check.mend else []))
        return
    console = output.console()
    console.print(output.grid(map(_cells, checks)))
    failed = sum(check.status == "failure" for check in checks)
    warned = sum(check.status == "warning" for check in checks)
    verdict = f"{output.counted(failed, 'failure')}, {output.counted(warned, 'warning')}"
    console.print(
        output.plain(("Rebuilt. " if rebuilt else "") + (verdict if failed or warned else "All is well."), "bold")
    )


def _cells(check: Check) -> tuple[Text, ...]:
    detail = output.plain(check.detail)
    if check.mend:
        detail.append(f"\n→ {output.one_line(check.mend)}", style="bold")
    return output.plain(*_SIGNS[check.status]), output.plain(check.name), detail
