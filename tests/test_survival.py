"""Any entry survives: the store gives back what it was given, and MCP what an assistant said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from support.entries import contexts, entries, mcp_arguments
from support.mcp_client import Assistant, in_process

from rekall.config import get_config
from rekall.db import Database
from rekall.models import Entry, StructuredContext

# one base or server for all examples: each works on an entry of its own
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def db() -> Iterator[Database]:
    with Database(get_config().db_path) as opened:
        yield opened


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


@many
@given(entry=entries(), context=contexts())
def test_any_entry_survives_the_store(db: Database, entry: Entry, context: StructuredContext) -> None:
    """Every field, whatever text it holds, with its context; and once more after an update."""
    db.add(replace(entry), context=context)
    assert db.get(entry.id, update_access=False) == entry
    assert db.get_structured_context(entry.id) == context
    changed = replace(entry, title=f"{entry.title}!", content=entry.title, tags=[])
    db.update(changed)
    assert db.get(entry.id, update_access=False) == changed
    assert db.get_structured_context(entry.id) == context
    db.delete(entry.id)
    assert db.get(entry.id) is None


@many
@given(said=mcp_arguments())
def test_any_entry_survives_mcp(assistant: Assistant, said: dict[str, Any]) -> None:
    """What rekall_add takes, rekall_show gives back: trimmed where it says so, and otherwise to the character."""
    entry_id = assistant.call("rekall_add", **said).data["id"]
    shown = assistant.call("rekall_show", id=entry_id).data
    entry, context = shown["entry"], shown["context"]
    tags = sorted({tag.strip().lower() for tag in said.get("tags", [])} - {""})
    assert (entry["type"], entry["title"], entry["content"]) == (said["type"], said["title"], said["content"])
    assert (entry["tags"], entry["project"]) == (tags, said.get("project"))
    assert entry["confidence"] == said.get("confidence", 2)
    assert (context["situation"], context["solution"]) == (said["context"]["situation"], said["context"]["solution"])
    for part in ("what_failed", "conversation_excerpt", "files_modified", "error_messages"):
        assert context[part] == said["context"].get(part)
    assert set(context["trigger_keywords"]) == {word.strip().lower() for word in said["context"]["trigger_keywords"]}
    assistant.call("rekall_delete", id=entry_id, confirm=True)
