"""rekall_stale and rekall_suggest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from support.mcp_client import Assistant, in_process

from rekall.config import get_config
from rekall.db import Database
from rekall.models import Entry, StructuredContext, Suggestion, generate_ulid


@pytest.fixture
def db() -> Iterator[Database]:
    with Database(get_config().db_path) as opened:
        yield opened


@pytest.fixture
def assistant(db: Database) -> Iterator[Assistant]:
    with in_process(lambda: db) as connected:
        yield connected


def _entry(db: Database, title: str, *keywords: str, days: int = 0) -> Entry:
    entry = Entry(generate_ulid(), title, "bug", tags=["web"], last_accessed=datetime.now() - timedelta(days=days))
    context = StructuredContext("Some situation", "Some solution", list(keywords)) if keywords else None
    db.add(entry, context=context)
    return entry


def test_stale_lists_the_longest_unasked_first(db: Database, assistant: Assistant) -> None:
    """After 90 days unless told otherwise, in the shape of 0.3; asking counts no access."""
    old, older, lately = (_entry(db, f"Entry of {days}", days=days) for days in (100, 200, 50))
    reply = assistant.call("rekall_stale")
    assert [one["id"] for one in reply.data["entries"]] == [older.id, old.id]
    assert (reply.data["days"], reply.data["total_count"]) == (90, 2)
    lines = reply.text.splitlines()
    assert "90 days" in lines[0]
    assert lines[2:4] == [
        f"- [{older.id[:12]}...] Entry of 200",
        f"  Type: bug | Last accessed: {older.last_accessed:%Y-%m-%d}",
    ]
    assert "Total: 2" in lines
    assert [one["id"] for one in assistant.call("rekall_stale", days=30, limit=1).data["entries"]] == [older.id]
    assert len(assistant.call("rekall_stale", days=30).data["entries"]) == 3
    assert assistant.call("rekall_stale", limit=0).data["entries"] == []
    shown = db.get(lately.id, update_access=False)
    assert shown is not None
    assert shown.access_count == 0


def test_nothing_stale_is_one_sentence(assistant: Assistant) -> None:
    """No list, and no error."""
    reply = assistant.call("rekall_stale", days=7)
    assert "\n" not in reply.text
    assert "7 days" in reply.text


def test_suggest_lists_what_is_pending(db: Database, assistant: Assistant) -> None:
    """With both titles; decided ones are left out; a deleted entry is said to be gone."""
    one, two, three = (_entry(db, f"Title {number} " + "x" * 40) for number in range(3))
    link = Suggestion(generate_ulid(), "link", [one.id, two.id], 0.876, "same\nerror")
    merge = Suggestion(generate_ulid(), "generalize", [one.id, two.id, three.id], 0.5)
    done = Suggestion(generate_ulid(), "link", [one.id, three.id], 0.9, status="rejected")
    for suggestion in (link, merge, done):
        db.add_suggestion(suggestion)
    db.delete(two.id)
    reply = assistant.call("rekall_suggest")
    assert {found["id"] for found in reply.data["suggestions"]} == {link.id, merge.id}
    (found,) = assistant.call("rekall_suggest", type="link").data["suggestions"]
    assert found["entries"] == [{"id": one.id, "title": one.title}, {"id": two.id, "title": None}]
    assert f"- [{link.id}] link (88%)\n  Entries: {one.id[:8]}...: {one.title[:30]}" in reply.text
    assert f"{two.id[:8]}...: [deleted]" in reply.text
    assert "  Reason: same error" in reply.text
    assert len(assistant.call("rekall_suggest", limit=1).data["suggestions"]) == 1


def test_suggest_finds_entries_that_could_be_one(db: Database, assistant: Assistant) -> None:
    """Groups with two keywords in common, unless links alone are wanted, or the group is declined as in 0.3."""
    one, two = (_entry(db, f"Fix {number} of the proxy", "nginx", "proxy", "timeout") for number in range(2))
    _entry(db, "Alone", "zebra")
    (cluster,) = assistant.call("rekall_suggest").data["clusters"]
    assert {entry["id"] for entry in cluster["entries"]} == {one.id, two.id}
    assert set(cluster["keywords"]) == {"nginx", "proxy", "timeout"}
    text = assistant.call("rekall_suggest", type="generalize").text
    assert f"- Cluster 1 ({cluster['score']:.0%}): {cluster['suggested_title'][:40]}" in text
    assert "Entries (2): Fix" in text
    assert "rekall_generalize" in text
    assert assistant.call("rekall_suggest", type="link").data["clusters"] == []
    assert assistant.call("rekall_suggest", include_consolidation=False).data["clusters"] == []


def test_nothing_to_suggest_is_one_sentence(assistant: Assistant) -> None:
    """No list, and no error."""
    reply = assistant.call("rekall_suggest")
    assert "\n" not in reply.text
    assert reply.data == {"suggestions": [], "clusters": []}
