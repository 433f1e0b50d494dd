"""`sources inbox`: addresses as they were captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.sources.answers import JsonOutput, draw, in_json, page_cell, refuse, write_counts, write_facts

if TYPE_CHECKING:
    from rekall.models import InboxEntry

_TOP = 10


def add(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="The address of a page.", show_default=False)],
    cli: Annotated[str, typer.Option("--cli", "-c", help="The tool that it comes from.")] = "claude",
    project: Annotated[str | None, typer.Option("--project", "-p", help="The project it was used in.")] = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", help="Id of the conversation it was used in.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing when it is stored.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Put an address into the inbox.

    One that is no page on the public web is kept apart, in quarantine.
    """
    from rekall.inbox import captured

    entry = captured(url.strip(), cli.strip(), project=project, conversation_id=conversation)
    with open_base(ctx) as base:
        base.add_inbox_entry(entry)
    if quiet:
        return
    if in_json(json_output):
        output.write_json(
            {
                "status": "success",
                "id": entry.id,
                "url": entry.url,
                "domain": entry.domain,
                "is_valid": entry.is_valid,
                "validation_error": entry.validation_error,
            }
        )
    else:
        kept = f" in quarantine: {entry.validation_error}" if entry.validation_error else ""
        output.write(f"Added {entry.id} {output.one_line(entry.url)}{kept}")


def list_entries(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-l", help="At most; a negative number is no limit.")] = 20,
    quarantine: Annotated[bool, typer.Option("--quarantine", "-q", help="Only those in quarantine.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """List the addresses, newest first."""
    with open_base(ctx) as base:
        counts = base.get_inbox_stats()
        entries = base.get_inbox_entries(quarantine_only=quarantine, limit=limit)
    total = counts["quarantine" if quarantine else "total"]
    if in_json(json_output):
        from rekall.records import with_offset

        records = [
            {
                "id": entry.id,
                "url": entry.url,
                "domain": entry.domain,
                "cli_source": entry.cli_source,
                "project": entry.project,
                "captured_at": with_offset(entry.captured_at),
                "enriched": entry.enriched_at is not None,
                "validation_error": entry.validation_error,
            }
            for entry in entries
        ]
        output.write_json({"count": total, "showing": len(entries), "entries": records})
    elif entries:
        rows = [
            (
                f"{entry.captured_at:%Y-%m-%d}",
                entry.cli_source,
                page_cell(entry.url, entry.validation_error),
                _state(entry),
            )
            for entry in entries
        ]
        draw(
            ["Captured", "Tool", "URL", "State"],
            rows,
            narrow=("Captured", "State"),
            widest="URL",
            last_line=f"{len(entries)} of {total}",
        )
    else:
        output.write("No addresses in quarantine." if quarantine else "The inbox is empty.")


def _state(entry: InboxEntry) -> str:
    if not entry.is_valid:
        return "quarantine"
    return "waiting" if entry.enriched_at is None else "enriched"


def stats(ctx: typer.Context, json_output: JsonOutput = False) -> None:
    """Count the addresses by state, tool and domain."""
    with open_base(ctx) as base:
        counts = base.get_inbox_stats()
        tools, domains = base.inbox.count_by("cli_source"), base.inbox.count_by("domain", _TOP)
    if in_json(json_output):
        output.write_json(
            {
                "total": counts["total"],
                "pending_enrichment": counts["pending"],
                "enriched": counts["enriched"],
                "quarantined": counts["quarantine"],
                "by_cli_source": [{"cli": name, "count": count} for name, count in tools.items()],
                "top_domains": [{"domain": name, "count": count} for name, count in domains.items()],
            }
        )
        return
    write_facts(
        {
            "Addresses": counts["total"],
            "Waiting": counts["pending"],
            "Enriched": counts["enriched"],
            "Quarantine": counts["quarantine"],
        }
    )
    write_counts("By tool", tools)
    write_counts("Domains", domains)


def clear(
    ctx: typer.Context,
    all_entries: Annotated[bool, typer.Option("--all", "-a", help="All addresses.")] = False,
    quarantine_only: Annotated[bool, typer.Option("--quarantine", "-q", help="Those in quarantine.")] = False,
    enriched_only: Annotated[bool, typer.Option("--enriched", "-e", help="Those that were enriched.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Do not ask.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Remove addresses from the inbox.

    It asks first; without a terminal to ask on, --force must say so.
    """
    if not (all_entries or quarantine_only or enriched_only):
        refuse(
            "nothing was removed: give --all, --quarantine or --enriched",
            code="no_target",
            status=2,
            json_output=json_output,
        )
    target = "all" if all_entries else "quarantine" if quarantine_only else "enriched"
    with open_base(ctx) as base:
        counts = base.get_inbox_stats()
        count = counts["total" if all_entries else target]
        if not force:
            _ask(count, target, json_output)
        deleted = base.clear_inbox(all_entries, quarantine_only, enriched_only)
    if in_json(json_output):
        output.write_json({"status": "success", "deleted": deleted, "target": target})
    else:
        output.write(f"Removed {output.counted(deleted, 'address', 'addresses')}.")


def _ask(count: int, target: str, json_output: bool) -> None:
    what = f"{output.counted(count, 'address', 'addresses')} ({target})"
    if not output.is_interactive():
        refuse(
            f"nothing was removed: confirm with --force that {what} may go",
            code="confirmation_required",
            status=2,
            json_output=json_output,
            count=count,
            target=target,
        )
    from rekall.cli.questions import confirm

    if not confirm(f"Remove {what} from the inbox?"):
        refuse("nothing was removed", code="declined", status=1, json_output=json_output)
