"""The structured content of rekall_add: one shape for an entry stored at once, one for each step of a capture."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, RootModel

from rekall.conversation import CaptureCode
from rekall.models import ContextExtractionMethod, EntryType
from rekall.temporal import DayOfWeek, TimeOfDay
from rekall.transcript.models import Role


class NearEntry(BaseModel):
    """An entry whose vector is similar to that of a new one; `score` is 0 to 1."""

    id: str
    title: str
    score: float


class StoredEntry(BaseModel):
    """An entry stored at once; `files_note` tells why git gave no files, or not all.

    `similar` are entries that are like it; `vector_note` tells why it has no vector though the user wants one.
    """

    id: str
    type: EntryType
    title: str
    tags: list[str]
    project: str | None
    context: Literal["structured", "text", "none"]
    trigger_keywords: list[str]
    keywords_extracted: bool
    files_modified: list[str]
    files_note: str | None
    similar: list[NearEntry]
    vector_note: str | None


class Candidate(BaseModel):
    """A message offered for the excerpt, its content cut; `index` counts in the whole transcript."""

    role: Role
    content: str
    timestamp: str | None
    index: int


class CandidatesReady(BaseModel):
    """What the first step answers; `skipped` counts records of the transcript that could not be read."""

    status: Literal["candidates_ready"]
    session_id: str
    total_exchanges: int
    candidates: list[Candidate]
    skipped: int
    instruction: str


class TemporalSummary(BaseModel):
    """When the entry was captured."""

    time_of_day: TimeOfDay
    day_of_week: DayOfWeek


class ContextSummary(BaseModel):
    """What the context of a captured entry holds."""

    conversation_captured: bool
    exchanges_selected: int
    files_detected: int
    files_note: str | None
    temporal_markers: TemporalSummary
    extraction_method: ContextExtractionMethod


class CapturedEntry(BaseModel):
    """What the second step answers."""

    status: Literal["success"]
    entry_id: str
    title: str
    context_summary: ContextSummary


class CapturedAmongOthers(CapturedEntry):
    """The same where the user wants searches by meaning; see `StoredEntry`."""

    similar: list[NearEntry]
    vector_note: str | None


class CaptureRefused(BaseModel):
    """What a step answers, as an error, when it stores nothing."""

    status: Literal["error"]
    error_code: CaptureCode
    message: str
    suggestion: str


class AddOutput(RootModel[StoredEntry | CandidatesReady | CapturedAmongOthers | CapturedEntry | CaptureRefused]):
    """Output of rekall_add."""

    model_config = ConfigDict(json_schema_extra={"type": "object"})
