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
    from rekall.similar import Similar


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

    Entries are compared by the words, tags and keywords that they have in common. Obsolete entries are left out.
    """
    with open_base(ctx) as base:
        entry_id, found = _find(base, query, limit)
    if json_output:
        from rekall.records import entry_record

        results = [
            {**entry_record(one.entry), "similarity": round(one.score, 4), "shared_words": list(one.shared)}
            for one in found
        ]
        output.write_json({"query": query, "entry_id": entry_id, "results": results, "total_count": len(results)})
    elif not found:
        output.write("Nothing to list: --limit is 0." if limit == 0 else _nothing(query, entry_id))
    elif output.is_terminal():
        _draw(found)
    else:
        for one in found:
            output.write_row(one.entry.id, f"{one.score:.0%}", one.entry.type, one.entry.title, ", ".join(one.shared))


def _find(base: Database, query: str, limit: int) -> tuple[str | None, list[Similar]]:
    """The id that was meant, None when the query is a text, and what is similar.

    Raises:
        AmbiguousIdError: several ids begin so, and no entry holds the query as a word.
    """
    from rekall.similar import similar_entries, similar_to_text

    try:
        entry_id = base.entries.resolve(query)
    except AmbiguousIdError:
        found = similar_to_text(base, query, limit)
        if not found:
            raise
        return None, found
    except EntryNotFoundError:
        return None, similar_to_text(base, query, limit)
    return entry_id, similar_entries(base, entry_id, limit)


def _nothing(query: str, entry_id: str | None) -> str:
    if entry_id is not None:
        return f"No entry has words in common with {entry_id}."
    return f'No entry has the id or a word of "{output.one_line(query)}".'


def _draw(found: Sequence[Similar]) -> None:
    ids = output.short_ids(one.entry.id for one in found)
    table = output.table(["ID", "Similar", "Type", "Title"], narrow=("ID", "Similar", "Type"), widest="Title")
    for one in found:
        title = output.plain(one.entry.title).append(f"  ({output.one_line(', '.join(one.shared))})", style="dim")
        table.add_row(output.plain(ids[one.entry.id], "cyan"), f"{one.score:.0%}", output.plain(one.entry.type), title)
    console = output.console()
    console.print(table)
    console.print(output.plain(f"{output.counted(len(found), 'entry')}; 'rekall show ID' shows one"))
