"""rekall_similar and rekall_generalize: entries that are about the same, and one entry made of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rekall import generalize as generalizing
from rekall.capture import store_vectors
from rekall.mcp.ids import not_found, resolve, resolve_all
from rekall.mcp.outputs import GeneralizeOutput, SimilarOutput
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec
from rekall.mcp.text import listed, one_line, short_id
from rekall.similar import compare_entry

_TAGS = 3
_TAG_USES = 2
"""Entries that must have a tag for the new entry to take it."""
_REASON = "generalized from it"


class SimilarArguments(Arguments):
    """Arguments of rekall_similar."""

    entry_id: str = Field(description="Id, or its unique beginning")
    limit: int = 5


class GeneralizeArguments(Arguments):
    """Arguments of rekall_generalize."""

    entry_ids: list[str] = Field(description="Two or more")
    title: str | None = Field(None, description="Say the common point")
    type: Literal["pattern", "reference", "decision"] = "pattern"


def similar(open_database: OpenDatabase, args: SimilarArguments) -> Answer:
    """List the entries most similar to one."""
    db = open_database()
    entry_id = resolve(db, args.entry_id)
    found, compared_by, note = compare_entry(db, entry_id, max(args.limit, 0))
    structured = {
        "entry_id": entry_id,
        "similar": [
            {
                "id": one.entry.id,
                "type": one.entry.type,
                "title": one.entry.title,
                "tags": one.entry.tags,
                "score": one.score,
                "shared": list(one.shared),
            }
            for one in found
        ],
        "total_count": len(found),
        "compared_by": compared_by,
        "note": note,
    }
    notes = [] if note is None else ["", f"Note: {note}"]
    if not found:
        what = "a vector similar to" if compared_by == "vectors" else "words in common with"
        return Answer("\n".join([f"No other entry has {what} this one.", *notes]), structured)
    lines = [f"Similar to {short_id(entry_id)}", ""]
    for one in found:
        lines += [
            f"- [{short_id(one.entry.id)}] {one_line(one.entry.title)} ({one.score:.0%} similar)",
            f"  Type: {one.entry.type} | Tags: {listed(one.entry.tags[:_TAGS])}",
        ]
    lines += ["", f"Total: {len(found)}"]
    return Answer("\n".join([*lines, *notes]), structured)


def generalize(open_database: OpenDatabase, args: GeneralizeArguments) -> Answer:
    """Store one entry made of several, with a link to each, all or nothing."""
    db = open_database()
    ids = []
    for prefix, entry_id in resolve_all(db, args.entry_ids).items():
        if entry_id is None:
            raise not_found(prefix)
        ids.append(entry_id)
    drafted = generalizing.draft(
        db, ids, title=args.title, entry_type=args.type, memory_type="episodic", tag_uses=_TAG_USES
    )
    links = generalizing.create(db, drafted, reason=_REASON)
    entry = drafted.entry
    note = store_vectors(db, [entry.id])
    lines = [
        f"Created: {entry.id}",
        f"Title: {one_line(entry.title)}",
        f"Type: {entry.type}",
        f"Tags: {listed(entry.tags)}",
        f"Links: {len(links)} derived_from",
        *([] if note is None else [f"Note: {note}"]),
    ]
    structured = {
        "id": entry.id,
        "type": entry.type,
        "title": entry.title,
        "tags": entry.tags,
        "project": entry.project,
        "derived_from": [source.id for source in drafted.sources],
        "note": note,
    }
    return Answer("\n".join(lines), structured)


SIMILAR = ToolSpec(
    name="rekall_similar",
    description="List the entries most similar to one, by meaning or by words in common, to link or generalize them.",
    arguments=SimilarArguments,
    output=SimilarOutput,
    handler=similar,
    read_only=True,
    idempotent=True,
)

GENERALIZE = ToolSpec(
    name="rekall_generalize",
    description="Make one entry of several that say the same; it is linked to each, and they stay.",
    arguments=GeneralizeArguments,
    output=GeneralizeOutput,
    handler=generalize,
)
