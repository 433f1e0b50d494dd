"""`generalize`: one entry out of several."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import JsonOutput, Yes, entry_id_argument
from rekall.errors import InvalidValueError, RekallError

if TYPE_CHECKING:
    from rekall.generalize import Draft
    from rekall.models import Link

_UNCONFIRMED = "nothing was created: confirm with --yes, or look at it first with --dry-run"


def generalize(
    ctx: typer.Context,
    entry_ids: Annotated[list[str], entry_id_argument("Ids of two entries or more, or prefixes of them.")],
    title: Annotated[
        str | None, typer.Option("--title", "-t", help="Title of the new entry; drawn from the first one otherwise.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the draft, create nothing.")] = False,
    yes: Yes = False,
    json_output: JsonOutput = False,
) -> None:
    """Make one entry out of several.

    It is a semantic pattern, derived_from each of them. The draft is shown first, then it asks.
    """
    from rekall.capture import store_vectors
    from rekall.generalize import create, draft

    with open_base(ctx) as base:
        drafted = draft(base, [base.entries.resolve(entry_id) for entry_id in entry_ids], title=title)
        if known := drafted.semantic_sources:
            output.tell(f"warning: semantic already, not a single experience: {', '.join(one.id for one in known)}")
        if not json_output:
            _show(drafted)
        links: list[Link] = []
        if not dry_run:
            _confirm(yes=yes, shown=not json_output)
            links = create(base, drafted)
            if problem := store_vectors(base, [drafted.entry.id]):
                output.tell(f"warning: {problem}")
    if json_output:
        output.write_json(_record(drafted, links, created=not dry_run))
    elif dry_run:
        output.write("Nothing was created: --dry-run.")
    else:
        output.write(f"Created {drafted.entry.id}, derived from {output.counted(len(links), 'entry')}.")
        output.write(f"Its text is a draft: 'rekall edit {drafted.entry.id}' makes it your own.")


def _confirm(*, yes: bool, shown: bool) -> None:
    """Go on only when the person, or what is piped in, agrees.

    Args:
        shown: whether the draft was shown, so that there is something to agree to.

    Raises:
        RekallError: no.
    """
    from rekall.cli.stdin import is_piped

    if yes:
        return
    if sys.stdin is None or (not shown and not is_piped()):
        raise InvalidValueError(_UNCONFIRMED)
    if is_piped():
        answer = sys.stdin.readline().strip().lower()
        if not answer:
            raise InvalidValueError(_UNCONFIRMED)
        agreed = answer in ("y", "yes")
    else:
        from rekall.cli.questions import confirm

        sys.stdout.flush()
        agreed = confirm("Create it?")
    if not agreed:
        raise RekallError("nothing was created")


def _show(drafted: Draft) -> None:
    entry = drafted.entry
    about = f"{entry.type}, {entry.memory_type}, confidence {entry.confidence}/5"
    lines = [
        ("Title", entry.title),
        ("Kind", about),
        ("Project", entry.project or ""),
        ("Tags", ", ".join(entry.tags)),
        *(("From" if index == 0 else "", f"{one.id} {one.title}") for index, one in enumerate(drafted.sources)),
    ]
    if output.is_terminal():
        console = output.console()
        rows = [(f"{label}:" if label else "", output.plain(text)) for label, text in lines if text]
        console.print(output.grid(rows))
        console.print()
        console.print(output.printable(entry.content), soft_wrap=False)
        console.print()
        return
    for label, text in lines:
        if text:
            output.write(f"{label + ':' if label else '':9}{output.one_line(text)}")
    output.write(f"\n{output.printable(entry.content)}\n")


def _record(drafted: Draft, links: list[Link], *, created: bool) -> dict[str, Any]:
    from rekall.records import entry_record, link_record

    return {
        "created": created,
        "entry": entry_record(drafted.entry) | ({} if created else {"id": None}),
        "derived_from": [source.id for source in drafted.sources],
        "links": [link_record(link) for link in links],
    }
