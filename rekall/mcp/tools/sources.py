"""rekall_sources_suggest and rekall_sources_verify: where knowledge comes from, and whether it is still there."""

from __future__ import annotations

from pydantic import Field

from rekall.link_rot import LinkRotChecker, SourceCheck, source_url, verify_sources
from rekall.mcp.ids import resolve
from rekall.mcp.outputs import SourcesSuggestOutput, SourcesVerifyOutput
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec
from rekall.mcp.text import listed, one_line, short_id
from rekall.models import PromotionStatus, Source
from rekall.source_suggestions import suggest_for_entry

_MOST_CHECKS = 50
_SECONDS = 45.0
"""Sources that one call checks at most, and for how long: an assistant waits for the answer, often for a minute."""


class SourcesSuggestArguments(Arguments):
    """Arguments of rekall_sources_suggest."""

    entry_id: str = Field(description="Id, or its unique beginning")
    limit: int = 5


class SourcesVerifyArguments(Arguments):
    """Arguments of rekall_sources_verify."""

    limit: int = Field(10, description="Sources to check, 50 at most")


def suggest(open_database: OpenDatabase, args: SourcesSuggestArguments) -> Answer:
    """List sources with a theme or the domain of an entry, best score first."""
    db = open_database()
    found = suggest_for_entry(db, resolve(db, args.entry_id), max(args.limit, 0))
    searched = [*found.themes, *found.domains]
    records = [
        {
            "id": one.source.id,
            "domain": one.source.domain,
            "url": source_url(one.source.url_pattern, one.source.domain),
            "score": one.source.personal_score,
            "standing": _standing(one.source),
            "reliability": one.source.reliability,
            "themes": one.themes,
            "matched": one.matched,
        }
        for one in found.sources
    ]
    structured = {"entry_id": found.entry.id, "searched": searched, "sources": records, "total_count": len(records)}
    if not records:
        return Answer(f"No source fits this entry. Searched for: {listed(searched)}", structured)
    lines = [f"Sources for {short_id(found.entry.id)} {one_line(found.entry.title)}:", ""]
    for one, record in zip(found.sources, records, strict=True):
        lines += [
            f"- [{short_id(one.source.id)}] {one.source.domain} (score: {one.source.personal_score:.0f})",
            f"  URL: {record['url']}",
            f"  Tier: {record['standing']} | Tags: {listed(one.themes)}",
        ]
    lines += ["", f"Total: {len(records)}"]
    return Answer("\n".join(lines), structured)


def verify(
    open_database: OpenDatabase,
    args: SourcesVerifyArguments,
    *,
    checker: LinkRotChecker | None = None,
    seconds: float = _SECONDS,
) -> Answer:
    """Ask over the network whether the sources that were not checked for longest can be reached.

    Args:
        checker: asks for the pages; one that keeps to public addresses if left out.
        seconds: what takes longer is left for the next call.
    """
    checks: list[SourceCheck] = []
    limit = max(0, min(args.limit, _MOST_CHECKS))
    found = verify_sources(open_database(), limit, checker=checker, on_check=checks.append, seconds=seconds)
    structured = {
        **{name: found[name] for name in ("verified", "accessible", "inaccessible", "refused", "postponed")},
        "sources": [
            {
                "id": one.source.id,
                "domain": one.source.domain,
                "url": one.url,
                "outcome": one.outcome,
                "message": one.message,
            }
            for one in checks
        ],
    }
    if not (checks or found["postponed"]):
        return Answer("No source needs a check: all were checked within a day.", structured)
    lines = [
        "# Source check",
        "",
        f"Checked: {len(checks)}",
        f"Accessible: {found['accessible']} | Broken: {len(checks) - found['accessible']}",
    ]
    if found["postponed"]:
        lines.append(f"Not checked in {seconds:g} seconds: {found['postponed']}. Call it again for these.")
    broken = [one for one in checks if one.outcome != "accessible"]
    if broken:
        lines += ["", "## Broken"]
        for one in broken:
            lines += [f"- [{one.source.id}] {one.source.domain}", f"  URL: {one.url}", f"  Status: {one.message}"]
    if found["accessible"]:
        lines += ["", "## Accessible", *(f"- {one.source.domain}" for one in checks if one.outcome == "accessible")]
    return Answer("\n".join(lines), structured)


def _standing(source: Source) -> PromotionStatus:
    if source.is_seed:
        return "seed"
    return "promoted" if source.is_promoted else "normal"


SOURCES_SUGGEST = ToolSpec(
    name="rekall_sources_suggest",
    description="List trusted web sources for the subject of an entry, to read more or to cite.",
    arguments=SourcesSuggestArguments,
    output=SourcesSuggestOutput,
    handler=suggest,
    read_only=True,
    idempotent=True,
)

SOURCES_VERIFY = ToolSpec(
    name="rekall_sources_verify",
    description="Check over the network which sources can still be reached, those longest unchecked first; the result "
    "is stored.",
    arguments=SourcesVerifyArguments,
    output=SourcesVerifyOutput,
    handler=verify,
    open_world=True,
)
