"""rekall_stale and rekall_suggest: what in the base wants attention."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from rekall.consolidation import ClusterAnalysis, find_consolidation_opportunities
from rekall.db import Database
from rekall.mcp.outputs import StaleOutput, SuggestOutput
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec
from rekall.mcp.text import one_line, short_id
from rekall.models import Suggestion
from rekall.records import with_offset

_CLUSTERS = 5
_SHOWN = 3
_KEYWORDS = 5
_SUGGESTION_TITLE, _CLUSTER_TITLE, _MEMBER_TITLE = 30, 40, 25
_SHORTEST_ID = 8


class StaleArguments(Arguments):
    """Arguments of rekall_stale."""

    days: int = Field(90, description="Days without an access")
    limit: int = 20


class SuggestArguments(Arguments):
    """Arguments of rekall_suggest."""

    type: Literal["link", "generalize"] | None = Field(None, description="Both when left out")
    limit: int = 10
    # read but not declared by 0.3
    include_consolidation: SkipJsonSchema[bool] = True


def stale(open_database: OpenDatabase, args: StaleArguments) -> Answer:
    """List the active entries that nothing has asked for in a while, oldest first."""
    entries = open_database().get_stale_entries(args.days, max(args.limit, 0))
    records = [
        {
            "id": entry.id,
            "type": entry.type,
            "title": entry.title,
            "tags": entry.tags,
            "project": entry.project,
            "last_accessed": with_offset(entry.last_accessed),
        }
        for entry in entries
    ]
    structured = {"days": args.days, "entries": records, "total_count": len(entries)}
    if not entries:
        return Answer(f"No entry has gone without an access for {args.days} days.", structured)
    lines = [f"Not accessed for {args.days} days or more:", ""]
    for entry in entries:
        accessed = "never" if entry.last_accessed is None else f"{entry.last_accessed:%Y-%m-%d}"
        lines += [
            f"- [{short_id(entry.id)}] {one_line(entry.title)}",
            f"  Type: {entry.type} | Last accessed: {accessed}",
        ]
    lines += ["", f"Total: {len(entries)}", "Read one with rekall_show; what is no longer true: rekall_deprecate."]
    return Answer("\n".join(lines), structured)


def suggest(open_database: OpenDatabase, args: SuggestArguments) -> Answer:
    """List the pending suggestions, and the groups of entries that could become one."""
    db = open_database()
    suggestions = db.get_suggestions("pending", args.type, max(args.limit, 0))
    clusters: list[ClusterAnalysis] = []
    if args.include_consolidation and args.type != "link":
        clusters = find_consolidation_opportunities(db)[:_CLUSTERS]
    titles = _titles(db, suggestions)
    structured = {
        "suggestions": [
            {
                "id": one.id,
                "type": one.suggestion_type,
                "score": one.score,
                "reason": one.reason,
                "entries": [{"id": entry_id, "title": titles.get(entry_id)} for entry_id in one.entry_ids],
            }
            for one in suggestions
        ],
        "clusters": [
            {
                "score": one.consolidation_score,
                "suggested_title": one.suggested_title,
                "keywords": one.common_keywords,
                "entries": [{"id": entry.id, "title": entry.title} for entry in one.entries],
            }
            for one in clusters
        ],
    }
    lines = [line for one in suggestions for line in _suggestion_lines(one, titles)]
    lines += [line for number, one in enumerate(clusters, 1) for line in _cluster_lines(number, one)]
    if not lines:
        return Answer("Nothing to suggest: no pending suggestions, and no entries that share keywords.", structured)
    hint = "Accept a suggestion with 'rekall suggest --accept ID'; make one entry of a cluster with rekall_generalize."
    return Answer("\n".join([*lines, "", hint]), structured)


def _titles(db: Database, suggestions: list[Suggestion]) -> dict[str, str]:
    ids = list({entry_id for one in suggestions for entry_id in one.entry_ids})
    return {entry.id: entry.title for entry in db.entries.get_many(ids).values()}


def _suggestion_lines(one: Suggestion, titles: dict[str, str]) -> list[str]:
    entries = ", ".join(
        f"{entry_id[:_SHORTEST_ID]}...: {one_line(titles.get(entry_id, '[deleted]'))[:_SUGGESTION_TITLE]}"
        for entry_id in one.entry_ids[:_SHOWN]
    )
    lines = [f"- [{one.id}] {one.suggestion_type} ({one.score:.0%})", f"  Entries: {entries}"]
    return [*lines, f"  Reason: {one_line(one.reason)}"] if one.reason else lines


def _cluster_lines(number: int, one: ClusterAnalysis) -> list[str]:
    titles = ", ".join(one_line(entry.title)[:_MEMBER_TITLE] for entry in one.entries[:_SHOWN])
    return [
        f"- Cluster {number} ({one.consolidation_score:.0%}): {one_line(one.suggested_title)[:_CLUSTER_TITLE]}",
        f"  Keywords: {', '.join(one.common_keywords[:_KEYWORDS])}",
        f"  Entries ({len(one.entries)}): {titles}",
    ]


STALE = ToolSpec(
    name="rekall_stale",
    description="List entries nobody has asked for in a while, to check whether they still hold.",
    arguments=StaleArguments,
    output=StaleOutput,
    handler=stale,
    read_only=True,
    idempotent=True,
)

SUGGEST = ToolSpec(
    name="rekall_suggest",
    description="List pending suggestions (links, generalizations) and groups of entries that share keywords and "
    "could become one.",
    arguments=SuggestArguments,
    output=SuggestOutput,
    handler=suggest,
    read_only=True,
    idempotent=True,
)
