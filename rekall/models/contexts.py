"""The circumstances of an entry."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ContextExtractionMethod = Literal["manual", "auto", "hybrid"]

MIN_CONTEXT_TEXT = 5
"""Characters, after trimming, that the situation and the solution of a structured context need."""
_OPTIONAL_TEXTS = ("what_failed", "conversation_excerpt", "time_of_day", "day_of_week", "extraction_method")
_OPTIONAL_LISTS = ("files_modified", "error_messages")


@dataclass
class StructuredContext:
    """The circumstances of an entry: what was going on, what solved it, and the words that should bring it back.

    Raises:
        ValueError: situation or solution under 5 characters (trimmed), or no trigger keyword.
    """

    situation: str
    solution: str
    trigger_keywords: list[str]
    what_failed: str | None = None
    conversation_excerpt: str | None = None
    files_modified: list[str] | None = None
    error_messages: list[str] | None = None
    time_of_day: str | None = None
    day_of_week: str | None = None
    created_at: datetime = field(default_factory=datetime.now)
    extraction_method: ContextExtractionMethod = "manual"

    def __post_init__(self) -> None:
        for name, text in (("situation", self.situation), ("solution", self.solution)):
            if len(text.strip()) < MIN_CONTEXT_TEXT:
                raise ValueError(f"{name} must be at least {MIN_CONTEXT_TEXT} characters")
        if not self.trigger_keywords:
            raise ValueError("give at least 1 trigger keyword")
        self.trigger_keywords = [word for word in (raw.strip().lower() for raw in self.trigger_keywords) if word]
        if not self.trigger_keywords:
            raise ValueError("give at least 1 non-empty trigger keyword")

    def to_dict(self) -> dict[str, Any]:
        """The eleven keys of the stored JSON, in its order."""
        return {
            "situation": self.situation,
            "solution": self.solution,
            "trigger_keywords": self.trigger_keywords,
            "what_failed": self.what_failed,
            "conversation_excerpt": self.conversation_excerpt,
            "files_modified": self.files_modified,
            "error_messages": self.error_messages,
            "time_of_day": self.time_of_day,
            "day_of_week": self.day_of_week,
            "created_at": self.created_at.isoformat(),
            "extraction_method": self.extraction_method,
        }

    def to_json(self) -> str:
        """The stored JSON text; non-ASCII characters are escaped."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StructuredContext:
        """The context that a dict describes; unknown keys are ignored.

        Raises:
            KeyError: situation, solution or trigger_keywords is missing.
            ValueError: see the class; or an optional key is neither null nor what the class says.
        """
        for name in _OPTIONAL_TEXTS:
            if not isinstance(data.get(name), (str, type(None))):
                raise ValueError(f"{name} must be a text")
        for name in _OPTIONAL_LISTS:
            value = data.get(name)
            if value is not None and not (isinstance(value, list) and all(isinstance(part, str) for part in value)):
                raise ValueError(f"{name} must be a list of texts")
        created = data.get("created_at")
        return cls(
            situation=data["situation"],
            solution=data["solution"],
            trigger_keywords=data["trigger_keywords"],
            what_failed=data.get("what_failed"),
            conversation_excerpt=data.get("conversation_excerpt"),
            files_modified=data.get("files_modified"),
            error_messages=data.get("error_messages"),
            time_of_day=data.get("time_of_day"),
            day_of_week=data.get("day_of_week"),
            created_at=datetime.fromisoformat(created) if created else datetime.now(),
            extraction_method=data.get("extraction_method", "manual"),
        )

    @classmethod
    def from_json(cls, data: str | dict[str, Any]) -> StructuredContext:
        """The context in a JSON text, or in the dict it was read to; raises as `from_dict`, and on malformed JSON."""
        return cls.from_dict(json.loads(data) if isinstance(data, str) else data)
