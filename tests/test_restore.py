"""Restoring: whole or not at all, over a base that others have open, and nothing of what was there is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support import databases, raw
from support.backups import Writers, as_nobody, damage, files, held, new_base, public_folder, titles

from rekall.backup import create_backup, get_database_stats, restore, restore_backup, validate_backup
from rekall.db import Database
from rekall.errors import (
    BackupError,
    CannotOpenError,
    DatabaseBusyError,
    InvalidBackupError,
    MissingFileError,
    NotARekallError,
    RekallError,
)
from rekall.models import Entry
from rekall.store import sqlite_files

posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A base with three entries."""
    return new_base(tmp_path / "home" / "knowledge.db", "one", "three", "two")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A backup of another base, with one entry."""
    return create_backup(new_base(tmp_path / "saved" / "knowledge.db", "saved"), tmp_path / "saved.db").path


def with_log(file: Path, title: str) -> Path:
    """A file whose newest entry is in the log beside it, as when its folder was copied while it was in use."""
    with Database(file) as base:
        base.add(Entry(id=title, title=title, type="bug"))
        for name in (file.name, f"{file.name}-wal"):
            shutil.copy(file.with_name(name), file.with_name(f"copied-{name}"))
    return file.with_name(f"copied-{file.name}")


# what is kept


def test_what_is_replaced_is_kept(path: Path, saved: Path) -> None:
    """As a checked copy, of its owner's own, with a name that says what it is."""
    before = held(path)
    done, kept = restore_backup(saved, path)
    assert done is True
    assert kept is not None
    assert (kept.kind, kept.path.parent) == ("pre-restore", path.parent / "backups")
    assert kept.path.name.endswith("_pre-restore.db")
    assert held(kept.path) == before
    assert held(path) == held(saved)
    assert [stat.S_IMODE(file.stat().st_mode) for file in (path, kept.path)] == [0o600, 0o600]
    assert restore(kept.path, path).kept_problem == ""
    assert held(path) == before


@pytest.mark.parametrize("last", [True, False])
def test_when_telling_of_the_progress_fails(last: bool, path: Path, saved: Path) -> None:
    """Before the commit nothing is changed and nothing left; after it, what was replaced stays."""
    before, left = held(path), []

    def tell(done: int, total: int) -> None:
        left.append(total - done)
        # the new content is written in two steps: all pages but one, then the last one
        if total and left[-1] == (0 if last else 1) and (not last or 1 in left):
            raise BrokenPipeError

    with pytest.raises(BackupError):
        restore(saved, path, on_progress=tell)
    assert held(path) == (held(saved) if last else before)
    assert [held(file) for file in (path.parent / "backups").glob("*.db")] == ([before] if last else [])


def test_nothing_is_kept_on_request(path: Path, saved: Path) -> None:
    """And where there was nothing."""
    assert restore_backup(saved, path, create_safety_backup=False) == (True, None)
    assert files(path.parent) == ["knowledge.db"]
    new = path.with_name("new.db")
    new.touch()
    for target in (new, path.parent / "deep" / "new.db"):
        assert restore_backup(saved, target) == (True, None)
        assert titles(target) == ["saved"]
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE((path.parent / "deep").stat().st_mode) == 0o700
    assert files(path.parent) == ["deep", "deep/new.db", "knowledge.db", "new.db"]


@posix
def test_a_file_open_to_others_is_closed_to_them(path: Path, saved: Path) -> None:
    """0.3 wrote with the mode of any new file."""
    path.chmod(0o644)
    saved.chmod(0o644)
    restore(saved, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_base_is_kept_as_it_is(path: Path, saved: Path) -> None:
    """Page by page, when SQLite can still open it; the damage is told."""
    damage(path, "links")
    before = path.read_bytes()
    done = restore(saved, path)
    assert done.kept is not None
    assert done.kept_problem
    assert "\n" not in done.kept_problem
    ((size,),) = raw.rows(path, "PRAGMA page_size")
    assert done.kept.read_bytes()[size:] == before[size:]
    assert held(path) == held(saved)
    assert not validate_backup(done.kept)


def _text(file: Path) -> None:
    file.write_bytes(b"These are notes. " * 100)


def _short(file: Path) -> None:
    file.write_bytes(b"notes")


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _first_page(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(100)
        opened.write(b"\xa5" * 3996)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("spoil", [_text, _short, _cut, _first_page])
def test_what_sqlite_cannot_read_is_kept_in_any_case(
    spoil: Callable[[Path], None], keep: bool, path: Path, saved: Path
) -> None:
    """Under another name, with its log: the new file must not read that."""
    spoil(path)
    content = path.read_bytes()
    path.with_name("knowledge.db-wal").write_bytes(b"log")
    path.with_name("knowledge.db-shm").write_bytes(b"index")
    done = restore(saved, path, keep=keep)
    assert done.kept is not None
    assert done.kept_problem
    assert done.kept.read_bytes() == content
    assert done.kept.with_name(done.kept.name + "-wal").read_bytes() == b"log"
    assert held(path) == held(saved)
    assert files(path.parent) == [f"backups/{done.kept.name}", f"backups/{done.kept.name}-wal", "knowledge.db"]


def test_a_log_without_its_base_is_set_aside(path: Path, saved: Path) -> None:
    """SQLite would apply it to whatever file comes into that place."""
    copied = with_log(path, "logged")
    log = copied.with_name(f"{copied.name}-wal")
    path.unlink()
    log.rename(path.with_name("knowledge.db-wal"))
    copied.unlink()
    assert restore(saved, path).kept is None
    assert held(path) == held(saved)
    (aside,) = (path.parent / "backups").glob("*-wal")
    assert aside.name.endswith("_pre-restore.db-wal")


# while others have it open


@pytest.mark.fault(24)
def test_a_restore_while_four_processes_write(tmp_path: Path) -> None:
    """They go on without an error; each write that was acknowledged is in the base or in what was kept of it."""
    path = tmp_path / "knowledge.db"
    saved = new_base(tmp_path / "saved" / "knowledge.db", *(f"saved {number}" for number in range(50)))
    writers = Writers(path, tmp_path, link=False)
    kept = []
    for _ in range(3):
        writers.wait_for(3)
        done = restore(saved, path)
        assert done.kept is not None
        kept.append(done.kept)
    writers.wait_for(3)
    acknowledged = writers.stop()
    there: set[str] = set()
    for file in (path, *kept):
        assert raw.rows(file, "PRAGMA integrity_check") == [("ok",)]
        there |= {entry_id for (entry_id,) in raw.rows(file, "SELECT id FROM entries")}
    assert acknowledged <= there
    assert {f"saved {number}" for number in range(50)} <= set(titles(path))
    with Database(path) as base:
        assert base.maintenance.full_text_health().is_sound
        assert base.maintenance.derived_problems() == []


@pytest.mark.fault(24)
@pytest.mark.parametrize("log", ["wal", "delete"])
def test_whoever_has_it_open_sees_the_new_content(log: str, path: Path, saved: Path) -> None:
    """With their statements, their search and their writes; a read that has begun ends as it began."""
    raw.rows(path, f"PRAGMA journal_mode = {log}")
    with Database(path) as base, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        assert [hit.entry.id for hit in base.search("one")] == ["one"]
        if log == "wal":
            reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM entries").fetchone() == (3,)
        restore(saved, path)
        if log == "wal":
            assert reader.execute("SELECT count(*) FROM entries").fetchone() == (3,)
            reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM entries").fetchone() == (1,)
        assert base.search("one") == []
        assert [hit.entry.id for hit in base.search("saved")] == ["saved"]
        base.add(Entry(id="later", title="later", type="bug"))
        assert [hit.entry.id for hit in base.search("later")] == ["later"]
    assert titles(path) == ["later", "saved"]


def test_a_base_that_stays_locked(path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says so; nothing is changed and nothing left."""
    monkeypatch.setattr(sqlite_files, "TIMEOUT", 0.1)
    before = held(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusyError, match=r"nothing was restored: .* is locked by another process"):
            restore(saved, path)
        other.execute("ROLLBACK")
    assert held(path) == before
    assert files(path.parent) == ["knowledge.db"]
    restore(saved, path)
    assert titles(path) == ["saved"]


def test_an_older_schema_under_an_open_base(path: Path, tmp_path: Path) -> None:
    """It is restored as it is, and migrated behind a backup when it is opened next."""
    old = databases.unpack("v06.db", tmp_path)
    with Database(path):
        assert restore(old, path).state.version == 6
        assert held(path) == held(old)
    with Database(path) as base:
        assert base.get_schema_version() == 12
        assert base.backup_made is not None
        assert held(base.backup_made) == held(old)


# whatever the files are like


@pytest.mark.parametrize("size", [512, 1024, 8192, 65536])
@pytest.mark.parametrize("log", ["wal", "delete"])
def test_pages_of_another_size(size: int, log: str, path: Path, tmp_path: Path) -> None:
    """A base with a log cannot change the size of its pages: the content comes all the same."""
    other = new_base(tmp_path / "other.db", *(f"entry {number}" for number in range(40)))
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA page_size = {size}")
        connection.execute("VACUUM")
        connection.execute(f"PRAGMA journal_mode = {log}")
    assert raw.rows(other, "PRAGMA page_size") == [(size,)]
    before = held(other)
    with Database(path) as base:
        restore(other, path)
        assert held(path) == before
        assert len(base.search("entry", limit=-1)) == 40
    assert [name for name in files(path.parent) if "partial" in name] == []
    restore(other, tmp_path / "new" / "knowledge.db")
    assert held(tmp_path / "new" / "knowledge.db") == before


def test_a_backup_with_a_log_beside_it(path: Path, tmp_path: Path) -> None:
    """What the log holds belongs to it; neither of the two files is written."""
    copied = with_log(new_base(tmp_path / "source" / "source.db", "first"), "logged")
    log = copied.with_name(f"{copied.name}-wal")
    before = copied.read_bytes(), log.read_bytes()
    restore(copied, path)
    assert titles(path) == ["first", "logged"]
    assert (copied.read_bytes(), log.read_bytes()) == before


def test_another_base_in_use_as_backup(path: Path, tmp_path: Path) -> None:
    """One state of it."""
    other = new_base(tmp_path / "other.db", "first")
    with Database(other) as base:
        base.add(Entry(id="second", title="second", type="bug"))
        restore(other, path)
        base.add(Entry(id="third", title="third", type="bug"))
    assert titles(path) == ["first", "second"]
    assert titles(other) == ["first", "second", "third"]


@posix
def test_a_backup_that_cannot_be_written(tmp_path: Path) -> None:
    """Read-only file in a read-only folder, made by 0.3 (which left the mark of a log in it), or with a log."""
    with public_folder() as public:
        folder, home = public / "closed", public / "home"
        folder.mkdir()
        home.mkdir()
        home.chmod(0o777)
        source = new_base(tmp_path / "source.db", "saved")
        assert raw.rows(source, "PRAGMA journal_mode") == [("wal",)]
        shutil.copy(source, folder / "backup.db")
        copied = with_log(source, "logged")
        shutil.copy(copied, folder / "logged.db")
        shutil.copy(f"{copied}-wal", folder / "logged.db-wal")
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        before = {file: file.read_bytes() for file in folder.iterdir()}
        base = home / "knowledge.db"
        told = as_nobody(tmp_path, f"restore|{folder / 'backup.db'}|{base}", f"restore|{folder / 'logged.db'}|{base}")
        assert told[0] == "12"
        assert told[1].startswith(f"refused: nothing was restored: {folder / 'logged.db'} cannot be read")
        assert "log beside it" in told[1]
        assert {file: file.read_bytes() for file in folder.iterdir()} == before
        assert titles(base) == ["saved"]


@posix
def test_links_to_the_backup_and_to_the_base(path: Path, saved: Path, tmp_path: Path) -> None:
    """Both are followed: the links stay, and what they name is read and replaced, however broken it is."""
    to_saved, to_base = tmp_path / "to-saved.db", tmp_path / "linked" / "knowledge.db"
    to_base.parent.mkdir()
    to_saved.symlink_to(saved)
    to_base.symlink_to(path)
    for spoil in (lambda _: None, _text):
        spoil(path)
        restore(to_saved, to_base)
        assert to_base.is_symlink()
        assert held(path) == held(saved)
    with pytest.raises(BackupError, match="the base itself"):
        restore(to_base, path)


# refusals


@pytest.mark.fault(24)
def test_what_is_no_whole_base_is_refused(path: Path, tmp_path: Path) -> None:
    """One line for each, nothing changed, nothing left; the errors are also those that callers of 0.3 caught."""
    folder = tmp_path / "wrong"
    folder.mkdir()
    sound = new_base(folder / "sound.db", *(f"entry {number}" for number in range(200)))
    made = {
        name: folder / f"{name}.db" for name in ("one-table", "text", "short", "empty", "cut", "page", "newer", "hurt")
    }
    raw.write(made["one-table"], "CREATE TABLE entries (id TEXT)")
    _text(made["text"])
    _short(made["short"])
    made["empty"].touch()
    for name in ("cut", "page", "newer", "hurt"):
        shutil.copy(sound, made[name])
    _cut(made["cut"])
    os.truncate(made["page"], sound.stat().st_size - 4096)
    raw.write(made["newer"], "PRAGMA user_version = 13")
    damage(made["hurt"], "idx_entries_status")
    before, contents = held(path), {name: file.read_bytes() for name, file in made.items()}
    for name, word in (
        ("one-table", "another program"),
        ("text", "no whole SQLite database"),
        ("short", "no whole SQLite database"),
        ("empty", "is empty"),
        ("cut", "no whole SQLite database|damaged"),
        ("page", "no whole SQLite database|damaged"),
        ("newer", "written by a newer Rekall"),
        ("hurt", "damaged"),
    ):
        assert not validate_backup(made[name]), name
        with pytest.raises(InvalidBackupError, match=f"Invalid backup file: .*({word})") as refused:
            restore(made[name], path)
        assert isinstance(refused.value, (ValueError, RekallError))
        assert "\n" not in str(refused.value)
    for missing, error in ((folder / "missing.db", MissingFileError), (folder, CannotOpenError)):
        assert not validate_backup(missing)
        with pytest.raises(error):
            restore(missing, path)
    with pytest.raises(FileNotFoundError, match="Backup file not found"):
        restore(folder / "missing.db", path)
    with pytest.raises(BackupError, match="the base itself"):
        restore(path, path)
    assert validate_backup(sound)
    assert held(path) == before
    assert files(path.parent) == ["knowledge.db"]
    assert {name: file.read_bytes() for name, file in made.items()} == contents
    assert files(folder) == sorted(f"{name}.db" for name in (*made, "sound"))


def test_what_must_not_be_replaced(saved: Path, tmp_path: Path) -> None:
    """A database of another program, and a directory; a base of a newer Rekall may be given up, and is kept."""
    other, newer = tmp_path / "other.db", new_base(tmp_path / "home" / "newer.db", "one")
    raw.write(other, "CREATE TABLE bookmarks (url TEXT)")
    before = other.read_bytes()
    with pytest.raises(NotARekallError, match="another program"):
        restore(saved, other)
    assert other.read_bytes() == before
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(CannotOpenError, match="is a directory"):
        restore(saved, tmp_path / "folder.db")
    raw.write(newer, "PRAGMA user_version = 13")
    kept = restore(saved, newer).kept
    assert kept is not None
    assert (raw.user_version(kept), raw.user_version(newer)) == (13, 12)
    stats = get_database_stats(newer)
    assert stats is not None
    assert stats.is_current
