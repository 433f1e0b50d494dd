"""The program: its commands, their flags, and how any failure ends."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rekall_server.cli import commands, tokens
from rekall_server.cli.failures import run_guarded
from rekall_server.cli.flags import add_flags

PROGRAM = "rekall-server"
_TOKEN_FLAGS = ("token_file",)


class _Commands(TyperGroup):
    """Commands by name; a misspelt one is answered with the nearest."""

    flags: Sequence[str] | None = None

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is not None and not isinstance(command, TyperGroup):
            add_flags(command, self.flags)
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], known, 1)
            ctx.fail(f"unknown command '{args[0]}'" + (f" (did you mean {near[0]}?)" if near else ""))
        return super().resolve_command(ctx, args)


class _TokenCommands(_Commands):
    flags = _TOKEN_FLAGS


class Program(_Commands):
    """All commands: where every failure ends in one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        add_flags(self)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        def run() -> Any:
            return TyperGroup.main(self, args, prog_name, complete_var, False, windows_expand_args, **extra)

        return run_guarded(run) if standalone_mode else run()


app = typer.Typer(
    name=PROGRAM,
    cls=Program,
    help="rekall-server serves a Rekall base to a team, as MCP tools over HTTP. Without a command it serves.",
    epilog="Each setting may also stand in rekall-server.toml (max_body = 65536) or in the environment "
    "(REKALL_SERVER_MAX_BODY=65536); flags override the environment, which overrides the file.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
token_app = typer.Typer(cls=_TokenCommands, rich_markup_mode=None, add_completion=False)


def _print_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        import rekall

        typer.echo(f"{PROGRAM} {version(PROGRAM)} (rekall {rekall.__version__})")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """rekall-server."""
    if ctx.invoked_subcommand is None:
        commands.serve(ctx)


@token_app.callback()
def token() -> None:
    """Make, list and end the tokens of clients."""


app.command("serve")(commands.serve)
app.command("config")(commands.config)
app.command("check")(commands.check)
token_app.command("new")(tokens.new)
token_app.command("list")(tokens.list_tokens)
token_app.command("revoke")(tokens.revoke)
app.add_typer(token_app, name="token")
