"""`mcp`, and its older name `mcp-server`: serving AI assistants."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from rekall.cli import output
from rekall.cli.opening import settings
from rekall.cli.options import JsonOutput


def complete_client(incomplete: str) -> list[str]:
    """The clients that begin so."""
    from rekall.mcp.clients import CLIENTS

    return [client for client in CLIENTS if client.startswith(incomplete)]


def mcp(
    ctx: typer.Context,
    print_config: Annotated[
        str | None,
        typer.Option(
            "--print-config",
            metavar="CLIENT",
            help="Print the lines to paste into claude-code, claude-desktop, cursor, vscode or windsurf.",
            autocompletion=complete_client,
        ),
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Serve AI assistants over stdio (MCP), or print the lines to set one up.

    It answers on stdout in MCP's own JSON until the assistant closes its stdin.
    """
    if print_config is not None:
        from rekall.mcp.clients import config_for

        lines = config_for(print_config)
        if json_output:
            output.write_json({"client": print_config, "lines": lines})
        else:
            output.write(lines)
        return
    settings(ctx)
    gc.enable()  # off for a command that soon ends, which this is not
    from rekall.mcp.server import serve_stdio

    serve_stdio()
