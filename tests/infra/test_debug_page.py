"""docs/debugging.md: its samples are what is printed today, and all its commands run."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import CommandLine, run_in_terminal, run_program

from rekall.config import load_config
from rekall.config_keys import KEYS
from rekall.db import Database
from rekall.models import Entry

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "debugging.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ENTRY = "01K4CRSSAFAR1000000000000A"


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in a language; none is text for a shell."""
    return [text for found, text in BLOCKS if found == language]


@pytest.fixture(autouse=True)
def _base() -> None:
    """The base of the samples."""
    with Database(load_config().db_path) as base:
        base.add(Entry(id=ENTRY, title="CORS fails in Safari", type="bug"))


def _same(text: str) -> list[str]:
    """The lines of a screen without what differs from run to run: times, the folder, and how wide a line is filled."""
    text = re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "TIME", text)
    text = re.sub(r" +\d+\.\d{3} ms", " MS", text)
    text = re.sub(r"  [a-z_]+ MS$", "  SLOWEST", text, flags=re.MULTILINE)
    text = re.sub(r"/\S+/knowledge\.db", "BASE", text)
    return [line.rstrip() for line in text.rstrip("\n").splitlines()]


def _shown(number: int) -> tuple[list[str], str]:
    """A sample of the page: the arguments of its command, and what it prints."""
    command, _, printed = blocks("console")[number].partition("\n")
    assert command.startswith("$ rekall ")
    return shlex.split(command)[2:], printed


@pytest.mark.skipif(os.name == "nt", reason="a terminal of POSIX")
def test_the_sample_is_what_a_terminal_shows() -> None:
    """Line for line, apart from the times; it fits 80 columns."""
    args, printed = _shown(0)
    status, screen = run_in_terminal(args)
    assert status == 0
    assert _same(screen) == _same(printed)
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.skipif(os.name == "nt", reason="a terminal of POSIX")
def test_the_sample_of_a_busy_file_too(home: Path) -> None:
    """Another connection holds the lock; the back end waits a tenth of a second, so that we need not wait long."""
    (home / "config.toml").write_text("[backends.database_options]\nbusy_timeout = 0.1\n", encoding="utf-8")
    (home / "config.toml").chmod(0o600)
    other = sqlite3.connect(load_config().db_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    args, printed = _shown(1)
    status, screen = run_in_terminal(args, columns=200)  # the line with the path may be longer than that of the page
    other.close()
    assert status == 1
    assert _same(screen) == _same(printed)


@pytest.fixture
def home() -> Path:
    """The directory of the base."""
    return load_config().config_dir


@pytest.mark.parametrize("script", blocks(""))
def test_the_commands_run(script: str, tmp_path: Path) -> None:
    """Each block by itself, in a shell that stops at the first command that fails."""
    own = f'''set -e
rekall() {{ "{sys.executable}" -m rekall "$@"; }}
python() {{ "{sys.executable}" "$@"; }}
'''
    done = subprocess.run(
        ["bash", "-c", own + script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_file_is_read_by_the_program_of_the_page(tmp_path: Path) -> None:
    """What the page has written, the next block of the page reads."""
    for query in ("cors", "safari"):
        run_program("search", query, "--debug", environment={"REKALL_DEBUG_FILE": str(tmp_path / "calls.log")})
    (program,) = blocks("python")
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = [re.fullmatch(r"([\d.]+) ms sqlite [a-z_]+ ok", line) for line in done.stdout.splitlines()]
    times = [float(line[1]) for line in lines if line]
    assert len(times) == len(lines) == 5
    assert times == sorted(times, reverse=True)


def test_the_configuration_is_accepted(home: Path, cli: CommandLine) -> None:
    """Every key of it, and every key about debugging is in it."""
    (text,) = blocks("toml")
    (home / "config.toml").write_text(text, encoding="utf-8")
    (home / "config.toml").chmod(0o600)
    found = {row["key"] for row in cli.json("config")["settings"] if row["origin"].startswith("file ")}
    assert found == {key.name for key in KEYS if key.name.startswith("debug")}
    assert cli.json("config")["warnings"] == []
    run_program("browse")
    assert (home / "calls.log").exists()


@pytest.fixture
def cli() -> CommandLine:
    """The command line in this process."""
    return CommandLine()


def test_the_variables_of_a_client_work(tmp_path: Path) -> None:
    """They are taken by the server as they stand, `~` included."""
    (text,) = blocks("json")
    done = run_program("mcp", environment=json.loads(text))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert '"backend.summary"' in (Path.home() / "rekall-calls.log").read_text("utf-8")


def test_the_table_of_keys_is_complete(tmp_path: Path) -> None:
    """Every key that an event has is explained, and no other."""
    text = run_program("search", "cors", "--debug").stderr.decode().splitlines()
    explained = {
        name: set(re.findall(r"`(\w+)`", keys))
        for name, keys in re.findall(r"^\| `(backend\.\w+)` \| (.*) \|$", PAGE, re.M)
    }
    summary = json.loads(text[-1])
    one = summary["backends"]["sqlite"]
    assert explained["backend.summary"] | {"event"} == set(summary) | {"slowest"}
    assert set(one) - {"slowest"} <= set(summary)
    keys = {key for line in text[:-1] for key in json.loads(line)}
    assert explained["backend.call"] - {"ok", "get", "exists"} | {"event"} == keys | {"error", "waited_ms", "hit"}
