"""Addresses on their way to becoming sources: the inbox, the staging area, and how far the imports have come."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

ContentType = Literal["documentation", "repository", "forum", "blog", "api", "paper", "other"]
ImportSource = Literal["realtime", "history_import"]

VALID_CONTENT_TYPES: tuple[str, ...] = get_args(ContentType)
VALID_IMPORT_SOURCES: tuple[str, ...] = get_args(ImportSource)

# what 0.3 leaves of `["a", "b"]` when it splits it at the commas
_TORN = re.compile(r'\[?("(?:[^"\\]|\\.)*")\]?')


@dataclass
class InboxEntry:
    """An address as it was captured, with what surrounded it.

    Raises:
        ValueError: no url or no cli_source.
    """

    id: str
    url: str
    domain: str | None = None
    cli_source: str = ""
    project: str | None = None
    conversation_id: str | None = None
    user_query: str | None = None
    assistant_snippet: str | None = None
    surrounding_text: str | None = None
    captured_at: datetime = field(default_factory=datetime.now)
    import_source: str = "history_import"
    raw_json: str | None = None
    is_valid: bool = True
    validation_error: str | None = None
    enriched_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.url:
            raise ValueError("url is required")
        if not self.cli_source:
            raise ValueError("cli_source is required")


@dataclass
class StagingEntry:
    """A page with what is known of it: once for each address, however often it was captured.

    Args:
        projects_list: the names of the projects, a JSON array; see `read_list` and `write_list`.
        inbox_ids: the ids of the inbox entries merged into this page, a JSON array too.

    Raises:
        ValueError: no url, no domain, or an unknown content type.
    """

    id: str
    url: str
    domain: str
    title: str | None = None
    description: str | None = None
    content_type: str | None = None
    language: str | None = None
    last_verified: datetime | None = None
    is_accessible: bool = True
    http_status: int | None = None
    citation_count: int = 1
    project_count: int = 1
    projects_list: str | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    promotion_score: float = 0.0
    inbox_ids: str | None = None
    enriched_at: datetime | None = None
    promoted_at: datetime | None = None
    promoted_to: str | None = None

    def __post_init__(self) -> None:
        if not self.url:
            raise ValueError("url is required")
        if not self.domain:
            raise ValueError("domain is required")
        if self.content_type and self.content_type not in VALID_CONTENT_TYPES:
            raise ValueError(f"content_type must be one of {', '.join(VALID_CONTENT_TYPES)}, not '{self.content_type}'")


@dataclass
class ConnectorImport:
    """How far the import of one connector has come.

    Raises:
        ValueError: no connector.
    """

    connector: str
    last_import: datetime | None = None
    last_file_marker: str | None = None
    entries_imported: int = 0
    errors_count: int = 0

    def __post_init__(self) -> None:
        if not self.connector:
            raise ValueError("connector is required")


def read_list(text: str | None) -> list[str]:
    """The texts of `StagingEntry.projects_list` or `inbox_ids`, each once, blank ones dropped.

    Rekall 0.3 joined them by commas, and what it adds to a JSON array comes after a comma behind it: both are read.
    """
    try:
        items = json.loads(text or "[]")
    except ValueError:
        items = None
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        items = [_whole(piece.strip()) for piece in (text or "").split(",")]
    return list(dict.fromkeys(item for item in items if item.strip()))


def write_list(items: Iterable[str]) -> str:
    """The text of `StagingEntry.projects_list` or `inbox_ids`: a JSON array."""
    return json.dumps(list(items))


def _whole(piece: str) -> str:
    torn = _TORN.fullmatch(piece)
    if torn is None:
        return "" if piece == "[]" else piece
    try:
        return str(json.loads(torn[1]))
    except ValueError:
        return piece
