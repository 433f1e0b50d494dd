"""A Markdown export: a document for people, in groups by type, that `rekall import` can read again."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from rekall.exchange.fields import entry_of
from rekall.exchange.markdown_form import (
    CONTENT,
    FIELDS,
    GROUPS,
    HEAD,
    QUOTED,
    SHOWN_ONLY,
    code,
    goes_on,
    has_control,
    hint_line,
    is_plain,
    one_line,
    quoted,
    shown_title,
)
from rekall.exchange.records import Record
from rekall.models import Entry, Link, StructuredContext
from rekall.store.context_codec import read_structured

_IN_MEMORY = 1024**2
"""Characters of a group that are kept in memory; more of it waits in a temporary file."""
_BLOCK = 64 * 1024


@dataclass(frozen=True)
class Shown:
    """An entry with what else a reader wants to see of it.

    Args:
        context: its structured context.
        links: those that begin or end at it.
    """

    entry: Entry
    context: StructuredContext | None = None
    links: tuple[Link, ...] = ()


Entries = Iterable["Entry | Shown"]


def write_markdown(entries: Entries | Callable[[], Entries], stream: TextIO, *, moment: datetime | None = None) -> int:
    """Write a document. The entries are gone through once; memory does not grow with their number.

    Args:
        entries: in the order that they have inside their type.
        stream: takes text, and leaves `\\n` as it is.
        moment: the time of the export, now if it is left out.

    Returns:
        The number of entries.

    Raises:
        OSError: the stream, or the folder for temporary files, takes no more.
    """
    counts = dict.fromkeys(GROUPS, 0)
    with ExitStack() as open_files:
        groups: dict[str, tempfile.SpooledTemporaryFile[str]] = {}
        headings = {kind: heading for heading, kind in GROUPS.items()}
        for item in entries() if callable(entries) else entries:
            shown = item if isinstance(item, Shown) else Shown(item)
            heading = headings[shown.entry.type]
            if heading not in groups:
                groups[heading] = open_files.enter_context(_spool())
            counts[heading] += 1
            groups[heading].write("\n".join([*_entry_lines(shown), ""]))
        total = sum(counts.values())
        for line in _head_lines(moment or datetime.now(), total):
            stream.write(f"{line}\n")
        for heading, group in sorted(groups.items()):
            stream.write(f"\n## {heading} ({counts[heading]})\n")
            group.seek(0)
            while block := group.read(_BLOCK):
                stream.write(block)
    return total


def _spool() -> tempfile.SpooledTemporaryFile[str]:
    return tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="\n")


def shown_records(entries: Iterable[Record], rows: Iterable[Record]) -> Iterator[Shown]:
    """Records of a base as entries with their contexts and links.

    Args:
        entries: of the table `entries`.
        rows: of other tables; all but links are passed over. The links are kept in memory.

    Raises:
        CorruptError: the base holds a value that cannot be read.
    """
    links: dict[str, list[Link]] = {}
    for record in rows:
        if record.table == "links":
            link = Link(**{**record.values, "created_at": datetime.min})
            for end in (link.source_id, link.target_id):
                links.setdefault(end, []).append(link)
    for record in entries:
        entry = entry_of(record.values)
        yield Shown(entry, read_structured(record.values), tuple(links.get(entry.id, ())))


def _head_lines(moment: datetime, total: int) -> Iterator[str]:
    yield HEAD
    yield ""
    yield f"Exported: {moment:%Y-%m-%d %H:%M}"
    yield ""
    yield f"Entries: {total}"
    yield ""
    yield "---"


def _entry_lines(shown: Shown) -> Iterator[str]:
    entry = shown.entry
    exact: dict[str, object] = {} if shown_title(entry.title) == entry.title else {"title": entry.title}
    yield ""
    yield f"### {shown_title(entry.title)}"
    yield ""
    for field in FIELDS:
        value = getattr(entry, field.name)
        if field.name == "created_at":
            value = value.date().isoformat()
        looks = field.show(value)
        if looks is not None:
            yield f"- **{field.label}**: {looks}"
        if field.read(looks) != value:
            exact[field.name] = value
    content = entry.content
    plain = not content or (is_plain(content) and not has_control(content))
    if not plain:
        exact |= {CONTENT: content} if has_control(content) else {QUOTED: True}
    if exact or goes_on(content):
        yield ""
        yield hint_line(exact)
    if content:
        yield ""
        yield content if plain else quoted(content)
    more = [*_context_lines(shown.context), *_link_lines(entry, shown.links)]
    if more:
        yield ""
        yield SHOWN_ONLY
        yield from more
    yield ""
    yield "---"


def _context_lines(context: StructuredContext | None) -> Iterator[str]:
    if context is None:
        return
    yield from _text_lines("Situation", [context.situation])
    yield from _text_lines("Solution", [context.solution])
    yield from _text_lines("What failed", [context.what_failed or ""])
    yield from _text_lines("Keywords", [", ".join(map(one_line, context.trigger_keywords))])
    yield from _text_lines("Errors", context.error_messages or [])
    yield from _text_lines("Files", [", ".join(map(one_line, context.files_modified or []))])


def _text_lines(label: str, texts: list[str]) -> Iterator[str]:
    """Some texts under a label: one of a single line beside it, others as quotations."""
    texts = [text.strip() for text in texts if text.strip()]
    if not texts:
        return
    yield ""
    if len(texts) == 1 and "\n" not in texts[0] and not has_control(texts[0]):
        yield f"**{label}**: {texts[0]}"
        return
    yield f"**{label}**:"
    yield ""
    for number, text in enumerate(texts):
        yield from [">"] if number else []
        yield quoted(text)


def _link_lines(entry: Entry, links: tuple[Link, ...]) -> Iterator[str]:
    if not links:
        return
    yield ""
    yield "**Links**:"
    yield ""
    for link in links:
        outgoing = link.source_id == entry.id
        other = code(link.target_id if outgoing else link.source_id)
        words = link.relation_type.replace("_", " ")
        reason = f": {one_line(link.reason)}" if link.reason and one_line(link.reason) else ""
        yield f"- {words} {other}{reason}" if outgoing else f"- {other} {words} this{reason}"
