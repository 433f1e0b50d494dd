"""`sources classify`, `add-theme` and `demote`: what a source stands for."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.sources.answers import JsonOutput, find_source, in_json, refuse

_AUTO = "auto"


def complete_source(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids of sources that begin so, with their domains. Creates and migrates nothing."""
    from rekall.cli.completion import source_ids

    return source_ids(ctx, incomplete)


def complete_role(incomplete: str) -> list[str]:
    """The roles that begin so."""
    from rekall.models import VALID_SOURCE_ROLES

    return [role for role in (*VALID_SOURCE_ROLES, _AUTO) if role.startswith(incomplete)]


def source_id_argument(text: str) -> Any:
    """An argument that takes the id of a source, or a prefix of one."""
    return typer.Argument(help=text, show_default=False, autocompletion=complete_source)


SourceId = Annotated[str, source_id_argument("Id of the source, or a prefix of it.")]


def classify(
    ctx: typer.Context,
    source_id: SourceId,
    role: Annotated[
        str,
        typer.Argument(
            help="hub, authority, unclassified, or auto: that of its domain.",
            show_default=False,
            autocompletion=complete_role,
        ),
    ],
    json_output: JsonOutput = False,
) -> None:
    """Set the role of a source."""
    from rekall.models import VALID_SOURCE_ROLES

    if role not in (*VALID_SOURCE_ROLES, _AUTO):
        accepted = ", ".join((*VALID_SOURCE_ROLES, _AUTO))
        refuse(f"invalid role '{role}': use one of {accepted}", code="invalid_role", status=2, json_output=json_output)
    with open_base(ctx) as base:
        source = find_source(base, source_id, status=2, json_output=json_output)
        if role == _AUTO:
            given = base.classify_source_auto(source.id)
        else:
            given = role if base.classify_source_manual(source.id, role) else None
    if given is None:  # deleted by another process since
        refuse(f"no source has the id {source.id}", code="not_found", status=2, json_output=json_output)
    if in_json(json_output):
        output.write_json(
            {
                "status": "success",
                "source_id": source.id,
                "domain": source.domain,
                "old_role": source.role,
                "new_role": given,
            }
        )
    else:
        output.write(f"{output.one_line(source.domain)} is {given} now; it was {source.role}.")


def add_theme(
    ctx: typer.Context,
    source_id: SourceId,
    theme: Annotated[str, typer.Argument(help="The theme; it is kept in lower case.", show_default=False)],
    json_output: JsonOutput = False,
) -> None:
    """Give a source a theme."""
    if not theme.strip():
        refuse("the theme is empty: give a word", code="invalid_theme", status=2, json_output=json_output)
    with open_base(ctx) as base:
        source = find_source(base, source_id, status=2, json_output=json_output)
        if not base.add_source_theme(source.id, theme):
            name = output.one_line(theme.strip().lower())
            refuse(
                f"{output.one_line(source.domain)} has the theme {name} already",
                code="already_there",
                status=2,
                json_output=json_output,
            )
        themes = base.get_source_themes(source.id)
    if in_json(json_output):
        output.write_json(
            {
                "status": "success",
                "source_id": source.id,
                "domain": source.domain,
                "theme_added": theme.strip().lower(),
                "all_themes": themes,
            }
        )
    else:
        output.write(f"{output.one_line(source.domain)} has the themes {output.one_line(', '.join(themes))}.")


def demote(
    ctx: typer.Context,
    source_id: SourceId,
    force: Annotated[bool, typer.Option("--force", "-f", help="Do not ask.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Take the promotion of a source back.

    One that was a staged page is a staged page again; one that was promoted for its use stays a source.
    """
    from rekall.promotion import demote_source

    with open_base(ctx) as base:
        source = find_source(base, source_id, status=1, json_output=json_output)
        if not force and output.is_interactive():
            from rekall.cli.questions import confirm

            if not confirm(f"Take the promotion of {output.one_line(source.domain)} back?"):
                refuse("nothing was demoted", code="declined", status=1, json_output=json_output)
        result = demote_source(base, source.id)
    if not result.success:
        refuse(
            result.error or "nothing was demoted",
            code="not_demoted",
            status=1,
            json_output=json_output,
            source_id=source.id,
        )
    if in_json(json_output):
        output.write_json(
            {
                "status": "success",
                "source_id": source.id,
                "domain": source.domain,
                "staging_id": result.staging_id,
            }
        )
    else:
        then = "a staged page again" if result.staging_id else "a source without promotion"
        output.write(f"{output.one_line(source.domain)} is {then}.")
