"""Memory files of the reference MCP memory server."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import processes

from rekall.db import Database
from rekall.errors import ImportRefusedError
from rekall.exchange.apply import apply_plan
from rekall.exchange.limits import Limits
from rekall.exchange.memory_file import MemoryFile
from rekall.exchange.plan import build_plan
from rekall.exchange.records import Record

MODIFIED = "2024-05-06T07:08:09"
USUAL = r"""
{"type":"entity","name":"Jane_Doe","entityType":"person","observations":["Speaks French","Works on Rekall"]}
{"type":"entity","name":"Use SQLite","entityType":"Decision","observations":["One file","No server"]}

{"type":"relation","from":"Jane_Doe","to":"Use SQLite","relationType":"decided_on"}
""".strip()


def entity(name: str, *observations: Any, kind: str = "thing", **more: Any) -> dict[str, Any]:
    """The object of an entity."""
    return {"type": "entity", "name": name, "entityType": kind, "observations": list(observations), **more}


def relation(source: str, target: str, kind: str = "uses", **more: Any) -> dict[str, Any]:
    """The object of a relation."""
    return {"type": "relation", "from": source, "to": target, "relationType": kind, **more}


def opened(*lines: dict[str, Any] | str | bytes, limits: Limits | None = None) -> MemoryFile:
    """A file of such lines."""
    texts = (
        line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in lines
    )
    return MemoryFile(io.BytesIO(b"\n".join(texts)), limits or Limits(), "m.jsonl", MODIFIED)


def read(*lines: dict[str, Any] | str | bytes) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """The entries by title, and the links, which are the same when they are read again."""
    file = opened(*lines)
    first = list(file.records())
    assert list(file.records()) == first
    entries = {one.values["title"]: one.values for one in first if one.table == "entries"}
    return entries, [one.values for one in first if one.table == "links"]


def ends(*lines: dict[str, Any]) -> list[tuple[str, str, str, str | None]]:
    """The titles at both ends of the links, their relations and reasons."""
    entries, links = read(*lines)
    titles = {values["id"]: title for title, values in entries.items()}
    return [(titles[one["source_id"]], one["relation_type"], titles[one["target_id"]], one["reason"]) for one in links]


def test_a_usual_file() -> None:
    """Entities are entries, their observations a list, their type a tag; relations are links."""
    entries, links = read(USUAL)
    jane, decision = entries["Jane_Doe"], entries["Use SQLite"]
    assert jane == {
        "id": jane["id"],
        "title": "Jane_Doe",
        "content": "- Speaks French\n- Works on Rekall",
        "type": "reference",
        "tags": ["person"],
        "created_at": MODIFIED,
        "updated_at": MODIFIED,
    }
    assert (decision["type"], decision["tags"]) == ("decision", ["decision"])
    assert links == [
        {
            "id": links[0]["id"],
            "source_id": jane["id"],
            "target_id": decision["id"],
            "relation_type": "related",
            "created_at": MODIFIED,
            "reason": "decided_on",
        }
    ]
    assert len({jane["id"], decision["id"], links[0]["id"]}) == 3


def test_entities_of_one_name_are_one() -> None:
    """Each observation once, in their order; every type is a tag, the first that is clear the type."""
    entries, _ = read(entity("A", "one", "two", kind="x"), entity("B"), entity("A", "two", "three", kind="bug"))
    assert list(entries) == ["A", "B"]
    assert entries["A"]["content"] == "- one\n- two\n- three"
    assert (entries["A"]["type"], entries["A"]["tags"]) == ("bug", ["x", "bug"])
    assert entries["B"]["content"] == ""


@pytest.mark.parametrize(
    ("words", "link"),
    [
        ("supersedes", ("A", "supersedes", "B")),
        ("Replaces", ("A", "supersedes", "B")),
        ("is_replaced_by", ("B", "supersedes", "A")),
        ("derived-from", ("A", "derived_from", "B")),
        ("BASED_ON", ("A", "derived_from", "B")),
        ("contradicts", ("A", "contradicts", "B")),
        ("uses", ("A", "related", "B")),
        ("", ("A", "related", "B")),
    ],
)
def test_relations_whose_words_say_it(words: str, link: tuple[str, str, str]) -> None:
    """Are links of that kind, in its direction; the words are the reason."""
    assert ends(entity("A"), entity("B"), relation("A", "B", words)) == [(*link, words or None)]


def test_relations_of_one_pair() -> None:
    """Of one kind are one link with both reasons; repeated ones say nothing new."""
    lines = [
        entity("A"),
        entity("B"),
        relation("A", "B", "uses"),
        relation("A", "B", "tests"),
        relation("A", "B", "uses"),
    ]
    assert ends(*lines, relation("B", "A", "uses"), relation("A", "B", "replaces")) == [
        ("A", "related", "B", "uses; tests"),
        ("B", "related", "A", "uses"),
        ("A", "supersedes", "B", "replaces"),
    ]


def test_relations_may_come_first() -> None:
    """The order of the lines says nothing."""
    assert ends(relation("A", "B"), entity("B"), entity("A")) == [("A", "related", "B", "uses")]


def test_what_is_no_link_is_said_in_the_text() -> None:
    """A relation to what is no entity of the file, and one to itself."""
    entries, links = read(entity("A", "x"), relation("A", "B"), relation("C", "A", "made"), relation("A", "A", ""))
    assert links == []
    assert entries["A"]["content"] == "- x\n- A uses B\n- C made A\n- A relates to A"


def test_extra_keys_and_other_observations_are_kept() -> None:
    """As texts."""
    entries, links = read(
        entity("A", "a\nb", 3, {"k": "é"}, createdAt="2024", version={"n": 1}, nothing=None),
        entity("B"),
        relation("A", "B", "uses", strength=0.9),
    )
    assert entries["A"]["content"] == '- a\n  b\n- 3\n- {"k": "é"}\n- createdAt: 2024\n- version: {"n": 1}'
    assert links[0]["reason"] == "uses (strength: 0.9)"


def test_odd_names() -> None:
    """A title is one line; two names that make one title are still two entries."""
    found = list(opened(entity("a\nb"), entity("a b"), entity("\x01")).records())
    assert [one.values["title"] for one in found] == ["a b", "a b", "Untitled"]
    assert len({one.values["id"] for one in found}) == 3


def test_lines_as_they_come() -> None:
    """Blank ones, a mark in front, Windows' line ends, no end of the last line."""
    lines = b"\xef\xbb\xbf\r\n" + json.dumps(entity("A")).encode() + b"\r\n  \n" + json.dumps(entity("B")).encode()
    assert list(read(lines)[0]) == ["A", "B"]
    assert list(opened("").records()) == []


def _refused(*lines: dict[str, Any] | str | bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ImportRefusedError) as caught:
        list(opened(*lines, limits=limits).records())
    message = str(caught.value)
    assert message.startswith("m.jsonl")
    assert "\n" not in message
    assert len(message) < 300
    return message


GOOD = entity("A")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([GOOD, "", "{"], "line 3: cannot be read as JSON"),
        ([GOOD, '{"type": "entity"'], "line 2: cannot be read as JSON"),
        ([GOOD, "[]"], "line 2: cannot be read as JSON"),
        ([GOOD, "text"], "line 2"),
        ([json.dumps(GOOD) + json.dumps(GOOD)], "line 1"),
        (['{"type":"entity","name":"a","name":"b"}'], "twice"),
        ([{"type": "note"}], "line 1: its type is 'note', not 'entity' or 'relation'"),
        ([{"name": "A"}], "line 1: its type is null"),
        ([{"type": ["entity"]}], "line 1: its type is an array"),
        ([{"type": "entity"}], "line 1: it has no name"),
        ([entity(3)], "line 1: its name is 3, not a text"),  # type: ignore[arg-type]  # what is refused
        ([entity(" ")], "line 1: its name is blank"),
        ([{"type": "entity", "name": "A", "observations": "x"}], "line 1: its observations are 'x', not a list"),
        ([entity("A", kind=7)], "line 1: its entityType is 7"),  # type: ignore[arg-type]  # what is refused
        ([{"type": "relation", "from": "A"}], "line 1: it has no to"),
        ([GOOD, relation("B", "C")], "line 2: neither 'B' nor 'C' is an entity of the file"),
        ([r'{"type":"entity","name":"\ud800"}'], "line 1"),
        (['{"type":"entity","name":"A","observations":' + "[" * 100_000], "line 1"),
        (['{"type":"entity","name":"A","observations":[' + "[" * 1000 + "]" * 1000 + "]}"], "line 1"),
        (['{"type":"entity","name":"A","observations":[1e999]}'], "line 1"),
        ([b"\xff"], "is not UTF-8"),
        ([GOOD, b'{"type":"entity","name":"\xff"}'], "line 2: is not UTF-8"),
        ([json.dumps(GOOD).encode("utf-16")], "UTF-16"),
        ([entity("x" * 20_000)], "--limit line=20000"),
    ],
)
def test_what_is_refused(lines: list[Any], words: str) -> None:
    """With the number of the line, and before anything is given but of a line that was long."""
    assert words in _refused(*lines)


def test_limits() -> None:
    """Of the entities, the lines, and the length of one."""
    assert "--limit entries=2" in _refused(GOOD, entity("B"), limits=Limits(entries=1))
    assert "--limit records=3" in _refused(GOOD, GOOD, GOOD, limits=Limits(records=2))
    assert "--limit text=" in _refused(entity("A", "x" * 500), limits=Limits(text=100))
    assert "--limit text=" in _refused("x" * 5000, limits=Limits(text=100))
    assert "--limit text=" in _refused(entity("A", "x" * 30), entity("A", "y" * 70), limits=Limits(text=99))
    assert "--limit size=" in _refused(GOOD, limits=Limits(size=10))


def test_an_import(tmp_path: Path) -> None:
    """Twice is once; an observation more is a difference."""
    with Database(tmp_path / "base.db") as db:
        apply_plan(db, build_plan(db, opened(USUAL)), "skip")
        plan = build_plan(db, opened(USUAL))
        assert (len(plan.new), len(plan.identical)) == (0, 2)
        plan = build_plan(db, opened(USUAL, entity("Jane_Doe", "New")))
        (difference,) = plan.conflicts.values()
        assert difference.fields == ("content", "tags")
        (hit,) = db.search("French")
        assert [link.relation_type for link in db.get_links(hit.entry.id)] == ["related"]


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["entity", "relation", "x"])},
            optional={
                key: st.sampled_from(["A", "B", "", "\x00", 3, None, ["x"], {"y": "z"}])
                for key in ("name", "entityType", "observations", "from", "to", "relationType", "more")
            },
        ),
        max_size=6,
    )
)
def test_any_objects_are_read_or_refused(lines: list[dict[str, Any]]) -> None:
    """And every link has two different ends that are there."""
    records: list[Record] = []
    try:
        records = list(opened(*lines).records())
    except ImportRefusedError:
        return
    ids = [one.values["id"] for one in records if one.table == "entries"]
    assert len(set(ids)) == len(ids)
    for one in records:
        if one.table == "links":
            assert one.values["source_id"] != one.values["target_id"]
            assert {one.values["source_id"], one.values["target_id"]} <= set(ids)


def _lines(number: int) -> Iterator[str]:
    for one in range(number):
        yield json.dumps(entity(f"Entity {one}", f"seen {one} " + "word " * 400)) + "\n"
        yield json.dumps(relation(f"Entity {one}", f"Entity {one // 2}")) + "\n"


def test_many_entities_in_little_memory(tmp_path: Path) -> None:
    """40 MB of observations pass through; what stays is a few hundred bytes for each entity and relation."""
    for name, number in (("few", 10), ("many", 20_000)):
        with (tmp_path / name).open("w") as file:
            file.writelines(_lines(number))
    code = """
import resource, sys
from collections import Counter
from pathlib import Path
from rekall.exchange.limits import Limits
from rekall.exchange.memory_file import MemoryFile
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def read(name):
    with open(name, "rb") as stream:
        return Counter(one.table for one in MemoryFile(stream, Limits(), name, "2024-01-01T00:00:00").records())
read(sys.argv[1])
before = peak()
print(*read(sys.argv[2]).values(), peak() - before)
"""
    entries, links, grown = map(int, processes.run(code, tmp_path / "few", tmp_path / "many").split())
    assert (entries, links) == (20_000, 19_999)
    assert grown < 30 * 1024  # kB
