"""The debug log: what it says, what it never says, and that it costs nothing while it is off."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from support.failing import FailingDatabase, RecordingLog

from rekall.config import Config
from rekall.errors import DatabaseBusyError
from rekall.infra import ServiceContainer, Statement, debug_log
from rekall.infra.instrument import instrument

USE = """
import sys
from pathlib import Path
from rekall.db import Database
from rekall.infra import get_cache
from rekall.models import Entry
with Database(Path(sys.argv[1])) as db:
    db.add(Entry(id="01HXXXXXXXXXXXXXXXXXXXXXXX", title="title hunter2", type="bug", content="content hunter2"))
    print(len(db.search("hunter2")))
cache = get_cache()
cache.set("key-of-hunter2", {"value": "hunter2"}, 60)
print(cache.get("key-of-hunter2")["value"] == "hunter2")
print("structlog" in sys.modules)
"""

LEAKY = """
from rekall import config
from rekall.errors import DatabaseBusyError
from rekall.infra import ServiceContainer, register_backend
from support.failing import FailingDatabase

class Leaky(FailingDatabase):
    options = {"url": str}
    def __init__(self, url):
        super().__init__([DatabaseBusyError(f"{url} refused the connection")])
        self.url = url
    def is_connected(self):
        return False

register_backend("leaky", Leaky)
current = config.get_config()
current.database_backend, current.database_options = "leaky", {"url": "rqlite://user:hunter2@db.example:4001"}
backend = ServiceContainer.get_instance().database()
backend.connect()
backend.fetch_one("SELECT 'hunter2'")
"""


def _run(code: str, *args: object, shell: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    if shell is not None:
        command = ["sh", "-c", shell, *command]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _frames_of_the_log(action: Any) -> list[str]:
    """The functions of the debug log that run during an action."""
    seen: list[str] = []

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename == debug_log.__file__:
            seen.append(frame.f_code.co_name)

    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
    return seen


def test_with_debug_off_no_log_code_runs() -> None:
    """Not one function of the log is entered, neither by a call that works nor by one that is tried again."""
    backend = instrument(FailingDatabase([DatabaseBusyError("x")]), "fake")
    watched = instrument(FailingDatabase(), "fake", log=RecordingLog())
    assert _frames_of_the_log(lambda: backend.fetch_one("SELECT 1")) == []
    assert _frames_of_the_log(lambda: watched.fetch_one("SELECT 1")) == ["call", "_rows"]


def test_with_debug_off_structlog_is_not_imported(tmp_path: Path) -> None:
    """Using a base and a cache leaves structlog alone, and stderr empty."""
    done = _run(USE, tmp_path / "a.db")
    assert (done.stdout, done.stderr) == ("1\nTrue\nFalse\n", "")


def test_a_call_is_one_line_on_stderr_and_says_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Event, back end, operation, milliseconds, attempt, rows, outcome; nothing that was stored, asked or cached."""
    monkeypatch.setenv("REKALL_DEBUG", "1")
    done = _run(USE, tmp_path / "a.db")
    assert done.stdout == "1\nTrue\nTrue\n"
    *events, summary = [json.loads(line) for line in done.stderr.splitlines()]
    assert summary["event"] == "backend.summary"
    usual = {"timestamp", "event", "pid", "backend", "operation", "ms", "attempt", "outcome"}
    for event in events:
        assert set(event) - {"rows", "hit"} == usual
        assert (event["event"], event["attempt"], event["outcome"]) == ("backend.call", 1, "ok")
        assert event["timestamp"].endswith("Z")
        assert event["ms"] >= 0
    operations = {(event["backend"], event["operation"], "rows" in event) for event in events}
    assert operations >= {
        ("sqlite", "connect", False),
        ("sqlite", "fetch_one", True),
        ("sqlite", "fetch_all", True),
        ("sqlite", "execute_batch", True),
        ("sqlite", "close", False),
        ("local", "set", False),
        ("local", "get", False),
    }
    assert "hunter2" not in done.stderr


def test_the_password_of_a_url_is_never_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the error of the back end holds it: an event names the class of an error, not its text."""
    monkeypatch.setenv("REKALL_DEBUG", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    done = _run(LEAKY)
    assert done.returncode == 0, done.stderr
    assert '"error": "DatabaseBusyError"' in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_debug_can_be_switched_on_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`debug = true` in config.toml does what REKALL_DEBUG=1 does."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("debug = true\n")
    monkeypatch.setenv("REKALL_HOME", str(home))
    done = _run(USE, tmp_path / "a.db")
    assert '"event": "backend.call"' in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="closes stderr with a POSIX shell")
@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_a_stderr_that_takes_nothing_fails_no_call(
    stderr: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed or full: the base is written all the same, and no event strays to stdout."""
    if stderr == "2>/dev/full" and not Path("/dev/full").exists():
        stderr = "2>&-"
    monkeypatch.setenv("REKALL_DEBUG", "1")
    done = _run(USE, tmp_path / "a.db", shell=f'exec "$0" "$@" {stderr}')
    assert done.stdout == "1\nTrue\nTrue\n"


def test_the_log_and_a_program_s_own_structlog_leave_each_other_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that silences its structlog still sees the events, in our form, and its configuration stays."""
    monkeypatch.setenv("REKALL_DEBUG", "1")
    program = (
        "import logging, structlog\n"
        "structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), processors=[])\n"
    )
    after = "\nprint(structlog.get_config()['processors'])\n"
    done = _run(program + USE + after, tmp_path / "a.db")
    assert done.stdout == "1\nTrue\nTrue\n[]\n"
    assert '"backend": "sqlite", "operation": "execute_batch"' in done.stderr


def test_what_a_container_logs_follows_its_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Two containers of one process: the one that debugs logs, the other does not."""
    for debug in (False, True):
        container = ServiceContainer(config=partial(Config, debug_backends=debug))
        backend = container.database(tmp_path / "a.db")
        backend.execute_batch([Statement("CREATE TABLE IF NOT EXISTS t (a)")])
        container.close()
        assert ("backend.call" in capsys.readouterr().err) is debug
