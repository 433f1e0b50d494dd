"""What is wrong with files: one clear line, a status that is not 0, and the file as it was.

These are tests of Rekall's own back end, whatever else is registered: another one may have no file, or no backup.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from support.command_line import CONTEXT, CommandLine
from support.databases import unpack

from rekall.infra import ServiceContainer

COMMANDS = [
    ("add", "bug", "T", "--context-json", CONTEXT),
    ("search", "walrus"),
    ("browse",),
    ("show", "01"),
    ("edit", "01", "--title", "T"),
    ("delete", "01", "--yes"),
    ("link", "01", "02"),
    ("info",),
    ("migrate",),
    ("centrality",),
]
EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])


@pytest.fixture
def file(home: Path) -> Path:
    """Where the base would be."""
    return home / "knowledge.db"


def _fails_and_leaves(cli: CommandLine, file: Path, command: tuple[str, ...], named: str) -> None:
    before = file.read_bytes()
    assert named in cli.fails(*command)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]


@EVERY_COMMAND
def test_not_sqlite(cli: CommandLine, file: Path, command: tuple[str, ...]) -> None:
    """A file of something else is named as such."""
    file.write_bytes(b"These are my notes, not a database. " * 300)
    file.chmod(0o600)
    _fails_and_leaves(cli, file, command, "is not a SQLite database")


@EVERY_COMMAND
def test_another_program(cli: CommandLine, file: Path, command: tuple[str, ...]) -> None:
    """A SQLite database of another program is refused."""
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    file.chmod(0o600)
    _fails_and_leaves(cli, file, command, "another program")


@EVERY_COMMAND
def test_newer(cli: CommandLine, file: Path, command: tuple[str, ...]) -> None:
    """A base of a newer Rekall is refused, untouched."""
    unpack("v12.db", file.parent).replace(file)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    file.chmod(0o600)
    _fails_and_leaves(cli, file, command, "schema 99")


@EVERY_COMMAND
def test_directory_in_its_place(cli: CommandLine, file: Path, command: tuple[str, ...]) -> None:
    """A directory where the file should be is named."""
    file.mkdir()
    assert "directory" in cli.fails(*command)
    assert not list(file.iterdir())


def test_damaged_pages(cli: CommandLine, file: Path) -> None:
    """A file with overwritten pages is called damaged by whatever reads them."""
    cli.ok("init")
    for number in range(20):
        cli.add(f"Walrus {number}", "--content", "x" * 3000)
    data = bytearray(file.read_bytes())
    data[4096 : len(data)] = os.urandom(len(data) - 4096)
    file.write_bytes(data)
    assert "damaged" in cli.fails("browse")
    assert file.read_bytes() == data


@EVERY_COMMAND
@pytest.mark.parametrize(
    "text", ["[smart_embeddings\n", "[backends]\ndatabse = 'x'\n", "[backends]\ndatabase = 3\n", "debug = 'perhaps'\n"]
)
def test_malformed_configuration(cli: CommandLine, home: Path, command: tuple[str, ...], text: str) -> None:
    """A config.toml that cannot be used is named, with the place in it; no base is made."""
    file = home / "config.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    assert str(file) in cli.fails(*command)
    assert file.read_text(encoding="utf-8") == text
    assert [path.name for path in home.iterdir()] == ["config.toml"]


def test_unknown_back_end(cli: CommandLine, home: Path) -> None:
    """A back end that is not there is fatal, never passed over."""
    ServiceContainer.get_instance().reset()  # a registered back end would outrank the file
    file = home / "config.toml"
    file.write_text('[backends]\ndatabase = "postgres"\n', encoding="utf-8")
    file.chmod(0o600)
    assert "postgres" in cli.fails("browse")
    assert not (home / "knowledge.db").exists()


@pytest.mark.fault(39)
@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_open_permissions_are_mended(cli: CommandLine, file: Path) -> None:
    """Files that others may read are closed to them, with one warning each on stderr, JSON staying JSON."""
    cli.add("Walrus")
    config = file.with_name("config.toml")
    config.write_text("", encoding="utf-8")
    file.chmod(0o644)
    config.chmod(0o664)
    result = cli("browse", "--json")
    assert result.stdout.startswith("{")
    assert [line.split()[2] for line in result.stderr.splitlines()] == [str(file), str(config)]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, config)] == [0o600, 0o600]
    assert cli("browse").stderr == ""


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
@EVERY_COMMAND
def test_what_is_refused_keeps_its_mode(cli: CommandLine, file: Path, command: tuple[str, ...]) -> None:
    """A database of another program may be meant for others: it is not closed to them."""
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    file.chmod(0o644)
    assert "another program" in cli.fails(*command)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_file_that_its_owner_may_not_write_stays_so(cli: CommandLine, file: Path) -> None:
    """A base that was made read-only is not made writable."""
    cli.add("Walrus")
    file.chmod(0o444)
    cli.ok("browse")
    assert stat.S_IMODE(file.stat().st_mode) == 0o444


def test_new_files_are_private(cli: CommandLine, file: Path) -> None:
    """The base is made readable by its owner alone."""
    cli.add("Walrus")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def _version(file: Path) -> int:
    connection = sqlite3.connect(file)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.fault(21)
@pytest.mark.parametrize("name", ["v00.db", "v06.db", "v11.db", "v12-enrichment-only.db"])
def test_migrate(cli: CommandLine, file: Path, name: str) -> None:
    """A dry run writes nothing, the migration names its backup, and after it there is nothing to do."""
    unpack(name, file.parent).replace(file)
    file.chmod(0o600)
    before, version = file.read_bytes(), _version(file)
    planned = cli.json("migrate", "--dry-run")
    assert (planned["schema_version"], planned["migrated"], planned["is_current"]) == (version, False, False)
    told = cli.ok("migrate", "-n", "--enrich-context")
    assert "would be migrated" in told
    assert ("incomplete" in told) is (version == 12)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]
    done = cli.json("migrate", "--yes")
    assert done["migrated"] is True
    assert _version(Path(done["backup"])) == version
    assert "nothing to migrate" in cli.ok("migrate")
    assert cli.json("info")["schema_version"] == 12


@pytest.mark.fault(25)
def test_a_backup_makes_no_project_of_the_home_directory(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In 0.3 it made ~/.rekall: from then on who worked at home saw an empty base, and not the own one."""
    monkeypatch.delenv("REKALL_HOME")
    base = Path.home() / ".local/share/rekall/knowledge.db"
    base.parent.mkdir(parents=True)
    unpack("v08.db", base.parent).replace(base)
    base.chmod(0o600)
    backup = Path(cli.json("migrate", "--yes")["backup"])
    assert backup.is_relative_to(base.parent)
    assert not (Path.home() / ".rekall").exists()
    monkeypatch.chdir(Path.home())
    assert cli.json("info")["path"] == str(base)


@pytest.mark.parametrize("args", [("migrate",), ("migrate", "--dry-run")])
def test_a_newer_base_is_not_to_be_migrated(cli: CommandLine, file: Path, args: tuple[str, ...]) -> None:
    """Nobody is told that a newer base would be migrated to this schema, nor by `rekall` alone."""
    unpack("v12.db", file.parent).replace(file)
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 13")
    connection.commit()
    connection.close()
    assert "newer Rekall" in cli.fails(*args)
    alone = cli()
    assert alone.exit_code == 1
    assert "newer Rekall" in alone.stderr
    assert "migrate" not in alone.stdout.splitlines()[-1]


def test_any_command_tells_that_it_migrated(cli: CommandLine, file: Path) -> None:
    """A command that opens an older base migrates it, and tells so on stderr with the backup."""
    unpack("v08.db", file.parent).replace(file)
    file.chmod(0o600)
    result = cli("search", "retry", "--json")
    assert result.stdout.startswith("{")
    assert result.stderr.count("\n") == 1
    assert str(file.parent / "backups") in result.stderr
    assert cli("search", "retry").stderr == ""


@pytest.mark.parametrize("args", [(), ("version",), ("doctor",)])
def test_looking_at_an_older_base_leaves_it(cli: CommandLine, file: Path, args: tuple[str, ...]) -> None:
    """`rekall` alone, `version` and `doctor` tell the older schema without migrating it."""
    unpack("v08.db", file.parent).replace(file)
    file.chmod(0o600)
    before = file.read_bytes()
    assert "8" in cli.ok(*args)
    assert file.read_bytes() == before


@pytest.mark.fault(23)
def test_enrich_context(cli: CommandLine, file: Path) -> None:
    """Contexts without their compressed form get it, behind a backup of their own; a dry run counts them."""
    entry_id = cli.add("Walrus")
    connection = sqlite3.connect(file)
    connection.execute("UPDATE entries SET context_blob = NULL")
    connection.commit()
    connection.close()
    assert "Contexts to convert: 1" in cli.ok("migrate", "--enrich-context", "--dry-run")
    assert not (file.parent / "backups").exists()
    report = cli.json("migrate", "--enrich-context")
    assert (report["contexts"], report["migrated"]) == (1, False)
    assert Path(report["backup"]).exists()
    assert cli.json("show", entry_id)["context"]["trigger_keywords"] == ["export", "proxy"]
    assert cli.json("migrate", "--enrich-context")["contexts"] == 0
