"""`rekall backends`: the list and the check, on a terminal, in a pipe and as JSON; what is tried leaves no trace."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.backends import ConnectionPerCall, DictCache
from support.command_line import CONTEXT, CommandLine, run_in_terminal, run_program
from support.plugins import PROJECTS, Project, install

from rekall import __version__
from rekall.infra import register_backend

REKALL = f"Rekall {__version__}"


def _project(name: str) -> Project:
    return next(project for project in PROJECTS if project.distribution == name)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A few plug-ins, installed for the processes that a test starts: a right one, a slow one, and two with faults."""
    leaky = Project("leaky", 'raise OSError("cannot open postgres://me:hunter2@example.org/notes")\n')
    place = install([*map(_project, ("acme", "driverless", "hanger")), leaky], tmp_path / "few")
    monkeypatch.setenv("PYTHONPATH", str(place))
    return place


def _run(*args: str, status: int = 0, **environment: str) -> str:
    done = run_program("backends", *args, environment=environment)
    assert (done.returncode, done.stderr) == (status, b""), (done.stdout, done.stderr)
    return done.stdout.decode()


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# the list


def test_without_plugins_the_built_in_ones_are_listed() -> None:
    """Selected by default, and no base is made by looking."""
    assert _run().splitlines() == [
        f"database\tsqlite\t{REKALL}\t1\tselected (default)\tloads",
        f"cache\tlocal\t{REKALL}\t1\tselected (default)\tloads",
    ]
    assert not Path(os.environ["REKALL_HOME"]).exists()


def test_in_a_pipe_each_is_a_line(site: Path) -> None:
    """Kind, name, distribution, interface, what selects it, whether it loads and why not."""
    assert _run(REKALL_CACHE_BACKEND="acme").splitlines() == [
        f"database\tsqlite\t{REKALL}\t1\tselected (default)\tloads",
        "database\tacme\tacme 1.5\t1\t\tloads",
        "database\tdriverless\tdriverless 0.1\t\t\tdoes not load: driverless:Database cannot be imported: "
        "ModuleNotFoundError: No module named 'a_driver_that_nobody_has'",
        "database\thanger\thanger 0.1\t1\t\tloads",
        "database\tleaky\tleaky 0.1\t\t\tdoes not load: leaky:Database cannot be imported: OSError: cannot open "
        "postgres://me:***@example.org/notes",
        f"cache\tlocal\t{REKALL}\t1\t\tloads",
        "cache\tacme\tacme 1.5\t1\tselected (environment REKALL_CACHE_BACKEND)\tloads",
    ]


def test_as_json_each_is_an_object(site: Path, home: Path) -> None:
    """With the setting that selects it; a name that nothing brings stands among them."""
    (home / "config.toml").write_text('[backends]\ndatabase = "rqlite"\n')
    answer = json.loads(_run("--json"))
    assert answer["unreadable"] == []
    rows = {(row["kind"], row["name"]): row for row in answer["backends"]}
    assert rows["database", "acme"] == {
        "kind": "database",
        "name": "acme",
        "origin": "installed",
        "distribution": "acme",
        "version": "1.5",
        "interface_version": 1,
        "selected": False,
        "setting": None,
        "loads": True,
        "problem": None,
        "clash": None,
        "notes": [],
    }
    missing = rows["database", "rqlite"]
    assert (missing["origin"], missing["selected"], missing["loads"]) == ("missing", True, False)
    assert missing["setting"] == f"{home / 'config.toml'}: backends.database"
    assert missing["problem"] == "nothing that is installed brings it; it comes with rekall-server"
    assert rows["database", "sqlite"]["selected"] is False


def test_on_a_terminal_it_is_a_table_for_each_kind(site: Path) -> None:
    """In 80 columns, whatever is wrong with one."""
    status, seen = run_in_terminal(["backends"])
    assert status == 0
    lines = [line.rstrip() for line in seen.splitlines()]
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.endswith("back ends")] == ["Database back ends", "Cache back ends"]
    words = " ".join(seen.split())
    assert f"sqlite {REKALL} 1 selected (default); loads acme acme 1.5 1 loads" in words
    assert "does not load:" in words
    assert "hunter2" not in words


def test_a_distribution_that_cannot_be_read_is_told(site: Path) -> None:
    """Beside the list, which has the others."""
    (site / "leaky-0.1.dist-info" / "entry_points.txt").write_text("[rekall.backends.database]\nleaky\n")
    done = run_program("backends")
    assert done.returncode == 0
    assert b"\tacme\t" in done.stdout
    assert b"\tleaky\t" not in done.stdout
    assert done.stderr.startswith(b"rekall: warning: the entry points of leaky 0.1 cannot be read (")
    assert done.stderr.count(b"\n") == 1


def test_a_configuration_that_cannot_be_used_is_refused(cli: CommandLine, home: Path) -> None:
    """As by every other command."""
    (home / "config.toml").write_text("[backends]\ndatabase = 1\n")
    for options in ((), ("--check",)):
        assert "backends.database is an integer" in cli.fails("backends", *options)


# the check


def test_the_check_of_the_built_in_ones_leaves_no_trace(home: Path) -> None:
    """Not a byte of the base is changed, and no file comes or goes."""
    run_program("add", "bug", "Walrus", "--context-json", CONTEXT)
    before = _content(home)
    assert set(before) == {"knowledge.db"}
    answer = json.loads(_run("--check", "--json"))
    assert _content(home) == before
    database, cache = answer["checks"]
    assert answer["ok"] is True
    assert (database["name"], database["problem"], database["notes"], database["warnings"]) == ("sqlite", None, [], [])
    assert 0 < database["connect_ms"] < 60_000
    assert 0 < database["round_trip_ms"] < 60_000
    assert (cache["name"], cache["problem"], cache["connect_ms"]) == ("local", None, None)
    assert 0 < cache["round_trip_ms"] < 60_000


@pytest.mark.parametrize(
    "script", ["", "PRAGMA journal_mode = DELETE; CREATE TABLE entries (id); PRAGMA user_version = 3;"]
)
def test_a_file_that_a_first_write_would_change_is_only_read(script: str, home: Path) -> None:
    """One of an older Rekall, or empty: no write-ahead log is switched on in it for a trial."""
    file = home / "knowledge.db"
    file.touch(mode=0o600)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(script)
    before, changed = _content(home), file.stat().st_mtime_ns
    printed = _run("--check")
    assert printed.splitlines()[0].endswith("\tnot written to: a first write would change the form of its file")
    assert (_content(home), file.stat().st_mtime_ns) == (before, changed)


def test_a_base_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The back end is tried on another one, which is gone afterwards."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    first, second = _run("--check").splitlines()
    assert first.startswith("ok\tdatabase\tsqlite\tconnected in ")
    assert first.endswith(" ms\ttried on a base of its own, there is none yet")
    assert second.startswith("ok\tcache\tlocal\tround trip in ")
    assert not Path(os.environ["REKALL_HOME"]).exists()
    assert list(tmp_path.iterdir()) == []


def test_what_a_variable_selects_is_tried(site: Path, home: Path) -> None:
    """So is one tried that is not configured; a base in use stays as it is."""
    run_program("add", "bug", "Walrus", "--context-json", CONTEXT)
    before = _content(home)
    assert set(before) == {"knowledge.db"}
    assert _run("--check", REKALL_DATABASE_BACKEND="acme").startswith("ok\tdatabase\tacme\tconnected in ")
    assert _content(home) == before


def test_one_that_fails_makes_the_exit_status_1(site: Path) -> None:
    """The other is tried all the same, on a terminal with a sign before each."""
    assert [
        line.split("\t")[:3] for line in _run("--check", status=1, REKALL_DATABASE_BACKEND="leaky").splitlines()
    ] == [
        ["failure", "database", "leaky"],
        ["ok", "cache", "local"],
    ]
    os.environ["REKALL_DATABASE_BACKEND"] = "leaky"
    try:
        status, seen = run_in_terminal(["backends", "--check"])
    finally:
        del os.environ["REKALL_DATABASE_BACKEND"]
    assert status == 1
    assert seen.startswith("✗  database  leaky  ")
    assert "✓  cache     local  round trip in " in seen
    assert "hunter2" not in seen
    assert max(len(line.rstrip()) for line in seen.splitlines()) <= 80


def test_a_file_that_is_no_base_is_a_failure(home: Path) -> None:
    """What the database says of it is told, and it is left as it is."""
    (home / "knowledge.db").write_bytes(b"These are my notes, not a database. " * 300)
    before = _content(home)
    line = _run("--check", status=1).splitlines()[0]
    assert line.startswith("failure\tdatabase\tsqlite\t")
    assert "not a" in line
    assert "selected by" not in line
    assert _content(home) == before


@pytest.mark.skipif(os.name == "nt", reason="a terminal's Ctrl-C is a signal of POSIX")
def test_ctrl_c_ends_the_check_and_what_it_started(site: Path, tmp_path: Path) -> None:
    """Nothing goes on behind the person's back."""
    marker = tmp_path / "started"
    hang = f"= 1\n\n    def connect(self):\n        Path({str(marker)!r}).write_text(str(os.getpid()))\n"
    source = "import os\nimport time\nfrom pathlib import Path\n" + _project("acme").source.replace(
        "= 1\n", f"{hang}        time.sleep(600)\n", 1
    )
    place = install([Project("waiter", source)], tmp_path / "waiter")
    process = subprocess.Popen(
        [sys.executable, "-m", "rekall", "backends", "--check", "--timeout", "600"],
        env={**os.environ, "PYTHONPATH": str(place), "REKALL_DATABASE_BACKEND": "waiter"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (marker.exists() and marker.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    child = int(marker.read_text())
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, b"", b"rekall: interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


# what this process registered


def test_what_a_program_registered_is_listed_and_tried_in_it(cli: CommandLine, home: Path) -> None:
    """No other process has it; an open one stays open."""
    register_backend("database", ConnectionPerCall)
    cache = DictCache()
    register_backend("cache", cache)
    cache.set("mine", 1)
    rows = [line.split("\t") for line in cli.ok("backends").splitlines()]
    assert ["database", "database", "this process", "1", "selected (registered in this process)", "loads"] in rows
    answer = cli.json("backends", "--check")
    assert [(row["name"], row["problem"]) for row in answer["checks"]] == [("database", None), ("cache", None)]
    assert cache.get("mine") == 1
    assert list(home.iterdir()) == []


def test_the_doctor_names_a_file_only_for_one_that_takes_it(cli: CommandLine, home: Path, tmp_path: Path) -> None:
    """What an instance or a class without a path holds is elsewhere."""
    register_backend("database", ConnectionPerCall)
    assert f"\tdatabase back end\tdatabase on {home / 'knowledge.db'}\n" in cli.ok("doctor")
    elsewhere = ConnectionPerCall(tmp_path / "elsewhere.db")
    elsewhere.connect()
    register_backend("database", elsewhere)
    assert "\tdatabase back end\tdatabase\n" in cli.ok("doctor")


class Wrong(DictCache):
    """Gives back what nobody has set."""

    def get(self, key: str, default: Any = None) -> Any:
        return "other"


class Sticky(DictCache):
    """Says that it deletes."""

    def delete(self, key: str) -> bool:
        return True


class Careless(DictCache):
    """Lets anything through."""

    def set(self, key: str, value: Any, ttl: float | None = None) -> None:
        raise KeyError(1)


@pytest.mark.parametrize(
    ("cache", "problem"),
    [
        (Wrong, "it did not give back the bytes that it was given"),
        (Sticky, "it still has a value that was deleted"),
        (Careless, "KeyError: 1"),
    ],
)
def test_a_cache_that_does_not_keep_its_word_is_found_out(cli: CommandLine, cache: type, problem: str) -> None:
    """By the round trip."""
    register_backend("cache", cache)
    result = cli("backends", "--check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["checks"][1]["problem"] == problem


class Keeping(ConnectionPerCall):
    """Keeps a batch whose guard fails."""

    def execute_batch(self, statements: Any, *, idempotent: bool = False) -> int:
        return super().execute_batch([statement._replace(expect=None) for statement in statements])


def test_a_database_that_does_not_undo_is_found_out(cli: CommandLine, home: Path) -> None:
    """And what it kept is removed."""
    cli.add("Walrus")
    register_backend("database", Keeping)
    result = cli("backends", "--check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["checks"][0]["problem"] == "it kept a batch whose guard failed, which it must undo"
    backend = ConnectionPerCall(home / "knowledge.db")
    backend.connect()
    assert backend.fetch_one("SELECT name FROM sqlite_master WHERE name LIKE 'rekall_check%'") is None


# the command line around it


def test_the_group_lists_without_a_command_and_has_commands(cli: CommandLine) -> None:
    """Help has both; a word that is no command is answered with what was meant."""
    text = cli.ok("backends", "--help")
    assert "--check" in text
    assert "new" in text
    assert "(did you mean new?)" in cli.fails("backends", "nwe", status=2)
    assert "(did you mean --check?)" in cli.fails("backends", "check", status=2)
    assert "(did you mean backends?)" in cli.fails("plugins", status=2)
    assert "--timeout" in cli.fails("backends", "--timeout", "0", status=2)


def test_the_list_alone_imports_what_lists() -> None:
    """No other command brings the group, its list or its check along."""
    code = (
        "import contextlib, io, sys\n"
        "from rekall.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "print([name for name in sys.modules if 'backends' in name])\n"
    )
    for arguments in (["--help"], ["browse"], ["config"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n"
