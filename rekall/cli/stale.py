"""`stale`: entries that nobody has looked at for long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import JsonOutput

if TYPE_CHECKING:
    from rekall.models import Entry

_STYLES = {60: "red", 30: "yellow"}
"""Days past which an entry is shown so."""


def stale(
    ctx: typer.Context,
    days: Annotated[int, typer.Option("--days", "-d", help="Days without an access.")] = 30,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Entries at most; a negative number is no limit.")] = 20,
    json_output: JsonOutput = False,
) -> None:
    """List entries that nobody has looked at for long.

    The longest unused come first. Showing an entry, or finding it by search, counts as looking at it.
    """
    with open_base(ctx) as base:
        entries = base.get_stale_entries(days, limit)
    if json_output:
        from rekall.records import entry_record

        found = [{**entry_record(entry), "days_since_access": _unused(entry)} for entry in entries]
        output.write_json({"days": days, "results": found, "total_count": len(found)})
    elif not entries:
        output.write(
            "Nothing to list: --limit is 0." if limit == 0 else f"No entry has gone without an access for {days} days."
        )
    elif output.is_terminal():
        _draw(entries)
    else:
        for entry in entries:
            output.write_row(entry.id, _days(entry), entry.type, entry.title)


def _unused(entry: Entry) -> int | None:
    """Whole days since the last access; None when there was none."""
    return None if entry.last_accessed is None else (datetime.now() - entry.last_accessed).days


def _days(entry: Entry) -> str:
    unused = _unused(entry)
    return "never" if unused is None else str(unused)


def _status(entry: Entry) -> tuple[str, str]:
    """What the number of days means, and its style."""
    unused = _unused(entry)
    if unused is None:
        return "never looked at", "red"
    return next(((f"over {limit} days", style) for limit, style in _STYLES.items() if unused > limit), ("", ""))


def _draw(entries: Sequence[Entry]) -> None:
    ids = output.short_ids(entry.id for entry in entries)
    table = output.table(["ID", "Title", "Days", "Status"], narrow=("ID", "Days", "Status"), widest="Title")
    for entry in entries:
        table.add_row(
            output.plain(ids[entry.id], "cyan"), output.plain(entry.title), _days(entry), output.plain(*_status(entry))
        )
    console = output.console()
    console.print(table)
    console.print(
        output.plain(
            f"{output.counted(len(entries), 'entry')}; 'rekall show ID' shows one, 'rekall deprecate ID' retires it"
        )
    )
