"""`sources promotion-config` and `autoscan-config`: settings that have commands of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import settings
from rekall.cli.sources.answers import JsonOutput, in_json, write_facts
from rekall.errors import InvalidValueError


def promotion_config(
    ctx: typer.Context,
    show: Annotated[
        bool, typer.Option("--show/--no-show", help="Show the settings, or change them without a word.")
    ] = True,
    threshold: Annotated[
        float | None, typer.Option("--threshold", "-t", help="Score from which a page is promoted, 0 to 100.")
    ] = None,
    citation_weight: Annotated[
        float | None, typer.Option("--citation-weight", "-c", help="Part that citations have in a score, 0 to 1.")
    ] = None,
    project_weight: Annotated[
        float | None, typer.Option("--project-weight", "-p", help="Part that projects have, 0 to 1.")
    ] = None,
    recency_weight: Annotated[
        float | None, typer.Option("--recency-weight", "-r", help="Part that a recent sight has, 0 to 1.")
    ] = None,
    half_life: Annotated[
        float | None, typer.Option("--half-life", "-h", help="Days after which that part is halved.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Back to the defaults, out of config.toml.")] = False,
    json_output: JsonOutput = False,
) -> None:
    """Show or change what decides on promotion."""
    weights = {"citation_weight": citation_weight, "project_weight": project_weight, "recency_weight": recency_weight}
    _check("threshold", threshold, 0, 100)
    for name, weight in weights.items():
        _check(name.replace("_", " "), weight, 0, 1)
    if half_life is not None and not 0 < half_life < math.inf:
        raise InvalidValueError(f"half life {half_life:g} is out of range: give days, more than 0")
    changes = {"threshold": threshold, **weights, "recency_half_life_days": half_life}
    changed = _change(ctx, "promotion", changes, reset=reset)
    if not show:
        return
    document = _promotion(changed=changed)
    if in_json(json_output):
        output.write_json(document)
        return
    weights_now, caps = document["weights"], document["caps"]
    write_facts(
        {
            "Threshold": document["threshold"],
            "Near from": f"{document['near_threshold_pct']:.0%} of it",
            "Weights": ", ".join(f"{name} {value:g}" for name, value in weights_now.items()),
            "Half life": f"{document['recency_half_life_days']:g} days",
            "Full part from": f"{caps['max_citations']} citations, {caps['max_projects']} projects",
        }
    )


def autoscan_config(
    ctx: typer.Context,
    show: Annotated[
        bool, typer.Option("--show/--no-show", help="Show the settings, or change them without a word.")
    ] = True,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Scan by itself, or not.", show_default=False)
    ] = None,
    interval: Annotated[float | None, typer.Option("--interval", "-i", help="Hours between two scans.")] = None,
    connectors: Annotated[
        str | None, typer.Option("--connectors", "-c", help="What is scanned, names with commas between them.")
    ] = None,
    json_output: JsonOutput = False,
) -> None:
    """Show or change the automatic scan."""
    from rekall.config import get_autoscan_config

    if interval is not None and not 0 < interval < math.inf:
        raise InvalidValueError(f"interval {interval:g} is out of range: give hours, more than 0")
    names = None if connectors is None else ",".join(filter(None, map(str.strip, connectors.split(","))))
    changed = _change(ctx, "autoscan", {"enabled": enabled, "interval_hours": interval, "connectors": names})
    if not show:
        return
    now = get_autoscan_config()
    document: dict[str, Any] = {
        "enabled": now.enabled,
        "interval_hours": now.interval_hours,
        "connectors": now.connectors,
    }
    if in_json(json_output):
        output.write_json({**document, "status": "updated"} if changed else document)
        return
    write_facts(
        {
            "Enabled": "yes" if now.enabled else "no",
            "Every": f"{now.interval_hours:g} hours",
            "Connectors": ", ".join(now.connectors) or "none",
        }
    )


def _check(name: str, value: float | None, lowest: float, highest: float) -> None:
    if value is not None and not lowest <= value <= highest:
        raise InvalidValueError(f"{name} {value:g} is out of range: give {lowest:g} to {highest:g}")


def _change(ctx: typer.Context, section: str, values: Mapping[str, Any], *, reset: bool = False) -> bool:
    """Put what is given into a section of config.toml, and read the configuration again.

    Args:
        values: what is None stays.
        reset: take the section out of the file before.

    Returns:
        Whether there was anything to change.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    from rekall.config_file import CONFIG_NAME, update_toml

    path = settings(ctx).config_dir / CONFIG_NAME
    given = {name: value for name, value in values.items() if value is not None}
    if reset and path.exists():
        update_toml(path, {section: None})
    if given:
        update_toml(path, {section: given})
    if given or reset:
        settings(ctx, quiet=True)
    return bool(given) or reset


def _promotion(*, changed: bool) -> dict[str, Any]:
    from rekall.config import get_promotion_config

    now = get_promotion_config()
    document: dict[str, Any] = {
        "threshold": now.promotion_threshold,
        "near_threshold_pct": now.near_threshold_pct,
        "weights": {
            "citation": now.citation_weight,
            "project": now.project_weight,
            "recency": now.recency_weight,
        },
        "recency_half_life_days": now.recency_half_life_days,
        "caps": {"max_citations": now.max_citations, "max_projects": now.max_projects},
    }
    return {**document, "status": "updated"} if changed else document
