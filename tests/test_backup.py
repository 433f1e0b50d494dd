"""Backups: whole and checked copies, whatever others do meanwhile; and what a restore accepts, keeps and leaves."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest
from support import databases, processes, raw
from support.backends import ConnectionPerCall
from support.backups import Writers, as_nobody, damage, files, held, new_base, public_folder, sound, titles

from rekall.backup import (
    CURRENT_SCHEMA_VERSION,
    BackupInfo,
    DatabaseStats,
    create_backup,
    find_backup,
    get_database_stats,
    get_default_backups_dir,
    list_backups,
    restore,
    rotate,
)
from rekall.db import Database
from rekall.errors import (
    BackupError,
    DatabaseError,
    MissingFileError,
    NotARekallError,
    NotSupportedError,
    RekallError,
)
from rekall.infra import DatabaseBackend
from rekall.models import Entry
from rekall.store import sqlite_files

posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A base with three entries."""
    return new_base(tmp_path / "home" / "knowledge.db", "one", "three", "two")


# backup


@pytest.mark.parametrize("name", databases.NAMES)
def test_every_schema_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    """Backed up without being migrated or touched, restored over another base and where there is none."""
    original = databases.unpack(name, tmp_path)
    before, content = held(original), original.read_bytes()
    made = create_backup(original)
    assert original.read_bytes() == content
    assert files(tmp_path) == sorted([name, f"backups/{made.path.name}"])
    assert held(made.path) == before
    over = new_base(tmp_path / "other" / "knowledge.db", "replaced")
    missing = tmp_path / "new" / "deep" / "knowledge.db"
    for target in (over, missing):
        assert restore(made.path, target).state.version == before[0]
        assert held(target) == before
        with Database(target) as base:
            assert base.get_schema_version() == CURRENT_SCHEMA_VERSION
            assert len(base.list_all(include_obsolete=True, limit=-1)) == 42
    assert held(made.path) == before


@posix
@pytest.mark.fault(25)
def test_a_backup_is_private_and_beside_the_base(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Called by the time, in a folder of its owner's own; the home directory gets no .rekall."""
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    before = os.umask(0)
    try:
        made = create_backup(path)
    finally:
        os.umask(before)
    assert made.path.parent == path.parent / "backups"
    assert datetime.strptime(made.path.name, "knowledge_%Y-%m-%d_%H%M%S.db")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert not (tmp_path / "user").exists()
    status = made.path.stat()
    assert (made.size, made.timestamp) == (status.st_size, datetime.fromtimestamp(status.st_mtime))
    assert (made.db_name, made.kind) == ("knowledge.db", "backup")


def test_backups_of_one_second_do_not_meet(path: Path) -> None:
    """Each has a name of its own."""
    made = [create_backup(path).path for _ in range(5)]
    assert len(set(made)) == 5
    assert files(path.parent / "backups") == sorted(file.name for file in made)
    assert {BackupInfo(file, datetime.now(), 0).kind for file in made} == {"backup"}


def test_what_the_log_holds_is_in_the_copy(path: Path) -> None:
    """A base in use has its newest writes beside the file, and a copy is one file that needs no other."""
    with Database(path) as base:
        base.add(Entry(id="four", title="four", type="bug"))
        assert path.with_name("knowledge.db-wal").stat().st_size > 0
        made = create_backup(path)
    assert titles(made.path) == ["four", "one", "three", "two"]
    assert raw.rows(made.path, "PRAGMA journal_mode") == [("delete",)]


@pytest.mark.fault(24)
def test_nothing_is_overwritten(path: Path, tmp_path: Path) -> None:
    """An output that is there, whatever it is, a folder, the base itself or its log: refused, and as before."""
    taken, link = tmp_path / "taken.db", tmp_path / "link.db"
    taken.write_bytes(b"mine")
    link.symlink_to(tmp_path / "nowhere.db")
    before = files(tmp_path)
    for output, word in (
        (taken, "exists already"),
        (link, "exists already"),
        (tmp_path, "is a directory"),
        (path, "the base itself"),
        (path.with_name("knowledge.db-wal"), "a name that SQLite uses"),
        (tmp_path / "missing" / "a.db", "is not there"),
        (taken / "a.db", "is not there"),
    ):
        with pytest.raises(BackupError, match=word) as refused:
            create_backup(path, output)
        assert "\n" not in str(refused.value)
    assert files(tmp_path) == before
    assert taken.read_bytes() == b"mine"


def test_an_output_appears_under_its_name_only_when_it_is_whole(path: Path, tmp_path: Path) -> None:
    """While it is copied and checked there is another file; somebody else's file of that name stays."""
    output = tmp_path / "out" / "copy.db"
    output.parent.mkdir()
    seen: list[bool] = []
    assert create_backup(path, output, on_progress=lambda *_: seen.append(output.exists())).path == output
    assert seen
    assert not any(seen)
    assert files(output.parent) == ["copy.db"]
    assert not (path.parent / "backups").exists()
    late = output.with_name("late.db")

    def come_first(done: int, total: int) -> None:
        late.write_bytes(b"theirs")

    with pytest.raises(BackupError, match=r"late\.db exists already"):
        create_backup(path, late, on_progress=come_first)
    assert late.read_bytes() == b"theirs"
    assert files(output.parent) == ["copy.db", "late.db"]


def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system where a file has one name, as those of memory sticks."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_a_file_system_without_hard_links(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same promises: whole under its name, nothing overwritten, what SQLite cannot read is kept."""
    no_links(monkeypatch)
    made = [create_backup(path).path for _ in range(3)]
    assert len(set(made)) == 3
    assert files(path.parent) == ["backups/" + name for name in sorted(file.name for file in made)] + ["knowledge.db"]
    path.write_bytes(b"These are notes. " * 100)
    kept = restore(made[0], path).kept
    assert kept is not None
    assert kept.read_bytes() == b"These are notes. " * 100
    assert held(path) == held(made[0])
    restore(made[0], tmp_path / "new.db")
    assert held(tmp_path / "new.db") == held(made[0])


def test_there_is_no_backup_of_what_is_no_sound_base(path: Path, tmp_path: Path) -> None:
    """Missing, empty, damaged, of another program, newer, no database: each one told, nothing left behind."""
    folder = tmp_path / "wrong"
    folder.mkdir()
    made = {name: folder / f"{name}.db" for name in ("empty", "text", "short", "other", "newer", "cut")}
    made["empty"].touch()
    made["text"].write_bytes(b"These are notes. " * 100)
    made["short"].write_bytes(b"notes")
    raw.write(made["other"], "CREATE TABLE t (a)")
    for name in ("newer", "cut"):
        shutil.copy(path, made[name])
    raw.write(made["newer"], "PRAGMA user_version = 99")
    os.truncate(made["cut"], path.stat().st_size // 2)
    shutil.copy(path, folder / "hurt.db")
    damage(folder / "hurt.db", "links")
    before = {file: file.read_bytes() for file in folder.iterdir()}
    for name, error, word in (
        ("missing", MissingFileError, "Database not found"),
        ("empty", BackupError, "is empty"),
        ("text", DatabaseError, "not a SQLite database"),
        ("short", DatabaseError, "not a SQLite database"),
        ("other", NotARekallError, "another program"),
        ("newer", RuntimeError, "newer Rekall"),
        ("cut", DatabaseError, "damaged"),
        ("hurt", RuntimeError, "Backup validation failed"),
    ):
        with pytest.raises(error, match=word) as refused:
            create_backup(folder / f"{name}.db")
        assert isinstance(refused.value, RekallError)
        assert "\n" not in str(refused.value)
        assert get_database_stats(folder / f"{name}.db") is None or name in ("newer", "hurt")
    assert {file: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before
    assert [name for name in files(folder) if name.startswith("backups/")] == []
    with pytest.raises(FileNotFoundError):
        create_backup(folder / "missing.db")


@posix
def test_a_folder_that_cannot_be_written(path: Path, tmp_path: Path) -> None:
    """Neither of its two commands leaves anything there; the base is copied to another folder all the same."""
    with public_folder() as public:
        folder, free = public / "closed", public / "free"
        folder.mkdir()
        free.mkdir()
        free.chmod(0o777)
        base, out = folder / "knowledge.db", free / "copy.db"
        shutil.copy(path, base)
        base.chmod(0o644)
        folder.chmod(0o555)
        (free / "secret.db").touch(mode=0o600)
        steps = [f"backup|{base}", f"backup|{base}|{out}", f"restore|{out}|{base}", f"backup|{base}|{folder / 'x.db'}"]
        steps += [f"backup|{free / 'secret.db'}", f"restore|{free / 'secret.db'}|{base}"]
        told = as_nobody(tmp_path, *steps)
        assert told[0] == f"refused: no backup was made: {folder / 'backups'}: Permission denied"
        assert told[1] == str(out)
        assert told[2] == f"refused: nothing was restored: {folder / 'backups'}: Permission denied"
        assert told[3] == f"refused: no backup was made: {folder / 'x.db'}: Permission denied"
        assert told[4] == f"refused: {free / 'secret.db'}: permission denied"
        assert told[5] == f"refused: nothing was restored: {free / 'secret.db'}: permission denied"
        assert files(folder) == ["knowledge.db"]
        assert titles(out) == ["one", "three", "two"]


@posix
def test_backups_that_cannot_be_listed(path: Path, tmp_path: Path) -> None:
    """It is not said that there are none."""
    with public_folder() as public:
        folder = public / "backups"
        folder.mkdir()
        (folder / "knowledge_2026-01-02_030405.db").touch()
        base = public / "knowledge.db"
        steps = [f"list|{folder}", f"list|{public / 'missing'}", f"find|knowledge_2026-01-02_030405|{base}"]
        assert as_nobody(tmp_path, *steps)[0] == "['knowledge_2026-01-02_030405.db']"
        folder.chmod(0o700)
        (tmp_path / "again").mkdir()
        told = as_nobody(tmp_path / "again", *steps)
        assert told[0] == f"refused: {folder} cannot be read: Permission denied"
        assert told[1] == "[]"
        assert told[2] == f"refused: {folder} cannot be read: Permission denied"


@posix
def test_no_room(path: Path, tmp_path: Path) -> None:
    """A copy or a base that cannot grow: one line, nothing half done, nothing left."""
    grown = new_base(tmp_path / "big" / "knowledge.db", *(f"entry {number}" for number in range(300)))
    before = held(path)
    code = (
        "import resource, signal, sys; from pathlib import Path; from rekall.backup import create_backup, restore\n"
        "from rekall.errors import RekallError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "big, small = map(Path, sys.argv[1:])\n"
        "for work in (lambda: create_backup(big), lambda: restore(big, small)):\n"
        "    try: print(work())\n"
        "    except RekallError as error: print('refused:', error)"
    )
    told = processes.run(code, grown, path).splitlines()
    assert [line.split(":")[0] for line in told] == ["refused"] * 2
    assert files(grown.parent) == ["knowledge.db"]
    assert [name for name in files(path.parent) if not name.startswith("knowledge.db")] == []
    assert held(path) == before


@pytest.mark.fault(24)
def test_a_backup_while_four_processes_write(tmp_path: Path) -> None:
    """It ends, is consistent, and holds every write acknowledged before it began."""
    path = tmp_path / "knowledge.db"
    writers = Writers(path, tmp_path)
    made = []
    for _ in range(5):
        writers.wait_for(3)
        before = writers.acknowledged()
        made.append((before, create_backup(path).path))
    writers.stop()
    for before, copy in made:
        sound(copy)
        kept = {entry_id for (entry_id,) in raw.rows(copy, "SELECT id FROM entries")}
        assert before <= kept
        # of each process an unbroken beginning, with its tags and, but for the newest, its link
        for worker in range(4):
            own = sorted(entry_id for entry_id in kept if entry_id.startswith(f"W{worker}-"))
            assert own == [f"W{worker}-{number:05}" for number in range(len(own))]
            ((links,),) = raw.rows(copy, "SELECT count(*) FROM links WHERE source_id GLOB ?", f"W{worker}-*")
            assert len(own) - 2 <= links <= len(own) - 1
        assert raw.rows(copy, "SELECT count(*) FROM tags") == [(2 * len(kept),)]
    assert [name for name in files(tmp_path / "backups") if not name.endswith(".db")] == []


def test_backups_made_together(path: Path, tmp_path: Path) -> None:
    """Each process gets a backup of its own; none sweeps away what another is at work on, and a leftover goes."""
    folder = path.parent / "backups"
    folder.mkdir()
    leftovers = [folder / f".rekall-1-2.partial{suffix}" for suffix in ("", "-journal", "-wal")]
    for file in leftovers:
        file.touch()
    code = "from rekall.backup import create_backup\nfor _ in range(4): print(create_backup(Path(sys.argv[2])).path)"
    outputs = processes.run_together(code, [(path,)] * 6, tmp_path / "gate")
    made = [Path(line) for output in outputs for line in output.splitlines()]
    assert len(set(made)) == 24
    assert all(titles(file) == ["one", "three", "two"] for file in made)
    create_backup(path)
    assert len(files(folder)) == 25
    assert set(files(folder)) > {file.name for file in made}


@pytest.mark.parametrize("checking", [False, True])
def test_an_interruption_passes_and_leaves_nothing(checking: bool, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while it copies, and while SQLite checks the copy, which would swallow it."""
    monkeypatch.setattr(sqlite_files, "_CHECK_STEP", 1000)

    def interrupt(done: int, total: int) -> None:
        if (total == 0) is checking:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_backup(path, on_progress=interrupt)
    assert files(path.parent) == ["knowledge.db"]


@posix
def test_ctrl_c_while_sqlite_checks(path: Path) -> None:
    """The signal comes while SQLite works, and Python sees it only when it is asked for the progress."""
    numbers = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT i FROM n"
    raw.rows(path, f"CREATE TABLE numbers AS {numbers}")
    raw.rows(path, "CREATE INDEX by_number ON numbers(i)")
    checking = threading.Event()

    def note(done: int, total: int) -> None:
        if total == 0:
            checking.set()

    def press() -> None:
        checking.wait(30)
        time.sleep(0.002)  # back to SQLite
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        create_backup(path, on_progress=note)
    thread.join()
    assert files(path.parent) == ["knowledge.db"]


def test_progress_counts_pages_and_then_checks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last page; the length of the check is not known."""
    monkeypatch.setattr(sqlite_files, "_CHECK_STEP", 200)
    monkeypatch.setattr(sqlite_files, "_STEP", 32 * 1024)
    ((pages,),) = raw.rows(path, "PRAGMA page_count")
    told: list[tuple[int, int]] = []
    create_backup(path, on_progress=lambda done, total: told.append((done, total)))
    copied, checked = [done for done, total in told if total], [done for done, total in told if not total]
    assert {total for _, total in told} == {pages, 0}
    assert copied == sorted({*range(8, pages, 8), pages})
    assert checked == list(range(1, len(checked) + 1))
    assert len(checked) > 5


# other back ends


def test_a_back_end_of_its_own_makes_the_copy(path: Path, tmp_path: Path) -> None:
    """By the method of the interface; the copy is checked as any other."""
    backend = ConnectionPerCall(path)
    backend.connect()
    made = create_backup(tmp_path / "named" / "anything.db", tmp_path / "copy.db", backend=backend)
    assert held(made.path) == held(path)
    raw.write(path, "PRAGMA user_version = 99")
    with pytest.raises(RekallError, match="newer Rekall"):
        create_backup(path, tmp_path / "newer.db", backend=backend)
    assert not (tmp_path / "newer.db").exists()


class Fileless(ConnectionPerCall):
    """Cannot copy itself."""

    backup = DatabaseBackend.backup


def test_a_back_end_without_a_file(path: Path, tmp_path: Path) -> None:
    """Says so, and nothing is left."""
    backend = Fileless(path)
    backend.connect()
    with pytest.raises(NotSupportedError, match="cannot back up to a file"):
        create_backup(path, tmp_path / "copy.db", backend=backend)
    assert files(tmp_path) == ["home", "home/knowledge.db"]


# listing, rotation, facts


def put(folder: Path, *names: str) -> None:
    """Files of these names, the first one oldest."""
    folder.mkdir(exist_ok=True)
    for place, name in enumerate(names):
        (folder / name).write_bytes(b"x" * place)
        os.utime(folder / name, (1_700_000_000 + place, 1_700_000_000 + place))


NAMES = {
    "knowledge_2026-01-01_000000.db": "backup",
    "knowledge_2026-01-01_000000-2.db": "backup",
    "knowledge_2026-01-01_000000-10.db": "backup",
    "knowledge_2026-02-01_000000.db": "backup",
    "knowledge_2026-01-01_000000_pre-restore.db": "pre-restore",
    "knowledge_2026-01-01_000000_pre-restore-2.db": "pre-restore",
    "knowledge_2026-01-01_000000_schema-6.db": "pre-migration",
    "knowledge_2026-01-01_000000_schema-11-2.db": "pre-migration",
    "knowledge_2026-01-01_000000_contexts.db": "pre-migration",
    "knowledge_by-hand.db": "other",
    "knowledge_2026-01-01.db": "other",
}


def test_the_list_is_newest_first(path: Path) -> None:
    """By the time of the file, as in 0.3, with whatever is called so; a folder that is not there holds nothing."""
    folder = path.parent / "backups"
    assert list_backups(folder) == []
    put(folder, *NAMES, "notes.txt", "other.db")
    found = list_backups(folder)
    assert [info.path.name for info in found] == list(NAMES)[::-1]
    assert {info.path.name: info.kind for info in found} == NAMES
    assert found[-1] == BackupInfo(folder / next(iter(NAMES)), datetime.fromtimestamp(1_700_000_000), 0, "knowledge.db")


def test_the_default_folder_is_that_of_the_configured_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for it makes it, listing does not."""
    monkeypatch.setenv("REKALL_HOME", str(tmp_path / "mine"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    assert list_backups() == []
    assert files(tmp_path) == []
    assert get_default_backups_dir() == tmp_path / "mine" / "backups"
    assert (tmp_path / "mine" / "backups").is_dir()
    assert not (tmp_path / "user").exists()


@pytest.mark.parametrize(("keep", "gone"), [(1, 4), (3, 2), (5, 0), (100, 0)])
def test_rotation_removes_the_oldest_plain_backups(keep: int, gone: int, path: Path) -> None:
    """By the time in their names, whatever a copy of the folder did to the files; no other file ever."""
    folder = path.parent / "backups"
    put(folder, *reversed(NAMES), "notes.txt", "other_2026-01-01_000000.db", "knowledge_2026-01-01_000000.db-wal")
    newest = create_backup(path).path
    before = set(files(folder))
    plain = [name for name, kind in NAMES.items() if kind == "backup"]
    removed = rotate(path, keep, newest)
    assert [file.name for file in removed] == plain[:gone]
    logs = {"knowledge_2026-01-01_000000.db-wal"} if gone else set()
    assert set(files(folder)) == before - set(plain[:gone]) - logs
    assert newest.exists()


def test_rotation_that_could_take_the_wrong_ones(path: Path) -> None:
    """Refused: below 1, and where another base has its backups in the same folder."""
    put(path.parent / "backups", *NAMES)
    newest = create_backup(path).path
    before = files(path.parent)
    with pytest.raises(BackupError, match="give 1 or more"):
        rotate(path, 0, newest)
    (path.parent / "notes.db").write_bytes(b"no base")
    assert rotate(path, 100, newest) == []
    new_base(path.with_name("team.db"), "theirs")
    with pytest.raises(BackupError, match=r"team\.db beside the base .* move it to another"):
        rotate(path, 1, newest)
    assert set(before) <= set(files(path.parent))


def test_a_backup_is_found_by_path_and_by_name(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path comes first; `.db` may be left out."""
    made = create_backup(path).path
    monkeypatch.chdir(tmp_path)
    for name in (str(made), made.name, made.stem):
        assert find_backup(name, path) == made
    shutil.copy(made, tmp_path)
    assert find_backup(made.name, path) == Path(made.name)
    with pytest.raises(MissingFileError, match="Backup file not found: nothing"):
        find_backup("nothing", path)


@pytest.mark.parametrize("name", databases.NAMES)
def test_facts_about_a_file(name: str, tmp_path: Path) -> None:
    """Of every schema, without changing anything."""
    file = databases.unpack(name, tmp_path)
    content = file.read_bytes()
    stats = get_database_stats(file)
    assert stats is not None
    ((total, active),) = raw.rows(file, "SELECT count(*), sum(status = 'active') FROM entries")
    has_links = raw.rows(file, "SELECT 1 FROM sqlite_master WHERE name = 'links'")
    links = raw.rows(file, "SELECT count(*) FROM links")[0][0] if has_links else 0
    assert (stats.total_entries, stats.active_entries, stats.obsolete_entries) == (total, active, total - active)
    assert (stats.links_count, stats.schema_version) == (links, raw.user_version(file))
    assert stats.is_current is (name == "v12.db")
    assert (stats.path, stats.file_size) == (file, len(content))
    assert file.read_bytes() == content
    assert files(tmp_path) == [name]
    assert get_database_stats(tmp_path / "missing.db") is None
    assert CURRENT_SCHEMA_VERSION == 12


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (1536, "1.5 KB"), (1024**2, "1.0 MB"), (5 * 1024**3, "5120.0 MB")],
)
def test_sizes_as_a_person_reads_them(size: int, text: str) -> None:
    """The same for a backup and for a base."""
    assert BackupInfo(Path("a"), datetime.now(), size).size_human == text
    assert DatabaseStats(Path("a"), 12, True, 0, 0, 0, 0, size).file_size_human == text
