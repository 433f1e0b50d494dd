"""`rekall doctor`: finds what is broken, says how to mend it, and writes nothing."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CommandLine, run_program
from support.databases import unpack

from rekall.doctor import Check, is_sound


@pytest.fixture
def cli() -> CommandLine:
    """The command line in this process."""
    return CommandLine()


@pytest.fixture
def file() -> Path:
    """Where the base would be, in a directory that is there."""
    home = Path(os.environ["REKALL_HOME"])
    home.mkdir(mode=0o700)
    return home / "knowledge.db"


@contextmanager
def _untouched(folder: Path) -> Iterator[None]:
    """Fails when a file in the folder came, went or changed inside."""

    def content() -> dict[str, bytes | None]:
        return {
            str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")
        }

    before = content()
    yield
    assert content() == before


def _checks(cli: CommandLine, status: int) -> dict[str, dict[str, str]]:
    """The checks by name, the worst of each name; the answer is JSON whatever is broken."""
    result = cli("doctor", "--json")
    assert (result.exit_code, result.stderr) == (status, "")
    answer: dict[str, Any] = json.loads(result.stdout)
    assert answer["ok"] is (status == 0)
    order = ("ok", "warning", "failure")
    return {check["name"]: check for check in sorted(answer["checks"], key=lambda check: order.index(check["status"]))}


def test_a_sound_base(cli: CommandLine, file: Path) -> None:
    """On a sound base every check is ok."""
    cli.add("Walrus")
    with _untouched(file.parent):
        checks = _checks(cli, 0)
    assert {check["status"] for check in checks.values()} == {"ok"}
    assert set(checks) == {
        *("configuration", "permissions", "database back end", "file", "schema", "integrity", "full-text index"),
        *("derived objects", "cache back end", "SQLite", "disk space", "installation"),
    }


def test_no_base_yet(cli: CommandLine) -> None:
    """A base that is not there yet is no failure, and is not made."""
    assert "first command creates it" in _checks(cli, 0)["file"]["detail"]
    assert not Path(os.environ["REKALL_HOME"]).exists()


def test_an_empty_file(cli: CommandLine, file: Path) -> None:
    """A file of no bytes is one that the first command fills."""
    file.touch(mode=0o600)
    with _untouched(file.parent):
        assert _checks(cli, 0)["schema"]["status"] == "ok"


@pytest.mark.parametrize("name", ["v00.db", "v08.db", "v12-centrality-only.db"])
def test_an_older_base(cli: CommandLine, file: Path, name: str) -> None:
    """An older schema is a warning that names `rekall migrate`, and nothing is migrated."""
    unpack(name, file.parent).replace(file)
    file.chmod(0o600)
    with _untouched(file.parent):
        schema = _checks(cli, 0)["schema"]
    assert schema["status"] == "warning"
    assert "rekall migrate" in schema["mend"]


def test_a_base_that_0_3_wrote(cli: CommandLine, file: Path) -> None:
    """Absent derived objects are no failure: the first write makes them."""
    unpack("v12.db", file.parent).replace(file)
    file.chmod(0o600)
    checks = _checks(cli, 0)
    assert checks["derived objects"]["status"] == "ok"
    assert "first write makes them" in checks["derived objects"]["detail"]


def _not_sqlite(file: Path) -> None:
    file.write_bytes(b"These are my notes, not a database. " * 300)


def _another_program(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()


def _newer(file: Path) -> None:
    unpack("v12.db", file.parent).replace(file)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def _half_a_rekall(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE entries (id TEXT, title TEXT)")
    connection.close()


def _truncated(file: Path) -> None:
    unpack("v12.db", file.parent).replace(file)
    os.truncate(file, 100_000)


def _damaged_header(file: Path) -> None:
    unpack("v12.db", file.parent).replace(file)
    with file.open("r+b") as handle:
        handle.write(b"\0" * 100)


def _damaged_pages(file: Path) -> None:
    unpack("v12.db", file.parent).replace(file)
    size = file.stat().st_size
    with file.open("r+b") as handle:
        handle.seek(size // 4 // 4096 * 4096)
        handle.write(b"\xa5" * (size // 2))


def _directory(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize(
    ("break_it", "check"),
    [
        (_not_sqlite, "file"),
        (_another_program, "schema"),
        (_newer, "schema"),
        (_half_a_rekall, "schema"),
        (_truncated, None),
        (_damaged_header, "file"),
        (_damaged_pages, None),
        (_directory, "file"),
    ],
)
def test_broken_files(cli: CommandLine, file: Path, break_it: Any, check: str | None) -> None:
    """Whatever is in the place of the base, the doctor says what it is and how to mend it, and leaves it."""
    break_it(file)
    if file.is_file():
        file.chmod(0o600)
    with _untouched(file.parent):
        checks = _checks(cli, 1)
        assert cli("doctor").exit_code == 1
        line = cli.fails("doctor", "--rebuild")
    failed = [found for found in checks.values() if found["status"] == "failure"]
    assert failed
    assert all(found["mend"] for found in failed)
    if check is not None:
        assert checks[check]["status"] == "failure"
    assert line.startswith("nothing was rebuilt: ")


def test_a_backup_is_named(cli: CommandLine, file: Path) -> None:
    """When there is a backup, the mend for a broken file names the newest."""
    folder = file.parent / "backups"
    folder.mkdir()
    (folder / "knowledge_2026-01-01_000000_schema-8.db").touch()
    _not_sqlite(file)
    file.chmod(0o600)
    assert "schema-8.db" in _checks(cli, 1)["file"]["mend"]


def test_backups_are_counted(cli: CommandLine, file: Path) -> None:
    """Where they are and which one is the newest; a base without any is sound."""
    cli.add("Walrus")
    assert "backups" not in _checks(cli, 0)
    cli.ok("backup")
    made = cli.json("backup")["file"]
    with _untouched(file.parent):
        found = _checks(cli, 0)["backups"]
    assert found["status"] == "ok"
    assert found["detail"].startswith(f"2 in {file.parent / 'backups'}, the newest is {Path(made).name}")


def test_index_without_rows(cli: CommandLine, file: Path) -> None:
    """Missing, doubled and orphaned full-text rows are a failure, and --rebuild mends them."""
    one, two = cli.add("Walrus"), cli.add("Otter")
    connection = sqlite3.connect(file)
    connection.execute("DELETE FROM entries_fts WHERE id = ?", (one,))
    connection.execute("INSERT INTO entries_fts(id, title) VALUES (?, 'Otter')", (two,))
    connection.execute("INSERT INTO entries_fts(id, title) VALUES ('01GONE', 'Ghost')")
    connection.commit()
    connection.close()
    index = _checks(cli, 1)["full-text index"]
    assert index["status"] == "failure"
    assert [word for word in index["detail"].split() if word.isdigit()] == ["1", "1", "1"]
    assert "--rebuild" in index["mend"]
    assert cli.json("search", "walrus")["total_count"] == 0
    answer = cli.json("doctor", "--rebuild")
    assert (answer["ok"], answer["rebuilt"]) == (True, True)
    assert cli.json("search", "walrus")["total_count"] == 1
    assert cli.json("search", "otter")["total_count"] == 1


def test_broken_reference(cli: CommandLine, file: Path) -> None:
    """A row that names a missing entry is an integrity failure."""
    cli.add("Walrus")
    connection = sqlite3.connect(file)
    connection.execute("INSERT INTO tags(entry_id, tag) VALUES ('01GONE', 'lost')")
    connection.commit()
    connection.close()
    assert "tags" in _checks(cli, 1)["integrity"]["detail"]


@pytest.mark.parametrize(
    ("text", "named"), [("[promotion\n", "config.toml"), ("[backends]\ndatabse = 'x'\n", "did you mean")]
)
def test_malformed_configuration(cli: CommandLine, file: Path, text: str, named: str) -> None:
    """A configuration that cannot be used is one failure; the base is looked at all the same."""
    cli.add("Walrus")
    config = file.with_name("config.toml")
    config.write_text(text, encoding="utf-8")
    config.chmod(0o600)
    checks = _checks(cli, 1)
    assert named in checks["configuration"]["detail"]
    assert checks["integrity"]["status"] == "ok"
    assert str(config) in cli.fails("doctor", "--rebuild")


def test_doubtful_configuration(cli: CommandLine, file: Path) -> None:
    """What is ignored in config.toml is a warning."""
    config = file.with_name("config.toml")
    config.write_text("[promotion]\nthreshhold = 3\n", encoding="utf-8")
    config.chmod(0o600)
    assert "threshhold" in _checks(cli, 0)["configuration"]["detail"]


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ('[backends]\ndatabase = "postgres"\n', "database back end"),
        ('[backends]\ncache = "redis"\n', "cache back end"),
        ("[backends]\ndatabase_options = { busy_timeout = 99 }\n", "database back end"),
    ],
)
def test_back_end_that_cannot_be_used(cli: CommandLine, file: Path, text: str, check: str) -> None:
    """A selected back end that is unknown, or refuses its options, is a failure that says why."""
    config = file.with_name("config.toml")
    config.write_text(text, encoding="utf-8")
    config.chmod(0o600)
    cli("init")
    assert _checks(cli, 1)[check]["status"] == "failure"


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_permissions(cli: CommandLine, file: Path) -> None:
    """A file that others can read is a warning, and the doctor does not mend it."""
    cli.add("Walrus")
    file.chmod(0o644)
    assert "chmod 600" in _checks(cli, 0)["permissions"]["mend"]
    assert file.stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file(cli: CommandLine, file: Path) -> None:
    """A file that belongs to another user is named with its owner."""
    cli.add("Walrus")
    os.chown(file, 65533, -1)
    assert "65533" in _checks(cli, 0)["permissions"]["detail"]


def test_a_place_where_no_base_can_be(cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the first command could not make the base, the doctor does not promise that it will."""
    (tmp_path / "notes.txt").touch()
    monkeypatch.setenv("REKALL_HOME", str(tmp_path / "notes.txt" / "rekall"))
    found = _checks(cli, 1)["file"]
    assert "is not a directory" in found["detail"]
    assert "REKALL_HOME" in found["mend"]


def test_a_locked_file_is_not_to_be_replaced(cli: CommandLine, file: Path) -> None:
    """A base that another program holds is told as such: nobody is sent to a backup."""
    cli.add("Walrus")
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN EXCLUSIVE")
    found = _checks(cli, 1)["file"]
    connection.close()
    assert "locked" in found["detail"]
    assert "backup" not in found["mend"]


def test_rebuild_without_a_base(cli: CommandLine) -> None:
    """There is nothing to rebuild where nothing is, and nothing is made."""
    assert "no base" in cli.fails("doctor", "--rebuild")
    assert not Path(os.environ["REKALL_HOME"]).exists()


def test_another_distribution_of_this_name(tmp_path: Path) -> None:
    """A distribution named rekall that is another program is a failure; it is named with its version and place."""
    stranger = tmp_path / "rekall-1.7.2.dist-info"
    stranger.mkdir()
    (stranger / "METADATA").write_text("Metadata-Version: 2.1\nName: rekall\nVersion: 1.7.2\n", encoding="utf-8")
    (stranger / "RECORD").write_text("rekall_forensics/__init__.py,,\n", encoding="utf-8")
    run = run_program("doctor", environment={"PYTHONPATH": str(tmp_path)})
    lines = [line for line in run.stdout.decode().splitlines() if "1.7.2" in line]
    assert run.returncode == 1
    assert len(lines) == 1
    assert lines[0].startswith("failure\tinstallation\t")
    assert str(tmp_path) in lines[0]
    assert "pip uninstall rekall" in lines[0]


def test_lines_for_a_pipe(cli: CommandLine, file: Path) -> None:
    """A pipe gets a line for each check: status, name, what was found, and the mend."""
    cli.add("Walrus")
    for line in cli.ok("doctor").splitlines():
        assert line.split("\t")[0] == "ok"
        assert len(line.split("\t")) == 3


def test_soundness_is_about_failures() -> None:
    """Warnings leave a base sound, one failure does not."""
    warning, failure = Check("a", "warning", "b", "c"), Check("a", "failure", "b", "c")
    assert is_sound([warning])
    assert not is_sound([warning, failure])


def test_the_checks_need_no_command_line() -> None:
    """The checks are data that any program may ask for: their module loads neither Typer nor rich."""
    code = "import sys, rekall.doctor; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"typer", "rich"}.isdisjoint(run.stdout.split())
