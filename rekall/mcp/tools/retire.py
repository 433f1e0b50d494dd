"""rekall_deprecate and rekall_delete: what is no longer true, and what should never have been there."""

from __future__ import annotations

from pydantic import Field, StrictBool

from rekall.capture import check_text
from rekall.db import Database
from rekall.errors import InvalidValueError
from rekall.mcp.ids import find, resolve
from rekall.mcp.outputs import DeleteOutput, DeprecateOutput
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec
from rekall.mcp.text import one_line


class DeprecateArguments(Arguments):
    """Arguments of rekall_deprecate."""

    id: str = Field(description="Id, or its unique beginning")
    replaced_by: str | None = Field(None, description="Id of the entry that replaces it")
    reason: str | None = Field(None, description="Why; kept on the link from the replacement")


class DeleteArguments(Arguments):
    """Arguments of rekall_delete."""

    id: str = Field(description="Id, or its unique beginning")
    # a word that merely reads as yes must not delete anything
    confirm: StrictBool = Field(description="true only when the user asked for the deletion")


def deprecate(open_database: OpenDatabase, args: DeprecateArguments) -> Answer:
    """Mark an entry obsolete; the reason becomes that of a supersedes link when there is a replacement."""
    db = open_database()
    entry = find(db, args.id)
    reason = check_text("reason", args.reason or "").strip()
    replacement = resolve(db, args.replaced_by) if args.replaced_by else None
    if replacement == entry.id:
        raise InvalidValueError(f"{entry.id} cannot replace itself: give the id of another entry as replaced_by")
    # The link first: if the second write fails, the entry is still active, and the same call again completes both.
    kept = bool(replacement and reason) and _keep_reason(db, str(replacement), entry.id, reason)
    changes: dict[str, str] = {"status": "obsolete"}
    if replacement:
        changes["superseded_by"] = replacement
    db.entries.change(entry.id, changes)
    lines = [f"Deprecated: {entry.id}", f"Title: {one_line(entry.title)}"]
    if replacement:
        lines.append(f"Superseded by: {replacement}")
    lines += [f"Reason: {one_line(reason) or 'none given'}", _closing(replacement, reason, kept)]
    structured = {
        "id": entry.id,
        "title": entry.title,
        "status": "obsolete",
        "superseded_by": replacement or entry.superseded_by,
        "reason_kept": kept,
    }
    return Answer("\n".join(lines), structured)


def _keep_reason(db: Database, replacement: str, entry_id: str, reason: str) -> bool:
    """Keep the reason on a link from the replacement; False when there is such a link with another reason."""
    for link in db.get_links(replacement, "supersedes", "outgoing"):
        if link.target_id == entry_id:
            return link.reason == reason
    db.add_link(replacement, entry_id, "supersedes", reason)
    return True


def _closing(replacement: str | None, reason: str, kept: bool) -> str:
    done = "It is obsolete now: searches leave it out, rekall_show still gives it."
    if kept:
        return f"{done} The reason is kept on the supersedes link from its replacement."
    if reason and replacement:
        return f"{done} The reason was not kept: the supersedes link that is there has a reason of its own."
    if reason:
        return f"{done} The reason was not kept: only a replacement (replaced_by) keeps it, on its supersedes link."
    return done


def delete(open_database: OpenDatabase, args: DeleteArguments) -> Answer:
    """Delete an entry with its tags, context and links, if confirmed."""
    if not args.confirm:
        raise InvalidValueError(
            "nothing was deleted: deletion needs confirm=true; to keep the entry but out of searches, "
            "use rekall_deprecate"
        )
    db = open_database()
    entry = find(db, args.id)
    db.delete(entry.id)
    lines = [
        f"Deleted: {entry.id}",
        f"Title: {one_line(entry.title)}",
        f"Type: {entry.type}",
        "Warning: it is gone for good, with its tags, context and links.",
    ]
    return Answer("\n".join(lines), {"id": entry.id, "type": entry.type, "title": entry.title, "deleted": True})


DEPRECATE = ToolSpec(
    name="rekall_deprecate",
    description="Mark an entry obsolete that is no longer true, and name its replacement. Prefer it to rekall_delete.",
    arguments=DeprecateArguments,
    output=DeprecateOutput,
    handler=deprecate,
    idempotent=True,  # and not destructive: everything can still be read, and the status set back
)

DELETE = ToolSpec(
    name="rekall_delete",
    description="Delete an entry for good, with its context and links. Only when the user asked for it.",
    arguments=DeleteArguments,
    output=DeleteOutput,
    handler=delete,
    destructive=True,
    idempotent=True,
)
