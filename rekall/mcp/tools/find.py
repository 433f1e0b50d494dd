"""rekall_search, rekall_show and rekall_get_context: finding entries and reading them.

All three are read-only for a client. A search and a show count an access of what they give, as in Rekall 0.3, but that
is bookkeeping about reading: it changes no knowledge, and a client that had to ask before every look would not look.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from rekall import config as configuration
from rekall import finding
from rekall.db import Database
from rekall.errors import InvalidValueError
from rekall.finding.explaining import in_words
from rekall.mcp.ids import find, not_found, resolve_all
from rekall.mcp.outputs import GetContextOutput, ShowOutput
from rekall.mcp.search_outputs import SearchOutput
from rekall.mcp.spec import Answer, Arguments, OpenDatabase, ToolSpec
from rekall.mcp.text import (
    NO_CONTEXT,
    context_lines,
    is_summary,
    listed,
    one_line,
    short_id,
    snippet,
    stars,
)
from rekall.models import Entry, Link, SearchResult, StructuredContext
from rekall.records import answer_record, context_record, entry_record, explanation_record, relevance, similarity

MAX_CONTEXT_TEXT = 2000
"""Characters of a free text context that rekall_get_context gives."""
_LARGEST_LIMIT = 1_000_000
_NOTHING = {
    finding.Nothing.NOTHING_STORED: "nothing is stored yet; rekall_add stores the first entry.",
    finding.Nothing.NO_MATCH: "no entry matches; try fewer or other words, or rekall_info for what there is.",
    finding.Nothing.FILTERED_OUT: "only entries outside your filter match; leave out type or project.",
    finding.Nothing.OBSOLETE_ONLY: "only obsolete entries match.",
    finding.Nothing.NO_LIMIT: "the limit is 0.",
}


class SearchArguments(Arguments):
    """Arguments of rekall_search."""

    query: str = Field(
        description='Words (all wanted, fewer accepted), "a phrase", prefix*, OR, NOT, title:word. Any text is safe.'
    )
    context: str | None = Field(
        None, description="What you are working on: part of what is meant, where search by meaning is on"
    )
    type: str | None = Field(None, description="Only this type, such as bug or decision")
    project: str | None = Field(None, description="Only this project, exactly")
    limit: int = Field(10, description="Results at most; a negative number: all")
    exact: bool = Field(False, description="Only entries that hold all of it, outside their contexts")
    explain: bool = Field(False, description="Say why each result stands where it does")


class ShowArguments(Arguments):
    """Arguments of rekall_show."""

    id: str = Field(description="Id, or its unique beginning")


class GetContextArguments(Arguments):
    """Arguments of rekall_get_context."""

    entry_ids: list[str] = Field(description="Ids, or their unique beginnings", min_length=1)


def search(open_database: OpenDatabase, args: SearchArguments) -> Answer:
    """Find entries; each hit that satisfies the query counts as an access."""
    limit = max(-1, min(args.limit, _LARGEST_LIMIT))
    found = finding.find(
        open_database(),
        finding.Question(
            args.query,
            args.type,
            args.project,
            limit=limit,
            exact=args.exact,
            context=args.context,
            explain=args.explain,
        ),
    )
    beside = answer_record(found)
    records = [_compact_hit(hit, found.explanations.get(hit.entry.id)) for hit in found.hits]
    structured = {
        "results": records,
        "total_count": len(found.hits),
        "search_mode": "hybrid" if _has_context(args) else found.mode,
        "note": found.notes[0] if found.notes else None,
        **beside,
    }
    return Answer("\n\n".join(_search_blocks(found, records)), structured)


def _has_context(args: SearchArguments) -> bool:
    """Whether a context is part of the search, which 0.3 calls hybrid without vectors too: it has keywords."""
    if args.exact or not args.context or not args.context.strip():
        return False
    return configuration.get_config().smart_embeddings_enabled


def _search_blocks(found: finding.Answer, records: list[dict[str, Any]]) -> list[str]:
    """The parts of the text: hits of three lines each as in 0.3, then what else there is to say."""
    number = len(found.hits)
    if found.nothing is None:
        blocks = [f"Found {number} result{'' if number == 1 else 's'}:"]
    else:
        blocks = [f"No entries found: {_NOTHING[found.nothing]}"]
    for hit, record in zip(found.hits, records, strict=True):
        blocks.append(_hit_text(hit, record["snippet"], found.explanations.get(hit.entry.id)))
    blocks += [f"Note: {note}" for note in found.notes]
    if found.superseded:
        lines = [
            f"- [{old.id}] {one_line(old.title)} -> [{by.id}] {one_line(by.title)}" for old, by in found.superseded
        ]
        blocks.append("\n".join(["Superseded, read the newer one:", *lines]))
    if found.linked:
        blocks.append("\n".join(["Linked to these:", *(_linked_line(*one) for one in found.linked)]))
    if found.hits:
        blocks.append("Use rekall_show with an id to read the whole entry.")
    return blocks


def _linked_line(entry: Entry, link: Link) -> str:
    relation = f"{link.relation_type} →" if link.target_id == entry.id else f"← {link.relation_type}"
    return f"- {relation} [{entry.id}] {one_line(entry.title)}"


def show(open_database: OpenDatabase, args: ShowArguments) -> Answer:
    """Read one entry; counts as an access."""
    db = open_database()
    return describe(db, find(db, args.id, count=True))


def describe(db: Database, entry: Entry) -> Answer:
    """An entry whole: its fields, content, links and contexts."""
    context = db.get_structured_context(entry.id)
    text = db.get_context(entry.id)
    links: list[dict[str, Any]] = [
        {
            "direction": "outgoing" if link.source_id == entry.id else "incoming",
            "id": other.id,
            "title": other.title,
            "type": link.relation_type,
            "reason": link.reason,
        }
        for other, link in db.get_related_entries(entry.id)
    ]
    lines = [f"# {one_line(entry.title)}", "", *_field_lines(entry), "", "## Content", entry.content or "[no content]"]
    if links:
        lines += ["", "## Links", *map(_link_line, links)]
    if context is not None or text:
        lines += ["", "## Context", *_context_section(context, text, None)]
    structured = {
        "entry": entry_record(entry),
        "context": None if context is None else context_record(context),
        "context_text": text,
        "links": links,
    }
    return Answer("\n".join(lines), structured)


def get_context(open_database: OpenDatabase, args: GetContextArguments) -> Answer:
    """Read the contexts of several entries; counts nothing."""
    db = open_database()
    ids, unknown = _resolve_all(db, args.entry_ids)
    entries = db.entries.get_many(ids)
    contexts, texts = db.contexts.get_structured_contexts(ids), db.get_contexts_for_verification(ids)
    lines = ["# Contexts"]
    records = []
    for entry in (entries[entry_id] for entry_id in ids if entry_id in entries):
        context, text = contexts.get(entry.id), texts.get(entry.id)
        lines += ["", f"## Entry {short_id(entry.id)} {one_line(entry.title)}"]
        lines += _context_section(context, text, MAX_CONTEXT_TEXT)
        records.append(
            {
                "id": entry.id,
                "title": entry.title,
                "context": None if context is None else context_record(context),
                "context_text": text,
            }
        )
    for prefix in unknown:
        lines += ["", f"## Entry {short_id(prefix)}", "[no entry has this id]"]
    return Answer("\n".join(lines), {"contexts": records, "not_found": unknown})


def _compact_hit(hit: SearchResult, why: finding.Explanation | None) -> dict[str, Any]:
    """What an assistant needs in order to choose: not the whole content, which rekall_show gives."""
    entry = hit.entry
    return {
        "id": entry.id,
        "type": entry.type,
        "title": entry.title,
        "tags": entry.tags,
        "project": entry.project,
        "status": entry.status,
        "confidence": entry.confidence,
        "relevance_score": relevance(hit),
        "matched": hit.matched,
        "snippet": snippet(entry.content),
        "semantic_score": similarity(hit),
        "keywords": hit.keywords,
        "explanation": None if why is None else explanation_record(why),
    }


def _hit_text(hit: SearchResult, beginning: str, why: finding.Explanation | None) -> str:
    entry = hit.entry
    how = f" ({'; '.join(_how_found(hit))})" if hit.keywords or hit.similarity is not None else ""
    text = f"- [{entry.id}] {entry.type}: {one_line(entry.title)}{how}\n  Tags: {listed(entry.tags)}"
    if entry.content:
        text += f"\n  {beginning}"
    if why is not None:
        text += "".join(f"\n  {label}: {one_line(part)}" for label, part in in_words(hit, why))
    return text


def _how_found(hit: SearchResult) -> Iterator[str]:
    if hit.similarity is not None:
        yield f"semantic: {hit.similarity:.0%}"
    if hit.keywords:
        yield f"keywords: {', '.join(map(one_line, hit.keywords))}"


def _field_lines(entry: Entry) -> list[str]:
    lines = [
        f"ID: {entry.id}",
        f"Type: {entry.type}",
        f"Memory: {entry.memory_type}",
        f"Confidence: {stars(entry.confidence)}",
        f"Tags: {listed(entry.tags)}",
        f"Project: {entry.project or 'none'}",
        f"Created: {entry.created_at:%Y-%m-%d %H:%M}",
        f"Status: {entry.status}",
    ]
    return [*lines, f"Superseded by: {entry.superseded_by}"] if entry.superseded_by else lines


def _link_line(link: dict[str, Any]) -> str:
    arrow = "→" if link["direction"] == "outgoing" else "←"
    line = f"{arrow} [{link['type']}] {link['id']} {one_line(link['title'])}"
    return f"{line} (reason: {one_line(link['reason'])})" if link["reason"] else line


def _context_section(context: StructuredContext | None, text: str | None, longest: int | None) -> list[str]:
    lines = []
    if text and not (context is not None and is_summary(text, context)):
        lines.append(text if longest is None or len(text) <= longest else text[:longest] + "...")
    if context is not None:
        lines += context_lines(context)
    return lines or [NO_CONTEXT]


def _resolve_all(db: Database, prefixes: list[str]) -> tuple[list[str], list[str]]:
    """The full ids, each once, and the prefixes that no entry has; one that several share is an error."""
    found = resolve_all(db, prefixes)
    missing = [prefix for prefix, entry_id in found.items() if entry_id is None]
    if len(missing) == len(found):
        raise InvalidValueError(f"none of the entry_ids is known: {not_found(missing[0])}")
    return list(dict.fromkeys(entry_id for entry_id in found.values() if entry_id is not None)), missing


SEARCH = ToolSpec(
    name="rekall_search",
    description="Search the developer's knowledge base (bugs, patterns, decisions, pitfalls, configs, references). "
    "Call it before solving a problem or choosing a design: the answer may be there. Then rekall_show a hit.",
    arguments=SearchArguments,
    output=SearchOutput,
    handler=search,
    read_only=True,
    idempotent=True,
)

SHOW = ToolSpec(
    name="rekall_show",
    description="Read one entry whole: content, context, links. Call it for a search hit before relying on it.",
    arguments=ShowArguments,
    output=ShowOutput,
    handler=show,
    read_only=True,
    idempotent=True,
)

GET_CONTEXT = ToolSpec(
    name="rekall_get_context",
    description="Read the contexts of several entries at once (situation, solution, what failed, errors), "
    "to tell whether search hits fit the problem at hand.",
    arguments=GetContextArguments,
    output=GetContextOutput,
    handler=get_context,
    read_only=True,
    idempotent=True,
)
