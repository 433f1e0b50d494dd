"""`debug_file`: where the debug log goes when it does not go to stderr."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import CONTEXT, one_error_line, run_program
from support.debugging import USE, calls_and_summary, events, run

from rekall.config import Config
from rekall.errors import ConfigError
from rekall.infra import ServiceContainer
from rekall.infra.debug_log import debug_logger
from rekall.infra.debug_target import FileTarget

ADD = ("add", "bug", "Walrus", "--context-json", CONTEXT)


def test_the_log_goes_to_the_file_alone(tmp_path: Path) -> None:
    """Nothing is left for stderr, the summary neither; the file is JSON, as a pipe would get."""
    file = tmp_path / "calls.log"
    done = run(USE, tmp_path / "a.db", environment={"REKALL_DEBUG_FILE": str(file)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    calls, summary = calls_and_summary(file.read_text("utf-8"))
    assert summary["calls"] == len(calls)


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_the_file_is_its_owner_s_own(tmp_path: Path) -> None:
    """Made with the mode 0600 whatever the umask; one that is there keeps its mode, and what is in it."""
    file = tmp_path / "calls.log"
    environment = {"REKALL_DEBUG_FILE": str(file)}
    assert run(f"import os\nos.umask(0)\n{USE}", tmp_path / "a.db", environment=environment).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_text("utf-8")
    file.chmod(0o640)
    assert run(USE, tmp_path / "b.db", environment=environment).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    after = file.read_text("utf-8")
    assert after.startswith(before)
    assert [event["event"] for event in events(after)].count("backend.summary") == 2


def test_several_processes_write_whole_lines(tmp_path: Path) -> None:
    """Four at once in one file: every line is an event of one of them, and each has its summary."""
    file = tmp_path / "calls.log"
    code = (
        "import sys\nfrom rekall.infra import get_cache\ncache = get_cache()\n"
        "for number in range(500):\n    cache.set(str(number), number)\n"
    )
    environment = {**os.environ, "REKALL_DEBUG": "1", "REKALL_DEBUG_FILE": str(file)}
    processes = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(4)]
    assert [process.wait(timeout=60) for process in processes] == [0] * 4
    found = events(file.read_text("utf-8"))
    for process in processes:
        own = [event["event"] for event in found if event["pid"] == process.pid]
        assert own == ["backend.call"] * 500 + ["backend.summary"]
    assert len(found) == 4 * 501


def test_text_when_asked_for(tmp_path: Path) -> None:
    """`debug_format = "text"`: columns, with the day and the process, and no colours."""
    file = tmp_path / "calls.log"
    environment = {"REKALL_DEBUG_FILE": str(file), "REKALL_DEBUG_FORMAT": "text"}
    assert run(USE, tmp_path / "a.db", environment=environment).returncode == 0
    text = file.read_text("utf-8")
    assert "sqlite execute_batch" in text
    assert "\nDebug summary of process " in text
    assert "\x1b" not in text


def test_a_relative_path_in_the_configuration_is_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every directory in which Rekall is called would get a log; MCP clients start it anywhere."""
    home = Path(os.environ["REKALL_HOME"])
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text('debug = true\ndebug_file = "calls.log"\n', encoding="utf-8")
    (home / "config.toml").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    assert run_program(*ADD).returncode == 0
    assert (home / "calls.log").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_relative_path_in_the_environment_is_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell would take it; `~` is the home directory."""
    monkeypatch.chdir(tmp_path)
    for name, file in (("calls.log", tmp_path / "calls.log"), ("~/calls.log", Path.home() / "calls.log")):
        run_program(*ADD, "--debug", environment={"REKALL_DEBUG_FILE": name})
        calls_and_summary(file.read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no/such/folder/calls.log", "cannot be written (No such file or directory)"),
        (".", "cannot be written (Is a directory)"),
        ("~nobody-of-this-name/calls.log", "whose home directory is unknown"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_done(name: str, why: str, tmp_path: Path) -> None:
    """One line that names the setting, and no base; without debug the setting does not matter."""
    environment = {"REKALL_DEBUG_FILE": name}
    done = run_program(*ADD, "--debug", environment=environment)
    assert (done.returncode, done.stdout) == (1, b"")
    line = one_error_line(done.stderr.decode())
    assert line.startswith(f"environment REKALL_DEBUG_FILE is '{name}', ")
    assert why in line
    assert not Path(os.environ["REKALL_HOME"]).exists()
    assert run_program(*ADD, environment=environment).returncode == 0


def test_the_configuration_is_named_with_its_file(tmp_path: Path) -> None:
    """Where the setting is to be mended."""
    home = Path(os.environ["REKALL_HOME"])
    home.mkdir(mode=0o700)
    file = home / "config.toml"
    file.write_text('debug = true\ndebug_file = "none/calls.log"\n', encoding="utf-8")
    file.chmod(0o600)
    line = one_error_line(run_program("browse").stderr.decode())
    assert line.startswith(f"{file}: debug_file is 'none/calls.log', which cannot be written")


def test_a_library_gets_an_error_before_the_back_end_is_opened(tmp_path: Path) -> None:
    """The same error as an exception, at the first use of a back end."""
    config = Config(debug_backends=True, debug_file=str(tmp_path / "none" / "calls.log"))
    container = ServiceContainer(config=lambda: config)
    with pytest.raises(ConfigError, match=r"^debug_file is '.*calls\.log', which cannot be written"):
        container.database(tmp_path / "a.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", ["knowledge.db", "knowledge.db-wal", "config.toml", "link.log", "hard.log"])
def test_files_of_rekall_are_refused(end: str) -> None:
    """Appending to a database would destroy it; another name of it does not help."""
    assert run_program(*ADD).returncode == 0
    home = Path(os.environ["REKALL_HOME"])
    (home / "link.log").symlink_to(home / "knowledge.db")
    os.link(home / "knowledge.db", home / "hard.log")
    before = (home / "knowledge.db").read_bytes()
    done = run_program("browse", "--debug", environment={"REKALL_DEBUG_FILE": str(home / end)})
    assert "a file of Rekall itself, which the log would destroy" in one_error_line(done.stderr.decode())
    assert (home / "knowledge.db").read_bytes() == before
    assert not (home / "config.toml").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_without_a_reader_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A reader sees the events, and may leave: that is no concern of the calls."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    environment = {"REKALL_DEBUG_FILE": str(pipe)}
    assert "cannot be written" in one_error_line(run_program(*ADD, "--debug", environment=environment).stderr.decode())
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    target = FileTarget(str(pipe))
    target.write("a line\n")
    assert os.read(reader, 100) == b"a line\n"
    os.close(reader)
    target.write("another line\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk")
def test_a_disk_that_is_full_loses_lines_and_no_call() -> None:
    """The command does its work and ends well."""
    done = run_program(*ADD, "--debug", environment={"REKALL_DEBUG_FILE": "/dev/full"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Walrus" in run_program("browse").stdout


@pytest.mark.parametrize("moved", [False, True], ids=["deleted", "moved away"])
def test_a_new_file_is_begun_when_the_log_is_taken_away(moved: bool, tmp_path: Path) -> None:
    """An MCP server runs for days: whoever deletes its log to begin anew sees the next calls."""
    file, older = tmp_path / "calls.log", tmp_path / "calls.log.1"
    target = FileTarget(str(file))
    target.write("a line\n")
    if moved:
        file.rename(older)
    else:
        file.unlink()
    target.write("another line\n")
    target.write("the last line\n")
    assert file.read_text() == "another line\nthe last line\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not moved or older.read_text() == "a line\n"


def test_a_folder_that_is_taken_away_loses_lines_and_no_call(tmp_path: Path) -> None:
    """Until it is there again."""
    folder = tmp_path / "logs"
    folder.mkdir()
    target = FileTarget(str(folder / "calls.log"))
    (folder / "calls.log").unlink()
    folder.rmdir()
    target.write("a line\n")
    folder.mkdir()
    target.write("another line\n")
    assert (folder / "calls.log").read_text() == "another line\n"


def test_a_log_is_opened_once(tmp_path: Path) -> None:
    """However many back ends are made; a file that somebody removes is not made anew by each call."""
    file = tmp_path / "calls.log"
    config = Config(debug_backends=True, debug_file=str(file))
    first = debug_logger(config)
    file.unlink()
    assert debug_logger(config) is first
    assert not file.exists()
