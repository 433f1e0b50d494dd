"""The command line of the server: help, version, what is in effect, misspellings, completion, and what it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from server_support.commands import run_on_a_terminal, run_server

from rekall_server import __name__ as package
from rekall_server.settings import Settings

COMMANDS = (
    (),
    ("serve",),
    ("config",),
    ("check",),
    ("token",),
    ("token", "new"),
    ("token", "list"),
    ("token", "revoke"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(command: tuple[str, ...]) -> None:
    """Every command has one, of 80 columns at most; those that read settings list all of their flags."""
    done = run_server(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    flags = {f"--{name.replace('_', '-')}" for name in Settings.model_fields}
    if command[:1] != ("token",):
        assert all(f"  {flag} " in done.stdout for flag in flags | {"--config"})
    elif len(command) == 2:
        assert "  --token-file PATH" in done.stdout
        assert "  --config PATH" in done.stdout
        assert "--port" not in done.stdout


def test_help_is_quick() -> None:
    """Help and completion import neither FastMCP nor a back end nor what draws tables."""
    code = (
        "import sys\nsys.argv = ['rekall-server', '--help']\nfrom rekall_server.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    imported = set(json.loads(done.stderr.replace("'", '"')))
    assert "rekall_server" in imported
    assert not imported & {"fastmcp", "mcp", "redis", "rich", "uvicorn", "starlette", "prometheus_client", "numpy"}


def test_the_version() -> None:
    """Of the server, and of the Rekall that it serves."""
    import rekall

    done = run_server("--version")
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "rekall-server", "")
    assert done.stdout.rstrip().endswith(f"(rekall {rekall.__version__})")
    assert package == "rekall_server"


MISSPELT = {
    "an option": (
        ("--prot", "1"),
        "unknown option --prot (did you mean --host or --port?); see 'rekall-server --help'",
    ),
    "a command": (("chek",), "unknown command 'chek' (did you mean check?); see 'rekall-server --help'"),
    "a command of a group": (("token", "mew"), "unknown command 'mew' (did you mean new?); see 'rekall-server token"),
    "nothing like it": (("zzz",), "unknown command 'zzz'; see 'rekall-server --help'"),
    "a missing value": (("--port",), "Option '--port' requires an argument"),
    "a missing name": (("token", "new"), "Missing argument 'NAME'; see 'rekall-server token new --help'"),
}


@pytest.mark.parametrize("case", MISSPELT)
def test_a_misspelling_is_answered_with_what_was_meant(case: str) -> None:
    """One line, and exit code 2."""
    arguments, message = MISSPELT[case]
    done = run_server(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"rekall-server: error: {message}")


def test_what_is_in_effect(tmp_path: Path) -> None:
    """Every setting with its value and origin; nothing secret; the flags stand before the command or behind it."""
    file = tmp_path / "rekall-server.toml"
    file.write_text('redis_url = "redis://me:geheim@cache.example/1"\nmax_results = 7\n')
    arguments = ("--port", "1001", "config", "--config", str(file), "--workers", "2")
    done = run_server(*arguments, REKALL_SERVER_ALLOWED_HOSTS="a.example,b.example")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {name: (value, origin) for name, value, origin in (line.split("\t") for line in done.stdout.splitlines())}
    assert list(rows) == list(Settings.model_fields)
    assert rows["port"] == ("1001", "flag --port")
    assert rows["workers"] == ("2", "flag --workers")
    assert rows["max_results"] == ("7", f"file {file}")
    assert rows["allowed_hosts"] == ("a.example, b.example", "environment REKALL_SERVER_ALLOWED_HOSTS")
    assert rows["redis_url"] == ("redis://me:***@cache.example/1", f"file {file}")
    assert rows["cache_backend"] == ("redis", f"file {file}: redis_url")
    assert rows["database"] == (str(Path.home() / "rekall/knowledge.db"), "environment REKALL_HOME")
    assert rows["database_backend"] == ("pooled", "default")
    answer = json.loads(run_server(*arguments, "--json").stdout)
    assert answer["file"] == str(file)
    by_name = {value["name"]: value for value in answer["settings"]}
    assert by_name["max_results"] == {"name": "max_results", "value": 7, "origin": f"file {file}"}
    assert "geheim" not in json.dumps(answer)


def test_the_flag_behind_a_command_comes_first() -> None:
    """Where both are given."""
    done = run_server("--port", "1001", "config", "--port", "1002")
    assert "port\t1002\tflag --port\n" in done.stdout


def test_doubts_about_home_s_configuration_are_told() -> None:
    """On stderr, as `rekall` does."""
    file = Path.home() / "rekall/config.toml"
    file.parent.mkdir()
    file.write_text("[ui]\ncolour = 1\n")
    done = run_server("config")
    assert done.returncode == 0
    assert done.stderr.startswith(f"rekall-server: warning: {file}: unknown key ui.colour")


@pytest.mark.parametrize(
    "arguments", [("config", "--database", "/a/very" + "/long" * 30 + "/path.db"), ("check", "--port", "0")]
)
def test_on_a_terminal(arguments: tuple[str, ...]) -> None:
    """A table of 80 columns, in which nothing is cut off."""
    lines = run_on_a_terminal(*arguments)
    assert len(lines) > 5
    assert max(map(len, lines)) <= 80
    assert any("knowledge.db" in line or "path.db" in line for line in lines)
    assert not any("…" in line for line in lines)


def test_completion() -> None:
    """Commands, flags, and the values that a flag takes."""

    def completed(line: str, word: int) -> set[str]:
        environment = {
            **os.environ, "_REKALL_SERVER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(word),
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", "from rekall_server.cli import main; main()"],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return set(done.stdout.split())

    assert completed("rekall-server c", 1) == {"check", "config"}
    assert "--redis-url" in completed("rekall-server --redis", 1)
    assert completed("rekall-server --log-format t", 2) == {"text"}
    run_server("token", "new", "alice")
    assert completed("rekall-server token revoke a", 3) == {"alice"}


def test_the_environment_says_nothing_to_fastmcp() -> None:
    """Neither its variables nor a .env in the current directory change the server: they could open its guards."""
    Path(".env").write_text("FASTMCP_HTTP_ALLOWED_HOSTS='[\"evil.example\"]'\nFASTMCP_LOG_LEVEL=DEBUG\n")
    code = (
        "from rekall_server.quiet import shut_out_environment\nshut_out_environment()\nimport os, fastmcp\n"
        "one = fastmcp.settings\nprint(one.http_allowed_hosts, one.log_level, os.environ.get('FASTMCP_LOG_LEVEL'))"
    )
    environment = {**os.environ, "FASTMCP_LOG_LEVEL": "DEBUG", "FASTMCP_HTTP_ALLOWED_HOSTS": '["evil.example"]'}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "None WARNING WARNING\n"
