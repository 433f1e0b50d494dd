"""`import`: what an archive, a JSON export, notes or another program's file holds, brought into the base."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.nouns import nouns
from rekall.cli.opening import open_base, open_to_look, settings
from rekall.cli.options import JsonOutput, Yes
from rekall.cli.progress import progress
from rekall.errors import ImportRefusedError, RekallError

if TYPE_CHECKING:
    from rekall.exchange.apply import ImportReport
    from rekall.exchange.limits import Limits
    from rekall.exchange.plan import Plan
    from rekall.exchange.records import Incoming

STDIN = "-"
_LISTED = 20
"""Entries of each kind that the preview lists."""


def _complete_strategy(incomplete: str) -> list[str]:
    from rekall.exchange.plan import STRATEGIES

    return [name for name in STRATEGIES if name.startswith(incomplete)]


def _complete_limit(incomplete: str) -> list[str]:
    from rekall.exchange.limits import LIMIT_NAMES

    return [f"{name}=" for name in LIMIT_NAMES if name.startswith(incomplete)]


def import_(
    ctx: typer.Context,
    archive: Annotated[
        str,
        typer.Argument(help="An archive, a JSON export, a markdown file or folder, a memory.jsonl; - is stdin."),
    ],
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            "-s",
            help="Entries that differ: skip (keep yours), replace (take theirs), merge (keep both).",
            autocompletion=_complete_strategy,
        ),
    ] = "skip",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be done, and write nothing.")
    ] = False,
    yes: Yes = False,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Replace without an archive of the base as it was.")
    ] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", help="Raise a limit, as in entries=2000000.", autocompletion=_complete_limit),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", "-f", help="rekall, json, md, notes or memory; found out if left out.")
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Bring in what a file holds, all of it or nothing.

    That is an archive or JSON of 'rekall export', Markdown notes (a file or a folder), or the memory file of the MCP
    memory server. Entries are the same when they have the same id.
    """
    from rekall.exchange.limits import Limits
    from rekall.exchange.plan import build_plan, check_strategy

    check_strategy(strategy)
    limits = Limits().raised(limit or [])
    config = settings(ctx)
    with _opened(archive, limits, form) as incoming:
        with open_to_look(config) as base, progress("Reading") as report:
            plan = build_plan(base, incoming, limits, report)
        if not json_output:
            _preview(plan, strategy)
        if dry_run or not plan.records:
            if json_output:
                output.write_json({**_planned(plan, strategy), "dry_run": dry_run, "result": None})
            return
        _ask(yes, archive)
        with open_base(ctx) as base:
            done = _apply(base, plan, strategy, backup=not no_backup)
    if json_output:
        output.write_json({**_planned(plan, strategy), "dry_run": False, "result": _result(done)})
    else:
        _tell(done)


@contextmanager
def _opened(name: str, limits: Limits, form: str | None) -> Iterator[Incoming]:
    from rekall.exchange.detect import open_incoming

    if name == STDIN:
        from rekall.exchange.opening import spool

        if sys.stdin is None or sys.stdin.isatty():
            raise ImportRefusedError("nothing comes through stdin: pipe a file in, or name one")
        with closing(open_incoming(spool(sys.stdin.buffer, limits), limits, as_format=form)) as incoming:
            yield incoming
        return
    if not name:  # Path would take it for the folder one is in
        raise ImportRefusedError("the name of the file is empty: give one, or - for stdin")
    with closing(open_incoming(Path(name), limits, as_format=form)) as incoming:
        yield incoming


def _ask(yes: bool, name: str) -> None:
    if yes:
        return
    if name == STDIN or not output.is_interactive():
        raise RekallError("nothing was imported: nobody can be asked here, so give --yes")
    from rekall.cli.questions import confirm

    if not confirm("Import this?"):
        raise RekallError("nothing was imported")


def _apply(base: Any, plan: Plan, strategy: str, *, backup: bool) -> ImportReport:
    from rekall.exchange.apply import apply_plan

    def back_up() -> Path:
        from rekall.exchange.safety import back_up_before_import

        with progress("Backing up") as report:
            return back_up_before_import(base, on_progress=report)

    with progress("Importing") as report:
        return apply_plan(base, plan, strategy, before_replacing=back_up if backup else None, on_progress=report)


def _preview(plan: Plan, strategy: str) -> None:
    """What the plan is, on stdout."""
    if not plan.records:
        output.write("Nothing to import.")
        return
    others = nouns(plan.others)
    output.write(f"{output.counted(plan.total, 'entry')} in {output.one_line(plan.incoming.name)}:")
    output.write(f"  new        {len(plan.new)}")
    _list((f"{entry_id}  {title}" for entry_id, title in plan.new.items()), len(plan.new))
    meaning = {"skip": "yours stay", "replace": "yours are replaced", "merge": "theirs are added beside yours"}
    output.write(f"  differ     {len(plan.conflicts)}{f' ({meaning[strategy]})' if plan.conflicts else ''}")
    _list(
        (f"{one.entry_id}  {one.title} ({', '.join(one.fields)})" for one in plan.conflicts.values()),
        len(plan.conflicts),
    )
    output.write(f"  identical  {len(plan.identical)}")
    if others:
        output.write(f"  with {others}")
    for line in _passed_over(plan)[:_LISTED]:
        output.write(f"left out: {output.one_line(line)}")
    if plan.left_out:
        output.write(f"left out: {output.counted(plan.left_out, 'reference')} to what is neither here nor there")


def _passed_over(plan: Plan) -> tuple[str, ...]:
    """What a folder holds and an import leaves out, such as links out of it."""
    return tuple(getattr(plan.incoming, "passed_over", ()))


def _list(lines: Iterator[str], number: int) -> None:
    for _, line in zip(range(_LISTED), lines, strict=False):
        output.write(f"    {output.one_line(line)}")
    if number > _LISTED:
        output.write(f"    and {number - _LISTED} more")


def _tell(done: ImportReport) -> None:
    parts = [f"{done.added} added"]
    parts += [f"{done.replaced} replaced"] if done.replaced else []
    parts += [f"{done.merged} added beside yours"] if done.merged else []
    parts += [f"{done.skipped} left as they are"] if done.skipped else []
    output.write(f"Imported: {', '.join(parts)}.")
    others = nouns(done.others)
    if others:
        output.write(f"  with {others}")
    if done.backup:
        output.write(f"As it was before: {done.backup}")


def _planned(plan: Plan, strategy: str) -> dict[str, Any]:
    return {
        "from": plan.incoming.name,
        "strategy": strategy,
        "entries": {
            "total": plan.total,
            "new": len(plan.new),
            "conflicts": len(plan.conflicts),
            "identical": len(plan.identical),
        },
        "conflicts": [
            {"id": one.entry_id, "title": one.title, "fields_changed": list(one.fields)}
            for one in plan.conflicts.values()
        ],
        "others": dict(plan.others),
        "left_out": plan.left_out,
        "passed_over": list(_passed_over(plan)),
    }


def _result(done: ImportReport) -> dict[str, Any]:
    return {
        "added": done.added,
        "replaced": done.replaced,
        "merged": done.merged,
        "skipped": done.skipped,
        "others": done.others,
        "backup": None if done.backup is None else str(done.backup),
    }
