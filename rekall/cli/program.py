"""The program: global flags, the lazily loaded commands, and how any failure ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from rekall.cli.commands import OTHER_WORDS, PENDING, SECTIONS, CommandGroup
from rekall.cli.failures import run_guarded
from rekall.cli.older_options import with_older_options

PROGRAM = "rekall"


class CommandTable(TyperGroup):
    """A group of commands by name, which loads the module of the one that is invoked."""

    table = CommandGroup(PROGRAM, "", SECTIONS, OTHER_WORDS, PENDING)

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for section in self.table.sections.values() for name in section]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        target = next((section[cmd_name][0] for section in self.table.sections.values() if cmd_name in section), None)
        if target is None:
            return None
        loaded = _loaded(target)
        if isinstance(loaded, CommandGroup):
            return _with_debug(get_command(group(loaded)))
        command = typer.Typer(add_completion=False, rich_markup_mode=None)
        command.command(cmd_name, cls=with_older_options(TyperCommand, _words(ctx, cmd_name)))(loaded)
        return _with_debug(get_command(command))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            if name in self.table.pending:
                ctx.fail(f"'{name}' is not in this development version yet: migration_guide.md lists what is pending")
            meant = self.table.other_words.get(name)
            near = [meant] if meant else get_close_matches(name, known, 1)
            ctx.fail(f"unknown command '{name}'" + (f" (did you mean {near[0]}?)" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(map(len, self.list_commands(ctx)), default=0)  # one column for all sections
        for section, commands in self.table.sections.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), text) for name, (_, text) in commands.items()])


def _loaded(target: str) -> Any:
    """What stands in a table as `module:name`, the module imported."""
    from importlib import import_module

    module, _, name = target.partition(":")
    return getattr(import_module(f"rekall.cli.{module}"), name)


def _with_debug(command: Any) -> Any:
    """The same command, which takes `--debug` too: it is added to a line that has just failed, and so at its end."""

    def note(ctx: Any, _option: Any, value: bool) -> None:
        if value:
            ctx.find_root().params["debug"] = True

    command.params.append(
        TyperOption(param_decls=["--debug"], is_flag=True, hidden=True, expose_value=False, callback=note)
    )
    return command


def _words(ctx: Any, name: str) -> str:
    """A command of the group that `ctx` is about with the words before it, the first being that of the program."""
    words = [name]
    while ctx.parent is not None:
        words.insert(0, ctx.info_name)
        ctx = ctx.parent
    return " ".join((PROGRAM, *words))


def group(table: CommandGroup) -> typer.Typer:
    """The Typer object of a group inside the program."""
    made = typer.Typer(
        name=table.name,
        cls=type(CommandTable.__name__, (CommandTable,), {"table": table}),
        add_completion=False,  # the program installs it for all
        rich_markup_mode=None,
    )
    if table.alone:
        made.callback(invoke_without_command=True)(_loaded(table.alone))
    else:
        made.callback(help=table.help)(lambda: None)
    return made


class Program(CommandTable):
    """All commands: where every failure ends in one line."""

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
    cls=with_older_options(Program, PROGRAM),
    help="Rekall keeps what you have learned: bugs, patterns, decisions, pitfalls, configurations, references.",
    epilog="An id may be shortened to any prefix that only one entry has.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    use_global: Annotated[
        bool, typer.Option("--global", "-g", help="Use your own base, not the .rekall of this directory.")
    ] = False,
    use_legacy: Annotated[bool, typer.Option("--legacy", help="Use the older place ~/.rekall.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Log every call of a back end, on stderr.")] = False,
) -> None:
    """Rekall."""
    if ctx.invoked_subcommand is None:
        from rekall.cli.base import summary
        from rekall.cli.output import write

        write(ctx.get_help())
        write()
        write(summary(ctx))
