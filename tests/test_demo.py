"""The demo as a person runs it, and the knowledge that it loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import knowledge
import pytest

from rekall.db import Database
from rekall.errors import InvalidValueError

ROOT = Path(__file__).parents[1]
OURS = ROOT / "docs" / "knowledge.json"


@pytest.fixture
def records() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(OURS.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def db(tmp_path: Path) -> Database:
    made = Database(tmp_path / "knowledge.db")
    made.init()
    return made


def test_the_demo_works_within_a_minute_on_80_columns_and_leaves_nothing(tmp_path: Path) -> None:
    """The demo checks its own answers; here: it ends well, in time, legibly, and cleans up."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "demo_run.py"],
        env={**os.environ, "TMPDIR": str(folder)},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - started < 60
    assert "\x1b" not in done.stdout
    # a path of the throw-away folder may be longer
    assert [line for line in done.stdout.splitlines() if len(line) > 80 and str(folder) not in line] == []
    for part in ("$ rekall migrate", "$ rekall search", "$ rekall add", "$ rekall show", "$ rekall mcp", "> rekall_"):
        assert part in done.stdout
    assert list(folder.iterdir()) == []


def test_the_demo_fails_when_an_answer_is_wrong(tmp_path: Path) -> None:
    """Without the old base that it migrates there is nothing to show, and the exit code says so."""
    copy = tmp_path / "checkout"
    (copy / "tools").mkdir(parents=True)
    (copy / "docs").mkdir()
    for name in ("tools/demo_run.py", "tools/knowledge.py", "tools/terminal.py"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    base = copy / "tests" / "data" / "databases" / "v05.db.xz"
    base.parent.mkdir(parents=True)
    base.write_bytes((ROOT / base.relative_to(copy)).read_bytes())
    (copy / "docs" / "knowledge.json").write_text("[]", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, copy / "tools" / "demo_run.py"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: the demo failed: knowledge.json holds no entries or no links"


def test_our_knowledge_is_loaded_whole(db: Database, records: list[dict[str, Any]]) -> None:
    """Every entry arrives with its context, and every link with its reason."""
    loaded = knowledge.load(db, OURS)
    assert loaded == knowledge.Loaded(len(records), sum(len(record["links"]) for record in records))
    for record in records:
        entry = db.get(record["id"], update_access=False)
        assert entry is not None
        assert (entry.title, entry.content, entry.type) == (record["title"], record["content"], record["type"])
        assert entry.tags == sorted(record["tags"])
        assert entry.created_at.isoformat() == record["created_at"]
        context = db.get_structured_context(entry.id)
        assert context is not None
        assert context.situation == record["context"]["situation"]
        assert context.trigger_keywords == record["context"]["trigger_keywords"]
        links = [(link.target_id, link.relation_type, link.reason) for link in db.get_links(entry.id, None, "outgoing")]
        assert links == [(link["target_id"], link["type"], link["reason"]) for link in record["links"]]


def test_loading_again_adds_nothing(db: Database) -> None:
    """A base that has the entries already keeps them, with what was changed since."""
    knowledge.load(db, OURS)
    assert knowledge.load(db, OURS) == knowledge.Loaded(0, 0)


@pytest.mark.parametrize(
    "question",
    [
        "why is retry decided by the back end?",
        "pip installs nothing same version wheel",
        "second connection empties page cache",
    ],
)
def test_a_maintainer_finds_the_answer(db: Database, question: str) -> None:
    """A question in plain words is answered by our own entry, among the first three."""
    knowledge.load(db, OURS)
    wanted = {"why": "Retry is decided", "pip": "pip keeps an installed wheel", "second": "A write by a second"}
    start = wanted[question.partition(" ")[0]]
    assert any(hit.entry.title.startswith(start) for hit in db.search(question, limit=3))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "cannot be read"),
        ('[{"id": "A", "title": "t", "type": "opinion"}]', "A is malformed: invalid type 'opinion'"),
        ('[{"id": "A", "title": "t", "type": "bug", "context": {"situation": "s"}}]', "A is malformed"),
        ('["A"]', "'A' is malformed"),
        (
            '[{"id": "A", "title": "t", "type": "bug", "links": [{"target_id": "B", "type": "related"}]}]',
            "a link of A is refused: Target entry not found: B",
        ),
    ],
)
def test_a_malformed_file_is_named_with_its_entry(db: Database, tmp_path: Path, text: str, expected: str) -> None:
    """Whoever edits the file by hand is told where the mistake is."""
    file = tmp_path / "ours.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidValueError, match=r"ours\.json") as caught:
        knowledge.load(db, file)
    assert expected in str(caught.value)


def test_an_entry_may_stand_before_the_one_that_replaces_it(db: Database, tmp_path: Path) -> None:
    """Newest first is the order of an export, and any other order loads as well."""
    old = {"id": "A", "title": "old", "type": "bug", "status": "obsolete", "superseded_by": "B"}
    new = {"id": "B", "title": "new", "type": "bug", "next_review": "2026-01-31"}
    file = tmp_path / "ours.json"
    file.write_text(json.dumps([old, new]), encoding="utf-8")
    assert knowledge.load(db, file).entries == 2
    entry = db.get("A", update_access=False)
    assert entry is not None
    assert entry.superseded_by == "B"
