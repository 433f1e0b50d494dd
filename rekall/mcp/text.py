"""Pieces of the tools' text answers, in the shapes of Rekall 0.3."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rekall.models import StructuredContext

SNIPPET = 100
SHORT_ID = 12
NO_CONTEXT = "[no context stored]"


def one_line(text: str) -> str:
    """The text with each line break as a blank, so that it stays one line of a list."""
    return " ".join(text.splitlines())


def snippet(content: str) -> str:
    """The first 100 characters on one line, three dots when something was cut."""
    return one_line(content[:SNIPPET]) + ("..." if len(content) > SNIPPET else "")


def short_id(entry_id: str) -> str:
    """The first 12 characters and three dots; every tool takes a unique prefix."""
    return f"{entry_id[:SHORT_ID]}..."


def listed(words: Sequence[str]) -> str:
    """The words, or `none`."""
    return ", ".join(words) or "none"


def stars(confidence: int) -> str:
    """Five stars, as many filled as the confidence."""
    return "★" * confidence + "☆" * (5 - confidence)


def context_lines(context: StructuredContext) -> Iterable[str]:
    """A structured context, one line for each part that it has."""
    yield f"Situation: {context.situation}"
    yield f"Solution: {context.solution}"
    if context.what_failed:
        yield f"What failed: {context.what_failed}"
    yield f"Keywords: {', '.join(context.trigger_keywords)}"
    if context.error_messages:
        yield f"Errors: {'; '.join(context.error_messages)}"
    if context.files_modified:
        yield f"Files: {', '.join(context.files_modified)}"
    moment = " ".join(part for part in (context.day_of_week, context.time_of_day) if part)
    if moment:
        yield f"When: {moment}"
    if context.conversation_excerpt:
        yield f"Conversation: {context.conversation_excerpt}"


def is_summary(text: str, context: StructuredContext) -> bool:
    """Whether a free text is the two lines stored beside every structured context, and so adds nothing to it."""
    return text == summary(context)


def summary(context: StructuredContext) -> str:
    """The two lines stored as free text beside a structured context, where Rekall 0.3 reads them."""
    return f"{context.situation}\n{context.solution}"
