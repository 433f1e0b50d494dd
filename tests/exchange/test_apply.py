"""An import does what its plan says, all of it or nothing, also while others write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import processes, raw
from support.incoming import Given, entry_record, given, link_record, vector_record

from rekall.db import Database
from rekall.errors import DatabaseBusyError, ImportRefusedError
from rekall.exchange.apply import ImportReport, apply_plan
from rekall.exchange.plan import build_plan
from rekall.exchange.records import Incoming, Record
from rekall.models import Entry, Source, StructuredContext
from rekall.store.context_codec import compress_context

CONTEXT = StructuredContext("The imported situation", "A solution", ["imported"], created_at=datetime(2025, 12, 20))
OWN_CONTEXT = StructuredContext("My own situation", "A solution", ["own"], created_at=datetime(2025, 12, 20))
MINE = Entry("1", "Title", "bug", "Content", project="p", tags=["a"], created_at=datetime(2025, 12, 1))
THEIRS = replace(MINE, title="Other", tags=["b", "c"], memory_type="semantic", created_at=datetime(2025, 11, 1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "k.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    with Database(path) as opened:
        yield opened


def brought(db: Database, incoming: Incoming, strategy: str = "skip", **options: Any) -> ImportReport:
    """Import something."""
    return apply_plan(db, build_plan(db, incoming), strategy, **options)


def read(db: Database) -> dict[str, Entry]:
    return {entry.id: entry for entry in db.list_all(include_obsolete=True, limit=-1)}


def elsewhere(code: str, path: Path) -> str:
    """What Python code prints in another process that has the base open as `db`."""
    head = "import sys\nfrom pathlib import Path\nfrom rekall.db import Database\nfrom rekall.models import *\n"
    return processes.run(f"{head}with Database(Path(sys.argv[1])) as db:\n    {code}", path)


def test_a_new_entry_keeps_everything(db: Database) -> None:
    """Its use and its review schedule too."""
    entry = replace(
        THEIRS,
        last_accessed=datetime(2025, 12, 2),
        access_count=7,
        consolidation_score=0.5,
        next_review=datetime(2026, 1, 1).date(),
        review_interval=9,
        ease_factor=2.1,
        status="obsolete",
    )
    report = brought(db, given(entry))
    assert (report.added, report.skipped) == (1, 0)
    assert read(db) == {"1": entry}
    assert [hit.entry.id for hit in db.search("other", include_obsolete=True)] == ["1"]


def test_chains_and_circles_of_successors(db: Database) -> None:
    """In any order; and one that names itself."""
    successors = {"1": "2", "2": "3", "3": "1", "4": "4", "5": None, "6": "5"}
    brought(db, given(*(Entry(one, "Title", "bug", superseded_by=other) for one, other in successors.items())))
    assert {entry.id: entry.superseded_by for entry in read(db).values()} == successors


def test_what_is_named_and_nowhere_is_left_out(db: Database) -> None:
    """A successor comes in as none, a link not at all; a second import changes nothing."""
    incoming = Given(entry_record(replace(THEIRS, superseded_by="nowhere")), link_record("1", "nowhere"))
    report = brought(db, incoming)
    assert (report.added, report.left_out, report.others) == (1, 2, {"links": 0})
    assert read(db)["1"].superseded_by is None
    assert brought(db, incoming, "replace").identical == 1


@pytest.mark.parametrize("strategy", ["skip", "merge"])
def test_the_own_entry_stays(db: Database, strategy: str) -> None:
    """Whatever comes."""
    db.add(replace(MINE))
    before = read(db)["1"]
    brought(db, given(THEIRS), strategy)
    assert read(db)["1"] == before


def test_replace_writes_eight_fields_and_the_time(db: Database) -> None:
    """Everything else stays as use made it."""
    db.add(replace(MINE, access_count=3, review_interval=5))
    db.add(Entry("2", "T", "bug"))
    db.add_link("1", "2")
    before = read(db)["1"]
    report = brought(db, given(replace(THEIRS, access_count=99, superseded_by="2")), "replace")
    assert (report.replaced, report.skipped) == (1, 0)
    after = read(db)["1"]
    assert after.updated_at == report.moment
    assert after == replace(
        before, title="Other", tags=["b", "c"], superseded_by="2", updated_at=after.updated_at, project="p"
    )
    assert db.count_links("1") == 1
    assert [hit.entry.id for hit in db.search("other c")] == ["1"]
    assert db.search("title a") == [] or db.search("title a")[0].matched == "some"


def test_replace_empties_what_is_left_out(db: Database) -> None:
    """A record says nothing of a project, a successor, a content: the entry that comes has none."""
    db.add(Entry("2", "T", "bug"))
    db.add(replace(MINE, superseded_by="2", status="obsolete", confidence=5))
    left_out = ("project", "superseded_by", "content", "status", "confidence", "tags")
    incoming = Given(entry_record(THEIRS, None, **dict.fromkeys(left_out, ...)))
    brought(db, incoming, "replace")
    entry = read(db)["1"]
    assert (entry.project, entry.superseded_by, entry.content, entry.status, entry.confidence, entry.tags) == (
        *(None, None, "", "active", 2, []),
    )
    assert brought(db, incoming, "replace").identical == 1


def test_repeated_tags_count_once(db: Database) -> None:
    """Of new entries, replaced ones and copies."""
    for entry in (replace(MINE), Entry("2", "T", "bug")):
        db.add(entry)
    for strategy, tags in (("replace", ["x", "y", "x"]), ("merge", ["z", "z"])):
        brought(db, given(replace(MINE, tags=tags), Entry("3", "T", "bug", tags=["n", "n"])), strategy)
    assert sorted(entry.tags for entry in read(db).values()) == [[], ["n"], ["x", "y"], ["z"]]


def test_ids_in_two_cases(db: Database) -> None:
    """Are two entries."""
    db.add(Entry("abc", "lower", "bug"))
    brought(db, given(Entry("ABC", "upper", "bug")), "replace")
    assert {entry.id: entry.title for entry in read(db).values()} == {"abc": "lower", "ABC": "upper"}


# copies


def test_merge_takes_what_hangs_on_the_copies(db: Database) -> None:
    """Links between copies, to what is there and to what is new; suggestions, vectors and successors."""
    for entry_id in ("1", "2", "3"):
        db.add(Entry(entry_id, "Mine", "bug"))
    db.add_link("1", "2")
    suggestion = {
        "id": "s",
        "suggestion_type": "link",
        "entry_ids": json.dumps(["1", "3"]),
        "reason": None,
        "score": 0.5,
        "status": "pending",
        "created_at": "2025-12-20T10:00:00",
        "resolved_at": None,
    }
    incoming = Given(
        link_record("1", "2"),
        link_record("2", "3", "derived_from"),
        link_record("4", "1"),
        Record("suggestions", suggestion, "a suggestion"),
        vector_record("1", "summary", 1),
        entry_record(Entry("1", "Theirs 1", "bug", superseded_by="2", memory_type="semantic", access_count=5)),
        entry_record(Entry("2", "Theirs 2", "bug", superseded_by="1")),
        entry_record(Entry("3", "Mine", "bug")),
        entry_record(Entry("4", "New", "bug", superseded_by="2")),
    )
    report = brought(db, incoming, "merge")
    assert (report.added, report.merged, report.identical) == (1, 2, 1)
    assert report.others == {"links": 3, "suggestions": 1, "embeddings": 1}
    found = read(db)
    one, two = (next(entry for entry in found.values() if entry.title == f"Theirs {number}") for number in (1, 2))
    assert (one.superseded_by, two.superseded_by, found["4"].superseded_by) == (two.id, one.id, two.id)
    assert (one.memory_type, one.access_count, one.updated_at) == ("semantic", 0, report.moment)
    links = {(link.source_id, link.target_id) for entry in found for link in db.get_links(entry, direction="outgoing")}
    assert links == {("1", "2"), (one.id, two.id), (two.id, "3"), ("4", one.id)}
    assert db.get_suggestions("pending")[0].entry_ids == [one.id, "3"]
    assert [vector.entry_id for vector in db.get_all_embeddings()] == [one.id]


def test_a_second_merge_makes_second_copies(db: Database) -> None:
    """With links of their own."""
    for entry_id in ("1", "2"):
        db.add(Entry(entry_id, "Mine", "bug"))
    incoming = Given(*(entry_record(Entry(each, "Theirs", "bug")) for each in ("1", "2")), link_record("1", "2"))
    reports = [brought(db, incoming, "merge") for _ in range(2)]
    assert [(report.merged, report.others) for report in reports] == [(2, {"links": 1})] * 2
    assert len(read(db)) == 6


# contexts and vectors


@pytest.mark.parametrize("strategy", ["skip", "replace", "merge"])
def test_an_identical_entry_gets_the_context_that_it_lacks(db: Database, strategy: str) -> None:
    """And can be found by it; one that has the same stays as it is."""
    db.add(Entry("1", "Title", "bug"))
    db.add(Entry("2", "Title", "bug"), context=CONTEXT)
    before = read(db)
    incoming = Given(*(entry_record(Entry(each, "Title", "bug"), CONTEXT) for each in ("1", "2")))
    assert brought(db, incoming, strategy).identical == 2
    assert read(db) == before
    assert db.contexts.get_structured_contexts(["1", "2"]) == {"1": CONTEXT, "2": CONTEXT}
    assert sorted(entry.id for entry in db.search_by_keywords(["imported"])) == ["1", "2"]
    assert sorted(hit.entry.id for hit in db.search("imported situation") if hit.matched == "context") == ["1", "2"]


def test_another_context_is_a_difference(db: Database) -> None:
    """Nothing of it is lost in silence: it is left, taken, or comes with a copy."""
    db.add(Entry("1", "Title", "bug"), context=OWN_CONTEXT)
    incoming = Given(entry_record(Entry("1", "Title", "bug"), CONTEXT))
    assert brought(db, incoming, "skip").conflicts_left == 1
    assert db.get_structured_context("1") == OWN_CONTEXT
    assert brought(db, incoming, "merge").merged == 1
    (copy,) = set(read(db)) - {"1"}
    assert db.contexts.get_structured_contexts(["1", copy]) == {"1": OWN_CONTEXT, copy: CONTEXT}
    assert brought(db, incoming, "replace").replaced == 1
    assert db.get_structured_context("1") == CONTEXT
    assert brought(db, incoming, "replace").identical == 1


def test_a_replaced_entry_takes_the_context_that_comes(db: Database) -> None:
    """With its keywords; without one it keeps its own."""
    for entry_id in ("1", "2"):
        db.add(Entry(entry_id, "Title", "bug"), context=OWN_CONTEXT)
    incoming = Given(entry_record(Entry("1", "Other", "bug"), CONTEXT), entry_record(Entry("2", "Other", "bug")))
    assert brought(db, incoming, "replace").replaced == 2
    assert db.contexts.get_structured_contexts(["1", "2"]) == {"1": CONTEXT, "2": OWN_CONTEXT}
    assert [entry.id for entry in db.search_by_keywords(["own"])] == ["2"]


@pytest.mark.parametrize("strategy", ["skip", "replace", "merge"])
def test_contexts_that_only_python_reads_are_searched(strategy: str, db: Database, path: Path) -> None:
    """Nothing waits afterwards: of a new entry, of an identical one, of a replaced one, of a copy."""
    for entry_id in ("1", "2"):
        db.add(Entry(entry_id, "Mine", "bug"))
    packed = compress_context("zebra")
    titles = {"1": "Mine", "2": "Theirs", "3": "New"}
    incoming = Given(
        *(entry_record(Entry(one, title, "bug"), context_compressed=packed) for one, title in titles.items())
    )
    brought(db, incoming, strategy)
    assert raw.rows(path, "SELECT count(*) FROM rekall_context_pending") == [(0,)]
    titles_found = sorted(hit.entry.title for hit in db.search("zebra"))
    assert titles_found == (["Mine", "New"] if strategy == "skip" else ["Mine", "New", "Theirs"])


def vectors(db: Database) -> set[tuple[str, str, int]]:
    return {(one.entry_id, one.embedding_type, one.vector[0]) for one in db.get_all_embeddings()}


def test_no_vector_of_another_text_stays_or_comes(db: Database, path: Path) -> None:
    """Of a text that was replaced, or that stays while another one's vector comes; wherever the vectors stand."""
    for entry_id in "1234":
        db.add(Entry(entry_id, "Mine", "bug"), context=OWN_CONTEXT)
    with raw.connection(path) as opened:
        for entry_id in "123":
            for kind in ("summary", "context"):
                values = vector_record(entry_id, kind, 1).values
                places = ", ".join(f":{name}" for name in values)
                opened.execute(f"INSERT INTO embeddings VALUES ({places})", values)
        opened.commit()
    mine = vectors(db)
    incoming = Given(
        *(vector_record(entry_id, "summary", 2) for entry_id in "1345"),
        entry_record(Entry("1", "Theirs", "bug"), CONTEXT),
        entry_record(Entry("2", "Theirs", "bug")),
        entry_record(Entry("3", "Mine", "bug", status="obsolete"), CONTEXT),
        entry_record(Entry("4", "Mine", "bug")),
        entry_record(Entry("5", "New", "bug"), CONTEXT),
        *(vector_record(entry_id, "context", 2) for entry_id in "1345"),
    )
    brought(db, incoming, "skip")
    new = {("4", "summary", 2), ("5", "summary", 2), ("5", "context", 2)}
    assert vectors(db) == mine | new
    brought(db, incoming, "replace")
    assert vectors(db) == new | {("1", "summary", 2), ("1", "context", 2), ("3", "summary", 1), ("3", "context", 2)}


# all or nothing


def refused(db: Database, incoming: Incoming, path: Path, strategy: str = "skip") -> str:
    """The message of an import that writes nothing."""
    before = raw.all_rows(path)
    with pytest.raises(ImportRefusedError) as error:
        brought(db, incoming, strategy)
    assert raw.all_rows(path) == before
    return str(error.value)


def test_one_bad_row_and_nothing_comes(db: Database, path: Path) -> None:
    """The message says which; the work is not tried again."""
    db.add(replace(MINE))
    incoming = Given(entry_record(THEIRS), entry_record(Entry("2", "T", "bug")), link_record("2", "2"))
    for strategy in ("skip", "replace", "merge"):
        incoming.readings = 0
        assert refused(db, incoming, path, strategy).startswith("the link from 2 to 2 cannot be imported, nothing was")
        assert incoming.readings == 3


class Changing:
    """Other records at each reading."""

    name, total = "notes.json", 0

    def __init__(self, *readings: list[Record]) -> None:
        self._readings = list(readings)

    def records(self) -> Iterator[Record]:
        yield from self._readings.pop(0)

    def close(self) -> None:
        pass


ONE, TWO = (entry_record(Entry(each, "T", "bug")) for each in ("1", "2"))


@pytest.mark.parametrize("second", [[ONE], [ONE, TWO, link_record("1", "2")], [ONE, entry_record(THEIRS, id="3")], []])
def test_what_changes_while_it_is_read(db: Database, path: Path, second: list[Record]) -> None:
    """More, less or something else than was looked at: nothing of it comes."""
    message = refused(db, Changing([ONE, TWO], second), path)
    assert message == "notes.json was changed while it was read, nothing was imported: import it again"


def test_a_backup_that_fails_is_the_end(db: Database, path: Path) -> None:
    """Nothing is replaced without it."""
    db.add(replace(MINE))

    def fail() -> None:
        raise ImportRefusedError("no room")

    before = raw.all_rows(path)
    with pytest.raises(ImportRefusedError, match="no room"):
        brought(db, given(THEIRS), "replace", before_replacing=fail)
    assert raw.all_rows(path) == before
    for strategy in ("skip", "merge"):
        brought(db, given(THEIRS), strategy, before_replacing=fail)


def test_ctrl_c_in_the_middle(db: Database, path: Path) -> None:
    """Leaves the base as it was, and usable."""

    def stop(done: int, total: int) -> None:
        if done > 100:
            raise KeyboardInterrupt

    entries = [Entry(f"{number:03}", "T", "bug") for number in range(300)]
    plan = build_plan(db, given(*entries))
    with pytest.raises(KeyboardInterrupt):
        apply_plan(db, plan, on_progress=stop)
    assert raw.counts(path)["entries"] == 0
    told: list[tuple[int, int]] = []
    apply_plan(db, plan, on_progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 300)
    assert told[-1] == (300, 300)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_kill_in_the_middle(path: Path) -> None:
    """The base is as it was before."""
    code = """
import sys, time
from pathlib import Path
from support.incoming import given
from rekall.db import Database
from rekall.exchange.apply import apply_plan
from rekall.exchange.plan import build_plan
from rekall.models import Entry
def tell(done, total):
    if done > 1000:
        print("half", flush=True)
        time.sleep(60)
with Database(Path(sys.argv[1])) as db:
    plan = build_plan(db, given(*(Entry(f"{number:04}", "T", "bug", "x" * 5000) for number in range(2000))))
    apply_plan(db, plan, on_progress=tell)
"""
    with Database(path) as db:
        db.add(replace(MINE))
    before = raw.all_rows(path)
    tests = Path(__file__).parents[1]
    process = processes.start(f"import sys; sys.path.insert(0, {str(tests)!r})\n{code}", path)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    process.kill()
    process.communicate()
    assert raw.all_rows(path) == before
    with Database(path) as db:
        assert brought(db, given(Entry("2", "T", "bug"))).added == 1


# others write too


def test_an_entry_that_was_changed_after_the_backup(db: Database, path: Path) -> None:
    """Is backed up once more before it is replaced: the change is in the second backup."""
    db.add(replace(MINE))
    kept: list[str] = []

    def back_up() -> None:
        kept.append(read(db)["1"].title)
        if len(kept) == 1:
            elsewhere("entry = db.get('1'); entry.title = 'Changed'; db.update(entry)", path)

    assert brought(db, given(THEIRS), "replace", before_replacing=back_up).replaced == 1
    assert kept == ["Title", "Changed"]
    assert read(db)["1"].title == "Other"


@pytest.mark.parametrize(
    "change",
    [
        "db.store_context('1', 'other words')",
        "db.store_structured_context('1', StructuredContext('My own situatioN', 'A solution', ['own']))",
    ],
)
def test_a_context_that_was_changed_after_the_backup(db: Database, path: Path, change: str) -> None:
    """Though the entry says nothing of it."""
    db.add(replace(MINE), context=OWN_CONTEXT, context_text="some words")
    backups: list[int] = []

    def back_up() -> None:
        backups.append(1)
        if len(backups) == 1:
            elsewhere(change, path)

    brought(db, Given(entry_record(THEIRS, CONTEXT)), "replace", before_replacing=back_up)
    assert len(backups) == 2
    assert db.get_structured_context("1") == CONTEXT


def test_reading_an_entry_is_no_change(db: Database, path: Path) -> None:
    """Nobody has to wait for people who search."""
    db.add(replace(MINE))
    backups: list[int] = []

    def back_up() -> None:
        backups.append(1)
        elsewhere("db.get('1')", path)

    brought(db, given(THEIRS), "replace", before_replacing=back_up)
    assert len(backups) == 1
    assert read(db)["1"].access_count == 1


def test_a_base_that_keeps_changing(db: Database, path: Path) -> None:
    """Is left alone after some attempts."""
    db.add(replace(MINE))
    incoming = given(THEIRS)
    with pytest.raises(DatabaseBusyError, match=r"^nothing was imported, other programs keep changing"):
        brought(
            db,
            incoming,
            "replace",
            before_replacing=lambda: elsewhere("entry = db.get('1'); db.update(entry)", path) and None,
        )
    assert read(db)["1"].title == "Title"


@pytest.mark.parametrize(
    ("strategy", "title", "counts"),
    [("skip", "Sooner", (0, 0, 0, 1)), ("replace", "Other", (0, 1, 0, 0)), ("merge", "Sooner", (0, 0, 1, 0))],
)
def test_an_entry_that_another_process_added(
    db: Database, path: Path, strategy: str, title: str, counts: tuple[int, ...]
) -> None:
    """Was new when the plan was made, and is not any more; it is backed up before it is replaced."""
    plan = build_plan(db, given(THEIRS))
    assert list(plan.new) == ["1"]
    elsewhere("db.add(Entry('1', 'Sooner', 'bug'))", path)
    backups: list[str] = []
    report = apply_plan(db, plan, strategy, before_replacing=lambda: backups.append(read(db)["1"].title))
    assert (report.added, report.replaced, report.merged, report.conflicts_left) == counts
    assert read(db)["1"].title == title
    assert backups == (["Sooner"] if strategy == "replace" else [])


@pytest.mark.parametrize("strategy", ["skip", "replace", "merge"])
def test_an_entry_that_another_process_deleted(db: Database, path: Path, strategy: str) -> None:
    """Differed when the plan was made; what names it comes with it."""
    db.add(replace(MINE))
    incoming = Given(
        entry_record(THEIRS), entry_record(Entry("2", "T", "bug", superseded_by="1")), link_record("1", "2")
    )
    plan = build_plan(db, incoming)
    elsewhere("db.delete('1')", path)
    apply_plan(db, plan, strategy)
    found = read(db)
    assert sorted(entry.title for entry in found.values()) == ["Other", "T"]
    assert found[found["2"].superseded_by or ""].title == "Other"
    assert db.count_links("2") == 1


def test_what_is_named_was_deleted(db: Database, path: Path) -> None:
    """An entry that does not come: the link to it is left out after all."""
    db.add(replace(MINE))
    incoming = Given(entry_record(Entry("2", "T", "bug", superseded_by="1")), link_record("2", "1"))
    plan = build_plan(db, incoming)
    assert plan.left_out == 0
    elsewhere("db.delete('1')", path)
    report = apply_plan(db, plan)
    assert (report.added, report.left_out, report.others) == (1, 2, {"links": 0})


def test_a_source_that_stands_for_another_was_deleted(db: Database, path: Path) -> None:
    """The one that comes takes its place."""
    db.add_source(Source("mine", "example.org"))
    made = {"created_at": "2025-12-20T10:00:00"}
    columns = {"source_type": "url", "source_ref": "https://example.org/", **made}
    incoming = Given(
        Record("sources", {"id": "theirs", "domain": "example.org", "url_pattern": None, **made}, "a source"),
        entry_record(Entry("2", "T", "bug")),
        Record("entry_sources", {"id": "1", "entry_id": "2", "source_id": "theirs", **columns}, "a citation"),
    )
    plan = build_plan(db, incoming)
    assert plan.same_source == {"theirs": "mine"}
    apply_plan(db, plan)
    assert (
        raw.rows(path, "SELECT id FROM sources") == raw.rows(path, "SELECT source_id FROM entry_sources") == [("mine",)]
    )
    db.delete("2")
    plan = build_plan(db, incoming)
    elsewhere("db.delete_source('mine')", path)
    apply_plan(db, plan)
    assert raw.rows(path, "SELECT id FROM sources") == raw.rows(path, "SELECT source_id FROM entry_sources")
    assert raw.rows(path, "SELECT id FROM sources") == [("theirs",)]


def test_four_imports_of_the_same_at_the_same_time(path: Path, tmp_path: Path) -> None:
    """Each entry comes once, each import ends well, and together they count what came."""
    with Database(path):
        pass
    code = f"""
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from support.incoming import given
from rekall.exchange.apply import apply_plan
from rekall.exchange.plan import build_plan
from rekall.models import Entry
entries = [Entry(f"{{number:04}}", "T", "bug", tags=["a"]) for number in range(200)]
with Database(Path(sys.argv[2])) as db:
    for own in range(5):
        db.add(Entry(f"{{sys.argv[3]}} {{own}}", "Own", "bug"))
        report = apply_plan(db, build_plan(db, given(*entries[own * 40:own * 40 + 40])), sys.argv[4])
        print(report.added, report.skipped)
"""
    arguments = [(path, number, strategy) for number, strategy in enumerate(["skip", "replace", "merge", "skip"])]
    outputs = processes.run_together(code, arguments, tmp_path / "gate")
    counts = [[int(word) for word in line.split()] for output in outputs for line in output.splitlines()]
    assert sum(added for added, _ in counts) == 200
    assert sum(skipped for _, skipped in counts) == 600
    assert raw.counts(path)["entries"] == 220
    assert raw.counts(path)["tags"] == 200


@pytest.mark.long
def test_a_hundred_thousand_entries_in_conflict(db: Database) -> None:
    """Each is replaced, with one state for each and in one batch."""
    moment = datetime(2025, 12, 20)
    entries = [Entry(f"{number:06}", "Mine", "bug", created_at=moment + timedelta(number)) for number in range(100_000)]
    assert brought(db, given(*entries)).added == len(entries)
    others = [replace(entry, title="Theirs", superseded_by="nowhere", tags=["t"]) for entry in entries]
    assert brought(db, given(*others), "replace").replaced == 100_000
    assert brought(db, given(*others)).identical == 100_000
