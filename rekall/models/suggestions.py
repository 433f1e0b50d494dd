"""What Rekall proposes, and the searches of sources that a person saved."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

SuggestionType = Literal["link", "generalize"]
SuggestionStatus = Literal["pending", "accepted", "rejected"]

VALID_SUGGESTION_TYPES: tuple[str, ...] = get_args(SuggestionType)
VALID_SUGGESTION_STATUSES: tuple[str, ...] = get_args(SuggestionStatus)


@dataclass
class Suggestion:
    """A proposal to link two entries, or to generalize three or more.

    Args:
        score: how sure, 0 to 1.

    Raises:
        ValueError: unknown type or status, a score out of range, or the wrong number of entries for the type.
    """

    id: str
    suggestion_type: SuggestionType
    entry_ids: list[str]
    score: float
    reason: str = ""
    status: SuggestionStatus = "pending"
    created_at: datetime = field(default_factory=datetime.now)
    resolved_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.suggestion_type not in VALID_SUGGESTION_TYPES:
            raise ValueError(
                f"invalid suggestion_type '{self.suggestion_type}': use one of {', '.join(VALID_SUGGESTION_TYPES)}"
            )
        if self.status not in VALID_SUGGESTION_STATUSES:
            raise ValueError(f"invalid status '{self.status}': use one of {', '.join(VALID_SUGGESTION_STATUSES)}")
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must be 0.0-1.0, not {self.score}")
        if self.suggestion_type == "link" and len(self.entry_ids) != 2:
            raise ValueError(f"a link suggestion needs exactly 2 entry ids, not {len(self.entry_ids)}")
        if self.suggestion_type == "generalize" and len(self.entry_ids) < 3:
            raise ValueError(f"a generalize suggestion needs 3+ entry ids, not {len(self.entry_ids)}")

    def entry_ids_json(self) -> str:
        """The ids as a JSON array, in their order."""
        return json.dumps(self.entry_ids)

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Suggestion:
        """The suggestion of a row, whose entry_ids is a JSON text and whose times are ISO texts."""
        resolved = row["resolved_at"]
        return cls(
            id=row["id"],
            suggestion_type=row["suggestion_type"],
            entry_ids=json.loads(row["entry_ids"]),
            score=row["score"],
            reason=row["reason"] or "",
            status=row["status"],
            created_at=datetime.fromisoformat(row["created_at"]),
            resolved_at=datetime.fromisoformat(resolved) if resolved else None,
        )


@dataclass
class SavedFilter:
    """A search of sources under a name.

    Raises:
        ValueError: the name is made of blanks.
    """

    id: int | None = None
    name: str = ""
    filter_json: str = "{}"
    created_at: datetime = field(default_factory=datetime.now)

    def __post_init__(self) -> None:
        if self.name and not self.name.strip():
            raise ValueError("name cannot be empty")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SavedFilter:
        """The filter that a dict describes.

        Raises:
            KeyError: name or filter_json is missing.
        """
        created = data.get("created_at")
        return cls(
            id=data.get("id"),
            name=data["name"],
            filter_json=data["filter_json"],
            created_at=datetime.fromisoformat(created) if isinstance(created, str) else created or datetime.now(),
        )

    def get_filters(self) -> dict[str, Any]:
        """The arguments of `Database.search_sources_advanced` that the JSON text holds."""
        filters: dict[str, Any] = json.loads(self.filter_json)
        return filters
