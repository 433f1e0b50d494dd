"""`graph`: the links around an entry as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import EntryId, JsonOutput
from rekall.errors import EntryNotFoundError

if TYPE_CHECKING:
    from rekall.db import Database
    from rekall.models import Link


def graph(
    ctx: typer.Context,
    entry_id: EntryId,
    depth: Annotated[int, typer.Option("--depth", "-d", min=1, max=4, help="Levels to draw.")] = 2,
    outgoing_only: Annotated[bool, typer.Option("--outgoing", "-o", help="Only links that start here.")] = False,
    incoming_only: Annotated[bool, typer.Option("--incoming", "-i", help="Only links that lead here.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Draw the links around an entry."""
    both = outgoing_only == incoming_only
    with open_base(ctx) as base:
        full_id = base.entries.resolve(entry_id)
        if json_output:
            _write_json(base, full_id, depth, outgoing=both or outgoing_only, incoming=both or incoming_only)
            return
        markup = base.render_graph_ascii(
            full_id, depth, show_incoming=both or incoming_only, show_outgoing=both or outgoing_only
        )
    from rich.text import Text

    drawing = Text.from_markup(str(markup), emoji=False)
    if output.is_terminal():
        output.console().print(drawing)
    else:
        output.write(output.printable(drawing.plain))


def _write_json(base: Database, entry_id: str, depth: int, *, outgoing: bool, incoming: bool) -> None:
    """The entries and links that can be reached; a branch keeps the direction that its first link has."""
    from rekall.graph import load
    from rekall.records import link_record

    loaded = load(base.store, entry_id, depth)
    if loaded is None:
        raise EntryNotFoundError(entry_id)
    links: dict[str, Link] = {}
    reached = {entry_id: loaded.root}
    for wanted, ways in ((outgoing, loaded.outgoing), (incoming, loaded.incoming)):
        frontier = {entry_id} if wanted else set()
        for _ in range(depth):
            found = [link for start in frontier for link in ways.get(start, [])]
            links |= {link.id: link for link in found}
            frontier = {link.target_id if ways is loaded.outgoing else link.source_id for link in found}
            reached |= {end: loaded.entries[end] for end in sorted(frontier) if end in loaded.entries}
    output.write_json(
        {
            "id": entry_id,
            "depth": depth,
            "entries": [
                {"id": entry.id, "type": entry.type, "title": entry.title, "status": entry.status}
                for entry in reached.values()
            ],
            "links": [link_record(link) for link in links.values()],
        }
    )
