"""rekall_link, rekall_unlink and rekall_related: the relations between entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from rekall import graph
from rekall.capture import check_text
from rekall.errors import InvalidValueError, RekallError
from rekall.mcp.ids import find, not_found, resolve
from rekall.mcp.outputs import LinkOutput, RelatedOutput, UnlinkOutput
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec
from rekall.mcp.text import listed, one_line, short_id
from rekall.models import Entry, Link, RelationType
from rekall.records import link_record

MAX_DEPTH = 3
_TAGS = 3


class LinkArguments(Arguments):
    """Arguments of rekall_link."""

    source_id: str = Field(description="Id, or its unique beginning")
    target_id: str = Field(description="Id, or its unique beginning")
    relation_type: RelationType = Field("related", description="What source does to target")
    reason: str = Field(description="Why, in one sentence")


class UnlinkArguments(Arguments):
    """Arguments of rekall_unlink."""

    source_id: str = Field(description="Id, or its unique beginning")
    target_id: str = Field(description="Id, or its unique beginning")


class RelatedArguments(Arguments):
    """Arguments of rekall_related."""

    entry_id: str = Field(description="Id, or its unique beginning")
    depth: int = Field(1, description="Links to follow, 1 to 3")


def link(open_database: OpenDatabase, args: LinkArguments) -> Answer:
    """Link two entries."""
    db = open_database()
    reason = check_text("reason", args.reason).strip() or None
    source, target = resolve(db, args.source_id), resolve(db, args.target_id)
    try:
        made = db.add_link(source, target, args.relation_type, reason)
    except RekallError:
        raise
    except ValueError as error:  # both ends are one, the link exists, an end went away meanwhile
        raise InvalidValueError(str(error)) from error
    lines = [f"{source} → [{made.relation_type}] → {target}", f"Reason: {reason or 'none'}"]
    return Answer("\n".join(lines), {"link": link_record(made)})


def unlink(open_database: OpenDatabase, args: UnlinkArguments) -> Answer:
    """Remove the links of every type from source to target."""
    db = open_database()
    source, target = resolve(db, args.source_id), resolve(db, args.target_id)
    removed = db.delete_link(source, target)
    text = f"Unlinked: {source} → {target}" if removed else f"There is no link from {source} to {target}."
    return Answer(text, {"source_id": source, "target_id": target, "removed": removed})


@dataclass(frozen=True)
class _Reached:
    entry: Entry
    link: Link
    from_id: str
    depth: int

    @property
    def outgoing(self) -> bool:
        return self.link.source_id == self.from_id


def related(open_database: OpenDatabase, args: RelatedArguments) -> Answer:
    """List what is linked to an entry, nearest first."""
    db = open_database()
    start = find(db, args.entry_id)
    depth = max(1, min(args.depth, MAX_DEPTH))
    surroundings = graph.load(db.store, start.id, depth)
    if surroundings is None:  # deleted by another process since
        raise not_found(args.entry_id)
    reached = list(_breadth_first(surroundings, depth))
    count = len({one.entry.id for one in reached})
    lines = [f"Related to {short_id(start.id)} {one_line(start.title)}", ""]
    lines += [line for one in reached for line in _lines(one)]
    lines += ["", f"Total: {count} related (depth {depth})"]
    structured = {
        "entry_id": start.id,
        "depth": depth,
        "related": [_record(one) for one in reached],
        "total_count": count,
    }
    return Answer("\n".join(lines), structured)


def _breadth_first(surroundings: graph.Graph, depth: int) -> Iterator[_Reached]:
    """Every link that leads to an entry not reached over fewer links."""
    frontier, seen = [surroundings.root.id], {surroundings.root.id}
    for level in range(1, depth + 1):
        beyond: dict[str, None] = {}
        for here in frontier:
            ends = [(one, one.target_id) for one in surroundings.outgoing.get(here, [])]
            ends += [(one, one.source_id) for one in surroundings.incoming.get(here, [])]
            for one, end in ends:
                if end not in seen and end in surroundings.entries:
                    beyond[end] = None
                    yield _Reached(surroundings.entries[end], one, here, level)
        seen.update(beyond)
        frontier = list(beyond)


def _lines(one: _Reached) -> tuple[str, str]:
    arrow = "→" if one.outgoing else "←"
    details = f"  Type: {one.entry.type} | Tags: {listed(one.entry.tags[:_TAGS])}"
    if one.depth > 1:
        details += f" | Depth: {one.depth}"
    return f"- {arrow} [{one.link.relation_type}] [{short_id(one.entry.id)}] {one_line(one.entry.title)}", details


def _record(one: _Reached) -> dict[str, Any]:
    return {
        "id": one.entry.id,
        "type": one.entry.type,
        "title": one.entry.title,
        "tags": one.entry.tags,
        "status": one.entry.status,
        "relation_type": one.link.relation_type,
        "direction": "outgoing" if one.outgoing else "incoming",
        "reason": one.link.reason,
        "from_id": one.from_id,
        "depth": one.depth,
    }


LINK = ToolSpec(
    name="rekall_link",
    description="Link two entries: related, one derived from, replacing or contradicting the other. Say why.",
    arguments=LinkArguments,
    output=LinkOutput,
    handler=link,
    idempotent=True,  # the same link again is refused, and nothing changes
)

UNLINK = ToolSpec(
    name="rekall_unlink",
    description="Remove every link from source to target, with its reason.",
    arguments=UnlinkArguments,
    output=UnlinkOutput,
    handler=unlink,
    destructive=True,
    idempotent=True,
)

RELATED = ToolSpec(
    name="rekall_related",
    description="List the entries linked to one, over up to three links. Call it to see what an entry builds on, "
    "or was replaced by.",
    arguments=RelatedArguments,
    output=RelatedOutput,
    handler=related,
    read_only=True,
    idempotent=True,
)
