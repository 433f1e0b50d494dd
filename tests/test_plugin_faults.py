"""Plug-ins with faults, each in a distribution that pip has installed: what is said of them, and whom they disturb."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import CONTEXT, one_error_line, run_program
from support.mcp_client import over_stdio
from support.plugins import PROJECTS

VARIABLE = "environment REKALL_DATABASE_BACKEND"
FAULTS = {
    "driverless": "the database back end driverless of driverless 0.1: driverless:Database cannot be imported: "
    "ModuleNotFoundError: No module named 'a_driver_that_nobody_has'; mend or uninstall it, or select another back end",
    "classless": "the database back end classless of classless 0.1: classless:Database cannot be imported: "
    "AttributeError: module 'classless' has no attribute 'Database'; mend or uninstall it, or select another back end",
    "baseless": "the database back end baseless of baseless 0.1: baseless:Database is no class that derives from "
    "DatabaseBackend; tell its author",
    "older": "the database back end older of older 0.1 was written for interface 0, this Rekall takes 1: install a "
    "version of it for interface 1 or later (Rekall 1.0 or later)",
    "newer": "the database back end newer of newer 0.1 was written for interface 2, this Rekall takes 1: install a "
    "Rekall that has interface 2, or a version of the back end for interface 1",
    "newest": "the database back end newest of newest 0.1 was written for interface 2, this Rekall takes 1: install "
    "Rekall 1.4 or later, or a version of the back end for interface 1",
    "wordy": "the database back end wordy of wordy 0.1: its interface_version is 'one', not a whole number; tell its "
    "author",
    "unstated": "the database back end unstated of unstated 0.1: the class Database does not say which interface it "
    "was written for; give it 'interface_version = 1'",
    "partial": "the database back end partial of partial 0.1: the class Database lacks close, fetch_all, fetch_one, "
    "is_connected; install a version of it that has them",
    "twice": "several database back ends are called twice: those of twice-a 0.1 (twice_a:Database) and twice-b 2.0 "
    "(twice_b:Database); uninstall all but one",
    "nonsense": "the database back end nonsense of nonsense 0.1: its entry point is 'nonsense', not "
    "package.module:Class; tell its author",
    "leaver": "the database back end leaver of leaver 0.1: leaver:Database cannot be imported: SystemExit: no licence; "
    "mend or uninstall it, or select another back end",
    "unreadable": "the database back end unreadable of unreadable 0.1: its class cannot be read (ZeroDivisionError: "
    "division by zero); tell its author",
    "raiser": "the database back end raiser of raiser 0.1 cannot be made: ZeroDivisionError: division by zero",
}
"""What every command says that uses the back end, after what selected it."""
IN_A_CHILD = {
    "quitter": "it ended Python with the status 3 while it was imported",
    "crasher": "it crashed Python (SIGABRT) while it was imported",
    "sleeper": "no answer within 5 s while it was imported",
    "hanger": "no answer within 5 s while it connected",
    "forgetful": "it gave back other values than it was sent: text, whole, fraction, bytes, empty",
}
"""What `rekall backends --check --timeout 5` says of those that no command survives or only a round trip finds out."""


@pytest.fixture(autouse=True)
def _installed(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are installed, for every process that a test starts."""
    monkeypatch.setenv("PYTHONPATH", str(plugins))


@pytest.fixture
def home() -> Path:
    """The directory of the base and of config.toml, made."""
    path = Path(os.environ["REKALL_HOME"])
    path.mkdir(mode=0o700)
    return path


def _fails(*args: str, **environment: str) -> str:
    """The one line of a command that ends with the exit status 1."""
    done = run_program(*args, environment=environment)
    assert (done.returncode, done.stdout) == (1, b""), (done.stdout, done.stderr)
    return one_error_line(done.stderr.decode())


def _checks(*args: str, **environment: str) -> dict[str, dict[str, str]]:
    """What `doctor` or `backends --check` found, by kind or name, the worst of each; the command ended with 1."""
    done = run_program(*args, "--json", environment=environment)
    assert (done.returncode, done.stderr) == (1, b""), (done.stdout, done.stderr)
    answer = json.loads(done.stdout)
    assert answer["ok"] is False
    order = ("ok", "warning", "failure")
    checks = sorted(answer["checks"], key=lambda check: order.index(check.get("status", "ok")))
    return {check.get("name" if args[0] == "doctor" else "kind"): check for check in checks}


# a fault of the one that is selected


@pytest.mark.parametrize("name", FAULTS)
def test_a_command_says_in_one_line_why_the_selected_one_cannot_be_used(name: str) -> None:
    """With the setting, the back end, its distribution and version, and what to do; nothing else is used instead."""
    assert _fails("search", "x", REKALL_DATABASE_BACKEND=name) == f"{VARIABLE}: {FAULTS[name]}"
    assert not Path(os.environ["REKALL_HOME"]).exists()


@pytest.mark.parametrize("name", FAULTS)
def test_the_check_says_the_same(name: str) -> None:
    """`rekall backends --check` fails for the database, and tries the cache all the same."""
    checks = _checks("backends", "--check", REKALL_DATABASE_BACKEND=name)
    assert checks["database"]["problem"] == f"{VARIABLE}: {FAULTS[name]}"
    assert checks["cache"]["problem"] is None


@pytest.mark.parametrize("name", ["driverless", "older", "twice", "raiser"])
def test_the_doctor_says_the_same(name: str) -> None:
    """A check that failed, and what lists the others."""
    found = _checks("doctor", REKALL_DATABASE_BACKEND=name)["database back end"]
    assert (found["status"], found["detail"]) == ("failure", f"{VARIABLE}: {FAULTS[name]}")
    assert "rekall backends" in found["mend"]


@pytest.mark.parametrize("name", IN_A_CHILD)
def test_the_check_outlives_what_a_command_would_not(name: str) -> None:
    """It hangs, exits or crashes in a process of its own, which is ended after the time-out."""
    started = time.monotonic()
    checks = _checks("backends", "--check", "--timeout", "5", REKALL_DATABASE_BACKEND=name)
    assert checks["database"]["problem"] == _selected(IN_A_CHILD[name], name)
    assert time.monotonic() - started < 60


def _selected(text: str, name: str) -> str:
    by_itself = f"(the database back end {name}, selected by {VARIABLE})"
    return f"{text} {by_itself if name == 'forgetful' else f'(selected by {VARIABLE})'}"


@pytest.mark.parametrize("name", ["quitter", "crasher"])
def test_the_doctor_outlives_it_too(name: str) -> None:
    """It looks in a process of its own before it opens the back end, and goes on to what does not depend on it."""
    checks = _checks("doctor", REKALL_DATABASE_BACKEND=name)
    assert checks["database back end"]["detail"] == _selected(IN_A_CHILD[name], name)
    assert checks["SQLite"]["status"] == "ok"
    assert "file" not in checks


def test_the_doctor_does_not_wait_for_ever_for_a_connection() -> None:
    """Its time-out is ten seconds."""
    found = _checks("doctor", REKALL_DATABASE_BACKEND="hanger")["database back end"]
    assert found["detail"] == _selected("no answer within 10 s while it connected", "hanger")


def test_a_command_that_waits_for_a_connection_can_be_interrupted() -> None:
    """Ctrl-C ends it with one word; the contract asks authors to bound their connecting."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rekall", "search", "x"],
        env={**os.environ, "REKALL_DATABASE_BACKEND": "hanger"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(4)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, b"", b"rekall: interrupted\n")


def test_a_slow_import_is_told() -> None:
    """By the check with its seconds, by the doctor as a warning; commands work and wait."""
    done = run_program("backends", "--check", "--json", environment={"REKALL_DATABASE_BACKEND": "slow"})
    (warning,) = json.loads(done.stdout)["checks"][0]["warnings"]
    assert 1.2 <= float(warning.removeprefix("slow import: ").removesuffix(" s")) < 30
    doctor = run_program("doctor", environment={"REKALL_CACHE_BACKEND": "slow"})
    rows = [line.split("\t") for line in doctor.stdout.decode().splitlines()]
    status, found = next((row[0], row[2]) for row in rows if row[1] == "cache back end")
    assert (doctor.returncode, status) == (0, "warning")
    assert float(found.removeprefix("slow import: ").removesuffix(" s")) >= 1.2


def test_one_that_prints_disturbs_no_answer() -> None:
    """What it prints when it is imported is neither taken for an answer nor shown by the check."""
    done = run_program("backends", "--check", "--json", environment={"REKALL_DATABASE_BACKEND": "noisy"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["ok"] is True


def test_one_that_prints_disturbs_no_assistant() -> None:
    """On the stdout of the MCP server are answers alone, to its end."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    call = {"name": "rekall_search", "arguments": {"query": "x"}}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, "-m", "rekall", "mcp"],
        env={**environment, "REKALL_DATABASE_BACKEND": "noisy"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    answers = []
    for number, method, params in ((1, "initialize", hello), (2, "tools/call", call)):
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        answers.append(process.stdout.readline())
    rest, log = process.communicate(timeout=30)
    assert [json.loads(line)["id"] for line in answers] == [1, 2]
    assert rest == ""
    assert process.returncode == 0
    assert '{"answer": 1}' in log


def test_one_that_can_only_read_is_told(home: Path) -> None:
    """That nothing can be added is no failure: it may be meant so."""
    done = run_program("backends", "--check", "--json", environment={"REKALL_DATABASE_BACKEND": "reader"})
    assert done.returncode == 0
    notes = ["tried on a base of its own, there is none yet", "read only: nothing can be added"]
    assert json.loads(done.stdout)["checks"][0]["notes"] == notes
    assert list(home.iterdir()) == []


# whatever the code of another author lets through

FOREIGN = {"key": "KeyError: 'rows'", "lines": "OSError: two lines", "exit": "SystemExit: 7", "unshown": "Answer"}


@pytest.mark.parametrize("error", FOREIGN)
def test_a_foreign_error_names_the_back_end_that_let_it_through(error: str, home: Path) -> None:
    """One line in an ordinary command and in both checks, whatever the exception derives from."""
    line = (
        f"the database back end untranslated of untranslated 0.1 failed in fetch_one: {FOREIGN[error]} (selected by "
        f"{VARIABLE}; no other errors than those of rekall.errors may leave a back end: tell its author)"
    )
    selected = {"REKALL_DATABASE_BACKEND": "untranslated", "FAILS_WITH": error}
    (home / "knowledge.db").touch(mode=0o600)
    assert _fails("search", "x", **selected) == line
    assert _checks("backends", "--check", **selected)["database"]["problem"] == line
    assert _checks("doctor", **selected)["database back end"]["detail"] == line


def test_a_foreign_error_of_a_cache_names_it(tmp_path: Path) -> None:
    """As of a database: a `CacheError` with its cause."""
    code = (
        "import numpy\n"
        "from rekall.cache import EmbeddingCache\n"
        "from rekall.errors import CacheError\n"
        "cache = EmbeddingCache()\n"
        "cache.put('a', numpy.zeros(3))\n"
        "try:\n"
        "    cache.get('a')\n"
        "except CacheError as error:\n"
        "    print(repr(error.__cause__), error)\n"
    )
    environment = {**os.environ, "REKALL_CACHE_BACKEND": "untranslated", "FAILS_WITH": "key"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "KeyError('rows') the cache back end untranslated of untranslated 0.1 failed in get: KeyError: 'rows' "
        "(selected by environment REKALL_CACHE_BACKEND; "
    )


# one that cannot be reached


@pytest.fixture
def unreachable(home: Path) -> Iterator[tuple[Path, str]]:
    """A config.toml that selects a database and a cache on a port where nothing listens: the journal, and the port."""
    journal = home / "journal"
    with socket.socket() as taken:  # bound, so that nobody else takes it, and not listening
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        options = f"port = {port}\njournal = {json.dumps(str(journal))}\n"
        file = home / "config.toml"
        file.write_text(
            '[backends]\ndatabase = "unreachable"\ncache = "unreachable"\n'
            f"[backends.database_options]\n{options}[backends.cache_options]\n{options}"
        )
        file.chmod(0o600)
        yield journal, f"nothing answers on port {port}"


def _told(kind: str) -> str:
    file = Path(os.environ["REKALL_HOME"]) / "config.toml"
    return f"(the {kind} back end unreachable, selected by {file}: backends.{kind})"


def test_an_unreachable_one_fails_at_first_use_with_the_setting_named(unreachable: tuple[Path, str]) -> None:
    """After three attempts, in one line."""
    journal, problem = unreachable
    assert _fails("search", "x") == f"{problem} {_told('database')}"
    assert journal.read_text() == "asked\n" * 3


def test_the_checks_say_it_beforehand(unreachable: tuple[Path, str]) -> None:
    """Of both kinds, and the doctor does not try once more itself."""
    journal, problem = unreachable
    checks = _checks("backends", "--check")
    assert {kind: check["problem"] for kind, check in checks.items()} == {
        kind: f"{problem} {_told(kind)}" for kind in ("database", "cache")
    }
    journal.unlink()
    found = _checks("doctor")
    for kind in ("database", "cache"):
        assert (found[f"{kind} back end"]["status"], found[f"{kind} back end"]["detail"]) == (
            "failure",
            f"{problem} {_told(kind)}",
        )
    assert journal.read_text() == "asked\n" * 6


def test_an_assistant_is_told_the_same(unreachable: tuple[Path, str], tmp_path: Path, plugins: Path) -> None:
    """The server starts, and each tool that needs the base says it."""
    journal, problem = unreachable
    with over_stdio(tmp_path / "log", tmp_path, PYTHONPATH=str(plugins)) as assistant:
        assert assistant.refusal("rekall_search", query="x").endswith(f"{problem} {_told('database')}")
        assert journal.read_text() == "asked\n" * 3
        assert assistant.refusal("rekall_search", query="x").endswith(f"{problem} {_told('database')}")


def test_a_program_is_told_the_same(unreachable: tuple[Path, str]) -> None:
    """By the exception that the back end raised, whose cause is the driver's, for a database and for a cache."""
    journal, problem = unreachable
    code = (
        "import numpy\n"
        "from rekall.cache import EmbeddingCache\n"
        "from rekall.config import get_config\n"
        "from rekall.db import Database\n"
        "from rekall.errors import TransientError\n"
        "calls = [Database(get_config().db_path).init, lambda: EmbeddingCache().put('a', numpy.zeros(3))]\n"
        "for call in calls:\n"
        "    try:\n"
        "        call()\n"
        "    except TransientError as error:\n"
        "        print(type(error).__name__, type(error.__cause__).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"DatabaseBusyError ConnectionRefusedError {problem} {_told('database')}",
        f"CacheUnavailableError ConnectionRefusedError {problem} {_told('cache')}",
    ]
    assert journal.read_text() == "asked\n" * 6


# those that are not selected


def test_commands_that_select_none_of_them_import_none_and_look_for_none() -> None:
    """With all of them installed, adding and searching work; only who uses a plug-in pays for reading entry points."""
    code = (
        "import contextlib, io, json, sys\n"
        "from rekall.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    ours = ["rekall.infra.discovery", "rekall.infra.distributions", "rekall.infra.available", "rekall.infra.probe"]
    unwanted = {*(project.module for project in PROJECTS), "importlib.metadata", *ours}
    for arguments in (["add", "bug", "Walrus", "--context-json", CONTEXT], ["search", "walrus"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert set(json.loads(done.stdout)) & unwanted == set()
    found = run_program("search", "walrus")
    assert (found.returncode, found.stderr) == (0, b"")
    assert b"Walrus" in found.stdout


def test_the_doctor_starts_no_process_for_them() -> None:
    """Nor does it look for what is installed besides."""
    code = (
        "import contextlib, io, sys\n"
        "from rekall.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main()\n"
        "print('rekall.cli.backends.checking' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, "doctor"], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_right_one_carries_the_command_line() -> None:
    """Selected beside all the wrong ones: what is added on it is found on it."""
    selected = {"REKALL_DATABASE_BACKEND": "acme", "REKALL_CACHE_BACKEND": "acme"}
    added = run_program("add", "bug", "Walrus", "--context-json", CONTEXT, environment=selected)
    assert (added.returncode, added.stderr) == (0, b"")
    assert b"Walrus" in run_program("search", "walrus", environment=selected).stdout
    doctor = run_program("doctor", environment=selected)
    assert (doctor.returncode, doctor.stderr) == (0, b"")
    assert b"ok\tcache back end\tacme\n" in doctor.stdout
