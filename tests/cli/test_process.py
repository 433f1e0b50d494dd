"""The command line as a process: streams, exit status, what it imports, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.command_line import CONTEXT, one_error_line, run_program

import rekall

ADD = ("add", "bug", "Walrus", "--context-json", CONTEXT)
HEAVY = {"fastmcp", "pydantic", "structlog", "redis", "numpy", "textual", "rich", "sqlite3"}


def _imported(*args: str) -> set[str]:
    """The modules that a command imported, and their packages."""
    code = (
        "import sys\nfrom rekall.cli import main\ntry:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
    return set(run.stderr.split())


@pytest.mark.parametrize(
    ("args", "needed"),
    [
        (("--help",), {"sqlite3"}),
        (("search", "walrus"), {"sqlite3"}),
        (("search", "walrus", "--json"), {"sqlite3"}),
        (("browse",), {"sqlite3"}),
        (("show", "--help"), {"sqlite3"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_start_up_imports_nothing_heavy(args: tuple[str, ...], needed: set[str]) -> None:
    """Help and piped answers load neither an MCP library, nor pydantic, logging, caches, arrays, nor rich."""
    assert run_program(*ADD).returncode == 0
    assert _imported(*args) & HEAVY <= needed


def test_a_command_loads_its_own_module_alone() -> None:
    """Listing all commands imports none of them, and the package by itself not even Typer."""
    code = "import sys, rekall.cli; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "typer" not in run.stdout.split()
    assert {"rekall.cli.search", "rekall.cli.add", "rekall.db"}.isdisjoint(_imported("--help"))
    assert "rekall.cli.add" not in _imported("search", "walrus")


def test_python_m_calls_itself_rekall() -> None:
    """`python -m rekall` is the same program under the same name."""
    assert run_program("--help").stdout.startswith(b"Usage: rekall ")


def test_console_script() -> None:
    """The installed script is the same program."""
    script = Path(sys.executable).with_name("rekall")
    run = subprocess.run([script, "version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith(rekall.get_version_string())


def test_errors_go_to_stderr() -> None:
    """A failure leaves stdout empty."""
    run = run_program("show", "01NOPE", "--json")
    assert (run.returncode, run.stdout) == (1, b"")
    assert "no entry has the id 01NOPE" in one_error_line(run.stderr.decode())


def test_a_query_of_bytes_that_are_not_utf8() -> None:
    """An undecodable argument is searched for, not an error."""
    run = run_program("search", b"caf\xe9")
    assert (run.returncode, run.stderr) == (0, b"")
    assert json.loads(run_program("search", b"caf\xe9", "--json").stdout)["total_count"] == 0


def test_a_title_of_bytes_that_are_not_utf8() -> None:
    """An undecodable title is refused."""
    run = run_program("add", "bug", b"caf\xe9", "--context-json", CONTEXT)
    assert run.returncode == 1
    assert "UTF-8" in one_error_line(run.stderr.decode())


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_stdout(encoding: str) -> None:
    """What a terminal cannot show is written another way, and JSON stays JSON."""
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    assert run_program("add", "bug", "Café 🦭", "--context-json", CONTEXT).returncode == 0
    for command in (("search", "café"), ("show", "01"), ("browse",)):
        run = run_program(*command, environment=environment)
        assert (run.returncode, run.stderr) == (0, b"")
        assert b"Caf" in run.stdout
    answer = json.loads(run_program("browse", "--json", environment=environment).stdout.decode(encoding))
    assert answer["results"][0]["title"] == "Café 🦭"


def test_closed_streams() -> None:
    """A process that was started without stdin, stdout or stderr does its work, and waits for nothing."""
    command = [sys.executable, "-m", "rekall"]
    closed = "exec 0<&- 1>&- 2>&-; exec " + '"$0" "$@"'
    for args in (ADD, ("search", "walrus"), ("show", "01")):
        run = subprocess.run(["/bin/sh", "-c", closed, *command, *args], check=False, timeout=30)
        assert run.returncode == 0


def test_stdin_that_is_closed_is_no_content() -> None:
    """An empty stdin, as cron gives it, is an empty text."""
    run = run_program(*ADD, "--json", stdin=subprocess.DEVNULL)
    assert json.loads(run.stdout)["content"] == ""


def test_a_reader_that_goes_away() -> None:
    """When the reader of a pipe leaves, the command ends without a word, but not as if all had been read."""
    assert run_program(*ADD).returncode == 0
    for command in (("browse",), ("browse", "--json"), ("--help",)):
        process = subprocess.Popen(
            [sys.executable, "-m", "rekall", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        assert (process.wait(timeout=30), errors) == (1, b"")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_interrupted() -> None:
    """Ctrl-C ends a command that waits for its content with status 130 and one line; nothing is stored."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "rekall", *ADD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "rekall.capture" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.5)  # from one of its last imports to the read of stdin
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    said = [line for line in errors.splitlines() if not line.startswith("import time:")]
    assert (process.returncode, said) == (130, ["rekall: interrupted"])
    assert b"Nothing is stored yet" in run_program("browse").stdout


def test_mcp_ends_with_its_client() -> None:
    """Both names of the server end with status 0 when stdin ends, without a word on stdout."""
    for name in ("mcp", "mcp-server"):
        run = run_program(name)
        assert (run.returncode, run.stdout) == (0, b"")


def test_flags_before_the_command_choose_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """.rekall of the directory, --global past it, --legacy past everything; each is a base of its own."""
    monkeypatch.delenv("REKALL_HOME")
    monkeypatch.chdir(tmp_path)
    home = Path(os.environ["HOME"])
    assert run_program("init", "--local").returncode == 0
    assert (tmp_path / ".rekall" / ".gitignore").exists()
    for flags, place in (
        ((), tmp_path / ".rekall"),
        (("-g",), home / ".local" / "share" / "rekall"),
        (("--legacy",), home / ".rekall"),
    ):
        run = run_program(*flags, *ADD)
        assert (run.returncode, run.stderr) == (0, b"")
        assert (place / "knowledge.db").exists()
        assert json.loads(run_program(*flags, "info", "--json").stdout)["entries"]["total"] == 1


@pytest.mark.fault(43)
def test_flags_keep_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--global reads the config.toml of the chosen directory, which 0.3 passed over."""
    monkeypatch.delenv("REKALL_HOME")
    folder = Path(os.environ["HOME"]) / ".config" / "rekall"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('[smart_embeddings]\ncontext_mode = "optional"\n', encoding="utf-8")
    (folder / "config.toml").chmod(0o600)
    assert run_program("--global", "add", "bug", "T").returncode == 0


def test_init_local_below_an_environment_that_wins() -> None:
    """`init --local` makes the local base, and warns when the environment comes before it."""
    run = run_program("init", "--local", cwd=os.environ["HOME"])
    assert (Path(os.environ["HOME"]) / ".rekall" / "knowledge.db").exists()
    assert "REKALL_HOME comes first" in one_error_line(run.stderr.decode())
