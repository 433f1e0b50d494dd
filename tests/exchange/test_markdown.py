"""Markdown exports: for people to read, and read again exactly."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.entries import ANY_TEXT

from rekall.errors import ImportRefusedError
from rekall.exchange.limits import Limits
from rekall.exchange.markdown_reader import MarkdownReader, is_export
from rekall.exchange.markdown_writer import Shown, shown_records, write_markdown
from rekall.exchange.records import Record
from rekall.exporters import export_markdown
from rekall.models import VALID_TYPES, Entry, Link, StructuredContext

EIGHT = ("title", "content", "type", "project", "tags", "confidence", "status", "superseded_by")
MODIFIED = "2024-05-06T07:08:09"
PIECES = [
    *(
        "",
        "text",
        "# a",
        "## Bugs (3)",
        "### t",
        "#### deep",
        "- **ID**: `x`",
        "- item",
        "1. one",
        "> quote",
        "---",
        "===",
    ),
    *("* * *", "```", "~~~", "``` a`b", "    code", "\ttab", "<!--", "-->", "<div>", "<script>", "<!-- rekall: {} -->"),
    *(
        "a\r",
        "a\x00b",
        "  ",
        "a  ",
        "\u2028",
        "<!-- rekall: what follows is shown, and not imported -->",
        "```sh\n# x\n```",
    ),
]
DOCUMENTS = st.lists(st.sampled_from(PIECES), max_size=8).map("\n".join)
"""Contents that would break a document if they could."""
ID = "01HAAAAAAAAAAAAAAAAAAAAAAA"


FIELDS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["A title", " two  blanks ", "# x", "a\nb", "x #", "*", "\u3000"]) | ANY_TEXT,
        "content": DOCUMENTS | ANY_TEXT,
        "type": st.sampled_from(VALID_TYPES),
        "project": st.sampled_from([None, "", "shop", "a\tb", "`x`"]) | ANY_TEXT,
        "tags": st.lists(st.sampled_from(["a", "a, b", "", "*", "c,d", " e"]) | ANY_TEXT, max_size=3),
        "confidence": st.integers(0, 5),
        "status": st.sampled_from(["active", "obsolete"]),
        "superseded_by": st.sampled_from([None, "01HB", "a `b` c", " x", ""]),
        "created_at": st.sampled_from([datetime(2025, 12, 20, 10, 30), datetime(1, 1, 1)]),
    }
)
"""What a document carries of an entry, beside its id."""


def _shown(fields: dict[str, Any], number: int, text: str) -> Shown:
    """An entry with a context and links, in which a text stands everywhere."""
    entry = Entry(id=f"01H`{number}", **fields)
    text = text.strip() + "....."
    context = StructuredContext(
        text, text, [text], what_failed=text, error_messages=[text, text], files_modified=[text]
    )
    links = (Link("L", entry.id, "01HX", "related", reason=text), Link("M", "01H`Y", entry.id, "supersedes"))
    return Shown(entry, context, links)


BASES = st.builds(
    lambda several, text: [_shown(fields, number, text) for number, fields in enumerate(several)],
    st.lists(FIELDS, max_size=3),
    DOCUMENTS,
)


def _written(*items: Entry | Shown) -> str:
    stream = io.StringIO()
    write_markdown(items, stream)
    return stream.getvalue()


def _read(text: str | bytes, limits: Limits | None = None) -> list[dict[str, Any]]:
    data = text.encode() if isinstance(text, str) else text
    reader = MarkdownReader(io.BytesIO(data), limits or Limits(), "a.md", MODIFIED)
    first = [record.values for record in reader.records()]
    assert first == [record.values for record in reader.records()]
    return first


def _entry(content: str = "", **values: Any) -> Entry:
    return Entry(**{"id": ID, "title": "A title", "type": "bug", "content": content, **values})


@settings(deadline=None)
@given(BASES, st.booleans())
def test_the_eight_fields_survive(items: list[Shown], with_returns: bool) -> None:
    """Whatever they hold, and whether or not lines end as Windows ends them; of the times, the day."""
    text = _written(*items)
    found = {values["id"]: values for values in _read(text.replace("\n", "\r\n") if with_returns else text)}
    assert len(found) == len(items)
    for entry in (item.entry for item in items):
        values = found[entry.id]
        assert {name: values[name] for name in EIGHT} == {name: getattr(entry, name) for name in EIGHT}
        assert values["created_at"] == f"{entry.created_at.date()}T00:00:00"


@settings(deadline=None)
@given(BASES)
def test_nothing_breaks_the_document(items: list[Shown]) -> None:
    """A reader of Markdown sees the head, a heading for each type and each entry, a rule after each, and no more."""
    tokens = [token for token in MarkdownIt("commonmark").parse(_written(*items)) if token.level == 0]
    found = [token.tag for token in tokens if token.type == "heading_open"]
    headings = ["h1"]
    for kind in sorted({item.entry.type for item in items}):
        headings += ["h2", *("h3" for item in items if item.entry.type == kind)]
    assert [tag for tag in found if tag in ("h1", "h2", "h3")] == headings
    assert sum(token.type == "hr" for token in tokens) == 1 + len(items)


@settings(deadline=None)
@given(BASES)
def test_the_text_of_a_list_is_that_of_the_stream(items: list[Shown]) -> None:
    """`export_markdown` and `write_markdown`, of an iterator and of a function too; the time aside."""
    found = [item.entry for item in items]
    moment = datetime(2025, 12, 20, 10, 30)
    texts = []
    for given_entries in (found, iter(found), lambda: iter(found)):
        stream = io.StringIO()
        assert write_markdown(given_entries, stream, moment=moment) == len(found)
        texts.append(stream.getvalue().splitlines())
    assert texts[0] == texts[1] == texts[2]
    assert "2025-12-20 10:30" in texts[0][2]
    other = export_markdown(found).splitlines()
    assert other[:2] + other[3:] == texts[0][:2] + texts[0][3:]


def test_plain_contents_stay_plain() -> None:
    """Lists, code and headings below those of the document need no quotation, and no comment."""
    for content in ("a\n\nb", "```sh\n# not a heading\n---\n```", "#### Details\ntext", "text\n- item\n- item"):
        text = _written(_entry(content))
        assert f"\n\n{content}\n\n---\n" in text
        assert "<!--" not in text


def test_what_would_break_out_is_quoted() -> None:
    """Headings of the document's levels, rules, code that is not closed, HTML."""
    for content in ("## Steps\n\ntext", "a\n---", "```\nopen", "<div>", "a\n===="):
        quotation = "\n".join(f"> {line}" if line else ">" for line in content.split("\n"))
        assert f"\n\n{quotation}\n\n---\n" in _written(_entry(content))


def test_who_edits_what_is_seen_is_heard() -> None:
    """A comment that says a field exactly does not outvote what a person wrote."""
    text = _written(_entry("# Old\n\nold\x00", title="A\ntitle", tags=["a, b"], project="  p"))
    for before, after in (
        ("A title", "Another title"),
        ("Tags**: a, b", "Tags**: a, c"),
        ("> old", "> new"),
        ("t**: p", "t**: q"),
    ):
        assert before in text
        text = text.replace(before, after)
    (values,) = _read(text)
    assert values["title"] == "Another title"
    assert values["tags"] == ["a", "c"]
    assert values["content"] == "# Old\n\nnew\ufffd"
    assert values["project"] == "q"


def test_context_and_links_are_shown_and_not_imported() -> None:
    """They stand after the content, apart from it."""
    context = StructuredContext(
        *("a long\nstory", "the end of it", ["cors", "safari"]), what_failed="a *", error_messages=["E1", "E2\n# x"]
    )
    links = (Link("L", ID, "01HB", "supersedes", reason="fixed"), Link("M", "01HC", ID, "derived_from"))
    text = _written(Shown(_entry("The content"), context, links))
    assert "\n**Situation**:\n\n> a long\n> story\n\n**Solution**: the end of it\n" in text
    assert "\n**What failed**: a *\n\n**Keywords**: cors, safari\n\n**Errors**:\n\n> E1\n>\n> E2\n> # x\n" in text
    assert "\n- supersedes `01HB`: fixed\n- `01HC` derived from this\n" in text
    (values,) = _read(text)
    assert values["content"] == "The content"
    assert "context_structured" not in values


def test_records_of_a_base_are_shown() -> None:
    """Each entry with its context and the links at its ends; rows of other tables are passed over."""
    row = {"title": "T", "type": "bug", "created_at": MODIFIED, "updated_at": MODIFIED, "tags": []}
    context = StructuredContext("a situation", "a solution", ["word"])
    first = {**row, "id": "A", "context_structured": context.to_json()}
    second = {**row, "id": "B", "context_structured": "{"}
    link = {
        "id": "L",
        "source_id": "A",
        "target_id": "B",
        "relation_type": "related",
        "created_at": "x",
        "reason": None,
    }
    rows = [Record("metadata", {"key": "a", "value": "b"}, ""), Record("links", link, "")]
    one, two = shown_records([Record("entries", first, ""), Record("entries", second, "")], rows)
    assert one.context == context
    assert two.context is None
    assert one.links == two.links
    assert [link.target_id for link in one.links] == ["B"]


@pytest.mark.parametrize("label", ["**ID**:", "**ID:**", "ID:"])
def test_a_document_of_0_3_is_read(label: str) -> None:
    """Without any comment, with rules and headings in a content, as well as it can be."""
    text = f"""# Knowledge

2025-12-20 10:00
2 entries

---

## Bugs (1)

### One

- {label} `01HA`
- **Confidence**: ★★★☆☆
- **Project**: shop
- **Tags**: a, b
- **Created**: 2025-11-02
- **Status**: obsolete
- **Superseded by**: `01HB`

Text

---

### Not an entry

- a list

## Bugs

more

---

## References (1)

### Two

- {label} `01HB`
- **Confidence**: ☆☆☆☆☆
- **Created**: 2025-11-03


---
"""
    assert is_export(text)
    one, two = _read(text)
    assert one["content"] == "Text\n\n---\n\n### Not an entry\n\n- a list\n\n## Bugs\n\nmore"
    names = ("id", "title", "type", "confidence", "project", "tags")
    assert [one[name] for name in names] == ["01HA", "One", "bug", 3, "shop", ["a", "b"]]
    assert (one["status"], one["superseded_by"], one["created_at"]) == ("obsolete", "01HB", "2025-11-02T00:00:00")
    assert (two["type"], two["content"], two["confidence"], two["status"]) == ("reference", "", 0, "active")


def test_the_head_tells_how_many() -> None:
    """For a progress bar; nothing where there is no head."""
    text = _written(_entry(), _entry(id="01HB"))
    assert MarkdownReader(io.BytesIO(text.encode()), Limits(), "a.md", MODIFIED).total == 2
    text = text.replace("Entries: 2", "")
    assert MarkdownReader(io.BytesIO(text.encode()), Limits(), "a.md", MODIFIED).total == 0


def test_an_export_of_nothing() -> None:
    """Is one, with no records."""
    text = _written()
    assert is_export(text)
    assert _read(text) == []


def test_an_entry_without_a_day() -> None:
    """Takes the time of the file."""
    text = _written(_entry()).replace("- **Created**", "- **Made**")
    assert _read(text)[0]["created_at"] == MODIFIED


def _refused(text: str | bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ImportRefusedError) as caught:
        _read(text, limits)
    message = str(caught.value)
    assert message.startswith("a.md")
    assert "\n" not in message
    return message


def test_what_is_refused() -> None:
    """With the line of the entry, and what to do."""
    good = _written(_entry("# x", title="A\ttitle"))
    assert "line 13: its status" in _refused(good.replace("- **Created**", "- **Status**: lost\n- **Created**"))
    assert "line 13: its day" in _refused(good.replace("- **Created**: 2", "- **Created**: x2"))
    assert "delete that line" in _refused(good.replace('"title": "A', '"title": 3, "x": "A'))
    assert "delete that line" in _refused(good.replace('{"title"', '{"title'))
    assert "under no type" in _refused(good[good.index("### ") :])
    assert "line 3: is not UTF-8" in _refused(b"# a\n\n\xff\n")
    assert "has no entry" in _refused("# a\n\ntext\n")
    assert "--limit entries=2" in _refused(_written(_entry(), _entry(id="B")), Limits(entries=1))
    assert "--limit text=" in _refused(_written(_entry("long " * 100)), Limits(text=100))
    assert "--limit text=" in _refused("## Bugs\n\n" + "x" * 1000, Limits(text=100))
    assert "--limit size=" in _refused(good, Limits(size=100))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "text",
            "# A note\n\n- **ID**: `x`\n",
            "# A note\n\n### Part\n\n- a\n",
            "text\n\n## Bugs\n\n### a\n- ID: x",
        ),
        "# How exports look\n\n### One\n\n- **ID**: `x`\n",
    ],
)
def test_a_note_is_no_export(text: str) -> None:
    """Nor one that shows a part of one."""
    assert not is_export(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*PIECES, "## References", "- **Status**: obsolete", '<!-- rekall: {"title": "x"} -->']))
)
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    """And nothing else happens."""
    reader = MarkdownReader(io.BytesIO("\n".join(lines).encode()), Limits(), "a.md", MODIFIED)
    with suppress(ImportRefusedError):
        assert list(reader.records())


class _Endless(io.RawIOBase):
    """A document of many entries that is made while it is read, so that it takes no memory itself."""

    def __init__(self, number: int, entry: bytes) -> None:
        self._number, self._entry = number, entry
        self.seek(0)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._parts: Iterator[bytes] = itertools.chain([b"## Bugs\n"], itertools.repeat(self._entry, self._number))
        return 0

    def readable(self) -> bool:
        return True

    def readline(self, size: int | None = -1, /) -> bytes:
        while not getattr(self, "_lines", None):
            part = next(self._parts, b"")
            if not part:
                return b""
            self._lines = part.splitlines(keepends=True)
        return self._lines.pop(0)


def test_memory_does_not_grow_with_the_number() -> None:
    """2,500 entries of 2 kB, written and read: 5 MB pass through less than three."""

    class Nowhere(io.StringIO):
        def write(self, text: str, /) -> int:
            return len(text)

    content = "a line of forty characters, or about so\n" * 50 + "end"
    tracemalloc.start()
    try:
        write_markdown((_entry(content, id=f"{number}") for number in range(2_500)), Nowhere())
        assert tracemalloc.get_traced_memory()[1] < 3 * 1024**2
        tracemalloc.reset_peak()
        part = f"\n### T\n\n- **ID**: `x`\n\n{content}\n\n---\n".encode()
        reader = MarkdownReader(_Endless(2_500, part), Limits(), "a.md", MODIFIED)  # type: ignore[arg-type]  # reads
        assert sum(record.values["content"] == content for record in reader.records()) == 2_500
        assert tracemalloc.get_traced_memory()[1] < 3 * 1024**2
    finally:
        tracemalloc.stop()
