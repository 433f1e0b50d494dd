"""The debug log is made to be shown to others: one secret is planted in every place where it could leak."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastmcp.client.transports import StdioTransport
from support.debugging import calls_and_summary, run
from support.mcp_client import Assistant, connected
from support.planted import CONFIG, SECRET

CONTEXT = json.dumps({"situation": f"at {SECRET}", "solution": SECRET, "trigger_keywords": [SECRET]})
ADD = ("add", "bug", f"title {SECRET}", "--content", SECRET, "-t", SECRET, "-p", SECRET, "--context-json", CONTEXT)
TWO_WAYS = pytest.mark.parametrize("plant", [("text", False), ("json", True)], indirect=True, ids=str)
ONE_WAY = pytest.mark.parametrize("plant", [("json", False)], indirect=True, ids=str)
"""Enough where an MCP server is slow to start, or the log is not what is looked at."""


class Plant:
    """The setting of one test.

    Args:
        folder: for what it writes.
        form: `text` or `json`.
        file: the debug file, if stderr is not where the log goes.
    """

    def __init__(self, folder: Path, form: str, file: Path | None) -> None:
        self.folder = folder
        self.form = form
        self.file = file
        self.environment = {
            "REKALL_DEBUG": "1",
            "REKALL_DEBUG_FORMAT": form,
            "SOME_API_KEY": SECRET,
            **({} if file is None else {"REKALL_DEBUG_FILE": str(file)}),
        }

    def configure(self, text: str = CONFIG) -> None:
        home = Path(os.environ["REKALL_HOME"])
        home.mkdir(mode=0o700, exist_ok=True)
        (home / "config.toml").write_text(text, encoding="utf-8")
        (home / "config.toml").chmod(0o600)

    def rekall(self, *args: str, status: int = 0) -> tuple[str, str]:
        """Stdout and stderr of a command on the planted back end."""
        code = "from support.planted import command_line; command_line()"
        done = run(code, *args, environment=self.environment)
        assert done.returncode == status, done.stderr
        return done.stdout, done.stderr

    def log(self, stderr: str) -> str:
        """What the log holds, wherever it went."""
        return stderr if self.file is None else self.file.read_text("utf-8")


@pytest.fixture(params=[("text", False), ("text", True), ("json", False), ("json", True)], ids=str)
def plant(request: pytest.FixtureRequest, tmp_path: Path) -> Plant:
    """The log in each form, on stderr and in a file."""
    form, to_file = request.param
    return Plant(tmp_path, form, tmp_path / "calls.log" if to_file else None)


def test_the_command_line_tells_nothing(plant: Plant) -> None:
    """Stored, asked for, found, changed and retried: stdout alone says what was asked for."""
    plant.configure()
    stored, stderr = plant.rekall(*ADD, "--json")
    entry_id = json.loads(stored)["id"]
    said = [stderr]
    for command in (
        ("search", SECRET),
        ("show", entry_id),
        ("edit", entry_id, "--title", f"new {SECRET}"),
        ("related", entry_id),
        ("info",),
    ):
        stdout, stderr = plant.rekall(*command)
        said.append(stderr)
        assert stdout
    log = plant.log("".join(said))
    assert "DatabaseBusyError" in log
    assert "try 2" in log or '"attempt": 2' in log
    assert SECRET not in log + "".join(said)


@TWO_WAYS
def test_showing_the_configuration_tells_nothing(plant: Plant) -> None:
    """Nor does `doctor`: both are what one sends along with a log, so their stdout counts too."""
    plant.configure()
    plant.rekall(*ADD)
    for command in (("config", "--show"), ("config", "--json"), ("doctor",), ("doctor", "--json")):
        stdout, stderr = plant.rekall(*command)
        assert "planted" in stdout
        assert SECRET not in stdout + stderr + plant.log(stderr)


@pytest.mark.parametrize(
    ("fault", "logged"), [("made", ""), ("connect", "CannotOpenError"), ("fetch_all", "DatabaseError")]
)
def test_a_back_end_that_fails_tells_nothing(fault: str, logged: str, plant: Plant) -> None:
    """The line for the person has the words of the back end, but none of the secrets that it was given."""
    plant.configure(CONFIG.replace('fault = ""', f'fault = "{fault}"'))
    stdout, stderr = plant.rekall("search", SECRET, status=1)
    assert "rqlite://me:***@db.example:4001/?token=***" in stderr
    assert logged in plant.log(stderr)
    assert SECRET not in stdout + stderr + plant.log(stderr)


@TWO_WAYS
def test_a_wrong_option_tells_nothing(plant: Plant) -> None:
    """An error about a setting says which and what type it has."""
    for line, broken in (('password = "', "password = 7 # "), ('api_key = "', 'api_kye = "'), ('fault = ""', "")):
        assert line in CONFIG
        plant.configure(CONFIG.replace(line, broken, 1))
        stdout, stderr = plant.rekall("browse", status=1)
        assert "rekall: " in stderr
        assert SECRET not in stdout + stderr + plant.log(stderr)


def test_a_library_tells_nothing(plant: Plant) -> None:
    """Keys and values of the cache neither, and errors that a retry got over."""
    plant.configure()
    code = "from support.planted import library; library()"
    done = run(code, plant.folder / "a.db", environment=plant.environment)
    assert done.returncode == 0, done.stderr
    log = plant.log(done.stderr)
    assert "CacheUnavailableError" in log
    assert SECRET not in done.stdout + done.stderr + log
    if plant.form == "json":
        calls, summary = calls_and_summary(log)
        assert summary["retries"] == sum(call["attempt"] > 1 for call in calls) >= 5


@contextmanager
def _client(plant: Plant, program: str, log: Path) -> Iterator[Assistant]:
    """A client of an MCP server that is one of the planted programs; its stderr goes to a file."""
    passed = {name: os.environ[name] for name in ("HOME", "PATH", "REKALL_HOME")}
    environment = {**passed, "PYTHONPATH": str(Path(__file__).parents[1]), **plant.environment}
    code = f"from support.planted import {program}; {program}()"
    transport = StdioTransport(
        sys.executable, ["-c", code], env=environment, cwd=str(plant.folder), keep_alive=False, log_file=log
    )
    with connected(transport) as client:
        yield client


@TWO_WAYS
def test_the_mcp_server_tells_nothing(plant: Plant) -> None:
    """Its stderr ends up in the logs of the client; the log is whole when the client has gone."""
    plant.configure()
    stderr = plant.folder / "stderr"
    with _client(plant, "assistant", stderr) as client:
        entry_id = client.add(f"title {SECRET}", content=SECRET, tags=[SECRET])
        assert client.call("rekall_search", query=SECRET).data["total_count"] == 1
        client.call("rekall_show", id=entry_id)
        client.refusal("rekall_show", id=SECRET)
    said = stderr.read_text("utf-8")
    log = plant.log(said)
    assert SECRET not in said + log
    assert "DatabaseBusyError" in log
    assert log.count("Debug summary of process") + log.count('"event": "backend.summary"') == 1


@ONE_WAY
def test_a_connect_that_fails_tells_the_assistant_nothing(plant: Plant) -> None:
    """The answer names the server without its password."""
    plant.configure(CONFIG.replace('fault = ""', 'fault = "connect"'))
    stderr = plant.folder / "stderr"
    with _client(plant, "assistant", stderr) as client:
        refused = client.refusal("rekall_info")
    assert "rqlite://me:***@db.example" in refused
    assert SECRET not in refused + stderr.read_text("utf-8") + plant.log(stderr.read_text("utf-8"))


@ONE_WAY
def test_the_trace_of_a_tool_that_fails_tells_nothing(plant: Plant) -> None:
    """It has the classes of both errors and the places, not their texts, nor lines of code, nor values."""
    stderr = plant.folder / "stderr"
    with _client(plant, "faulty_assistant", stderr) as client:
        refused = client.refusal("rekall_info")
    said = stderr.read_text("utf-8")
    assert re.search(r"rekall_info failed: RuntimeError in open_database \(.*planted\.py:\d+\)", said)
    assert said.index("RuntimeError, most recent call last") < said.index("KeyError, most recent call last")
    assert re.search(r'planted\.py", line \d+, in open_database', said)
    assert "raise" not in said
    assert SECRET not in refused + said
