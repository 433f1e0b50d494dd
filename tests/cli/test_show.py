"""`rekall show` outside a terminal."""

from __future__ import annotations

import json

import pytest
from support.command_line import CommandLine


def test_all_of_it(cli: CommandLine) -> None:
    """Fields, content, context and links are all there, with full ids."""
    context = {
        "situation": "It stood still",
        "solution": "It runs again",
        "what_failed": "Restarting it",
        "trigger_keywords": ["stall"],
        "error_messages": ["E1 timeout"],
        "files_modified": ["queue.py"],
    }
    entry_id = cli.json(
        "add", "bug", "Walrus", "-cj", json.dumps(context), "-t", "a", "-p", "zoo", "--content", "Line 1\nLine 2"
    )["id"]
    other = cli.add("Other")
    cli.ok("link", other, entry_id, "-t", "derived_from", "-r", "because")
    text = cli.ok("show", entry_id)
    for part in (
        "Title: Walrus",
        f"Id: {entry_id}",
        "Confidence: ★★☆☆☆ 2/5",
        "Project: zoo",
        "Tags: a",
        "Status: active",
        "\nLine 1\nLine 2\n",
        "Situation: It stood still",
        "What failed: Restarting it",
        "Keywords: stall",
        "Errors: E1 timeout",
        "Files: queue.py",
        f"← derived_from {other} Other (because)",
    ):
        assert part in text


def test_a_look_counts_as_an_access(cli: CommandLine) -> None:
    """Each look is one access, and shows the number before it."""
    entry_id = cli.add("Walrus")
    assert [cli.json("show", entry_id)["access_count"] for _ in range(3)] == [0, 1, 2]


@pytest.mark.fault(36)
def test_json_times_have_an_offset(cli: CommandLine) -> None:
    """Times in JSON say which zone they are in."""
    from datetime import datetime

    shown = cli.json("show", cli.add("Walrus"))
    assert datetime.fromisoformat(shown["created_at"]).tzinfo is not None


def test_replacement_is_named(cli: CommandLine) -> None:
    """An obsolete entry says what replaced it."""
    old, new = cli.add("Old"), cli.add("New")
    cli.ok("deprecate", old, "-r", new)
    text = cli.ok("show", old)
    assert "Status: obsolete" in text
    assert f"Superseded by: {new}" in text
