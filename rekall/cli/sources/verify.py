"""`sources verify`: which sources can still be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.progress import progress
from rekall.cli.sources.answers import JsonOutput, in_json

if TYPE_CHECKING:
    from rekall.link_rot import SourceCheck


def verify(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Sources at most; a negative number is no limit.")] = 100,
    force: Annotated[bool, typer.Option("--force", "-f", help="Those too that were checked within a day.")] = False,
    domain: Annotated[str | None, typer.Option("--domain", "-d", help="Only the sources of this domain.")] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Ask pages of your own network and machine too.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Check over the network which sources can be reached.

    Those that were not checked for longest come first. One request for each page, a few hosts at a time; redirects are
    not followed. Ctrl-C keeps what was checked.
    """
    from rekall.link_rot import LinkRotChecker, verify_sources

    checks: list[SourceCheck] = []
    with open_base(ctx) as base, progress("Checking sources") as advance:
        try:
            found = verify_sources(
                base,
                limit,
                lambda done, total, _: advance(done, total),
                0 if force else 1,
                domain=domain,
                checker=LinkRotChecker(allow_private=allow_private),
                on_check=checks.append,
            )
        except KeyboardInterrupt:
            output.tell(f"what was checked is kept: {output.counted(len(checks), 'source')}")
            raise
    if in_json(json_output):
        output.write_json({"status": "success", **found})
        return
    if not checks:
        output.write("No source needs a check; --force checks them again.")
        return
    for check in checks:
        if check.outcome != "accessible":
            output.write(f"{check.message:<20}  {output.one_line(check.url)}")
    output.write(
        f"Checked {output.counted(len(checks), 'source')}: {found['accessible']} accessible, "
        f"{found['inaccessible']} not" + (f", {found['refused']} not asked (private)" if found["refused"] else "")
    )
