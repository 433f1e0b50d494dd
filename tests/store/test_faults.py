"""Files that are none, files that are damaged, a locked file, a full disk: one clear line, and nothing lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import databases, raw

from rekall.db import Database
from rekall.errors import CannotOpenError, CorruptError, DatabaseBusyError, DatabaseError, DiskFullError, RekallError
from rekall.infra import DefaultDatabaseBackend, ServiceContainer
from rekall.infra.instrument import Retry
from rekall.models import Entry, StructuredContext


def clobber(path: Path, start: int, length: int) -> None:
    content = bytearray(path.read_bytes())
    content[start : start + length] = b"\xa5" * length
    path.write_bytes(content)


def page_size(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:18], "big")


def no_database(path: Path) -> None:
    path.write_bytes(b"this is a note about SQLite, not a database\n" * 200)


def short_note(path: Path) -> None:
    path.write_text("x")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: page_size(path) * 3 + 100])


def header_overwritten(path: Path) -> None:
    clobber(path, 0, 100)


def schema_page_overwritten(path: Path) -> None:
    clobber(path, 100, page_size(path) - 100)


def page_two_overwritten(path: Path) -> None:
    clobber(path, page_size(path), page_size(path))


BAD = [no_database, short_note, truncated, header_overwritten, schema_page_overwritten, page_two_overwritten]


@pytest.mark.parametrize("name", ["v05.db", "v12.db"])
@pytest.mark.parametrize("damage", BAD, ids=lambda damage: damage.__name__)
def test_a_bad_file_is_told_in_one_line_and_left_as_it_is(
    damage: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    """At the latest when it is read or migrated; the error names the file and says what to do."""
    path = databases.unpack(name, tmp_path)
    damage(path)
    before = path.read_bytes()

    def use() -> None:
        with Database(path) as db:
            db.list_all(limit=-1)
            db.search("deadlock", update_access=False)
            assert db.maintenance.integrity_problems(), "the damage is in a page that holds nothing"
            raise CorruptError(f"found by the check of {path}; see 'rekall doctor'")

    with pytest.raises(RekallError) as error:
        use()
    text = str(error.value)
    assert len(text.splitlines()) == 1
    assert name in text
    assert "doctor" in text or "restore" in text
    assert isinstance(error.value, DatabaseError)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("backups/*.db"))
    assert not list(tmp_path.glob("backups/*.partial*"))


def test_a_directory_where_the_file_should_be(tmp_path: Path) -> None:
    """It says so."""
    (tmp_path / "k.db").mkdir()
    with pytest.raises(CannotOpenError, match=r"k\.db is a directory"):
        Database(tmp_path / "k.db").init()
    assert list((tmp_path / "k.db").iterdir()) == []


def test_a_file_where_a_directory_should_be(tmp_path: Path) -> None:
    """The path cannot be made."""
    (tmp_path / "note").write_text("a file")
    with pytest.raises(CannotOpenError, match="note"):
        Database(tmp_path / "note" / "k.db").init()
    assert (tmp_path / "note").read_text() == "a file"


@pytest.fixture
def delays() -> list[float]:
    return []


@pytest.fixture
def impatient(tmp_path: Path, delays: list[float]) -> Iterator[Database]:
    """A base whose back end waits 20 ms for a lock; the delays between attempts are noted and not waited for."""
    container = ServiceContainer(retry=Retry(sleep=delays.append))
    container.register("database", lambda path: DefaultDatabaseBackend(path, busy_timeout=0.02))
    with Database(tmp_path / "k.db", container=container) as db:
        db.add(Entry("A", "kept", "bug"))
        yield db


def test_a_file_that_stays_locked(impatient: Database, delays: list[float]) -> None:
    """Three attempts, then an error that says what to do; nothing is half written, and reading goes on meanwhile."""
    with raw.connection(impatient.db_path) as other:
        other.execute("BEGIN IMMEDIATE")
        for write in (
            lambda: impatient.add(Entry("B", "lost", "bug", tags=["x"])),
            lambda: impatient.delete("A"),
            lambda: impatient.get("A"),
            lambda: impatient.search("kept"),
            lambda: impatient.set_metadata("a", "b"),
        ):
            delays.clear()
            with pytest.raises(DatabaseBusyError, match=r"k\.db is locked by another process") as error:
                write()
            assert isinstance(error.value, sqlite3.OperationalError)
            assert len(delays) == 2
        assert [hit.entry.id for hit in impatient.search("kept", update_access=False)] == ["A"]
        other.rollback()
    impatient.add(Entry("B", "now", "bug", tags=["x"]))
    assert [(entry.id, entry.access_count) for entry in impatient.list_all(limit=9)] == [("B", 0), ("A", 0)]


@pytest.mark.parametrize("name", ["v05.db", "v12-enrichment-only.db"])
def test_an_old_file_that_stays_locked_is_not_migrated(name: str, tmp_path: Path, delays: list[float]) -> None:
    """It is as it was, and the next try succeeds."""
    path = databases.unpack(name, tmp_path)
    rows = raw.all_rows(path)
    container = ServiceContainer(retry=Retry(sleep=delays.append))
    container.register("database", lambda path: DefaultDatabaseBackend(path, busy_timeout=0.02))
    db = Database(path, container=container)
    with raw.connection(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusyError, match="locked"):
            db.init()
        other.rollback()
    assert raw.all_rows(path) == rows
    with db:
        assert db.get_schema_version() == 12


def test_a_full_disk(tmp_path: Path) -> None:
    """The write that finds no room is undone whole, says so, and everything before it is there."""
    with Database(tmp_path / "k.db") as db:
        db.add(Entry("A", "kept", "bug", tags=["x"]))
        limit = db.store.session.backend
        (pages,) = (limit.fetch_one("PRAGMA page_count") or {}).values()
        limit.fetch_one(f"PRAGMA max_page_count = {pages + 3}")
        context = StructuredContext("a situation", "a solution", ["keyword"])

        def fill() -> None:
            for number in range(500):
                entry = Entry(f"N{number:03}", "filler " * 20, "bug", content="x y z " * 500, tags=["y"])
                db.add(entry, context=context)

        with pytest.raises(DiskFullError, match=r"no room left for .*k\.db.*free some space"):
            fill()
        stored = {entry.id for entry in db.list_all(limit=-1)}
        assert "A" in stored
        assert f"N{len(stored) - 1:03}" not in stored
        assert db.maintenance.integrity_problems() == []
        assert db.maintenance.full_text_health().is_sound
        limit.fetch_one("PRAGMA max_page_count = 1000000")
        db.add(Entry("B", "room again", "bug"))
    with Database(tmp_path / "k.db") as db:
        assert {entry.id for entry in db.list_all(limit=-1)} == stored | {"B"}
        assert {hit.entry.id for hit in db.search("filler OR kept OR room", limit=-1)} == stored | {"B"}


@pytest.mark.fault(22)
def test_a_disk_that_is_full_during_a_migration(tmp_path: Path) -> None:
    """The file stays what it was; with room it is migrated."""
    path = databases.unpack("v00.db", tmp_path)
    rows, version = raw.all_rows(path), raw.user_version(path)

    class Full(DefaultDatabaseBackend):
        def connect(self) -> None:
            super().connect()
            (pages,) = (self.fetch_one("PRAGMA page_count") or {}).values()
            self.fetch_one(f"PRAGMA max_page_count = {pages + 5}")

    container = ServiceContainer()
    container.register("database", Full)
    with pytest.raises(DiskFullError, match="no room left"):
        Database(path, container=container).init()
    assert (raw.all_rows(path), raw.user_version(path)) == (rows, version)
    with Database(path) as db:
        assert len(db.list_all(limit=-1)) == 39
