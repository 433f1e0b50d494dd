"""What `search` and `browse` print: rows for pipes, tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekall.cli import output

if TYPE_CHECKING:
    from rich.text import Text

    from rekall.finding import Answer
    from rekall.models import Entry, Link

_WHERE_MATCHED = {"entry": "", "context": "in context", "some": "some words", "meaning": "by meaning"}


def write_answer(query: str, answer: Answer, nothing: str) -> None:
    """Print an answer.

    Args:
        nothing: what is said when there is no hit.
    """
    if output.is_terminal():
        _draw_answer(query, answer, nothing)
        return
    for hit in answer.hits:
        note = _WHERE_MATCHED[hit.matched]
        similar = "" if hit.similarity is None else f"semantic {hit.similarity:.0%}"
        output.write_row(*_plain_fields(hit.entry), *([f"({note})"] if note else []), *([similar] if similar else []))
        if hit.entry.id in answer.explanations:
            for label, text in _explained(answer, hit.entry.id):
                output.write(output.one_line(f"#   {label}: {text}"))
    output.write(f"# {output.counted(len(answer.hits), 'result')}" if answer.hits else nothing)
    for note in _notes(answer):
        output.write(output.one_line(f"# {note}"))
    for old, by in answer.superseded:
        output.write_row("# superseded", old.id, old.title, by.id, by.title)
    for entry, link in answer.linked:
        output.write_row("# linked", _relation(entry, link), *_plain_fields(entry))


def write_entries(entries: Sequence[Entry]) -> None:
    """Print a list of entries."""
    if not output.is_terminal():
        for entry in entries:
            output.write_row(*_plain_fields(entry))
        return
    ids = output.short_ids(entry.id for entry in entries)
    table = _entry_table(["Created"])
    for entry in entries:
        title = output.plain(entry.title, "" if entry.status == "active" else "dim")
        title.append("".join(f"  {status}" for status in _status(entry)), style="yellow")
        table.add_row(*_cells(entry, ids), title, f"{entry.created_at:%Y-%m-%d}")
    console = output.console()
    console.print(table)
    console.print(output.plain(f"{output.counted(len(entries), 'entry')}; 'rekall show ID' shows one"))


def _notes(answer: Answer) -> Iterable[str]:
    """The notes but the one that is told on stderr: it is about this installation, and not about the hits."""
    return [note for note in answer.notes if note != answer.problem]


def _plain_fields(entry: Entry) -> tuple[str, ...]:
    return (entry.id, entry.type, f"{entry.confidence}/5", entry.project or "-", entry.title, *_status(entry))


def _status(entry: Entry) -> list[str]:
    return [] if entry.status == "active" else [f"({entry.status})"]


def _relation(entry: Entry, link: Link) -> str:
    """The link as seen from the hit."""
    return f"{link.relation_type} →" if link.target_id == entry.id else f"← {link.relation_type}"


def _explained(answer: Answer, entry_id: str) -> Sequence[tuple[str, str]]:
    from rekall.finding.explaining import in_words

    (hit,) = (hit for hit in answer.hits if hit.entry.id == entry_id)
    return in_words(hit, answer.explanations[entry_id])


def _draw_answer(query: str, answer: Answer, nothing: str) -> None:
    shown = [hit.entry for hit in answer.hits] + [linked.entry for linked in answer.linked]
    ids = output.short_ids(entry.id for entry in [*shown, *(one for pair in answer.superseded for one in pair)])
    console = output.console()
    if answer.hits:
        console.print(output.plain(f'Search: "{query}"', "bold"))
    for note in _notes(answer):
        console.print(output.plain(f"{note[:1].upper()}{note[1:]}", "yellow"))
    if answer.hits:
        console.print(_hit_table(answer, ids))
        console.print(output.plain(f"{output.counted(len(answer.hits), 'result')}; 'rekall show ID' shows one"))
    else:
        output.write(nothing)
    if answer.explanations:
        console.print(output.plain("Why they are in this order:", "bold"))
        console.print(output.grid(_explanation_rows(answer, ids), indent=2))
    if answer.superseded:
        console.print(output.plain("Superseded:", "bold"))
        console.print(output.grid((_superseded_cells(old, by, ids) for old, by in answer.superseded), indent=2))
    if answer.linked:
        console.print(output.plain("Linked to these:", "bold"))
        console.print(output.grid((_linked_cells(entry, link, ids) for entry, link in answer.linked), indent=2))


def _hit_table(answer: Answer, ids: Mapping[str, str]) -> Any:
    project = any(hit.entry.project for hit in answer.hits)
    semantic = any(hit.similarity is not None for hit in answer.hits)
    table = _entry_table([*(["Semantic"] if semantic else []), *(["Project"] if project else [])])
    for hit in answer.hits:
        title = output.plain(hit.entry.title)
        if _WHERE_MATCHED[hit.matched]:
            title.append(f"  ({_WHERE_MATCHED[hit.matched]})", style="dim")
        similar = "" if hit.similarity is None else f"{hit.similarity:.0%}"
        cells = [
            *([output.plain(similar)] if semantic else []),
            *([output.plain(hit.entry.project or "")] if project else []),
        ]
        table.add_row(*_cells(hit.entry, ids), title, *cells)
    return table


def _explanation_rows(answer: Answer, ids: Mapping[str, str]) -> Iterable[tuple[Text, ...]]:
    for hit in answer.hits:
        shown = ids[hit.entry.id]
        for label, text in _explained(answer, hit.entry.id):
            yield output.plain(shown, "cyan"), output.plain(label, "dim"), output.plain(text)
            shown = ""


def _superseded_cells(old: Entry, by: Entry, ids: Mapping[str, str]) -> tuple[Text, ...]:
    title = output.plain("").append_text(output.plain(old.title, "dim"))
    title.append("".join(f"  {status}" for status in _status(old)), style="yellow").append("\n→ ")
    title.append(ids[by.id], style="cyan").append_text(output.plain(f"  {by.title}"))
    return output.plain(ids[old.id], "cyan"), title


def _linked_cells(entry: Entry, link: Link, ids: Mapping[str, str]) -> tuple[Text, ...]:
    title = output.plain(entry.title).append("".join(f"  {status}" for status in _status(entry)), style="yellow")
    return output.plain(ids[entry.id], "cyan"), output.plain(_relation(entry, link), "dim"), title


def _entry_table(last: Sequence[str]) -> Any:
    narrow = ("ID", "Type", "Conf.", "Semantic", "Created")
    return output.table(["ID", "Type", "Conf.", "Title", *last], narrow=narrow, widest="Title")


def _cells(entry: Entry, ids: Mapping[str, str]) -> tuple[Text, ...]:
    return (
        output.plain(ids[entry.id], "cyan"),
        output.plain(entry.type),
        output.plain(output.stars(entry.confidence), "yellow"),
    )
