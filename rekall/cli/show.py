"""`show`: one entry, whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import EntryId, JsonOutput
from rekall.errors import EntryNotFoundError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from rekall.models import Entry, Link, StructuredContext

_BAR_WIDTH = 10
Kind = tuple[str, str, int]
"""Of a vector: what of the entry it is of, its model, its length."""


def show(ctx: typer.Context, entry_id: EntryId, json_output: JsonOutput = False) -> None:
    """Show one entry with its context and links.

    The look counts as an access.
    """
    with open_base(ctx) as base:
        full_id = base.entries.resolve(entry_id)
        entry = base.get(full_id)
        if entry is None:
            raise EntryNotFoundError(full_id)
        context = base.get_structured_context(full_id)
        text = base.get_context(full_id)
        related = base.get_related_entries(full_id)
        vectors = base.embeddings.kinds(full_id)
    if json_output:
        _write_json(entry, context, text, related, vectors)
    elif output.is_terminal():
        _draw(entry, context, text, related, vectors)
    else:
        _write_plain(entry, context, text, related, vectors)


def _write_json(
    entry: Entry,
    context: StructuredContext | None,
    text: str | None,
    related: Sequence[tuple[Entry, Link]],
    vectors: Sequence[Kind],
) -> None:
    from rekall.records import context_record, entry_record, link_record

    output.write_json(
        entry_record(entry)
        | {
            "context": None if context is None else context_record(context),
            "context_text": text,
            "links": [link_record(link) | {"title": other.title, "other_id": other.id} for other, link in related],
            "embeddings": [dict(zip(("type", "model", "dimensions"), kind, strict=True)) for kind in vectors],
        }
    )


def _fields(entry: Entry, vectors: Sequence[Kind]) -> list[tuple[str, str]]:
    """What the frame holds: labels and values."""
    filled = round(entry.consolidation_score * _BAR_WIDTH)
    bar = "▓" * filled + "░" * (_BAR_WIDTH - filled)
    accessed = output.counted(entry.access_count, "time")
    if entry.last_accessed is not None:
        accessed += f", last {entry.last_accessed:%Y-%m-%d %H:%M}"
    optional = [
        ("Project", entry.project or ""),
        ("Tags", ", ".join(entry.tags)),
        ("Superseded by", entry.superseded_by or ""),
        ("Next review", str(entry.next_review or "")),
        ("Embeddings", ", ".join(f"{kind} ({model}, {length} numbers)" for kind, model, length in vectors)),
    ]
    return [
        ("Id", entry.id),
        ("Type", entry.type),
        ("Confidence", f"{output.stars(entry.confidence)} {entry.confidence}/5"),
        ("Memory", entry.memory_type),
        ("Consolidation", f"{bar} {entry.consolidation_score:.0%}"),
        ("Accessed", accessed),
        ("Created", f"{entry.created_at:%Y-%m-%d %H:%M}"),
        ("Status", entry.status),
        *((label, value) for label, value in optional if value),
    ]


def _context_fields(context: StructuredContext | None, text: str | None) -> list[tuple[str, str]]:
    """The parts of a context that are there: labels and values."""
    parts: list[tuple[str, str | None]] = []
    if context is not None:
        parts = [
            ("Situation", context.situation),
            ("Solution", context.solution),
            ("What failed", context.what_failed),
            ("Keywords", ", ".join(context.trigger_keywords)),
            ("Errors", "\n".join(context.error_messages or [])),
            ("Files", "\n".join(context.files_modified or [])),
            ("Excerpt", context.conversation_excerpt),
        ]
    parts.append(("Text", text))
    return [(label, value) for label, value in parts if value]


def _arrow(entry: Entry, link: Link) -> str:
    return "→" if link.source_id == entry.id else "←"


def _write_plain(
    entry: Entry,
    context: StructuredContext | None,
    text: str | None,
    related: Sequence[tuple[Entry, Link]],
    vectors: Sequence[Kind],
) -> None:
    output.write(f"Title: {output.one_line(entry.title)}")
    for label, value in _fields(entry, vectors):
        output.write(f"{label}: {output.one_line(value)}")
    if entry.content:
        output.write(f"\n{output.printable(entry.content)}")
    parts = _context_fields(context, text)
    if parts:
        output.write("\nContext")
    for label, value in parts:
        output.write(f"  {label}: " + output.printable(value).rstrip().replace("\n", "\n    "))
    if related:
        output.write("\nLinks")
    for other, link in related:
        reason = f" ({output.one_line(link.reason)})" if link.reason else ""
        title = output.one_line(other.title)
        output.write(f"  {_arrow(entry, link)} {link.relation_type} {other.id} {title}{reason}")


def _draw(
    entry: Entry,
    context: StructuredContext | None,
    text: str | None,
    related: Sequence[tuple[Entry, Link]],
    vectors: Sequence[Kind],
) -> None:
    from rich.panel import Panel
    from rich.text import Text

    console = output.console()
    console.print(
        Panel(_labelled(_fields(entry, vectors)), title=output.plain(entry.title, "bold"), title_align="left")
    )
    draw_text(console, entry, context, text)
    if related:
        ids = output.short_ids(other.id for other, _ in related)
        console.print(Text("\nLinks", style="bold"))
        console.print(output.grid((_link_cells(entry, other, link, ids) for other, link in related), indent=2))


def draw_text(console: Console, entry: Entry, context: StructuredContext | None, text: str | None) -> None:
    """Draw what an entry says: its content and its context."""
    from rich.text import Text

    if entry.content:
        console.print(Text(f"\n{output.printable(entry.content)}"))
    parts = _context_fields(context, text)
    if parts:
        console.print(Text("\nContext", style="bold"))
        console.print(_labelled(parts, indent=2))


def _link_cells(entry: Entry, other: Entry, link: Link, ids: Mapping[str, str]) -> tuple[Text, ...]:
    title = output.plain(other.title)
    if link.reason:
        title.append(f"  ({output.one_line(link.reason)})", style="dim")
    relation = output.plain(f"{_arrow(entry, link)} {link.relation_type}", "dim")
    return relation, output.plain(ids[other.id], "cyan"), title


def _labelled(fields: Sequence[tuple[str, str]], indent: int = 0) -> Any:
    from rich.text import Text

    rows = ((output.plain(label, "dim"), Text(output.printable(value).rstrip())) for label, value in fields)
    return output.grid(rows, indent=indent)
