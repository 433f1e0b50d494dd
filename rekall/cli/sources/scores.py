"""`sources recalculate`: scores and promotions as they are today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.progress import progress
from rekall.cli.sources.answers import JsonOutput, find_source, in_json, refuse, write_facts
from rekall.cli.sources.roles import source_id_argument

if TYPE_CHECKING:
    from rekall.db import Database


def recalculate(
    ctx: typer.Context,
    source_id: Annotated[str | None, source_id_argument("Only this source; a prefix of its id.")] = None,
    update_promotions: Annotated[
        bool, typer.Option("--promotions/--no-promotions", help="Promotions too, where no source is named.")
    ] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what a score is made of.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Compute scores and promotions anew.

    Without an id, of all sources. A score fades while a source is not used; it grows with its use.
    """
    with open_base(ctx) as base:
        document = (
            _all(base, update_promotions)
            if source_id is None
            else _one(base, source_id, verbose=verbose, json_output=json_output)
        )
    if in_json(json_output):
        output.write_json({"status": "success", **document})
    else:
        write_facts({name.replace("_", " ").capitalize(): value for name, value in document.items()})


def _all(base: Database, update_promotions: bool) -> dict[str, Any]:
    with progress("Scoring sources") as advance:
        count = base.recalculate_all_scores(on_progress=advance)
    promotions = base.recalculate_all_promotions() if update_promotions else {}
    return {"recalculated": count, **promotions}


def _one(base: Database, source_id: str, *, verbose: bool, json_output: bool) -> dict[str, Any]:
    source = find_source(base, source_id, status=2, json_output=json_output)
    new_score = base.recalculate_source_score(source.id)
    if new_score is None:  # deleted by another process since
        refuse(f"no source has the id {source.id}", code="not_found", status=2, json_output=json_output)
    document: dict[str, Any] = {
        "source_id": source.id,
        "domain": source.domain,
        "old_score": round(source.personal_score, 2),
        "new_score": round(new_score, 2),
    }
    if verbose:
        document |= {
            "usage_count": source.usage_count,
            "reliability": source.reliability,
            "decay_rate": source.decay_rate,
            "role": source.role,
            "is_seed": source.is_seed,
            "citation_quality": base.calculate_citation_quality(source.id),
        }
    return document
