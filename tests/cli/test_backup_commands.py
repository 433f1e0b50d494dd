"""`backup` and `restore`."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from support import databases, raw
from support.backends import ConnectionPerCall
from support.backups import damage, files, held
from support.command_line import CommandLine, one_error_line, run_in_terminal, run_program

from rekall.infra import DatabaseBackend, ServiceContainer


@pytest.fixture
def base(cli: CommandLine, home: Path) -> Path:
    """A base with two entries."""
    cli.add("One")
    cli.add("Two")
    return home / "knowledge.db"


def _titles(cli: CommandLine) -> list[str]:
    return sorted(entry["title"] for entry in cli.json("browse")["results"])


def test_a_backup_and_back(cli: CommandLine, base: Path) -> None:
    """Where it is and what it holds is told; `restore` takes its name, and tells where the replaced base is."""
    told = cli.ok("backup").splitlines()
    (made,) = (base.parent / "backups").glob("*.db")
    assert told[0] == f"Backup: {made}"
    assert told[1].startswith("  2 entries, schema 12, ")
    cli.add("Three")
    told = cli.ok("restore", made.name, "--yes").splitlines()
    (kept,) = (base.parent / "backups").glob("*_pre-restore.db")
    assert told == [f"Restored {made} (2 entries, schema 12) to {base}", f"  what was there: {kept}"]
    assert _titles(cli) == ["One", "Two"]
    cli.ok("restore", str(kept), "--yes", "--no-safety")
    assert _titles(cli) == ["One", "Three", "Two"]
    assert len(list((base.parent / "backups").glob("*.db"))) == 2


def test_for_programs(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """`--json` of all three, with the paths, what the files hold, and times that can be compared."""
    link = cli.json("browse")["results"]
    cli.ok("link", link[0]["id"], link[1]["id"])
    cli.ok("deprecate", link[0]["id"])
    made = cli.json("backup", "--output", str(tmp_path / "copy.db"))
    content = {"schema_version": 12, "entries": {"total": 2, "active": 1, "obsolete": 1}, "links": 1}
    assert made.items() >= {"path": str(base), "file": str(tmp_path / "copy.db"), "removed": [], **content}.items()
    assert made["size_bytes"] == (tmp_path / "copy.db").stat().st_size
    assert datetime.fromisoformat(made["made_at"]).tzinfo is not None
    assert cli.json("backup", "--list") == {"folder": str(base.parent / "backups"), "backups": []}
    done = cli.json("restore", str(tmp_path / "copy.db"), "-y")
    assert Path(done.pop("kept")).name.endswith("_pre-restore.db")
    assert done == {
        "path": str(base),
        "restored_from": str(tmp_path / "copy.db"),
        "is_current": True,
        "kept_problem": None,
        **content,
    }
    (listed,) = cli.json("backup", "--list")["backups"]
    assert (listed["kind"], listed["links"]) == ("pre-restore", 1)


def test_the_list(cli: CommandLine, base: Path) -> None:
    """Newest first, a line for each, also for what cannot be read."""
    assert cli.ok("backup", "--list") == f"No backups in {base.parent / 'backups'}: 'rekall backup' makes one.\n"
    first = Path(cli.json("backup")["file"])
    os.utime(first, (1_700_000_000, 1_700_000_000))
    cli.add("Three")
    second = Path(cli.json("backup")["file"])
    first.with_name("knowledge_broken.db").write_bytes(b"broken")
    os.utime(first.with_name("knowledge_broken.db"), (1_600_000_000, 1_600_000_000))
    rows = [line.split("\t") for line in cli.ok("backup", "-l").splitlines()]
    assert [row[0] for row in rows] == [str(second), str(first), str(first.with_name("knowledge_broken.db"))]
    assert [row[2] for row in rows] == ["backup", "backup", "other"]
    assert [row[4:] for row in rows] == [["3", "12"], ["2", "12"], ["unreadable", ""]]
    assert cli.json("backup", "--list")["backups"][2]["entries"] is None


def test_the_list_in_a_terminal(cli: CommandLine, base: Path) -> None:
    """A table with whole names, which `restore` takes."""
    made = Path(cli.json("backup")["file"])
    kept = Path(cli.json("restore", str(made), "--yes")["kept"])
    status, seen = run_in_terminal(["backup", "--list"])
    assert status == 0
    assert made.name in seen
    assert kept.name in seen
    assert str(made.parent) in seen
    assert "…" not in seen
    for column in ("Name", "Made by", "Size", "Entries", "Schema"):
        assert column in seen


def test_keep(cli: CommandLine, base: Path) -> None:
    """The oldest ones go and are named; what was made before a migration or a restore stays."""
    folder = base.parent / "backups"
    folder.mkdir()
    old = [folder / f"knowledge_2026-01-0{day}_120000.db" for day in (1, 2, 3)]
    others = [folder / f"knowledge_2026-01-01_120000_{label}.db" for label in ("pre-restore", "schema-6")]
    for file in (*old, *others):
        file.touch()
    told = cli.ok("backup", "--keep", "2").splitlines()
    assert told[2:] == [f"Removed: {old[0]}", f"Removed: {old[1]}"]
    assert set(files(folder)) == {old[2].name, *(file.name for file in others), told[0].rpartition("/")[2]}
    assert cli.json("backup", "--keep", "1")["removed"] == [str(old[2]), told[0].removeprefix("Backup: ")]


@pytest.mark.parametrize(
    "args",
    [
        ("--list", "--keep", "1"),
        ("--list", "--output", "a.db"),
        ("--keep", "1", "--output", "a.db"),
        ("--keep", "0"),
        ("--keep", "many"),
    ],
)
def test_options_that_contradict(cli: CommandLine, base: Path, args: tuple[str, ...]) -> None:
    """Wrong usage, and nothing is made."""
    assert "--help" in cli.fails("backup", *args, status=2)
    assert files(base.parent) == ["knowledge.db"]


def test_a_backup_that_was_made_is_told_before_what_went_wrong_after_it(cli: CommandLine, base: Path) -> None:
    """Two bases in one folder: no backup is removed, since it could be the other's."""
    shutil.copy(base, base.with_name("team.db"))
    result = cli("backup", "--keep", "1")
    (made,) = (base.parent / "backups").glob("*.db")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"Backup: {made}\n")
    assert "team.db" in one_error_line(result.stderr)


def test_no_base_yet(cli: CommandLine, home: Path) -> None:
    """There is nothing to copy, and looking creates nothing."""
    assert "no base yet" in cli.fails("backup")
    assert files(home) == []
    assert cli.ok("backup", "--list").startswith("No backups")
    assert files(home) == []


@pytest.mark.fault(24)
def test_refusals(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """One line each, and the base as it was."""
    table, text = tmp_path / "table.db", tmp_path / "text.db"
    raw.write(table, "CREATE TABLE t (a)")
    text.write_bytes(b"These are notes. " * 100)
    before = held(base)
    for name, word in (
        (str(table), "another program"),
        (str(text), "no whole SQLite database"),
        (str(tmp_path), "is a directory"),
        ("knowledge_2020-01-01_000000.db", "Backup file not found"),
        (str(base), "the base itself"),
    ):
        assert word in cli.fails("restore", name, "--yes")
    text.unlink()
    assert "is a directory" in cli.fails("backup", "-o", str(tmp_path))
    assert "exists already" in cli.fails("backup", "-o", str(table))
    assert "the base itself" in cli.fails("backup", "-o", str(base))
    assert held(base) == before
    assert files(base.parent) == ["knowledge.db"]


def test_without_a_terminal_it_wants_yes(cli: CommandLine, base: Path) -> None:
    """Nobody can be asked: one line, exit 1, as when 0.3 was refused an answer."""
    made = cli.json("backup")["file"]
    line = cli.fails("restore", made)
    assert "--yes" in line
    assert "2 entries" in line
    assert _titles(cli) == ["One", "Two"]


@pytest.mark.parametrize(("answer", "status"), [("y\r", 0), ("n\r", 1), ("\r", 1)])
def test_the_question(cli: CommandLine, base: Path, answer: str, status: int) -> None:
    """It says what is replaced by what; only yes goes on."""
    made = Path(cli.json("backup")["file"])
    cli.add("Three")
    ended, seen = run_in_terminal(["restore", made.name], [("[y/N]", answer)], columns=400)
    assert ended == status
    assert f"Replace {base} (3 entries), which is kept in backups/, by {made} (2 entries, schema 12)? [y/N]" in seen
    assert ("Restored" in seen) is (status == 0)
    assert ("nothing was restored" in seen) is (status == 1)
    assert len(_titles(cli)) == (2 if status == 0 else 3)


def test_an_older_base_is_copied_as_it_is(cli: CommandLine, home: Path) -> None:
    """A backup never migrates; restored, it says that the next command does."""
    base = databases.unpack("v06.db", home).rename(home / "knowledge.db")
    base.chmod(0o600)
    before = held(base)
    made = cli.json("backup")
    assert (made["schema_version"], made["kind"]) == (6, "backup")
    assert held(base) == before
    assert held(Path(made["file"])) == before
    assert "the next command migrates it" in cli.ok("restore", made["file"], "--yes")
    assert held(base) == before
    assert "schema-6.db" in cli("info").stderr


def test_a_damaged_base(cli: CommandLine, base: Path) -> None:
    """It cannot be backed up; a restore keeps it all the same and says what it was."""
    made = cli.json("backup")["file"]
    damage(base, "links")
    assert "damaged" in cli.fails("backup")
    told = cli.ok("restore", made, "--yes").splitlines()
    assert told[2].startswith("  it was damaged: ")
    assert _titles(cli) == ["One", "Two"]


def test_a_locked_base(cli: CommandLine, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backed up at once, not restored: one line says why."""
    monkeypatch.setattr("rekall.store.sqlite_files.TIMEOUT", 0.1)
    with closing(sqlite3.connect(base, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        made = cli.json("backup")["file"]
        assert "nothing was restored" in (line := cli.fails("restore", made, "--yes"))
        assert "locked by another process" in line


class Fileless(ConnectionPerCall):
    """A back end that keeps its base in no file that anybody else could read."""

    backup = DatabaseBackend.backup


def test_a_base_without_a_file(cli: CommandLine, base: Path) -> None:
    """What to do instead is said."""
    made = cli.json("backup")["file"]
    ServiceContainer.get_instance().register("database", Fileless(base))
    assert "'rekall export'" in cli.fails("backup")
    assert "'rekall import'" in cli.fails("restore", made, "--yes")
    ServiceContainer.get_instance().register("database", ConnectionPerCall(base))
    assert cli.json("backup")["entries"]["total"] == 2


def _complete(word: str, folder: Path) -> list[str]:
    words = {"_REKALL_COMPLETE": "complete_bash", "COMP_WORDS": f"rekall restore {word}", "COMP_CWORD": "2"}
    run = run_program(environment=words, cwd=folder)
    assert run.stderr == b""
    return run.stdout.decode().split()


def test_completion(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """The names of backups, newest first, and files; nothing breaks where there is none."""
    assert _complete("", tmp_path) == []
    first = Path(cli.json("backup")["file"]).name
    os.utime(base.parent / "backups" / first, (1_700_000_000, 1_700_000_000))
    second = Path(cli.json("backup")["file"]).name
    assert _complete("", tmp_path) == [second, first]
    assert _complete("know", tmp_path) == [second, first]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "saved.db").touch()
    (tmp_path / "deep" / "notes.txt").touch()
    assert _complete("de", tmp_path) == ["deep/"]
    assert _complete("deep/", tmp_path) == ["deep/saved.db"]
    assert _complete(f"{tmp_path}/deep/s", tmp_path) == [f"{tmp_path}/deep/saved.db"]
