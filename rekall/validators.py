"""Checks of data from outside as pydantic models: `ValidationError` says what is wrong where.

Nothing of Rekall's own start-up imports this module; the command line and the MCP tools check in `rekall.capture`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, field_validator

from rekall.constants import (
    MAX_CONTENT_LENGTH,
    MAX_PROJECT_LENGTH,
    MAX_TAG_LENGTH,
    MAX_TAGS_COUNT,
    MAX_TITLE_LENGTH,
)
from rekall.models import VALID_TYPES

__all__ = [
    "MAX_CONTENT_LENGTH",
    "MAX_ENTRIES_COUNT",
    "MAX_INTEGRATIONS",
    "MAX_TAGS_COUNT",
    "MAX_TAG_LENGTH",
    "MAX_TITLE_LENGTH",
    "ArchiveEntryValidator",
    "ArchiveMetadataValidator",
    "ArchiveValidator",
    "ConfigValidator",
    "EntryValidator",
    "validate_archive_entry",
    "validate_entry",
]

MAX_ENTRIES_COUNT = 100_000
MAX_INTEGRATIONS = 10


class EntryValidator(BaseModel):
    """What a person enters; `note` is a type here, though entries of that type cannot be stored."""

    title: str = Field(min_length=1, max_length=MAX_TITLE_LENGTH)
    content: str = Field(default="", max_length=MAX_CONTENT_LENGTH)
    tags: list[str] = Field(default_factory=list, max_length=MAX_TAGS_COUNT)
    entry_type: str = Field(default="note", pattern=f"^({'|'.join(VALID_TYPES)}|note)$")
    confidence: int = Field(default=2, ge=0, le=5)
    project: str | None = Field(default=None, max_length=MAX_PROJECT_LENGTH)

    @field_validator("title")
    @classmethod
    def _trimmed(cls, title: str) -> str:
        if not (title := title.strip()):
            raise ValueError("Title cannot be empty")
        return title

    @field_validator("tags")
    @classmethod
    def _cleaned(cls, tags: list[str]) -> list[str]:
        cleaned = [tag for tag in (raw.strip().lower() for raw in tags) if tag]
        for tag in cleaned:
            if len(tag) > MAX_TAG_LENGTH:
                raise ValueError(f"Tag too long: {tag[:20]}... has {len(tag)} characters, {MAX_TAG_LENGTH} at most")
        return cleaned


class ConfigValidator(BaseModel):
    """Settings."""

    db_path: str | None = None
    active_integrations: list[str] = Field(default_factory=list, max_length=MAX_INTEGRATIONS)
    embeddings_provider: str | None = Field(default=None, max_length=50)
    language: str = Field(default="en", pattern=r"^[a-z]{2}(-[A-Z]{2})?$")


class ArchiveMetadataValidator(BaseModel):
    """The head of an archive."""

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    created_at: datetime
    entry_count: int = Field(ge=0, le=MAX_ENTRIES_COUNT)
    checksum: str | None = Field(default=None, max_length=64)


class ArchiveEntryValidator(BaseModel):
    """An entry of an archive; its dates are text."""

    id: str = Field(max_length=36)
    title: str = Field(max_length=MAX_TITLE_LENGTH)
    content: str = Field(max_length=MAX_CONTENT_LENGTH)
    tags: list[str] = Field(default_factory=list, max_length=MAX_TAGS_COUNT)
    entry_type: str = "note"
    confidence: int = Field(default=2, ge=0, le=5)
    project: str | None = None
    created_at: str
    updated_at: str | None = None


class ArchiveValidator(BaseModel):
    """An archive."""

    metadata: ArchiveMetadataValidator
    entries: list[ArchiveEntryValidator] = Field(default_factory=list, max_length=MAX_ENTRIES_COUNT)


def validate_entry(data: dict[str, Any]) -> EntryValidator:
    """What a person enters, cleaned.

    Raises:
        ValidationError: (a ValueError) each value that is refused, with its place.
    """
    return EntryValidator.model_validate(data)


def validate_archive_entry(data: dict[str, Any]) -> ArchiveEntryValidator:
    """An entry of an archive, checked.

    Raises:
        ValidationError: (a ValueError) each value that is refused, with its place.
    """
    return ArchiveEntryValidator.model_validate(data)
