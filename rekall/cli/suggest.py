"""`suggest`: proposals to link or to generalize entries, and the decision about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import JsonOutput
from rekall.errors import InvalidValueError

if TYPE_CHECKING:
    from rekall.db import Database
    from rekall.models import Suggestion, SuggestionStatus

_DELETED = "(deleted)"


def complete_suggestion(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The ids of pending suggestions that begin so, with their reasons. Creates and migrates nothing."""
    from rekall.cli.completion import suggestion_ids

    return suggestion_ids(ctx, incomplete)


def complete_kind(incomplete: str) -> list[str]:
    """The kinds of suggestions that begin so."""
    from rekall.models import VALID_SUGGESTION_TYPES

    return [value for value in VALID_SUGGESTION_TYPES if value.startswith(incomplete)]


def suggest(
    ctx: typer.Context,
    accept: Annotated[
        str | None,
        typer.Option(
            "--accept", "-a", help="Accept this suggestion; a prefix of its id.", autocompletion=complete_suggestion
        ),
    ] = None,
    reject: Annotated[
        str | None,
        typer.Option(
            "--reject", "-r", help="Reject this suggestion; a prefix of its id.", autocompletion=complete_suggestion
        ),
    ] = None,
    suggestion_type: Annotated[
        str | None,
        typer.Option("--type", "-t", help="Only this kind: link or generalize.", autocompletion=complete_kind),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-l", help="Suggestions at most; a negative number is no limit.")
    ] = 20,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Look for new ones first, by the vectors that 'rekall embeddings' stored.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """List the pending suggestions, newest first, or decide on one.

    Accepting a link makes it. Accepting a generalization tells the command that makes the entry. --refresh proposes to
    link entries whose texts are similar, and to generalize groups of them; what was rejected does not come again.
    """
    if accept is not None and reject is not None:
        raise typer.BadParameter("give --accept or --reject, not both")
    if refresh and (accept is not None or reject is not None):
        raise typer.BadParameter("--refresh looks for suggestions, and does not decide on one")
    _check_kind(suggestion_type)
    with open_base(ctx) as base:
        if accept is not None or reject is not None:
            decided = base.suggestions.resolve(accept if accept is not None else reject or "")
            _decide(base, decided, "rejected" if accept is None else "accepted", json_output=json_output)
            return
        new = _look_for_new(base) if refresh else None
        found = base.get_suggestions("pending", suggestion_type, limit)
        entries = base.entries.get_many(list({entry_id for one in found for entry_id in one.entry_ids}))
    titles = {entry_id: entry.title for entry_id, entry in entries.items()}
    if json_output:
        records = [_record(one, titles) for one in found]
        answer: dict[str, Any] = {"suggestions": records, "total_count": len(records)}
        output.write_json(answer if new is None else {**answer, "new": new})
        return
    if new is not None:
        output.tell(f"found {output.counted(new, 'new suggestion')}")
    if not found:
        output.write("Nothing to list: --limit is 0." if limit == 0 else "No suggestion is pending.")
    elif output.is_terminal():
        _draw(found, titles)
    else:
        for one in found:
            output.write_row(one.id, one.suggestion_type, f"{one.score:.0%}", ",".join(one.entry_ids), one.reason)


def _check_kind(kind: str | None) -> None:
    from rekall.models import VALID_SUGGESTION_TYPES

    if kind is not None and kind not in VALID_SUGGESTION_TYPES:
        raise InvalidValueError(f"unknown kind of suggestion '{kind}': use one of {', '.join(VALID_SUGGESTION_TYPES)}")


def _look_for_new(base: Database) -> int:
    """Store what could be suggested and was not before, in one batch; tell how many."""
    from rekall.cli.progress import progress
    from rekall.embeddings.readiness import readiness
    from rekall.embeddings.suggesting import find_suggestions
    from rekall.errors import EmbeddingModelUnavailableError

    service, problem, gap = readiness(base, needs_model=False)
    if service is None:
        raise EmbeddingModelUnavailableError(problem or "")
    if gap is not None:
        output.tell(gap)
    with progress("Comparing entries") as advance:
        return base.suggestions.add_all_new(find_suggestions(base, service, advance))


def _decide(base: Database, one: Suggestion, status: SuggestionStatus, *, json_output: bool) -> None:
    from rekall.models import Link, generate_ulid
    from rekall.records import link_record

    link, command = None, None
    if status == "accepted" and one.suggestion_type == "link":
        source, target = one.entry_ids
        link = Link(generate_ulid(), source, target, "related")
    elif status == "accepted":
        command = f"rekall generalize {' '.join(one.entry_ids)}"
    base.suggestions.decide(one.id, status, link=link)
    if json_output:
        answer = {"id": one.id, "type": one.suggestion_type, "status": status, "link": link and link_record(link)}
        output.write_json({**answer, "command": command})
        return
    output.write(f"{status.capitalize()} {one.id}.")
    if link is not None:
        output.write(f"Linked {link.source_id} {link.relation_type} → {link.target_id}")
    if command is not None:
        output.write(f"Make the entry with: {command}")


def _record(one: Suggestion, titles: Mapping[str, str]) -> dict[str, Any]:
    from rekall.records import with_offset

    return {
        "id": one.id,
        "type": one.suggestion_type,
        "score": one.score,
        "reason": one.reason,
        "status": one.status,
        "created_at": with_offset(one.created_at),
        "entries": [{"id": entry_id, "title": titles.get(entry_id)} for entry_id in one.entry_ids],
    }


def _draw(found: Sequence[Suggestion], titles: Mapping[str, str]) -> None:
    own_ids = output.short_ids(one.id for one in found)
    ids = output.short_ids(entry_id for one in found for entry_id in one.entry_ids)
    console = output.console()
    for one in found:
        head = output.plain(own_ids[one.id], "bold cyan").append(f"  {one.suggestion_type}  {one.score:.0%}")
        console.print(head.append(f"  {output.one_line(one.reason)}" if one.reason else "", style="dim"))
        rows = [
            (output.plain(ids[entry_id], "cyan"), output.plain(titles.get(entry_id, _DELETED)))
            for entry_id in one.entry_ids
        ]
        console.print(output.grid(rows, indent=2))
    console.print()
    console.print(
        output.plain(f"{output.counted(len(found), 'suggestion')}; --accept ID or --reject ID decides on one")
    )
