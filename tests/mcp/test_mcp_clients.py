"""What to paste into each client."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rekall.errors import InvalidValueError
from rekall.mcp.clients import CLIENTS, config_for

KEYS = {"vscode": "servers"}
PLACES = {
    "claude-code": (".mcp.json", "claude mcp add"),
    "claude-desktop": ("claude_desktop_config.json", "Library/Application Support/Claude", "%APPDATA%"),
    "cursor": ("~/.cursor/mcp.json",),
    "vscode": (".vscode/mcp.json",),
    "windsurf": ("~/.codeium/windsurf/mcp_config.json",),
}


def parts(text: str) -> tuple[list[str], dict[str, Any]]:
    """The comment lines, and the JSON after them."""
    lines = text.split("\n")
    comments = [line for line in lines if line.startswith("#")]
    loaded: dict[str, Any] = json.loads("\n".join(lines[len(comments) :]))
    return comments, loaded


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_gets_its_own_shape_and_place(client: str) -> None:
    """The JSON parses, has the key of that client, and the comments name the file to put it in."""
    comments, loaded = parts(config_for(client))
    (key,) = loaded
    assert key == KEYS.get(client, "mcpServers")
    server = loaded[key]["rekall"]
    assert server["args"][-1] == "mcp"
    assert Path(server["command"]).is_absolute()
    if client in ("vscode", "claude-code"):
        assert server["type"] == "stdio"
    for place in PLACES[client]:
        assert place in "\n".join(comments)


def test_the_variables_that_choose_the_base_are_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Absolute, because the client starts the server elsewhere; what is not set is not written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REKALL_HOME", "my home")
    monkeypatch.setenv("REKALL_DB_PATH", "~/k.db")
    _, loaded = parts(config_for("cursor"))
    env = loaded["mcpServers"]["rekall"]["env"]
    assert env == {"REKALL_HOME": str(tmp_path / "my home"), "REKALL_DB_PATH": f"{os.environ['HOME']}/k.db"}
    monkeypatch.delenv("REKALL_HOME")
    monkeypatch.setenv("REKALL_DB_PATH", "")
    _, loaded = parts(config_for("cursor"))
    assert "env" not in loaded["mcpServers"]["rekall"]


def test_the_line_for_claude_code_survives_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with a blank in its name stays one argument, and the server's own arguments come after --."""
    monkeypatch.setenv("REKALL_HOME", "/with blank/home")
    comments, loaded = parts(config_for("claude-code"))
    (line,) = [comment[1:] for comment in comments if "claude mcp add" in comment]
    words = shlex.split(line)
    server = loaded["mcpServers"]["rekall"]
    before, after = words[: words.index("--")], words[words.index("--") + 1 :]
    assert after == [server["command"], *server["args"]]
    assert before[:3] == ["claude", "mcp", "add"]
    assert before[-1] == "rekall"
    assert "REKALL_HOME=/with blank/home" in before


def test_the_running_script_is_named_and_no_other(tmp_path: Path) -> None:
    """A script called rekall names itself; otherwise this interpreter runs the package, whatever PATH holds."""
    script = tmp_path / "rekall"
    code = "from rekall.mcp.clients import config_for\nprint(config_for('cursor'))\n"
    script.write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
    script.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    def server(command: list[str]) -> Any:
        done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, check=True)
        return parts(done.stdout.rstrip("\n"))[1]["mcpServers"]["rekall"]

    direct = server([str(script)])
    assert (direct["command"], direct["args"]) == (str(script), ["mcp"])
    indirect = server([sys.executable, "-c", code])
    assert (indirect["command"], indirect["args"]) == (sys.executable, ["-m", "rekall", "mcp"])


def test_an_unknown_client_is_refused_with_the_nearest() -> None:
    """One line with what was meant and what there is."""
    with pytest.raises(InvalidValueError, match=r"did you mean cursor\?.*windsurf"):
        config_for("curser")
    with pytest.raises(InvalidValueError, match="unknown client 'emacs': use one of claude-code"):
        config_for("emacs")


def test_the_module_is_light() -> None:
    """`rekall mcp --print-config` waits for no server library."""
    modules = "rekall.mcp.clients, rekall.mcp.server"  # FastMCP is imported when the server is made
    code = f"import sys, {modules}; print({{'fastmcp', 'mcp', 'pydantic', 'rich'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
