"""`sources list`, `stats`, `list-themes` and `suggest`: what sources there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.sources.answers import JsonOutput, draw, in_json, write_counts, write_facts
from rekall.errors import InvalidValueError

if TYPE_CHECKING:
    from rekall.models import Source


def complete_status(incomplete: str) -> list[str]:
    """The statuses that begin so."""
    from rekall.models import VALID_SOURCE_STATUSES

    return [status for status in VALID_SOURCE_STATUSES if status.startswith(incomplete)]


def list_sources(
    ctx: typer.Context,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            "-s",
            help="Only this status: active, inaccessible or archived.",
            autocompletion=complete_status,
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Sources at most; a negative number is no limit.")] = 20,
    json_output: JsonOutput = False,
) -> None:
    """List the sources, best score first."""
    from rekall.models import VALID_SOURCE_STATUSES

    if status is not None and status not in VALID_SOURCE_STATUSES:
        raise InvalidValueError(f"unknown status '{status}': use one of {', '.join(VALID_SOURCE_STATUSES)}")
    with open_base(ctx) as base:
        sources = base.list_sources(status, limit=limit)
    if in_json(json_output):
        output.write_json({"count": len(sources), "sources": [source_record(source) for source in sources]})
    elif sources:
        _draw(sources)
    else:
        output.write("No sources to list.")


def stats(ctx: typer.Context, json_output: JsonOutput = False) -> None:
    """Count the sources by role, reliability and state."""
    with open_base(ctx) as base:
        found = base.source_lists.overview()
    if in_json(json_output):
        output.write_json(
            {
                "total_sources": found.total,
                "seeds": found.seeds,
                "promoted": found.promoted,
                "by_role": found.by_role,
                "by_reliability": found.by_reliability,
                "avg_score": found.avg_score,
                "themes_count": found.themes,
                "inaccessible": found.inaccessible,
            }
        )
        return
    write_facts(
        {
            "Sources": found.total,
            "Seeds": found.seeds,
            "Promoted": found.promoted,
            "Inaccessible": found.inaccessible,
            "Themes": found.themes,
            "Average score": found.avg_score,
        }
    )
    write_counts("By role", found.by_role)
    write_counts("By reliability", found.by_reliability)


def list_themes(
    ctx: typer.Context,
    min_sources: Annotated[
        int, typer.Option("--min-sources", "-m", help="Only themes of at least so many sources.")
    ] = 1,
    json_output: JsonOutput = False,
) -> None:
    """List the themes that sources have."""
    with open_base(ctx) as base:
        themes = base.list_themes_with_counts(min_sources)
    if in_json(json_output):
        output.write_json({"themes": themes})
    elif themes:
        rows = [(theme["theme"], str(theme["count"]), f"{theme['avg_score']:.1f}") for theme in themes]
        last_line = output.counted(len(themes), "theme")
        draw(["Theme", "Sources", "Score"], rows, narrow=("Sources", "Score"), widest="Theme", last_line=last_line)
    else:
        output.write("No source has a theme; 'rekall sources add-theme' gives it one.")


def suggest(
    ctx: typer.Context,
    theme: Annotated[str, typer.Option("--theme", "-t", help="The theme, in any case.")],
    limit: Annotated[int, typer.Option("--limit", "-l", help="Sources at most; a negative number is no limit.")] = 20,
    include_seeds: Annotated[bool, typer.Option("--seeds/--no-seeds", help="Seeds too.")] = True,
    include_promoted: Annotated[bool, typer.Option("--promoted/--no-promoted", help="Promoted ones too.")] = True,
    json_output: JsonOutput = False,
) -> None:
    """Suggest the sources of a theme.

    Seeds come first, then promoted ones, then the others; the best score first in each.
    """
    from rekall.source_suggestions import suggest_for_theme

    with open_base(ctx) as base:
        sources = suggest_for_theme(base, theme, limit, include_seeds=include_seeds, include_promoted=include_promoted)
    if in_json(json_output):
        records = [source_record(source) for source in sources]
        output.write_json({"theme": theme, "count": len(sources), "sources": records})
    elif sources:
        _draw(sources)
    else:
        output.write(f"No source has the theme {output.one_line(theme)}; 'rekall sources list-themes' lists them.")


def source_record(source: Source) -> dict[str, Any]:
    """A source for a program."""
    from rekall.records import with_offset

    return {
        "id": source.id,
        "domain": source.domain,
        "url_pattern": source.url_pattern,
        "score": source.personal_score,
        "role": source.role,
        "reliability": source.reliability,
        "status": source.status,
        "is_seed": source.is_seed,
        "is_promoted": source.is_promoted,
        "usage_count": source.usage_count,
        "last_used": with_offset(source.last_used),
    }


def _draw(sources: Sequence[Source]) -> None:
    ids = output.short_ids(source.id for source in sources)
    rows = [
        (
            ids[source.id],
            _name(source),
            f"{source.personal_score:.0f}",
            _standing(source),
        )
        for source in sources
    ]
    last_line = output.counted(len(sources), "source")
    draw(["ID", "Source", "Score", "Standing"], rows, narrow=("ID", "Score"), widest="Source", last_line=last_line)


def _name(source: Source) -> str:
    """Domain and pattern; the pattern alone where it is a whole address, as that of a promoted page is."""
    pattern = source.url_pattern or ""
    return pattern if pattern.startswith(("http://", "https://")) else f"{source.domain} {pattern}".strip()


def _standing(source: Source) -> str:
    promotion = "seed" if source.is_seed else "promoted" if source.is_promoted else ""
    role = "" if source.role == "unclassified" else source.role
    status = "" if source.status == "active" else source.status
    return ", ".join(word for word in (role, promotion, status) if word)
