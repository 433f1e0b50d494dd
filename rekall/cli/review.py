"""`review`: going over entries at growing intervals, so that they are remembered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rekall.cli import output
from rekall.cli.opening import open_base
from rekall.cli.options import JsonOutput, ProjectFilter
from rekall.cli.review_round import RATINGS, Round, ToReview
from rekall.cli.stdin import is_piped
from rekall.errors import InvalidValueError

if TYPE_CHECKING:
    from rekall.db import Database

_DEFAULT_RATING = 3


def review(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-l", help="Entries at most; a negative number is no limit.")] = 10,
    project: ProjectFilter = None,
    new: Annotated[
        bool, typer.Option("--new", "-n", help="After those that are due, entries that were never reviewed.")
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Go over the entries that are due, and rate how well you knew them.

    In a terminal: the title comes first, any key shows the rest, 1 to 5 rates, s skips, q ends. Each rating is kept at
    once. Ratings may be piped in, one on a line. With --json the entries are listed, and nothing is rated.
    """
    with open_base(ctx) as base:
        entries = _to_review(base, limit, project, new=new)
        if json_output:
            output.write_json({"results": [_record(one) for one in entries], "total_count": len(entries)})
        elif not entries:
            output.write(_nothing(base, limit, project, new=new))
        elif output.is_interactive():
            from rekall.cli.review_terminal import go_over

            go_over(base, entries)
        elif sys.stdin is not None and not is_piped():
            raise InvalidValueError("the output of a review is for a terminal: do not redirect it, or pipe ratings in")
        else:
            _rate_from_lines(Round(base, entries))


def _to_review(base: Database, limit: int, project: str | None, *, new: bool) -> list[ToReview]:
    """What is due, the most urgent first, then what was never reviewed, the oldest first."""
    found = [ToReview(item.entry, item.days_overdue) for item in base.get_due_entries(limit, project)]
    room = limit if limit < 0 else limit - len(found)
    if new and room:
        found += [ToReview(entry) for entry in base.reviews.never_reviewed(room, project)]
    return found


def _record(one: ToReview) -> dict[str, Any]:
    from rekall.records import entry_record

    return {
        **entry_record(one.entry),
        "days_overdue": one.days_overdue,
        "days_until_next_review": {str(rating): one.next_interval(rating) for rating in RATINGS},
    }


def _nothing(base: Database, limit: int, project: str | None, *, new: bool) -> str:
    """Why there is nothing to review, and how to begin: an entry that was never rated is never due."""
    if limit == 0:
        return "Nothing to review: --limit is 0."
    where = f" in the project {output.one_line(project)}" if project else ""
    if new:
        return f"Nothing is due{where}, and every entry has been reviewed."
    if not base.reviews.never_reviewed(1, project):
        return f"Nothing is due for review{where}."
    return f"Nothing is due for review{where}. Begin with entries that were never reviewed: 'rekall review --new'"


def _rate_from_lines(going: Round) -> None:
    """Rate by the lines of stdin: a number from 1 to 5, an empty one for 3, `s` to skip; any other word ends.

    Raises:
        InvalidValueError: a number out of range, or no line for an entry; ratings before it are kept.
    """
    try:
        for one in going.entries:
            answer = _line(one)
            if answer == "s":
                going.skip(one)
                continue
            rating = _rating(answer, one)
            if rating is None:
                break
            rated = going.rate(one, rating)
            output.write_row(one.entry.id, str(rating), str(rated.next_review or "deleted"), one.entry.title)
    finally:
        if going.rated or going.skipped:
            output.write(f"# {going.summary()}")


def _line(one: ToReview) -> str:
    line = "" if sys.stdin is None else sys.stdin.readline()
    if not line:
        raise InvalidValueError(f"no rating for {one.entry.id}: give a number from 1 to 5 on a line, or q to end")
    return line.strip().lower()


def _rating(answer: str, one: ToReview) -> int | None:
    """The rating that was typed, None for a word, which ends the review."""
    if not answer:
        return _DEFAULT_RATING
    try:
        rating = int(answer)
    except ValueError:
        return None
    if rating not in RATINGS:
        raise InvalidValueError(f"{rating} is no rating for {one.entry.id}: give 1 to 5; what came before is kept")
    return rating
