"""`rekall --debug`: the flag, what a person sees, and the summary however a command ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.command_line import CONTEXT, CommandLine, run_in_terminal, run_program
from support.debugging import calls_and_summary, events

ADD = ("add", "bug", "Walrus", "--context-json", CONTEXT)
POSIX = pytest.mark.skipif(os.name == "nt", reason="terminals and signals of POSIX")


@pytest.fixture(autouse=True)
def _base(cli: CommandLine) -> None:
    """A base with an entry."""
    cli.add("Walrus")


@pytest.mark.parametrize(
    "args",
    [
        ("--debug", "search", "walrus"),
        ("search", "--debug", "walrus"),
        ("search", "walrus", "--debug"),
        ("--debug", "search", "walrus", "--debug"),
        ("--debug",),
        ("sources", "list", "--debug"),
        ("sources", "--debug", "list"),
    ],
    ids=" ".join,
)
def test_the_flag_stands_before_the_command_or_after_it(args: tuple[str, ...]) -> None:
    """Somebody adds it to the end of a line that has just failed. Each attempt is a line, and stdout is what it was."""
    done = run_program(*args)
    assert done.returncode == 0
    calls, summary = calls_and_summary(done.stderr.decode())
    assert summary["calls"] == len(calls) > 0
    without = run_program(*(word for word in args if word != "--debug"))
    assert (without.stdout, without.stderr) == (done.stdout, b"")


def test_it_is_documented_once(cli: CommandLine) -> None:
    """In the help of the program, not in that of every command; nor do the words of a query become flags."""
    assert "--debug" in cli.ok("--help")
    assert "--debug" not in cli.ok("search", "--help")
    done = run_program("search", "--", "--debug")
    assert (done.returncode, done.stderr) == (0, b"")


def test_it_beats_the_environment_and_the_file(home: Path) -> None:
    """And `config --show` says where the value came from."""
    (home / "config.toml").write_text("debug = false\n", encoding="utf-8")
    (home / "config.toml").chmod(0o600)
    done = run_program("config", "--show", "--debug", environment={"REKALL_DEBUG": "0"})
    assert b"debug\ttrue\tflag --debug\n" in done.stdout
    calls, summary = calls_and_summary(done.stderr.decode())
    assert (calls, summary["calls"]) == ([], 0)


def test_doctor_takes_it_too() -> None:
    """It reads its configuration by itself."""
    done = run_program("doctor", "--debug")
    assert done.returncode == 0
    assert calls_and_summary(done.stderr.decode())[1]["calls"] > 0


def test_doctor_tells_of_a_file_that_cannot_be_written() -> None:
    """As a check that failed, with all the others."""
    done = run_program("doctor", "--debug", environment={"REKALL_DEBUG_FILE": "none/calls.log"})
    assert done.returncode == 1
    assert b"REKALL_DEBUG_FILE is 'none/calls.log', which cannot be written" in done.stdout
    assert done.stderr == b""


@POSIX
def test_on_a_terminal_it_is_columns() -> None:
    """In 80 columns, with what the command prints in between and the summary last."""
    status, screen = run_in_terminal(["search", "walrus", "--debug"])
    lines = screen.rstrip("\n").splitlines()
    assert status == 0
    assert max(map(len, lines)) <= 80
    calls = [line for line in lines if re.match(r"\d\d:\d\d:\d\d\.\d{3} sqlite [a-z_]{5,13} +\d+\.\d{3} ms ok", line)]
    assert len(calls) > 5
    assert 'Search: "walrus"' in screen
    assert lines[-3:-1] == ["Debug summary:", "Back end   Calls         Total  Retries  Failed  Slowest"]
    assert re.fullmatch(rf"sqlite +{len(calls)} .* ms +0 +0  [a-z_]+ \d+\.\d{{3}} ms", lines[-1])


@POSIX
def test_the_form_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON on a terminal, and columns in a pipe."""
    monkeypatch.setenv("REKALL_DEBUG_FORMAT", "json")
    _, screen = run_in_terminal(["config", "--debug"])
    assert '"event": "backend.summary"' in screen.replace("\n", "")
    done = run_program("browse", "--debug", environment={"REKALL_DEBUG_FORMAT": "text"})
    assert b" sqlite fetch_all " in done.stderr
    assert b"\x1b" not in done.stderr


def test_a_command_that_fails_has_its_summary() -> None:
    """After the line that says why."""
    done = run_program("show", "01NOPE", "--debug")
    assert done.returncode == 1
    lines = done.stderr.decode().splitlines()
    (error,) = (number for number, line in enumerate(lines) if line.startswith("rekall: "))
    assert error == len(lines) - 2
    assert events(lines[-1])[0]["event"] == "backend.summary"


@POSIX
def test_a_command_that_is_interrupted_has_its_summary() -> None:
    """Ctrl-C while it waits for its content: the status is still 130."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "rekall", *ADD, "--debug"],
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
    assert process.returncode == 130
    assert said[-2] == "rekall: interrupted"
    assert events(said[-1])[0]["event"] == "backend.summary"


def test_a_reader_that_goes_away() -> None:
    """`rekall browse --debug | head`: the log is whole, and the status that of any command whose reader has left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rekall", "browse", "--debug"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    calls, summary = calls_and_summary(process.stderr.read().decode())
    process.stderr.close()
    assert process.wait(timeout=30) == 1
    assert summary["calls"] == len(calls)


@POSIX
def test_a_shell_that_completes_a_word_sees_nothing_of_it() -> None:
    """What stands on stderr would stand in the line that is being typed."""
    environment = {
        "REKALL_DEBUG": "1",
        "_REKALL_COMPLETE": "complete_bash",
        "COMP_WORDS": "rekall show 0",
        "COMP_CWORD": "2",
    }
    done = run_program(environment=environment)
    assert done.stdout.strip()
    assert done.stderr == b""


@pytest.mark.parametrize("command", ["mcp", "mcp-server"])
def test_the_mcp_server_refuses_a_file_before_it_serves(command: str) -> None:
    """Its client shows what it says when it starts, and nothing of it is on stdout."""
    done = run_program(command, "--debug", environment={"REKALL_DEBUG_FILE": "none/calls.log"})
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"rekall: environment REKALL_DEBUG_FILE is 'none/calls.log'" in done.stderr
