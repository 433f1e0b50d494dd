"""rekall_help and rekall_info: how to use the knowledge base, and what is in it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rekall import config as configuration
from rekall.db import Database
from rekall.mcp.outputs import HelpOutput, InfoOutput
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec

INSTRUCTIONS = """\
Rekall is the developer's own knowledge base: bugs and their fixes, decisions and their reasons, pitfalls, patterns, \
configurations, references.
Consult it: call rekall_search before you debug an error, choose a design or a library, or touch an unfamiliar part; \
read promising hits with rekall_show and say which entry you rely on.
Capture: when something was solved, decided or learned that would cost time to find out again, call rekall_add with \
its context (situation, solution, what failed, error messages), and rekall_link it to what it builds on. \
What is no longer true: rekall_deprecate.
Ids may be shortened to a unique beginning."""

MAX_PROJECTS = 10
_TIERS = {"bronze": "C", "silver": "B", "gold": "A"}
"""What 0.3 called tiers, by the reliability of a source."""

_SECTIONS = {
    "search": """\
## Search
- rekall_search: plain words; of up to four, entries with all of them come first, then contexts with all, then partial \
matches. Paste error messages as they are. A word that nothing holds is taken for a similar one: a note says so.
- Operators: "exact phrase", prefix*, a OR b, a NOT b, title:word. Any other text is plain words: C++, user-id.
- Filters: type and project, both exact. Obsolete entries are left out; what superseded one is named.
- exact: only entries with every word, no other reading. explain: the words by field, places and scores of each hit.
- rekall_show reads a hit whole; rekall_get_context compares the contexts of several.
- context, what you are working on, searches by meaning and by keywords as well where the user has enabled that.
- rekall_similar lists entries about the same things as one; rekall_sources_suggest the web sources for its subject.""",
    "add": """\
## Add
- rekall_add: type (bug, pattern, decision, pitfall, config, reference), a title that says the point, Markdown content.
- context: {"situation", "solution"} and, where known, what_failed, error_messages, files_modified, trigger_keywords \
(extracted when absent). Plain text works too. All of it is searched.
- auto_detect_files notes the files changed in git. auto_capture_conversation with _transcript_path offers the last \
messages; a second call with _session_id and conversation_excerpt_indices stores the chosen ones.
- confidence: 0 a guess, 2 the default, 5 proven. Tags and project in short lower-case words.
- Search first; extend what is there by a link instead of adding it twice.""",
    "links": """\
## Links
- rekall_link source to target, with a reason: related, supersedes (source replaces target), derived_from \
(source comes from target), contradicts.
- rekall_related walks them, up to three links far; rekall_unlink removes them.
- rekall_suggest finds what could be linked or become one; rekall_generalize makes one entry of several.
- rekall_stale lists what nobody has asked for in a while, to check whether it still holds.
- rekall_deprecate marks an entry obsolete and names its replacement; rekall_delete removes one for good.""",
}

_TITLE = "# Using Rekall"
GUIDE = "\n\n".join([_TITLE, *_SECTIONS.values()])


class HelpArguments(Arguments):
    """Arguments of rekall_help."""

    topic: Literal["search", "add", "links", "all"] | None = Field(None, description="All when left out")


class InfoArguments(Arguments):
    """Arguments of rekall_info."""


def explain_usage(_: OpenDatabase, args: HelpArguments) -> Answer:
    """The usage guide, or one part of it; works without a base."""
    topic = args.topic or "all"
    guide = GUIDE if topic == "all" else f"{_TITLE}\n\n{_SECTIONS[topic]}"
    return Answer(guide, {"topic": topic, "guide": guide})


def info(open_database: OpenDatabase, _: InfoArguments) -> Answer:
    """What the base holds, in numbers."""
    db = open_database()
    active, everything = db.entries.count(), db.entries.count(include_obsolete=True)
    by_type, by_project = db.entries.count_by("type"), db.entries.count_by("project")
    projects = list(by_project.items())[:MAX_PROJECTS]
    links = db.links.count()
    sources = db.source_lists.overview()
    by_tier = {tier: sources.by_reliability.get(reliability, 0) for tier, reliability in _TIERS.items()}
    lines = ["# Rekall knowledge base", "", f"## Entries: {active}"]
    if active:
        lines += ["", "By Type:", *(f"- {name}: {count}" for name, count in by_type.items())]
        lines += ["", "By Project:", *(f"- {name or '[no project]'}: {count}" for name, count in projects)]
    lines += ["", f"Obsolete: {everything - active}", "", f"## Links: {links}"]
    lines += ["", f"## Sources: {sources.total}"]
    lines += ["", *(f"- {tier.capitalize()}: {count}" for tier, count in by_tier.items())]
    vectors = _vectors(db) if configuration.get_config().smart_embeddings_enabled else None
    if vectors is not None:
        lines += ["", f"## Vectors: {vectors['embedded']} ({vectors['model']}, {vectors['dimensions']} numbers)"]
        lines += [] if vectors["note"] is None else ["", f"- {vectors['note']}"]
    structured = {
        "entries": active,
        "obsolete": everything - active,
        "by_type": by_type,
        "by_project": [{"project": name, "entries": count} for name, count in projects],
        "links": links,
        "sources": sources.total,
        "sources_by_tier": by_tier,
        "vectors": vectors,
    }
    return Answer("\n".join(lines), structured)


def _vectors(db: Database) -> dict[str, Any]:
    """How many active entries can be found by meaning, and why not all."""
    from rekall.embeddings.readiness import counts

    model, dimensions, embedded, note = counts(db)
    return {"model": model, "dimensions": dimensions, "embedded": embedded, "note": note}


HELP = ToolSpec(
    name="rekall_help",
    description="How to search, add and link in Rekall. Call it when unsure how to use the other tools.",
    arguments=HelpArguments,
    output=HelpOutput,
    handler=explain_usage,
    read_only=True,
    idempotent=True,
)

INFO = ToolSpec(
    name="rekall_info",
    description="What the knowledge base holds: entries by type and project, links, sources.",
    arguments=InfoArguments,
    output=InfoOutput,
    handler=info,
    read_only=True,
    idempotent=True,
)
