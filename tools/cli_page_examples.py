"""What docs/cli.md shows: a base made for it, and each command with its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from rekall.db import Database
from rekall.models import Entry, StructuredContext

SAFARI, PREFLIGHT, COOKIE = "01K4CRSSAFAR1000000000000A", "01K4CRSPREFL1000000000000B", "01K4CRSC00K1E000000000000C"
RETRY, POOL = "01K4DBRETRY00000000000000D", "01K4DBP00L000000000000000E"
OLD = "01K4DBP00LS1ZE00000000000F"


class Example(NamedTuple):
    """One command of the page.

    Args:
        name: its heading.
        arguments: what is typed after `rekall`.
        answers: (what must have been printed, what is typed then) on the terminal.
        status: the exit status it must end with.
        on_terminal: show it on a terminal.
        piped: show it in a pipe.
    """

    name: str
    arguments: Sequence[str]
    answers: Sequence[tuple[str, str]] = ()
    status: int = 0
    on_terminal: bool = True
    piped: bool = True


def make_base(path: Path) -> None:
    """A small base of entries with contexts, links and reviews that are due."""
    now = datetime.now().replace(microsecond=0)

    def entry(entry_id: str, kind: str, title: str, content: str, tags: list[str], days: int, **more: object) -> Entry:
        moment = now - timedelta(days=days)
        return Entry(
            id=entry_id,
            title=title,
            type=kind,  # type: ignore[arg-type]  # checked by Entry
            content=content,
            project="shop",
            tags=tags,
            created_at=moment,
            updated_at=moment,
            last_accessed=moment,
            **more,  # type: ignore[arg-type]  # fields of Entry
        )

    def context(situation: str, solution: str, *keywords: str) -> StructuredContext:
        return StructuredContext(situation, solution, list(keywords), created_at=now)

    with Database(path) as db:
        db.add(
            entry(SAFARI, "bug", "CORS fails in Safari", "Allow the origin by name, not by *.", ["cors", "safari"], 95),
            context=context(
                "Safari refuses the answer of the API", "Send the origin back by name", "cors", "safari", "origin"
            ),
        )
        db.add(
            entry(PREFLIGHT, "bug", "CORS preflight is answered 404", "Route OPTIONS as well.", ["cors", "api"], 40),
            context=context(
                "The preflight request gets 404", "Answer OPTIONS in the router", "cors", "origin", "options"
            ),
        )
        db.add(
            entry(
                COOKIE, "pitfall", "Cookies need credentials in CORS", "Set credentials on both sides.", ["cors"], 35
            ),
            context=context("The session is lost across origins", "Send credentials", "cors", "origin", "cookie"),
        )
        due = date.today() - timedelta(days=2)
        db.add(
            entry(
                RETRY,
                "pattern",
                "Retry with jitter",
                "Wait 0.1 s, double it, times a random factor.",
                ["retry"],
                10,
                next_review=due,
                review_interval=6,
                memory_type="semantic",
            ),
        )
        db.add(
            entry(
                POOL,
                "config",
                "Ten connections in the pool",
                "pool_size = 10",
                ["database"],
                5,
                next_review=due + timedelta(days=1),
            ),
        )
        db.add(entry(OLD, "config", "Five connections in the pool", "pool_size = 5", ["database"], 120))
        db.add_link(PREFLIGHT, SAFARI, "related", "both are about CORS")
        db.add_link(POOL, OLD, "supersedes", "five were too few")


CONTEXT = (
    '{"situation": "The suite failed on the build machine only", "solution": "Reset the cache after every test",'
    ' "trigger_keywords": ["flaky", "order"]}'
)

COMMANDS: Mapping[str, Sequence[Example]] = {
    "Find": (
        Example("search", ["search", "cors"]),
        Example("browse", ["browse"]),
        Example("show", ["show", SAFARI]),
        Example("similar", ["similar", SAFARI]),
        Example("stale", ["stale"]),
    ),
    "Connect": (
        Example("link", ["link", COOKIE, SAFARI, "--reason", "the same answer header"], piped=False),
        Example("related", ["related", SAFARI]),
        Example("graph", ["graph", SAFARI]),
        Example("centrality", ["centrality"]),
        Example("unlink", ["unlink", COOKIE, SAFARI], piped=False),
        Example("generalize", ["generalize", SAFARI, PREFLIGHT, COOKIE, "--yes"], on_terminal=False),
        Example("consolidation", ["consolidation"]),
        Example("suggest", ["suggest"]),
    ),
    "Review": (Example("review", ["review"]),),
    "Capture": (
        Example(
            "add", ["add", "bug", "Tests pass alone and fail together", "--tags", "pytest", "--context-json", CONTEXT]
        ),
        Example("edit", ["edit", RETRY, "--add-tag", "network"]),
        Example("deprecate", ["deprecate", OLD, "--replaced-by", POOL]),
        Example("delete", ["delete", COOKIE, "--yes"], piped=False),
    ),
    "The base": (
        Example("info", ["info"]),
        Example("init", ["init"]),
        Example("migrate", ["migrate"]),
        Example("doctor", ["doctor"]),
    ),
    "The program": (
        Example("config", ["config"]),
        Example("version", ["version"]),
        Example("changelog", ["changelog", "Unreleased"], piped=False),
        Example("mcp", ["mcp", "--help"]),
    ),
}
