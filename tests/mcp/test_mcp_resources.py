"""Resources and prompts: what a person attaches or picks in their client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastmcp.exceptions import McpError
from support.mcp_client import Assistant, in_process

from rekall.config import get_config
from rekall.db import Database
from rekall.errors import DatabaseError
from rekall.mcp.resources import MOST_ENTRIES
from rekall.models import Entry, generate_ulid


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    with in_process() as connected:
        yield connected


def _accesses(entry_id: str) -> int:
    with Database(get_config().db_path) as db:
        entry = db.get(entry_id, update_access=False)
        assert entry is not None
        return entry.access_count


def test_the_templates_and_prompts_are_offered(assistant: Assistant) -> None:
    """By name, each with a sentence for the person who picks it."""
    templates = assistant.resource_templates()
    assert {one.uri_template for one in templates} == {"rekall://entry/{id}", "rekall://project/{project}"}
    assert {one.mime_type for one in templates} == {"text/markdown"}
    offered = {one.name: one for one in assistant.prompts()}
    assert set(offered) == {"consult_before_fix", "capture_after_fix"}
    required = {name: {one.name: one.required for one in prompt.arguments or ()} for name, prompt in offered.items()}
    assert required == {"consult_before_fix": {"problem": True}, "capture_after_fix": {"topic": False}}
    assert all(one.description for one in templates)
    assert all(one.description for one in offered.values())


def test_an_entry_is_read_whole(assistant: Assistant) -> None:
    """As rekall_show gives it, by any unique prefix, without counting an access."""
    entry_id = assistant.add("CORS fails in [Safari]", content="Send the origin.", tags=["cors"], project="shop")
    page = assistant.read(f"rekall://entry/{entry_id}")
    assert page == assistant.read(f"rekall://entry/{entry_id[:24]}")
    assert _accesses(entry_id) == 0
    assert page == assistant.call("rekall_show", id=entry_id).text
    assert "# CORS fails in [Safari]" in page
    assert "Situation: Safari refused the request" in page


def test_a_project_lists_its_active_entries(assistant: Assistant) -> None:
    """Newest first; obsolete ones and those of other projects are left out; any name works in an address."""
    one = assistant.add("One", project="web shop/ä")
    two = assistant.add("Two", project="web shop/ä")
    old = assistant.add("Old", project="web shop/ä")
    assistant.add("Elsewhere", project="web")
    assistant.call("rekall_deprecate", id=old)
    page = assistant.read("rekall://project/web%20shop%2F%C3%A4")
    assert [line.split("]")[0][3:] for line in page.splitlines() if line.startswith("- [")] == [two, one]
    assert "No active entries" in assistant.read("rekall://project/nobody")


def test_a_large_project_says_that_there_is_more() -> None:
    """The list is bounded, and says so."""
    with Database(get_config().db_path) as db:
        for number in range(MOST_ENTRIES + 1):
            db.add(Entry(generate_ulid(), f"Entry {number}", "bug", project="big"))
        with in_process(lambda: db) as assistant:
            page = assistant.read("rekall://project/big")
    assert page.count("- [") == MOST_ENTRIES
    assert "rekall_search" in page.splitlines()[-1]


def test_an_unknown_entry_is_one_clear_error(assistant: Assistant) -> None:
    """The text names the id and what to do."""
    with pytest.raises(McpError, match=r"01NOBODY.*rekall_search"):
        assistant.read("rekall://entry/01NOBODY")


def test_consulting_brings_the_best_hits(assistant: Assistant) -> None:
    """The prompt holds what a search finds, uncounted, and the problem word for word."""
    entry_id = assistant.add("CORS fails in Safari", content="Send the origin.")
    text = assistant.prompt("consult_before_fix", problem="cors {safari}")
    assert f"- [{entry_id}] bug: CORS fails in Safari" in text
    assert "The problem: cors {safari}" in text
    assert _accesses(entry_id) == 0
    assert "finds nothing" in assistant.prompt("consult_before_fix", problem="zebra")


def test_a_long_problem_is_searched_for_by_its_beginning(assistant: Assistant) -> None:
    """A log of megabytes that was pasted keeps nobody waiting, and stands in the prompt all the same."""
    assistant.add("Zebra crossing")
    filler = "word " * 2_000
    assert "Zebra crossing" in assistant.prompt("consult_before_fix", problem=f"zebra {filler}")
    text = assistant.prompt("consult_before_fix", problem=f"{filler} zebra")
    assert "finds nothing" in text
    assert "zebra" in text


def test_capturing_says_how(assistant: Assistant) -> None:
    """With the topic where one is given."""
    assert "learned about the {pool}," in assistant.prompt("capture_after_fix", topic="the {pool}")
    text = assistant.prompt("capture_after_fix")
    assert "learned, so" in text
    assert "rekall_add" in text


def test_a_base_that_cannot_be_opened_is_one_clear_error() -> None:
    """For a resource and a prompt as for a tool: the reason, and no traceback."""

    def refuse() -> Any:
        raise DatabaseError("the disk is on fire:\nuse another")

    with in_process(refuse) as assistant:
        for uri in ("rekall://entry/01A", "rekall://project/a"):
            with pytest.raises(McpError, match="the disk is on fire: use another"):
                assistant.read(uri)
        with pytest.raises(McpError, match="the disk is on fire: use another"):
            assistant.prompt("consult_before_fix", problem="x")
