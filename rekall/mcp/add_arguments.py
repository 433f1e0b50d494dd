"""The arguments of rekall_add, and what is stored of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from rekall.capture import context_from_dict, new_entry
from rekall.context_extractor import extract_keywords
from rekall.mcp.spec import OBJECT_TAG, TEXT_TAG, Arguments
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
    auto_capture_conversation: bool = Field(False, description="Step 1: offers the last messages of _transcript_path")
    auto_detect_files: bool = Field(False, description="Note the files changed in git at _cwd")
    conversation_excerpt_indices: list[int] | None = Field(
        None, description="Step 2, with _session_id: the messages to keep"
    )
    transcript_path: str | None = Field(None, alias="_transcript_path")
    transcript_format: Literal["claude-jsonl", "cline-json", "continue-json", "raw-json"] | None = Field(
        None, alias="_transcript_format"
    )
    cwd: str | None = Field(None, alias="_cwd")
    session_id: str | None = Field(None, alias="_session_id")


def entry_of(args: AddArguments) -> Entry:
    """The entry that the arguments describe, not yet stored.

    Raises:
        InvalidValueError: a value is not accepted.
    """
    return new_entry(
        args.type,
        args.title,
        content=args.content or "",
        tags=args.tags or (),
        project=args.project,
        confidence=args.confidence,
    )


def completed_context(given: ContextArguments, entry: Entry) -> StructuredContext:
    """The context with what it lacks: keywords from the texts (it is `auto` then), the time from the clock.

    Raises:
        InvalidValueError: a part is too short, or no word of the texts is a keyword.
    """
    data = given.model_dump(exclude_none=True)
    markers = get_temporal_markers(given.time_of_day, given.day_of_week)
    data |= {"time_of_day": markers.time_of_day, "day_of_week": markers.day_of_week}
    extracted = not any(word.strip() for word in given.trigger_keywords or ())
    if extracted:
        texts = " ".join((entry.content, given.situation, given.solution))
        data["trigger_keywords"] = extract_keywords(entry.title, texts, max_keywords=EXTRACTED_KEYWORDS)
    context = context_from_dict(data)
    return replace(context, extraction_method="auto") if extracted else context
