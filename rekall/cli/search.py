"""`search` and `browse`: finding entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from rekall.cli import output
from rekall.cli.opening import open_at, open_base, settings
from rekall.cli.options import JsonOutput, MemoryTypeFilter, ProjectFilter, TypeFilter

if TYPE_CHECKING:
    from rich.text import Text

    from rekall.db import Database
    from rekall.models import Entry, Link, SearchResult

LINKED_SHOWN = 5
"""Linked entries that were not hits themselves, shown after the hits."""
_WHERE_MATCHED = {"entry": "", "context": "in context", "some": "some words", "meaning": "by meaning"}


class _Filters(NamedTuple):
    """What a search is narrowed to."""

    entry_type: str | None
    project: str | None
    memory_type: str | None

    @property
    def flags(self) -> list[str]:
        """The flags that were given."""
        return [flag for flag, value in zip(("--type", "--project", "--memory-type"), self, strict=True) if value]


def search(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help='Words, "a phrase", prefix*, A OR B, NOT C, title:word.')],
    entry_type: TypeFilter = None,
    project: ProjectFilter = None,
    memory_type: MemoryTypeFilter = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Hits at most; a negative number is no limit.")] = 20,
    json_output: JsonOutput = False,
    context: Annotated[
        str | None, typer.Option("--context", help="What you are working on (for a search by meaning).")
    ] = None,
    semantic_only: Annotated[bool, typer.Option("--semantic-only", help="By meaning alone (needs a model).")] = False,
) -> None:
    """Find entries by words, phrases and context.

    Several words must all be there; entries where only some are come last. With smart_embeddings.enabled and vectors
    ('rekall embeddings') it finds by meaning too.
    """
    filters = _Filters(entry_type, project, memory_type)
    config = settings(ctx)
    with open_at(config) as base:
        if semantic_only or config.smart_embeddings_enabled:
            from rekall.embeddings import searching

            find = searching.search_by_meaning if semantic_only else searching.search
            hits, mode, note = find(base, query, filters, limit, context)
            if note is not None:
                output.tell(note)
        else:
            hits, mode = base.search(query, entry_type, project, memory_type, limit=limit), "fts"
        links = base.links.links_among([hit.entry.id for hit in hits]) if hits else []
        if json_output:
            _write_hits_json(query, filters, hits, links, mode)
        elif hits:
            _write_hits(query, hits, _linked(base, hits, links))
        else:
            output.write(_why_nothing(base, query, filters, limit))


def browse(
    ctx: typer.Context,
    entry_type: TypeFilter = None,
    project: ProjectFilter = None,
    memory_type: MemoryTypeFilter = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Entries at most; a negative number is no limit.")] = 20,
    obsolete: Annotated[bool, typer.Option("--obsolete", help="Obsolete entries too.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """List entries, newest first."""
    with open_base(ctx) as base:
        entries = base.list_all(entry_type, project, memory_type, include_obsolete=obsolete, limit=limit)
        if not entries and not json_output:
            filters = _Filters(entry_type, project, memory_type)
            output.write(_why_empty(base, filters, limit, obsolete=obsolete))
            return
    if json_output:
        from rekall.records import entry_record

        output.write_json({"results": [entry_record(entry) for entry in entries], "total_count": len(entries)})
    elif output.is_terminal():
        _draw_entries(entries)
    else:
        for entry in entries:
            output.write_row(*_plain_fields(entry))


def _write_hits_json(
    query: str, filters: _Filters, hits: Sequence[SearchResult], links: Sequence[Link], mode: str
) -> None:
    from rekall.records import hit_record

    output.write_json(
        {
            "query": query,
            "results": [hit_record(hit, links) for hit in hits],
            "total_count": len(hits),
            "search_mode": mode,
            "context_matches": {
                "project": filters.project is not None,
                "type": filters.entry_type,
                "memory_type": filters.memory_type,
            },
        }
    )


def _linked(base: Database, hits: Sequence[SearchResult], links: Sequence[Link]) -> list[tuple[Entry, Link]]:
    """The first linked entries that are no hits themselves, each with the link that leads to it."""
    known = {hit.entry.id for hit in hits}
    ways: dict[str, Link] = {}
    for link in links:
        for end in (link.source_id, link.target_id):
            if end not in known:
                ways.setdefault(end, link)
    if not ways:
        return []
    others = base.entries.get_many(list(ways)[:LINKED_SHOWN])
    return [(others[end], ways[end]) for end in ways if end in others]


def _write_hits(query: str, hits: Sequence[SearchResult], linked: Sequence[tuple[Entry, Link]]) -> None:
    if output.is_terminal():
        _draw_hits(query, hits, linked)
        return
    for hit in hits:
        note = _WHERE_MATCHED[hit.matched]
        similar = "" if hit.similarity is None else f"semantic {hit.similarity:.0%}"
        output.write_row(*_plain_fields(hit.entry), *([f"({note})"] if note else []), *([similar] if similar else []))
    output.write(f"# {output.counted(len(hits), 'result')}")
    for entry, link in linked:
        output.write_row("# linked", _relation(entry, link), *_plain_fields(entry))


def _plain_fields(entry: Entry) -> tuple[str, ...]:
    return (entry.id, entry.type, f"{entry.confidence}/5", entry.project or "-", entry.title, *_status(entry))


def _status(entry: Entry) -> list[str]:
    return [] if entry.status == "active" else [f"({entry.status})"]


def _relation(entry: Entry, link: Link) -> str:
    """The link as seen from the hit."""
    return f"{link.relation_type} →" if link.target_id == entry.id else f"← {link.relation_type}"


def _draw_hits(query: str, hits: Sequence[SearchResult], linked: Sequence[tuple[Entry, Link]]) -> None:
    ids = output.short_ids([hit.entry.id for hit in hits] + [entry.id for entry, _ in linked])
    project, semantic = any(hit.entry.project for hit in hits), any(hit.similarity is not None for hit in hits)
    last = [*(["Semantic"] if semantic else []), *(["Project"] if project else [])]
    table = _entry_table(f'Search: "{query}"', last)
    for hit in hits:
        title = output.plain(hit.entry.title)
        if _WHERE_MATCHED[hit.matched]:
            title.append(f"  ({_WHERE_MATCHED[hit.matched]})", style="dim")
        similar = "" if hit.similarity is None else f"{hit.similarity:.0%}"
        cells = [
            *([output.plain(similar)] if semantic else []),
            *([output.plain(hit.entry.project or "")] if project else []),
        ]
        table.add_row(*_cells(hit.entry, ids), title, *cells)
    console = output.console()
    console.print(table)
    console.print(output.plain(f"{output.counted(len(hits), 'result')}; 'rekall show ID' shows one"))
    if linked:
        console.print(output.plain("Linked to these:", "bold"))
        console.print(output.grid((_linked_cells(entry, link, ids) for entry, link in linked), indent=2))


def _linked_cells(entry: Entry, link: Link, ids: Mapping[str, str]) -> tuple[Text, ...]:
    title = output.plain(entry.title).append("".join(f"  {status}" for status in _status(entry)), style="yellow")
    return output.plain(ids[entry.id], "cyan"), output.plain(_relation(entry, link), "dim"), title


def _draw_entries(entries: Sequence[Entry]) -> None:
    ids = output.short_ids(entry.id for entry in entries)
    table = _entry_table(None, ["Created"])
    for entry in entries:
        title = output.plain(entry.title, "" if entry.status == "active" else "dim")
        title.append("".join(f"  {status}" for status in _status(entry)), style="yellow")
        table.add_row(*_cells(entry, ids), title, f"{entry.created_at:%Y-%m-%d}")
    console = output.console()
    console.print(table)
    console.print(output.plain(f"{output.counted(len(entries), 'entry')}; 'rekall show ID' shows one"))


def _entry_table(title: str | None, last: Sequence[str]) -> Any:
    narrow = ("ID", "Type", "Conf.", "Semantic", "Created")
    return output.table(["ID", "Type", "Conf.", "Title", *last], title=title, narrow=narrow, widest="Title")


def _cells(entry: Entry, ids: Mapping[str, str]) -> tuple[Text, ...]:
    return (
        output.plain(ids[entry.id], "cyan"),
        output.plain(entry.type),
        output.plain(output.stars(entry.confidence), "yellow"),
    )


def _why_nothing(base: Database, query: str, filters: _Filters, limit: int) -> str:
    """Why a search found nothing: nothing is stored, all was filtered out, or nothing matches."""
    if limit == 0:
        return "No results: --limit is 0."
    if base.entries.count(include_obsolete=True) == 0:
        return "Nothing is stored yet: 'rekall add TYPE TITLE' stores the first entry."
    shown = f'"{output.one_line(query)}"'
    if filters.flags and base.search(query, limit=1, update_access=False):
        return f"Only entries outside your filter match {shown}: leave out {' or '.join(filters.flags)}."
    if base.search(query, limit=1, include_obsolete=True, update_access=False):
        return f"Only obsolete entries match {shown}: 'rekall browse --obsolete' lists them."
    return f"No entry matches {shown}."


def _why_empty(base: Database, filters: _Filters, limit: int, *, obsolete: bool) -> str:
    if limit == 0:
        return "Nothing to list: --limit is 0."
    if base.entries.count(include_obsolete=True) == 0:
        return "Nothing is stored yet: 'rekall add TYPE TITLE' stores the first entry."
    if filters.flags:
        return "No entry passes your filter."
    return "Nothing to list." if obsolete else "No entry is active: 'rekall browse --obsolete' lists the obsolete ones."
