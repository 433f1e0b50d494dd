"""Many processes and threads on one file: no error, nothing lost, one migration, exact counts."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support import databases, processes, raw

from rekall.db import Database
from rekall.models import Entry, calculate_consolidation_score

PROCESSES = 12
OPERATIONS = 30

_WORK = """
from rekall.models import Entry, StructuredContext
path, worker, operations = Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
db = Database(path)
db.init()
mine = []
for number in range(operations):
    name = f"W{worker:02}-{number:02}"
    step = number % 5
    if step in (0, 1):
        context = StructuredContext(f"situation of {name}", f"solution of {name}", [f"key{worker}"]) if step else None
        db.add(Entry(name, f"title {name} common", "bug", content=f"word{worker}", tags=["shared", f"w{worker}"]),
               context=context)
        mine.append(name)
    elif step == 2:
        found = {hit.entry.id for hit in db.search(f"word{worker}", limit=100)}
        assert found == set(mine), (found, mine)
    elif step == 3:
        entry = db.get(mine[-1])
        entry.content += f" changed{number}"
        db.update(entry)
    else:
        db.add_link(mine[-2], mine[-1], "related", "made together")
db.close()
print(*mine)
"""


def together(folder: Path, round_number: int) -> None:
    """One round: the processes open one fresh path at the same moment and work on it."""
    folder = folder / str(round_number)
    folder.mkdir()
    path = folder / "base" / "knowledge.db"
    work = [(path, worker, OPERATIONS) for worker in range(PROCESSES)]
    outputs = processes.run_together(_WORK, work, folder / "gate")
    acknowledged = {entry_id for output in outputs for entry_id in output.split()}
    adds = OPERATIONS * 2 // 5
    assert len(acknowledged) == PROCESSES * adds
    with Database(path) as db:
        entries = {entry.id: entry for entry in db.list_all(limit=-1)}
        assert set(entries) == acknowledged
        assert all(entry.tags == ["shared", f"w{int(entry.id[1:3])}"] for entry in entries.values())
        assert sum("changed" in entry.content for entry in entries.values()) == PROCESSES * OPERATIONS // 5
        assert db.links.count() == PROCESSES * OPERATIONS // 5
        assert {hit.entry.id for hit in db.search("common", limit=-1)} == acknowledged
        assert len(db.search_by_keywords([f"key{n}" for n in range(PROCESSES)], limit=-1)) == PROCESSES * adds // 2
        assert db.maintenance.full_text_health().is_sound
        assert db.maintenance.integrity_problems() == []
        assert db.maintenance.derived_problems() == []


def test_processes_open_one_fresh_path_together(tmp_path: Path) -> None:
    """Add, search, get, update and link, all at once from the first moment on: 0 errors, 0 lost."""
    for number in range(3):
        together(tmp_path, number)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_processes_open_one_fresh_path_together_twenty_times(tmp_path: Path) -> None:
    """The same twenty times over: 0.3.0 failed 123 of 360."""
    for number in range(20):
        together(tmp_path, number)


_OPEN_OLD = """
path = Path(sys.argv[2])
db = Database(path)
db.init()
print(db.backup_made or "", len(db.list_all(include_obsolete=True, limit=1000)), db.get_schema_version())
db.get("01JQ14HDH0P4EKWCYY8MCWHCT7")
db.close()
"""


def migrate_together(name: str, folder: Path) -> None:
    folder.mkdir()
    path = databases.unpack(name, folder)
    before = raw.all_rows(path)
    # schema 1 says 1 where no access had been counted
    known = databases.expected()["files"][name]["user_version"] > 0
    column = "access_count" if known else "1"
    ((count_before,),) = raw.rows(path, f"SELECT {column} FROM entries WHERE id = '01JQ14HDH0P4EKWCYY8MCWHCT7'")
    outputs = processes.run_together(_OPEN_OLD, [(path,)] * 8, folder / "gate")
    assert {tuple(output.split()[-2:]) for output in outputs} == {("42", "12")}
    made = [output.split()[0] for output in outputs if len(output.split()) == 3]
    assert len(made) == 1
    assert [str(backup) for backup in (folder / "backups").glob("knowledge_*")] == made
    assert raw.all_rows(Path(made[0])) == before
    with Database(path) as db:
        wanted = databases.opened(name)
        assert [entry.id for entry in db.list_all(limit=100)] == wanted["list_all_ids_newest_first"]["active"]
        for recorded in wanted["entries"].values():
            entry = db.get(recorded["id"], update_access=False)
            assert entry is not None
            assert (entry.title, entry.tags) == (recorded["title"], recorded["tags"])
        counted = db.get("01JQ14HDH0P4EKWCYY8MCWHCT7", update_access=False)
        assert counted is not None
        assert counted.access_count == count_before + 8
        assert db.maintenance.full_text_health().is_sound
        assert db.maintenance.integrity_problems() == []


@pytest.mark.parametrize("name", ["v00.db", "v05.db"])
def test_processes_open_an_old_file_together(name: str, tmp_path: Path) -> None:
    """One migration, exactly one backup, everything there, every count counted."""
    for number in range(2):
        migrate_together(name, tmp_path / str(number))


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", databases.NAMES[:-1])
def test_processes_open_every_old_file_together(name: str, tmp_path: Path) -> None:
    """Every schema, several times."""
    for number in range(5):
        migrate_together(name, tmp_path / str(number))


_PREPARE = """
with Database(Path(sys.argv[2])) as db:
    print(*sorted(hit.entry.id for hit in db.search("heartbeats", limit=-1)), db.backup_made)
"""


def test_processes_prepare_a_file_of_0_3_together(tmp_path: Path) -> None:
    """The first counted search of a current file makes the derived objects: once, whoever comes first."""
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = databases.unpack("v12.db", folder)
        outputs = processes.run_together(_PREPARE, [(path,)] * 8, folder / "gate")
        (only,) = set(outputs)
        assert only.split()[-1] == "None"
        assert len(only.split()) > 1
        with Database(path) as db:
            assert db.maintenance.derived_problems() == []
            assert db.maintenance.integrity_problems() == []
            contexts = "SELECT count(*), count(DISTINCT id) FROM rekall_context_fts"
            facts = databases.opened("v12.db")
            number_of_them = len(facts["structured_contexts"].keys() | facts["legacy_context_sha256"].keys())
            assert raw.rows(path, contexts) == [(number_of_them, number_of_them)]


_COUNT = """
db = Database(Path(sys.argv[2]))
db.init()
for _ in range(25):
    db.get("A")
    db.search("popular")
db.close()
"""


def test_no_count_is_lost_between_processes(tmp_path: Path) -> None:
    """Each get and each hit counts once, whoever counts at the same time; the score is that of the count."""
    path = tmp_path / "k.db"
    with Database(path) as db:
        db.add(Entry("A", "popular", "bug"))
    processes.run_together(_COUNT, [(path,)] * 8, tmp_path / "gate")
    with Database(path) as db:
        entry = db.get("A", update_access=False)
    assert entry is not None
    assert entry.access_count == 8 * 50
    assert entry.consolidation_score == calculate_consolidation_score(400, 0) == 1.0


def test_no_count_is_lost_between_threads(tmp_path: Path) -> None:
    """One `Database` serves eight threads that read, search, add and count."""
    with Database(tmp_path / "k.db") as db:
        db.add(Entry("A", "popular", "bug"))
        failures: list[BaseException] = []

        def work(worker: int) -> None:
            try:
                for number in range(20):
                    db.get("A")
                    db.search("popular")
                    db.add(Entry(f"{worker}-{number}", "beside", "bug", tags=["t"]))
            except BaseException as error:  # noqa: BLE001  # a thread's failure is reported by the test itself
                failures.append(error)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        entry = db.get("A", update_access=False)
        assert entry is not None
        assert entry.access_count == 8 * 40
        assert len(db.search("beside", limit=-1, update_access=False)) == 160
        assert db.maintenance.full_text_health().is_sound
