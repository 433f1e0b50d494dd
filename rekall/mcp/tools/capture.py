"""rekall_add: capturing an entry with the context that should bring it back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from rekall import config as configuration
from rekall.capture import check_text, context_from_dict, new_entry
from rekall.context_extractor import extract_keywords
from rekall.errors import InvalidValueError
from rekall.mcp.outputs import AddOutput
from rekall.mcp.spec import OBJECT_TAG, TEXT_TAG, Answer, Arguments, OpenDatabase, ToolSpec
from rekall.mcp.text import one_line, summary
from rekall.models import Entry, EntryType, StructuredContext
from rekall.temporal import DayOfWeek, TimeOfDay, get_temporal_markers

EXTRACTED_KEYWORDS = 5
"""Trigger keywords taken from the texts when none is given."""


class ContextArguments(BaseModel):
    """The context of rekall_add, given as an object."""

    model_config = ConfigDict(extra="ignore")

    situation: str = Field(description="What was going on")
    solution: str = Field(description="What solved it, or was decided")
    trigger_keywords: list[str] | None = Field(None, description="Words that should bring it back; else extracted")
    what_failed: str | None = Field(None, description="What was tried in vain")
    conversation_excerpt: str | None = None
    files_modified: list[str] | None = None
    error_messages: list[str] | None = None
    time_of_day: TimeOfDay | None = None
    day_of_week: DayOfWeek | None = None


def _kind_of_context(value: Any) -> str:
    return TEXT_TAG if isinstance(value, str) else OBJECT_TAG


class AddArguments(Arguments):
    """Arguments of rekall_add."""

    type: EntryType
    title: str = Field(description="One line, 500 characters at most")
    content: str | None = Field(None, description="Markdown: cause, fix, code, links")
    context: (
        Annotated[
            Annotated[ContextArguments, Tag(OBJECT_TAG)] | Annotated[str, Tag(TEXT_TAG)],
            Discriminator(_kind_of_context),
        ]
        | None
    ) = Field(None, description="How it came about: an object, or plain text. Needed unless the settings say otherwise")
    tags: list[str] | None = None
    project: str | None = None
    confidence: int = Field(2, ge=0, le=5, description="0 guess to 5 proven")
    auto_capture_conversation: bool = False
    auto_detect_files: bool = False
    conversation_excerpt_indices: list[int] | None = None
    transcript_path: str | None = Field(None, alias="_transcript_path")
    transcript_format: Literal["claude-jsonl", "cline-json", "continue-json", "raw-json"] | None = Field(
        None, alias="_transcript_format"
    )
    cwd: str | None = Field(None, alias="_cwd")
    session_id: str | None = Field(None, alias="_session_id")


_CAPTURE = (
    "auto_capture_conversation",
    "auto_detect_files",
    "conversation_excerpt_indices",
    "transcript_path",
    "transcript_format",
    "cwd",
    "session_id",
)


def add(open_database: OpenDatabase, args: AddArguments) -> Answer:
    """Store an entry and its context, all or nothing."""
    _refuse_capture(args)
    entry = new_entry(
        args.type,
        args.title,
        content=args.content or "",
        tags=args.tags or (),
        project=args.project,
        confidence=args.confidence,
    )
    lines = [f"Entry added: {entry.id}", f"Type: {entry.type}", f"Title: {one_line(entry.title)}"]
    keywords: list[str] = []
    extracted, kind = False, "none"
    if isinstance(args.context, ContextArguments):
        context, extracted = _structured(args.context, entry)
        open_database().add(entry, context=context, context_text=summary(context))
        kind, keywords = "structured", context.trigger_keywords
        if extracted:
            lines.append(f"Structured context stored, keywords extracted: {', '.join(keywords[:3])}")
        else:
            lines.append(f"Structured context stored, {len(keywords)} keyword{'' if len(keywords) == 1 else 's'}")
    elif args.context and args.context.strip():
        open_database().add(entry, context_text=check_text("context", args.context))
        kind = "text"
        lines.append("Context stored as text")
    else:
        lines += _without_context()
        open_database().add(entry)
    structured = {
        "id": entry.id,
        "type": entry.type,
        "title": entry.title,
        "tags": sorted(entry.tags),
        "project": entry.project,
        "context": kind,
        "trigger_keywords": keywords,
        "keywords_extracted": extracted,
    }
    return Answer("\n".join(lines), structured)


def _refuse_capture(args: AddArguments) -> None:
    fields = AddArguments.model_fields
    used = [fields[name].alias or name for name in _CAPTURE if getattr(args, name)]
    if used:
        raise InvalidValueError(
            f"conversation capture is not available yet: leave out {', '.join(used)} and give the context yourself; "
            "nothing was stored"
        )


def _structured(given: ContextArguments, entry: Entry) -> tuple[StructuredContext, bool]:
    """The context with what it lacks: keywords from the texts, the time from the clock; and whether keywords were."""
    data = given.model_dump(exclude_none=True)
    markers = get_temporal_markers(given.time_of_day, given.day_of_week)
    data |= {"time_of_day": markers.time_of_day, "day_of_week": markers.day_of_week}
    extracted = not any(word.strip() for word in given.trigger_keywords or ())
    if extracted:
        texts = " ".join((entry.content, given.situation, given.solution))
        data["trigger_keywords"] = extract_keywords(entry.title, texts, max_keywords=EXTRACTED_KEYWORDS)
    context = context_from_dict(data)
    return (replace(context, extraction_method="auto") if extracted else context), extracted


def _without_context() -> list[str]:
    mode = configuration.get_config().smart_embeddings_context_mode
    if mode == "required":
        raise InvalidValueError(
            'a context is required: give {"situation": "...", "solution": "..."} or plain text as context '
            "(or set context_mode in config.toml); nothing was stored"
        )
    if mode == "recommended":
        return ["No context was given: with one the entry is easier to find again"]
    return []


ADD = ToolSpec(
    name="rekall_add",
    description="Capture what was learned: a fixed bug, a decision and its reasons, a pitfall, a pattern, a config, "
    "a reference. Call it when something was solved or decided that would cost time to find out again; "
    "search first, to avoid a duplicate.",
    arguments=AddArguments,
    output=AddOutput,
    handler=add,
)
