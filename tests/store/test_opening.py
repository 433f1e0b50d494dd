"""Opening a base: the backup before a migration, what is refused untouched, and files that are read only."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import databases, processes, raw

from rekall.db import Database
from rekall.errors import MigrationError, NewerSchemaError, NotARekallError
from rekall.models import Entry, Source, generate_ulid
from rekall.store.schema import TABLES

OLD = [name for name in databases.NAMES if name != "v12.db"]

needs_posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are POSIX ones")

# what is imported late is imported first: another user may not be allowed to read this Python
_AS_NOBODY = """
import os, random, sqlite3, sys
from pathlib import Path
from rekall.db import Database
from rekall.errors import RekallError
import rekall.store.backups
with Database(Path(sys.argv[2])) as db:
    db.search('warm "up"')
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
path = Path(sys.argv[1])
"""


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Path]:
    """A folder that another user may enter; the folders of pytest above it are closed to others."""
    folder = Path("/tmp") / f"rekall-test-{os.getpid()}-{generate_ulid()}"  # noqa: S108  # must be reachable by uid 65534
    folder.mkdir(mode=0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


_INIT = "try:\n    Database(path).init()\nexcept RekallError as error:\n    print(error)"


def as_nobody(code: str, path: Path, scratch: Path) -> list[str]:
    """The lines that code prints about `path` when it runs as a user who owns nothing."""
    return processes.run(_AS_NOBODY + code, path, scratch / "warm-up.db").splitlines()


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_locks(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without the files that only say who is reading: SQLite leaves them where it may not remove them."""
    logs = {name for name in files if name.endswith("-wal") and not files[name]}
    shared = {name for name in files if name.endswith(("-shm", ".migration.lock"))}
    return {name: content for name, content in files.items() if name not in logs | shared}


def backups(folder: Path) -> list[Path]:
    return sorted((folder / "backups").glob("knowledge_*.db"))


def assert_is_backup_of(backup: Path, original: Path) -> None:
    assert raw.all_rows(backup) == raw.all_rows(original)
    assert raw.user_version(backup) == raw.user_version(original)
    assert raw.rows(backup, "PRAGMA integrity_check") == [("ok",)]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    objects = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    assert raw.rows(backup, objects) == raw.rows(original, objects)


@pytest.mark.parametrize("name", OLD)
def test_a_backup_of_the_old_file_is_made_first(name: str, tmp_path: Path) -> None:
    """Equal rows in every table, the same `user_version` and schema, sound, readable by its owner only."""
    (tmp_path / "untouched").mkdir()
    original = databases.unpack(name, tmp_path / "untouched")
    with Database(databases.unpack(name, tmp_path)) as db:
        backup = db.backup_made
    assert backup is not None
    assert backups(tmp_path) == [backup]
    assert backup.name.startswith("knowledge_")
    assert_is_backup_of(backup, original)
    with Database(tmp_path / name) as db:
        assert db.backup_made is None
    assert backups(tmp_path) == [backup]


@pytest.mark.parametrize("name", ["v00.db", "v05.db", "v12-enrichment-only.db"])
def test_the_backup_holds_what_is_still_in_the_log(name: str, tmp_path: Path) -> None:
    """A row that a killed process left in the -wal file is in the backup and in the migrated base."""
    path = databases.unpack(name, tmp_path)
    processes.run(
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1])\n"
        "c.execute('PRAGMA journal_mode = WAL')\n"
        "c.execute(\"INSERT INTO entries(id, title, type, created_at, updated_at) VALUES ('IN-LOG', 'logged', 'bug',"
        " '2025-01-01', '2025-01-01')\")\n"
        "c.commit()\n"
        "os._exit(0)\n",
        path,
    )
    assert path.with_name(name + "-wal").stat().st_size > 0
    with Database(path) as db:
        assert db.get("IN-LOG", update_access=False) is not None
        assert "IN-LOG" in [hit.entry.id for hit in db.search("title:logged")]
        backup = db.backup_made
    assert backup is not None
    original = databases.unpack(name, tmp_path / "backups")
    assert raw.rows(backup, "SELECT title FROM entries WHERE id = 'IN-LOG'") == [("logged",)]
    raw.write(backup, "DELETE FROM entries WHERE id = 'IN-LOG'")
    assert raw.all_rows(backup) == raw.all_rows(original)


def test_a_current_file_is_not_written_by_opening_and_reading(tmp_path: Path) -> None:
    """Uncounted reading of every kind leaves the bytes as they were, and nothing beside them."""
    path = databases.unpack("v12.db", tmp_path)
    before = snapshot(tmp_path)
    with Database(path) as db:
        hits = db.search("deadlock", update_access=False)
        assert [hit.matched for hit in hits].count("entry") == 4
        assert db.list_all()
        assert db.get(hits[0].entry.id, update_access=False) is not None
        assert db.get_links(hits[0].entry.id)
        assert db.get_structured_context(hits[0].entry.id) is not None
        db.render_graph_ascii(hits[0].entry.id)
        db.is_first_weekly_call()
        assert db.backup_made is None
    assert snapshot(tmp_path) == before


@pytest.mark.fault(22)
@pytest.mark.parametrize("version", [13, 99])
def test_a_newer_file_is_refused_untouched(version: int, tmp_path: Path) -> None:
    """What a newer Rekall wrote is not ours to read or write: upgrade, says the error."""
    path = databases.unpack("v12.db", tmp_path)
    raw.write(path, f"PRAGMA user_version = {version}")
    before = snapshot(tmp_path)
    with pytest.raises(NewerSchemaError, match=f"(?s){path}.*schema {version}.*upgrade"):
        Database(path).init()
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)", "INSERT INTO notes(text) VALUES ('mine')"],
        ["CREATE TABLE entries (id INTEGER PRIMARY KEY, title TEXT, url TEXT)", "CREATE TABLE tags (name TEXT)"],
        ["CREATE TABLE notes (text TEXT)", "PRAGMA user_version = 12"],
        ["CREATE TABLE notes (text TEXT)", "PRAGMA user_version = 40"],
        ["PRAGMA user_version = 3"],
    ],
    ids=["notes", "a feed reader", "version 12", "version 40", "no table"],
)
def test_a_database_of_another_program_is_refused_untouched(statements: list[str], tmp_path: Path) -> None:
    """Also when it has a table called entries, or a `user_version` that looks like ours."""
    path = tmp_path / "other.db"
    raw.write(path, *statements)
    before = snapshot(tmp_path)
    with pytest.raises(NotARekallError, match=r"other\.db.*another program"):
        Database(path).init()
    assert snapshot(tmp_path) == before


_FIRST_HALF = ["memory_type", "last_accessed", "access_count"]


@pytest.mark.parametrize("wal", [True, False])
def test_a_migration_that_0_3_left_half_done_is_finished_from_version_0(wal: bool, tmp_path: Path) -> None:
    """0.3 commits each ALTER TABLE by itself: `user_version` 0 with some columns of version 1."""
    path = databases.unpack("v00.db", tmp_path)
    if not wal:
        raw.write(path, "PRAGMA journal_mode = DELETE")
    raw.write(path, *(f"ALTER TABLE entries ADD COLUMN {c} {TABLES['entries'].columns[c]}" for c in _FIRST_HALF))
    with Database(path) as db:
        assert db.get_schema_version() == 12
        wanted = databases.opened("v00.db")
        assert [entry.id for entry in db.list_all(limit=100)] == wanted["list_all_ids_newest_first"]["active"]
        assert all(entry.access_count == 1 and entry.last_accessed for entry in db.list_all(limit=100))
        hits = db.search("deadlock")
        assert [hit.entry.id for hit in hits if hit.matched == "entry"] == [
            h["id"] for h in wanted["search"]["deadlock"]
        ]
        assert db.maintenance.full_text_health().is_sound


@pytest.mark.fault(22)
@pytest.mark.parametrize("columns", range(1, 6))
def test_a_migration_that_0_3_left_half_done_is_finished_from_version_8(columns: int, tmp_path: Path) -> None:
    """Fault 22: version 8 with some of the columns, tables and rows of version 9."""
    path = databases.unpack("v08.db", tmp_path)
    added = ["is_seed", "is_promoted", "promoted_at", "role", "seed_origin"][:columns]
    statements = [f"ALTER TABLE sources ADD COLUMN {name} {TABLES['sources'].columns[name]}" for name in added]
    if columns > 2:
        statements.append(TABLES["known_domains"].create("known_domains"))
        statements.append("INSERT INTO known_domains VALUES ('go.dev', 'hub', 'my own', '2025-01-01 00:00:00')")
    raw.write(path, *statements)
    sources = raw.rows(path, "SELECT id, domain, personal_score FROM sources ORDER BY id")
    with Database(path) as db:
        assert db.get_schema_version() == 12
        assert len(db.list_all(include_obsolete=True, limit=100)) == 42
    assert raw.rows(path, "SELECT id, domain, personal_score FROM sources ORDER BY id") == sources
    assert raw.rows(path, "SELECT count(*) FROM known_domains") == [(25,)]
    if columns > 2:
        assert raw.rows(path, "SELECT role FROM known_domains WHERE domain = 'go.dev'") == [("hub",)]


@pytest.mark.fault(21)
def test_a_base_that_says_12_and_lacks_a_column_of_a_small_table_is_completed(tmp_path: Path) -> None:
    """`user_version` is not trusted for any table: `links.reason` is missed as well."""
    path = databases.unpack("v12.db", tmp_path)
    raw.write(path, "ALTER TABLE links DROP COLUMN reason", "DROP TABLE saved_filters", "DROP TABLE entries_fts")
    with Database(path) as db:
        assert db.backup_made is not None
        assert all(link.reason is None for link in db.get_links("01JQ14HDH0P4EKWCYY8MCWHCT7"))
        assert [hit.matched for hit in db.search("deadlock")].count("entry") == 4
        assert db.maintenance.full_text_health().is_sound
    assert raw.rows(path, "SELECT count(*) FROM saved_filters") == [(0,)]


def test_columns_that_someone_added_are_left_alone(tmp_path: Path) -> None:
    """A base with a column of its own beside schema 12 is current."""
    path = databases.unpack("v12.db", tmp_path)
    raw.write(path, "ALTER TABLE entries ADD COLUMN mood TEXT", "CREATE TABLE mine (x)")
    with Database(path) as db:
        assert db.backup_made is None
        db.add(Entry(id=generate_ulid(), title="as ever", type="bug"))
    assert raw.rows(path, "SELECT count(*) FROM entries WHERE mood IS NULL") == [(43,)]


def test_a_fresh_base_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """The file and the folder that is made for it."""
    path = tmp_path / "new" / "deep" / "knowledge.db"
    with Database(path):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not (path.parent / "backups").exists()


def test_what_a_killed_backup_leaves_behind_is_swept_away(tmp_path: Path) -> None:
    """An unfinished copy never carries the name of a backup, and the next migration removes it."""
    path = databases.unpack("v05.db", tmp_path)
    (tmp_path / "backups").mkdir()
    leftover = tmp_path / "backups" / "knowledge_2025-01-01_000000_schema-5.partial"
    leftover.write_bytes(b"half")
    with Database(path):
        pass
    assert [path.suffix for path in (tmp_path / "backups").iterdir() if path.name.startswith("knowledge_")] == [".db"]


def test_no_migration_without_a_backup(tmp_path: Path) -> None:
    """When the backup cannot be made (its folder is a file), the old file stays as it is."""
    path = databases.unpack("v05.db", tmp_path)
    (tmp_path / "backups").write_text("in the way")
    before = snapshot(tmp_path)
    with pytest.raises(MigrationError, match=r"v05\.db"):
        Database(path).init()
    assert snapshot(tmp_path) == before


def test_a_damaged_old_file_is_not_migrated(tmp_path: Path) -> None:
    """The copy is checked before anything is changed."""
    path = databases.unpack("v08.db", tmp_path)
    (page,) = raw.rows(path, "SELECT rootpage FROM sqlite_master WHERE name = 'links'")[0]
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    content[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(content)
    with pytest.raises(MigrationError, match=r"v08\.db.*damaged"):
        Database(path).init()
    assert path.read_bytes() == content
    assert backups(tmp_path) == []


@needs_posix
@pytest.mark.parametrize("closed", ["file", "folder", "both"])
def test_an_old_file_that_cannot_be_written_names_the_command_to_run(public: Path, closed: str, tmp_path: Path) -> None:
    """`rekall migrate` on a copy; the file and its folder stay as they are, however often it is tried."""
    path = databases.unpack("v05.db", public)
    path.chmod(0o444 if closed != "folder" else 0o666)
    public.chmod(0o555 if closed != "file" else 0o777)
    before = snapshot(public)
    for _ in range(2):
        (output,) = as_nobody(_INIT, path, tmp_path)
        assert "rekall migrate" in output
        assert str(path) in output
    assert without_locks(snapshot(public)) == before


@needs_posix
@pytest.mark.parametrize("closed", ["file", "folder", "both"])
@pytest.mark.parametrize("prepared", [False, True], ids=["written by 0.3", "written by us"])
def test_a_file_that_cannot_be_written_is_searched_without_counting(
    public: Path, closed: str, prepared: bool, tmp_path: Path
) -> None:
    """Contexts included, in all their forms; nothing is counted and nothing is left behind."""
    path = databases.unpack("v12.db", public)
    if prepared:
        with Database(path) as db:
            db.set_metadata("written", "by us")
    path.chmod(0o444 if closed != "folder" else 0o666)
    public.chmod(0o555 if closed != "file" else 0o777)
    before = snapshot(public)
    output = as_nobody(
        "with Database(path) as db:\n"
        "    for query in ('deadlock', 'poison message', '\"heartbeats stayed healthy\"'):\n"
        "        hits = db.search(query)\n"
        "        print(*sorted({hit.matched for hit in hits}), *(hit.entry.access_count for hit in hits[:1]))\n"
        "        again = db.search(query)\n"
        "        assert [h.entry for h in hits] == [h.entry for h in again]\n"
        "        assert db.get(hits[0].entry.id) == db.get(hits[0].entry.id)\n"
        "    try:\n"
        "        db.set_metadata('a', 'b')\n"
        "    except RekallError as error:\n"
        "        print(error)\n",
        path,
        tmp_path,
    )
    assert output[0].startswith("entry")
    assert output[2].startswith("context")
    assert "read-only" in output[3]
    assert without_locks(snapshot(public)) == before


@needs_posix
def test_a_read_only_empty_file_is_refused(public: Path, tmp_path: Path) -> None:
    """No schema can be put into it."""
    path = public / "empty.db"
    path.touch(mode=0o444)
    public.chmod(0o555)
    (output,) = as_nobody(_INIT, path, tmp_path)
    assert "empty.db" in output


def test_opening_twice_and_closing_twice_is_harmless(tmp_path: Path) -> None:
    """`init` and `close` may be repeated, and the base opened again."""
    db = Database(tmp_path / "k.db")
    db.close()
    db.init()
    db.init()
    db.add(Entry(id="A", title="kept", type="bug"))
    db.close()
    db.close()
    db.init()
    assert db.get("A") is not None
    db.close()


def test_the_log_is_not_lost_when_0_3_is_open_at_the_same_time(tmp_path: Path) -> None:
    """An old file that another connection holds open is migrated, and that connection goes on reading."""
    path = databases.unpack("v07.db", tmp_path)
    other = sqlite3.connect(path)
    try:
        other.execute("INSERT INTO metadata(key, value) VALUES ('open', 'elsewhere')")
        other.commit()
        with Database(path) as db:
            assert db.get_metadata("open") == "elsewhere"
        assert other.execute("SELECT count(*) FROM entries").fetchone() == (42,)
    finally:
        other.close()


@pytest.mark.fault(21)
@pytest.mark.parametrize("name", databases.NAMES)
def test_a_file_of_any_schema_takes_a_source(name: str, tmp_path: Path) -> None:
    """0.3 failed on two of the three schemas that call themselves 12."""
    with Database(databases.unpack(name, tmp_path)) as db:
        source = Source(domain="new.example.org", ai_type="blog", enrichment_status="proposed")
        db.add_source(source)
        stored = db.get_source(source.id)
    assert stored is not None
    assert (stored.domain, stored.ai_type) == ("new.example.org", "blog")
