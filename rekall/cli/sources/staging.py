"""`sources staging`: pages on their way to becoming sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.sources.answers import JsonOutput, draw, in_json, page_cell, refuse, write_counts, write_facts
from rekall.errors import InvalidValueError, RekallError

if TYPE_CHECKING:
    from rekall.db import Database
    from rekall.models import StagingEntry

_TOP = 10


def complete_content_type(incomplete: str) -> list[str]:
    """The kinds of pages that begin so."""
    from rekall.models import VALID_CONTENT_TYPES

    return [value for value in VALID_CONTENT_TYPES if value.startswith(incomplete)]


def complete_page(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids of pages that begin so, with their addresses. Creates and migrates nothing."""
    from rekall.cli.completion import page_ids

    return page_ids(ctx, incomplete)


def page_argument() -> Any:
    """An argument that takes a page."""
    text = "Address or id of a page, or a prefix of the id."
    return typer.Argument(help=text, show_default=False, autocompletion=complete_page)


def list_pages(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Pages at most; a negative number is no limit.")] = 20,
    promoted: Annotated[
        bool | None,
        typer.Option("--promoted/--not-promoted", help="Only those that became sources, or the others."),
    ] = None,
    content_type: Annotated[
        str | None,
        typer.Option("--type", "-t", help="Only this kind of page.", autocompletion=complete_content_type),
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """List the pages, best score first.

    The mark before a score: ✓ became a source, ⬆ has earned it, → is near, ⚠ cannot be reached.
    """
    from rekall.models import VALID_CONTENT_TYPES
    from rekall.promotion import calculate_promotion_score, get_promotion_indicator

    if content_type and content_type not in VALID_CONTENT_TYPES:
        raise InvalidValueError(f"unknown type '{content_type}': use one of {', '.join(VALID_CONTENT_TYPES)}")
    with open_base(ctx) as base:
        found = base.get_staging_entries(promoted, content_type, limit=-1)
    scored = [(calculate_promotion_score(page), page) for page in found]
    scored.sort(key=lambda one: -one[0])
    shown = scored if limit < 0 else scored[:limit]
    if in_json(json_output):
        output.write_json({"count": len(shown), "entries": [_record(page, score) for score, page in shown]})
    elif shown:
        ids = output.short_ids(page.id for _, page in shown)
        rows = [
            (
                ids[page.id],
                f"{get_promotion_indicator(page, score=score)} {score:.0f}",
                page.content_type or "",
                page_cell(page.url, page.title),
            )
            for score, page in shown
        ]
        draw(
            ["ID", "Score", "Type", "Page"],
            rows,
            narrow=("ID", "Score", "Type"),
            widest="Page",
            last_line=f"{len(shown)} of {len(found)}",
        )
    else:
        output.write("No pages to list.")


def _record(page: StagingEntry, score: float) -> dict[str, Any]:
    return {
        "id": page.id,
        "url": page.url,
        "domain": page.domain,
        "title": page.title,
        "content_type": page.content_type,
        "citation_count": page.citation_count,
        "project_count": page.project_count,
        "promotion_score": score,
        "is_accessible": page.is_accessible,
        "promoted": page.promoted_at is not None,
    }


def stats(ctx: typer.Context, json_output: JsonOutput = False) -> None:
    """Count the pages by state, kind and domain."""
    from rekall.promotion import calculate_promotion_score, is_eligible_for_promotion

    with open_base(ctx) as base:
        pages = base.get_staging_entries(limit=-1)
        kinds, domains = base.staging.count_by("content_type"), base.staging.count_by("domain", _TOP)
    scores = [calculate_promotion_score(page) for page in pages]
    accessible = sum(page.is_accessible for page in pages)
    facts = {
        "total": len(pages),
        "promoted": sum(page.promoted_at is not None for page in pages),
        "accessible": accessible,
        "inaccessible": len(pages) - accessible,
        "avg_score": round(sum(scores) / len(scores), 2) if scores else 0.0,
        "eligible_for_promotion": sum(
            is_eligible_for_promotion(page, score=score) for page, score in zip(pages, scores, strict=True)
        ),
    }
    if in_json(json_output):
        output.write_json(
            {
                **facts,
                "by_content_type": [{"content_type": name, "count": count} for name, count in kinds.items()],
                "top_domains": [{"domain": name, "count": count} for name, count in domains.items()],
            }
        )
        return
    write_facts({name.replace("_", " ").capitalize(): value for name, value in facts.items()})
    write_counts("By type", kinds)
    write_counts("Domains", domains)


def promote(
    ctx: typer.Context,
    url_or_id: Annotated[str | None, page_argument()] = None,
    auto: Annotated[bool, typer.Option("--auto", "-a", help="Every page that has earned it.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be done, and write nothing.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Make a source of a page, or of all that have earned it."""
    if (url_or_id is None) == (not auto):
        refuse("give either a page or --auto", code="no_target", status=1, json_output=json_output)
    with open_base(ctx) as base:
        if url_or_id is None:
            _promote_all(base, dry_run, json_output)
        else:
            _promote_one(base, url_or_id, dry_run, json_output)


def _promote_all(base: Database, dry_run: bool, json_output: bool) -> None:
    from rekall.promotion import auto_promote_eligible

    result = auto_promote_eligible(base, dry_run=dry_run)
    if in_json(json_output):
        output.write_json(
            {
                "status": "success" if not result.failed else "partial",
                "mode": "auto",
                "dry_run": dry_run,
                "total_eligible": result.total_eligible,
                "promoted": result.promoted,
                "failed": result.failed,
                "already_promoted": result.already_promoted,
                "errors": result.errors,
            }
        )
    elif dry_run:
        output.write(f"{output.counted(result.total_eligible, 'page')} would become sources.")
    else:
        output.write(f"{result.promoted} of {output.counted(result.total_eligible, 'page')} became sources.")
    for error in result.errors:
        output.tell(f"warning: {error}")


def _promote_one(base: Database, url_or_id: str, dry_run: bool, json_output: bool) -> None:
    from rekall.promotion import calculate_promotion_score, promote_source

    page = _find(base, url_or_id, json_output)
    page.promotion_score = calculate_promotion_score(page)
    document: dict[str, Any] = {"mode": "manual", "dry_run": dry_run, "staging_id": page.id, "url": page.url}
    result = promote_source(base, page, dry_run=dry_run)
    document["source_id"] = result.source_id
    if not result.success:
        message = result.error or "nothing was promoted"
        refuse(message, code="not_promoted", status=1, json_output=json_output, **document)
    if in_json(json_output):
        output.write_json({"status": "success", **document, "score": page.promotion_score})
    elif dry_run:
        output.write(f"{output.one_line(page.url)} would become a source, score {page.promotion_score:g}.")
    else:
        output.write(f"{output.one_line(page.url)} is the source {result.source_id} now.")


def drop(
    ctx: typer.Context,
    url_or_id: Annotated[str, page_argument()],
    force: Annotated[bool, typer.Option("--force", "-f", help="Do not ask.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Remove a page.

    It asks first. A source that the page became stays.
    """
    with open_base(ctx) as base:
        page = _find(base, url_or_id, json_output)
        if not force:
            if not output.is_interactive():
                raise InvalidValueError(
                    f"nothing was removed: confirm with --force that {output.one_line(page.url)} may go"
                )
            from rekall.cli.questions import confirm

            if not confirm(f"Remove {output.one_line(page.url)}?"):
                raise RekallError("nothing was removed")
        base.staging.delete_staging_entry(page.id)
    if in_json(json_output):
        output.write_json({"status": "success", "id": page.id, "url": page.url})
    else:
        output.write(f"Removed {output.one_line(page.url)}")


def _find(base: Database, url_or_id: str, json_output: bool) -> StagingEntry:
    try:
        return base.staging.resolve(url_or_id)
    except InvalidValueError as error:
        refuse(str(error), code="not_found", status=1, json_output=json_output)
