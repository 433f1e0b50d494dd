"""Importing entries as programs written for 0.3 do it."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from contextlib import closing
from dataclasses import fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import databases, processes, raw
from support.counting import CountingBackend
from support.entries import entries
from support.incoming import sample_plan

from rekall.archive import RekallArchive
from rekall.db import Database
from rekall.errors import ImportRefusedError
from rekall.exchange.archive_reader import ArchiveReader
from rekall.exchange.limits import Limits
from rekall.exchange.plan import COMPARED, STRATEGIES
from rekall.infra import register_backend
from rekall.models import Entry, StructuredContext
from rekall.sync import (
    Conflict,
    ImportExecutor,
    ImportPlan,
    ImportResult,
    ImportStrategy,
    build_import_plan,
    detect_conflict,
    load_entries_from_external_db,
)

MINE = Entry("1", "Title", "bug", "Content", project="p", tags=["a"], created_at=datetime(2025, 12, 1))
THEIRS = replace(MINE, title="Other", tags=["b"])
CONTEXT = StructuredContext("A situation", "A solution", ["word"])


def read(db: Database) -> dict[str, Entry]:
    return {entry.id: entry for entry in db.list_all(include_obsolete=True, limit=-1)}


def sample_entries() -> list[Entry]:
    archive = RekallArchive.open(databases.FOLDER / "sample.rekall.zip")
    assert archive is not None
    with closing(archive):
        return archive.get_entries()


def facts(plan: ImportPlan) -> dict[str, Any]:
    """A plan as expected.json has it."""
    return {
        "new": len(plan.new_entries),
        "identical": len(plan.identical),
        "conflicts": [{"id": one.entry_id, "fields_changed": one.fields_changed} for one in plan.conflicts],
    }


def test_the_three_plans_of_the_sample(tmp_path: Path) -> None:
    """Into an empty base, the one that it is of, and that one with two changes."""
    incoming = sample_entries()
    with Database(tmp_path / "empty.db") as db:
        assert facts(build_import_plan(db, incoming)) == sample_plan("empty_database")
    path = databases.unpack("v12.db", tmp_path)
    with Database(path) as db:
        assert facts(build_import_plan(db, incoming)) == sample_plan("v12")
    with raw.connection(path) as opened:
        opened.execute("UPDATE entries SET title = '!', confidence = 0 WHERE id = '01JT2ZMQH0N86R51EC3QBEHDN3'")
        opened.execute("INSERT INTO tags(entry_id, tag) VALUES ('01JNDMK1H0QWEXWE777X3X1A6Q', 'one more')")
        opened.commit()
    with Database(path) as db:
        plan = build_import_plan(db, incoming)
    assert facts(plan) == sample_plan("v12_with_two_changes")
    assert (plan.total, plan.has_conflicts) == (39, True)


@pytest.mark.fault(16)
def test_the_sample_comes_whole(tmp_path: Path) -> None:
    """Memory type, use and review day too, which 0.3 wrote and did not read."""
    incoming = sample_entries()
    assert {entry.memory_type for entry in incoming} == {"episodic", "semantic"}
    with Database(tmp_path / "k.db") as db:
        result = ImportExecutor(db).execute(build_import_plan(db, incoming))
        assert result == ImportResult(success=True, added=39)
        assert read(db) == {entry.id: entry for entry in incoming}


@pytest.mark.fault(16)
def test_a_new_entry_keeps_its_review_schedule(tmp_path: Path) -> None:
    """What an archive of 0.3 has no place for, and an entry has."""
    entry = replace(THEIRS, next_review=date(2026, 1, 1), review_interval=9, ease_factor=2.1, access_count=4)
    with Database(tmp_path / "k.db") as db:
        assert ImportExecutor(db).execute(ImportPlan([entry])).added == 1
        assert read(db)["1"] == entry


def test_detect_conflict() -> None:
    """None for another entry, and for the same one; else which of eight fields differ, in their order."""
    assert detect_conflict(MINE, replace(THEIRS, id="2")) is None
    same = replace(MINE, tags=["a", "a"], access_count=9, memory_type="semantic", updated_at=datetime(2000, 1, 1))
    assert detect_conflict(MINE, same) is None
    changes: dict[str, Any] = {
        "superseded_by": "2",
        "status": "obsolete",
        "confidence": 5,
        "tags": [],
        "project": None,
        "type": "pattern",
        "content": "",
        "title": "Other",
    }
    imported = replace(MINE, **changes)
    conflict = detect_conflict(MINE, imported)
    assert conflict == Conflict("1", MINE, imported, list(COMPARED))
    assert Conflict("1", MINE, imported, ["title", "tags"]).summary == "2 field(s) changed: title, tags"


@pytest.mark.fault(18)
def test_a_plan_and_its_preview_change_nothing(tmp_path: Path) -> None:
    """No access is counted, no byte is written."""
    path = databases.unpack("v12.db", tmp_path)
    before = path.read_bytes()
    with Database(path) as db:
        ImportExecutor.preview(build_import_plan(db, sample_entries()))
    assert path.read_bytes() == before


def test_a_plan_takes_few_queries(tmp_path: Path) -> None:
    """Two for every 200 entries, one more for every 200 that differ, one for successors that are nowhere."""
    backend = CountingBackend(tmp_path / "counted.db")
    register_backend("database", backend)
    with Database(tmp_path / "counted.db") as db:
        known = [Entry(f"{number:03}", "Title", "bug", tags=["a"]) for number in range(400)]
        assert ImportExecutor(db).execute(ImportPlan(known)).added == 400
        backend.reset()
        changed = [replace(entry, title="Other", superseded_by="nowhere") for entry in known]
        assert len(build_import_plan(db, changed).conflicts) == 400
        assert (backend.reads(), backend.calls["execute_batch"]) == (2 * 2 + 2 + 1, 0)


@pytest.mark.fault(38)
def test_preview() -> None:
    """A line for each entry, as it is written, without anything that a terminal would obey."""
    assert ImportExecutor.preview(ImportPlan()) == "Nothing to import"
    conflict = Conflict("01JT2ZMQH0N86R51EC3QBEHDN3", MINE, replace(THEIRS, title="[/etc/hosts]\x1b[2J"), ["title"])
    plan = ImportPlan([replace(MINE, id="01JNDMK1H0QWEXWE777X3X1A6Q", title="[bold]\nNew")], [conflict], ["3"])
    assert ImportExecutor.preview(plan).splitlines() == [
        "Total: 3",
        "",
        "New (1):",
        "  [NEW] 01JNDMK1H0QW... [bold]\\nNew",
        "",
        "Conflicts (1):",
        "  [CONFLICT] 01JT2ZMQH0N8... [/etc/hosts]\\x1b[2J",
        "    1 field(s) changed: title",
        "",
        "Identical (1):",
        "  [SKIP] 3...",
    ]


@pytest.mark.parametrize(
    ("strategy", "result"),
    [
        ("skip", ImportResult(True, added=1, skipped=2)),
        ("replace", ImportResult(True, added=1, replaced=1, skipped=1)),
        ("merge", ImportResult(True, added=1, merged=1, skipped=1)),
        ("interactive", ImportResult(True, added=1, skipped=1)),
        ("unheard of", ImportResult(True, added=1, skipped=1)),
    ],
)
def test_strategies(tmp_path: Path, strategy: ImportStrategy, result: ImportResult) -> None:
    """What they do with an entry that differs; an unknown one leaves it alone and does not count it."""
    with Database(tmp_path / "k.db") as db:
        for entry in (replace(MINE), Entry("2", "Same", "bug")):
            db.add(entry)
        before = read(db)
        imported = replace(THEIRS, updated_at=datetime(2025, 12, 5))
        plan = build_import_plan(db, [imported, Entry("2", "Same", "bug"), Entry("3", "New", "bug")])
        done = ImportExecutor(db).execute(plan, strategy)
        assert replace(done, backup_path=None) == result
        assert done.total_processed == sum((done.added, done.replaced, done.skipped, done.merged))
        after = read(db)
        assert after["2"] == before["2"]
        assert (after["1"] == before["1"]) is (strategy != "replace")
        assert len(after) == (4 if strategy == "merge" else 3)
        assert (done.backup_path is not None) is (strategy == "replace")
        assert (imported.updated_at == after["1"].updated_at) is (strategy == "replace")


def test_the_backup_before_replacing(tmp_path: Path) -> None:
    """All that the base held, its owner's own, one for each import; beside the base, or where one says."""
    path = tmp_path / "k.db"
    elsewhere = tmp_path / "some" / "where"
    with Database(path) as db:
        db.add(Entry("0", "Obsolete", "bug", status="obsolete"), context=CONTEXT)
        db.add(replace(MINE))
        db.add_link("1", "0")
        made = []
        for number, folder in enumerate([None, None, elsewhere]):
            plan = build_import_plan(db, [replace(THEIRS, title=str(number))])
            result = ImportExecutor(db, folder).execute(plan, "replace")
            assert result.backup_path is not None
            made.append(result.backup_path)
    assert [file.parent for file in made] == [tmp_path / "backups", tmp_path / "backups", elsewhere]
    assert len(set(made)) == 3
    for number, file in enumerate(made):
        assert re.fullmatch(r"pre-import-\d{8}-\d{6}(-2)?\.rekall\.zip", file.name)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with file.open("rb") as stream:
            found = list(ArchiveReader(stream, Limits(), file.name).records())
        assert {record.values["title"] for record in found if record.table == "entries"} == {
            *("Obsolete", "Title" if number == 0 else str(number - 1)),
        }
        assert [record.values["target_id"] for record in found if record.table == "links"] == ["0"]
    assert sorted(file.name for file in (tmp_path / "backups").iterdir()) == sorted(file.name for file in made[:2])


def test_no_backup_without_a_conflict(tmp_path: Path) -> None:
    """There is nothing to come back to."""
    with Database(tmp_path / "k.db") as db:
        result = ImportExecutor(db).execute(build_import_plan(db, [MINE]), "replace")
    assert (result.added, result.backup_path) == (1, None)
    assert not (tmp_path / "backups").exists()


def failing(plan: ImportPlan, db: Database, path: Path, folder: Path | None = None) -> str:
    """The one error of an import that changes nothing."""
    before = raw.all_rows(path)
    result = ImportExecutor(db, folder).execute(plan, "replace")
    (error,) = result.errors
    assert result == ImportResult(False, errors=[error], backup_path=result.backup_path)
    assert raw.all_rows(path) == before
    assert "\n" not in error
    return error


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "lost"}, "entry 2: status is 'lost', not one of active, obsolete"),
        ({"title": None}, "entry 2 has no title: an entry needs one"),
        ({"confidence": 9}, "entry 2: confidence is 9, not 0 to 5"),
        ({"tags": None}, "entry 2 cannot be stored"),
        ({"tags": [3]}, "entry 2: tags is [3], not a list of texts"),
        ({"created_at": "yesterday"}, "entry 2 cannot be stored"),
        ({"content": "\ud800"}, "entry 2: content has half of a surrogate pair"),
        ({"access_count": 2**70}, "entry 2: access_count is a number beyond 64 bits"),
        ({"id": "1"}, "the id 1 stands there twice"),
        ({"id": ""}, "the id '' is empty"),
    ],
    ids=str,
)
def test_a_value_that_no_base_holds(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    """Refused by the plan, and where somebody made the plan himself, by its execution."""
    path = tmp_path / "k.db"
    bad = Entry("2", "T", "bug")
    for name, value in change.items():
        setattr(bad, name, value)
    with Database(path) as db:
        db.add(replace(MINE))
        with pytest.raises(ImportRefusedError, match=re.escape(message)):
            build_import_plan(db, [THEIRS, bad])
        assert message in failing(
            ImportPlan([Entry("3", "T", "bug"), bad], [Conflict("1", MINE, THEIRS, [])]), db, path
        )


def test_a_plan_of_yesterday(tmp_path: Path) -> None:
    """An entry that was new has come since: nobody has seen what it would overwrite."""
    path = tmp_path / "k.db"
    with Database(path) as db:
        plan = build_import_plan(db, [THEIRS, Entry("2", "T", "bug")])
        db.add(replace(MINE))
        assert failing(plan, db, path) == "entry 1 is in the base by now: make a new plan"


def test_a_backup_that_cannot_be_made(tmp_path: Path) -> None:
    """Nothing is replaced."""
    path, folder = tmp_path / "k.db", tmp_path / "a file"
    folder.touch()
    with Database(path) as db:
        db.add(replace(MINE))
        error = failing(build_import_plan(db, [THEIRS]), db, path, folder)
    assert error.startswith(f"nothing was imported: the base cannot be backed up to {folder} (")


def test_an_entry_that_is_gone_since(tmp_path: Path) -> None:
    """Comes back when it should have been replaced, and stays away when it should have been left alone."""
    for strategy, titles in (("skip", []), ("replace", ["Other"]), ("merge", ["Other"])):
        with Database(tmp_path / f"{strategy}.db") as db:
            db.add(replace(MINE))
            plan = build_import_plan(db, [replace(THEIRS)])
            db.delete("1")
            assert ImportExecutor(db).execute(plan, strategy).success  # type: ignore[arg-type]  # one of them
            assert [entry.title for entry in read(db).values()] == titles


# the property


IDS = ("1", "2", "a", "A")


@st.composite
def some_entries(draw: st.DrawFn, *, outside: tuple[str, ...] = ()) -> list[Entry]:
    """Entries with some of four ids, each naming a successor among them or outside."""
    ids = draw(st.lists(st.sampled_from(IDS), unique=True))
    successors = st.none() | st.sampled_from([*ids, *outside]) if ids or outside else st.none()
    return [replace(draw(entries()), id=entry_id, superseded_by=draw(successors)) for entry_id in ids]


def eight(entry: Entry) -> list[Any]:
    return [getattr(entry, name) for name in COMPARED]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_entries(), some_entries(outside=(*IDS, "nowhere")), st.sampled_from(STRATEGIES), st.integers(0, 4))
def test_any_entries_into_any_base(mine: list[Entry], theirs: list[Entry], strategy: str, alike: int) -> None:
    """What the plan counts is what happens, and nothing else does; what came is there the second time."""
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "k.db") as db:
        assert ImportExecutor(db).execute(ImportPlan([replace(entry) for entry in mine])).success
        before = read(db)
        assert before == {entry.id: entry for entry in mine}
        theirs = [replace(before.get(entry.id, entry)) for entry in theirs[:alike]] + theirs[alike:]
        here = {*before, *(entry.id for entry in theirs)}
        coming = {
            entry.id: entry if entry.superseded_by in here else replace(entry, superseded_by=None) for entry in theirs
        }
        plan = build_import_plan(db, theirs)
        assert [entry.id for entry in plan.new_entries] == [each for each in coming if each not in before]
        assert plan.identical == [
            each for each in coming if each in before and not detect_conflict(before[each], coming[each])
        ]
        assert {one.entry_id: one.fields_changed for one in plan.conflicts} == {
            each: conflict.fields_changed
            for each, entry in coming.items()
            if each in before and (conflict := detect_conflict(before[each], entry))
        }
        assert all(one.local == before[one.entry_id] for one in plan.conflicts)

        result = ImportExecutor(db).execute(plan, strategy)  # type: ignore[arg-type]  # one of them
        conflicts = len(plan.conflicts)
        assert replace(result, backup_path=None) == ImportResult(
            True,
            added=len(plan.new_entries),
            replaced=conflicts if strategy == "replace" else 0,
            skipped=len(plan.identical) + (conflicts if strategy == "skip" else 0),
            merged=conflicts if strategy == "merge" else 0,
        )
        after = read(db)
        copies = {entry_id: entry for entry_id, entry in after.items() if entry_id not in here}
        assert len(copies) == result.merged
        differ = {one.entry_id for one in plan.conflicts}
        for entry_id in here:
            if strategy == "replace" and entry_id in differ:
                written = {name: getattr(coming[entry_id], name) for name in COMPARED}
                now = after[entry_id].updated_at
                assert after[entry_id] == replace(before[entry_id], **written, updated_at=now)
            elif entry_id in before:
                assert after[entry_id] == before[entry_id]
            elif strategy != "merge":
                assert after[entry_id] == coming[entry_id]
        again = build_import_plan(db, theirs)
        if strategy == "replace":
            assert again.identical == list(coming)
        elif strategy == "skip":
            assert (again.new_entries, {one.entry_id for one in again.conflicts}) == ([], differ)
        else:
            assert sorted(map(repr, (eight(entry)[:-1] for entry in copies.values()))) == sorted(
                repr(eight(coming[entry_id])[:-1]) for entry_id in differ
            )


# files that are not open as a base


@pytest.mark.parametrize("name", databases.NAMES)
def test_the_entries_of_a_file_of_any_schema(name: str, tmp_path: Path) -> None:
    """As this version reads them once the file is migrated; the file itself stays as it is."""
    path = databases.unpack(name, tmp_path)
    before = path.read_bytes()
    found = load_entries_from_external_db(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [name]
    with Database(path) as db:
        known = read(db)
    assert len(found) == 42
    later = {"last_accessed", "access_count", "centrality_score"} if name == "v00.db" else {"centrality_score"}
    for entry in found:
        for field in fields(Entry):
            if field.name not in later:
                assert getattr(entry, field.name) == getattr(known[entry.id], field.name)


@pytest.mark.fault(29)
def test_a_confidence_of_nothing(tmp_path: Path) -> None:
    """Is not the default."""
    path = databases.unpack("v12.db", tmp_path)
    known = raw.rows(path, "SELECT id FROM entries WHERE confidence = 0")
    assert known
    path = databases.unpack("v12.db", tmp_path)
    found = {entry.id: entry for entry in load_entries_from_external_db(path)}
    assert {found[entry_id].confidence for (entry_id,) in known} == {0}


def test_entries_from_a_file_into_a_base(tmp_path: Path) -> None:
    """All that a row says of an entry."""
    incoming = load_entries_from_external_db(databases.unpack("v12.db", tmp_path))
    with Database(tmp_path / "k.db") as db:
        assert ImportExecutor(db).execute(build_import_plan(db, incoming)).added == 42
        assert read(db) == {entry.id: replace(entry, centrality_score=0.0) for entry in incoming}


def test_a_file_that_others_write(tmp_path: Path) -> None:
    """What they committed is there, and they go on."""
    path = tmp_path / "k.db"
    with Database(path) as db:
        db.add(replace(MINE))
        assert [entry.id for entry in load_entries_from_external_db(path)] == ["1"]
        db.add(Entry("2", "T", "bug"))
        assert [entry.id for entry in load_entries_from_external_db(path)] == ["1", "2"]
    assert [file.name for file in tmp_path.iterdir()] == ["k.db"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are POSIX ones")
def test_a_file_on_a_medium_that_is_only_read(tmp_path: Path) -> None:
    """Though it keeps a write-ahead log, which could not be made there."""
    folder = Path(tempfile.mkdtemp(prefix="rekall-test-"))
    try:
        path = databases.unpack("v12.db", folder)
        folder.chmod(0o555)
        path.chmod(0o444)
        code = (
            "import os, sys\nfrom pathlib import Path\nfrom rekall.sync import load_entries_from_external_db\n"
            "load_entries_from_external_db(Path(sys.argv[2]))\n"  # what is imported late is imported before
            "if os.geteuid() == 0:\n    os.setgid(65534)\n    os.setuid(65534)\n"
            "print(len(load_entries_from_external_db(Path(sys.argv[1]))))"
        )
        folder.chmod(0o555)
        assert processes.run(code, path, databases.unpack("v12.db", tmp_path)) == "42\n"
    finally:
        folder.chmod(0o755)
        path.unlink()
        folder.rmdir()


def test_files_that_are_no_base(tmp_path: Path) -> None:
    """Each is told from the others, on one line, and left as it is."""
    (tmp_path / "text.db").write_text("not a database " * 100)
    (tmp_path / "short.db").write_text("x")
    (tmp_path / "empty.db").touch()
    (tmp_path / "folder.db").mkdir()
    raw.write(tmp_path / "other.db", "CREATE TABLE notes (id TEXT)")
    raw.write(tmp_path / "entries.db", "CREATE TABLE entries (id TEXT, title TEXT)")
    raw.write(databases.unpack("v12.db", tmp_path).rename(tmp_path / "newer.db"), "PRAGMA user_version = 99")
    raw.write(
        databases.unpack("v11.db", tmp_path).rename(tmp_path / "time.db"),
        "UPDATE entries SET created_at = 'yesterday' WHERE id = '01JT2ZMQH0N86R51EC3QBEHDN3'",
    )
    raw.write(databases.unpack("v10.db", tmp_path).rename(tmp_path / "tags.db"), "DROP TABLE tags")
    damaged = databases.unpack("v09.db", tmp_path).rename(tmp_path / "damaged.db")
    content = bytearray(damaged.read_bytes())
    content[4096 : len(content)] = b"\xff" * (len(content) - 4096)
    damaged.write_bytes(content)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    expected = {
        "none.db": "File not found: ",
        "text.db": "Database error: ",
        "short.db": "Database error: ",
        "damaged.db": "Database error: ",
        "tags.db": "Database error: ",
        "empty.db": "Not a valid Rekall database: ",
        "other.db": "Not a valid Rekall database: ",
        "entries.db": "Not a valid Rekall database: ",
        "newer.db": "Not a valid Rekall database: ",
        "folder.db": "Cannot open database: ",
        "time.db": "Error reading entries: entry 01JT2ZMQH0N86R51EC3QBEHDN3 ",
    }
    for name, message in expected.items():
        with pytest.raises(ValueError, match=f"^{message}") as refused:
            load_entries_from_external_db(tmp_path / name)
        assert "\n" not in str(refused.value)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before
