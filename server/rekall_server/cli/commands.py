"""`serve`, `config` and `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall_server.cli import output
from rekall_server.cli.failures import FAILED
from rekall_server.cli.flags import given

if TYPE_CHECKING:
    from rekall_server.settings import Loaded

JsonOutput = Annotated[bool, typer.Option("--json", help="Answer with a JSON document.")]


def loaded(ctx: typer.Context) -> Loaded:
    """The settings that this command line, the environment and the file give.

    Raises:
        ConfigError: one of them cannot be used.
    """
    from rekall_server.settings import load

    return load(*given(ctx))


def serve(ctx: typer.Context) -> None:
    """Serve until SIGTERM or Ctrl-C comes.

    So does rekall-server without a command.
    """
    settings = loaded(ctx)
    from rekall_server.quiet import shut_out_environment

    shut_out_environment()
    from rekall_server.serving import serve as run

    status = run(settings)
    if status:
        raise typer.Exit(status)


def config(ctx: typer.Context, json_output: JsonOutput = False) -> None:
    """Show every value and where it came from.

    Secrets are masked.
    """
    from rekall_server import home
    from rekall_server.effective import effective

    found = loaded(ctx)
    home_config = home.apply(found.settings)
    for warning in home_config.warnings:
        output.tell(f"warning: {warning}")
    values = effective(found.settings, home_config)
    if json_output:
        file = None if found.file is None else str(found.file)
        output.write_json({"file": file, "settings": [value._asdict() for value in values]})
    else:
        output.write_table(
            ["Setting", "Value", "From"], [(value.name, _text(value.value), value.origin) for value in values]
        )


def check(ctx: typer.Context, json_output: JsonOutput = False) -> None:
    """Try everything that serving needs.

    It connects to the back ends; nothing is created or migrated. The exit status is 1 when a check failed.
    """
    from rekall_server import checks

    found = checks.run(loaded(ctx).settings)
    sound = all(one.ok for one in found)
    if json_output:
        output.write_json({"ok": sound, "checks": [one._asdict() for one in found]})
    else:
        output.write_table(
            ["", "Check", "Found"], [("ok" if one.ok else "failure", one.name, one.text) for one in found]
        )
    if not sound:
        raise typer.Exit(FAILED)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
