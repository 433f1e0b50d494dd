"""0.3.0 and this Rekall on one file, by turns and together: its statements are played as it would issue them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support import databases, legacy, raw
from support.chance import seeded
from support.legacy import Legacy

from rekall.db import Database
from rekall.models import Entry, StructuredContext

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]


@dataclass
class Kept:
    """What an entry must hold."""

    title: str
    content: str
    tags: list[str]
    count: int = 0
    structured: str | None = None
    free: str | None = None


@dataclass
class Pair:
    """One file, both programs on it, and what must be in it."""

    path: Path
    ours: Database
    theirs: Legacy
    kept: dict[str, Kept] = field(default_factory=dict)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return legacy.base_schema(tmp_path_factory.mktemp("schema"))


@pytest.fixture
def pair(tmp_path: Path, schema: list[str]) -> Iterator[Pair]:
    path = tmp_path / "k.db"
    with Database(path) as ours:
        theirs = Legacy(path, schema)
        yield Pair(path, ours, theirs)
        theirs.close()


def context_of(word: str) -> StructuredContext:
    return StructuredContext(
        f"situation {word} here", f"solution {word} there", [f"key{word}"], error_messages=[f"E_{word}"]
    )


def assert_whole(pair: Pair) -> None:
    """No full-text row is lost, doubled or stale, in either table, and each program reads what the other wrote."""
    found = raw.rows(pair.path, "SELECT id, title, content, tags FROM entries_fts ORDER BY id")
    wanted = [(key, one.title, one.content, sorted(one.tags)) for key, one in sorted(pair.kept.items())]
    assert [(key, title, content, sorted((tags or "").split())) for key, title, content, tags in found] == wanted
    contexts = raw.rows(
        pair.path, "SELECT id, situation, solution, keywords, errors, legacy FROM rekall_context_fts ORDER BY id"
    )
    waiting = {row[0] for row in raw.rows(pair.path, "SELECT id FROM rekall_context_pending")}
    assert [row[0] for row in contexts] == [
        key for key, one in sorted(pair.kept.items()) if one.structured is not None or one.free is not None
    ]
    for entry_id, situation, solution, keywords, errors, free in contexts:
        one = pair.kept[entry_id]
        if one.structured is None:
            assert (situation, solution, keywords, errors) == (None,) * 4
        else:
            wanted_context = context_of(one.structured)
            assert (situation, solution) == (wanted_context.situation, wanted_context.solution)
            assert (keywords, errors) == (f"key{one.structured}", f"E_{one.structured}")
        assert free == one.free or (entry_id in waiting and free is None)
    entries = {entry.id: entry for entry in pair.ours.list_all(limit=-1)}
    assert {key: (entry.title, entry.content, entry.tags, entry.access_count) for key, entry in entries.items()} == {
        key: (one.title, one.content, sorted(one.tags), one.count) for key, one in pair.kept.items()
    }


def assert_equal_hits(pair: Pair) -> None:
    """For every word both find the same entries in the same order, and we find contexts, counted or not."""
    for word in WORDS:
        theirs = pair.theirs.search(word)
        uncounted = pair.ours.search(word, limit=-1, update_access=False)
        assert [hit.entry.id for hit in uncounted if hit.matched == "entry"] == theirs
        with_context = {
            key
            for key, one in pair.kept.items()
            if one.structured == word or word in (one.free or "").split() or key in theirs
        }
        assert {hit.entry.id for hit in uncounted} == with_context
        counted = pair.ours.search(word, limit=-1)
        assert [hit.entry.id for hit in counted] == [hit.entry.id for hit in uncounted]
        for hit in counted:
            pair.kept[hit.entry.id].count += 1


def ours_or_theirs(pair: Pair, chance: Random, number: int) -> None:
    """One random operation by one of the two."""
    mine = chance.random() < 0.5
    words = chance.sample(WORDS, 3)
    title, content, tags = (
        f"{words[0]} title",
        f"{words[1]} content",
        sorted(chance.sample(WORDS, chance.randint(0, 3))),
    )
    known = sorted(pair.kept)
    step = chance.choice(["add", "update", "delete", "access", "structured", "free", "search"]) if known else "add"
    key = chance.choice(known) if known else ""
    one = pair.kept.get(key, Kept(title, content, tags))
    if step == "add":
        key = f"{number:05}"
        pair.kept[key] = Kept(title, content, tags)
        if mine:
            pair.ours.add(Entry(key, title, "bug", content=content, tags=tags))
        else:
            pair.theirs.add(key, title, content, tags)
    elif step == "update":
        one.title, one.content, one.tags = title, content, tags
        if mine:
            entry = pair.ours.get(key, update_access=False)
            assert entry is not None
            entry.title, entry.content, entry.tags = title, content, tags
            pair.ours.update(entry)
        else:
            pair.theirs.update(key, title, content, tags)
    elif step == "delete":
        (pair.ours if mine else pair.theirs).delete(key)
        del pair.kept[key]
    elif step == "access":
        one.count += 1
        if mine:
            pair.ours.get(key)
        else:
            pair.theirs.access(key)
    elif step == "structured":
        one.structured = words[2]
        if mine:
            pair.ours.store_structured_context(key, context_of(words[2]))
        else:
            pair.theirs.store_structured_context(key, context_of(words[2]).to_dict())
    elif step == "free":
        one.free = f"free text {words[2]}"
        (pair.ours if mine else pair.theirs).store_context(key, one.free)
    else:
        found = (
            [hit.entry.id for hit in pair.ours.search(f"title:{words[0]}", limit=-1)]
            if mine
            else pair.theirs.search(f"title:{words[0]}", count=True)
        )
        assert found == pair.theirs.search(f"title:{words[0]}")
        for key in found:
            pair.kept[key].count += 1


def play(pair: Pair, rounds: int, operations: int, chance: Random) -> None:
    number = 0
    for round_number in range(rounds):
        for _ in range(operations):
            number += 1
            ours_or_theirs(pair, chance, number)
            if number % 20 == 0:
                assert_whole(pair)
        assert_whole(pair)
        assert_equal_hits(pair)
        pair.theirs.maintain(["vacuum", "rebuild", "optimize"][round_number % 3])
        assert_whole(pair)
        assert_equal_hits(pair)
    assert pair.ours.maintenance.full_text_health().is_sound
    assert pair.ours.maintenance.integrity_problems() == []
    assert pair.ours.maintenance.derived_problems() == []


def test_both_open_and_writing_in_any_order(pair: Pair) -> None:
    """Mixed operations of both connections, with VACUUM, rebuild and optimize between."""
    play(pair, 3, 80, seeded(5))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_both_open_and_writing_in_any_order_for_long(pair: Pair, seed: int) -> None:
    """Six times 300 mixed operations by turns."""
    play(pair, 6, 300, seeded(seed))


def test_by_turns_each_opening_the_file_anew(tmp_path: Path, schema: list[str]) -> None:
    """0.3.0 makes its schema at every open: our triggers stay, and nothing is doubled."""
    path = tmp_path / "k.db"
    kept: dict[str, Kept] = {}
    chance = seeded(6)
    triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    with Database(path):
        pass
    before = raw.rows(path, triggers)
    for turn in range(12):
        if turn % 2:
            with Database(path) as ours:
                key = f"o{turn}"
                ours.add(Entry(key, "alpha ours", "bug", tags=["beta"]), context=context_of("gamma"))
                kept[key] = Kept("alpha ours", "", ["beta"], structured="gamma")
                ours.delete(f"t{turn - 1}")
                kept.pop(f"t{turn - 1}", None)
        else:
            theirs = Legacy(path, schema)
            key = f"t{turn}"
            theirs.add(key, "delta theirs", "epsilon", ["zeta"])
            theirs.add(key + "+", "delta theirs", "epsilon", [])
            theirs.store_structured_context(key + "+", context_of("alpha").to_dict())
            theirs.maintain(chance.choice(["vacuum", "rebuild", "optimize"]))
            theirs.close()
            kept[key] = Kept("delta theirs", "epsilon", ["zeta"])
            kept[key + "+"] = Kept("delta theirs", "epsilon", [], structured="alpha")
        assert raw.rows(path, triggers) == before
        with Database(path) as ours:
            theirs = Legacy(path, schema)
            assert_whole(Pair(path, ours, theirs, kept))
            theirs.close()


def test_a_free_text_that_only_0_3_wrote_is_found_at_once(pair: Pair) -> None:
    """SQL cannot read it: uncounted searches read it themselves, and the next of ours that writes indexes it."""
    pair.theirs.add("A", "title", "content", [])
    pair.ours.set_metadata("session", "is prepared")
    pair.theirs.store_context("A", "the walrus was late")
    assert raw.rows(pair.path, "SELECT id FROM rekall_context_pending") == [("A",)]
    assert [hit.entry.id for hit in pair.ours.search("walrus", update_access=False)] == ["A"]
    assert raw.rows(pair.path, "SELECT id FROM rekall_context_pending") == [("A",)]
    (hit,) = pair.ours.search("walrus")
    assert hit.matched == "context"
    assert raw.rows(pair.path, "SELECT id FROM rekall_context_pending") == []
    pair.theirs.store_context("A", "the narwhal was later")
    assert pair.ours.search("walrus") == []
    assert [hit.entry.id for hit in pair.ours.search("narwhal")] == ["A"]


def test_0_3_reads_what_we_write(pair: Pair) -> None:
    """Tags are found at once, contexts stand in both columns, times have no zone."""
    pair.ours.add(
        Entry("A", "title", "bug", tags=["unusual"], created_at=datetime.fromisoformat("2025-01-01T10:00:00+00:00")),
        context=context_of("beta"),
    )
    assert pair.theirs.search("unusual") == ["A"]
    (row,) = pair.theirs.connection.execute(
        "SELECT created_at, updated_at, last_accessed, context_structured, context_blob FROM entries"
    ).fetchall()
    assert all(datetime.fromisoformat(text).tzinfo is None for text in row[:3])

    assert json.loads(row[3])["trigger_keywords"] == ["keybeta"]
    assert zlib.decompress(row[4]).decode() == row[3]
    assert pair.theirs.connection.execute("SELECT * FROM context_keywords").fetchall() == [("A", "keybeta")]


@pytest.mark.parametrize("name", ["v00.db", "v05.db", "v12.db"])
def test_0_3_goes_on_with_a_file_that_we_migrated(name: str, tmp_path: Path, schema: list[str]) -> None:
    """It opens it, finds all it found before, writes, and we find that."""
    path = databases.unpack(name, tmp_path)
    with Database(path) as ours:
        ours.set_metadata("seen", "by us")
    theirs = Legacy(path, schema)
    try:
        for query, hits in databases.opened(name)["search"].items():
            assert theirs.search(query) == [hit["id"] for hit in hits], query
        for key in [row["id"] for row in databases.opened(name)["entries"].values()]:
            theirs.update(key, "renamed by the other", "content", ["new"])
        theirs.add("A", "added by the other", "content", ["new"])
    finally:
        theirs.close()
    with Database(path) as ours:
        assert ours.maintenance.full_text_health().is_sound
        assert len(ours.search("tags:new", limit=-1)) == len(ours.search('"by the other"', limit=-1)) > 10


@pytest.mark.fault(50)
def test_counting_leaves_the_full_text_rows_alone(pair: Pair) -> None:
    """An access count of either program rewrites nothing in the index: that is what made 0.3.0 slow."""
    pair.theirs.add("A", "alpha", "", [])
    pair.theirs.add("B", "a later row, or the first would get its place back", "", [])
    places = "SELECT rowid, id FROM entries_fts"
    before = raw.rows(pair.path, places)
    pair.theirs.access("A")
    pair.ours.get("A")
    pair.ours.search("alpha")
    assert raw.rows(pair.path, places) == before
    entry = pair.ours.get("A", update_access=False)
    assert entry is not None
    assert entry.access_count == 3


def test_a_malformed_context_of_another_program_does_no_harm(pair: Pair) -> None:
    """Neither a text that is no JSON nor JSON of another shape stops a write or a search."""
    shapes: list[Any] = [
        "{",
        "[1, 2]",
        '"text"',
        "null",
        "7",
        '{"situation": {"a": 1}, "trigger_keywords": "word"}',
        "",
    ]
    for number, text in enumerate(shapes):
        pair.theirs.add(str(number), "title", "alpha", [])
        pair.theirs.connection.execute("UPDATE entries SET context_structured = ? WHERE id = ?", (text, str(number)))
        pair.theirs.connection.execute("UPDATE entries SET context_blob = x'00' WHERE id = ?", (str(number),))
        pair.theirs.connection.commit()
    for counted in (False, True):
        assert len(pair.ours.search("alpha", update_access=counted)) == len(shapes)
        pair.ours.search("word", update_access=counted)
    assert all(pair.ours.get_structured_context(str(number)) is None for number in range(len(shapes)))
    assert pair.ours.get_entries_with_structured_context() == []
    assert raw.rows(pair.path, "SELECT count(*) FROM rekall_context_pending") == [(0,)]
    pair.ours.maintenance.rebuild()
    assert pair.ours.maintenance.full_text_health().is_sound
