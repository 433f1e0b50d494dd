"""`export` and `import`: files out of a base and into it, as a person and a script use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support import databases, raw
from support.command_line import CommandLine, one_error_line, run_in_terminal, run_program
from support.exchange import rows
from support.hostile import hostile_archives

from rekall.config import get_config
from rekall.errors import ImportRefusedError
from rekall.exchange.limits import Limits


@pytest.fixture
def base(cli: CommandLine) -> Path:
    """The base of v12.db, where the commands look for it."""
    cli.ok("init")
    path = get_config().db_path
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()
    databases.unpack("v12.db", path.parent).rename(path)
    path.chmod(0o600)
    return path


def sample(name: str) -> bytes:
    """An export of v12.db by 0.3: the archive, or the JSON, which is what the archive holds."""
    archive = databases.FOLDER / "sample.rekall.zip"
    if name == archive.name:
        return archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        return opened.read("entries.json")


def told(cli: CommandLine, *args: str) -> tuple[str, str]:
    """Stdout and stderr of a command that works."""
    result = cli(*args)
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def wipe(path: Path) -> None:
    for leftover in path.parent.glob(f"{path.name}*"):
        leftover.unlink()


@pytest.mark.fault(16)
@pytest.mark.parametrize("name", ["base.rekall.zip", "base.json"])
def test_export_wipe_import(cli: CommandLine, base: Path, tmp_path: Path, name: str) -> None:
    """Every row of every table is there again."""
    before = rows(base)
    target = tmp_path / name
    told(cli, "export", str(target), "--embeddings")
    wipe(base)
    assert "Imported: 42 added." in cli.ok("import", str(target), "--yes")
    assert rows(base) == before


def test_the_form_follows_the_name_or_the_option(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """.rekall.zip, .json, else markdown; --format comes first, and is checked."""
    for name, options, beginning in (
        ("a.rekall.zip", [], b"PK"),
        ("a.json", [], b"[\n  {"),
        ("a.md", [], b"# "),
        ("a", [], b"# "),
        ("b.zip", ["-f", "rekall"], b"PK"),
        ("b.txt", ["--format", "json"], b"[\n  {"),
    ):
        told(cli, "export", str(tmp_path / name), *options)
        assert (tmp_path / name).read_bytes().startswith(beginning)
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert "use one of rekall, json, md" in cli.fails("export", str(tmp_path / "c"), "-f", "xml")
    assert not (tmp_path / "c").exists()


def test_json_keeps_the_shape_of_0_3(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """An array of entries, newest first, each with the sixteen keys first."""
    told(cli, "export", str(tmp_path / "a.json"))
    ours = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    theirs = json.loads(sample("sample.json"))
    assert [list(entry)[:16] for entry in ours] == [list(theirs[0])] * 42
    sixteen = [{key: entry[key] for key in theirs[0]} for entry in ours]
    assert [entry for entry in sixteen if entry["status"] == "active"] == theirs


def test_what_is_told_of_an_export(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """What went where, a warning about secrets, and --json for programs."""
    shown, warned = told(cli, "export", str(tmp_path / "a.rekall.zip"))
    assert shown.startswith("Exported 42 entries to ")
    assert "with 13 links, 7 sources" in shown
    assert "1 entry may hold a secret" in one_error_line(warned)
    report = json.loads(told(cli, "export", str(tmp_path / "b.rekall.zip"), "--json", "-t", "bug")[0])
    assert (report["format"], report["records"]["entries"]) == ("rekall", 14)
    assert report["size_bytes"] == (tmp_path / "b.rekall.zip").stat().st_size


def test_nothing_to_export(cli: CommandLine, tmp_path: Path) -> None:
    """A message, no file, and no base that was not there."""
    target = tmp_path / "a.rekall.zip"
    assert "nothing was written" in cli.ok("export", str(target))
    assert not target.exists()
    assert not get_config().db_path.exists()
    cli.ok("init")
    assert "nothing was written" in cli.ok("export", str(target))
    cli.add("One")
    assert "No entry passes your filter" in cli.ok("export", str(target), "--type", "pattern")
    assert not target.exists()


def test_an_export_changes_nothing(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """No access is counted, and an older base is not migrated."""
    before = rows(base)
    told(cli, "export", str(tmp_path / "a.rekall.zip"))
    assert rows(base) == before
    wipe(base)
    databases.unpack("v05.db", base.parent).rename(base)
    base.chmod(0o600)
    assert "Exported 42 entries" in told(cli, "export", str(tmp_path / "b.rekall.zip"))[0]
    assert raw.user_version(base) == 5
    assert not (base.parent / "backups").exists()


def test_where_it_cannot_be_written(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """A folder, and a folder that is not there; what was there before stays."""
    for form in ("rekall", "json", "md"):
        assert "is a folder" in cli.fails("export", str(tmp_path), "-f", form)
        assert "not written" in cli.fails("export", str(tmp_path / "no" / "a"), "-f", form)
        assert "not written" in cli.fails("export", str(tmp_path / ("a" * 300)), "-f", form)


def test_a_database_is_not_written_over(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """Neither the base itself, by whatever name, nor another one."""
    before = rows(base)
    other = databases.unpack("v05.db", tmp_path)
    link = tmp_path / "link.json"
    link.symlink_to(base)
    content = other.read_bytes()
    for target in (base, link, other):
        for form in ("rekall", "json", "md"):
            assert "is a database" in cli.fails("export", str(target), "-f", form)
    assert rows(base) == before
    assert other.read_bytes() == content


def test_links_in_a_circle(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """An export takes their place, for they lead to no file; a folder that is one cannot be written."""
    for form in ("rekall", "json", "md"):
        link = tmp_path / f"a.{form}"
        link.symlink_to(link)
        assert "cannot be read" in cli.fails("import", str(link), "--yes")
        assert "not written" in cli.fails("export", str(link / "a"), "-f", form)
        assert "Exported 42 entries" in told(cli, "export", str(link), "-f", form)[0]
        assert link.is_file()


def test_an_empty_part_is_not_written(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """Where no entry passes the filter the file stays as it was, whatever else the base holds."""
    target = tmp_path / "a.json"
    target.write_text("mine")
    for form in ("rekall", "json", "md"):
        assert "No entry passes" in cli.ok("export", str(target), "--project", "none of mine", "-f", form)
    assert target.read_text() == "mine"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_stdout_that_takes_no_more(base: Path) -> None:
    """One line says what has no room."""
    with Path("/dev/full").open("wb") as full:
        for form in ("rekall", "json", "md"):
            command = [sys.executable, "-m", "rekall", "export", "-", "--format", form]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
            assert done.returncode == 1
            assert "stdout was not written (No space left" in one_error_line(done.stderr.decode())


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that can be opened and not read")
def test_a_fault_of_the_disk_names_the_file(cli: CommandLine) -> None:
    """Whatever it is taken for."""
    for options in ([], *(["--format", form] for form in ("rekall", "json", "md", "notes", "memory"))):
        assert "/proc/self/mem: cannot be read" in cli.fails("import", "/proc/self/mem", *options)


def test_no_name_is_no_folder(cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty name does not stand for the folder one is in; one that is too long is refused by name."""
    (tmp_path / "note.md").write_text("# Note")
    monkeypatch.chdir(tmp_path)
    assert "the name of the file is empty" in cli.fails("import", "", "--yes")
    assert "cannot be read" in cli.fails("import", "a" * 300, "--yes")


def test_through_pipes(base: Path, tmp_path: Path) -> None:
    """- is stdout and stdin, for every form that can be read again."""
    before = rows(base)
    for form in ("rekall", "json"):
        written = run_program("export", "-", "--format", form, "--embeddings")
        assert written.returncode == 0
        wipe(base)
        refused = run_program("import", "-", stdin=written.stdout)
        assert refused.returncode == 1
        assert "give --yes" in one_error_line(refused.stderr.decode())
        done = run_program("import", "-", "--yes", stdin=written.stdout)
        assert (done.returncode, done.stderr) == (0, b"")
        assert rows(base) == before


@pytest.mark.fault(18)
def test_a_document_in_the_terminal_has_no_bar_in_it(base: Path, tmp_path: Path) -> None:
    """Where stdout is the terminal nothing is drawn over it, however long it takes; a file has its bar."""
    program = "from rekall.cli import progress\nprogress.PATIENCE = 0\nfrom rekall.cli import app\napp()"
    status, seen = run_in_terminal(["export", str(tmp_path / "a.json")], program=program)
    assert (status, "Exporting" in seen) == (0, True)
    for form in ("json", "md"):
        status, seen = run_in_terminal(["export", "-", "--format", form], program=program)
        assert (status, "Exporting" in seen) == (0, False)


def test_a_preview_writes_and_counts_nothing(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """Not one byte of a row; a wrong strategy is refused all the same; a missing base stays missing."""
    target = str(tmp_path / "a.rekall.zip")
    told(cli, "export", target)
    before = rows(base)
    assert "identical  42" in cli.ok("import", target, "--dry-run")
    assert rows(base) == before
    assert "use one of skip, replace, merge" in cli.fails("import", target, "--dry-run", "-s", "sikp")
    wipe(base)
    planned = cli.json("import", target, "--dry-run")
    assert planned["entries"] == {"total": 42, "new": 42, "conflicts": 0, "identical": 0}
    assert planned["result"] is None
    assert not base.exists()
    databases.unpack("v03.db", base.parent).rename(base)
    base.chmod(0o600)
    assert "identical  42" in cli.ok("import", target, "--dry-run")
    assert raw.user_version(base) == 3


@pytest.mark.fault(38)
def test_titles_are_not_markup(cli: CommandLine, tmp_path: Path) -> None:
    """A title with [/etc/hosts] is shown and imported as it is."""
    cli.ok("init")
    entry_id = cli.add("Edit [/etc/hosts] and [bold]")
    told(cli, "export", str(tmp_path / "a.json"))
    wipe(get_config().db_path)
    status, shown = run_in_terminal(["import", str(tmp_path / "a.json")], [("Import this?", "y\r")])
    assert status == 0
    assert f"{entry_id}  Edit [/etc/hosts] and [bold]" in shown
    assert cli.json("show", entry_id)["title"] == "Edit [/etc/hosts] and [bold]"


def test_a_person_is_asked(base: Path, tmp_path: Path) -> None:
    """No is nothing imported; without a person, --yes is needed."""
    target = str(tmp_path / "a.json")
    assert run_program("export", target).returncode == 0
    wipe(base)
    status, shown = run_in_terminal(["import", target], [("Import this?", "n\r")])
    assert status == 1
    assert "nothing was imported" in shown
    assert not base.exists()
    assert "give --yes" in one_error_line(run_program("import", target).stderr.decode())


def differing(cli: CommandLine, tmp_path: Path) -> tuple[str, str]:
    """An exported entry that was changed since: its id, and the file."""
    cli.ok("init")
    entry_id = cli.add("Theirs", "--tags", "one,two")
    cli.add("Other")
    target = str(tmp_path / "a.rekall.zip")
    told(cli, "export", target)
    cli.ok("edit", entry_id, "--title", "Mine")
    return entry_id, target


def test_skip_leaves_mine(cli: CommandLine, tmp_path: Path) -> None:
    """And says what differs."""
    entry_id, target = differing(cli, tmp_path)
    shown = cli.ok("import", target, "--yes")
    assert f"{entry_id}  Mine (title)" in shown
    assert "2 left as they are" in shown
    assert cli.json("show", entry_id)["title"] == "Mine"


@pytest.mark.fault(17)
@pytest.mark.parametrize("options", [[], ["--no-backup"]], ids=["backup", "no backup"])
def test_replace_takes_theirs(cli: CommandLine, tmp_path: Path, options: list[str]) -> None:
    """Behind an archive of the base as it was, which is made only then, and not with --no-backup."""
    entry_id, target = differing(cli, tmp_path)
    folder = get_config().db_path.parent / "backups"
    report = cli.json("import", target, "--yes", "--strategy", "replace", *options)
    assert report["conflicts"] == [{"id": entry_id, "title": "Mine", "fields_changed": ["title"]}]
    assert (report["result"]["replaced"], report["result"]["skipped"]) == (1, 1)
    assert cli.json("show", entry_id)["title"] == "Theirs"
    saved = sorted(folder.glob("pre-import-*.rekall.zip")) if folder.exists() else []
    assert [str(path) for path in saved] == ([] if options else [report["result"]["backup"]])
    for path in saved:
        assert "differ     1" in cli.ok("import", str(path), "--dry-run")
    again = cli.json("import", target, "--yes", "--strategy", "replace")
    assert again["result"]["backup"] is None


def test_merge_keeps_both(cli: CommandLine, tmp_path: Path) -> None:
    """Theirs gets a new id."""
    entry_id, target = differing(cli, tmp_path)
    assert cli.json("import", target, "--yes", "-s", "merge")["result"]["merged"] == 1
    titles = {entry["title"]: entry["id"] for entry in cli.json("browse")["results"]}
    assert set(titles) == {"Mine", "Theirs", "Other"}
    assert titles["Mine"] == entry_id
    assert cli.json("show", titles["Theirs"])["tags"] == ["one", "two"]


def test_archives_and_json_of_0_3(cli: CommandLine, tmp_path: Path) -> None:
    """Both samples come in whole, a second time nothing does."""
    for name in ("sample.rekall.zip", "sample.json"):
        (tmp_path / name).write_bytes(sample(name))
        planned: dict[str, Any] = cli.json("import", str(tmp_path / name), "--dry-run")
        assert planned["entries"] == {"total": 39, "new": 39, "conflicts": 0, "identical": 0}
    assert cli.json("import", str(tmp_path / "sample.rekall.zip"), "--yes")["result"]["added"] == 39
    assert cli.json("import", str(tmp_path / "sample.json"), "--yes")["result"]["skipped"] == 39


@pytest.mark.fault(53)
def test_limits_are_raised_by_a_flag(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """The refusal says which, and with it the import works."""
    target = str(tmp_path / "a.rekall.zip")
    told(cli, "export", target)
    refusal = cli.fails("import", target, "--limit", "entries=10", "--dry-run")
    assert "--limit entries=" in refusal
    assert "identical  42" in cli.ok("import", target, "--dry-run", "--limit", "entries=10", "--limit", "entries=1k")
    assert "no limit is called" in cli.fails("import", target, "--limit", "weight=3")
    assert "whole number" in cli.fails("import", target, "--limit", "size=big")
    for setting in ("size=" + 5000 * "9", "size=\x1b[31m", "\x1b[31m=5"):
        line = cli.fails("import", target, "--limit", setting)
        assert line.isprintable()
        assert len(line) < 250


def test_a_limit_met_on_the_way_is_raised_by_enough() -> None:
    """A JSON file does not say how many entries it holds: what the refusal names is more than was counted so far."""
    for name, value, enough in (
        ("entries", 1_000_001, 2_000_000),
        ("text", 16_777_217, 20_000_000),
        ("records", 90_000_001, 100_000_000),
        ("entries", 3, 3),
        ("size", 1_073_741_825, 1_073_741_825),
    ):
        with pytest.raises(ImportRefusedError, match=f"--limit {name}={enough}$"):
            Limits(**{name: value - 1}).check(name, value, "all.json")


@pytest.mark.fault(53)
def test_hostile_archives_are_refused(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """Each with one line, and nothing is written."""
    before = rows(base)
    number = 0
    for name, path in hostile_archives(tmp_path):
        line = cli.fails("import", str(path), "--yes", "--strategy", "replace")
        assert len(line) < 500, name
        number += 1
    assert number >= 50
    assert rows(base) == before
    assert not (base.parent / "backups").exists()


@pytest.mark.parametrize("make", ["missing", "pipe", "device", "database", "text", "empty"])
def test_what_cannot_be_imported(cli: CommandLine, base: Path, tmp_path: Path, make: str) -> None:
    """One line that names the file, and no waiting."""
    target = tmp_path / "thing"
    if make == "pipe":
        os.mkfifo(target)
    elif make == "device":
        target = Path("/dev/zero")
    elif make == "database":
        target = base
    elif make == "text":
        target.write_text("just words\n")
    elif make == "empty":
        target.touch()
    assert target.name in cli.fails("import", str(target), "--yes")


def test_our_archives_are_archives_for_0_3(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """The two members that it reads are what it wrote itself, but for the version and the time."""
    told(cli, "export", str(tmp_path / "a.rekall.zip"))
    (tmp_path / "sample.rekall.zip").write_bytes(sample("sample.rekall.zip"))
    with zipfile.ZipFile(tmp_path / "a.rekall.zip") as ours, zipfile.ZipFile(tmp_path / "sample.rekall.zip") as theirs:
        assert ours.namelist()[:2] == theirs.namelist()
        assert ours.read("entries.json") == theirs.read("entries.json")
        manifests = [json.loads(archive.read("manifest.json")) for archive in (ours, theirs)]
        for manifest in manifests:
            del manifest["rekall_version"], manifest["created_at"]
        assert manifests[0] == manifests[1]


def test_a_context_of_other_kinds_hurts_nobody(cli: CommandLine, base: Path, tmp_path: Path) -> None:
    """It comes as it is, goes out again, and is passed over by whoever shows contexts."""
    told(cli, "export", str(tmp_path / "a.json"))
    entries = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    entry = next(entry for entry in entries if "context" in entry["more"])
    entry["more"]["context"]["files_modified"] = [True, {}]
    (tmp_path / "a.json").write_text(json.dumps(entries), encoding="utf-8")
    wipe(base)
    cli.ok("import", str(tmp_path / "a.json"), "--yes")
    assert entry["title"] in cli.ok("show", entry["id"])
    assert "Exported 42 entries" in told(cli, "export", str(tmp_path / "a.md"))[0]
    told(cli, "export", str(tmp_path / "b.json"))
    again = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert next(each for each in again if each["id"] == entry["id"])["more"]["context"] == entry["more"]["context"]
