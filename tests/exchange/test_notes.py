"""Notes: real folders, as people have them, and as someone would make them who means harm."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support import processes

from rekall.db import Database
from rekall.errors import ImportRefusedError
from rekall.exchange.apply import apply_plan
from rekall.exchange.fields import entry_of
from rekall.exchange.limits import Limits
from rekall.exchange.note import LEFT_OVER
from rekall.exchange.notes import Notes, note_at, note_from, notes_in
from rekall.exchange.plan import build_plan
from rekall.exchange.records import Record
from rekall.models import StructuredContext

MODIFIED = datetime(2024, 5, 6, 7, 8, 9)


def make(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A folder with such files, all last changed at one moment."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (MODIFIED.timestamp(), MODIFIED.timestamp()))
    return folder


def records(notes: Notes) -> list[Record]:
    """The records, which are the same when they are read again."""
    first = list(notes.records())
    assert list(notes.records()) == first
    return first


def read(folder: Path, files: Mapping[str, str | bytes], limits: Limits | None = None) -> dict[str, dict[str, Any]]:
    """The values of the entries of a folder with such files, by title."""
    found = records(notes_in(make(folder, files), limits or Limits()))
    return {one.values["title"]: one.values for one in found if one.table == "entries"}


def one(folder: Path, content: str, name: str = "a.md") -> dict[str, Any]:
    """The values of the entry of one note."""
    (values,) = read(folder, {name: content}).values()
    return values


def links(folder: Path, files: Mapping[str, str | bytes]) -> list[tuple[str, str]]:
    """The titles at both ends of the links."""
    found = records(notes_in(make(folder, files), Limits()))
    titles = {one.values["id"]: one.values["title"] for one in found if one.table == "entries"}
    ends = [one.values for one in found if one.table == "links"]
    assert {one["relation_type"] for one in ends} <= {"related"}
    assert len({one["id"] for one in ends}) == len(ends)
    return [(titles[one["source_id"]], titles[one["target_id"]]) for one in ends]


def test_a_note_with_all_of_it(tmp_path: Path) -> None:
    """Every key that has a place in an entry."""
    values = one(
        tmp_path,
        """---
title: "CORS: fails in Safari"
id: 01HQ3K4W9P6E8ZJX0V7T5N2RBA
type: Bug
category: Web
tags: [Safari, "#cors", safari]
project: shop
confidence: 4
status: deprecated
created: 2024-01-05
updated: 2024-02-03T04:05:06Z
draft: true
situation: Login from Safari fails
solution: Answer the preflight on the final host
keywords: CORS, preflight
what_failed: A redirect
errors:
  - Preflight response is not successful
---

The text.
""",
    )
    context = StructuredContext.from_json(values["context_structured"])
    assert (context.situation, context.solution) == (
        "Login from Safari fails",
        "Answer the preflight on the final host",
    )
    assert (context.trigger_keywords, context.what_failed) == (["cors", "preflight"], "A redirect")
    assert context.error_messages == ["Preflight response is not successful"]
    assert context.created_at == datetime(2024, 1, 5)
    updated = datetime.fromisoformat("2024-02-03T04:05:06+00:00").astimezone().replace(tzinfo=None)
    del values["context_structured"]
    assert values == {
        "id": "01HQ3K4W9P6E8ZJX0V7T5N2RBA",
        "title": "CORS: fails in Safari",
        "type": "bug",
        "tags": ["safari", "cors", "web", "draft"],
        "project": "shop",
        "confidence": 4,
        "status": "obsolete",
        "created_at": "2024-01-05T00:00:00",
        "updated_at": updated.isoformat(),
        "content": "The text.",
    }


def test_a_note_with_nothing(tmp_path: Path) -> None:
    """Title from its name, times from the file, a reference; even without text."""
    values = one(tmp_path, "", "A plain note.MARKDOWN")
    assert values == {
        "id": values["id"],
        "title": "A plain note",
        "type": "reference",
        "tags": [],
        "status": "active",
        "created_at": MODIFIED.isoformat(),
        "updated_at": MODIFIED.isoformat(),
        "content": "",
    }
    assert entry_of(values).confidence == 2


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: Front\n---\n# Heading\n", "Front"),
        ("# Heading #\n\ntext", "Heading"),
        ("text\n\n# *Later* one\n", "*Later* one"),
        ("```sh\n# a comment\n```\n\n# Real\n", "Real"),
        ("~~~\n# a\n```\n# b\n~~~\n# Real\n", "Real"),
        ("A title\n=======\n", "A title"),
        ("## Second level\n#tag\n#\n", "name"),
        ("---\ntitle:\n---\ntext", "name"),
        ("---\ntitle: [a, b]\n---\ntext", "name"),
        ("---\ntitle: 2024\n---\n", "2024"),
        ('---\ntitle: "a\\tb\\x01c"\n---\n', "a b c"),
        ("---\ntitle: >\n  folded\n  text\n---\n", "folded text"),
    ],
)
def test_the_title(tmp_path: Path, text: str, title: str) -> None:
    """From the front matter, else the first heading of level 1, else the name."""
    assert one(tmp_path, text, "name.md")["title"] == title


@pytest.mark.parametrize(
    ("lines", "kind", "tags"),
    [
        ("type: decision", "decision", []),
        ("type: Gotchas", "pitfall", []),
        ("kind: ADR", "decision", []),
        ("category: Configuration", "config", []),
        ("categories: [Python, patterns]", "pattern", ["python"]),
        ("type: meeting", "reference", ["meeting"]),
        ("type: note\ncategory: bugs", "reference", []),
        ("type: work\ncategory: bugs", "bug", ["work"]),
        ("type: {a: b}", "reference", []),
    ],
)
def test_the_type(tmp_path: Path, lines: str, kind: str, tags: list[str]) -> None:
    """A clear word says it; other words become tags."""
    values = one(tmp_path, f"---\n{lines}\n---\n")
    assert (values["type"], values["tags"]) == (kind, tags)


@pytest.mark.parametrize(
    ("lines", "tags"),
    [
        ("tags: a, B c", ["a", "b c"]),
        ("tags: 'a b #c/d'", ["a", "b", "c/d"]),
        ("tags:\n  - a\n  - '#b'\n  - a\n  -", ["a", "b"]),
        ("tag: a", ["a"]),
        ("keywords: seo, Words here", ["seo", "words here"]),
        ("tags: 2024", ["2024"]),
        ("draft: no", []),
        ("draft: perhaps", []),
    ],
)
def test_tags(tmp_path: Path, lines: str, tags: list[str]) -> None:
    """Lists, and texts with commas or blanks; keywords without a context."""
    assert one(tmp_path, f"---\n{lines}\n---\n")["tags"] == tags


@pytest.mark.parametrize("in_vault", [True, False])
def test_hash_words_are_tags_in_a_vault(tmp_path: Path, in_vault: bool) -> None:
    """Where `.obsidian` is in the folder or one above; elsewhere they are text."""
    if in_vault:
        (tmp_path / ".obsidian").mkdir()
    text = "---\ntags: one\n---\n#Two and #a/b, issue #12, a#no\n\n# Heading\n\n```\n#include\n```\n`#code` (#three)"
    values = one(tmp_path / "folder", text)
    assert values["tags"] == (["one", "two", "a/b"] if in_vault else ["one"])
    assert "#Two and #a/b" in values["content"]


@pytest.mark.parametrize(
    ("lines", "created", "updated"),
    [
        ("date: 2024-01-05", "2024-01-05T00:00:00", MODIFIED.isoformat()),
        ("created_at: 2024-01-05 10:20", "2024-01-05T10:20:00", MODIFIED.isoformat()),
        ("Created: 2024/1/5\nlastmod: '2024-01-06T01:02:03.5'", "2024-01-05T00:00:00", "2024-01-06T01:02:03.500000"),
        ("created: 2025-01-05", "2025-01-05T00:00:00", "2025-01-05T00:00:00"),
        ("modified: 2024-01-05", "2024-01-05T00:00:00", "2024-01-05T00:00:00"),
        ("created: 2024-02-30", MODIFIED.isoformat(), MODIFIED.isoformat()),
        ("created: 0000-00-00", MODIFIED.isoformat(), MODIFIED.isoformat()),
        ("created: 0001-01-01T00:00:00+14:00", MODIFIED.isoformat(), MODIFIED.isoformat()),
        ("created: yesterday", MODIFIED.isoformat(), MODIFIED.isoformat()),
        ("created: [2024-01-05]", MODIFIED.isoformat(), MODIFIED.isoformat()),
    ],
)
def test_times(tmp_path: Path, lines: str, created: str, updated: str) -> None:
    """From the front matter, else from the file; never changed before it was made."""
    values = one(tmp_path, f"---\n{lines}\n---\n")
    assert (values["created_at"], values["updated_at"]) == (created, updated)


def test_a_time_with_an_offset(tmp_path: Path) -> None:
    """Becomes the local time."""
    values = one(tmp_path, "+++\ndate = 2024-01-05T10:20:30+05:30\n+++\n")
    local = datetime.fromisoformat("2024-01-05T10:20:30+05:30").astimezone().replace(tzinfo=None)
    assert values["created_at"] == local.isoformat()


def test_what_has_no_place_stays_where_it_is_found(tmp_path: Path) -> None:
    """At the end of the content, as it was written."""
    values = one(
        tmp_path,
        "---\ntitle: T\nauthor: Jane # of the team\nconfidence: high\nstatus: maybe\nempty:\naliases: [Other]\n"
        "code: '```'\n---\n\nText\n\n",
    )
    left = "author: Jane # of the team\nconfidence: high\nstatus: maybe\naliases: [Other]\ncode: '```'"
    assert values["content"] == f"Text\n\n{LEFT_OVER}\n\n````yaml\n{left}\n````"
    assert "confidence" not in values
    assert one(tmp_path, '+++\nauthor = "x"\n+++\n')["content"] == f'{LEFT_OVER}\n\n```toml\nauthor = "x"\n```'


@pytest.mark.parametrize(
    ("lines", "keywords", "left"),
    [
        ("situation: It was slow\nsolution: An index\ntags: [sql]", ["sql"], False),
        ("situation: It was slow\nsolution: An index", ["database"], False),
        ("context:\n  situation: It was slow\n  solution: An index\n  keywords: [sql]", ["sql"], False),
        ("context:\n  situation: It was slow\n  solution: An index\n  keywords: [sql]\n  mood: bad", ["sql"], True),
        ("situation: It was slow\nsolution: An index\nkeywords: sql\nerrors: {a: b}", ["sql"], True),
        ("situation: It was slow\nsolution:\n  - An index\n  - and more\nkeywords: sql", ["sql"], False),
    ],
)
def test_a_context(tmp_path: Path, lines: str, keywords: list[str], left: bool) -> None:
    """Situation and solution make one; without keywords the tags are, or the words of the text."""
    values = one(tmp_path, f"---\n{lines}\n---\nThe database database.")
    context = StructuredContext.from_json(values["context_structured"])
    assert context.situation == "It was slow"
    assert context.solution.startswith("An index")
    assert context.trigger_keywords[0] == keywords[0]
    assert (LEFT_OVER in values["content"]) is left


@pytest.mark.parametrize("lines", ["situation: It was slow", "situation: It\nsolution: An", "context: It was slow"])
def test_half_a_context(tmp_path: Path, lines: str) -> None:
    """Is none, and stays where it is found."""
    values = one(tmp_path, f"---\n{lines}\n---\n")
    assert "context_structured" not in values
    assert lines in values["content"]


def test_links_between_notes(tmp_path: Path) -> None:
    """By name, path, title, alias or id; each pair once, none to itself, none to what is not there."""
    files = {
        "index.md": "---\ntitle: Index\n---\n[[Alpha]] [[sub/beta|B]] ![[gamma#part]] [[nowhere]] [[Index]] [[index]]"
        " [[The Delta]] [[Nickname]] [[2024]] [[alpha]]",
        "alpha.md": "---\ntitle: Alpha\n---\n[back](index.md) [b](./sub/beta.md#x 'title') [c](<sub/with blank.md>)",
        "sub/beta.md": "---\ntitle: Beta\n---\n[up](../alpha.md) [web](https://example.com/a.md) [out](../../x.md)"
        " [absolute](/delta.md)\n\n[ref]: gamma.md\n\n`[[index]]`\n\n```\n[[index]]\n```",
        "sub/gamma.md": "---\ntitle: Gamma\n---\n[mail](mailto:a.md) [i](pic.png) [e](with%20blank.md) [](?) []()",
        "sub/with blank.md": "---\ntitle: Blank\n---\n[[#only a part]] [[]] [x](a(b).md)",
        "delta.md": "---\ntitle: The Delta\naliases: [Nickname]\nsee: [[a(b)]]\n---\n",
        "a(b).md": "---\ntitle: AB\nid: 2024\n---\n",
    }
    assert links(tmp_path, files) == [
        *(("Alpha", "Index"), ("Alpha", "Beta"), ("Alpha", "Blank")),
        ("The Delta", "AB"),
        *(("Index", "Beta"), ("Index", "Gamma"), ("Index", "The Delta"), ("Index", "AB")),
        *(("Beta", "The Delta"), ("Beta", "Gamma")),
        ("Gamma", "Blank"),
    ]


def test_a_name_that_several_have(tmp_path: Path) -> None:
    """Means the note beside, else the one nearest to the top."""
    files = {
        "a/b/same.md": "---\ntitle: Deep\n---\n",
        "b/same.md": "---\ntitle: Higher\n---\n",
        "a/b/near.md": "[[same]]",
        "c/far.md": "[[same]]",
    }
    assert links(tmp_path, files) == [("near", "Deep"), ("far", "Higher")]


def test_the_note_that_took_its_place(tmp_path: Path) -> None:
    """Is named by `superseded_by`, and makes it obsolete; one that is not there is left where it is found."""
    found = read(
        tmp_path,
        {
            "old.md": "---\nsuperseded_by: '[[new]]'\n---\n",
            "older.md": "---\nreplaced-by: [[new]]\n---\n",
            "new.md": "---\nsuperseded_by: new\n---\n",
            "lost.md": "---\nsuperseded_by: nobody\n---\n",
        },
    )
    for title in ("old", "older"):
        assert found[title]["superseded_by"] == found["new"]["id"]
        assert found[title]["status"] == "obsolete"
    for title in ("new", "lost"):
        assert "superseded_by" not in found[title]
        assert found[title]["status"] == "active"
    assert "nobody" in found["lost"]["content"]


def test_the_same_note_has_the_same_id(tmp_path: Path) -> None:
    """Wherever its folder lies; another folder's note has another one."""
    files = {"a.md": "text", "sub/a.md": "# Below", "b.md": "---\nid: x1\n---\n"}
    first = read(tmp_path / "one" / "notes", files)
    assert first == read(tmp_path / "two" / "notes", files)
    other = read(tmp_path / "other", files)
    ids = {values["id"] for values in (*first.values(), *other.values())}
    assert len(ids) == len(first) + len(other)
    (alone,) = records(note_at(tmp_path / "one" / "notes" / "a.md", Limits()))
    assert alone.values == next(iter(first.values()))
    # its own id goes with it
    assert read(tmp_path / "three" / "notes", {"moved.md": "---\nid: x1\n---\n"})["moved"]["id"] == first["b"]["id"]


def test_ids_of_notes(tmp_path: Path) -> None:
    """A ULID is taken, but for two notes; another id that several notes share identifies none of them."""
    ulid = "01HQ3K4W9P6E8ZJX0V7T5N2RBA"
    found = read(
        tmp_path, {"a.md": f"---\nid: {ulid.lower()}\n---\n", "b.md": "---\nid: 7\n---\n", "c.md": "---\nid: 7\n---\n"}
    )
    assert found["a"]["id"] == ulid
    assert len({values["id"] for values in found.values()}) == 3
    make(tmp_path, {"d.md": f"---\nid: {ulid}\n---\n"})
    assert "d.md: has the same id as a.md" in _refused(tmp_path)


def test_a_note_without_a_place() -> None:
    """Is identified by its id, else by its title, else by its text."""

    def entry_id(text: str) -> str:
        (record,) = records(note_from(io.BytesIO(text.encode()), Limits(), "stdin", MODIFIED.isoformat()))
        return str(record.values["id"])

    assert entry_id("# One\n") == entry_id("# One\nmore") != entry_id("# Two\n")
    assert entry_id("one") == entry_id("one") != entry_id("two")
    assert entry_id("---\nid: x\ntitle: T\n---\n") == entry_id("---\nid: x\n---\nmore")


def test_an_import_of_a_folder(tmp_path: Path) -> None:
    """Twice is once; a note that changed differs, and is no copy."""
    folder = make(
        tmp_path / "notes",
        {"a.md": "---\ntags: [x]\n---\nSee [[b]].", "b.md": "---\nsuperseded_by: a\n---\nText", "c/d.md": "Text"},
    )
    with Database(tmp_path / "base.db") as db:
        plan = build_plan(db, notes_in(folder, Limits()))
        assert (len(plan.new), dict(plan.others)) == (3, {"links": 1})
        apply_plan(db, plan, "skip")
        plan = build_plan(db, notes_in(folder, Limits()))
        assert (len(plan.new), len(plan.identical), len(plan.conflicts)) == (0, 3, 0)
        make(folder, {"a.md": "Another text"})
        plan = build_plan(db, notes_in(folder, Limits()))
        (conflict,) = plan.conflicts.values()
        assert conflict.fields == ("content", "tags")
        apply_plan(db, plan, "replace")
        entries = {entry.title: entry for entry in db.list_all(include_obsolete=True)}
        assert len(entries) == 3
        assert entries["a"].content == "Another text"
        assert entries["b"].superseded_by == entries["a"].id
        assert len(db.get_links(entries["a"].id)) == 1


def test_a_folder_that_was_copied(tmp_path: Path) -> None:
    """With new times of its files: nothing differs, not even a context."""
    files = {"a.md": "---\nsituation: It was slow\nsolution: An index\nkeywords: sql\n---\n", "b.md": "text"}
    folder = make(tmp_path / "notes", files)
    with Database(tmp_path / "base.db") as db:
        apply_plan(db, build_plan(db, notes_in(folder, Limits())), "skip")
        for name in files:
            os.utime(folder / name, (1, 1))
        plan = build_plan(db, notes_in(folder, Limits()))
        assert (len(plan.identical), len(plan.conflicts)) == (2, 0)
        (slow,) = (entry for entry in db.list_all() if entry.title == "a")
        context = db.get_structured_context(slow.id)
        assert context is not None
        assert context.situation == "It was slow"


def test_what_is_left_out(tmp_path: Path) -> None:
    """Hidden names, other endings, symbolic links wherever they lead, and what is no file."""
    outside = make(tmp_path / "outside", {"secret.md": "secret"})
    folder = make(
        tmp_path / "notes",
        {
            "a.md": "a",
            ".hidden.md": "",
            ".git/b.md": "",
            ".obsidian/c.md": "",
            "d.txt": "",
            "e.md.bak": "",
            "sub/f.md": "",
        },
    )
    (folder / "loop").symlink_to(folder)
    (folder / "sub" / "up").symlink_to("..")
    (folder / "out").symlink_to(outside)
    (folder / "g.md").symlink_to(outside / "secret.md")
    (folder / "h.md").symlink_to("a.md")
    (folder / "i.md").symlink_to("nowhere")
    (folder / "j.txt").symlink_to("nowhere")
    os.mkfifo(folder / "k.md")
    (folder / "l.md").mkdir()
    notes = notes_in(folder, Limits())
    assert [one.values["title"] for one in records(notes)] == ["a", "f"]
    assert notes.total == 2
    assert [line.partition(":")[0] for line in notes.passed_over] == [
        *("g.md", "h.md", "i.md", "k.md", "loop", "out", "sub/up"),
    ]
    # the folder itself may be a link
    (tmp_path / "link").symlink_to(folder)
    assert [one.values["title"] for one in notes_in(tmp_path / "link", Limits()).records()] == ["a", "f"]


def test_line_ends_and_marks(tmp_path: Path) -> None:
    """Windows' line ends, those of old, and the mark in front of UTF-8 change nothing."""
    for text in (
        b"---\r\ntitle: T\r\n---\r\na\r\nb\r\n",
        b"\xef\xbb\xbf---\ntitle: T\n---\na\nb\n",
        b"---\rtitle: T\r---\ra\rb",
    ):
        (values,) = read(tmp_path, {"a.md": text}).values()
        assert (values["title"], values["content"]) == ("T", "a\nb")


def _refused(folder: Path, limits: Limits | None = None) -> str:
    with pytest.raises(ImportRefusedError) as caught:
        list(notes_in(folder, limits or Limits()).records())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\nb\xff\xfe", "bad.md, line 2: is not UTF-8 text: save it as UTF-8"),
        ("text".encode("utf-16"), "bad.md: is UTF-16 text"),
        (b"\x89PNG\r\n\x1a\n\0\0", "bad.md: is a binary file"),
        (b"---\na: [\n---\n", "bad.md, line 3: its front matter is no YAML"),
        (b"---\ntitle: " + b"x" * 20_000 + b"\n---\n", "--limit line=20000"),
        (b"---\ntags: [" + b"x" * 20_000 + b"]\n---\n", "--limit line=20000"),
    ],
)
def test_one_bad_note_refuses_all(tmp_path: Path, content: bytes, words: str) -> None:
    """Before anything is given."""
    folder = make(tmp_path, {"a.md": "good", "bad.md": content})
    given = notes_in(folder, Limits()).records()
    with pytest.raises(ImportRefusedError):
        next(given)
    assert words in _refused(folder)


def test_several_bad_notes_are_told_at_once(tmp_path: Path) -> None:
    """The first five, and how many more there are."""
    message = _refused(make(tmp_path, {f"{number}.md": b"\xff" for number in range(8)} | {"z.md": b"fine"}))
    assert message.startswith("8 notes cannot be read: 0.md, line 1: is not UTF-8 text")
    assert message.endswith("; and 3 more")


def test_limits(tmp_path: Path) -> None:
    """Of a note, of the folder, of their number; a note just within a limit is taken."""
    folder = make(tmp_path, {"a.md": "x" * 100, "b.md": "é" * 100})
    assert len(list(notes_in(folder, Limits(text=100)).records())) == 2
    assert "--limit text=100" in _refused(folder, Limits(text=99))
    assert "a.md: has" in _refused(make(tmp_path, {"a.md": "x" * 401}), Limits(text=100))
    assert "--limit expanded=" in _refused(folder, Limits(expanded=300))
    assert "--limit entries=2" in _refused(folder, Limits(entries=1))


def test_a_folder_without_notes(tmp_path: Path) -> None:
    """Is refused, and so is one that cannot be read."""
    assert "has no notes" in _refused(tmp_path)
    assert "there is no such" in _refused(tmp_path / "none")
    deep = make(tmp_path, {"sub/a.md": ""}) / "sub"
    deep.chmod(0)
    try:
        if not os.access(deep, os.R_OK):
            assert "sub: may not be read" in _refused(tmp_path)
    finally:
        deep.chmod(0o700)


def test_a_note_that_changes_meanwhile(tmp_path: Path) -> None:
    """Is not imported in two states."""
    folder = make(tmp_path, {"a.md": "one", "b.md": "two"})
    given = notes_in(folder, Limits()).records()
    next(given)
    (folder / "b.md").write_text("three and more")
    with pytest.raises(ImportRefusedError, match=r"b\.md: was changed while it was read"):
        next(given)


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """Is refused when it is that of a note."""
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.md")).write_text("x")
    except OSError:
        pytest.skip("this file system takes no such name")
    assert "its name is no UTF-8 text: rename it" in _refused(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_one_note_and_a_folder_whose_names_are_no_text(tmp_path: Path) -> None:
    """The note is refused by itself too; what the folder is called does not keep its notes out."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    bad = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.md"))
    try:
        folder.mkdir()
        bad.write_text("x")
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(ImportRefusedError, match="its name is no UTF-8 text: rename it"):
        note_at(bad, Limits())
    (folder / "a.md").write_text("x")
    (one,) = records(notes_in(folder, Limits()))
    (same,) = records(note_at(folder / "a.md", Limits()))
    assert one.values == same.values


def test_odd_names(tmp_path: Path) -> None:
    """Control characters of a name stay out of titles and messages."""
    assert list(read(tmp_path / "a", {"one\ntwo\x1b[31m.md": "x"})) == ["one two [31m"]
    assert "one\\ntwo" in _refused(make(tmp_path / "b", {"one\ntwo.md": b"\xff"}))


def test_a_deep_folder(tmp_path: Path) -> None:
    """Several hundred levels are no depth of calls."""
    folder = tmp_path
    for _ in range(400):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("x")
    assert len(list(notes_in(tmp_path, Limits()).records())) == 1


def test_a_socket_is_no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does anyone wait for it."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.md")
        make(tmp_path, {"a.md": ""})
        assert len(list(notes_in(tmp_path, Limits()).records())) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[[" * 100_000,
        "](" * 100_000,
        "`" * 200_000,
        "[a](" + "(" * 200_000,
        "# " * 100_000,
        "#a" * 100_000,
        "[" * 200_000,
    ],
)
def test_a_hostile_text_takes_time_in_proportion(tmp_path: Path, text: str) -> None:
    """What nearly is a link, a heading or code everywhere; what grew with its square would not end in time."""
    (tmp_path / ".obsidian").mkdir()
    assert len(read(tmp_path, {"a.md": text, "b.md": text.replace("\n", " ")})) == 2 or text.startswith("#")


def test_ten_thousand_notes_in_little_memory(tmp_path: Path) -> None:
    """40 MB of text pass through; what stays is a few hundred bytes for each note."""
    text = "a line of forty characters, or about so.\n" * 100
    for number in range(10_000):
        (tmp_path / f"{number}.md").write_text(f"---\ntitle: Note {number}\n---\n[[{number // 2}]]\n{text}")
    code = """
import resource, sys
from collections import Counter
from pathlib import Path
from rekall.exchange.limits import Limits
from rekall.exchange.notes import notes_in
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
list(notes_in(Path(sys.argv[2]), Limits()).records())
before = peak()
count = Counter(record.table for record in notes_in(Path(sys.argv[1]), Limits()).records())
print(*count.values(), peak() - before)
"""
    few = make(tmp_path / "few", {"a.md": "---\na: b\n---\n[[b]]", "b.md": ""})
    entries, links_, grown = map(int, processes.run(code, tmp_path, few).split())
    assert (entries, links_) == (10_002, 10_000)
    assert grown < 20 * 1024  # kB


def test_records_are_safe_for_json(tmp_path: Path) -> None:
    """They hold texts, numbers and lists of texts."""
    json.dumps([one.values for one in notes_in(make(tmp_path, {"a.md": "[[b]]", "b.md": ""}), Limits()).records()])
