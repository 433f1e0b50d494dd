"""What to paste where, so that an assistant starts Rekall's MCP server."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rekall.errors import InvalidValueError

CLIENTS = ("claude-code", "claude-desktop", "cursor", "vscode", "windsurf")
_PASSED_ON = ("REKALL_HOME", "REKALL_DB_PATH")


def config_for(client: str) -> str:
    """The lines for one client: comments that say where they go, then JSON.

    Args:
        client: one of `CLIENTS`.

    Raises:
        InvalidValueError: another client.
    """
    text = _TEXTS.get(client)
    if text is None:
        import difflib  # only after a typing error

        near = difflib.get_close_matches(client, CLIENTS, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InvalidValueError(f"unknown client '{client}'{hint}: use one of {', '.join(CLIENTS)}")
    return text(*_start(), _environment())


def _start() -> tuple[str, list[str]]:
    """The command and arguments that start this installation, not another `rekall` that PATH may hold."""
    script = shutil.which(sys.argv[0]) if Path(sys.argv[0]).stem == "rekall" else None
    if script:
        return str(Path(script).absolute()), ["mcp"]
    return sys.executable, ["-m", "rekall", "mcp"]


def _environment() -> dict[str, str]:
    """The variables that choose the base, absolute: the client starts the server in a directory of its own."""
    given = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
    return {name: str(Path(value).expanduser().absolute()) for name, value in given.items()}


def _json(key: str, command: str, args: list[str], env: dict[str, str], *, typed: bool = False) -> str:
    server: dict[str, Any] = {"type": "stdio"} if typed else {}
    server |= {"command": command, "args": args}
    if env:
        server["env"] = env
    return json.dumps({key: {"rekall": server}}, indent=2, ensure_ascii=False)


def _claude_code(command: str, args: list[str], env: dict[str, str]) -> str:
    variables = [part for name, value in env.items() for part in ("--env", f"{name}={value}")]
    line = shlex.join(["claude", "mcp", "add", *variables, "--scope", "user", "rekall", "--", command, *args])
    return (
        f"# Claude Code: run this once, for all your projects\n#   {line}\n"
        "# or put this into .mcp.json at the top of one project\n"
        f"{_json('mcpServers', command, args, env, typed=True)}"
    )


def _claude_desktop(command: str, args: list[str], env: dict[str, str]) -> str:
    return (
        "# Claude Desktop: put this into claude_desktop_config.json, then restart it\n"
        "#   macOS:   ~/Library/Application Support/Claude/claude_desktop_config.json\n"
        "#   Windows: %APPDATA%\\Claude\\claude_desktop_config.json\n"
        f"{_json('mcpServers', command, args, env)}"
    )


def _cursor(command: str, args: list[str], env: dict[str, str]) -> str:
    return (
        "# Cursor: put this into ~/.cursor/mcp.json, or into .cursor/mcp.json of one project\n"
        f"{_json('mcpServers', command, args, env)}"
    )


def _vscode(command: str, args: list[str], env: dict[str, str]) -> str:
    return (
        "# VS Code: put this into .vscode/mcp.json of a project,\n"
        '# or into the file that the command "MCP: Open User Configuration" opens, for all projects\n'
        f"{_json('servers', command, args, env, typed=True)}"
    )


def _windsurf(command: str, args: list[str], env: dict[str, str]) -> str:
    return (
        "# Windsurf: put this into ~/.codeium/windsurf/mcp_config.json, then refresh its MCP servers\n"
        f"{_json('mcpServers', command, args, env)}"
    )


_TEXTS: dict[str, Callable[[str, list[str], dict[str, str]], str]] = {
    "claude-code": _claude_code,
    "claude-desktop": _claude_desktop,
    "cursor": _cursor,
    "vscode": _vscode,
    "windsurf": _windsurf,
}
