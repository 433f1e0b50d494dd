"""`similar`: entries that are about the same things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import JsonOutput, complete_id
from rekall.errors import AmbiguousIdError, EntryNotFoundError

if TYPE_CHECKING:
    from rekall.db import Database
    from rekall.similar import Comparison, Similar


def similar(
    ctx: typer.Context,
    query: Annotated[
        str,
        typer.Argument(help="Id of an entry, or a prefix of it; or any text.", autocompletion=complete_id),
    ],
    limit: Annotated[int, typer.Option("--limit", "-l", help="Entries at most; a negative number is no limit.")] = 10,
    json_output: JsonOutput = False,
) -> None:
    """List the entries most similar to an entry, or to a text.

    Entries are compared by the words, tags and keywords that they have in common; by their vectors when
    smart_embeddings.enabled is set and 'rekall embeddings --migrate' has stored them. Obsolete entries are left out.
    """
    with open_base(ctx) as base:
        entry_id, (found, compared_by, note) = _find(base, query, limit)
    if note is not None:
        output.tell(note)
    if json_output:
        from rekall.records import entry_record

        results = [
            {**entry_record(one.entry), "similarity": round(one.score, 4), "shared_words": list(one.shared)}
            for one in found
        ]
        answer = {"query": query, "entry_id": entry_id, "results": results, "total_count": len(results)}
        output.write_json({**answer, "compared_by": compared_by})
    elif not found:
        output.write("Nothing to list: --limit is 0." if limit == 0 else _nothing(query, entry_id, compared_by))
    elif output.is_terminal():
        _draw(found)
    else:
        for one in found:
            shared = [", ".join(one.shared)] if one.shared else []
            output.write_row(one.entry.id, f"{one.score:.0%}", one.entry.type, one.entry.title, *shared)


def _find(base: Database, query: str, limit: int) -> tuple[str | None, Comparison]:
    """The id that was meant, None when the query is a text, and what is similar.

    Raises:
        AmbiguousIdError: several ids begin so, and no entry holds the query as a word.
    """
    from rekall.similar import compare_entry, compare_text, similar_to_text

    try:
        entry_id = base.entries.resolve(query)
    except AmbiguousIdError:
        if not similar_to_text(base, query, limit):
            raise
        return None, compare_text(base, query, limit)
    except EntryNotFoundError:
        return None, compare_text(base, query, limit)
    return entry_id, compare_entry(base, entry_id, limit)


def _nothing(query: str, entry_id: str | None, compared_by: str) -> str:
    if compared_by == "vectors":
        return f"No other entry has a vector as similar as that of {entry_id or 'this text'}."
    if entry_id is not None:
        return f"No entry has words in common with {entry_id}."
    return f'No entry has the id or a word of "{output.one_line(query)}".'


def _draw(found: Sequence[Similar]) -> None:
    ids = output.short_ids(one.entry.id for one in found)
    table = output.table(["ID", "Similar", "Type", "Title"], narrow=("ID", "Similar", "Type"), widest="Title")
    for one in found:
        title = output.plain(one.entry.title)
        if one.shared:
            title.append(f"  ({output.one_line(', '.join(one.shared))})", style="dim")
        table.add_row(output.plain(ids[one.entry.id], "cyan"), f"{one.score:.0%}", output.plain(one.entry.type), title)
    console = output.console()
    console.print(table)
    console.print(output.plain(f"{output.counted(len(found), 'entry')}; 'rekall show ID' shows one"))
