"""`link`, `unlink`, `related` and `centrality`: how entries hang together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from rekall.capture import check_relation_type
from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import EntryId, JsonOutput, complete_id, complete_relation, entry_id_argument
from rekall.cli.progress import progress

if TYPE_CHECKING:
    from rekall.graph import Graph
    from rekall.models import Entry, Link

_RELATIONS = "related, supersedes, derived_from or contradicts."
SourceId = Annotated[str, entry_id_argument("Id of the entry that the link starts at, or a prefix of it.")]
TargetId = Annotated[str, entry_id_argument("Id of the entry that it leads to, or a prefix of it.")]
RelationFilter = Annotated[
    str | None, typer.Option("--type", "-t", help=f"Only this relation: {_RELATIONS}", autocompletion=complete_relation)
]


def link(
    ctx: typer.Context,
    source_id: SourceId,
    target_id: TargetId,
    relation_type: Annotated[
        str, typer.Option("--type", "-t", help=f"The relation: {_RELATIONS}", autocompletion=complete_relation)
    ] = "related",
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="Why they belong together.")] = None,
    json_output: JsonOutput = False,
) -> None:
    """Link two entries.

    Read it as: SOURCE supersedes TARGET, SOURCE derived_from TARGET.
    """
    check_relation_type(relation_type)
    with open_base(ctx) as base:
        source, target = base.entries.resolve(source_id), base.entries.resolve(target_id)
        made = base.add_link(source, target, relation_type, reason)
    if json_output:
        from rekall.records import link_record

        output.write_json(link_record(made))
    else:
        output.write(f"Linked {source} {relation_type} → {target}")


def unlink(
    ctx: typer.Context,
    source_id: SourceId,
    target_id: TargetId,
    relation_type: RelationFilter = None,
    json_output: JsonOutput = False,
) -> None:
    """Remove the link between two entries.

    Without --type every link from SOURCE to TARGET goes; links from TARGET to SOURCE stay.
    """
    if relation_type is not None:
        check_relation_type(relation_type)
    with open_base(ctx) as base:
        source, target = base.entries.resolve(source_id), base.entries.resolve(target_id)
        removed = base.delete_link(source, target, relation_type)
    if json_output:
        output.write_json({"source_id": source, "target_id": target, "type": relation_type, "removed": removed})
    elif removed:
        output.write(f"Removed {output.counted(removed, 'link')} {source} → {target}")
    else:
        output.write(f"No such link {source} → {target}.")


def related(
    ctx: typer.Context,
    entry_id: EntryId,
    relation_type: RelationFilter = None,
    depth: Annotated[int, typer.Option("--depth", "-d", min=1, max=3, help="Links to follow, one after another.")] = 1,
    json_output: JsonOutput = False,
) -> None:
    """List the entries linked to one.

    Links are followed in both directions, the nearest entries come first.
    """
    if relation_type is not None:
        check_relation_type(relation_type)
    from rekall.graph import load

    with open_base(ctx) as base:
        full_id = base.entries.resolve(entry_id)
        graph = load(base.store, full_id, depth)
    neighbours = [] if graph is None else _neighbours(graph, relation_type, depth)
    if json_output:
        from rekall.records import entry_record, link_record

        found = [
            {"distance": one.distance, "link": link_record(one.link), "entry": entry_record(one.entry)}
            for one in neighbours
        ]
        output.write_json({"id": full_id, "depth": depth, "related": found, "total_count": len(found)})
    elif not neighbours:
        output.write(f"No entry is linked to {full_id}.")
    elif output.is_terminal():
        _draw(neighbours, depth)
    else:
        for one in neighbours:
            output.write_row(one.entry.id, str(one.distance), one.relation, one.entry.type, one.entry.title)


@dataclass(frozen=True)
class _Neighbour:
    """An entry, the links between it and the start at least, and the last link of that way."""

    entry: Entry
    distance: int
    link: Link

    @property
    def relation(self) -> str:
        """The last link as seen from the entry before it."""
        outgoing = self.link.target_id == self.entry.id
        return f"{self.link.relation_type} →" if outgoing else f"← {self.link.relation_type}"


def _neighbours(graph: Graph, relation_type: str | None, depth: int) -> list[_Neighbour]:
    """Breadth first, outgoing links first; each link of the first level is listed, each farther entry once."""
    found: list[_Neighbour] = []
    seen, frontier = {graph.root.id}, [graph.root.id]
    for distance in range(1, depth + 1):
        reached: list[_Neighbour] = []
        for start in frontier:
            ways = [(each.target_id, each) for each in graph.outgoing.get(start, [])]
            ways += [(each.source_id, each) for each in graph.incoming.get(start, [])]
            reached += [
                _Neighbour(graph.entries[end], distance, each)
                for end, each in ways
                if end not in seen and end in graph.entries and relation_type in (None, each.relation_type)
            ]
        if distance > 1:
            reached = list({one.entry.id: one for one in reversed(reached)}.values())[::-1]
        found += reached
        frontier = list(dict.fromkeys(one.entry.id for one in reached))
        seen.update(frontier)
    return found


def _draw(neighbours: Sequence[_Neighbour], depth: int) -> None:
    ids = output.short_ids(one.entry.id for one in neighbours)
    distance = ["Links"] if depth > 1 else []
    table = output.table(
        ["ID", *distance, "Relation", "Type", "Title"], narrow=("ID", "Links", "Relation", "Type"), widest="Title"
    )
    for one in neighbours:
        title = output.plain(one.entry.title)
        if one.entry.status != "active":
            title.append(f"  ({one.entry.status})", style="yellow")
        if one.link.reason:
            title.append(f"  ({output.one_line(one.link.reason)})", style="dim")
        table.add_row(
            output.plain(ids[one.entry.id], "cyan"),
            *([str(one.distance)] if distance else []),
            one.relation,
            output.plain(one.entry.type),
            title,
        )
    output.console().print(table)


def centrality(
    ctx: typer.Context,
    entry_id: Annotated[
        str | None,
        typer.Argument(help="Id of one entry, or a prefix; all active ones without.", autocompletion=complete_id),
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Compute how central entries are among their links.

    The scores, 0 to 100, are stored with the entries.
    """
    with open_base(ctx) as base:
        if entry_id is None:
            with progress("Centrality") as on_progress:
                number = base.update_all_centrality_scores(on_progress=on_progress)
            if json_output:
                output.write_json({"updated": number})
            else:
                output.write(f"Computed the centrality of {output.counted(number, 'entry')}.")
            return
        full_id = base.entries.resolve(entry_id)
        score = base.update_centrality_score(full_id)
    if json_output:
        output.write_json({"id": full_id, "centrality_score": score})
    else:
        output.write(f"Centrality of {full_id}: {score:.1f}")
