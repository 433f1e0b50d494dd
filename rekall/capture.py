"""From what a person or an assistant gives to what is stored: cleaned, checked, or refused with one clear line.

The command line and the MCP tools capture through here; programs that use `Database` directly are not restricted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from rekall import config
from rekall.constants import (
    MAX_CONTENT_LENGTH,
    MAX_PROJECT_LENGTH,
    MAX_TAG_LENGTH,
    MAX_TAGS_COUNT,
    MAX_TITLE_LENGTH,
)
from rekall.errors import InvalidValueError
from rekall.models import (
    VALID_MEMORY_TYPES,
    VALID_RELATION_TYPES,
    VALID_TYPES,
    Entry,
    EntryType,
    MemoryType,
    RelationType,
    StructuredContext,
    generate_ulid,
)

if TYPE_CHECKING:
    from rekall.store import OpenBase


def new_entry(
    entry_type: str,
    title: str,
    *,
    content: str = "",
    tags: Iterable[str] = (),
    project: str | None = None,
    confidence: int = 2,
    memory_type: str = "episodic",
) -> Entry:
    """A new entry with an id of its own, not yet stored.

    Raises:
        InvalidValueError: a value is not accepted; nothing was made.
    """
    if not 0 <= confidence <= 5:
        raise InvalidValueError(f"confidence {confidence} is out of range: give 0 to 5")
    return Entry(
        id=generate_ulid(),
        type=check_type(entry_type),
        title=check_title(title),
        content=check_content(content),
        tags=clean_tags(tags),
        project=check_project(project),
        confidence=confidence,
        memory_type=check_memory_type(memory_type),
    )


def store_vectors(db: OpenBase, entry_ids: Sequence[str]) -> str | None:
    """Store the vectors of entries that were just stored or changed, if `smart_embeddings.enabled` is set.

    Args:
        entry_ids: full ids.

    Returns:
        Why there are none, on one line that says what to do; None when all is well. The entries are safe all the same.
    """
    if not config.get_config().smart_embeddings_enabled:
        return None
    from rekall.embeddings.after_writing import embed_stored

    return embed_stored(db, entry_ids)


def check_type(entry_type: str) -> EntryType:
    """The type, if there is such a one."""
    return cast(EntryType, _one_of("type", entry_type, VALID_TYPES))


def check_memory_type(memory_type: str) -> MemoryType:
    """The memory type, if there is such a one."""
    return cast(MemoryType, _one_of("memory type", memory_type, VALID_MEMORY_TYPES))


def check_relation_type(relation_type: str) -> RelationType:
    """The relation type, if there is such a one."""
    return cast(RelationType, _one_of("relation type", relation_type, VALID_RELATION_TYPES))


def check_title(title: str) -> str:
    """The title, trimmed: 1 to 500 characters."""
    title = check_text("title", title).strip()
    if not title:
        raise InvalidValueError("the title is empty: give 1 to 500 characters")
    if len(title) > MAX_TITLE_LENGTH:
        raise InvalidValueError(
            f"the title has {len(title)} characters: {MAX_TITLE_LENGTH} at most; put the rest in the content"
        )
    return title


def check_content(content: str) -> str:
    """The content: a million characters at most."""
    if len(content) > MAX_CONTENT_LENGTH:
        raise InvalidValueError(f"the content has {len(content)} characters: {MAX_CONTENT_LENGTH} at most")
    return check_text("content", content)


def check_project(project: str | None) -> str | None:
    """The project, trimmed, None when empty: 100 characters at most."""
    project = check_text("project", project or "").strip()
    if len(project) > MAX_PROJECT_LENGTH:
        raise InvalidValueError(f"the project has {len(project)} characters: {MAX_PROJECT_LENGTH} at most")
    return project or None


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags trimmed, in lower case, without empty and repeated ones: 50 at most, 100 characters each."""
    cleaned = list(dict.fromkeys(tag for tag in (check_text("tag", raw).strip().lower() for raw in tags) if tag))
    if len(cleaned) > MAX_TAGS_COUNT:
        raise InvalidValueError(f"{len(cleaned)} tags are too many: {MAX_TAGS_COUNT} at most")
    for tag in cleaned:
        if len(tag) > MAX_TAG_LENGTH:
            raise InvalidValueError(f"the tag '{tag[:20]}...' has {len(tag)} characters: {MAX_TAG_LENGTH} at most")
    return cleaned


def check_text(name: str, text: str) -> str:
    """The text, if it can be stored as UTF-8 (an undecodable byte of the terminal cannot)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidValueError(f"the {name} is not UTF-8 text (position {error.start}): convert it first") from error
    return text


def context_from_json(text: str) -> StructuredContext:
    """The structured context in the JSON text that `rekall add --context-json` takes.

    Raises:
        InvalidValueError: malformed, or a part is missing, too short or of the wrong type.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError(f"the context is not JSON ({error}): give {CONTEXT_EXAMPLE}") from error
    return context_from_dict(data)


CONTEXT_EXAMPLE = '{"situation": "...", "solution": "...", "trigger_keywords": ["..."]}'
_TEXTS = ("situation", "solution", "what_failed", "conversation_excerpt", "time_of_day", "day_of_week")
_LISTS = ("trigger_keywords", "files_modified", "error_messages")


def context_from_dict(data: Any) -> StructuredContext:
    """The structured context that a dict of its keys describes; unknown keys are ignored.

    Raises:
        InvalidValueError: a part is missing, too short or of the wrong type.
    """
    if not isinstance(data, dict):
        raise InvalidValueError(f"the context is a {type(data).__name__}: give an object, {CONTEXT_EXAMPLE}")
    known: dict[str, Any] = {}
    for key in _TEXTS:
        value = data.get(key)
        if value is not None and not isinstance(value, str):
            raise InvalidValueError(f"{key} of the context is a {type(value).__name__}: give text")
        known[key] = None if value is None else check_text(key, value)
    for key in _LISTS:
        value = data.get(key)
        if value is not None and not (isinstance(value, list) and all(isinstance(part, str) for part in value)):
            raise InvalidValueError(f"{key} of the context is not a list of texts")
        known[key] = None if value is None else [check_text(key, part) for part in value]
    for key in ("situation", "solution", "trigger_keywords"):
        if not known[key]:
            raise InvalidValueError(f"the context has no {key}: give {CONTEXT_EXAMPLE}")
    try:
        return StructuredContext(**known)
    except ValueError as error:
        raise InvalidValueError(f"the context is refused: {error}") from error


def _one_of(name: str, value: str, accepted: Sequence[str]) -> str:
    if value in accepted:
        return value
    import difflib  # only after a typing error

    near = difflib.get_close_matches(value, accepted, 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise InvalidValueError(f"unknown {name} '{value}'{hint}: use one of {', '.join(accepted)}")
