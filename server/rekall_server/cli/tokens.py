"""`token`: making, listing and ending the tokens of clients."""

from __future__ import annotations

from typing import Annotated

import typer

from rekall_server.cli import output
from rekall_server.cli.commands import JsonOutput, loaded
from rekall_server.tokens import TokenFile


def _file(ctx: typer.Context) -> TokenFile:
    return TokenFile(loaded(ctx).settings.token_file)


def _complete_name(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of tokens that begin so; none where the file cannot be read: an error would spoil the prompt."""
    from rekall.errors import RekallError

    try:
        return [token.name for token in _file(ctx).tokens() if token.name.startswith(incomplete)]
    except RekallError:
        return []


def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of whoever gets it.", show_default=False)],
    read_only: Annotated[bool, typer.Option("--read-only", help="It searches and shows, and changes nothing.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Make a token, and show it this once: its digest alone is kept."""
    file = _file(ctx)
    is_first = not file.exists()
    token = file.new(name, read_only)
    if json_output:
        output.write_json({"name": name, "token": token, "read_only": read_only, "file": str(file.path)})
        return
    output.write(token)
    may = "searches and shows, and changes nothing" if read_only else "searches, shows and writes"
    output.say(f"This is shown once. Whoever has it {may}, as {name}:")
    output.say("a client sends it in the header 'Authorization: Bearer TOKEN' of every request.")
    output.say(f"Its digest is in {file.path}. 'rekall-server token revoke {name}' ends it at once.")
    if is_first:
        output.say("From the next start of the server on, every caller needs a token.")


def list_tokens(ctx: typer.Context, json_output: JsonOutput = False) -> None:
    """List the tokens: names, what they may do, and when they were made."""
    tokens = _file(ctx).tokens()
    if json_output:
        rows = [{"name": one.name, "read_only": one.read_only, "created": one.created} for one in tokens]
        output.write_json({"tokens": rows})
    else:
        output.write_table(
            ["Name", "May", "Made"],
            [(one.name, "read" if one.read_only else "read and write", one.created) for one in tokens],
        )


def revoke(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Of whoever has it.", show_default=False, autocompletion=_complete_name),
    ],
) -> None:
    """End a token at once, in servers that run too."""
    file = _file(ctx)
    file.revoke(name)
    output.write(f"Ended: {name}")
    if not file.tokens():
        output.say(
            f"No token is left: nobody gets in. Make one, or remove {file.path} to serve this machine without tokens."
        )
