"""`consolidation`: groups of entries that one entry could stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import JsonOutput, TypeFilter
from rekall.cli.progress import progress

if TYPE_CHECKING:
    from rekall.consolidation import ClusterAnalysis

_LISTED = 5
"""Entries of a group that are named without --analyze."""


def consolidation(
    ctx: typer.Context,
    analyze: Annotated[
        bool, typer.Option("--analyze", "-a", help="Every entry of a group, and how often each keyword occurs.")
    ] = False,
    min_similarity: Annotated[
        float, typer.Option("--min-similarity", "-s", help="Score that a group needs, 0 to 1.")
    ] = 0.75,
    entry_type: TypeFilter = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Groups at most; a negative number is no limit.")] = 50,
    json_output: JsonOutput = False,
) -> None:
    """Find groups of entries that one entry could stand for.

    All entries of a group have two keywords of their contexts in common. The most alike come first.
    """
    from rekall.consolidation import find_consolidation_opportunities

    with open_base(ctx) as base, progress("Reading contexts") as on_progress:
        found = find_consolidation_opportunities(
            base, min_score=min_similarity, entry_type=entry_type, on_progress=on_progress
        )
    groups = found if limit < 0 else found[:limit]
    if json_output:
        output.write_json({"groups": [_record(group) for group in groups], "total_count": len(found)})
    elif not groups:
        output.write("Nothing to list: --limit is 0." if limit == 0 else _nothing(min_similarity))
    elif output.is_terminal():
        _draw(groups, analyze=analyze)
    else:
        for group in groups:
            _write(group, analyze=analyze)


def _nothing(min_similarity: float) -> str:
    return f"No entries are alike enough: a group needs two keywords in common and a score of {min_similarity:g}."


def _record(group: ClusterAnalysis) -> dict[str, Any]:
    return {
        "score": round(group.consolidation_score, 4),
        "suggested_title": group.suggested_title,
        "suggested_keywords": group.suggested_keywords,
        "common_keywords": group.common_keywords,
        "keyword_frequency": group.keyword_frequency,
        "entries": [{"id": entry.id, "type": entry.type, "title": entry.title} for entry in group.entries],
    }


def _command(group: ClusterAnalysis) -> str:
    return f"rekall generalize {' '.join(entry.id for entry in group.entries)}"


def _keywords(group: ClusterAnalysis, *, analyze: bool) -> str:
    if not analyze:
        return ", ".join(group.common_keywords)
    counts = sorted(group.keyword_frequency.items(), key=lambda one: -one[1])
    return ", ".join(f"{word} ({count})" for word, count in counts)


def _write(group: ClusterAnalysis, *, analyze: bool) -> None:
    """A group as one line; with --analyze a line for each entry, and the command that makes one of them."""
    output.write_row(
        f"{group.consolidation_score:.0%}",
        str(len(group.entries)),
        group.suggested_title,
        _keywords(group, analyze=analyze),
        ",".join(entry.id for entry in group.entries),
    )
    if analyze:
        for entry in group.entries:
            output.write_row("", entry.id, entry.type, entry.title)
        output.write(f"# {_command(group)}")


def _draw(groups: Sequence[ClusterAnalysis], *, analyze: bool) -> None:
    ids = output.short_ids(entry.id for group in groups for entry in group.entries)
    console = output.console()
    for group in groups:
        shown = group.entries if analyze else group.entries[:_LISTED]
        head = output.plain(f"{group.consolidation_score:.0%}  {group.suggested_title}", "bold")
        console.print(head.append(f"  ({output.counted(len(group.entries), 'entry')})", style="not bold dim"))
        console.print(output.grid([(output.plain(f"Keywords: {_keywords(group, analyze=analyze)}"),)], indent=2))
        rows = [(output.plain(ids[one.id], "cyan"), output.plain(one.type), output.plain(one.title)) for one in shown]
        console.print(output.grid(rows, indent=2))
        if more := len(group.entries) - len(shown):
            console.print(output.plain(f"  and {more} more: --analyze lists all", "dim"))
    console.print()
    console.print(
        output.plain(f"{output.counted(len(groups), 'group')}; 'rekall generalize ID ID ...' makes one entry")
    )
