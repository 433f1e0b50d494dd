"""`deprecate` and `delete`: an entry that no longer holds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import EntryId, JsonOutput, Yes, complete_id
from rekall.errors import EntryNotFoundError, InvalidValueError, RekallError


def deprecate(
    ctx: typer.Context,
    entry_id: EntryId,
    replaced_by: Annotated[
        str | None,
        typer.Option("--replaced-by", "-r", help="Id of the entry that holds instead.", autocompletion=complete_id),
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Mark an entry as obsolete.

    It stays in the base, and is no longer found by search. No link is made.
    """
    with open_base(ctx) as base:
        old = base.entries.resolve(entry_id)
        new = None if replaced_by is None else base.entries.resolve(replaced_by)
        if new == old:
            raise InvalidValueError(f"{old} cannot replace itself: give the id of another entry")
        changes: dict[str, Any] = {"status": "obsolete"}
        if new is not None:
            changes["superseded_by"] = new
        base.entries.change(old, changes)
        entry = base.entries.get(old, update_access=False)
    if entry is None:
        raise EntryNotFoundError(old)
    if json_output:
        from rekall.records import entry_record

        output.write_json(entry_record(entry))
        return
    output.write(f"Deprecated {old}: {output.one_line(entry.title)}")
    if new is not None:
        output.write(f"  replaced by: {new}")


def delete(ctx: typer.Context, entry_id: EntryId, yes: Yes = False, json_output: JsonOutput = False) -> None:
    """Remove an entry for good.

    With it go its context, tags and links. It asks first; 'rekall deprecate' keeps the entry.
    """
    with open_base(ctx) as base:
        full_id = base.entries.resolve(entry_id)
        entry = base.entries.get(full_id, update_access=False)
        if entry is None:
            raise EntryNotFoundError(full_id)
        links = base.count_links(full_id)
        what = f"{full_id} {entry.type}: {output.one_line(entry.title)}"
        if not yes:
            if not output.is_interactive():
                raise InvalidValueError(f"nothing was deleted: confirm with --yes that {what} may go")
            from rekall.cli.questions import confirm

            if not confirm(f"Delete {what}, with {output.counted(links, 'link')}?"):
                raise RekallError("nothing was deleted")
        base.delete(full_id)
    if json_output:
        output.write_json({"id": full_id, "type": entry.type, "title": entry.title, "links_removed": links})
    else:
        output.write(f"Deleted {what}" + (f"\n  with {output.counted(links, 'link')}" if links else ""))
