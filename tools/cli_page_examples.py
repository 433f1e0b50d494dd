"""What docs/cli.md shows: a base made for it, and each command with its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from rekall.db import Database
from rekall.models import Entry, Source, StagingEntry, StructuredContext

SAFARI, PREFLIGHT, COOKIE = "01K4CRSSAFAR1000000000000A", "01K4CRSPREFL1000000000000B", "01K4CRSC00K1E000000000000C"
MDN, BLOG, PAGE = "01K4S0RCEMDN00000000000000", "01K4S0RCEB10G0000000000000", "01K4PAGEB10G00000000000000"
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
        _add_sources(db, now)


def _add_sources(db: Database, now: datetime) -> None:
    db.add_source(Source(MDN, "developer.mozilla.org", "/en-US/docs/*", created_at=now))
    db.add_source(Source(BLOG, "blog.example", usage_count=2, last_used=now - timedelta(days=40), created_at=now))
    for theme in ("cors", "web"):
        db.add_source_theme(MDN, theme)
    db.link_entry_to_source(SAFARI, "url", "https://developer.mozilla.org/en-US/docs/Web/HTTP/CORS", MDN)
    db.add_staging_entry(
        StagingEntry(PAGE, "https://blog.example/cors", "blog.example", title="CORS, once more", last_seen=now)
    )


CONTEXT = (
    '{"situation": "The suite failed on the build machine only", "solution": "Reset the cache after every test",'
    ' "trigger_keywords": ["flaky", "order"]}'
)

COMMANDS: Mapping[str, Sequence[Example]] = {
    "Find": (
        Example("search", ["search", "cors"]),
        Example("search, with a typing error", ["search", "corss safari"]),
        Example("search, explained", ["search", "preflight options", "--explain"]),
        Example("search, exact", ["search", "cors options", "--exact"], on_terminal=False),
        Example("browse", ["browse"]),
        Example("show", ["show", SAFARI]),
        Example("similar", ["similar", SAFARI]),
    ),
    "Connect": (
        Example("link", ["link", COOKIE, SAFARI, "--reason", "the same answer header"], piped=False),
        Example("related", ["related", SAFARI]),
        Example("graph", ["graph", SAFARI]),
        Example("centrality", ["centrality"]),
        Example("unlink", ["unlink", COOKIE, SAFARI]),
    ),
    "Keep in order": (
        Example("review", ["review"], [("any key", " "), ("1 to 5", "4"), ("any key", "q")], piped=False),
        Example("review, in a pipe", ["review"], status=1, on_terminal=False),
        Example("stale", ["stale"]),
        Example("consolidation", ["consolidation"]),
        Example("generalize", ["generalize", SAFARI, PREFLIGHT, "--yes"]),
        Example("suggest", ["suggest"]),
    ),
    "Capture": (
        Example("add", ["add", "bug", "Tests pass alone and fail together", "--context-json", CONTEXT]),
        Example("edit", ["edit", RETRY, "--add-tag", "network"]),
        Example("deprecate", ["deprecate", OLD, "--replaced-by", POOL]),
        Example("delete", ["delete", COOKIE], [("[y/N] ", "n\n")], status=1, piped=False),
        Example("delete, in a pipe", ["delete", COOKIE, "--yes"], on_terminal=False),
    ),
    "Sources": (
        Example("sources list", ["sources", "list"]),
        Example("sources stats", ["sources", "stats"]),
        Example("sources list-themes", ["sources", "list-themes"]),
        Example("sources suggest", ["sources", "suggest", "--theme", "cors"]),
        Example("sources classify", ["sources", "classify", MDN, "authority"]),
        Example("sources add-theme", ["sources", "add-theme", MDN, "http"], piped=False),
        Example("sources add-theme, again", ["sources", "add-theme", MDN, "http"], status=2, on_terminal=False),
        Example("sources demote", ["sources", "demote", MDN, "--force"], status=1),
        Example("sources recalculate", ["sources", "recalculate", MDN]),
        Example("sources verify", ["sources", "verify", "--domain", "nowhere.example"]),
        Example("sources migrate", ["sources", "migrate", "--path", ".", "--dry-run"]),
        Example("sources inbox add", ["sources", "inbox", "add", "https://docs.python.org/3/"]),
        Example("sources inbox list", ["sources", "inbox", "list"]),
        Example("sources inbox stats", ["sources", "inbox", "stats"]),
        Example("sources inbox clear", ["sources", "inbox", "clear", "--quarantine", "--force"]),
        Example("sources staging list", ["sources", "staging", "list"]),
        Example("sources staging stats", ["sources", "staging", "stats"]),
        Example("sources staging promote", ["sources", "staging", "promote", "--auto"]),
        Example("sources staging drop", ["sources", "staging", "drop", PAGE, "--force"], piped=False),
        Example("sources staging drop, again", ["sources", "staging", "drop", PAGE], status=1, on_terminal=False),
        Example("sources promotion-config", ["sources", "promotion-config"]),
        Example("sources autoscan-config", ["sources", "autoscan-config"]),
    ),
    "The base": (
        Example("info", ["info"]),
        Example("init", ["init"]),
        Example("export", ["export", "all.rekall.zip"]),
        Example("export, as Markdown", ["export", "bugs.md", "--type", "bug"], on_terminal=False),
        Example("import, previewed", ["import", "all.rekall.zip", "--dry-run"]),
        Example("import", ["import", "all.rekall.zip", "--yes"]),
        Example("import, of another thing", ["import", "bugs.md", "--format", "rekall"], status=1, on_terminal=False),
        Example("backup", ["backup"], piped=False),
        Example("backup, to a file", ["backup", "--output", "copy.db"], on_terminal=False),
        Example("backup, listed", ["backup", "--list"]),
        Example("restore", ["restore", "copy.db"], [("[y/N] ", "n\n")], status=1, piped=False),
        Example("restore, in a pipe", ["restore", "copy.db", "--yes"], on_terminal=False),
        Example("migrate", ["migrate"]),
        Example("embeddings", ["embeddings"]),
        Example("backends", ["backends"]),
        Example("backends, tried", ["backends", "--check"]),
        Example("backends new", ["backends", "new", "my-store"], piped=False),
        Example("backends new, again", ["backends", "new", "my-store"], status=1, on_terminal=False),
        Example("doctor", ["doctor"]),
    ),
    "The program": (
        Example("config", ["config"]),
        Example("version", ["version"]),
        Example("changelog", ["changelog", "0.0.1"], status=1),
        Example("mcp", ["mcp", "--print-config", "claude-code"]),
        Example("mcp-server", ["mcp-server", "--print-config", "cursor"]),
    ),
}
"""Every command, in an order in which each finds what it shows."""
